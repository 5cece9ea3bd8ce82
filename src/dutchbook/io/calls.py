"""The queue of HTTP calls of one venue: within its budgets, what is urgent first, few at a time."""

import asyncio
import heapq
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final

from dutchbook.domain.clock import Alarm, Clock
from dutchbook.domain.units import Ns
from dutchbook.io import budget
from dutchbook.io.ports import Lost, Reply
from dutchbook.venues.base import Bucket, Call

URGENT: Final = 0
LATER: Final = 1
WAITING_MAX: Final = 10_000
FLYING_MAX: Final = 8
URGENT_MAX: Final = 64
"""Urgent calls don't wait for others to land: an order is never behind slow questions."""

Make = Callable[[Call], Awaitable[Reply]]
Done = Callable[[Call, Reply | Lost], None]


class Calls:
    """`make` performs a call, `done` is told how it ended. Calls of one bucket keep their order.

    `counts`: calls, throttled (answers 429), lost, overflow (refused because too many wait).
    """

    def __init__(self, buckets: tuple[Bucket, ...], clock: Clock, make: Make, done: Done) -> None:
        self._clock = clock
        self._make = make
        self._done = done
        self._buckets = {bucket.name: bucket for bucket in buckets}
        self._left = {bucket.name: budget.full(bucket, clock.mono()) for bucket in buckets}
        self._waiting: dict[str, list[tuple[int, int, Call]]] = {}
        self._alarms: dict[str, Alarm] = {}
        self._flying: set[asyncio.Task[None]] = set()
        self._order = 0
        self._stopped = False
        self.counts: Counter[str] = Counter()

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values())) + len(self._flying)

    def add(self, call: Call, priority: int = LATER) -> None:
        """Queue a call. One that can't be queued is lost, unsent."""
        if call.bucket and call.bucket not in self._buckets:
            self._end(call, Lost(f"no budget is named {call.bucket!r}", sent=False))
        elif self._stopped or len(self) >= WAITING_MAX:
            self.counts["overflow"] += not self._stopped
            self._end(call, Lost("stopped" if self._stopped else "too many calls", sent=False))
        else:
            self._order += 1
            queue = self._waiting.setdefault(call.bucket, [])
            heapq.heappush(queue, (priority, self._order, call))
            self._pump(call.bucket)

    def drop(self, names: tuple[str, ...]) -> None:
        """Take back what has not left yet; each is lost, unsent."""
        wanted = frozenset(names)
        for queue in self._waiting.values():
            gone = [call for *_, call in queue if call.id in wanted]
            if gone:
                queue[:] = [entry for entry in queue if entry[2].id not in wanted]
                heapq.heapify(queue)
            for call in gone:
                self._end(call, Lost("taken back", sent=False))

    def budget(self, buckets: tuple[Bucket, ...]) -> None:
        """The venue told what it allows; what is left of the old budgets goes on."""
        for bucket in buckets:
            if bucket != self._buckets.get(bucket.name):
                self._buckets[bucket.name] = bucket
                self._left.setdefault(bucket.name, budget.full(bucket, self._clock.mono()))

    async def stop(self) -> None:
        """Give up everything at once; nobody is told any more."""
        self._stopped = True
        self._waiting.clear()
        for alarm in self._alarms.values():
            alarm.cancel()
        flying = list(self._flying)
        for task in flying:
            task.cancel()
        await asyncio.gather(*flying, return_exceptions=True)

    def _pump(self, name: str) -> None:
        """Send what the budget allows now, and come back when it allows more."""
        queue = self._waiting.get(name, [])
        while queue and not self._stopped:
            priority, _, call = queue[0]
            if len(self._flying) >= (URGENT_MAX if priority == URGENT else FLYING_MAX):
                return
            wait = self._spend(name, call.cost)
            if wait:
                alarm = self._alarms.get(name)
                if alarm is not None:
                    alarm.cancel()
                self._alarms[name] = self._clock.after(wait, lambda: self._pump(name))
                return
            heapq.heappop(queue)
            task = asyncio.get_running_loop().create_task(self._fly(call))
            self._flying.add(task)
            task.add_done_callback(self._landed)

    def _spend(self, name: str, cost: int) -> Ns:
        """Take `cost` from a budget: 0, or the ns to wait."""
        bucket = self._buckets.get(name)
        if bucket is None:
            return Ns(0)
        left, wait = budget.spend(bucket, self._left[name], cost, self._clock.mono())
        self._left[name] = left
        return wait

    async def _fly(self, call: Call) -> None:
        self.counts["calls"] += 1
        try:
            answer: Reply | Lost = await self._make(call)
        except Lost as lost:
            answer = lost
        except Exception as error:  # whatever broke, the request may have left
            answer = Lost(f"{type(error).__name__}: {error}", sent=True)
        if isinstance(answer, Reply) and answer.status == 429:
            self.counts["throttled"] += 1
            if call.bucket:
                self._left[call.bucket] = budget.empty(self._clock.mono())
        self._end(call, answer)

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._flying.discard(task)
        for name in list(self._waiting):
            self._pump(name)

    def _end(self, call: Call, answer: Reply | Lost) -> None:
        if isinstance(answer, Lost):
            self.counts["lost"] += 1
        if not self._stopped:
            self._done(call, answer)
