"""Kalshi as a venue: catalogue, feed, checks and trading behind the port the driver calls."""

from typing import Any

import msgspec

from dutchbook.domain.effects import AskCheck, AskSnapshot, Effect
from dutchbook.domain.errors import ConfigError, RemoteProtocolError
from dutchbook.domain.events import FeedUp, GridChanged, StatusChanged
from dutchbook.domain.units import Ns
from dutchbook.venues.base import Bucket, Dial, Out, Wake
from dutchbook.venues.kalshi import checks, wire
from dutchbook.venues.kalshi.asker import Asker, signature
from dutchbook.venues.kalshi.catalogue import LIVE, Catalogue
from dutchbook.venues.kalshi.config import Config, checked
from dutchbook.venues.kalshi.discovery import Discovery, listed
from dutchbook.venues.kalshi.errors import bad
from dutchbook.venues.kalshi.feed import CATCH_UP, Feed
from dutchbook.venues.kalshi.learn import Learner
from dutchbook.venues.kalshi.private import STREAM as PRIVATE
from dutchbook.venues.kalshi.requests import Answer
from dutchbook.venues.kalshi.trading import Trading

STREAM = "kalshi.book"


class Kalshi:
    """Market data, and trading where an account is named.

    `counts` has refusals (429), failures and losses of market-data questions.
    """

    name = "kalshi"

    def __init__(self, config: Config) -> None:
        self.config = checked(config)
        self.asker = Asker(config)
        self.catalogue = Catalogue(config)
        self.discovery = Discovery(self.asker, self.catalogue)
        self.learner = Learner() if config.learn else None
        keys = None if config.learn else self.catalogue.keys
        self.feed = Feed(STREAM, config.channels, keys, config.tickers_per_command)
        self.trading = Trading(config) if config.account and not config.learn else None
        self.opened = False
        self.counts = {"refused": 0, "failed": 0, "lost": 0}

    def streams(self) -> tuple[str, ...]:
        """The socket of the books, and one of our own where we trade.

        None without a key, since even public channels want a signature.
        """
        if not self.config.key_id:
            return ()
        return (STREAM,) if self.trading is None else (STREAM, PRIVATE)

    def buckets(self) -> tuple[Bucket, ...]:
        """The budgets: Basic until the venue has told ours; ask again after any answer."""
        own = () if self.trading is None else self.trading.buckets()
        return (self.discovery.bucket, *own)

    def start(self, now: Ns) -> list[Out]:
        if self.config.learn:
            return []
        own = [] if self.trading is None else self.trading.start(now)
        return [*own, *self.discovery.start(now)]

    def ready(self) -> bool:
        return self.config.learn or self.discovery.ready

    def dial(self, stream: str, now: Ns) -> Dial:
        """The socket's URL with the headers of a GET that is signed as it leaves."""
        headers, sign = signature(self.config, self.config.ws)
        return Dial(self.config.ws, headers, sign)

    def on_open(self, stream: str, now: Ns) -> list[Out]:
        if self.config.learn:
            return [FeedUp(stream)]
        if stream == PRIVATE and self.trading is not None:
            return self.trading.private.on_open()
        out = self.feed.on_open(self.catalogue.live(), now)
        if self.opened:
            # What was listed, paused or settled while we were away nobody will say again.
            out.append(Wake("catch_up", Ns(now + CATCH_UP)))
        self.opened = True
        return out

    def on_down(self, stream: str, now: Ns, why: str) -> list[Out]:
        if stream == PRIVATE and self.trading is not None:
            return self.trading.private.on_down(why)
        return self.feed.on_down(why)

    def on_frame(self, stream: str, data: bytes, now: Ns) -> list[Out]:
        """Events and commands; bad input is an event too, never an exception."""
        if stream == PRIVATE and self.trading is not None:
            return self.trading.private.on_frame(data, now)
        out = self.feed.on_frame(data, now)
        if self.learner is not None:
            return self.learner.teach(out)
        frame = self.feed.last_frame
        if frame is None or type(frame) not in _TELLS:
            return out
        return [*out, *self._told(frame, out, now)]

    def on_reply(self, call: str, status: int, body: bytes, now: Ns) -> list[Out]:
        """An answer. Refusals wait and are counted; nobody asks at once again."""
        if (own := self._own(call, Answer(status, body), now)) is not None:
            return own
        job = self.asker.take(call)
        if job is None:
            return []
        ours = job.kind in ("book", "books")
        if status == 200:
            if ours:
                return checks.answer(job, body, self.catalogue.stream)
            return self._listing(self.discovery.answer(job, body, now))
        self.counts["refused" if status == 429 else "failed"] += 1
        if ours:
            return checks.failed(job, f"status {status}")
        return self.discovery.refused(job, status, now)

    def on_lost(self, call: str, sent: bool, now: Ns) -> list[Out]:
        """No answer: a question may be asked again, since reading changes nothing.

        An order is never sent again from here: whether it arrived is unknown.
        """
        if (own := self._own(call, Answer(0, b"", sent), now)) is not None:
            return own
        job = self.asker.take(call)
        if job is None:
            return []
        self.counts["lost"] += 1
        if job.kind in ("book", "books"):
            return checks.failed(job, "no answer" if sent else "not sent")
        return self.discovery.refused(job, 0, now)

    def on_wake(self, token: str, now: Ns) -> list[Out]:
        kind = token.partition(":")[0]
        if kind in ("refresh", "catch_up"):
            return self.discovery.start(now)
        if kind == "resync":
            return self.feed.on_wake(token, now)
        if self.trading is not None and (out := self.trading.due(token, now)) is not None:
            return out
        return list(self.asker.due(token, now))

    def do(self, effect: Effect, now: Ns) -> list[Out]:
        """Effects of the engine that concern this venue; the others do nothing here."""
        if self.trading is not None and (out := self.trading.do(effect, now)) is not None:
            return out
        if isinstance(effect, AskSnapshot) and effect.venue == self.name:
            return self.feed.ask([_ticker(key) for key in effect.keys], now)
        if isinstance(effect, AskCheck) and effect.venue == self.name:
            names = [_ticker(key) for key in effect.keys]
            return checks.check(self.asker, names, self.config.checks_per_call, now)
        return []

    def _own(self, call: str, answer: Answer, now: Ns) -> list[Out] | None:
        return None if self.trading is None else self.trading.ended(call, answer, now)

    def _listing(self, outs: list[Out]) -> list[Out]:
        """New live markets are subscribed at once where the socket is open."""
        known = self.catalogue.instruments
        names = [name for name in listed(outs) if known[name].status in LIVE]
        room = self.config.markets_max - len(self.feed.wanted)
        return [*outs, *self.feed.add(names[: max(0, room)])] if self.feed.up else outs

    def _told(self, frame: Any, out: list[Out], now: Ns) -> list[Out]:
        """What a life-cycle message means for the catalogue."""
        for event in out:
            if isinstance(event, StatusChanged | GridChanged):
                self.catalogue.on_event(event)
        if isinstance(frame, wire.EventFee):
            try:
                return list(self.catalogue.fee_change(frame.msg))
            except RemoteProtocolError as error:
                return [bad(STREAM, error)]
        if not isinstance(frame, wire.Lifecycle):
            return []
        msg = frame.msg
        if msg.market_ticker not in self.catalogue.keys or msg.event_type == "metadata_updated":
            return self.discovery.look_up(msg.market_ticker, now)
        if msg.event_type == "close_date_updated" and msg.close_ts is not None:
            return list(self.catalogue.closes(msg.market_ticker, msg.close_ts, now))
        if msg.event_type == "price_level_structure_updated" and not out:
            return self.discovery.look_up(msg.market_ticker, now)
        if msg.event_type == "activated":
            return self.feed.add([msg.market_ticker])
        return []


_TELLS = (wire.Lifecycle, wire.EventLifecycle, wire.EventFee)


def _ticker(key: str) -> str:
    return key.removeprefix("kalshi:")


def build(config: Any) -> Kalshi:
    """The venue from a Config, or from a mapping of its settings. Raises ConfigError."""
    if not isinstance(config, Config):
        try:
            config = msgspec.convert(config, Config)
        except msgspec.ValidationError as error:
            raise ConfigError("kalshi settings", why=str(error)) from None
    return Kalshi(config)
