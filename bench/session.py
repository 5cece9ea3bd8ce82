"""A session of both pretend exchanges without sockets: every frame, tick and answer, with its time.

The generated market moves, the exchanges' own sessions make the frames, the real protocols and a
real engine listen, and what the engine asks for is answered. What is measured later is the same
frames through new protocols and a new engine, which then decide the same.
"""

import json
from pathlib import Path
from typing import Any, Final, NamedTuple

from dutchbook.domain.effects import AskCheck, Effect, SetTimer
from dutchbook.domain.events import (
    ASK,
    BID,
    BookSeen,
    Envelope,
    Event,
    EventListed,
    FeedUp,
    InstrumentListed,
    RunStarted,
    TimerFired,
)
from dutchbook.domain.instrument import EventGroup, Instrument
from dutchbook.domain.plans import SolvePlan
from dutchbook.domain.units import ONE, SECOND, Ns
from dutchbook.emulators.kalshi.messages import Stock
from dutchbook.emulators.kalshi.session import KalshiSession
from dutchbook.emulators.market import SimEvent, SimMarket, Update, World
from dutchbook.emulators.polymarket.messages import Shelf
from dutchbook.emulators.polymarket.session import PolymarketSession
from dutchbook.engine.engine import Engine
from dutchbook.optimize.planner import Planner
from dutchbook.runtime.bootstrap import engine_of, engine_settings
from dutchbook.runtime.links import read_links
from dutchbook.runtime.settings import Settings
from dutchbook.venues import kalshi, polymarket
from dutchbook.venues.base import Call, Redial, Send, Venue, Wake

START: Final = Ns(1_790_000_000 * SECOND)
ACTIONS: Final = (Send, Call, Wake, Redial)


class Item(NamedTuple):
    """What happened at `at`: a frame of a stream (`data`), or else events that need no venue."""

    at: Ns
    stream: str
    data: bytes
    events: list[Event]


class Venues:
    """Both protocols, knowing all markets, as they are once discovery is complete."""

    def __init__(self, instruments: list[Instrument]) -> None:
        self.kalshi = kalshi.build(kalshi.Config())
        self.polymarket = polymarket.build(polymarket.Config())
        for one in instruments:
            if one.venue == "kalshi":
                self.kalshi.catalogue.keys[one.symbol] = one.key
                self.kalshi.catalogue.instruments[one.symbol] = one
            else:
                self.polymarket._registry.keep(one)
                self.polymarket._registry.place(one.key, grow=True)
        self.streams: dict[str, Venue] = {"kalshi.book": self.kalshi}
        self.streams |= dict.fromkeys(self.polymarket.streams(), self.polymarket)

    def opened(self) -> list[tuple[str, list[Any]]]:
        """Every stream connected: what each protocol says to that."""
        return [(name, venue.on_open(name, START)) for name, venue in self.streams.items()]

    def read(self, stream: str, data: bytes, at: Ns) -> list[Any]:
        """Events and actions of one frame."""
        return self.streams[stream].on_frame(stream, data, at)


