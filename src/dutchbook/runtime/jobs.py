"""Runs jobs when the roster says so: one task each, bounded in time, written down, told of."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from dutchbook.alerts.notice import Draft
from dutchbook.alerts.words import clean, tag
from dutchbook.domain.clock import Clock
from dutchbook.domain.errors import DutchbookError, NotRunning, UsageError
from dutchbook.domain.units import MILLI, SECOND, Ns
from dutchbook.schedule.roster import Roster, Run, Start, Status

FILE: Final = "jobs.jsonl"
KEPT: Final = 5_000
LINES_MAX: Final = 4 * KEPT
"""Lines of the file above which it is written anew at a start: seven weeks of the usual jobs."""
LOOK_MAX: Final = Ns(30 * SECOND)


class Result(msgspec.Struct, frozen=True):
    """What a job found: counts by name, and lines for a person."""

    found: dict[str, int] = {}
    lines: tuple[str, ...] = ()


Work = Callable[[], Awaitable[Result]]


class History:
    """Lines of a file in the data directory; it is shortened to those that count when it is long.

    `runs`: oldest first; the newest, and of each job the last one that was due.
    """

    def __init__(self, root: Path) -> None:
        self.path = root / FILE
        found = _lines(root)
        self.runs = kept(found)
        if len(found) > LINES_MAX:
            fresh = self.path.with_suffix(".tmp")
            fresh.unlink(missing_ok=True)
            self._write(fresh, self.runs)
            os.replace(fresh, self.path)

    def add(self, run: Run) -> None:
        self._write(self.path, [run])
        self.runs = kept([*self.runs, run])

    def ran(self) -> list[Run]:
        """What is shown of it."""
        return _ran(self.runs)

    def _write(self, path: Path, runs: list[Run]) -> None:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "ab") as file:
            file.write(msgspec.json.Encoder().encode_lines(runs))
            file.flush()
            os.fsync(file.fileno())


def kept(runs: list[Run]) -> list[Run]:
    """The newest KEPT, and before them the last of each job that the schedule began: a job that
    is due once a month must not be forgotten because others are due each minute."""
    last = {run.name: n for n, run in enumerate(runs) if run.by == "schedule"}
    older = sorted(n for n in last.values() if n < len(runs) - KEPT)
    return [*(runs[n] for n in older), *runs[-KEPT:]]


def read(root: Path) -> list[Run]:
    """What ran in a data directory, oldest first; torn lines are passed over."""
    return _ran(kept(_lines(root)))


def _ran(runs: list[Run]) -> list[Run]:
    """Without the lines that say since when a job is known."""
    return [run for run in runs if run.status != "added"]


def _lines(root: Path) -> list[Run]:
    path, found = root / FILE, list[Run]()
    for line in path.read_bytes().splitlines() if path.exists() else ():
        try:
            found.append(msgspec.json.decode(line, type=Run))
        except msgspec.DecodeError:
            continue
    return found


class Jobs:
    """`works` by job name. `tell` takes drafts for people: all runs, failures only, or none."""

    def __init__(
        self, roster: Roster, works: dict[str, Work], history: History, clock: Clock, mode: str,
        tell: Callable[[Draft], object], notify: Literal["all", "failures", "off"] = "failures",
    ) -> None:  # fmt: skip
        self.roster = roster
        self.works = works
        self.history = history
        self.clock = clock
        self.mode = mode
        self.tell = tell
        self.notify = notify
        self._tasks: set[asyncio.Task[Run]] = set()
        self._wake = asyncio.Event()

    async def go(self) -> None:
        """Until cancelled."""
        try:
            while True:
                self._noted()
                for start in self.roster.due(self.clock.now()):
                    self._begin(start, "schedule")
                self._noted()
                await self._sleep()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _sleep(self) -> None:
        now = self.clock.now()
        due = self.roster.next_due()
        span = min(max(due - now, MILLI), LOOK_MAX) if due else LOOK_MAX
        self._wake.clear()
        alarm = self.clock.after(Ns(span), self._wake.set)
        try:
            await self._wake.wait()
        finally:
            alarm.cancel()

    async def run(self, name: str, who: str) -> Run:
        """A person wants it now. Raises UsageError where it is unknown or under way, NotRunning."""
        if name not in self.works:
            raise UsageError(f"no job {name!r} here", todo=f"there are {', '.join(self.works)}")
        start = self.roster.begin(name, self.clock.now())
        if start is None:
            raise UsageError(f"{name} is running already", todo="dutchbook job list")
        task = self._begin(start, who)
        await asyncio.wait({task})
        if task.cancelled():
            raise NotRunning(f"the run ended before {name} did", todo="run it again")
        return task.result()

    def _begin(self, start: Start, by: str) -> "asyncio.Task[Run]":
        task = asyncio.create_task(self._do(start, by), name=f"job {start.name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _do(self, start: Start, by: str) -> Run:
        began = self.clock.now()
        job = self.roster.jobs[start.name]
        if self.notify == "all":
            self._tell(f"{start.name} began", f"job:{start.name}:{began}:began", "LOW")
        status, why, result = await self._bounded(self.works[start.name], job.timeout)
        ended = self.clock.now()
        status = self.roster.ended(start, status, ended)
        run = Run(start.name, start.due, began, ended, status, start.attempt, why, result.found,
                  result.lines, by)  # fmt: skip
        self.history.add(run)
        self._wake.set()
        self._told(run)
        return run

    async def _bounded(self, work: Work, timeout: Ns) -> tuple[Status, str, Result]:
        """Its time is the clock's own, so that a virtual one bounds it, too."""
        task = asyncio.ensure_future(work())
        late: list[bool] = []

        def end() -> None:
            late.append(True)
            task.cancel()

        alarm = self.clock.after(timeout, end)
        try:
            return "done", "", await task
        except asyncio.CancelledError:
            if not late:
                raise
            return "timeout", f"it took longer than {timeout // SECOND} s", Result()
        except DutchbookError as error:
            return "failed", str(error)[:500], Result()
        except Exception as error:  # one job's defect must not end the others
            return "failed", f"{type(error).__name__}: {error}"[:500], Result()
        finally:
            alarm.cancel()

    def _noted(self) -> None:
        noted, self.roster.noted = self.roster.noted, []
        for run in noted:
            self.history.add(run)

    def _told(self, run: Run) -> None:
        bad = run.status in ("failed", "timeout")
        if self.notify == "off" or (not bad and self.notify != "all"):
            return
        key = f"job:{run.name}:{run.began}:{run.status}"
        self._tell(f"{run.name} {run.status} {run.why}".rstrip(), key, "MEDIUM" if bad else "LOW")

    def _tell(self, what: str, key: str, priority: Literal["LOW", "MEDIUM"]) -> None:
        line = f"{tag(self.mode)} 🗓 Job  {clean(what, 400)}"
        self.tell(Draft("job", key, line, clean(what, 80), priority=priority))

    def rows(self) -> list[dict[str, Any]]:
        """For `job list`: what there is, when it is due, how it went last."""
        last = {run.name: run for run in self.history.ran()}
        return [row(job.name, job.text, self.roster.next_of(job.name), last.get(job.name))
                for job in self.roster.jobs.values()]  # fmt: skip


def row(name: str, text: str, due: Ns, last: Run | None) -> dict[str, Any]:
    """One job as lists show it."""
    return {
        "name": name, "schedule": text, "next": due,
        "last": record(last) if last is not None else None,
    }  # fmt: skip


def record(run: Run) -> dict[str, Any]:
    """A run as the gateway's `GET /jobs` has it."""
    return {
        "subagent_id": run.name, "status": run.status,
        "opportunities_found": run.found.get("opportunities", 0),
        "total_expected_profit": run.found.get("expected_profit", 0),
        "execution_time_ms": (run.ended - run.began) // MILLI, "results": list(run.results),
        "due": run.due, "began": run.began, "attempt": run.attempt, "why": run.why,
        "found": run.found, "by": run.by,
    }  # fmt: skip
