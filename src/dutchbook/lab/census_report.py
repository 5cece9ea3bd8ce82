"""`dutchbook lab census`: over all recorded books under a folder, what was there to take."""

import csv
import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from dutchbook.domain.errors import RemoteProtocolError, UsageError
from dutchbook.domain.events import ASK, BID, BookLevels, FeedUp
from dutchbook.domain.fees import order_total
from dutchbook.domain.relations import Link
from dutchbook.domain.units import ONE, Ns, micros
from dutchbook.engine.view import WorldView
from dutchbook.lab.census import FEES, STAGES, Count, Counting, Tally
from dutchbook.match import ladders
from dutchbook.runtime.settings import Settings
from dutchbook.state.fresh import FreshLimits
from dutchbook.state.graph import Graph
from dutchbook.state.world import World
from dutchbook.strategies.bundle import Bundle
from dutchbook.strategies.complement import Complement
from dutchbook.strategies.implication import Implication
from dutchbook.venues.kalshi.catalogue import Catalogue
from dutchbook.venues.kalshi.config import Config

FRAMES: Final = (("polymarket/mlb_books", "*.csv.gz"), ("kalshi/recorded", "ws_orderbook*.json"))
EVENTS: Final = ("kalshi/recorded", "events_*.json")
NESTED: Final = ("crossvenue/ladder_scans", "nested_arb_*.csv.gz")
Say = Callable[[str], None]


def report(data: Path | None, limit: int, say: Say) -> dict[str, Any]:
    """Counts per source; `limit` files of each, 0 for all. UsageError where nothing is recorded."""
    if data is None:
        raise UsageError("no recorded books", todo="name the folder with --data")
    streams = [path for where, name in FRAMES for path in _paths(data, where, name, limit)]
    shots = _paths(data, *EVENTS, limit)
    scans = _paths(data, *NESTED, limit)
    if not (streams or shots or scans):
        raise UsageError(f"no recorded books under {data}", todo="name the folder with --data")
    document: dict[str, Any] = {
        "fees_assumed": {venue: fees.taker for venue, fees in FEES.items()},
        "unit": "edge: millionths per $1 of payout; profit: millionths of a dollar",
        "streams": [],
    }
    for n, path in enumerate(streams, 1):
        say(f"{n} of {len(streams)}: {path.name}")
        document["streams"].append(_stream(path))
    document["streams_total"] = _total([one["kinds"] for one in document["streams"]])
    if shots:
        document["snapshots"] = _snapshots(shots)
    if scans:
        document["nested"] = _nested(scans)
    return document


def _paths(data: Path, where: str, name: str, limit: int) -> list[Path]:
    found = sorted((data / where).glob(name))
    return found[:limit] if limit else found


def _stream(path: Path) -> dict[str, Any]:
    """One recording of frames through the parsers and the engine."""
    counting = Counting(Settings())
    counting.frames_of([path], None, None)
    counting.tally.end(counting.at)
    return {
        "file": path.name,
        "frames": counting.frames,
        "kinds": counting.tally.report(),
        "certified": counting.certified,
        "errors": len(counting.errors),
    }


