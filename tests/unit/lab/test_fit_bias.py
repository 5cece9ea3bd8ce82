"""The calibration fit: finds a bias that is there, and none that is not."""

import json
import random

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from dutchbook.cli import app
from dutchbook.domain.errors import ConfigError, UsageError
from dutchbook.domain.units import ONE, SECOND
from dutchbook.lab.bias_report import encode, report
from dutchbook.lab.fit_bias import cells_of, fit
from dutchbook.lab.out_of_sample import check
from dutchbook.lab.settled import NAMED, Settled, read_settled
from dutchbook.lab.shrink import UNSURE, beta_cdf, beta_quantile, correlation, counted
from dutchbook.runtime.calibration import sheet, table
from dutchbook.strategies.calibration import BANDS, HORIZONS, Cell, Table, band_of, decode
from recorded import recorded

MIDDLES = (0.03, 0.12, 0.3, 0.5, 0.7, 0.88, 0.97)


def settled(
    seed: int,
    bias: dict[int, float],
    categories: tuple[str, ...] = ("Weather", "Media", "Other"),
    series: int = 60,
    markets: int = 8,
) -> list[Settled]:
    """Series of markets, each with its trades, that win as often as price plus `bias` says.

    Trades of a market win or lose together; how many there are says nothing of how it ends.
    """
    chance = random.Random(seed)
    found = []
    for category in categories:
        for s in range(series):
            for band, px in enumerate(MIDDLES):
                trades, won = 0.0, 0.0
                for _ in range(markets):
                    n = chance.choice((1, 2, 5, 20))
                    trades += n
                    won += n * (chance.random() < px + bias.get(band, 0.0))
                name = f"{category}{s}"
                found.append(
                    Settled("taker", "yes", category, name, "", band, px, won / trades, trades)
                )
    return found


def test_a_bias_that_is_there_is_found_within_its_interval() -> None:
    """Favourites win 5 points more than they cost, longshots 4 less, the rest as they should."""
    truth = {1: -0.04, 5: 0.05}
    cells = cells_of(fit(settled(1, truth)))
    seen = [cell for cell in cells if cell.category]
    assert len(seen) == 3 * len(MIDDLES)
    missed = [
        cell
        for cell in seen
        if not cell.quantiles[0] <= truth.get(cell.band, 0.0) * ONE <= cell.quantiles[-1]
    ]
    assert len(missed) <= 2  # of 21 intervals of 95 %, one is missed on average
    for band, sign in ((1, -1), (5, 1)):
        for cell in (one for one in seen if one.band == band):
            assert sign * cell.mean > 20_000
            assert sign * cell.quantiles[0] > 0 < sign * cell.quantiles[-1]


def test_none_is_found_where_there_is_none() -> None:
    """Over twenty worlds without a bias, about one interval in twenty leaves out zero."""
    out = total = 0
    for seed in range(20):
        for cell in cells_of(fit(settled(100 + seed, {}, series=25))):
            total += bool(cell.category)
            out += bool(cell.category) and not cell.quantiles[0] <= 0 <= cell.quantiles[-1]
    assert total == 20 * 21
    assert out <= 0.08 * total


def test_markets_that_lose_pass_high_prices_quickly_and_that_is_no_bias() -> None:
    """Fair prices, but a market has more trades near 97 cents where it went on to win.

    A mean of markets' means would show favourites losing; trades show nothing.
    """
    chance = random.Random(7)
    found, of_markets = [], []
    for market in range(6_000):  # from 96 cents to 94, out of the band, or to 98, to stay
        stays = chance.random() < 0.5
        prices = [0.96] + [0.98] * 9 if stays else [0.96]
        won = float(chance.random() < (0.98 if stays else 0.94))
        px, n = sum(prices) / len(prices), len(prices)
        found.append(Settled("taker", "yes", "Other", f"m{market}", "", 6, px, won, n))
        of_markets.append(won - px)
    assert sum(of_markets) / len(of_markets) < -0.005
    cell = next(one for one in cells_of(fit(found)) if one.category == "Other")
    assert cell.quantiles[0] <= 0 <= cell.quantiles[-1]
    assert abs(cell.mean) < 5_000


