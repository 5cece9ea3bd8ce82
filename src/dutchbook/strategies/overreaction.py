"""Overreaction: a great move in hours that no known signal explains; buy the side that fell."""

from typing import Annotated

from dutchbook.domain.units import ONE, SECOND, Ns
from dutchbook.strategies.base import Outcome, QuoteView
from dutchbook.strategies.opinion import Opinion
from dutchbook.strategies.opinion_config import Common, px, span


class Config(Common, frozen=True, forbid_unknown_fields=True):
    """The shared ones, and what is too great a move."""

    points: Annotated[int, px("of a dollar, more than which the price moved")] = 200_000
    share: Annotated[
        int, px("instead of points: of the price before, more than which it moved; 0: points")
    ] = 0
    span_s: Annotated[int, span("seconds within which it moved", 900)] = 6 * 3_600


class Overreaction(Opinion):
    """Fades moves. Where a signal explains one, it is news and not a mood."""

    name = "overreaction"
    config: Config

    def side(self, key: str, middle: int, view: QuoteView) -> Outcome | None:
        config, now = self.config, view.now
        move = self.memory(key, now).move(now, Ns(config.span_s * SECOND))
        if not move:
            return None
        before = middle - move
        least = config.share * before // ONE if config.share else config.points
        if abs(move) <= least or self.explains(key, Ns(now - config.span_s * SECOND), now):
            return None
        return "no" if move > 0 else "yes"
