"""What a second terminal sees while a run goes on, and after it has ended."""

import json

import pytest
from processes import Command, ask, exchanges_of, runs, status, wait_until


@pytest.fixture
def run(tmp_path):
    """A run that goes on until it is told to stop, and has found something."""
    data = tmp_path / "data"
    command = Command(tmp_path / "run", "run", "--seed", 3, "--data-dir", data, "--json")
    wait_until(lambda: status(data).get("opportunities", 0) > 0, "an opportunity")
    yield command, data
    if command.process.poll() is None:
        command.kill()


def test_everything_can_be_asked_from_outside(run, tmp_path):
    command, data = run
    here = ("--data-dir", data)
    live = ask(tmp_path, "status", *here, "--json")
    assert live["running"] is True and live["run"] == "r1" and live["markets"] >= 400
    assert {feed["stream"].split(".")[0] for feed in live["feeds"]} == {"kalshi", "polymarket"}
    found = ask(tmp_path, "opps", *here, "--json")
    assert found["total"] >= 1
    first = found["opportunities"][0]["id"]
    shown = ask(tmp_path, "opps", "show", first, *here, "--json")
    assert shown["id"] == first and shown["certificate"]["legs"]
    why = ask(tmp_path, "why", *here, "--json")
    funnel = list(why["funnel"].values())
    assert funnel[0] == live["markets"] and why["reasons"]
    leg = shown["certificate"]["legs"][0]
    hits = ask(tmp_path, "market", "search", leg["instrument"], *here, "--json")
    assert [one["key"] for one in hits["markets"]] == [leg["instrument"]]
    book = ask(tmp_path, "market", "book", leg["instrument"], *here, "--json")
    assert book["market"] == leg["instrument"] and book["books"][0]["bids"]
    refused(data, tmp_path)
    command.interrupt()
    summary = command.answer()
    assert summary["ended"] == "SIGINT" and summary["planted_visible"] == summary["planted_found"]
    after(data, tmp_path, first, summary)


def refused(data, tmp_path):
    """A second run in the same directory touches nothing and says who is there."""
    second = Command(tmp_path / "second", "run", "--for", "1s", "--data-dir", data, "--json")
    assert second.end() == 1
    assert "is in use by process" in second.err and "Traceback" not in second.err
    assert second.out == ""


def after(data, tmp_path, first, summary):
    """The run has ended: the record still answers, and its certificates still prove."""
    here = ("--data-dir", data)
    said = ask(tmp_path, "status", *here, "--json", code=3)
    assert said["running"] is False and said["why"] == "SIGINT"
    assert ask(tmp_path, "opps", *here, "--json")["total"] == summary["opportunities"]
    assert ask(tmp_path, "data", "verify", *here, "--json")["holds"] is True
    show = Command(tmp_path / "show", "opps", "show", first, *here, "--json")
    show.answer()
    file = show.out_file
    assert ask(tmp_path, "verify", file, "--json")["proved"] is True
    assert ask(tmp_path, "verify", file, "--tape", data, "--json")["proved"] is True
    document = json.loads(show.out)
    document["certificate"]["legs"][0]["fills"][0]["px"] -= 10_000
    altered = tmp_path / "altered.json"
    altered.write_text(json.dumps(document))
    assert ask(tmp_path, "verify", altered, "--json", code=1)["proved"] is False


def test_the_exchanges_end_with_a_killed_run_and_the_next_run_goes_on(run, tmp_path):
    """kill -9 while books stream: no orphan, and a second run continues the same record."""
    command, data = run
    exchanges = [exchanges_of(command.process.pid)]
    assert runs(exchanges[0])
    command.kill()
    assert ask(tmp_path, "status", "--data-dir", data, "--json", code=3)["running"] is False
    words = Command(tmp_path / "words", "status", "--data-dir", data)
    assert words.end() == 3
    [head] = [line for line in words.out.splitlines() if "stream" in line]
    rows = [line for line in words.out.splitlines() if "kalshi." in line]
    assert [one.strip() for one in head.strip("┃").split("┃")] == [
        "stream", "up", "age ms", "late", "books", "whole", "open gaps",
    ]  # fmt: skip
    assert rows and all(len(line.strip("│").split("│")) == 7 for line in rows)
    before = ask(tmp_path, "data", "verify", "--data-dir", data, "--json")
    assert before["holds"] is True
    second = Command(
        tmp_path / "second", "run", "--for", "3s", "--seed", 3, "--data-dir", data, "--json"
    ).answer()
    assert (second["run"], second["first_seq"]) == ("r2", before["seq"] + 1)
    assert not runs(exchanges[0])
    again = ask(tmp_path, "replay", data, "--json")
    assert again["errors"] == [] and again["differences"] == 0
    assert [one["run"] for one in again["runs"]] == ["r1", "r2"]
    assert again["digest"] == second["digest"]