def test_clusters_that_win_together_count_for_few() -> None:
    """One series with nearly all trades decides nothing by itself."""
    big = Settled("maker", "no", "World Events", "BIG", "", 2, 0.3, 0.9, 100_000)
    small = [
        Settled("maker", "no", "World Events", f"S{n}", "", 2, 0.3, float(n % 10 < 3), 40)
        for n in range(30)
    ]
    fitted = fit([big, *small])
    assert fitted.alike["cluster", "maker", "World Events"] > 0.5
    cell = next(c for c in cells_of(fitted) if c.category == "World Events")
    assert cell.trades == 101_200
    assert cell.clusters == 31
    assert cell.quantiles[0] < 0 < cell.quantiles[-1]


def test_a_correlation_in_clusters_is_measured() -> None:
    """Clusters drawn from Beta(3, 7) have the correlation 1 / (3 + 7 + 1)."""
    chance = np.random.default_rng(5)
    n = chance.integers(1, 200, 4_000).astype(float)
    rate = chance.beta(3, 7, len(n))
    won = chance.binomial(n.astype(int), rate) / n
    cell = np.zeros(len(n), np.int64)
    found = correlation(won - 0.3, np.full(len(n), 0.21), n, cell)
    assert found == pytest.approx(1 / 11, rel=0.1)
    assert correlation(won[:1] - 0.3, np.full(1, 0.21), n[:1], cell[:1]) is None
    assert counted(np.array([10.0, 10.0]), 1.0) == 2.0
    assert counted(np.array([10.0, 10.0]), 0.0) == 20.0


def test_time_to_the_close_counts_where_it_is_known() -> None:
    """A category whose prices are 12 points too high in the last hour only."""
    chance = random.Random(3)
    found = []
    for day in range(250):
        for horizon, off in (("under 1 h", -0.12), ("7 to 30 d", 0.0)):
            for _ in range(6):
                won = float(chance.random() < 0.5 + off)
                name = f"{horizon} {day}"
                found.append(Settled("quoted", "yes", "Crypto", name, horizon, 3, 0.5, won, 1))
    known = Table(cells_of(fit(found)))
    late = known.estimate("taker", "yes", "crypto", 500_000, 600 * SECOND)
    early = known.estimate("taker", "yes", "crypto", 500_000, 20 * 86_400 * SECOND)
    assert late is not None
    assert early is not None
    assert late.worth[0] < 380_000 < late.worth[-1]
    assert early.worth[0] < 500_000 < early.worth[-1]
    assert late.cell.horizon == "under 1 h"


def test_a_category_never_seen_is_believed_less_than_those_that_were() -> None:
    cells = cells_of(fit(settled(11, {3: 0.06})))
    wide = next(c for c in cells if c.band == 3 and not c.category)
    for seen in (c for c in cells if c.band == 3 and c.category):
        assert wide.quantiles[-1] - wide.quantiles[0] >= seen.quantiles[-1] - seen.quantiles[0]


def test_out_of_sample_the_table_wins_only_where_there_is_a_bias() -> None:
    biased = check(settled(21, {1: -0.06, 5: 0.06, 3: 0.08}))["taker"]["brier"]
    assert biased["better"] > 2 * biased["error"] > 0
    fair = check(settled(22, {}))["taker"]["brier"]
    assert abs(fair["better"]) < 3 * fair["error"] + 1e-4
    assert fair["price"] == pytest.approx(fair["table"], abs=1e-3)


@given(st.floats(0.5, 200), st.floats(0.5, 200), st.floats(0.01, 0.99))
def test_beta_quantiles_undo_the_distribution(a: float, b: float, level: float) -> None:
    one = np.array([a]), np.array([b])
    at = beta_quantile(np.array([level]), *one)
    assert beta_cdf(at, *one)[0] == pytest.approx(level, abs=1e-6)


def test_the_beta_distribution_agrees_with_known_values() -> None:
    """Uniform, a power, and the binomial sum that it equals for whole parameters."""
    x = np.array([0.2, 0.5, 0.9])
    assert beta_cdf(x, np.ones(3), np.ones(3)) == pytest.approx(x)
    assert beta_cdf(x, np.full(3, 4.0), np.ones(3)) == pytest.approx(x**4)
    binomial = sum(
        np.array([1, 10, 45, 120, 210, 252, 210, 120, 45, 10, 1])[k] * x**k * (1 - x) ** (10 - k)
        for k in range(4, 11)
    )
    assert beta_cdf(x, np.full(3, 4.0), np.full(3, 7.0)) == pytest.approx(binomial)


