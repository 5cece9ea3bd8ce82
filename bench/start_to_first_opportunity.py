"""How long a newcomer's second start takes: from the command to the first opportunity on screen."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from statistics import median
from threading import Timer
from time import perf_counter
from typing import Any, Final

from bench.harness import Context, Row

GOAL: Final = 3.0
PATIENCE: Final = 60.0
ROOT: Final = Path(__file__).resolve().parents[1]


def run(context: Context) -> list[Row]:
    """The real command as a child, several times: with a plant at once, and with its own plants."""
    plants = context.scratch / "plants.json"
    plants.write_text(json.dumps({"plants": _plants()}))
    repeats = 1 if context.quick else 5
    data = context.scratch / "started"
    spans: dict[str, list[float]] = {"plants": [], "own": [], "up": []}
    _one(data, [])  # the first start compiles and lists; it is not what is promised here
    for n in range(repeats):
        context.say(f"bench: start {n + 1} of {repeats} ...")
        up, first = _one(data, ["--plants", str(plants)])
        spans["plants"].append(first)
        spans["up"].append(up)
        if not context.quick:
            spans["own"].append(_one(data, [])[1])
    value = median(spans["plants"])
    rows = [
        Row("start_to_first_opportunity", round(value, 2), "s", f"value <= {GOAL}", value <= GOAL),
        Row("start_to_exchanges_up", round(median(spans["up"]), 2), "s"),
    ]
    if spans["own"]:
        rows.append(Row("start_to_first_own_plant", round(median(spans["own"]), 2), "s"))
    return rows


def _plants() -> list[dict[str, Any]]:
    """These stand as soon as a stream is connected; the generator's own begin 1.5 s later."""
    kinds = ("bundle_yes", "cross_venue")
    return [
        {"id": f"p{n}", "kind": kind, "start_s": 0.0, "duration_s": 20.0, "edge": "0.05",
         "size": "100"} for n, kind in enumerate(kinds)
    ]  # fmt: skip


def _command() -> list[str]:
    """The launcher where it has installed what it needs, else this Python."""
    if Path(sys.prefix).resolve().is_relative_to(ROOT):
        return [str(ROOT / "dutchbook")]
    return [sys.executable, "-m", "dutchbook"]


def _one(data: Path, more: list[str]) -> tuple[float, float]:
    """Seconds from the command to the exchanges' addresses, and to the first line of its kind."""
    command = [*_command(), "run", "--for", "30s", "--data-dir", str(data), *more]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    began = perf_counter()
    child = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment,
        start_new_session=True,
    )  # fmt: skip
    assert child.stderr is not None
    alarm = Timer(PATIENCE, child.kill)
    alarm.start()
    up = first = float("nan")
    said: list[str] = []
    try:
        for line in child.stderr:
            said.append(line)
            if line.startswith("  exchanges"):
                up = perf_counter() - began
            if line[8:].strip().startswith("OPP"):
                first = perf_counter() - began
                break
        else:
            raise AssertionError("no opportunity was seen:\n" + "".join(said[-20:]))
        child.send_signal(signal.SIGINT)
        child.stderr.read()
        child.wait()
    finally:
        alarm.cancel()
        if child.poll() is None:
            child.kill()
            child.wait()
    return up, first
