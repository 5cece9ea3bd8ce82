"""What a portfolio costs, pays at worst, and could pay at most, in whole numbers only."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from dutchbook.domain.candidate import Outcome
from dutchbook.domain.fees import order_total
from dutchbook.domain.instrument import FeeSchedule
from dutchbook.domain.units import ONE, Px, Qty, Usd
from dutchbook.optimize.logic import States
from dutchbook.optimize.settle import taken

Levels = tuple[tuple[Px, Qty], ...]
Bought = Mapping[tuple[str, Outcome], int]
SIDES: tuple[Outcome, Outcome] = ("yes", "no")


class Market(msgspec.Struct, frozen=True):
    """A market's offers of both outcomes, cheapest first, and the venue's least order."""

    key: str
    yes: Levels
    no: Levels
    fees: FeeSchedule
    lot: Qty = Qty(10_000)
    size_min: Qty = Qty(0)
    cost_min: Usd = Usd(0)

    def offers(self, outcome: Outcome) -> Levels:
        return self.yes if outcome == "yes" else self.no


def fills(market: Market, outcome: Outcome, qty: int) -> list[tuple[int, int]]:
    """(price, size) of what an order of this size buys."""
    return taken(market.offers(outcome), 0, qty)


def capital(markets: Mapping[str, Market], bought: Bought) -> int:
    """What leaves the accounts, order by order, fees and their rounding included."""
    return sum(
        order_total(markets[key].fees, fills(markets[key], outcome, qty))
        for (key, outcome), qty in bought.items()
        if qty
    )


def worst(keys: Sequence[str], states: States, bought: Bought) -> tuple[int, int]:
    """(the least that these contracts pay over the states, the number of such a state)."""
    yes = np.array([bought.get((key, "yes"), 0) for key in keys], np.int64)
    no = np.array([bought.get((key, "no"), 0) for key in keys], np.int64)
    paid = states @ (yes - no)
    at = int(paid.argmin())
    return int(paid[at]) + int(no.sum()), at


def sound(market: Market, outcome: Outcome, qty: int) -> bool:
    """Whether the venue takes an order of this size."""
    spent = sum(px * size for px, size in fills(market, outcome, qty)) // ONE
    return qty >= market.size_min and spent >= market.cost_min


def unit(fees: FeeSchedule, px: int) -> int:
    """What a contract costs at least, in millionths of a millionth: the fee is rounded down."""
    if fees.kind == "none":
        return px * ONE
    exponent = fees.exponent if fees.kind == "polymarket" else 1
    spread: int = (px * (ONE - px)) ** exponent
    return px * ONE + fees.taker * spread // int(ONE ** (2 * exponent - 1))


def ceiling(
    markets: Mapping[str, Market],
    prices: Mapping[str, tuple[int, int]],
    dear: int = 0,
    cap: int = 0,
) -> int:
    """No portfolio's worst case earns more than this, if `prices` are means over end states.

    A price is (numerator, denominator). The worst case is at most the mean, and the mean of what
    a contract earns is its price less its cost, so that only offers below it count. `dear` is the
    worth of another dollar of capital, in millionths, where there are only `cap` of them.
    """
    total = dear * cap
    for key, market in markets.items():
        top, bottom = prices[key]
        for outcome in SIDES:
            mean = top if outcome == "yes" else bottom - top
            for px, qty in market.offers(outcome):
                costs = unit(market.fees, px) * (ONE + dear)
                each = mean * ONE * ONE * ONE - costs * bottom
                bottom_all = bottom * ONE * ONE
                gain = -(-each * qty // bottom_all)
                if market.fees.kind == "polymarket":
                    # A fee's rounding may be half a unit in our favour, also of a single lot.
                    gain = max(gain, -(-each * min(market.lot, qty) // bottom_all)) + 5 * ONE
                total += max(gain, 0)
    return -(-total // ONE)
