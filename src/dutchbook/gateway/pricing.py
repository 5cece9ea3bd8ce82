"""What a book gives for an order, in whole millionths: an estimate, and the limit of a slippage."""

from collections.abc import Sequence
from typing import NamedTuple

from dutchbook.domain.instrument import Band, on_grid
from dutchbook.domain.units import ONE


class Taken(NamedTuple):
    """How much the levels give, and what it costs (or brings), without fees."""

    qty: int
    cost: int

    def average(self) -> int:
        """Price per contract, 0 where nothing is to be had."""
        return self.cost * ONE // self.qty if self.qty else 0


def take(levels: Sequence[tuple[int, int]], qty: int, limit: int, side: str) -> Taken:
    """Walk levels, best first, for up to `qty` contracts no worse than `limit`."""
    got = cost = 0
    for px, there in levels:
        if got >= qty or (px > limit if side == "buy" else px < limit):
            break
        part = min(there, qty - got)
        got, cost = got + part, cost + part * px // ONE
    return Taken(got, cost)


def capped(best: int, slippage: int, side: str, limit: int | None, grid: tuple[Band, ...]) -> int:
    """The worst price that `slippage` (millionths of a per cent) off `best` allows, on the grid,
    and no worse than `limit`."""
    room = best * slippage // (100 * ONE)
    if side == "buy":
        worst = min(best + room, ONE - 1 if limit is None else limit)
        return _fit(grid, worst, -1)
    worst = max(best - room, 1 if limit is None else limit)
    return _fit(grid, worst, 1)


def _fit(grid: tuple[Band, ...], px: int, way: int) -> int:
    """The nearest price on the grid, downwards (-1) or upwards (1); `px` where there is none."""
    if on_grid(grid, px):
        return px
    found = []
    for band in grid:
        inside = min(max(px, band.start), band.end)
        steps = (inside - band.start) // band.step
        for one in (band.start + steps * band.step, band.start + (steps + 1) * band.step):
            if (px - one) * way <= 0 and on_grid(grid, one):
                found.append(one)
    return min(found, key=lambda one: abs(px - one)) if found else px
