"""One run: recover, connect, watch, decide, record; then end in good order and say what it saw."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from dutchbook import __version__
from dutchbook.alerts.notice import Draft
from dutchbook.alerts.words import tag
from dutchbook.domain.effects import Effect
from dutchbook.domain.errors import ConfigError, DutchbookError
from dutchbook.domain.events import Event, OperatorAsked, RunStarted, RunStopped
from dutchbook.domain.plans import SolvePlan
from dutchbook.domain.step import Step
from dutchbook.domain.units import MILLI, SECOND, Ns
from dutchbook.engine.engine import Engine
from dutchbook.io.breaker import Breaker, Change
from dutchbook.io.driver import Driver
from dutchbook.runtime import collector, cores, status
from dutchbook.runtime.alert_house import AlertHouse
from dutchbook.runtime.alert_ports import LivePorts
from dutchbook.runtime.alert_setup import zone_of
from dutchbook.runtime.alerting import Alerting
from dutchbook.runtime.answers import answer
from dutchbook.runtime.apart import Apart
from dutchbook.runtime.bootstrap import House, make_driver
from dutchbook.runtime.clock import SystemClock
from dutchbook.runtime.control import Control
from dutchbook.runtime.feeds import VENUES
from dutchbook.runtime.inbox import Inbox
from dutchbook.runtime.jobs import Jobs
from dutchbook.runtime.loop import Loop
from dutchbook.runtime.paper import PaperDoor, PaperLoop, desk_of
from dutchbook.runtime.planning import Planning
from dutchbook.runtime.publish import Publisher
from dutchbook.runtime.recover import recover
from dutchbook.runtime.settings import Settings
from dutchbook.runtime.strategies import reload_of
from dutchbook.runtime.tending import Tending
from dutchbook.runtime.wire import Doer, Wire
from dutchbook.runtime.wiregate import WireGate
from dutchbook.runtime.works import jobs_of
from dutchbook.storage.sql.projector import Projector, url_of
from dutchbook.storage.store import Store

if TYPE_CHECKING:
    from dutchbook.runtime.hub import RunHub

EXCHANGES_ENDED = "the pretend exchanges ended"
CLOSING = Ns(8 * SECOND)
"""How long the end of a run may wait for books that are being fetched anew."""
AHEAD_MAX = Ns(5 * SECOND)
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
        self.engine: Engine = house.engine()
        self.odd = [*self.store.repaired, *recover(self.engine, house.data_dir)]
        self._same_mode()
        self._in_time()
        self.first_seq = self.store.seq + 1
        limits = house.settings.inbox
        self.inbox = Inbox(
            self.clock, seq=self.store.seq, at=self.store.at,
            events_max=limits.events_max, conflate_over=limits.conflate_over,
        )  # fmt: skip
        every = Ns(house.settings.journal.commit_ms * MILLI)
        parts = (
            self.engine, self.inbox, self.store, self.clock, self._carry, self._watched, every,
        )  # fmt: skip
        self.paper = desk_of(self.engine, house.accounts, house.settings) if house.paper else None
        self.loop = PaperLoop(self.paper, *parts) if self.paper else Loop(*parts)
        self.watch = watch
        self.drivers: dict[str, Driver] = {}
        self.doors: dict[str, Doer] = {}
        self.wire = Wire(
            WireGate(house.data_dir, self.clock.mono, self._halted), self.doors,
            self.paper.tell if self.paper else self.tell,
        )  # fmt: skip
        self.breakers = {name: Breaker(name, told=self._moved) for name in VENUES}
        self.zone = zone_of(house.settings.schedule.tz)
        solver = house.settings.optimizer
        self.planning = Planning(solver.inline_max, solver.wait_ms / 1_000, self.tell)
        self.control = Control(house.data_dir, self.tell, lambda *asked: answer(self, *asked))
        self.tending = Tending(self)
        self.alerts = AlertHouse(self)
        self.jobs: Jobs = jobs_of(self)
        self.ports = LivePorts(self)
        self.record = record
        self.hub: RunHub | None = None
        if house.settings.api.enabled:
            self._open_hub()
        storage = house.settings.storage
        self.projector = Projector(url_of(storage.url, house.data_dir), house.data_dir)
        self.publisher = Publisher(self)
        self._publish = Apart("the gateway's view of the run", self._lost).put(self.publisher.put)
        self.projecting = bool(house.accounts) and storage.enabled
        self.loop.project = self._recorded
        self.run = f"r{len(self.engine.runs) + 1}"
        self.began = self.clock.now()
        self.connected = Ns(0)
        self.sealed = Ns(0)
        self.counts: dict[str, int] = {}
        self.why = ""
        self.reread: Callable[[], Settings] = lambda: self.house.settings
        self._stop = asyncio.Event()

    def _open_hub(self) -> None:
        """Others may listen: what steps say is told behind their commit, to the gateway's process
        among others; here nobody is served."""
        from dutchbook.runtime.hub import RunHub

        hub = self.house.settings.hub
        self.hub = RunHub(
            self.house.data_dir, self.store.seq, self.clock.now, lambda: self.engine.world,
            self.tell, books_ms=hub.books_ms, redis=hub.redis,
        )  # fmt: skip
        apart = Apart("the hub", self._lost)
        self.loop.heed = apart.heed(self.hub.heed)
        self.loop.publish = apart.publish(self.hub.publish)

    def _in_time(self) -> None:
        """F13: the record must not end in the future, or decisions would stand still in time."""
        ahead = self.store.at - self.clock.now()
        if ahead > AHEAD_MAX:
            self.store.close()
            raise ConfigError(
                f"the record in {self.house.data_dir} ends {ahead / SECOND:.0f} s in the future",
                why="this machine's clock is wrong now, or was wrong then",
                todo="set the clock right; if it is, wait that long or name another --data-dir",
            )

    def _same_mode(self) -> None:
        """I36: the record of one mode is never gone on with in another."""
        trading, mode = self.engine.trading, self.house.settings.mode
        if trading is not None and trading.account.mode not in ("", mode):
            self.store.close()
            raise ConfigError(
                f"{self.house.data_dir} is the record of mode {trading.account.mode}, not {mode}",
                why="pretend and real money never mix",
                todo="name another --data-dir",
            )

    def _halted(self) -> str:
        trading = self.engine.trading
        halt = trading.account.halts.get("all") if trading is not None else None
        return halt.why if halt is not None and halt.level in ("halt", "kill") else ""

    @property
    def alerting(self) -> Alerting:
        return self.alerts.alerting

    def _moved(self, change: Change) -> None:
        self.alerting.changed(change)

    def broken(self) -> list[tuple[str, Ns]]:
        """Services whose circuit breakers are open, and since when."""
        return [(b.service, b.since) for b in self.breakers.values() if b.state == "open"]

    def stop(self, why: str) -> None:
        """Ask the run to end in good order."""
        self.why = self.why or why
        self._stop.set()

    def _carry(self, effect: Effect) -> None:
        if isinstance(effect, SolvePlan):
            self.planning.carry(effect)
        else:
            self.wire.carry(effect)

    def _recorded(self, step: Step) -> None:
        if self.projecting:
            self.projector.put(step)
        self._publish(step)

    def _lost(self, why: str) -> None:
        line = f"{tag(self.house.settings.mode)} 🛠 {why}"
        self.alerting.offer(Draft("system_error", f"apart:{why[:40]}", line, "not told to others"))

    def _watched(self, step: Step) -> None:
        if isinstance(step.envelope.event, OperatorAsked):
            self.control.saw(step)
        self.alerting.saw(step)
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
            driver = self.drivers[venue.name] = make_driver(self, venue, transport)
            self.doors[venue.name] = PaperDoor(self.paper, driver) if self.paper else driver
        await self.control.start()
        await self.alerts.start()
        await self.publisher.start()
        if self.projecting:
            self.projector.start()
        if self.hub is not None:
            await self.hub.start()
        tending = asyncio.create_task(self.tending.go(), name="tending")
        pump = asyncio.create_task(self.loop.run(), name="engine")
        for driver in self.drivers.values():
            driver.start()
        reporter = asyncio.create_task(self._report(), name="status")
        jobs = (
            asyncio.create_task(self.jobs.go(), name="jobs") if settings.schedule.enabled else None
        )
        collector.freeze()
        cores.decides()
        try:
            await self._until(seconds, pump)
            await self.tending.wind_down(pump)
            await self._settle(pump)
        finally:
            reporter.cancel()
            if jobs is not None:
                jobs.cancel()
            tending.cancel()
            await self.control.stop()
            await self.publisher.stop()
            self.loop.stop_timers()
            await self.planning.stop()
            await asyncio.gather(*(driver.stop() for driver in self.drivers.values()))
            await transport.close()
            await self._finish(pump)

    def _on_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stop, signal.Signals(number).name)
        loop.add_signal_handler(signal.SIGHUP, self.reload)

    def reload(self) -> None:
        """SIGHUP: take the strategies from the settings of now; bad ones change nothing."""
        try:
            self.tell(reload_of(self.reread(), "SIGHUP"))
        except DutchbookError as error:
            self.tell(OperatorAsked("SIGHUP", "strategies", ("", error.what)))

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
        await self.alerts.stop()
        if self.hub is not None:
            await self.hub.stop()
        self.store.snapshot(take(self.engine))
        if self.projecting:
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
