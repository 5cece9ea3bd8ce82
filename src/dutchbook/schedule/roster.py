"""Which job begins now, which is tried again, which was missed: pure, told the time.

Rules: no job overlaps itself; a time that comes while it still runs is passed over and noted. After
a failure it is tried again after 10, 20, 40 s …, `retries` times. What was due while nothing ran is
done once at the start (`once`) or left out (`skip`).
"""

from datetime import tzinfo
from typing import Final, Literal

import msgspec

from dutchbook.domain.units import SECOND, Ns
from dutchbook.schedule.when import When

AGAIN: Final = Ns(10 * SECOND)
Status = Literal["done", "failed", "timeout", "overlap", "retry", "missed", "added"]


class Job(msgspec.Struct, frozen=True):
    """A job by its name; `timeout` in ns."""

    name: str
    when: When
    text: str
    timeout: Ns = Ns(180 * SECOND)
    retries: int = 3


class Run(msgspec.Struct, frozen=True):
    """A line of the history. `due`: the time that it was for; `found`: what it counted."""

    name: str
    due: Ns
    began: Ns
    ended: Ns
    status: Status
    attempt: int = 0
    why: str = ""
    found: dict[str, int] = {}
    results: tuple[str, ...] = ()
    by: str = "schedule"


class Start(msgspec.Struct, frozen=True):
    """Begin a job now."""

    name: str
    due: Ns
    attempt: int


class _Place:
    """Where a job stands."""

    __slots__ = ("attempt", "began", "due", "next", "retry", "running")

    def __init__(self, first: Ns) -> None:
        self.next = first
        self.retry = Ns(0)
        self.due = first
        self.began = Ns(0)
        self.attempt = 0
        self.running = False


class Roster:
    """`history`: runs of earlier processes, oldest first."""

    def __init__(
        self, jobs: list[Job], zone: tzinfo, now: Ns, history: list[Run],
        missed: Literal["once", "skip"] = "once",
    ) -> None:  # fmt: skip
        self.jobs = {job.name: job for job in jobs}
        self.zone = zone
        self._places: dict[str, _Place] = {}
        self.noted: list[Run] = []
        last = {run.name: run.due for run in history if run.by == "schedule"}
        ended = {run.name: run.status for run in history if run.by == "schedule"}
        for job in jobs:
            place = self._places[job.name] = _Place(job.when.next(now, zone))
            before = last.get(job.name)
            was_due = job.when.next(before, zone) if before is not None else Ns(0)
            if ended.get(job.name) == "retry":
                was_due = before or Ns(0)
            if before is None:  # what is due from now on may be missed, too
                self.noted.append(Run(job.name, now, now, now, "added"))
            if was_due and was_due <= now:
                if missed == "once":
                    place.next = was_due
                else:
                    self.noted.append(Run(job.name, was_due, now, now, "missed"))

    def due(self, now: Ns) -> list[Start]:
        """What begins now; each is running until `ended`."""
        found: list[Start] = []
        for name, place in self._places.items():
            job = self.jobs[name]
            if place.retry and now >= place.retry and not place.running:
                place.retry = Ns(0)
                found.append(self._start(name, place, now))
            if not place.next or now < place.next:
                continue
            at, place.next = place.next, job.when.next(now, self.zone)
            if place.running or place.retry:
                self.noted.append(Run(name, at, now, now, "overlap", why="it was still running"))
                continue
            place.due, place.attempt = at, 0
            found.append(self._start(name, place, now))
        return found

    def _start(self, name: str, place: _Place, now: Ns) -> Start:
        place.running, place.began = True, now
        place.attempt += 1
        return Start(name, place.due, place.attempt)

    def begin(self, name: str, now: Ns) -> Start | None:
        """A person wants it now; None while it is running."""
        place = self._places[name]
        if place.running:
            return None
        place.due, place.attempt, place.retry = now, 0, Ns(0)
        return self._start(name, place, now)

    def ended(self, start: Start, status: Status, now: Ns) -> Status:
        """How a run ended; what stands in the history: `retry` where it is tried again."""
        place, job = self._places[start.name], self.jobs[start.name]
        place.running = False
        if status == "done" or start.attempt > job.retries:
            return status
        place.retry = Ns(now + AGAIN * 2 ** (start.attempt - 1))
        return "retry"

    def next_due(self) -> Ns:
        """When to look again; 0: never."""
        times = [p.retry for p in self._places.values() if p.retry]
        times += [p.next for p in self._places.values() if p.next]
        return min(times, default=Ns(0))

    def next_of(self, name: str) -> Ns:
        return self._places[name].next

    def running(self, name: str) -> bool:
        return self._places[name].running
