"""Baskets as they were decided and where they stand; their orders are those that name them."""

from typing import Final

from dutchbook.domain.step import BasketBegun, BasketMoved, Stage
from dutchbook.domain.units import Ns, Qty, Usd

OVER: Final = ("done", "unwound", "stuck")
EARLY: Final = "sold early"
"""Why a basket is unwound that had been done: its legs were sold again before the end."""


class BasketLife:
    """A basket; `orders` are the ids of all orders that name it, in order of decision."""

    __slots__ = ("begun", "locked", "moved_at", "orders", "residual", "stage", "why")

    def __init__(self, begun: BasketBegun, at: Ns, orders: list[str]) -> None:
        self.begun = begun
        self.stage: Stage = "legs"
        self.why = ""
        self.orders = orders
        self.locked = Usd(0)
        self.residual: tuple[tuple[str, str, Qty], ...] = ()
        self.moved_at = at

    @property
    def over(self) -> bool:
        """done, unwound or stuck."""
        return self.stage in OVER

    def move(self, note: BasketMoved, at: Ns) -> None:
        self.stage, self.why, self.locked = note.stage, note.why, note.locked
        self.residual, self.moved_at = note.residual, at
