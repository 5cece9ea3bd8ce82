"""The live book of one generated market: own-terms ladders, kept in mirror where there are two."""

from dutchbook.domain.events import ASK, BID
from dutchbook.domain.units import ONE
from dutchbook.emulators.market.shapes import Change


class Ladders:
    """Four dicts px -> size, indexed token * 2 + side. Kalshi uses the two bid sides only."""

    __slots__ = ("key", "sides", "two")

    def __init__(self, key: str, two: bool) -> None:
        self.key = key
        self.two = two
        self.sides: tuple[dict[int, int], ...] = ({}, {}, {}, {})

    def offers(self, outcome: int) -> dict[int, int]:
        """What a buyer of the outcome (0 YES, 1 NO) finds: price of that outcome -> size."""
        if self.two:
            return self.sides[outcome * 2 + ASK]
        return {ONE - px: size for px, size in self.sides[(1 - outcome) * 2 + BID].items()}

    def put(self, outcome: int, px: int, size: int, changes: list[Change]) -> None:
        """Offer `size` of the outcome at `px`, 0 takes the level away; the mirror follows."""
        if self.two:
            self.put_one(outcome, ASK, px, size, changes)
        self.put_one(1 - outcome, BID, ONE - px, size, changes)

    def put_one(self, token: int, side: int, px: int, size: int, changes: list[Change]) -> None:
        """Set one level of one token's own book, and nothing else."""
        levels = self.sides[token * 2 + side]
        old = levels.get(px, 0)
        if old == size:
            return
        if size:
            levels[px] = size
        else:
            del levels[px]
        changes.append(Change(self.key, token, side, px, old, size))
