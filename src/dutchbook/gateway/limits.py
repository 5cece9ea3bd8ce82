"""Rates per key and address, and a watch on how far behind the gateway itself is."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from dutchbook.domain.clock import Clock
from dutchbook.domain.units import MILLI, SECOND, Ns

BUCKETS_MAX: Final = 20_000
BEAT: Final = Ns(20 * MILLI)
BEATS: Final = 5
WAITING_MAX: Final = 100
"""Requests that were read and not begun: what every other one waits for."""
GOING_MAX: Final = 256
"""Requests that were begun and not answered."""
BURST: Final = 0.25
"""Seconds of the whole rate that may come at once."""
SHARE: Final = 0.1
"""Of the whole rate, on top of it: for whoever asks how it is."""
REFUSAL: Final = 0.25
"""Of an answer: what a refusal takes from the rate. It costs a tenth; the rest is left to whoever
trades on the same machine: a gateway that is asked too much works less, not more."""
LEAST: Final = 0.1
"""Of the whole rate: what is answered however much is refused."""
BEHIND: Final = Ns(15 * MILLI)
"""A loop that comes to its own alarm so late, time after time, can't keep up."""
FALL: Final = 0.95
RISE: Final = 0.005
"""What becomes of the pace with each beat of the loop: times `FALL` while that is behind, else
`RISE` more, up to the whole rate. A second on time brings back a quarter of it."""


class Rates:
    """Token buckets by name: `rate` a second, twice that at once. The oldest are forgotten."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[str, tuple[float, int]] = {}

    def take(self, name: str, rate: float, room: float = 0) -> int:
        """0, or after how many whole seconds to ask again. `room`: so many at once, if set."""
        left = self._left(name, rate, room or 2.0 * rate)
        taken = left >= 1
        self._keep(name, left - 1 if taken else left)
        return 0 if taken else max(1, round((1 - left) / rate + 0.5))

    def spend(self, name: str, rate: float, amount: float, room: float) -> None:
        """Take so much of a bucket, also what is not in it yet, down to `room` below nothing."""
        self._keep(name, max(-room, self._left(name, rate, room) - amount))

    def _left(self, name: str, rate: float, room: float) -> float:
        now = self._clock.mono()
        left, at = self._buckets.pop(name, (room, now))
        return min(room, left + (now - at) * rate / SECOND)

    def _keep(self, name: str, left: float) -> None:
        self._buckets[name] = (left, self._clock.mono())
        if len(self._buckets) > BUCKETS_MAX:
            del self._buckets[next(iter(self._buckets))]


class Load:
    """How much of a gateway is under way, counted by its connections; and whether more may.

    `pace`: how much of the whole rate this machine turns out to answer, from `LEAST` to 1. A rate
    that it can't keep would let all wait for seconds before anyone is refused.
    """

    def __init__(self, rates: Rates, rate: float, shed: Callable[[], None]) -> None:
        self._rates = rates
        self._rate = rate
        self._shed = shed
        self.pace = 1.0
        self.waiting = 0
        self.going = 0

    def admits(self, *, vital: bool) -> bool:
        """False for what is more than can be answered soon; it is counted. `vital` ones have a
        share of the rate to themselves, and do not wait for others' room."""
        if vital:
            found = self._takes("vital", SHARE)
        else:
            room = self.waiting < WAITING_MAX and self.going < GOING_MAX
            found = room and self._takes("all", self.pace)
            if not found:
                rate = self._rate * self.pace
                self._rates.spend("all", rate, REFUSAL, BURST * rate)
                found = room and self._takes("least", LEAST)
        if not found:
            self._shed()
        return found

    def follow(self, behind: bool) -> None:
        """A beat of the loop: whether it keeps up with what was admitted."""
        self.pace = max(LEAST, self.pace * FALL) if behind else min(1.0, self.pace + RISE)

    def _takes(self, name: str, share: float) -> bool:
        rate = self._rate * share
        return not self._rates.take(name, rate, max(1.0, BURST * rate))


class Lag:
    """How late the event loop is, told by an alarm that sets itself again; `beat` hears of each
    whether it is behind."""

    def __init__(self, clock: Clock, beat: Callable[[bool], None]) -> None:
        self._clock = clock
        self._heard = beat
        self._due = Ns(0)
        self._lates: deque[Ns] = deque([Ns(0)], maxlen=BEATS)
        self._task: asyncio.TimerHandle | None = None
        self.bound = BEHIND

    def start(self) -> None:
        self._due = Ns(self._clock.mono() + BEAT)
        self._task = asyncio.get_running_loop().call_later(BEAT / SECOND, self._beat)

    def _beat(self) -> None:
        self._lates.append(Ns(max(0, self._clock.mono() - self._due)))
        self._heard(self.behind())
        self.start()

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    @property
    def late(self) -> Ns:
        """The least of the last few: one pause is none, standing late is."""
        return min(self._lates)

    def behind(self) -> bool:
        return self.late > self.bound
