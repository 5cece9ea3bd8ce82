"""A book as anybody would write it first: two dicts; the twin that the ladders must equal."""

from dutchbook.domain.events import ASK, BID
from dutchbook.domain.instrument import Band, on_grid
from dutchbook.domain.units import ONE


class Refused(Exception):
    """The twin's word for a fault; `what` as in BookFault."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class NaiveBook:
    def __init__(self, grid: tuple[Band, ...], size_max: int) -> None:
        self.grid = grid
        self.size_max = size_max
        self.levels: dict[tuple[int, int], int] = {}

    def apply(self, levels, snapshot: bool, delta: bool) -> None:
        """Work on a copy and keep it only when every level was right."""
        new = {} if snapshot else dict(self.levels)
        for side, px, size in levels:
            if not on_grid(self.grid, px):
                raise Refused("off_grid")
            old = new.get((side, px), 0)
            total = old + size if delta and not snapshot else size
            if total > self.size_max:
                raise Refused("too_large")
            if total < 0 and (snapshot or not delta):
                raise Refused("negative")
            if total < 0:
                raise Refused("below_zero" if old else "absent")
            if snapshot and (side, px) in new:
                raise Refused("duplicate")
            new[side, px] = total
            if not total and not snapshot:
                del new[side, px]
        self.levels = {at: size for at, size in new.items() if size}

    def side(self, side: int) -> list[tuple[int, int]]:
        found = [(px, size) for (where, px), size in self.levels.items() if where == side]
        return sorted(found, reverse=side == BID)

    def top(self) -> tuple[int, int, int, int]:
        bid = (self.side(BID) or [(0, 0)])[0]
        ask = (self.side(ASK) or [(ONE, 0)])[0]
        return (*bid, *ask)
