"""One run: recover, connect, watch, decide, record; then end in good order and say what it saw."""

import asyncio
import contextlib
import gc
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from dutchbook import __version__
from dutchbook.domain.effects import Effect
from dutchbook.domain.errors import DutchbookError
from dutchbook.domain.events import Event, OperatorAsked, RunStarted, RunStopped
from dutchbook.domain.step import Step
from dutchbook.domain.units import MILLI, SECOND, Ns
from dutchbook.io.driver import Driver
from dutchbook.runtime import status
from dutchbook.runtime.answers import answer
from dutchbook.runtime.bootstrap import House, make_driver
from dutchbook.runtime.clock import SystemClock
from dutchbook.runtime.control import Control
from dutchbook.runtime.inbox import Inbox
from dutchbook.runtime.loop import Loop
from dutchbook.runtime.recover import recover
from dutchbook.runtime.tending import Tending
from dutchbook.runtime.wire import Wire
from dutchbook.runtime.wiregate import WireGate
from dutchbook.storage.sql.projector import Projector, url_of
from dutchbook.storage.store import Store

EXCHANGES_ENDED = "the pretend exchanges ended"
CLOSING = Ns(8 * SECOND)
"""How long the end of a run may wait for books that are being fetched anew."""
STILL = Ns(300 * MILLI)
"""How long nothing must have come in before a run is taken to have seen everything."""


class Live:
    """Everything that one run holds. `watch` is told each Step with notes or effects."""

    def __init__(
        self,
        house: House,
        watch: Callable[["Live", Step], None],
        *,
        alive: Callable[[], bool] = lambda: True,
        quiet: Callable[[], None] = lambda: None,
        record: Callable[[str, Ns, bytes], None] | None = None,
    ) -> None:
        self.house = house
        self.clock = SystemClock()
        self.alive = alive
        self.quiet = quiet
        self.store = Store.open(
            house.data_dir, segment_bytes=house.settings.journal.segment_mb << 20
        )
        self.engine = house.engine()
        self.odd = [*self.store.repaired, *recover(self.engine, house.data_dir)]
        self.first_seq = self.store.seq + 1
        limits = house.settings.inbox
        self.inbox = Inbox(
            self.clock, seq=self.store.seq, at=self.store.at,
            events_max=limits.events_max, conflate_over=limits.conflate_over,
        )  # fmt: skip
        every = Ns(house.settings.journal.commit_ms * MILLI)
        self.loop = Loop(
            self.engine, self.inbox, self.store, self.clock, self._carry, self._watched, every,
        )  # fmt: skip
        self.watch = watch
        self.drivers: dict[str, Driver] = {}
        self.wire = Wire(WireGate(house.data_dir, self.clock.mono), self.drivers, self.tell)
        self.control = Control(house.data_dir, self.tell, lambda name, args: answer(self, name))
        self.tending = Tending(self)
        self.record = record
        storage = house.settings.storage
        self.projector = Projector(url_of(storage.url, house.data_dir), house.data_dir)
        if house.accounts and storage.enabled:
            self.loop.project = self.projector.put
        self.run = f"r{len(self.engine.runs) + 1}"
        self.began = self.clock.now()
        self.connected = Ns(0)
        self.sealed = Ns(0)
        self.counts: dict[str, int] = {}
        self.why = ""
        self._stop = asyncio.Event()

    def stop(self, why: str) -> None:
        """Ask the run to end in good order."""
        self.why = self.why or why
        self._stop.set()

    def _carry(self, effect: Effect) -> None:
        self.wire.carry(effect)

    def _watched(self, step: Step) -> None:
        if isinstance(step.envelope.event, OperatorAsked):
            self.control.saw(step)
        self.watch(self, step)

    def tell(self, event: Event) -> None:
        """An event of our own making, in order with all others."""
        self.inbox.put("account", [event])

    def sink(self, stream: str, events: list[Event]) -> None:
        if self.sealed:
            return
        if not self.connected and not stream.endswith(".rest"):
            self.connected = self.clock.now()
        self.inbox.put(stream, events)

    async def go(self, seconds: float | None, first: list[Event]) -> None:
        """Run until `seconds` have passed (None: until asked to stop); `first` events go first."""
        settings = self.house.settings
        started = RunStarted(
            self.run, settings.mode, settings.seed, __version__, self.house.engine_settings,
            os.urandom(4).hex(), tuple(sorted(self.house.accounts.items())),
        )  # fmt: skip
        self.inbox.put("account", [started, *first])
        self._on_signals()
        transport = self.house.transport()
        for venue in await self.house.venues(transport, self.clock):
            self.drivers[venue.name] = make_driver(self, venue, transport)
        await self.control.start()
        if self.loop.project == self.projector.put:
            self.projector.start()
        tending = asyncio.create_task(self.tending.go(), name="tending")
        pump = asyncio.create_task(self.loop.run(), name="engine")
        for driver in self.drivers.values():
            driver.start()
        reporter = asyncio.create_task(self._report(), name="status")
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        try:
            await self._until(seconds, pump)
            await self.tending.wind_down(pump)
            await self._settle(pump)
        finally:
            reporter.cancel()
            tending.cancel()
            await self.control.stop()
            self.loop.stop_timers()
            await asyncio.gather(*(driver.stop() for driver in self.drivers.values()))
            await transport.close()
            await self._finish(pump)

    def _on_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stop, signal.Signals(number).name)

    async def _until(self, seconds: float | None, pump: asyncio.Task[None]) -> None:
        asked = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({asked, pump}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            asked.cancel()
        self.why = self.why or ("error" if pump.done() else "time")

    async def _settle(self, pump: asyncio.Task[None]) -> None:
        """End at a moment when every book is whole and nothing is under way, and seal the run.

        The exchanges of mode sim are asked to fall quiet first, so that the run has seen every
        frame that they sent; whatever arrives after the seal belongs to no run.
        """
        self.quiet()
        until, still, frames = self.clock.mono() + CLOSING, self.clock.mono(), self.frames()
        while not pump.done() and self.alive() and self.clock.mono() < until:
            busy = self.engine.world.open_gaps() or self.engine.world.broken_books()
            if busy or len(self.inbox) or frames != self.frames():
                still, frames = self.clock.mono(), self.frames()
            elif self.clock.mono() - still > STILL:
                break
            await asyncio.sleep(0.01)
        self.counts = status.counts(self)
        self.sealed = self.clock.now()

    async def _finish(self, pump: asyncio.Task[None]) -> None:
        """Decide what had arrived, say that the run ended, keep a snapshot, unlock."""
        from dutchbook.engine.snapshot import take

        self.sealed = self.sealed or self.clock.now()
        if not pump.done():
            pump.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await pump
        self.inbox.put("account", [RunStopped(self.run, self.why)])
        while self.loop.turn():
            pass
        self.loop.commit()
        self.store.snapshot(take(self.engine))
        if self.loop.project == self.projector.put:
            await asyncio.to_thread(self.projector.stop)
        status.write(self.house.data_dir, status.describe(self, running=False))
        self.store.close()

    async def _report(self) -> None:
        """Once a second: the status file, and whether the exchanges' process still lives."""
        while True:
            status.write(self.house.data_dir, status.describe(self, running=True))
            if not self.alive():
                self.stop(EXCHANGES_ENDED)
            await asyncio.sleep(1)

    def frames(self) -> int:
        return sum(driver.counts["frames"] for driver in self.drivers.values())


def read_json(path: Path) -> Any:
    """A JSON file of ours; DutchbookError if it is not there or damaged."""
    try:
        return msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        raise DutchbookError(f"cannot read {path}: {error}") from error
