"""A feed from another process over loopback, through the real driver, protocol, inbox and loop."""

import asyncio
import contextlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any, Final

import msgspec

from bench import plain_book
from bench.engine_message import frozen
from bench.frames import kalshi_made
from bench.harness import Context, Row
from dutchbook.domain.effects import Effect
from dutchbook.domain.events import (
    BookLevels,
    Envelope,
    EventListed,
    InstrumentListed,
    RunStarted,
)
from dutchbook.domain.instrument import CENT, EventGroup
from dutchbook.domain.step import Step
from dutchbook.domain.units import MILLI, Ns
from dutchbook.engine.engine import Engine
from dutchbook.io.driver import Driver
from dutchbook.io.http import Network
from dutchbook.io.ports import Lost, Reply
from dutchbook.io.signer import Signer
from dutchbook.runtime.bootstrap import engine_of, engine_settings
from dutchbook.runtime.clock import SystemClock
from dutchbook.runtime.inbox import Inbox
from dutchbook.runtime.loop import Loop
from dutchbook.runtime.settings import Settings
from dutchbook.storage.store import Store
from dutchbook.venues.base import Call, Dial, Out
from dutchbook.venues.kalshi.config import Config
from dutchbook.venues.kalshi.reader import unlisted
from dutchbook.venues.kalshi.venue import STREAM, Kalshi

MARKETS: Final = 1_000
GOAL_MS: Final = 10
GOAL_DRAIN: Final = 5
COMMIT_EVERY: Final = Ns(20 * MILLI)
PATIENCE: Final = 60.0


def sustained(context: Context) -> list[Row]:
    """5,000 messages a second for 8 s: how old each is, by its sender's stamp, once decided on."""
    told = measured(context, 5_000, 2.0 if context.quick else 8.0)
    ages = sorted(told.ages)
    p50, p99 = (ages[int(len(ages) * part)] / MILLI for part in (0.5, 0.99))
    goal = f"p99 <= {GOAL_MS}, lost 0"
    return [
        Row("feed_sustained", round(p99, 2), "ms", goal, p99 <= GOAL_MS and not told.lost),
        Row("feed_sustained_p50", round(p50, 2), "ms"),
        Row("feed_sustained_rate", round(told.rate), "messages/s"),
        Row("feed_sustained_lost", told.lost, "messages", "value == 0", not told.lost),
        Row("feed_sustained_conflated", told.conflated, "messages"),
    ]


def burst(context: Context) -> list[Row]:
    """20,000 messages a second for 10 s: how long after the last one all are decided on."""
    told = measured(context, 20_000, 1.0 if context.quick else 10.0)
    drain = max(0, told.done - told.last) / 1e9
    goal = f"value <= {GOAL_DRAIN}, lost 0"
    return [
        Row("feed_burst", round(drain, 3), "s", goal, drain <= GOAL_DRAIN and not told.lost),
        Row("feed_burst_rate", round(told.rate), "messages/s"),
        Row("feed_burst_lost", told.lost, "messages", "value == 0", not told.lost),
        Row("feed_burst_conflated", told.conflated, "messages"),
    ]


class Told(msgspec.Struct):
    """What one run of the feed showed; times in ns of this machine's clock.

    `ages`: from the sender's stamp (whole ms, so up to one too many) to the end of the step.
    `lost`: messages that no step and no conflation accounts for, gaps, and books that differ.
    """

    ages: list[int]
    rate: float
    last: int
    done: int
    lost: int
    conflated: int


class Unsigned(Kalshi):
    """The real protocol behind its discovery: the markets are known, and nobody signs."""

    def __init__(self, url: str, markets: list[str]) -> None:
        config = Config(ws=url, channels=("orderbook_delta",), tickers_per_command=MARKETS)
        super().__init__(config)
        for name in markets:
            one = msgspec.structs.replace(unlisted(f"kalshi:{name}"), grid=CENT)
            self.catalogue.keys[name] = one.key
            self.catalogue.instruments[name] = one

    def streams(self) -> tuple[str, ...]:
        return (STREAM,)

    def start(self, now: Ns) -> list[Out]:
        """Every market, and events of two markets each, so that strategies have baskets."""
        ones = list(self.catalogue.instruments.values())
        pairs = zip(ones[::2], ones[1::2], strict=False)
        groups = [
            EventGroup(f"e{n}", "kalshi", "t", (a.key, b.key), True, True)
            for n, (a, b) in enumerate(pairs)
        ]
        return [*map(InstrumentListed, ones), *map(EventListed, groups)]

    def ready(self) -> bool:
        return True

    def dial(self, stream: str, now: Ns) -> Dial:
        return Dial(self.config.ws)


