"""The venues' own clients, unmodified, work against the pretend exchanges.

Each lives in an environment of its own: DUTCHBOOK_ORACLES names the directory that
`tools/oracles/make` filled. Without it these tests are skipped, and say so.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

from clients.served import served

HERE = Path(__file__).parent
pytestmark = pytest.mark.xdist_group("clients")


def python_of(name: str) -> Path:
    root = os.environ.get("DUTCHBOOK_ORACLES", "")
    python = Path(root) / name / "bin" / "python"
    if not root or not python.exists():
        pytest.skip(f"no environment {name!r}: tools/oracles/make builds it")
    return python


def drive(name: str, script: str, addresses: Path) -> dict:
    done = subprocess.run(
        [python_of(name), HERE / script, addresses], capture_output=True, text=True, timeout=90,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def addresses(tmp_path_factory):
    python_of("clob")
    with served(tmp_path_factory.mktemp("exchange")) as file:
        yield file


def test_py_clob_client_v2_trades(addresses):
    """Keys, balance, tick, limit and market orders, batch, cancels, open orders, trades."""
    seen = drive("clob", "drive_clob.py", addresses)
    assert (seen["ok"], seen["version"], seen["derived"], seen["hash"]) == ("OK", 2, True, True)
    assert seen["market"]["status"] == "matched" and float(seen["market"]["takingAmount"]) > 0
    assert seen["resting"]["status"] == seen["order"]["status"].lower() == "live"
    assert seen["open"] == [seen["resting"]["orderID"]] == seen["canceled"]["canceled"]
    assert [row["status"] for row in seen["batch"]] == ["live", "live"]
    names = [row["orderID"] for row in seen["batch"]]
    assert (seen["batch_canceled"]["canceled"], seen["all_canceled"]["canceled"]) == (
        names[:1], names[1:],
    )  # fmt: skip
    assert seen["left"] == []
    mine = [row for row in seen["trades"] if row["taker_order_id"] == seen["market"]["orderID"]]
    assert sum(float(row["size"]) for row in mine) == float(seen["market"]["takingAmount"])
    assert int(seen["held"]) > 0 and int(seen["after"]) < int(seen["before"])


def test_polymarket_client_trades(addresses):
    """Redirected through its private constructor, which may go with any release."""
    seen = drive("pmsdk", "drive_pmsdk.py", addresses)
    assert (seen["taken"], seen["resting"], seen["same"]) == ("matched", "live", True)
    assert (seen["open"], seen["batch"], seen["left"]) == (1, ["live", "live"], 0)


def test_kalshi_python_sync_reads_and_its_v1_orders_are_gone(addresses):
    """Its market model wants fields that the venue took out in 2026: that read can't work."""
    seen = drive("kalshi", "drive_kalshi.py", addresses)
    assert (seen["balance"], seen["active"], seen["v1"]) == (10_000_000, True, 410)
    assert (seen["positions"], seen["orders"], seen["fills"]) == (0, 0, 0)
    assert all(text.startswith("get_markets: ValidationError") for text in seen["broken"])
