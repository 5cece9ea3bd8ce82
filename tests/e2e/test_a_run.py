"""A run from its first frame to its summary, judged by a checker that shares no code with it."""

import json
import sys
from pathlib import Path

import pytest
from processes import ROOT, Command

sys.path.insert(0, str(ROOT / "tests" / "checker"))

from check import judge, lines

pytestmark = pytest.mark.xdist_group("runs")
FIELDS = {
    "mode", "seed", "venues", "markets", "frames", "events", "gaps_seen", "gaps_recovered",
    "malformed", "conflated", "dropped", "opportunities", "planted_visible", "planted_found",
    "planted_obscured", "false_opportunities", "journal_seq", "digest",
}  # fmt: skip
JUDGED = (
    "planted_visible", "planted_found", "planted_obscured", "false_opportunities", "gaps_seen",
    "gaps_recovered", "malformed", "duplicates", "opportunities",
)  # fmt: skip


def checked(data: Path) -> dict:
    sim = data / "sim"
    names = ("wire", "truth", "opportunities")
    found = judge(*(lines(sim / f"{name}.jsonl") for name in names))
    return found | {"frames": sum(found["frames"].values())}


def agrees(summary: dict, data: Path) -> None:
    """The run's own counts are those that follow from the wire and the truth alone."""
    found = checked(data)
    names = (*JUDGED, "frames")
    ours = {name: summary[name] for name in names}
    assert ours == {name: found[name] for name in names}, (
        found["problems"], summary["missed"], summary["false"],
    )  # fmt: skip
    assert found["problems"] == []


@pytest.mark.parametrize("faults", ["none", "rough"])
def test_all_that_could_be_seen_is_found_and_nothing_else(runs, faults):
    command, data = runs[faults]
    summary = command.answer()
    assert set(summary) >= FIELDS
    assert (summary["mode"], summary["seed"]) == ("sim", 7)
    assert summary["venues"] == ["kalshi", "polymarket"] and summary["markets"] >= 400
    assert summary["planted_visible"] == summary["planted_found"] > 0
    assert (summary["false_opportunities"], summary["dropped"]) == (0, 0)
    planted = summary["planted_visible"] + summary["planted_obscured"]
    assert summary["planted_obscured"] <= 0.15 * planted
    assert summary["gaps_recovered"] == summary["gaps_seen"]
    assert (summary["gaps_seen"] > 0) == (faults == "rough")
    assert len(command.out.splitlines()) == 1 and "Traceback" not in command.err
    agrees(summary, data)


def test_plants_of_our_own_are_found_and_near_misses_are_not(runs):
    command, data = runs["wishes"]
    summary = command.answer()
    agrees(summary, data)
    truth = lines(data / "sim" / "truth.jsonl")
    stood = {row["id"]: row for row in truth if row["what"] == "plant"}
    assert {"w0", "w1", "w2", "w3", "w4", "chosen", "wrong", "thin"} <= set(stood)
    true = [row for row in stood.values() if row["near_miss"] is None]
    found = {legs(row) for row in lines(data / "sim" / "opportunities.jsonl")}
    assert {legs(row) for row in true} <= found
    assert summary["planted_visible"] == summary["planted_found"] == len(true) == 6
    assert summary["false_opportunities"] == 0


def legs(row: dict) -> frozenset:
    return frozenset((leg["market"], leg["outcome"]) for leg in row["legs"])


@pytest.mark.parametrize(
    ("plant", "said"),
    [
        ({"colour": "red"}, "plant x, colour"),
        ({"legs": [{"market": "kalshi:NOPE", "outcome": "yes"}]}, "plant x, legs[0].market"),
        ({"edge": 0.05}, "plant x, edge"),
    ],
)
def test_a_plants_file_that_cannot_be_is_refused_by_name(tmp_path, plant, said):
    whole = {"id": "x", "kind": "cross_venue", "start_s": 1, "duration_s": 3, "edge": "0.05"}
    file = tmp_path / "plants.json"
    file.write_text(json.dumps({"plants": [whole | {"size": "50"} | plant]}))
    data = tmp_path / "data"
    command = Command(tmp_path, "run", "--for", "5s", "--plants", file, "--data-dir", data)
    assert command.end() == 2
    assert said in command.err and "Traceback" not in command.err