class Session:
    """Made once; `items` are what a run would have seen in `seconds` of market time.

    The market is played `speed` times as fast as it was made, so that messages come as densely as
    the goal says while the engine's timers ring at their real pace. The venues' own stamps stay,
    all before ours.
    """

    def __init__(self, seconds: int, scratch: Path, speed: int = 100, seed: int = 7) -> None:
        self.world = World(seed, START)
        self.instruments = [instrument(one) for one in self.world.markets.values()]
        self.items: list[Item] = []
        self.engine = engine_of(Settings())
        self._venues = Venues(self.instruments)
        self._stock, self._shelf = Stock(self.world), Shelf(self.world)
        self._seq = 0
        self._from, self._speed = Ns(START + seconds * SECOND), speed
        self._tick = self._from
        self._clients: dict[str, Any] = {
            name: KalshiSession(self._stock) if name == "kalshi.book"
            else PolymarketSession(self._shelf) for name in self._venues.streams
        }  # fmt: skip
        self._planner = Planner()
        self._begin(scratch)
        for update in self.world.each(self._from):
            at = Ns(self._from + (update.at - START) // speed)
            while at >= self._tick:
                self._tell(self._tick, "timer", [TimerFired("tick")])
            self._publish(update, at)

    def new_engine(self) -> Engine:
        """An engine that has seen nothing yet, of the same settings."""
        return engine_of(Settings())

    def new_venues(self) -> Venues:
        """Protocols as they were before the first frame."""
        fresh = Venues(self.instruments)
        fresh.opened()
        return fresh

    def _begin(self, scratch: Path) -> None:
        links = scratch / "links.json"
        links.write_text(json.dumps({"links": self.world.links()}))
        run = RunStarted("r1", "sim", self.world.seed, "bench", engine_settings(Settings()))
        groups = [EventListed(group(one)) for one in self.world.events.values()]
        listed = [InstrumentListed(one) for one in self.instruments]
        at = Ns(self._from - SECOND)
        self._tell(at, "account", [run, *read_links(links, "bench"), *listed, *groups])
        for stream, outs in self._venues.opened():
            self._tell(at, stream, [FeedUp(stream)])
            self._obey(outs, at)

    def _obey(self, outs: list[Any], at: Ns) -> None:
        for out in outs:
            if isinstance(out, Send):
                for frame in self._clients[out.stream].on_text(out.data.decode(), at):
                    self._frame(at, out.stream, frame.text.encode())

    def _publish(self, update: Update, at: Ns) -> None:
        if update.key.startswith("kalshi:"):
            news: Any = self._stock.publish(update)
            streams = ["kalshi.book"]
        else:
            news = self._shelf.publish(update)
            streams = [name for name in self._clients if name != "kalshi.book"]
        for stream in streams:
            for frame in self._clients[stream].on_published(news):
                self._frame(at, stream, frame.text.encode())

    def _frame(self, at: Ns, stream: str, data: bytes) -> None:
        self.items.append(Item(at, stream, data, []))
        outs = self._venues.read(stream, data, at)
        self._obey(outs, at)
        self._step(at, [out for out in outs if not isinstance(out, ACTIONS)])

    def _tell(self, at: Ns, stream: str, events: list[Event]) -> None:
        self.items.append(Item(at, stream, b"", events))
        self._step(at, events)

    def _step(self, at: Ns, events: list[Event]) -> None:
        for event in events:
            self._seq += 1
            for effect in self.engine.step(Envelope(self._seq, at, event)).effects:
                self._carry(effect, at)

    def _carry(self, effect: Effect, at: Ns) -> None:
        if isinstance(effect, SetTimer):
            self._tick = effect.at
        elif isinstance(effect, AskCheck):
            for key in effect.keys:
                tokens = range(max(1, len(self.world.markets[key].tokens[0]) and 2))
                self._tell(at, "rest", [self._copy(key, token) for token in tokens])
        elif isinstance(effect, SolvePlan):
            self._tell(at, "plans", [self._planner.solve(effect)])
        else:
            raise AssertionError(f"a quiet session asked for {effect}")

    def _copy(self, key: str, token: int) -> BookSeen:
        """The exchange's own book of a token, in YES terms."""
        shelf: Any = self._stock if key.startswith("kalshi:") else self._shelf
        book = shelf._books
        if key.startswith("kalshi:"):
            sides = [(BID, 0, book.ladder(key, 0, BID)), (ASK, 1, book.ladder(key, 1, BID))]
        else:
            sides = [(side ^ token, token, book.ladder(key, token, side)) for side in (BID, ASK)]
        levels = [
            (side, ONE - px if mirrored else px, size)
            for side, mirrored, ladder in sides
            for px, size in ladder.items()
        ]
        return BookSeen(key, token, levels)


def instrument(one: SimMarket) -> Instrument:
    """What discovery makes of a market of the generator."""
    return Instrument(
        one.key, one.venue, one.symbol, one.event, one.title, one.outcome, one.grid, one.fees,
        size_min=one.size_min, closes=one.closes, settles=one.expires,
        tokens=one.tokens if one.tokens[0] else (), rules=one.rules, category=one.category,
    )  # fmt: skip


def group(one: SimEvent) -> EventGroup:
    """What discovery makes of an event of the generator."""
    whole = one.exhaustive and not one.augmented
    return EventGroup(one.key, one.venue, one.title, tuple(one.members), one.exclusive, whole)
