"""Which slot of a ladder a price has: grids of a market compiled into one lookup."""

from functools import lru_cache
from math import gcd
from typing import Final

from dutchbook.domain.errors import DutchbookError
from dutchbook.domain.instrument import Band
from dutchbook.domain.units import ONE

STEPS: Final = (10_000, 1_000, 100)
"""Tick classes, coarsest first: 101, 1001 and 10001 slots from $0 to $1."""
BANDS_MAX: Final = 128


class BookFault(DutchbookError):
    """A change that no book allows; nothing was changed.

    `what` is one of: unknown, off_grid, negative, absent, below_zero, too_large, too_many,
    duplicate, grid, refused (a line of a bulk tape). `detail` names market, side, price and size.
    """

    def __init__(self, what: str, detail: str) -> None:
        super().__init__(what, why=detail)
        self.detail = detail


def widen(grids: tuple[Band, ...], grid: tuple[Band, ...]) -> tuple[Band, ...]:
    """The bands of a market that had `grids` and now has `grid`.

    Earlier bands stay: levels that were placed under them rest, and come again in snapshots.
    """
    return grids + tuple(band for band in grid if band not in grids)


def tick_class(grid: tuple[Band, ...]) -> int:
    """Index into STEPS of the coarsest class that has a slot for every price of the grid.

    Raises BookFault("grid") for no band, a band that is no band, or steps under $0.0001.
    """
    if not 0 < len(grid) <= BANDS_MAX:
        raise BookFault("grid", f"{len(grid)} bands, expected 1 to {BANDS_MAX}")
    common = 0
    for band in grid:
        if not (0 <= band.start <= band.end <= ONE and band.step > 0):
            raise BookFault("grid", f"no band: {band.start} to {band.end} by {band.step}")
        common = gcd(common, band.start, band.step)
    for index, step in enumerate(STEPS):
        if common % step == 0:
            return index
    raise BookFault("grid", f"prices {common} millionths apart; the finest ladder has {STEPS[-1]}")


@lru_cache(maxsize=256)
def slots_of(grid: tuple[Band, ...]) -> dict[int, int]:
    """Price -> slot for every price that the grid allows ($0 and $1 are never prices).

    Shared between books and kept: read only.
    """
    step = STEPS[tick_class(grid)]
    prices = {
        px for band in grid for px in range(band.start, band.end + 1, band.step) if 0 < px < ONE
    }
    return {px: px // step for px in sorted(prices)}
