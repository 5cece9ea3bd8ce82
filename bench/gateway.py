"""The gateway beside a run that trades: how much it reads a second, and what overload does.

The run, the exchanges, the gateway and the clients are processes of their own, on the same cores.
"""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from bench.harness import Context, Row
from bench.reliability.served import ENV
from dutchbook.domain.account_events import OrderSent
from dutchbook.domain.effects import SubmitOrder
from dutchbook.runtime.control import Request, ask
from dutchbook.storage.reader import read_account

RATE: Final = 1_500
OVERLOAD: Final = 5 * RATE
CONNECTIONS: Final = 250
ORDERS: Final = 25
"""A second, placed by hand while it is measured."""
PATHS: Final = (
    "/api/v1/markets?limit=50", "/api/v1/opportunities", "/api/v1/positions", "/api/v1/orders",
    "/api/v1/portfolio/summary", "/api/v1/status", "/health", "/api/v1/opportunities/why-not",
)  # fmt: skip


def run(context: Context) -> list[Row]:
    """Reads, then orders without and with an overload of reads."""
    seconds = 4 if context.quick else 10
    folder = context.scratch / "gateway"
    folder.mkdir()
    env = os.environ | ENV | {
        "XDG_CONFIG_HOME": str(folder / "home"), "DUTCHBOOK__API__PORT": "0",
        "DUTCHBOOK__API__ENABLED": "true", "DUTCHBOOK__API__ADDRESS_RATE": "1000000",
    }  # fmt: skip
    err = folder / "err.txt"
    with err.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "dutchbook", "run", "--data-dir", str(folder / "sim")],
            cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=log, process_group=0,
        )  # fmt: skip
    try:
        host, port = _address(err)
        key = _key(folder, env)
        time.sleep(1.5)  # the gateway looks for new keys once a second

        def load(rate: int) -> dict[str, Any]:
            context.say(f"{rate} requests a second for {seconds} s")
            done = subprocess.run(
                ["nice", sys.executable, "-m", "bench.gateway_load", host, port, key, str(rate),
                 str(seconds), str(CONNECTIONS), *PATHS],
                env=env, cwd=folder, check=True, capture_output=True, text=True,
            )  # fmt: skip
            told: dict[str, Any] = json.loads(done.stdout)
            return told

        reads = load(RATE)
        quiet = _orders(folder / "sim", seconds)
        with ThreadPoolExecutor(1) as pool:
            under = pool.submit(load, OVERLOAD)
            busy = _orders(folder / "sim", seconds)
            flood = under.result()
    finally:
        process.terminate()
        process.wait(90)
    return _rows(reads, flood, _spans(folder / "sim", quiet), _spans(folder / "sim", busy), seconds)


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
    """Orders that fill nothing (IOC at the bid), evenly in time; their ids."""
    held, began, n = [], time.monotonic(), 0
    keys = _quoted(root)
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


def _spans(root: Path, wanted: list[str]) -> list[float]:
    """Ms from the step that decided an order, over its fsync, to the wire's gate."""
    named = set(wanted)
    decided: dict[str, int] = {}
    spans = []
    for row in read_account(root, 0):
        for effect in row.effects:
            if isinstance(effect, SubmitOrder) and effect.order.id in named:
                decided[effect.order.id] = row.at
        if isinstance(row.event, OrderSent) and row.event.order in decided:
            spans.append((row.at - decided[row.event.order]) / 1e6)
    return sorted(spans)


def _rows(
    reads: dict[str, Any], flood: dict[str, Any], quiet: list[float], busy: list[float],
    seconds: float,
) -> list[Row]:  # fmt: skip
    answered = reads["codes"].get("200", 0) / seconds
    p95 = reads["good"].get("p95", 1e9)
    refused = sum(n for code, n in flood["codes"].items() if code in ("429", "503"))
    other = sum(n for code, n in flood["codes"].items() if code not in ("200", "429", "503"))
    before, after = quiet[int(len(quiet) * 0.99)], busy[int(len(busy) * 0.99)]
    grown = (after / before - 1) * 100
    least = RATE * 0.99
    return [
        Row("gateway_reads", round(answered), "req/s", f"value >= {RATE}", answered >= least),
        Row("gateway_reads_p95", p95, "ms", "value <= 20", p95 <= 20),
        Row("gateway_overload_refused", refused, f"of {flood['sent']} at 5x, by 429 or 503",
            "value > 0", refused > 0),
        Row("gateway_overload_lost", other, "answered otherwise or not at all"),
        Row("gateway_overload_p95", flood["good"].get("p95", 0.0), "ms, of those answered"),
        Row("order_path_quiet", round(before, 2), f"ms p99 of {len(quiet)} orders"),
        Row("order_path_overloaded", round(after, 2), f"ms p99 of {len(busy)} orders"),
        Row("order_path_growth", round(grown, 1), "%", "value <= 20", grown <= 20),
    ]  # fmt: skip
