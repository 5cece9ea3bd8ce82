"""Polymarket as a venue: discovery, then sockets, and the trading half if there is an account."""

from typing import Final

import msgspec

from dutchbook.domain.effects import AskCheck, AskSnapshot, Effect
from dutchbook.domain.errors import RemoteProtocolError
from dutchbook.domain.events import (
    BadInput,
    EventListed,
    FeedDown,
    FeedUp,
    InstrumentListed,
    StatusChanged,
)
from dutchbook.domain.instrument import EventGroup, Instrument
from dutchbook.domain.units import Ns
from dutchbook.venues.base import Bucket, Dial, Out, Wake
from dutchbook.venues.polymarket import checks, discovery, gamma, user
from dutchbook.venues.polymarket.checks import Checks
from dutchbook.venues.polymarket.config import Config
from dutchbook.venues.polymarket.discovery import Discovery
from dutchbook.venues.polymarket.frames import Frames
from dutchbook.venues.polymarket.learn import Learner
from dutchbook.venues.polymarket.registry import Registry
from dutchbook.venues.polymarket.requests import Answer
from dutchbook.venues.polymarket.resync import Resync
from dutchbook.venues.polymarket.trading import Trading
from dutchbook.venues.polymarket.wire import NewMarket

REFRESH: Final = "refresh"


