"""P7: after the kill switch nothing that takes on risk leaves: at the gate, and on the wire."""

import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from time import perf_counter_ns
from typing import Any

from bench.orders_world import ACCOUNTS, crowded
from bench.reliability.served import ENV, Served
from dutchbook.domain.effects import SubmitOrder
from dutchbook.domain.units import MILLI, ONE, Ns
from dutchbook.execution.config import Config
from dutchbook.execution.desk import Desk
from dutchbook.runtime.wiregate import KILL_FILE, WireGate


def race(folder: Path, trips: int) -> list[float]:
    """Trip the switch while another thread sends as fast as it can; ms from trip to the last send.

    The trip is the moment at which the kill file stands; a send is an order that the gate let pass.
    """
    gate_, account, view, now = crowded(0)
    desk = Desk(account, gate_, Config(), ACCOUNTS)
    market = view.instrument("kalshi:A000")
    spans = []
    for trip in range(trips):
        desk.at(now, trip + 10)
        gate = WireGate(folder, lambda: Ns(perf_counter_ns()))
        passed: list[int] = []
        stop = threading.Event()
        orders = [desk.order(market, "yes", "buy", 300_000, ONE, "leg") for _ in range(2_000)]
        sender = threading.Thread(target=_send, args=(gate, orders, passed, stop))
        sender.start()
        time.sleep(0.0005 * (1 + trip % 5))
        (folder / KILL_FILE).touch()
        tripped = perf_counter_ns()
        time.sleep(0.002)
        stop.set()
        sender.join()
        (folder / KILL_FILE).unlink()
        spans.append(max(0, passed[-1] - tripped) / 1e6 if passed else 0.0)
    return spans


def _send(gate: WireGate, orders: list[Any], passed: list[int], stop: threading.Event) -> None:
    for order in orders:
        if stop.is_set():
            return
        gate.beat()
        if not gate.why_not(SubmitOrder(order)):
            passed.append(perf_counter_ns())


def tripped(served: Served, data: Path, after: float) -> tuple[float, int, dict[str, Any]]:
    """`dutchbook kill` on a trader that trades: (ms from the kill file to the last purchase that
    the exchanges took, how many they took before it, the trader's summary)."""
    process = served.trader(data, "120")
    _until_trading(data)
    time.sleep(after)
    subprocess.run(
        [sys.executable, "-m", "dutchbook", "kill", "--data-dir", str(data), "--json"],
        env={"PATH": "/usr/bin:/bin"} | ENV, capture_output=True, check=True,
    )  # fmt: skip
    at = (data / KILL_FILE).stat().st_mtime_ns
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    if process.returncode:
        raise AssertionError(f"the trader ended badly: {err[-2000:]}")
    rows = [row for row in served.orders() if row["buy"]]
    late = [row["at"] for row in rows if row["at"] > at]
    worst = max((stamp - at) / MILLI for stamp in late) if late else 0.0
    return worst, len(rows) - len(late), json.loads(out.splitlines()[-1])


def _until_trading(data: Path) -> None:
    """Wait for the first basket's order in the journal; half a minute at most."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if any(b"BasketBegun" in file.read_bytes() for file in data.glob("journal/*")):
            return
        time.sleep(0.1)
    raise AssertionError("it never began to trade")