@given(
    st.sampled_from(["maker", "taker", "quoted"]),
    st.sampled_from(["yes", "no"]),
    st.sampled_from(["", "Crypto", "Weather", "Mentions", "Politics"]),
    st.integers(1, ONE - 1),
    st.one_of(st.none(), st.integers(0, 10**17)),
)
def test_an_estimate_lies_in_the_dollar_and_in_order(role, outcome, category, px, left) -> None:  # type: ignore[no-untyped-def]
    found = table().estimate(role, outcome, category, px, left)
    assert found is not None
    assert 0 <= found.win <= ONE
    assert list(found.worth) == sorted(found.worth)
    assert abs(found.win - px) <= abs(found.cell.mean)
    assert found.cell.band == band_of(px)
    assert 0 <= found.confidence(px) <= ONE
    assert found.confidence(found.worth[0]) <= found.confidence(max(0, found.worth[0] - 1))


def test_makers_and_takers_are_read_apart() -> None:
    """In the recorded trades those who rested on NO gained what those who bought YES lost."""
    known = table()
    maker = known.estimate("maker", "no", "Mentions", 500_000)
    taker = known.estimate("taker", "no", "Mentions", 500_000)
    assert maker is not None
    assert taker is not None
    assert (maker.cell.role, taker.cell.role) == ("maker", "taker")
    assert maker.win > taker.win


def test_confidence_is_read_from_below() -> None:
    cell = Cell(
        "taker", "yes", "", 3, "", 500_000, 0,
        (-60_000, -40_000, -20_000, 0, 20_000, 40_000, 60_000), 1, 1, 1,
    )  # fmt: skip
    one = Table((cell,)).estimate("taker", "yes", "x", 500_000)
    assert one is not None
    assert [one.confidence(px) for px in (439_999, 440_000, 470_000, 500_000, 560_000)] == [
        975_000, 900_000, 750_000, 250_000, 0
    ]  # fmt: skip
    assert one.edge(470_000) == 30_000


@pytest.mark.parametrize("raw", [b"", b"{}", b'{"schema":1}', b"[1]"])
def test_what_is_no_table_is_refused(raw: bytes) -> None:
    with pytest.raises(ConfigError, match="calibration table"):
        decode(raw)


def test_the_table_that_ships_says_what_it_rests_on() -> None:
    shipped = sheet()
    assert len(encode(shipped)) < 100_000
    assert all(len(one.sha256) == 64 and one.observations for one in shipped.sources)
    assert {cell.role for cell in shipped.cells} == {"maker", "taker", "quoted"}
    assert shipped.check["taker.brier.table"] < shipped.check["taker.brier.price"]
    assert len(NAMED) == len(BANDS) + 1
    assert [below for _, below in HORIZONS] == sorted(below for _, below in HORIZONS)


def test_fitting_again_gives_the_table_that_ships() -> None:
    path = recorded("bias/bands/05-phase3-prefix-agg.parquet")
    pytest.importorskip("pyarrow")
    again, sources = read_settled(path.parents[2])
    assert tuple(sources) == sheet().sources
    made = cells_of(fit(again))
    for mine, shipped in zip(made, sheet().cells, strict=True):
        a, b = msgspec.structs.asdict(mine), msgspec.structs.asdict(shipped)
        for name in ("px", "mean", "weight", "quantiles"):  # other machines sum in other orders
            assert a.pop(name) == pytest.approx(b.pop(name), abs=3, rel=1e-6)
        assert a == b


def test_the_command_reports_in_json(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """On a folder with only the recorded games: a small table, written and readable."""
    games = recorded("kalshi/recorded/markets_settled.json")
    folder = tmp_path / "kalshi" / "recorded"
    folder.mkdir(parents=True)
    (folder / games.name).write_bytes(games.read_bytes())
    out = tmp_path / "table.json"
    done = CliRunner().invoke(
        app, ["lab", "fit-bias", "--data", str(tmp_path), "--out", str(out), "--json"]
    )
    document = json.loads(done.stdout.splitlines()[-1])
    assert document["observations"] == 84
    assert set(document["check"]) == {"folds", "all", "quoted", "reliability"}
    assert [json.loads(msgspec.json.encode(cell)) for cell in decode(out.read_bytes()).cells] == [
        {name: value for name, value in cell.items() if name != "interval_95"}
        for cell in document["cells"]
    ]
    assert document["alike"]["category"] >= UNSURE


def test_without_data_it_says_so(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UsageError, match="no settled markets"):
        report(tmp_path, None)
    with pytest.raises(UsageError, match="no recorded data"):
        report(None, None)
