"""What the servers need from whatever feeds them, and their own copy of its books."""

from typing import Any, Protocol

from dutchbook.domain.units import Ns
from dutchbook.emulators.market.shapes import SimEvent, SimMarket, SimSeries, Update


class Feed(Protocol):
    """A market that moves. Keys are `venue:symbol`; all numbers are millionths, times ns."""

    @property
    def series(self) -> dict[str, SimSeries]: ...
    @property
    def events(self) -> dict[str, SimEvent]: ...
    @property
    def markets(self) -> dict[str, SimMarket]: ...

    def ladder(self, key: str, token: int, side: int) -> dict[int, int]:
        """Price -> size of one side of one token's own book, as of the last `advance`."""
        ...

    def begin(self, now: Ns) -> None:
        """The first client has connected to market data."""
        ...

    def advance(self, now: Ns) -> list[Update]:
        """Everything that happened up to `now`, in order."""
        ...

    def drain_truth(self) -> list[dict[str, Any]]:
        """The lines of the truth file since the last call."""
        ...

    def links(self) -> list[dict[str, Any]]:
        """The links that go with this market."""
        ...


class Books:
    """Copies of the feed's ladders that move update by update.

    The feed itself is ahead of the messages: `advance` returns many updates at once.
    """

    def __init__(self, feed: Feed, venue: str) -> None:
        self._feed = feed
        self._sides: dict[str, tuple[dict[int, int], ...]] = {}
        for key, market in feed.markets.items():
            if market.venue == venue:
                self._sides[key] = self._copy(key)

    def ladder(self, key: str, token: int, side: int) -> dict[int, int]:
        """Price -> size of one side of one token's own book."""
        return self._sides[key][token * 2 + side]

    def apply(self, update: Update) -> None:
        """Take over one update of the feed."""
        sides = self._sides[update.key]
        for change in update.changes:
            levels = sides[change.token * 2 + change.side]
            if change.new:
                levels[change.px] = change.new
            else:
                levels.pop(change.px, None)

    def _copy(self, key: str) -> tuple[dict[int, int], ...]:
        places = ((0, 0), (0, 1), (1, 0), (1, 1))
        return tuple(dict(self._feed.ladder(key, token, side)) for token, side in places)
