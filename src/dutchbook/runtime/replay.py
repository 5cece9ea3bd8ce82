"""The engine over what was recorded: raw frames through the venues' parsers, or a journal."""

import heapq
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec

from dutchbook import __version__
from dutchbook.domain.digest import Digest, canonical
from dutchbook.domain.effects import SetTimer
from dutchbook.domain.errors import RemoteProtocolError, UsageError
from dutchbook.domain.events import BadInput, Envelope, Event, FeedUp, RunStarted, TimerFired
from dutchbook.domain.step import Step
from dutchbook.domain.units import Ns
from dutchbook.engine.engine import Engine
from dutchbook.runtime.bootstrap import engine_of, engine_settings, learning_venue
from dutchbook.runtime.datadir import record_root
from dutchbook.runtime.recorded import Raw, read
from dutchbook.runtime.settings import Optimizer, Settings
from dutchbook.storage.reader import Recorded, read_steps
from dutchbook.storage.store import Store
from dutchbook.venues.base import Venue

Watch = Callable[[Step], None]
Pace = Callable[[int], None]
"""Told the time of what comes next, in ns; may wait."""


def record_of(paths: list[Path]) -> Path | None:
    """The data directory that the arguments name (itself, or a file in its journal or tape)."""
    roots = {record_root(path) for path in paths}
    if roots == {None}:
        return None
    if len(roots) > 1:
        raise UsageError(
            "these files belong to different records", todo="replay one data directory at a time"
        )
    return roots.pop()


class Replay:
    """Feeds one engine in the tape's own time; the same input gives the same digest."""

    def __init__(self, settings: Settings, watch: Watch, pace: Pace) -> None:
        # Raw frames hold no answers of the optimiser; a record names its own settings.
        self.settings = msgspec.structs.replace(settings, optimizer=Optimizer(enabled=False))
        self.watch = watch
        self.pace = pace
        self.engine = engine_of(self.settings)
        self.digest = Digest()
        self.store: Store | None = None
        self.frames = 0
        self.errors: list[str] = []
        self.differences: list[int] = []
        self.runs: list[dict[str, Any]] = []
        self.seq = 0
        self.at = Ns(0)
        self._run = ""
        self._timers: dict[str, Ns] = {}

    # -- raw frames ----------------------------------------------------------------------------

    def frames_of(self, paths: list[Path], venue: str | None, data_dir: Path | None) -> None:
        """Put recorded frames through the real parsers, files merged by their times."""
        with ExitStack() as stack:
            if data_dir is not None:
                self.store = Store.open(data_dir)
                stack.callback(self.store.close)
                self.seq, self.at = self.store.seq, self.store.at
            started = RunStarted("replay", "replay", 0, __version__, engine_settings(self.settings))
            self._put(started)
            venues: dict[str, Venue] = {}
            ups: dict[str, None] = {}
            for raw in heapq.merge(
                *(self._raws(path, venue) for path in paths), key=lambda r: r.at
            ):
                self._advance(raw.at)
                self._frame(raw, venues, ups)

    def _raws(self, path: Path, venue: str | None) -> Iterator[Raw]:
        """The frames of one file; what can't be read is counted and said, and the rest goes on."""
        for item in read(path, venue):
            if isinstance(item, RemoteProtocolError):
                self.errors.append(f"{path.name}: {item}")
                self._put(BadInput(path.name, item.where, item.what, item.market))
            else:
                yield item

    def _frame(self, raw: Raw, venues: dict[str, Venue], ups: dict[str, None]) -> None:
        name = raw.stream.split(".")[0]
        if name not in venues:
            venues[name] = learning_venue(name)
        protocol = venues[name]
        if raw.stream not in ups:
            ups[raw.stream] = None
            self._put(FeedUp(raw.stream))
            self._events(protocol.on_open(raw.stream, raw.at))
        self.frames += 1
        self._events(protocol.on_frame(raw.stream, raw.data, raw.at))

    def _events(self, outs: list[Any]) -> None:
        for out in outs:
            if isinstance(out, Event):
                self._put(out)

    def _advance(self, at: Ns) -> None:
        """Time moves: timers that are due ring once, at the moment of what comes next."""
        self.pace(at)
        self.at = max(self.at, at)
        for name in [name for name, due in self._timers.items() if due <= self.at]:
            del self._timers[name]
            self._put(TimerFired(name))

    def _put(self, event: Event) -> None:
        self.seq += 1
        step = self.engine.step(Envelope(self.seq, self.at, event))
        if self.store is None:
            self.digest.add(step)
        else:
            self.digest.feed(self.store.append(step))
            if self.seq % 1024 == 0:
                self.store.commit()
        for effect in step.effects:
            if isinstance(effect, SetTimer):
                self._timers[effect.name] = effect.at
        if step.notes:
            self.watch(step)

    # -- journal and tape ----------------------------------------------------------------------

    def record(self, root: Path) -> None:
        """Run the strategies again over a record and compare; each run has a digest of its own."""
        for row in read_steps(root, report=self._hole):
            if row.event is None:
                continue
            if isinstance(row.event, RunStarted):
                self._next_run(row.event)
            self.pace(row.at)
            step = self.engine.step(Envelope(row.seq, row.at, row.event))
            self.digest.add(step)
            self.seq, self.at = row.seq, row.at
            if not _same(step, row):
                self.differences.append(row.seq)
            if step.notes:
                self.watch(step)
        self._close_run()

    def _hole(self, first: int, last: int) -> None:
        self.errors.append(f"seq {first} to {last} are not on the tape")

    def _next_run(self, event: RunStarted) -> None:
        self._close_run()
        self.digest = Digest()
        before: Engine = self.engine
        self.engine = engine_of(self.settings, event.settings)
        self.engine.graph, self.engine.runs = before.graph, before.runs
        self.engine.opened = before.opened
        if before.trading and self.engine.trading:
            self.engine.trading.account.restore(before.trading.account.take())
        self._run = event.run

    def _close_run(self) -> None:
        if self.digest.steps:
            digest = self.digest
            self.runs.append({"run": self._run, "steps": digest.steps, "digest": digest.hex()})


def _same(step: Step, row: Recorded) -> bool:
    """Whether the strategies decided now what they decided then."""
    if step.effects == row.effects and step.notes == row.notes:
        return True
    then = Step(step.envelope, row.effects, row.notes)
    return canonical(step) == canonical(then)


def summary(replay: Replay) -> dict[str, Any]:
    """What a replay says at its end."""
    count = replay.engine.world.count
    return {
        "mode": "replay",
        "frames": replay.frames,
        "events": count.events,
        "book_changes": count.books,
        "markets": len(replay.engine.world.instruments),
        "gaps_seen": count.gaps_seen,
        "gaps_recovered": count.gaps_recovered,
        "malformed": count.malformed,
        "duplicates": count.duplicates,
        "hash_verified": count.verified,
        "hash_unverifiable": count.unverifiable,
        "trades": count.trades,
        "opportunities": replay.engine.opened_in_run,
        "journal_seq": replay.seq,
        "differences": len(replay.differences),
        "first_differences": replay.differences[:10],
        "errors": replay.errors[:20],
        "runs": replay.runs,
        "digest": replay.digest.hex(),
    }
