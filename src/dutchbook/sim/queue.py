"""Where an order of ours would stand in the queue of its price level, from what the level showed.

Sizes are millionths of a contract. What is shown at a level never holds our own order, since that
is pretended.
"""

from typing import Literal

Rule = Literal["back", "share"]
"""back: only trades and a level that shrank below our place move us forward (never too early).
share: what is canceled at the level stood before and behind us in proportion to both."""


class Place:
    """`ahead`: what must trade before we do. `shown`: what the level showed last."""

    __slots__ = ("_rule", "_traded", "ahead", "shown")

    def __init__(self, shown: int, rule: Rule = "back") -> None:
        self.ahead = shown
        self.shown = shown
        self._traded = 0
        self._rule = rule

    def moved(self, shown: int) -> None:
        """The level shows another size; a decrease that no trade explains was canceled."""
        if self._rule == "share" and self.shown:
            canceled = self.shown - self._traded - shown
            if canceled > 0:
                self.ahead -= canceled * self.ahead // self.shown
        if self.ahead > shown:
            self.ahead = shown
        self.shown = shown
        self._traded = 0

    def traded(self, qty: int) -> int:
        """A trade of `qty` at our price: how much of it was left for us."""
        self._traded += qty
        before = self.ahead
        self.ahead = max(0, before - qty)
        return max(0, qty - before)
