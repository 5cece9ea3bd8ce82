"""A run that trades: baskets done, books equal to the exchanges' own, through a storm."""

import json
import sys
from pathlib import Path

import pytest
from processes import ROOT, Command

sys.path.insert(0, str(ROOT / "tests" / "checker"))

from check_ledger import judge

pytestmark = pytest.mark.xdist_group("runs")


def settled(data: Path) -> list[str]:
    """What the independent checker finds between our books and the truth."""
    sim = data / "sim"
    return judge(*(json.loads((sim / n).read_text()) for n in ("books.json", "accounts.json")))


def whole(summary: dict) -> None:
    """Nothing is left in the air, and nothing was lost."""
    assert summary["unknown_resolved"] == summary["unknown_seen"]
    assert summary["baskets_open"] == 0
    over = summary["baskets_done"] + summary["baskets_unwound"] + summary["stuck"]
    assert over == summary["baskets"]
    assert len(summary["residuals"]) == summary["stuck"]
    assert all(one["residual"] for one in summary["residuals"])
    assert summary["ledger_equals_venue"] is True and summary["ledger_differences"] == []


@pytest.mark.parametrize("name", ["none", "rough", "storm"])
def test_every_basket_ends_and_the_books_are_equal(runs, name):
    """P1, P2, P4, P5: no order twice, none unknown, every fill once, cash to the millionth."""
    command, data = runs[name]
    summary = command.answer()
    whole(summary)
    assert settled(data) == []
    assert summary["baskets_done"] > 0
    if name == "none":
        assert summary["stuck"] == summary["unknown_seen"] == 0
        assert summary["realised_pnl"] * 100 >= 95 * summary["certified_pnl"] > 0


def test_the_tables_follow_from_the_journal_row_for_row(runs, tmp_path):
    command, data = runs["storm"]
    command.answer()
    found = Command(tmp_path / "v", "db", "verify", "--data-dir", data, "--json").answer()
    assert found["equal"] is True and found["orders"] > 0 and found["ledger"] > 0
    copy = tmp_path / "copy.jsonl.gz"
    Command(tmp_path / "b", "db", "backup", copy, "--data-dir", data, "--json").answer()
    Command(tmp_path / "r", "db", "rebuild", "--data-dir", data, "--json").answer()
    Command(tmp_path / "s", "db", "restore", copy, "--data-dir", data, "--json").answer()
    again = Command(tmp_path / "w", "db", "verify", "--data-dir", data, "--json").answer()
    assert again == found


def test_a_replay_decides_every_order_again(runs, tmp_path):
    """P9: same journal, same steps, orders and repairs included."""
    command, data = runs["storm"]
    summary = command.answer()
    replayed = Command(tmp_path, "replay", data, "--json").answer()
    assert replayed["differences"] == 0
    assert [run["digest"] for run in replayed["runs"]] == [summary["digest"]]


def test_a_person_trades_stops_and_lets_go_on_from_another_terminal(tmp_path):
    """Orders by hand pass the same gate; a kill holds until a named person clears it."""
    data = tmp_path / "data"
    run = Command(
        tmp_path / "run", "run", "--for", "16s", "--seed", 9, "--data-dir", data, "--json"
    )

    def ask(name, *args, code=0):
        command = Command(tmp_path / name, *args, "--data-dir", data, "--json")
        assert command.end() == code, (args, command.err)
        return command.last() if code == 0 else command.err

    try:
        _until_trading(run)
        found = ask("m", "market", "search", "kalshi")
        key = next(row["key"] for row in found["markets"] if row["status"] == "open")
        placed = ask("o", "order", "place", key, "yes", "5", "0.01")
        (name,) = placed["orders"]
        assert name in [row["id"] for row in ask("l", "order", "list")]
        ask("k", "kill")
        assert "not_halted" in ask("o2", "order", "place", key, "yes", "5", "0.01", code=6)
        assert "kill" in ask("r", "resume", code=6)
        ask("c", "resume", "--clear-kill", "--reason", "tested")
        summary = run.answer()
    finally:
        run.kill()
    assert summary["ledger_equals_venue"] is True
    assert settled(data) == []
    rows = {
        row["id"]: row for row in json.loads((data / "sim" / "books.json").read_text())["orders"]
    }
    assert rows[name]["state"] == "canceled" and rows[name]["filled"] == 0


def _until_trading(run):
    import time

    until = time.monotonic() + 60
    while "trading is open" not in run.err and time.monotonic() < until:
        time.sleep(0.2)
    assert "trading is open" in run.err
    time.sleep(1)
