"""The pretend Polymarket as one object: its shelf, sessions, REST, and how it misbehaves."""

from collections.abc import Callable
from typing import Final

from dutchbook.emulators.feed import Feed
from dutchbook.emulators.market.shapes import Update
from dutchbook.emulators.polymarket.clob import Clob, Windows
from dutchbook.emulators.polymarket.gamma import Gamma
from dutchbook.emulators.polymarket.messages import Published, Shelf
from dutchbook.emulators.polymarket.session import PolymarketSession
from dutchbook.emulators.wire.outbox import Frame
from dutchbook.emulators.wire.spoil import plainly

UNKNOWN_MARKET: Final = "0x" + "00ff" * 16
UNKNOWN_ASSET: Final = "1" + "7" * 76


class PolymarketVenue:
    """`publish` returns what the sessions are to be told."""

    name = "polymarket"

    def __init__(self, feed: Feed) -> None:
        self.shelf = Shelf(feed)
        self.windows = Windows()
        self.clob = Clob(self.shelf, self.windows)
        self.gamma = Gamma(self.shelf, self.windows)
        self.out: Callable[[Published], None] = lambda news: None

    def session(self) -> PolymarketSession:
        return PolymarketSession(self.shelf)

    def publish(self, update: Update) -> Published:
        return self.shelf.publish(update)

    def flip_tick(self, now: int) -> str:
        news = self.shelf.flip_tick(now)
        if news is None:
            return ""
        self.out(news)
        return news.market

    def spoil(self, frame: Frame, how: str) -> tuple[str | bytes, bool] | None:
        """An unknown market never stands in a real frame's place: nobody would notice the loss."""
        if how != "unknown":
            return plainly(frame.text, how), False
        text = frame.text.replace(frame.market, UNKNOWN_MARKET)
        for asset in self.shelf.markets[frame.market].tokens:
            text = text.replace(asset, UNKNOWN_ASSET)
        return text, True
