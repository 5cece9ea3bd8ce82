"""Recorded frames of one connection through the real protocol: events, and nothing asked."""

from dutchbook.domain.events import Event, FeedUp, InstrumentListed
from dutchbook.domain.instrument import FeeSchedule, Instrument
from dutchbook.domain.units import Ns, Usd
from dutchbook.venues.base import Call, Drop, Redial, Send, Wake
from dutchbook.venues.kalshi.feed import Feed
from dutchbook.venues.kalshi.grids import FINEST


class Reader:
    """Numbers, gaps, duplicates and bad input exactly as live; markets are taken as they come."""

    def __init__(self, stream: str = "kalshi.book") -> None:
        self._feed = Feed(stream)
        self._listed: dict[str, None] = {}

    def open(self) -> list[Event]:
        """A new connection: sids and numbers start anew, every book waits for its snapshot."""
        self._feed.sids = {}
        return [FeedUp(self._feed.stream)]

    def read(self, data: bytes, now: Ns) -> list[Event]:
        """The events of one frame; a market seen for the first time is listed before it."""
        outs = self._feed.on_frame(data, now)
        events: list[Event] = []
        for out in outs:
            if isinstance(out, Send | Call | Drop | Wake | Redial):
                continue
            key = getattr(out, "key", "")
            if key and key not in self._listed:
                self._listed[key] = None
                events.append(InstrumentListed(unlisted(key)))
            events.append(out)
        return events


def unlisted(key: str) -> Instrument:
    """An instrument of which only the ticker is known: the finest grid, the plain taker fee."""
    ticker = key.removeprefix("kalshi:")
    return Instrument(
        key=key,
        venue="kalshi",
        symbol=ticker,
        event=f"kalshi:{ticker.rpartition('-')[0] or ticker}",
        title=ticker,
        outcome="Yes",
        grid=FINEST,
        fees=FeeSchedule("kalshi", 70_000, 35_000, 1, Usd(10_000)),
    )
