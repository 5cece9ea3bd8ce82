"""The same input gives the same Steps, byte for byte: our own record and recorded real books."""

import csv
import gzip
import json
import os

import pytest
from processes import ask

from recorded import recorded

pytestmark = pytest.mark.xdist_group("runs")
SEEDS = ("0", "1", "424242")


@pytest.mark.parametrize("name", ["none", "rough"])
def test_a_run_is_replayed_from_its_journal_and_tape(runs, tmp_path, name):
    """Whatever the order of hashes, every step is decided as it was then."""
    command, data = runs[name]
    summary = command.answer()
    for seed in SEEDS if name == "none" else SEEDS[:1]:
        again = ask(tmp_path, "replay", data, "--json", seed_of_hashes=seed)
        assert again["digest"] == summary["digest"]
        assert again["differences"] == 0 and again["errors"] == []
        assert again["runs"] == [
            {"run": "r1", "steps": summary["journal_seq"], "digest": summary["digest"]}
        ]
        assert (again["opportunities"], again["gaps_seen"], again["malformed"]) == (
            summary["opportunities"], summary["gaps_seen"], summary["malformed"],
        )  # fmt: skip


def test_recorded_baseball_books(tmp_path):
    """Counts agree with those of the csv module; digests with each other and with our record."""
    files = sorted(recorded("polymarket/mlb_books").glob("*.csv.gz"))
    data = tmp_path / "data"
    kept = ask(tmp_path, "replay", *files, "--data-dir", data, "--json")
    seeds = SEEDS[1:] if os.environ.get("DUTCHBOOK_TEST_ALL") else SEEDS[2:]
    others = [ask(tmp_path, "replay", *files, "--json", seed_of_hashes=s) for s in seeds]
    again = ask(tmp_path, "replay", data, "--json")
    assert {one["digest"] for one in (kept, *others, again)} == {kept["digest"]}
    assert again["differences"] == 0 and again["journal_seq"] == kept["journal_seq"]
    messages, late, markets, torn = counted(files)
    assert (kept["frames"], kept["markets"], kept["malformed"]) == (messages, markets, torn)
    assert (kept["gaps_seen"], kept["book_changes"]) == (late, messages - late)
    assert kept["hash_verified"] == 0 and kept["hash_unverifiable"] > 0


def counted(files):
    """(messages, late ones, markets, torn rows) by hand: a message is rows that share a name."""
    messages = late = torn = 0
    markets = set()
    for file in files:
        last, before = {}, None
        with gzip.open(file, "rt", newline="") as opened:
            reader = csv.reader(opened)
            names = next(reader)
            for cells in reader:
                if len(cells) != len(names):
                    torn += 1
                    continue
                row = dict(zip(names, cells, strict=True))
                name = (row["asset_id"], row["hash"], row["timestamp"])
                if name == before:
                    continue
                before = name
                messages += 1
                markets.add(row["market_id"] or row["market_slug"])
                at = int(row["timestamp"])
                late += at < last.get(row["asset_id"], 0)
                last[row["asset_id"]] = max(at, last.get(row["asset_id"], 0))
    return messages, late, len(markets), torn


def test_a_recorded_kalshi_stream(tmp_path):
    file = recorded("kalshi/recorded/ws_orderbook_stream.json")
    frames = [item["frame"] for item in json.loads(file.read_text())["frames"]]
    books = [frame for frame in frames if frame["type"].startswith("orderbook_")]
    data = tmp_path / "data"
    kept = ask(tmp_path, "replay", file, "--data-dir", data, "--json")
    again = [ask(tmp_path, "replay", file, "--json", seed_of_hashes=seed) for seed in SEEDS]
    again.append(ask(tmp_path, "replay", data, "--json"))
    assert {one["digest"] for one in again} == {kept["digest"]}
    assert (kept["frames"], kept["book_changes"]) == (len(frames), len(books))
    assert kept["markets"] == len({frame["msg"]["market_ticker"] for frame in books})
    seqs = [frame["seq"] for frame in frames if "seq" in frame]
    assert seqs == list(range(1, len(seqs) + 1))
    assert (kept["gaps_seen"], kept["malformed"], kept["duplicates"]) == (0, 0, 0)
