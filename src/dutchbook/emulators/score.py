"""What a run in mode sim says of itself: which plants it could see, found, or took wrongly."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from dutchbook.domain.fees import order_total
from dutchbook.domain.instrument import FeeSchedule
from dutchbook.domain.units import ONE, SECOND, Usd
from dutchbook.emulators.delivered import Delivered, Line
from dutchbook.emulators.market.edges import sizes, take
from dutchbook.emulators.market.relations import Leg
from dutchbook.emulators.spans import Spans, Switch, both

LEAST = 5 * ONE


class Find(msgspec.Struct, frozen=True):
    """An opportunity that the run reported: legs as (market key, 0 YES or 1 NO), times in ns."""

    id: str
    legs: frozenset[Leg]
    opened_at: int
    closed_at: int | None = None


class Score(msgspec.Struct, frozen=True):
    """The four counts, and by name what was missed and what was false."""

    planted_visible: int
    planted_found: int
    planted_obscured: int
    false_opportunities: int
    missed: tuple[str, ...] = ()
    false: tuple[str, ...] = ()


class _Plant:
    def __init__(self, row: dict[str, Any]) -> None:
        self.id: str = row["id"]
        self.miss: str | None = row["near_miss"]
        self.legs = _legs((leg["market"], leg["outcome"]) for leg in row["legs"])
        self.set = frozenset(self.legs)
        self.payout: int = row["payout"]
        self.start: int = row["start"]
        self.end: int = row["until"]
        self.sides = [frozenset(_legs(legs)) for legs in row["collateral"]]
        self.pays = Switch()
        self.last_paid = 0
        self.visible: Spans = []


def score(
    wire: Path, truth: Path, finds: list[Find], since: int | None = None, until: int | None = None
) -> Score:
    """Judge a run by the files of its emulators. Raises OSError, msgspec.MsgspecError."""
    threshold, markets, plants = _truth(truth)
    books = Delivered(markets)
    fees = {key: _fees(key, row) for key, row in markets.items()}
    begin, end = _deliver(wire, books, plants, threshold, fees, until)
    since = begin if since is None else since
    until = end if until is None else until
    for plant in plants:
        plant.visible = plant.pays.spans(books.now)
        for key, outcome in plant.legs:
            plant.visible = both(plant.visible, books.fresh(key, outcome))
    run = [(since, until)]
    true = [plant for plant in plants if plant.miss is None]
    late = [find for find in finds if find.opened_at >= since]
    # One that was taken at once is gone before it could be seen for a second: it was found.
    seen = [
        plant
        for plant in true
        if any(b - a >= SECOND for a, b in both(plant.visible, run))
        or any(_match(plant, find) for find in late)
    ]
    stood = [p for p in true if min(p.end, until) - max(p.start, since) >= SECOND]
    missed = [p.id for p in seen if not any(_match(p, find) for find in late)]
    false = [find.id for find in late if not any(_allows(p, find) for p in plants)]
    return Score(
        planted_visible=len(seen),
        planted_found=len(seen) - len(missed),
        planted_obscured=sum(plant not in seen for plant in stood),
        false_opportunities=len(false),
        missed=tuple(missed),
        false=tuple(false),
    )


def _legs(pairs: Iterable[Any]) -> tuple[Leg, ...]:
    return tuple((key, 0 if said == "yes" else 1) for key, said in pairs)


def _fees(key: str, row: dict[str, Any]) -> FeeSchedule:
    if key.startswith("kalshi:"):
        return FeeSchedule("kalshi", taker=row["fee_rate"], precision=Usd(row["rounds_to"]))
    return FeeSchedule("polymarket", taker=row["fee_rate"])


def _lines(path: Path) -> Iterable[bytes]:
    """The finished lines of a file that may still be written."""
    with path.open("rb") as file:
        yield from (line for line in file if line.endswith(b"\n"))


def _truth(path: Path) -> tuple[int, dict[str, dict[str, Any]], list[_Plant]]:
    threshold = 20_000
    markets: dict[str, dict[str, Any]] = {}
    plants: dict[str, _Plant] = {}
    for line in _lines(path):
        row = msgspec.json.decode(line)
        if row["what"] == "header":
            threshold = row["threshold"]
        elif row["what"] == "market":
            markets[row["market"]] = row
        elif row["what"] == "plant":
            plants[row["id"]] = _Plant(row)
        elif row["what"] == "end":
            plants[row["id"]].end = row["at"]
    return threshold, markets, sorted(plants.values(), key=lambda plant: plant.start)


def _deliver(
    wire: Path,
    books: Delivered,
    plants: list[_Plant],
    threshold: int,
    fees: dict[str, FeeSchedule],
    until: int | None,
) -> tuple[int, int]:
    """Replay the wire log, noting when each plant paid in the delivered books."""
    decoder = msgspec.json.Decoder(Line)
    begin = 0
    coming = list(plants)
    live: list[_Plant] = []
    for text in _lines(wire):
        line = decoder.decode(text)
        if until is not None and line.t > until:
            continue
        begin = begin or (line.t if line.conn else 0)
        while coming and coming[0].start <= line.t:
            live.append(coming.pop(0))
            _look(live[-1], books, live[-1].start, threshold, fees)
        touched = books.feed(line)
        for plant in live:
            if any(key in touched for key, _ in plant.legs):
                _look(plant, books, line.t, threshold, fees)
            elif plant.pays.on:
                plant.last_paid = line.t
            if not plant.pays.on and line.t > plant.end:
                live = [other for other in live if other is not plant]
            elif line.t > plant.end + 30 * SECOND:
                plant.pays.turn(False, line.t)
                live = [other for other in live if other is not plant]
    return begin, books.now


def _look(
    plant: _Plant, books: Delivered, t: int, threshold: int, fees: dict[str, FeeSchedule]
) -> None:
    def offers(leg: Leg) -> dict[int, int]:
        return books.offers(*leg)

    pays = False
    for qty in sizes(plant.legs, LEAST, offers):
        fills = [(leg, take(offers(leg), qty)) for leg in plant.legs]
        if any(found is None for _, found in fills):
            break
        cost = sum(order_total(fees[leg[0]], found or []) for leg, found in fills)
        payoff = plant.payout * qty // ONE
        if (payoff - cost) * ONE // payoff >= threshold:
            pays = True
            break
    plant.pays.turn(pays, t)
    if pays:
        plant.last_paid = t


def _match(plant: _Plant, find: Find) -> bool:
    """Whether the find is this plant, at any time while it stood or could still be seen."""
    last = max(plant.end, plant.last_paid) + SECOND
    closed = find.closed_at if find.closed_at is not None else 1 << 62
    return find.legs == plant.set and find.opened_at <= last and closed >= plant.start


def _allows(plant: _Plant, find: Find) -> bool:
    """Whether the find was opened on this plant, on what it brought about, or on a pause untold."""
    at = find.opened_at
    if not plant.start <= at <= max(plant.end, plant.last_paid) + SECOND:
        return False
    if plant.miss is None:
        return find.legs == plant.set or find.legs in plant.sides
    untold = any(a <= at <= b for a, b in plant.visible)
    return plant.miss == "stale" and find.legs == plant.set and untold