class NoCalls(Network):
    """Real sockets; questions over REST find nobody, which says nothing about a book."""

    async def call(self, call: Call, headers: dict[str, str]) -> Reply:
        raise Lost("no REST in this bench", sent=False)


class Timed(Engine):
    """The engine, noting how old each book change was when its step was done."""

    ages: list[int]
    done = 0

    def step(self, envelope: Envelope) -> Step:
        step = super().step(envelope)
        event = envelope.event
        if type(event) is BookLevels and not event.snapshot:
            self.done = time.time_ns()
            self.ages.append(self.done - event.venue_at)
        return step


def measured(context: Context, rate: int, seconds: float) -> Told:
    import uvloop

    context.say(f"bench: {rate} messages/s for {seconds:g} s from another process ...")
    count = int(rate * seconds)
    frames = kalshi_made(count, MARKETS)
    names = list(dict.fromkeys(_ticker(frame) for frame in frames[1 : MARKETS + 1]))
    with frozen():
        return uvloop.run(_measured(context.scratch, rate, seconds, frames, names))


async def _measured(
    scratch: Path, rate: int, seconds: float, frames: list[bytes], names: list[str]
) -> Told:
    sender = await asyncio.create_subprocess_exec(
        sys.executable, str(Path(__file__).with_name("load.py")), str(rate), str(seconds),
        str(MARKETS), stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert sender.stdout is not None
    try:
        port = int(await asyncio.wait_for(sender.stdout.readline(), PATIENCE))
        run = Run(scratch / f"feed{rate}", f"ws://127.0.0.1:{port}/", names)
        try:
            run.start()
            line = await asyncio.wait_for(sender.stdout.readline(), PATIENCE + seconds)
            told = json.loads(line)
            await run.drained(told["sent"])
        finally:
            await run.stop()
        return run.told(told, frames)
    finally:
        with contextlib.suppress(ProcessLookupError):
            sender.kill()
        await sender.wait()


class Run:
    """What `dutchbook run` is made of, but for discovery and the exchanges' own process."""

    def __init__(self, root: Path, url: str, names: list[str]) -> None:
        self.clock = SystemClock()
        made = engine_of(Settings())
        self.engine = Timed(made.strategies, made.limits, made.fresh)
        self.engine.ages = []
        self.inbox = Inbox(self.clock)
        self.store = Store.open(root)
        self.loop = Loop(
            self.engine, self.inbox, self.store, self.clock, self._carry, lambda step: None,
            COMMIT_EVERY,
        )  # fmt: skip
        self.transport = NoCalls()
        self.driver = Driver(
            Unsigned(url, names), self.inbox.put, clock=self.clock, signer=Signer(),
            transport=self.transport, room=self.inbox.room,
        )  # fmt: skip
        self._pump: asyncio.Task[None] | None = None

    def _carry(self, effect: Effect) -> None:
        self.driver.do(effect)

    def start(self) -> None:
        begun = RunStarted("r1", "sim", 7, "bench", engine_settings(Settings()))
        self.inbox.put("account", [begun])
        self._pump = asyncio.create_task(self.loop.run())
        self.driver.start()

    async def drained(self, sent: int) -> None:
        """Until all is decided on, or nothing has moved for a second."""
        before = -1
        while (now := len(self.engine.ages)) != before and now + self.inbox.conflated < sent:
            before = now
            await asyncio.sleep(1.0)

    async def stop(self) -> None:
        await self.driver.stop()
        await self.transport.close()
        self.loop.stop_timers()
        if self._pump is not None:
            self._pump.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._pump
        self.store.close()

    def told(self, told: dict[str, Any], frames: list[bytes]) -> Told:
        """Checks that the books are those of a plain fold of the same frames."""
        world, conflated = self.engine.world, self.inbox.conflated
        lost = abs(told["sent"] - len(self.engine.ages) - conflated) + self.inbox.dropped
        lost += world.count.gaps_seen + world.count.malformed + world.count.stale_ignored
        lost += sum(plain_book.differences(frames, world.books.get))
        span = (told["last_ns"] - told["first_ns"]) / 1e9
        return Told(
            self.engine.ages, told["sent"] / span, told["last_ns"], self.engine.done, lost,
            conflated,
        )  # fmt: skip


def _ticker(frame: bytes) -> str:
    return str(msgspec.json.decode(frame)["msg"]["market_ticker"])
