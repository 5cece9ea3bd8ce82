"""All strategies under one manager: another terminal switches them while a run goes on."""

import os
import signal
from pathlib import Path

import pytest
from processes import Command, ask, wait_until

from dutchbook.domain.events import OperatorAsked
from dutchbook.domain.step import Refused
from dutchbook.storage.reader import read_account

pytestmark = pytest.mark.xdist_group("runs")
ARBITRAGE = ["complement", "bundle_yes", "bundle_no", "cross_venue", "implication", "combinatorial"]
OPINIONS = ["maker", "longshot", "favourite", "overreaction", "recency", "time_decay"]
FILE = '[strategies]\nenabled = "maker"\n'


def test_a_run_is_steered_from_outside_and_replays_alike(tmp_path: Path):
    """A strategy with an opinion is switched on, changed and switched off; so is a kind of
    arbitrage; SIGHUP and `strategy reload` take the file again; a replay decides the same."""
    config, data, other = tmp_path / "s.toml", tmp_path / "data", tmp_path / "other"
    config.write_text(FILE, encoding="utf-8")
    common = ("run", "--config", config, "--json")
    run = Command(tmp_path / "run", *common, "--seed", 9, "--data-dir", data, "--for", "10m")
    twin = Command(tmp_path / "twin", *common, "--seed", 5, "--data-dir", other, "--for", "10m")
    where = ("--data-dir", data, "--json")
    told = iter(range(1_000))

    def strategy(*words):
        folder = tmp_path / f"c{next(told)}"
        return ask(folder, "strategy", *words, *where)

    def refused(why, *words):
        command = Command(tmp_path / f"c{next(told)}", "strategy", *words, *where)
        assert command.end() != 0 and why in command.err

    def maker_of(folder):
        folder = tmp_path / f"{folder}{next(told)}"
        return ask(folder, "strategy", "show", "maker", "--data-dir", other, "--json")

    def shown(name):
        return strategy("show", name)

    try:
        for one in (run, twin):
            wait_until(lambda one=one: "trading is open" in one.err, "trading is open")
        assert [row["name"] for row in strategy("list")] == OPINIONS + ARBITRAGE
        wait_until(lambda: shown("maker")["fills"], "it made markets")
        wait_until(lambda: maker_of("there")["fills"], "so did the other")
        twin.interrupt()
        strategy("enable", "longshot")
        strategy("set", "longshot", "volume_min=0", "edge_min=0.001", "stake=5", "hold_max_s=2",
                 "confidence_min=0.1", "categories=", "hold_min_s=1")  # fmt: skip
        row = shown("longshot")
        assert row["enabled"] and row["switched"][0] == "set" and row["watched"] > 100
        assert (row["params"]["stake"], row["params"]["hold_max_s"]) == (5_000_000, 2)
        wait_until(lambda: shown("longshot")["capacity"]["by_edge"], "it wants something")
        strategy("disable", "longshot")
        row = shown("longshot")
        assert not row["enabled"] and row["quotes"] == 0 and row["params"]["stake"] == 5_000_000
        strategy("disable", "cross_venue")
        strategy("set", "bundle_yes", "budget=50", "edge_min=0.5")
        assert not shown("cross_venue")["enabled"]
        assert shown("bundle_yes")["capacity"]["budget"] == 50_000_000
        refused("budget must be a plain decimal", "set", "bundle_yes", "budget=x")
        refused("there is no such strategy", "enable", "bundles")
        config.write_text(
            FILE.replace("maker", "favourite") + 'arbitrage = "complement"\n'
            "[strategies.favourite]\nbudget = 77\n", encoding="utf-8",
        )  # fmt: skip
        os.kill(run.process.pid, signal.SIGHUP)
        wait_until(lambda: shown("favourite")["enabled"], "the file was read again")
        assert shown("favourite")["capacity"]["budget"] == 77_000_000
        on = [row["name"] for row in strategy("list") if row["enabled"]]
        assert on == ["favourite", "complement"], "what commands changed is taken back"
        assert shown("longshot")["params"]["stake"] == 10_000_000
        config.write_text(FILE, encoding="utf-8")
        strategy("reload", "--config", config)
        assert [row["name"] for row in strategy("list") if row["enabled"]] == ["maker", *ARBITRAGE]
        config.write_text('[strategies]\nenabled = "makr"\n', encoding="utf-8")
        os.kill(run.process.pid, signal.SIGHUP)
        wait_until(lambda: len(reloads(data)) == 3, "it was heard")
        assert shown("maker")["enabled"], "settings that can't be change nothing"
        strategy("set", "bundle_no", "budget=60")
        run.interrupt()
        summary = run.answer()
        there = twin.answer()
    finally:
        run.kill()
        twin.kill()
    assert [bool(refusals) for _, refusals in reloads(data)] == [False, False, True]
    assert "makr" in reloads(data)[-1][1][0].reason
    for one in (summary, there):
        assert one["ledger_equals_venue"] is True
        assert (one["false"], one["doubts"]) == ([], {}), one
    replayed = ask(tmp_path / "replay", "replay", data, "--json")
    assert replayed["differences"] == 0
    assert [one["digest"] for one in replayed["runs"]] == [summary["digest"]]
    assert shown("bundle_no")["capacity"]["budget"] == 60_000_000, "the record knows it, too"
    # both made markets: what became of the same strategy in another record
    mine = shown("maker")
    [drift] = strategy("show", "maker", "--against", other)["drift"]
    theirs = maker_of("theirs")
    assert drift["drift"] == mine["edge_realised"] - theirs["edge_realised"]
    assert drift["here"]["contracts"] == mine["contracts"] > 0
    assert drift["there"]["contracts"] == theirs["contracts"] > 0
    readable(tmp_path, data)


def reloads(data: Path) -> list[tuple[str, list[Refused]]]:
    """Who asked for the settings to be read again, by the record, and what was refused of it."""
    return [
        (step.event.who, [note for note in step.notes if isinstance(note, Refused)])
        for step in read_account(data)
        if isinstance(step.event, OperatorAsked) and step.event.verb == "strategies"
    ]


def readable(folder: Path, data: Path) -> None:
    """What `opps show` and `why` say of the same run, for people and for programs."""
    found = ask(folder / "o", "opps", "--data-dir", data, "--all", "--json")["opportunities"]
    for n, row in enumerate(found[:3]):
        one = ask(folder / f"s{n}", "opps", "show", row["id"], "--data-dir", data, "--json")
        assert set(one) >= {"held", "binding", "certificate"} and one["id"] == row["id"]
        words = Command(folder / f"w{n}", "opps", "show", row["id"], "--data-dir", data)
        assert words.end() == 0
        lines = words.out.splitlines()
        assert any(line.startswith("Edge ") for line in lines)
        assert max(map(len, lines)) < 260
        paid = [line for line in lines if ": pays $" in line]
        assert 0 < len(paid) <= 3 * len({line.partition(": pays ")[2] for line in paid})
    why = ask(folder / "why", "why", "kalshi", "--data-dir", data, "--json")
    assert why["rejected"] and {"funnel", "reasons", "prices"} <= set(why)
    words = Command(folder / "words", "why", "kalshi", "--data-dir", data)
    assert words.end() == 0 and " is “" in words.out
