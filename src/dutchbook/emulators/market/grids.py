"""The price grids of both venues as sorted lists, to step along them."""

from bisect import bisect_left
from functools import cache

from dutchbook.domain.instrument import CENT, MILL, Band
from dutchbook.domain.units import ONE, Px

TAPERED = (
    Band(Px(0), Px(100_000), Px(1_000)),
    Band(Px(100_000), Px(900_000), Px(10_000)),
    Band(Px(900_000), Px(ONE), Px(1_000)),
)
HALF = (Band(Px(0), Px(ONE), Px(5_000)),)
QUARTER = (Band(Px(0), Px(ONE), Px(2_500)),)
KALSHI = {"linear_cent": CENT, "deci_cent": MILL, "tapered_deci_cent": TAPERED}
POLYMARKET = {10_000: CENT, 1_000: MILL, 5_000: HALF, 2_500: QUARTER}


@cache
def prices(grid: tuple[Band, ...]) -> tuple[int, ...]:
    """Every allowed price between 0 and ONE, both excluded, ascending."""
    found = {
        px for band in grid for px in range(band.start, band.end + 1, band.step) if 0 < px < ONE
    }
    return tuple(sorted(found))


def index_up(grid: tuple[Band, ...], px: int) -> int:
    """The place in `prices(grid)` of the lowest price that is not below `px`; may be its length."""
    return bisect_left(prices(grid), px)
