"""The only place that reads a clock; and the clock of tests, which moves when told to."""

import asyncio
import heapq
import time
from collections.abc import Callable
from itertools import count

from dutchbook.domain.clock import Alarm
from dutchbook.domain.units import SECOND, Ns


class SystemClock:
    """Wall time in ns, read once; from then on it goes as the machine's own time does.

    So it never jumps, stands still or goes back when somebody sets the wall clock: ages and
    deadlines stay right. A wall clock that was wrong at the start shows as skew to the venues.
    """

    def __init__(self) -> None:
        self._offset = time.time_ns() - self.mono()

    def now(self) -> Ns:
        return Ns(self._offset + self.mono())

    def mono(self) -> Ns:
        """Goes on while the machine sleeps."""
        return Ns(time.clock_gettime_ns(time.CLOCK_BOOTTIME))

    def after(self, span: Ns, call: Callable[[], object]) -> Alarm:
        """As the port says; needs a running event loop."""
        return asyncio.get_running_loop().call_later(max(0, span) / SECOND, call)


class _Later:
    """An alarm of the virtual clock."""

    def __init__(self, call: Callable[[], object]) -> None:
        self.call: Callable[[], object] | None = call

    def cancel(self) -> None:
        self.call = None


class VirtualClock:
    """Time stands still until `advance`; alarms ring in the order of their times."""

    def __init__(self, start: Ns = Ns(1_790_000_000 * SECOND)) -> None:
        self._now = start
        self._order = count()
        self._alarms: list[tuple[int, int, _Later]] = []

    def now(self) -> Ns:
        return self._now

    def mono(self) -> Ns:
        return self._now

    def after(self, span: Ns, call: Callable[[], object]) -> Alarm:
        alarm = _Later(call)
        heapq.heappush(self._alarms, (self._now + max(0, span), next(self._order), alarm))
        return alarm

    async def advance(self, span: Ns, settle: int = 20) -> None:
        """Let `span` ns pass: ring each alarm at its time, and let tasks run after each.

        `settle`: how many turns of the event loop the tasks get after an alarm.
        """
        end = self._now + span
        await _turns(settle)
        while self._alarms and self._alarms[0][0] <= end:
            at, _, alarm = heapq.heappop(self._alarms)
            if alarm.call is None:
                continue
            self._now = Ns(max(self._now, at))
            alarm.call()
            await _turns(settle)
        self._now = Ns(end)


async def _turns(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)
