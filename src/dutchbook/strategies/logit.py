"""Avellaneda-Stoikov in log odds: a reservation price and a spread that stay between 0 and 1.

M. Avellaneda and S. Stoikov, "High-frequency trading in a limit order book" (2008): with
inventory q, risk aversion g, variance s2 and time t left, the reservation price is x - q g s2 t and
the half spread g s2 t / 2 + ln(1 + g / k) / g. Here x is the log odds of the fair value, since a
price that ends at 0 or 1 moves less the nearer it is to either. Floats live only in here: a price
comes back in whole millionths, cut at the ninth digit of the probability before it is rounded, so
that the last bits of a float decide nothing.
"""

import math
from typing import Final

from dutchbook.domain.units import ONE

NINE: Final = 1_000_000_000
EDGE: Final = 1_000
"""Log odds are taken no nearer to 0 or 1 than this many millionths."""


def logit(px: int) -> float:
    """Log odds of a price."""
    p = min(ONE - EDGE, max(EDGE, px)) / ONE
    return math.log(p / (1.0 - p))


def price(x: float) -> int:
    """The price of log odds, in whole millionths."""
    p = 1.0 / (1.0 + math.exp(-min(30.0, max(-30.0, x))))
    return round(p * NINE) // (NINE // ONE)


def quotes(
    fair: int, held: float, variance: float, hours: float, aversion: float, decay: float
) -> tuple[int, int]:
    """(bid, ask) in millionths, not on the grid. `held`: inventory in quotes; variance an hour."""
    risk = aversion * variance * hours
    centre = logit(fair) - held * risk
    half = risk / 2 + math.log1p(aversion / decay) / aversion
    return price(centre - half), price(centre + half)
