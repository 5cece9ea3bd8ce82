"""The document of a record: sums that must hold, small cases by hand, records that can't be."""

import itertools

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dutchbook.domain.units import DAY, ONE, SECOND
from dutchbook.report import daily, foresight, metrics, recordfile, significance
from dutchbook.report.record import VERSION, Honesty, Leg, Meta, Path, Point, Record, Trade
from dutchbook.report.recordfile import RecordError
from report_story import BEGAN, HOUR, Story

replace = msgspec.structs.replace


@pytest.fixture(scope="module")
def story():
    return Story(120, 30, seed=4).record()


@pytest.fixture(scope="module")
def doc(story):
    return metrics.document(story)


def test_the_waterfall_ends_where_the_trades_do(story, doc):
    steps = {row["name"]: row["usd"] for row in doc["waterfall"]}
    net = sum(trade.net for trade in story.trades)
    assert steps["net"] == net == doc["summary"]["net"]
    assert sum(usd for name, usd in steps.items() if name != "net") == net
    assert doc["split"]["settlement"] + doc["split"]["trading"] == net


def test_every_grouping_sums_to_the_whole(story, doc):
    whole = doc["summary"]
    for rows in [*doc["tables"].values(), doc["cells"]]:
        for name in ("trades", "closed", "won", "net", "fees", "slippage", "gross", "capital"):
            assert sum(row[name] for row in rows) == whole[name], name
    assert sum(row["n"] for row in doc["exits"]) == len(story.trades)
    assert len(doc["open"]) == whole["open"]


def test_days_and_months_sum_to_the_change_of_equity(story, doc):
    assert len(doc["days"]["at"]) == 30
    assert sum(doc["days"]["net"]) == doc["summary"]["equity_change"]
    assert sum(row["net"] for row in doc["months"]) == doc["summary"]["equity_change"]
    last = story.equity[-1]
    assert doc["summary"]["equity_change"] <= daily.equity(last) + 10**12


def test_the_document_is_json_and_the_same_again(story, doc, tmp_path):
    metrics.write(doc, tmp_path / "report.json")
    assert msgspec.json.decode((tmp_path / "report.json").read_bytes()) == doc
    assert metrics.document(story) == doc
    other = metrics.document(replace(story, meta=replace(story.meta, seed=8)))
    assert (doc["seed"], other["seed"]) == (7, 8)
    assert other["summary"]["net"] == doc["summary"]["net"]
    assert other["summary"]["sharpe_interval"] != doc["summary"]["sharpe_interval"]


def test_a_record_survives_its_file(story, tmp_path):
    recordfile.write(story, tmp_path / "run")
    assert recordfile.read(tmp_path / "run") == story


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda r: replace(r, version=99), "version 99"),
        (lambda r: replace(r, trades=(replace(r.trades[0], net=r.trades[0].net + 1),)), "net is"),
        (lambda r: replace(r, trades=(r.trades[0], r.trades[0])), "twice"),
        (lambda r: replace(r, trades=(replace(r.trades[0], ending="open"),)), "open trades"),
        (lambda r: replace(r, equity=r.equity[::-1]), "back in time"),
        (lambda r: replace(r, meta=replace(r.meta, capital=0)), "capital"),
        (lambda r: replace(r, fills=(replace(r.fills[0], px=ONE + 1),)), "out of range"),
    ],
)
def test_a_record_that_contradicts_itself_is_refused(story, change, words, tmp_path):
    with pytest.raises(RecordError, match=words):
        recordfile.write(change(story), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_record_is_named(tmp_path):
    (tmp_path / "record.json").write_text('{"version": 1, "surprise": true}')
    with pytest.raises(RecordError, match="is no record"):
        recordfile.read(tmp_path)


def test_an_empty_run_has_a_report_that_claims_nothing():
    empty = metrics.document(Story(0, 3).record(0))
    assert empty["verdict"] == "no trade was made: nothing can be said"
    key = empty["summary"]
    assert (key["net"], key["hit"], key["sharpe"], key["apr"]) == (0, None, None, None)


def trade(n, net, at, span=DAY, legs=(), **more):
    return Trade(
        f"t{n}", "s", "k", "c", ("kalshi",), f"e{n}", at, at, at + span, "settled", legs, ONE,
        10 * ONE, gross=net, net=net, **more,
    )  # fmt: skip


def run(*trades, **more):
    return Record(
        VERSION, Meta("r", "backtest", BEGAN, BEGAN + 10 * DAY, 100 * ONE), Honesty("none"),
        trades, **more,
    )  # fmt: skip


def test_figures_of_three_trades_by_hand():
    """+$2, -$1, +$1 on $10 each for a day, $100 of capital."""
    days = [BEGAN + n * 2 * DAY for n in range(3)]
    nets = (2 * ONE, -ONE, ONE)
    doc = metrics.document(run(*(trade(n, nets[n], days[n]) for n in range(3))))
    key = doc["summary"]
    assert (key["net"], key["hit"], key["dollar_days"]) == (2 * ONE, pytest.approx(2 / 3), 30 * ONE)
    assert key["per_dollar_day"] == pytest.approx(2 / 30)
    assert key["apr"] == pytest.approx(2 / 30 * 365)
    assert key["drawdown"]["usd"] == ONE
    assert key["drawdown"]["share"] == pytest.approx(1 / 102)
    assert doc["concentration"]["top1"] == pytest.approx(2 / 3)
    assert doc["days"]["net"] == [0, 2 * ONE, 0, -ONE, 0, ONE, 0, 0, 0, 0]
    assert doc["in_use"]["most"] == 10 * ONE and doc["in_use"]["mean"] == 3 * ONE


def test_days_under_a_peak_are_counted_only_while_below_it():
    points = [Point(BEGAN + n * DAY, usd * ONE, 0, 0, 0) for n, usd in enumerate([0, 5, 3, 4, 6])]
    fall = daily.drawdown(points, 100 * ONE)
    assert (fall["usd"], fall["days"]) == (2 * ONE, 3.0)
    rising = [Point(BEGAN + n * DAY, n * ONE, 0, 0, 0) for n in range(5)]
    assert daily.drawdown(rising, 100 * ONE)["days"] == 0


@settings(max_examples=60)
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1)), min_size=1, max_size=80))
def test_calibration_counts_everybody_once_and_its_parts_sum(pairs):
    rows = foresight.calibration(pairs)
    assert sum(row["n"] for row in rows) == len(pairs)
    for row in rows:
        inside = [o for c, o in pairs if row["from"] <= c < row["to"] or (c == row["to"] == 1)]
        if row["n"] and row["n"] == len(inside):
            assert row["happened"] == pytest.approx(sum(inside) / len(inside))
            assert row["low"] - 1e-9 <= row["happened"] <= row["high"] + 1e-9
    parts = foresight.decomposition(pairs)
    binned = [
        (row["claimed"], o)
        for c, o in pairs
        for row in [rows[min(foresight.BINS - 1, int(c * foresight.BINS))]]
    ]
    brier = sum((c - o) ** 2 for c, o in binned) / len(binned)
    assert parts["reliability"] - parts["resolution"] + parts["uncertainty"] == pytest.approx(brier)


