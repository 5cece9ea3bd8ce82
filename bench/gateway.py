"""The gateway beside a run that trades: how much it reads a second, and what overload does.

The run, the exchanges, the gateway and the clients are processes of their own, on the same cores.
"""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench.harness import Context, Row
from bench.reliability.served import ENV
from dutchbook.domain.effects import SubmitOrder
from dutchbook.domain.errors import DutchbookError
from dutchbook.runtime.control import Request, ask
from dutchbook.storage.reader import read_account

RATE: Final = 1_500
OVERLOAD: Final = 5 * RATE
CONNECTIONS: Final = 250
ROUNDS: Final = 7
"""What reads get is the median of theirs. The order path's p99 is that of all but the worst: a
machine that stands still spoils one, and of one round only three orders are beyond its p99."""
WARM: Final = 0.5
"""Seconds from the first request to the first order beside them."""
ORDERS: Final = 30
"""A second, placed by hand while it is measured."""
LEAST: Final = 30
"""Orders of a round that left, or it does not count: where the pretend exchanges, on the same
cores, are late or do not answer in time, books are stale and the venue's breaker opens."""
PATHS: Final = (
    "/api/v1/markets?limit=50", "/api/v1/opportunities", "/api/v1/positions", "/api/v1/orders",
    "/api/v1/portfolio/summary", "/api/v1/status", "/health", "/api/v1/opportunities/why-not",
)  # fmt: skip


def run(context: Context) -> list[Row]:
    """Reads, and orders beside no reads, the usual ones and an overload of them, by turns."""
    seconds = 3 if context.quick else 8
    folder = context.scratch / "gateway"
    folder.mkdir()
    env = os.environ | ENV | {
        "XDG_CONFIG_HOME": str(folder / "home"), "DUTCHBOOK__API__PORT": "0",
        "DUTCHBOOK__API__ENABLED": "true", "DUTCHBOOK__API__ADDRESS_RATE": "1000000",
    }  # fmt: skip
    err, left = folder / "err.txt", folder / "left.json"
    with err.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.noted", str(left), "run", "--data-dir",
             str(folder / "sim")],
            cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=log, process_group=0,
        )  # fmt: skip
    try:
        host, port = _address(err)
        key = _key(folder, env)
        time.sleep(1.5)  # the gateway looks for new keys once a second

        def loaded(rate: int) -> subprocess.Popen[str]:
            context.say(f"{rate} requests a second for {seconds} s")
            clients = subprocess.Popen(
                [sys.executable, "-m", "bench.gateway_load", host, port, key, str(rate),
                 str(seconds), str(CONNECTIONS), *PATHS],
                env=env, cwd=folder, stdout=subprocess.PIPE, text=True,
                preexec_fn=_yields,  # noqa: PLW1509 no other thread is here
            )  # fmt: skip
            assert clients.stdout is not None and clients.stdout.readline() == "ready\n"
            return clients

        quiet: list[list[str]] = []
        usual: list[list[str]] = []
        busy: list[list[str]] = []
        reads: list[dict[str, Any]] = []
        beside: list[dict[str, Any]] = []
        floods: list[dict[str, Any]] = []
        for _ in range(ROUNDS):  # by turns: what else the machine does falls on all
            reads.append(_told(loaded(RATE)))
            quiet.append(_orders(folder / "sim", seconds))
            for rate, found, told in ((RATE, usual, beside), (OVERLOAD, busy, floods)):
                clients = loaded(rate)
                time.sleep(WARM)
                found.append(_orders(folder / "sim", seconds - WARM))
                told.append(_told(clients))
    finally:
        process.terminate()
        process.wait(90)
    sent = json.loads(left.read_text())
    orders = [
        [_spans(folder / "sim", some, sent) for some in kind] for kind in (quiet, usual, busy)
    ]
    return _rows(reads, beside, floods, orders, seconds)


def _yields() -> None:
    """Clients stand for other machines: on this one they take only what nobody else wants."""
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def _told(clients: subprocess.Popen[str]) -> dict[str, Any]:
    """What the clients say in the end."""
    told: dict[str, Any] = json.loads(clients.communicate()[0])
    return told


def _address(err: Path) -> tuple[str, str]:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        for line in err.read_text(errors="replace").splitlines():
            if line.strip().startswith("gateway "):
                host, _, port = (
                    line.split()[1].removeprefix("http://").partition("/")[0].partition(":")
                )
                return host, port
        time.sleep(0.1)
    raise AssertionError(f"no gateway: {err.read_text(errors='replace')[-2000:]}")


def _key(folder: Path, env: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "dutchbook", "api", "token", "new", "bench", "--role", "trader",
         "--rate", "1000000", "--data-dir", str(folder / "sim"), "--json"],
        env=env, cwd=folder, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return str(json.loads(done.stdout.splitlines()[-1])["key"])


def _orders(root: Path, seconds: float) -> list[str]:
    """Orders that fill nothing (IOC at the bid), evenly in time; their ids. None where every book
    stays stale."""
    keys, until = _quoted(root), time.monotonic() + 30
    while not keys and time.monotonic() < until:  # a machine that stood still: books are late
        time.sleep(0.2)
        keys = _quoted(root)
    if not keys:
        return []
    held, began, n = [], time.monotonic(), 0
    while time.monotonic() - began < seconds:
        key, bid = keys[n % len(keys)]
        order = {"key": key, "outcome": "yes", "qty": 5_000_000, "px": bid, "tif": "ioc"}
        reply = ask(root, Request(who="bench", verb="order", args=(json.dumps(order),)))
        held += reply["orders"]
        n += 1
        time.sleep(max(0.0, began + n / ORDERS - time.monotonic()))
    return held


