"""The census counts stretches in which a basket pays, and what its best moments would bring."""

import gzip
import json

import pytest
from typer.testing import CliRunner

from dutchbook.cli import app
from dutchbook.domain.errors import UsageError
from dutchbook.domain.events import ASK, BID, BookLevels, FeedUp, InstrumentListed
from dutchbook.domain.instrument import CENT, FeeSchedule, Instrument
from dutchbook.domain.units import ONE, SECOND, Ns, Qty
from dutchbook.engine.view import WorldView
from dutchbook.lab.census import Tally
from dutchbook.lab.census_report import report
from dutchbook.state.fresh import FreshLimits
from dutchbook.state.graph import Graph
from dutchbook.state.world import World
from dutchbook.strategies.complement import Complement
from recorded import recorded

KEY = "polymarket:0xa"


def test_a_stretch_is_counted_once_with_its_best_moment() -> None:
    """YES and NO for 95 cents, then 92, then 101: one stretch of two seconds; then one of 0.1 s."""
    market = Instrument(
        KEY, "polymarket", "0xa", "e", "t", "Yes", CENT, FeeSchedule("polymarket"),
        size_min=Qty(5 * ONE), tokens=("1", "2"),
    )  # fmt: skip
    world = World(FreshLimits())
    world.apply(InstrumentListed(market), 1, Ns(1))
    world.apply(FeedUp("s"), 2, Ns(1))
    view = WorldView(world, Graph())
    tally = Tally(view)
    [candidate] = Complement().candidates(view)
    seconds = 0
    for at, ask in ((0.0, 55), (1.0, 52), (2.0, 61), (3.0, 55), (3.1, 61)):
        seconds = Ns(int(at * SECOND))
        for token, levels in (
            (0, [(BID, 300_000, 100 * ONE), (ASK, ask * 10_000, 100 * ONE)]),
            (1, [(BID, 600_000, 50 * ONE), (ASK, 650_000, 50 * ONE)]),
        ):
            world.apply(BookLevels(KEY, token, "s", True, False, levels), 3, seconds)
        tally.look(candidate, seconds)
    tally.end(seconds)
    found = tally.report()["complement"]
    assert found["looked"] == 5
    assert found["before_fees"] == {
        "count": 2, "lasting": 1, "best_edge": 80_000,
        "profit": 50 * 80_000 + 50 * 50_000, "profit_lasting": 50 * 80_000,
    }  # fmt: skip
    fee = 374_400 + 360_000  # 3 % of p(1-p) on 50 contracts at 52 and at 40 cents
    after = found["after_fees"]
    assert (after["count"], after["lasting"]) == (2, 1)
    assert after["profit_lasting"] == pytest.approx(50 * 80_000 - fee, abs=20)
    assert after["best_edge"] == pytest.approx((50 * 80_000 - fee) // 50, abs=2)


def test_rows_that_do_not_cover_each_other_are_left_out(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """The later start lies higher: it being up implies the earlier one up, and not otherwise."""
    folder = tmp_path / "crossvenue" / "ladder_scans"
    folder.mkdir(parents=True)
    head = "combo,o_inner,o_outer,ask_leg1,ask_leg2,depth_usd"
    rows = ["YESout+NOin,101,100,0.40,0.50,9.0", "NOout+YESin,101,100,0.40,0.50,9.0",
            "NOout+YESin,100,101,0.60,0.50,9.0"]  # fmt: skip
    with gzip.open(folder / "nested_arb_x.csv.gz", "wt") as file:
        file.write("\n".join([head, *rows]) + "\n")
    nested = report(tmp_path, 0, lambda text: None)["nested"]
    assert (nested["rows"], nested["covered"]) == (3, 2)
    before = nested["kinds"]["implication"]["before_fees"]
    assert before == {"count": 1, "best_edge": 100_000, "profit": ONE}
    assert 0 < nested["kinds"]["implication"]["after_fees"]["profit"] < ONE


def test_on_a_small_recording_in_json(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """One game's books, one snapshot of events: counts add up, and nothing there is certified."""
    game = recorded("polymarket/mlb_books/20250624_mlb-chc-stl-2025-06-24.csv.gz")
    events = recorded("kalshi/recorded/events_nfl_preseason.json")
    for one, where in ((game, "polymarket/mlb_books"), (events, "kalshi/recorded")):
        (tmp_path / where).mkdir(parents=True)
        (tmp_path / where / one.name).write_bytes(one.read_bytes())
    done = CliRunner().invoke(app, ["lab", "census", "--data", str(tmp_path), "--json"])
    document = json.loads(done.stdout.splitlines()[-1])
    [stream] = document["streams"]
    assert stream["frames"] > 100
    assert stream["certified"] == {}
    assert document["streams_total"] == {
        kind: {name: one[name] for name in ("looked", "before_fees", "after_fees")}
        for kind, one in stream["kinds"].items()
    }
    shots = document["snapshots"]
    assert (shots["markets"], shots["events"], shots["unreadable"]) == (64, 32, 0)
    assert shots["kinds"]["complement"]["looked"] == 64
    assert shots["kinds"]["bundle_no"]["looked"] == 32
    for part in (shots["kinds"], stream["kinds"]):
        for one in part.values():
            assert one["after_fees"]["profit"] <= one["before_fees"]["profit"]


def test_a_folder_without_books_is_named(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UsageError, match="no recorded books under"):
        report(tmp_path, 0, lambda text: None)