def test_a_good_entry_is_told_from_a_random_one():
    """Bought at the bottom of each market, sold at its end: no random entry does as well."""
    ats = tuple(BEGAN + n * HOUR for n in range(40))
    mids = tuple(500_000 + (-200_000 if n == 20 else 1_000 * (n % 7)) for n in range(40))
    trades, paths = [], []
    for n in range(12):
        key = f"kalshi:M{n}"
        paths.append(Path(key, ats, mids))
        leg = (Leg(key, "yes", ONE, 300_000, 500_000),)
        trades.append(trade(n, 200_000, ats[20], 19 * HOUR, leg))
    good = significance.permutation(run(*trades, paths=tuple(paths)), 1)
    assert good["p_value"] < 0.01 and good["observed"] == 12 * 200_000
    late = [replace(one, decided_at=ats[3], opened_at=ats[3]) for one in trades]
    plain = significance.permutation(run(*late, paths=tuple(paths)), 1)
    assert plain["p_value"] > 0.3
    assert significance.permutation(run(*trades), 1)["p_value"] is None


def test_gains_of_many_moments_are_those_of_each(story):
    """Arrays against the plain function, for every trade of a run."""
    import numpy as np

    paths = {path.key: path for path in story.paths}
    arrays = {
        key: (np.asarray(path.ats), np.asarray(path.mids, dtype=float))
        for key, path in paths.items()
    }
    tried = 0
    for one in story.trades:
        found = significance.options(one, arrays)
        if found is None:
            continue
        known = [paths[leg.key] for leg in one.legs]
        first = max(path.ats[0] for path in known)
        ats = sorted({at for path in known for at in path.ats if first <= at < one.closed_at})
        ats = ats[:: -(-len(ats) // significance.SAMPLES_MAX)]
        wanted = [significance.gain(one, paths, at) for at in ats]
        assert found.tolist() == pytest.approx(wanted, abs=len(known))
        tried += 1
    assert tried > 80


def test_mids_are_the_last_known_ones():
    path = Path("k", (10, 20), (300_000, 400_000))
    found = [significance.mid_at(path, at, "yes") for at in (9, 10, 19, 20, 99)]
    assert found == [None, 300_000, 300_000, 400_000, 400_000]
    assert significance.mid_at(path, 15, "no") == 700_000


def test_the_verdict_says_what_is_wrong(story):
    good = metrics.document(story)["verdict"]
    assert good.startswith("edge survives 2× fees and 1 s latency")
    bad = replace(story, honesty=replace(story.honesty, look_ahead="fail"))
    assert metrics.document(bad)["verdict"].startswith("look-ahead FAILED")
    hard = [replace(v, net=-5) if v.kind == "latency" else v for v in story.variants]
    weak = metrics.document(replace(story, variants=tuple(hard)))["verdict"]
    assert "edge survives 2× fees, edge does not survive 1 s latency" in weak
    bare = metrics.document(replace(story, variants=()))["verdict"]
    assert "2× fees (same fills)" in bare and "1 s latency not tested" in bare


def test_adverse_moves_are_signed_by_side(story):
    fill = replace(story.fills[0], mid=500_000, mids_after=((60 * SECOND, 480_000),))
    from dutchbook.report.fillquality import adverse

    assert adverse([fill])[0]["move"] == 20_000
    assert adverse([replace(fill, action="sell")])[0]["move"] == -20_000
    assert [row["n"] for row in adverse([fill])] == [1, 0, 0]


def test_curves_are_thinned_but_keep_their_ends():
    points = [Point(BEGAN + n, (n * 7919) % 1_000, 0, 0, 0) for n in range(5_000)]
    thin = daily.series(points, 10**6)
    assert len(thin["at"]) <= daily.POINTS_MAX + 2
    assert (thin["at"][0], thin["at"][-1]) == (BEGAN, BEGAN + 4_999)
    assert max(thin["realised"]) == 999 and min(thin["realised"]) == 0
    assert all(a < b for a, b in itertools.pairwise(thin["at"]))