class Polymarket:
    """The protocol. With `learn` there is nothing to discover and no socket to dial."""

    name = "polymarket"

    def __init__(self, config: Config) -> None:
        self._config = config
        self._registry = Registry(config.tokens_per_socket)
        learner = Learner(self._registry) if config.learn else None
        self._frames = Frames(self._registry, learner)
        self._frames.new_market = self._new_market
        self._checks = Checks(config, self._registry)
        self._discovery = Discovery(config)
        self._ready = config.learn
        self._trading = Trading(config, self._registry) if config.account else None
        self._read = self._frames.read

    def streams(self) -> tuple[str, ...]:
        markets = tuple(self._registry.streams)
        return markets if self._trading is None else (user.STREAM, *markets)

    def buckets(self) -> tuple[Bucket, ...]:
        """Half of each window at once and the rest spread over it, so that no ten seconds hold
        more than the venue's limit."""
        windows = (
            ("clob.book", 1_500),
            ("clob.books", 500),
            ("clob", 9_000),
            ("gamma.events", 500),
            ("gamma", 4_000),
        )
        market = tuple(Bucket(name, limit // 20, limit // 2) for name, limit in windows)
        return market if self._trading is None else (*market, *self._trading.buckets())

    def start(self, now: Ns) -> list[Out]:
        begun = [] if self._trading is None else self._trading.start(now)
        return begun if self._config.learn else [*begun, *self._discovery.start()]

    def ready(self) -> bool:
        return self._ready

    def dial(self, stream: str, now: Ns) -> Dial:
        if self._trading is not None and stream == user.STREAM:
            return self._trading.dial()
        return Dial(self._config.ws_url, heartbeat="PING", heartbeat_every=self._config.ping_every)

    def on_open(self, stream: str, now: Ns) -> list[Out]:
        if self._trading is not None and stream == user.STREAM:
            return self._trading.on_open(now)
        tokens = self._registry.tokens(stream, "")
        self._registry.stale(tokens)
        for token in tokens:
            self._registry.assets[token].last = 0  # another connection, perhaps another server
        if self._config.learn:
            return [FeedUp(stream)]
        resync = Resync(stream)
        self._frames.resyncs[stream] = resync
        return [FeedUp(stream), *resync.opened(tokens, now)]

    def on_frame(self, stream: str, data: bytes, now: Ns) -> list[Out]:
        if self._trading is not None and stream == user.STREAM:
            return self._trading.on_frame(data, now)
        return self._read(stream, data, now)

    def on_down(self, stream: str, now: Ns, why: str) -> list[Out]:
        if self._trading is not None and stream == user.STREAM:
            return self._trading.on_down(why)
        self._frames.resyncs.pop(stream, None)
        self._registry.stale(self._registry.tokens(stream, ""))
        return [FeedDown(stream, why)]

    def on_reply(self, call: str, status: int, body: bytes, now: Ns) -> list[Out]:
        if self._trading is not None:
            told = self._trading.ended(call, Answer(status, body), now)
            if told is not None:
                return told
        if self._checks.mine(call):
            return self._checks.on_reply(call, status, body, now)
        out = self._discovery.on_reply(call, status, body, now)
        return [*out, *self._discovered(now)]

    def on_lost(self, call: str, sent: bool, now: Ns) -> list[Out]:
        if self._trading is not None:
            told = self._trading.ended(call, Answer(0, sent=sent), now)
            if told is not None:
                return told
        if self._checks.mine(call):
            return self._checks.on_lost(call, now)
        return [*self._discovery.on_lost(call, now), *self._discovered(now)]

    def on_wake(self, token: str, now: Ns) -> list[Out]:
        told = self._trading.due(token, now) if self._trading is not None else None
        if told is not None:
            return told
        if token == discovery.AGAIN:
            return self._discovery.on_wake()
        if token == checks.AGAIN:
            self._checks.on_wake()
        elif token == REFRESH:
            self._discovery = Discovery(self._config)
            return self._discovery.start()
        else:
            resync = self._frames.resyncs.get(token.removeprefix("resync:"))
            if resync is not None:
                return resync.wake(now)
        return []

    def do(self, effect: Effect, now: Ns) -> list[Out]:
        if isinstance(effect, AskCheck) and effect.venue == self.name:
            return self._checks.ask(effect.keys)
        if isinstance(effect, AskSnapshot) and effect.venue == self.name:
            return self._snapshot(effect, now)
        told = self._trading.do(effect, now) if self._trading is not None else None
        return told or []

    def _snapshot(self, effect: AskSnapshot, now: Ns) -> list[Out]:
        """Each book from the socket that it is on; keys empty: all of the effect's stream."""
        wanted: dict[str, list[str]] = {}
        if not effect.keys:
            wanted[effect.stream] = self._registry.streams.get(effect.stream, [])
        for key in effect.keys:
            home = self._registry.home(key)
            if home:
                wanted.setdefault(home, []).extend(self._registry.markets[key].tokens)
        out: list[Out] = []
        for stream, tokens in wanted.items():
            self._registry.stale(tokens)
            resync = self._frames.resyncs.get(stream)
            if resync is not None and tokens:
                out += resync.demand(tokens, now)
        return out

    def _discovered(self, now: Ns) -> list[Out]:
        """Once a pass is complete: list what is new or changed, close what is gone."""
        found = self._discovery
        if not found.done or not (found.pages or found.instruments):
            return []
        whole = found.pages > 0
        instruments, groups, found.instruments, found.groups = (
            found.instruments,
            found.groups,
            {},
            {},
        )
        out: list[Out] = []
        for listed in instruments.values():
            out += self._list(listed, now)
        for group in groups.values():
            out += self._group(group)
        if whole:
            found.pages = 0
            for key, listed in list(self._registry.markets.items()):
                if key not in instruments and listed.status not in ("closed", "settled"):
                    self._registry.keep(msgspec.structs.replace(listed, status="closed"))
                    out.append(StatusChanged(key, "closed"))
            out.append(Wake(REFRESH, Ns(now + self._config.refresh_every)))
        self._ready = True
        return out

    def _list(self, listed: Instrument, now: Ns) -> list[Out]:
        """InstrumentListed if that is news, and a subscription if the sockets are open already."""
        if not self._registry.keep(listed):
            return []
        out: list[Out] = [InstrumentListed(listed)]
        if self._registry.wanted(listed.key) and not self._registry.home(listed.key):
            stream = self._registry.place(listed.key, grow=not self._ready)
            resync = self._frames.resyncs.get(stream)
            if resync is not None:
                out += resync.subscribe(listed.tokens, now)
        return out

    def _group(self, group: EventGroup) -> list[Out]:
        if self._registry.groups.get(group.key) == group:
            return []
        self._registry.groups[group.key] = group
        return [EventListed(group)]

    def _new_market(self, stream: str, message: NewMarket, now: Ns) -> list[Out]:
        """A market that was just made; its event is no longer taken to be complete."""
        market, parent = gamma.from_new_market(message)
        if len(self._registry.markets) >= self._config.markets_max:
            return []
        key = gamma.event_key(parent)
        try:
            listed, known = gamma.instrument(market, key, gamma.category_of(parent))
        except RemoteProtocolError as error:
            what = str(error).split(": ", 2)[-1].rstrip(".")
            return [BadInput(stream, error.where, what, error.market)]
        if listed.key in self._registry.markets:
            return []
        out: list[Out] = []
        if known or self._config.learn:
            out += self._list(listed, now)
        else:
            out += self._discovery.lookup(listed)
        group = self._registry.groups.get(key) or gamma.group(parent, [], 0)
        changed = msgspec.structs.replace(
            group,
            members=(*group.members, listed.key),
            exhaustive=False,
            why="a market was added since the event was read",
        )
        return [*out, *self._group(changed)]
