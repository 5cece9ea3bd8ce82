"""A run that makes markets: nothing is left standing, books are equal, a replay decides alike."""

import json
import sys
from pathlib import Path

import pytest
from processes import ROOT, Command, ask, status, wait_until

sys.path.insert(0, str(ROOT / "tests" / "checker"))

from check_ledger import judge

pytestmark = pytest.mark.xdist_group("runs")


def test_a_run_that_makes_markets_ends_whole_and_is_steered_from_outside(tmp_path: Path):
    config, data = tmp_path / "maker.toml", tmp_path / "data"
    config.write_text('[strategies]\nenabled = "maker"\n', encoding="utf-8")
    run = Command(
        tmp_path / "run", "run", "--for", "13s", "--seed", 9, "--config", config,
        "--data-dir", data, "--json",
    )  # fmt: skip
    told = iter(range(100))

    def strategy(*words, code=0):
        folder = tmp_path / f"c{next(told)}"
        return ask(folder, "strategy", *words, "--data-dir", data, "--json", code=code)

    try:
        wait_until(lambda: status(data).get("orders", 0) or "trading is open" in run.err, "open")
        wait_until(lambda: strategy("show", "maker")["quotes"] > 0, "it quotes")
        strategy("set", "maker", "spread=0.06", "order=5")
        row = strategy("show", "maker")
        assert (row["params"]["spread"], row["params"]["order"]) == (60_000, 5_000_000)
        summary = run.answer()
    finally:
        run.kill()
    assert summary["ledger_equals_venue"] is True and summary["ledger_differences"] == []
    assert summary["unknown_resolved"] == summary["unknown_seen"]
    assert summary["stuck"] == summary["baskets_open"] == 0
    sim = data / "sim"
    assert (
        judge(*(json.loads((sim / n).read_text()) for n in ("books.json", "accounts.json"))) == []
    )
    books = json.loads((sim / "books.json").read_text())
    over = {"filled", "canceled", "rejected", "expired", "never_arrived"}
    assert {row["state"] for row in books["orders"]} <= over
    after = strategy("show", "maker")
    assert after["quotes"] == 0 < after["fills"] and after["switched"][0] == "set"
    assert after["params"]["spread"] == 60_000, "what a command changed is in the record"
    replayed = ask(tmp_path / "replay", "replay", data, "--json")
    assert replayed["differences"] == 0
    assert [run["digest"] for run in replayed["runs"]] == [summary["digest"]]
