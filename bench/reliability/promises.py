"""The table of reliability promises (P1 to P14, P20), each measured on what it speaks of."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from bench.harness import Context, Row
from bench.reliability import attempts, deaths, fills, lives, ordering, restart, trips
from bench.reliability.served import DATA, ENV, Served, served

NEEDS_STRACE = "no strace here: not measured"


def run(context: Context) -> list[Row]:
    """Every row says how much ran; `holds` is None where a tool is missing."""
    rows = [*_simulated(context), *_record(context)]
    with served(context.scratch / "storm", faults="storm") as stormy:
        rows += _storm(context, stormy)
    with served(context.scratch / "quiet") as quiet:
        rows += _deaths(context, quiet)
    with served(context.scratch / "killed") as other:
        rows += _kills(context, other)
    with served(context.scratch / "full") as last:
        rows.append(_full(context, last))
    return sorted(rows, key=lambda row: int(row.name.split("_")[0].removeprefix("p")))


def none(name: str, unit: str, broken: list[str], say: Callable[[str], None]) -> Row:
    """A row of a promise that something never happens."""
    for text in broken[:5]:
        say(f"bench: {name}: {text}")
    return Row(name, len(broken), unit, "value = 0", not broken)


def _simulated(context: Context) -> list[Row]:
    count = context.size(100_000)
    context.say(f"bench: {count:,} order lives, fills and limit attempts each ...")
    lived = lives.simulate(count, 7)
    tried = attempts.attempt(count, 7)
    counted = fills.count_once(count, 7)
    return [
        none("p1_order_lives", f"breaches in {lived.lives:,} lives, {lived.events:,} events",
             lived.broken, context.say),
        none("p4_fills", f"differences in {count:,} fills", counted, context.say),
        none("p6_limits", f"breaches in {tried.attempts:,} attempts of 64 proposers",
             tried.broken, context.say),
    ]  # fmt: skip


def _record(context: Context) -> list[Row]:
    opened, filled = context.size(1_000), context.size(100_000)
    seconds, told = restart.measure(context.scratch / "restart", opened, filled)
    holds = seconds <= 10 and told["reconciled"] and not told["early"]
    unit = f"s with {told['open']:,} open orders, {told['fills']:,} fills"
    return [Row("p8_restart", round(seconds, 2), unit, "value <= 10", holds)]


def _storm(context: Context, stormy: Served) -> list[Row]:
    """One run through every fault of the exchanges."""
    seconds = 15 if context.quick else 60
    context.say(f"bench: {seconds} s of trading in a storm ...")
    told = ended(stormy, str(seconds))
    unknown, open_ = sorted(told["unknown_ms"]), sorted(told["open_ms"])
    alerts = sorted(told["alert_ms"])
    lost = [text for text in told["ledger_differences"] if "unknown to us" in text]
    left = told["unknown_seen"] - told["unknown_resolved"]
    late = _p99(unknown) / 1_000
    resolved = f"s p99, {len(unknown)} of unknown fate"
    baskets = f"s p99 of {len(open_)} baskets, {told['baskets_open']} left open"
    silent = told["baskets_open"] or len(told["residuals"]) != told["stuck"]
    worst = _p99(open_) / 1_000
    return [
        none("p2_orders_out_of_view", f"of {told['orders']} orders", lost, context.say),
        Row("p2_unknown_resolved", round(late, 2), resolved, "value <= 90",
            late <= 90 and not left),
        none("p5_ledger", "differences to the exchanges, cash to fees", told["ledger_differences"],
             context.say),
        _replayed(stormy),
        none("p10_stale_books", f"of {told['orders']} orders priced off one", told["stale_orders"],
             context.say),
        Row("p11_basket_ended", round(worst, 2), baskets, "none silent", not silent),
        Row("p12_alert_kept", round(_p99(alerts), 1), f"ms p99 of {len(alerts)}, to the list"),
    ]  # fmt: skip


def _replayed(stormy: Served) -> Row:
    """P9: the record decided again, three times under other hash seeds."""
    digests, differences = set(), 0
    for seed in ("0", "1", "2"):
        done = subprocess.run(
            [sys.executable, "-m", "dutchbook", "replay", str(stormy.folder / DATA), "--json"],
            env=os.environ | ENV | {"PYTHONHASHSEED": seed}, capture_output=True, text=True,
            check=True,
        )  # fmt: skip
        told = json.loads(done.stdout.splitlines()[-1])
        digests.add(json.dumps([run["digest"] for run in told["runs"]]))
        differences += told["differences"]
    unit = f"differences in 3 replays, {len(digests)} digest"
    return Row("p9_replay", differences, unit, "value = 0", not differences and len(digests) == 1)


def ended(at: Served, span: str) -> dict[str, Any]:
    """What a trader said at its good end."""
    process = at.trader(at.folder / DATA, span)
    out, err = process.communicate(timeout=300)
    if process.returncode:
        raise AssertionError(f"the trader ended badly: {err[-2000:]}")
    told: dict[str, Any] = json.loads(out.splitlines()[-1])
    return told


def _deaths(context: Context, quiet: Served) -> list[Row]:
    told = ended(quiet, "8" if context.quick else "30")
    rows = [Row("p20_throttled", told["throttled"], f"answers 429, {told['orders']} orders",
                "value = 0", not told["throttled"])]  # fmt: skip
    if shutil.which("strace") is None:
        names = ("p1_kills", "p3_durable_before_sent", "p13_power_loss", "p14_disk_error")
        return [*rows, *(Row(name, 0, NEEDS_STRACE) for name in names)]
    places = [("sendto", 55), ("fdatasync", 25), ("write", 160), ("sendto", 70), ("write", 260)]
    broken: list[str] = []
    died = 0
    for call, when in places[: 2 if context.quick else None]:
        context.say(f"bench: kill -9 at {call} {when} ...")
        death = deaths.killed(quiet, call, when)
        died += death.died
        broken += death.broken
    seen = ordering.watched(quiet, 12 if context.quick else 100)
    sync = f"of {seen.sends} orders sent, {seen.syncs} syncs"
    failed = deaths.disk_error(quiet, 30)
    return [
        *rows,
        none(
            "p1_kills", f"breaches, {died} processes killed at a system call", broken, context.say
        ),
        none("p3_durable_before_sent", sync, seen.late, context.say),
        none("p13_power_loss", sync, seen.late, context.say),
        none("p14_disk_error", "breaches after EIO", failed.broken, context.say),
    ]


def _kills(context: Context, other: Served) -> list[Row]:
    folder = context.scratch / "race"
    folder.mkdir()
    spans = sorted(trips.race(folder, context.size(1_000)))
    worst, before, _ = trips.tripped(other, other.folder / DATA, 2.0)
    return [
        Row("p7_kill_race", round(_p99(spans), 2), f"ms p99 of {len(spans)} trips", "value <= 100",
            _p99(spans) <= 100),
        Row("p7_kill_wire", round(worst, 1), f"ms to the last purchase, {before} before",
            "value <= 100", worst <= 100),
    ]  # fmt: skip


def _full(context: Context, last: Served) -> Row:
    found = deaths.disk_full(last, 3)
    if found is None:
        return Row("p14_disk_full", 0, "no small file system can be mounted: not measured")
    return none("p14_disk_full", "breaches on a full disk", found.broken, context.say)


def _p99(spans: list[float]) -> float:
    return sorted(spans)[int(len(spans) * 0.99)] if spans else 0.0
