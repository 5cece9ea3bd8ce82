"""The bench command: rows of one shape, ways that agree on the same frames, errors with a name."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
FIELDS = ["name", "value", "unit", "goal", "holds", "peer", "ratio"]


def bench(*args: str, data: str = "/nowhere") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dutchbook", "bench", *args],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "DUTCHBOOK_DATA": data},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_message_path_is_measured_without_any_recorded_data():
    """A bench fails by itself where two ways through the same frames end with other edges."""
    run = bench("message_path", "--quick", "--json")
    assert run.returncode == 0, run.stderr
    rows = json.loads(run.stdout.splitlines()[-1])["rows"]
    assert [list(row) for row in rows] == [FIELDS] * 3
    assert [row["name"] for row in rows] == ["message_path", "message_path_p50", "message_path_p99"]
    first = rows[0]
    assert first["holds"] is (first["ratio"] >= 2)
    assert first["peer"] == "sorted lists"
    assert rows[1]["value"] <= rows[2]["value"]


def test_what_is_not_there_is_named():
    unknown = bench("speed")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert "'speed'" in unknown.stderr and "universe_scan" in unknown.stderr
    assert bench("message_path", "--peer-python", "/nowhere/python").returncode == 2
    wrong = bench("message_path", "--quick", "--peer-python", sys.executable)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "nautilus_trader" in wrong.stderr
