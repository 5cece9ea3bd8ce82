"""Longshots: what costs little is bought too dear, where the table says so; buy NO of it."""

from typing import Annotated

from dutchbook.strategies.base import Outcome, QuoteView
from dutchbook.strategies.opinion import Opinion
from dutchbook.strategies.opinion_config import Common, px


class Config(Common, frozen=True, forbid_unknown_fields=True):
    """The shared ones, and what is a longshot."""

    px_max: Annotated[int, px("YES below this price is a longshot")] = 150_000


class Longshot(Opinion):
    """Buys NO of longshots, resting where crossing does not pay."""

    name = "longshot"
    config: Config

    def side(self, key: str, middle: int, view: QuoteView) -> Outcome | None:
        return "no" if middle < self.config.px_max else None