def _quoted(root: Path) -> list[tuple[str, int]]:
    """Kalshi markets with a bid in the middle, away from the ask."""
    found = []
    for row in read_steps_of(root):
        book = ask(root, Request(ask="book", args=(row, "1")))["answer"]
        if book["bids"] and book["asks"] and not book["stale"]:
            bid, best = book["bids"][0][0], book["asks"][0][0]
            if 200_000 < bid < 800_000 and best - bid >= 20_000:
                found.append((row, bid))
        if len(found) >= 20:
            break
    return found


def read_steps_of(root: Path) -> list[str]:
    from dutchbook.runtime.datadir import Markets

    return [key for key in Markets(root).instruments if key.startswith("kalshi:")]


def _spans(root: Path, wanted: list[str], sent: dict[str, int]) -> list[float]:
    """Ms from the step that decided an order, over its fsync and its signature, to its bytes."""
    named = sent.keys() & set(wanted)
    return sorted(
        (sent[effect.order.id] - row.at) / 1e6
        for row in read_account(root, 0)
        for effect in row.effects
        if isinstance(effect, SubmitOrder) and effect.order.id in named
    )


def _rows(
    reads: list[dict[str, Any]], beside: list[dict[str, Any]], floods: list[dict[str, Any]],
    orders: list[list[list[float]]], seconds: float,
) -> list[Row]:  # fmt: skip
    answered, p95, worst = _read(reads, seconds)
    answered_beside, p95_beside, worst_beside = _read(beside, seconds)
    codes: Counter[str] = Counter()
    for flood in floods:
        codes.update(flood["codes"])
    sent = sum(flood["sent"] for flood in floods)
    refused = codes["429"] + codes["503"]
    other = sent - refused - codes["200"]
    whole = [[spans for spans in rounds if len(spans) >= LEAST] for rounds in orders]
    if not all(whole):
        raise DutchbookError(
            "too few orders left to measure their path", why="the exchanges came too late",
            todo="run it where fewer others want the cores",
        )  # fmt: skip
    quiet, usual, busy = map(_p99, whole)
    counts = [sum(map(len, rounds)) for rounds in whole]
    counted = min(map(len, whole))

    def grown(base: float) -> float:
        return round((busy / base - 1) * 100, 1)

    least = RATE * 0.99
    slow = max(flood["good"].get("p95", 0.0) for flood in floods)
    told = max(flood["refused"].get("p95", 0.0) for flood in floods)
    return [
        Row("gateway_reads", round(answered), "req/s", f"value >= {RATE}", answered >= least),
        Row("gateway_reads_p95", p95, "ms", "value <= 20", p95 <= 20),
        Row("gateway_reads_p95_worst", worst, f"ms, in the worst of {ROUNDS} rounds"),
        Row("gateway_reads_beside_orders", round(answered_beside),
            f"req/s beside {ORDERS} orders a second"),
        Row("gateway_reads_beside_orders_p95", p95_beside,
            f"ms; {worst_beside} in the worst round"),
        Row("gateway_overload_answered", codes["200"], f"of {sent} at 5x"),
        Row("gateway_overload_refused", refused, f"of {sent} at 5x, by 429 or 503",
            "value > 0", refused > 0),
        Row("gateway_clients_late", max(flood["late"]["p95"] for flood in floods),
            "ms p95 that the clients themselves were late, in the worst round"),
        Row("gateway_overload_lost", round(other / sent * 100, 2), "% answered otherwise or not"),
        Row("gateway_overload_p95", slow, "ms, of those answered, in the worst round"),
        Row("gateway_refusal_p95", told, "ms, of those refused, in the worst round"),
        Row("order_path_rounds", counted, f"of {ROUNDS} in which orders left"),
        Row("order_path_quiet", round(quiet, 2), f"ms p99 of {counts[0]} orders"),
        Row("order_path_usual", round(usual, 2),
            f"ms p99 of {counts[1]} orders beside {RATE} requests a second"),
        Row("order_path_overloaded", round(busy, 2), f"ms p99 of {counts[2]} orders"),
        Row("order_path_growth_from_usual", grown(usual), "% of p99"),
        Row("order_path_growth", grown(quiet), "% of p99, the clients' work included",
            "value <= 20", grown(quiet) <= 20),
    ]  # fmt: skip


def _read(told: list[dict[str, Any]], seconds: float) -> tuple[float, float, float]:
    """Answered a second and their p95 in ms, in the middle round; the p95 of the worst."""
    answered = median(one["codes"].get("200", 0) for one in told) / seconds
    p95s = [one["good"].get("p95", 1e9) for one in told]
    return answered, median(p95s), max(p95s)


def _p99(rounds: list[list[float]]) -> float:
    """Of all orders but those of the round whose own p99 is the worst."""
    by_round = sorted(rounds, key=lambda spans: spans[int(len(spans) * 0.99)])
    spans = sorted(span for some in by_round[: max(1, len(rounds) - 1)] for span in some)
    return spans[int(len(spans) * 0.99)]