def _total(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """The sums over files; of edges the best."""
    total: dict[str, Any] = {}
    for part in parts:
        for kind, one in part.items():
            into = total.setdefault(kind, {"looked": 0, **{s: {} for s in STAGES}})
            into["looked"] += one["looked"]
            for stage in STAGES:
                for name, value in one[stage].items():
                    before = into[stage].get(name, 0)
                    best = name == "best_edge"
                    into[stage][name] = max(before, value) if best else before + value
    return total


def _snapshots(paths: list[Path]) -> dict[str, Any]:
    """Kalshi events with their best prices and sizes at one moment: bundles and complements.

    `bundle_no` are NO sides of exclusive events: they pay n-1 at least, and are counted though they
    are not traded, since bundles are taken on events only that are exhaustive, too. `implication`
    are all rungs of ladders and their chains, as if somebody had approved them.
    """
    world = World(FreshLimits())
    view = WorldView(world, Graph())
    catalogue = Catalogue(Config())
    now, seq, bad = Ns(1), 0, 0
    world.apply(FeedUp("kalshi.book"), 0, now)
    for path in paths:
        for body in _events(json.loads(path.read_bytes())):
            raw = json.dumps(body).encode()
            for event in catalogue.event(raw, path.name):
                seq += 1
                world.apply(event, seq, now)
            for market in body["markets"]:
                seq += 1
                try:
                    book = _top(market)
                except (KeyError, ValueError, RemoteProtocolError):
                    bad += 1
                    continue
                if book.key in world.instruments:
                    world.apply(book, seq, now)
    tally = Tally(view)
    made = [one for s in (Complement(), Bundle()) for one in s.candidates(view)]
    rungs = ladders.rungs(world.instruments.values())
    made += Implication().candidates(_Approved(view, rungs))
    made += [one for one in Bundle().candidates(_Exhaustive(view)) if one.kind == "bundle_no"]
    for candidate in made:
        if all(key in world.instruments for key, _ in candidate.legs):
            tally.look(candidate, now)
    tally.end(now)
    return {
        "rungs": len(rungs),
        "markets": len(world.instruments),
        "events": len(world.groups),
        "unreadable": bad,
        "kinds": tally.report(),
    }


class _Exhaustive(WorldView):
    """Exclusive events taken for exhaustive ones too: enough for their NO sides."""

    def __init__(self, view: WorldView) -> None:
        super().__init__(view.world, view.graph)

    def groups(self) -> list[Any]:
        from msgspec.structs import replace

        return [replace(one, exhaustive=True) for one in super().groups() if one.exclusive]


class _Approved(WorldView):
    """Rungs of ladders as if a person had approved them all."""

    def __init__(self, view: WorldView, rungs: list[ladders.Rung]) -> None:
        super().__init__(view.world, view.graph)
        self._rungs = rungs

    def approved(self) -> list[Link]:
        return [
            Link(f"{one.a.key}>{one.b.key}", "implies", (one.a.key, one.b.key), 1)
            for one in self._rungs
        ]


def _events(document: Any) -> Iterator[dict[str, Any]]:
    """Every event with nested markets, wherever it stands in a body."""
    if isinstance(document, dict):
        if isinstance(document.get("markets"), list) and "event_ticker" in document:
            yield document
            return
        document = list(document.values())
    if isinstance(document, list):
        for part in document:
            yield from _events(part)


def _top(market: dict[str, Any]) -> BookLevels:
    """Best bid and ask of a market object as a book of one level a side."""
    levels = [
        (side, micros(market[f"yes_{name}_dollars"]), micros(market[f"yes_{name}_size_fp"]))
        for side, name in ((BID, "bid"), (ASK, "ask"))
    ]
    kept = [one for one in levels if 0 < one[1] < ONE and one[2] > 0]
    return BookLevels(f"kalshi:{market['ticker']}", 0, "kalshi.book", True, False, kept)


def _nested(paths: list[Path]) -> dict[str, Any]:
    """Up/down markets of one end, one begun before the other: the later one's start price says
    which of them implies the other. Rows whose legs do not cover each other are left out."""
    counts = {stage: Count() for stage in STAGES}
    rows = covered = 0
    for path in paths:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                rows += 1
                inner, outer = float(row["o_inner"]), float(row["o_outer"])
                sure = inner >= outer if row["combo"] == "YESout+NOin" else inner <= outer
                if not sure:
                    continue
                covered += 1
                _row(row, counts)
    kinds = {"implication": {"looked": covered}}
    for stage, count in counts.items():
        kinds["implication"][stage] = {  # type: ignore[assignment]
            "count": count.count, "best_edge": count.best_edge, "profit": count.profit
        }  # fmt: skip
    return {"rows": rows, "covered": covered, "kinds": kinds}


def _row(row: dict[str, str], counts: dict[str, Count]) -> None:
    """`depth_usd` is what the two legs together cost at most; each row stands alone."""
    asks = [micros(row["ask_leg1"]), micros(row["ask_leg2"])]
    cost = sum(asks)
    qty = micros(row["depth_usd"]) * ONE // cost if cost else 0
    fees = FEES["polymarket"]
    totals = (cost * qty // ONE, sum(order_total(fees, [(px, qty)]) for px in asks))
    for stage, total in zip(STAGES, totals, strict=True):
        if 0 < total < qty:
            counts[stage].add((qty - total) * ONE // qty, qty - total, 0)
