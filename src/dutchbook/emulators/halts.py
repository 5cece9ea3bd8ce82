"""When a venue stops, wholly or in part: by hand, at a given time, or every week as the real one.

Kalshi: Thursday 03:00 to 05:00 in New York nothing new is taken. Polymarket: Tuesday 07:00 its
matching engine restarts for some 90 seconds, then takes only post-only orders for two minutes.
"""

from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import msgspec

from dutchbook.domain.units import SECOND

HOUR: Final = timedelta(hours=1)


class Weekly(NamedTuple):
    """A stop that comes every week: `day` 0 is Monday, the time is New York's."""

    day: int
    hour: int
    after_s: int
    for_s: int
    mode: str


WEEKLY: Final[dict[str, tuple[Weekly, ...]]] = {
    "kalshi": (Weekly(3, 3, 0, 7_200, "paused"),),
    "polymarket": (Weekly(1, 7, 0, 90, "restart"), Weekly(1, 7, 90, 120, "post_only")),
}


class Halt(msgspec.Struct, frozen=True):
    """From `start` to before `end` (ns; 0: until told otherwise) the mode holds.

    `shard` None: everywhere. `drop`: connections are cut when it begins.
    """

    mode: str
    start: int = 0
    end: int = 0
    shard: int | None = None
    drop: bool = False

    def holds(self, now: int) -> bool:
        return self.start <= now and (not self.end or now < self.end)


class Halts:
    """`by_hand` are in force until they are taken back; `planned` come and go."""

    def __init__(self) -> None:
        self.by_hand: dict[int | None, Halt] = {}
        self.planned: list[Halt] = []
        self._begun: set[Halt] = set()

    def set(self, halt: Halt) -> None:
        """The mode of a shard, or of the whole venue, from now on; "" is as usual."""
        self.by_hand.pop(halt.shard, None)
        if halt.shard is None:
            self.by_hand.clear()
        if halt.mode:
            self.by_hand[halt.shard] = halt

    def current(self, now: int, shard: int | None = None) -> Halt | None:
        """What holds now for a shard; for None only what holds everywhere."""
        shards = (None, shard)
        found = [self.by_hand[one] for one in shards if one in self.by_hand]
        found += [halt for halt in self.planned if halt.shard in shards and halt.holds(now)]
        return found[0] if found else None

    def mode(self, now: int, shard: int | None = None) -> str:
        """The mode that holds now, "" where everything is as usual."""
        halt = self.current(now, shard)
        return halt.mode if halt else ""

    def begun(self, now: int) -> list[Halt]:
        """The halts that have come into force since the last call."""
        holding = {halt for halt in (*self.by_hand.values(), *self.planned) if halt.holds(now)}
        fresh = [halt for halt in holding if halt not in self._begun]
        self._begun = holding
        self.planned = [halt for halt in self.planned if not halt.end or now < halt.end]
        return fresh


def weekly(venue: str, now: int) -> list[Halt]:
    """The stops of this week that are not over yet, and those of the next one."""
    today = datetime.fromtimestamp(now // SECOND, UTC)
    monday = (today - timedelta(days=today.weekday())).replace(hour=0, minute=0, second=0)
    found = []
    for week in (0, 1):
        for one in WEEKLY[venue]:
            day = monday + timedelta(days=7 * week + one.day)
            local = day.replace(hour=one.hour, microsecond=0)
            at = int((local + _behind(local)).timestamp()) + one.after_s
            halt = Halt(one.mode, at * SECOND, (at + one.for_s) * SECOND, None, True)
            if halt.end > now:
                found.append(halt)
    return found


def _behind(local: datetime) -> timedelta:
    """How far New York is behind UTC on a day, from 02:00 on: summer from March to November."""
    starts = _sunday(local.year, 3, 2)
    ends = _sunday(local.year, 11, 1)
    return 4 * HOUR if starts <= local.replace(tzinfo=UTC) < ends else 5 * HOUR


def _sunday(year: int, month: int, nth: int) -> datetime:
    """02:00 of the nth Sunday of a month."""
    first = datetime(year, month, 1, 2, tzinfo=UTC)
    return first + timedelta(days=(6 - first.weekday()) % 7 + 7 * (nth - 1))
