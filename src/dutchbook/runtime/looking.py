"""Questions about markets that need no account: a book, and a detection with other thresholds."""

from typing import TYPE_CHECKING, Any, Final

import msgspec

from dutchbook.domain.errors import UsageError
from dutchbook.domain.units import ONE
from dutchbook.optimize.prove import prove
from dutchbook.optimize.walk import Basket, gross, weigh

if TYPE_CHECKING:
    from dutchbook.runtime.live import Live

DEPTH_MAX: Final = 100
SCAN_MAX: Final = 2_000
"""Baskets that one detection judges: about 30 ms of the engine's time at most."""


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`edge` in millionths; `age_ns`: how old the last change of a book may be."""

    edge: int = 0
    most: int = 10
    age_ns: int = 10**10
    platforms: tuple[str, ...] = ()


def book(live: "Live", args: tuple[str, ...]) -> dict[str, Any]:
    """(key, depth): levels as (price, size) in YES terms, and why it could not be traded on."""
    key, depth = (*args, "10", "10")[:2]
    engine = live.engine
    if key not in engine.world.instruments:
        raise UsageError(f"no market {key[:80]!r}", todo="dutchbook market search WORDS")
    levels = min(int(depth) if depth.isdecimal() else 10, DEPTH_MAX)
    view, now = engine.view, live.clock.now()
    return {
        "bids": [list(level) for level in view.bids(key, "yes", levels)],
        "asks": [list(level) for level in view.offers(key, "yes", levels)],
        "stale": engine.world.stale(key, 0, now),
        "at": now,
    }


def detect(live: "Live", args: tuple[str, ...]) -> dict[str, Any]:
    """Judge what nearly pays by thresholds of one's own; nothing is traded or changed."""
    try:
        wanted = msgspec.json.decode(args[0] if args else "{}", type=Wanted)
    except msgspec.DecodeError as error:
        raise UsageError("this detection can't be read", why=str(error)) from error
    began, engine = live.clock.mono(), live.engine
    limits = msgspec.structs.replace(engine.limits, edge_min=wanted.edge)
    names = engine.open
    scanned = 0
    baskets: list[tuple[Basket, str]] = []
    for key in list(engine.warm)[:SCAN_MAX]:
        candidate = engine.candidates.get(key)
        if candidate is None:
            continue
        venues = {leg[0].partition(":")[0] for leg in candidate.legs}
        if wanted.platforms and not venues <= set(wanted.platforms):
            continue
        scanned += 1
        if engine.view.why_stale(candidate) or not _young(live, candidate.legs, wanted.age_ns):
            continue
        verdict = weigh(candidate, engine.view, limits, gross(candidate, engine.view)).verdict
        if isinstance(verdict, Basket):
            baskets.append((verdict, names[key].id if key in names else key))
    baskets.sort(key=lambda pair: (-pair[0].edge, pair[1]))
    found = [
        (name, live.clock.now(), msgspec.to_builtins(prove(basket, engine.view)))
        for basket, name in baskets[: min(wanted.most, DEPTH_MAX)]
    ]
    return {"found": found, "scanned": scanned, "took_us": (live.clock.mono() - began) // 1_000}


def _young(live: "Live", legs: tuple[tuple[str, Any], ...], age: int) -> bool:
    """Whether the streams behind all legs brought data within `age` ns."""
    now, home = live.clock.now(), live.engine.world.home
    feeds = [home.get((key, 0)) for key, _ in legs]
    return all(feed is not None and now - feed.last_data <= age for feed in feeds)


def quote(live: "Live", key: str) -> tuple[str, int, int, int, int]:
    """The best prices of a market as the gateway is told them: book 0, in YES terms."""
    one = live.engine.world.books.get(key, 0)
    bid, ask = max(0, one.bid), min(ONE, one.ask)
    return (key, bid, one.bid_qty if bid else 0, ask, one.ask_qty if ask < ONE else 0)
