"""What a run in mode sim found of what was planted: its own record against the exchanges' truth.

The record goes through the engine once more, and after each step every plant that stands is put
to the funnel: was it delivered, on fresh books, beyond the threshold? That is what the run could
have found. (`tests/checker` asks the same of the wire log, without a line of this code.)
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import msgspec

from dutchbook.domain.candidate import Candidate
from dutchbook.domain.events import BookLevels, Envelope, FeedDown, FeedGap, TimerFired
from dutchbook.domain.units import SECOND, Ns, Usd
from dutchbook.engine.engine import Engine
from dutchbook.optimize.walk import Basket, evaluate
from dutchbook.storage.reader import Recorded

STAYED: Final = SECOND
"""A plant that could be seen for less than this in one piece need not be found."""
LATE: Final = SECOND
"""An opportunity may be reported so long after its plant was taken back."""


class Plant:
    """One mispricing of the truth, and the longest time that it could be seen in one piece."""

    def __init__(self, line: dict[str, Any]) -> None:
        self.id: str = line["id"]
        self.near_miss: str | None = line["near_miss"]
        self.start, self.end = int(line["start"]), int(line["until"])
        legs = tuple((leg["market"], leg["outcome"]) for leg in line["legs"])
        self.candidate = Candidate(self.id, line["kind"], legs, Usd(line["payout"]))
        self.legs = frozenset(legs)
        self.keys = {market for market, _ in legs}
        self.collateral = [frozenset(map(tuple, some)) for some in line["collateral"]]
        self.longest = 0
        self.last_seen = 0
        self._since: int | None = None

    def look(self, engine: Engine, now: Ns) -> None:
        """Whether it can be seen from now on."""
        view = engine.view
        known = all(market in engine.world.instruments for market in self.keys)
        sees = (
            known
            and not view.why_stale(self.candidate)
            and isinstance(evaluate(self.candidate, view, engine.limits), Basket)
        )
        self._until(now)
        if not sees:
            self._since = None
        elif self._since is None:
            self._since = now

    def end_at(self, now: int) -> None:
        self._until(now)
        self._since = None

    def _until(self, now: int) -> None:
        if self._since is not None:
            self.longest = max(self.longest, now - self._since)
            self.last_seen = now

    @property
    def visible(self) -> bool:
        return self.near_miss is None and self.longest >= STAYED


def plants_of(truth: Path, since: int, until: int) -> list[Plant]:
    """The plants that stood while the run was connected."""
    found: dict[str, Plant] = {}
    for line in truth.read_bytes().splitlines():
        row = msgspec.json.decode(line)
        if row["what"] == "plant":
            found[row["id"]] = Plant(row)
        elif row["what"] == "end" and row["id"] in found:
            found[row["id"]].end = row["at"]
    return [plant for plant in found.values() if plant.start < until and plant.end > since]


def reckon(
    engine: Engine,
    record: Iterable[Recorded],
    truth: Path,
    reported: list[dict[str, Any]],
    since: int,
    until: int,
    tell: Callable[[int], None] = lambda at: None,
) -> dict[str, int]:
    """Replay one run's `record` through a new `engine` and count; times in ns, wall clock."""
    plants = plants_of(truth, since, until)
    coming, standing = sorted(plants, key=lambda p: p.start), list[Plant]()
    for row in record:
        if row.event is None:
            continue
        tell(row.at)
        engine.step(Envelope(row.seq, row.at, row.event))
        while coming and coming[0].start <= row.at:
            standing.append(coming.pop(0))
        for plant in standing:
            if _may_change(row.event, plant):
                plant.look(engine, row.at)
        over = [plant for plant in standing if row.at > plant.end + LATE]
        for plant in over:
            plant.end_at(row.at)
            standing.remove(plant)
    for plant in standing:
        plant.end_at(until)
    return marks(plants, reported, since, until)


def _may_change(event: object, plant: Plant) -> bool:
    if isinstance(event, BookLevels):
        return event.key in plant.keys
    return isinstance(event, TimerFired | FeedDown | FeedGap) or (
        getattr(event, "key", None) in plant.keys
    )


def marks(
    plants: list[Plant], reported: list[dict[str, Any]], since: int, until: int
) -> dict[str, int]:
    """The counts that the summary of a run shows."""
    finds = [(row, frozenset((x["market"], x["outcome"]) for x in row["legs"])) for row in reported]
    true = [plant for plant in plants if plant.near_miss is None]
    visible = [plant for plant in true if plant.visible]
    stood = [p for p in true if min(p.end, until) - max(p.start, since) >= STAYED]
    return {
        "planted": len(stood),
        "planted_visible": len(visible),
        "planted_found": sum(any(_is(plant, *find) for find in finds) for plant in visible),
        "planted_obscured": sum(not plant.visible for plant in stood),
        "near_misses": len(plants) - len(true),
        "false_opportunities": sum(not _excused(plants, *find) for find in finds),
    }


def _is(plant: Plant, row: dict[str, Any], legs: frozenset[tuple[str, str]]) -> bool:
    late = max(plant.end, plant.last_seen) + LATE
    closed = row["closed_at"]
    return legs == plant.legs and row["opened_at"] <= late and (not closed or closed >= plant.start)


def _excused(plants: list[Plant], row: dict[str, Any], legs: frozenset[tuple[str, str]]) -> bool:
    """Whether a plant, or what one brought about, stood when this was reported."""
    return any(
        plant.near_miss is None
        and (legs == plant.legs or legs in plant.collateral)
        and plant.start <= row["opened_at"] <= max(plant.end, plant.last_seen) + LATE
        for plant in plants
    )
