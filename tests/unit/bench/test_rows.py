"""Every row of the bench command at a small size, and the engine's short cuts against none."""

import json
import os
from pathlib import Path

import pytest
from bench.engine_message import Whole
from bench.session import Session
from tests.unit.bench.test_benches import FIELDS, bench

ROWS = {
    "engine_message": ["engine_message", "engine_message_p50", "engine_message_p99",
                       "engine_message_tick_p50"],
    "bulk_replay": ["bulk_replay"],
    "universe_scan": ["universe_scan"],
    "feed_sustained": ["feed_sustained", "feed_sustained_p50", "feed_sustained_rate",
                       "feed_sustained_lost", "feed_sustained_conflated"],
    "feed_burst": ["feed_burst", "feed_burst_rate", "feed_burst_lost", "feed_burst_conflated"],
    "start_to_first_opportunity": ["start_to_first_opportunity", "start_to_exchanges_up"],
}  # fmt: skip


SHORT = ("bulk_replay",)
"""The others only in the whole form: what they measure is run by other tests, too."""


@pytest.mark.parametrize("name", ROWS if os.environ.get("DUTCHBOOK_TEST_ALL") else SHORT)
def test_each_bench_gives_its_rows(name: str):
    """Each bench compares its books with another way's, and fails by itself where they differ."""
    run = bench(name, "--quick", "--json")
    assert run.returncode == 0, run.stderr
    rows = json.loads(run.stdout.splitlines()[-1])["rows"]
    assert [row["name"] for row in rows] == ROWS[name]
    assert all(list(row) == FIELDS for row in rows)
    assert rows[0]["goal"] and rows[0]["holds"] in (True, False)
    lost = [row["value"] for row in rows if row["name"].endswith("_lost")]
    assert lost in ([], [0])


def test_verdicts_that_stand_are_those_that_would_be_given_anew(tmp_path: Path):
    """The same session with every verdict forgotten before each message: the same Steps."""
    session = Session(12, tmp_path)
    kept, anew = (Whole(session, tmp_path / name, "never") for name in ("kept", "anew"))
    again = 0
    for item in session.items:
        kept.one(item)
        again += len(anew.engine.judged)
        anew.engine.judged.clear()
        anew.one(item)
    for whole in (kept, anew):
        whole.drain()
        whole.close()
    assert kept.engine.opened and again
    assert kept.loop.digest.hex() == anew.loop.digest.hex()
