"""What a run says of itself to other terminals: status.json, rewritten whole every second."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from dutchbook.domain.units import MILLI

if TYPE_CHECKING:
    from dutchbook.runtime.live import Live


def write(data_dir: Path, document: dict[str, Any]) -> None:
    """Replace status.json; readers see the old or the new, never half of one."""
    path = data_dir / "status.json"
    fresh = path.with_suffix(".tmp")
    fresh.write_bytes(msgspec.json.encode(document))
    os.replace(fresh, path)


def describe(live: "Live", *, running: bool) -> dict[str, Any]:
    """The screen of `dutchbook status` as plain data; times in ns, ages in ms."""
    now = live.clock.now()
    world, engine = live.engine.world, live.engine
    feeds = [
        {
            "stream": feed.stream,
            "up": feed.up,
            "age_ms": (now - feed.last_data) // MILLI,
            "late": world.lag(feed, now) > world.limits.late,
            "books": len(feed.books),
            "whole": sum(feed.books.values()),
            "open_gaps": sum(gap.count for gap in feed.gaps.values()),
        }
        for feed in world.feeds.values()
    ]
    return {
        "running": running,
        "pid": os.getpid(),
        "mode": live.house.settings.mode,
        "seed": live.house.settings.seed,
        "run": live.run,
        "began": live.began,
        "at": now,
        "why": live.why,
        "feeds": feeds,
        "markets": len(world.instruments),
        "candidates": len(engine.candidates),
        "open": len(engine.open),
        "opportunities": engine.opened,
        "backlog": len(live.inbox),
        "journal_seq": live.store.seq,
        "counts": counts(live),
        "alerts": live.alerting.status(),
        "breakers": [breaker.row() for breaker in live.breakers.values()],
        **engine.why(),
    }


def counts(live: "Live") -> dict[str, int]:
    """The counters that a run's summary shares with its status."""
    count = live.engine.world.count
    return {
        "frames": live.frames(),
        "events": count.events,
        "gaps_seen": count.gaps_seen,
        "gaps_recovered": count.gaps_recovered,
        "malformed": count.malformed,
        "duplicates": count.duplicates,
        "conflated": live.inbox.conflated,
        "dropped": live.inbox.dropped,
        "polled": count.polled,
        "checks_agreed": count.checks_agreed,
        "checks_failed": count.checks_failed,
        "hash_verified": count.verified,
        "hash_unverifiable": count.unverifiable,
    }
