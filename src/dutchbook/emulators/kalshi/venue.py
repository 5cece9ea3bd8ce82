"""The pretend Kalshi as one object: its stock, its sessions, its REST, and how it misbehaves."""

import re
import time
from collections.abc import Callable, Mapping
from typing import Final

from dutchbook.domain.units import MILLI
from dutchbook.emulators.feed import Feed
from dutchbook.emulators.halts import Halt, Halts
from dutchbook.emulators.kalshi.auth import KEY
from dutchbook.emulators.kalshi.groups import Group, Groups
from dutchbook.emulators.kalshi.lifecycle import Lifecycle
from dutchbook.emulators.kalshi.messages import Published, Stock
from dutchbook.emulators.kalshi.portfolio import Portfolio
from dutchbook.emulators.kalshi.private import FILL, Private, group_message, messages
from dutchbook.emulators.kalshi.records import Records
from dutchbook.emulators.kalshi.rest import KalshiRest
from dutchbook.emulators.kalshi.session import KalshiSession
from dutchbook.emulators.kalshi.stops import Stops
from dutchbook.emulators.kalshi.trades import Tape
from dutchbook.emulators.kalshi.trading import Trading
from dutchbook.emulators.kalshi.transfers import Transfers
from dutchbook.emulators.market.shapes import Update
from dutchbook.emulators.past import LAG_MAX, Past
from dutchbook.emulators.wire.keys import PublicKey
from dutchbook.emulators.wire.outbox import Frame
from dutchbook.emulators.wire.spoil import plainly
from dutchbook.sim.desk import Desk
from dutchbook.sim.words import Happened

UNKNOWN: Final = "KXNOSUCHMARKET-26DEC31-X"
_TICKER: Final = re.compile(r'"market_ticker":"[^"]*"')


class KalshiVenue:
    """`publish` returns what the sessions are to be told."""

    name = "kalshi"

    def __init__(
        self,
        feed: Feed,
        public: Mapping[str, PublicKey],
        tier: str,
        desk: Desk,
        owners: dict[str, str],
    ) -> None:
        self.stock = Stock(feed)
        self.trades = Tape()
        self.desk = desk
        self.owners = owners
        self.past = Past(desk)
        self.halts = Halts()
        self.stops = Stops(self.halts)
        self.records = Records(desk, feed.markets, "kalshi")
        self.groups = Groups(desk)
        self.trading = Trading(self.stock, desk, self.records, self.groups, self.stops, owners)
        self.portfolio = Portfolio(desk, self.past, self.records, self.groups, owners)
        self.life = Lifecycle(self.stock, desk)
        self.rest = KalshiRest(self.stock, self.trades, self.stops, self.life, public, tier)
        self.rest.extra = [
            *self.trading.paths(),
            *self.portfolio.paths(),
            *Transfers(desk, self.past, owners).paths(),
        ]
        self.out: Callable[[Published], None] = lambda news: None
        self.cut: Callable[[], None] = lambda: None
        self.tell: Callable[[Private], None] = lambda message: None
        self._late: list[Private] = []
        self.groups.told = self._group_told
        desk.tell.append(self._heard)

    def session(self, path: str, headers: Mapping[str, str]) -> KalshiSession:
        return KalshiSession(self.stock, self.owners.get(headers.get(KEY) or "", ""))

    def _heard(self, told: Happened) -> None:
        """Something happened at the desk: the owner's sockets are told, groups count."""
        self.portfolio.heard(told)
        # Of half of the deals the owner hears only after the public trade, as at the venue.
        late = told.deal is not None and int(told.deal.id[2:4], 16) % 2 == 1
        for message in messages(self.records, told):
            if late and message.channel == FILL:
                self._late.append(message)
            else:
                self.tell(message)
        one = told.standing
        if told.what == "filled" and one is not None and one.ticket.group and told.deal:
            self.groups.matched(one.ticket.group, told.deal.qty, told.at)

    def _group_told(self, owner: str, event: str, group: Group) -> None:
        self.tell(group_message(owner, event, group, time.time_ns()))

    def poll(self, now: int) -> None:
        """What waits for the public side is told; pauses begin; groups over limits end."""
        late, self._late = self._late, []
        for message in late:
            self.tell(message)
        self.groups.work(now)
        self.past.poll(now)
        for halt in self.halts.begun(now):
            self._stopped(halt, now)

    def _stopped(self, halt: Halt, now: int) -> None:
        """A pause begins: who asked for it loses orders, connections may be cut."""
        for key in list(self.desk.resting):
            if halt.shard in (None, self.stock.feed.markets[key].exchange_index):
                self.desk.paused(key, now)
        if halt.drop:
            self.cut()

    def stands_still(self, key: str, now: int) -> bool:
        """Whether nothing can happen in a market now."""
        return bool(self.halts.mode(now, self.stock.feed.markets[key].exchange_index))

    def switch(self, name: str, value: int) -> bool:
        """Change how the venue behaves; False where it has no such switch."""
        match name:
            case "stale_ms" if value * MILLI <= LAG_MAX:
                self.past.lag = value * MILLI
            case "positions_ms" if value * MILLI <= LAG_MAX:
                self.portfolio.lag = value * MILLI
            case "post_only_cancels":
                self.trading.post_only_cancels = bool(value)
            case _:
                return False
        return True

    def publish(self, update: Update) -> Published:
        if update.trade is not None:
            ticker = self.stock.feed.markets[update.key].symbol
            self.trades.add(update.at, ticker, update.trade)
        news = self.stock.publish(update)
        if update.status == "settled":
            news.lifecycle += self.life.settled(self.stock.feed.markets[update.key], update.at)
        return news

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
