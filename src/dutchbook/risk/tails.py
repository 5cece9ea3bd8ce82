"""Quantiles and tail means of a discrete profit, with a normal one beside it or not.

Value at risk at level a is the a-quantile of the loss, inf {l: P(L <= l) >= a} (McNeil, Frey &
Embrechts 2015, def. 2.8). Expected shortfall is the mean of the worst 1 - a of the probability,
an atom that straddles the quantile counted in part (Acerbi & Tasche 2002, def. 2.6), so that it
is coherent for discrete losses also.
"""

from collections.abc import Sequence
from math import ceil, erfc, pi, sqrt
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from dutchbook.domain.units import ONE

Floats = npt.NDArray[np.float64]
Sums = tuple[npt.NDArray[np.int64], Floats]
"""(profits, ascending and all different; their probabilities)."""
SLACK: Final = 1e-12
"""Sums of floats that should be equal differ by less."""
FAR: Final = 40.0
"""Standard deviations beyond which a normal tail is nothing."""


class Tail(msgspec.Struct, frozen=True):
    """Value at risk and expected shortfall at a level (millionths); a profit is negative."""

    level: int
    var: int
    es: int


def merged(values: npt.NDArray[np.int64], weights: Floats) -> Sums:
    """Equal profits as one, ascending."""
    found, places = np.unique(values, return_inverse=True)
    summed: Floats = np.bincount(places.ravel(), weights, len(found)).astype(np.float64)
    return found, summed


def tails(profit: Sums, levels: Sequence[int], sigma: int = 0) -> tuple[Tail, ...]:
    """The tails of `profit` plus an independent normal one with mean 0 and deviation `sigma`.

    Raises ValueError for a level outside 0 to 1.
    """
    if not all(0 < level < ONE for level in levels):
        raise ValueError("a level lies between 0 and 1")
    read = _mixture if sigma else _discrete
    return tuple(read(profit, level, sigma) for level in levels)


def _discrete(profit: Sums, level: int, sigma: int) -> Tail:
    """The worst atoms, as many as fill the tail, the last in part."""
    values, weights = profit
    tail = (ONE - level) / ONE
    through = np.cumsum(weights)
    # The first atom with more than the tail at or below it: P(L <= l) >= level.
    at = min(int(np.searchsorted(through, tail + SLACK, side="right")), len(values) - 1)
    below = float(through[at - 1]) if at else 0.0
    worst = float(values[:at] @ weights[:at]) + float(values[at]) * max(0.0, tail - below)
    filled = max(tail, below)
    return Tail(level, -int(values[at]), -round(worst / filled))


def _mixture(profit: Sums, level: int, sigma: int) -> Tail:
    """A normal around every atom: the quantile by bisection, the tail's mean in closed form.

    E[X; X <= q] of N(m, s) is m Phi(z) - s phi(z) with z = (q - m) / s.
    """
    values, weights = profit
    tail = (ONE - level) / ONE
    low, high = int(values[0]) - ceil(FAR * sigma), int(values[-1]) + ceil(FAR * sigma)
    while high - low > 1:  # P(X <= low) <= tail < P(X <= high)
        middle = (low + high) // 2
        if float(weights @ _phi((middle - values) / sigma)) <= tail:
            low = middle
        else:
            high = middle
    z = (high - values) / sigma
    density = np.exp(-np.minimum(z * z, FAR**2) / 2) / sqrt(2 * pi)
    through = float(weights @ _phi(z))
    below = float((weights * values) @ _phi(z)) - sigma * float(weights @ density)
    below -= high * (through - tail)  # the quantile is between two millionths
    return Tail(level, -high, -round(below / tail))


def _phi(z: npt.NDArray[np.float64]) -> Floats:
    """The normal distribution function, computed only where it is neither 0 nor 1."""
    found: Floats = (z > 0).astype(np.float64)
    near = np.abs(z) < FAR / 4
    found[near] = [erfc(-x / sqrt(2)) / 2 for x in z[near].tolist()]
    return found
