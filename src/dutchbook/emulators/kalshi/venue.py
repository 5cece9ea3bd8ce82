"""The pretend Kalshi as one object: its stock, its sessions, its REST, and how it misbehaves."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from dutchbook.emulators.feed import Feed
from dutchbook.emulators.kalshi.messages import Published, Stock
from dutchbook.emulators.kalshi.rest import KalshiRest
from dutchbook.emulators.kalshi.session import KalshiSession
from dutchbook.emulators.kalshi.trades import Tape
from dutchbook.emulators.market.shapes import Update
from dutchbook.emulators.wire.keys import PublicKey
from dutchbook.emulators.wire.outbox import Frame
from dutchbook.emulators.wire.spoil import plainly

UNKNOWN: Final = "KXNOSUCHMARKET-26DEC31-X"
_TICKER: Final = re.compile(r'"market_ticker":"[^"]*"')


class KalshiVenue:
    """`publish` returns what the sessions are to be told."""

    name = "kalshi"

    def __init__(self, feed: Feed, public: Mapping[str, PublicKey], tier: str) -> None:
        self.stock = Stock(feed)
        self.trades = Tape()
        self.rest = KalshiRest(self.stock, self.trades, public, tier)
        self.out: Callable[[Published], None] = lambda news: None

    def session(self) -> KalshiSession:
        return KalshiSession(self.stock)

    def publish(self, update: Update) -> Published:
        if update.trade is not None:
            ticker = self.stock.feed.markets[update.key].symbol
            self.trades.add(update.at, ticker, update.trade)
        return self.stock.publish(update)

    def flip_tick(self, now: int) -> str:
        news = self.stock.flip_tick(now)
        if news is None:
            return ""
        self.out(news)
        return news.ticker

    def spoil(self, frame: Frame, how: str) -> tuple[str | bytes, bool] | None:
        """An unknown market comes as a ticker frame, which has no seq: it can hide no change."""
        if how != "unknown":
            return plainly(frame.text, how), False
        text = self.stock.ticker(frame.market).replace(frame.market, UNKNOWN)
        return f'{{"type":"ticker","sid":{frame.sid},"msg":{text}}}', True
