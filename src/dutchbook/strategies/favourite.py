"""Favourites: what is nearly sure is sold too cheap, where the table says so; buy YES of it."""

from typing import Annotated

from dutchbook.strategies.base import Outcome, QuoteView
from dutchbook.strategies.opinion import Opinion
from dutchbook.strategies.opinion_config import Common, px


class Config(Common, frozen=True, forbid_unknown_fields=True):
    """The shared ones, and what is a favourite."""

    px_min: Annotated[int, px("YES above this price is a favourite")] = 700_000


class Favourite(Opinion):
    """Buys YES of favourites."""

    name = "favourite"
    config: Config

    def side(self, key: str, middle: int, view: QuoteView) -> Outcome | None:
        return "yes" if middle > self.config.px_min else None
