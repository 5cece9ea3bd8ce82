"""Statistics against naive twins, closed cases, and scipy where it is installed."""

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dutchbook.report import stats

FLOATS = st.floats(-1e3, 1e3, allow_nan=False).map(lambda x: round(x, 6))
SERIES = st.lists(FLOATS, min_size=2, max_size=40)
FEW = settings(max_examples=60)


@FEW
@given(SERIES)
def test_sharpe_is_mean_over_deviation_and_knows_no_scale(xs):
    middle = sum(xs) / len(xs)
    spread = math.sqrt(sum((x - middle) ** 2 for x in xs) / (len(xs) - 1))
    found = stats.sharpe(xs)
    if spread < 1e-6:
        return
    assert found == pytest.approx(middle / spread, rel=1e-6, abs=1e-9)
    assert stats.sharpe([3 * x for x in xs]) == pytest.approx(found, rel=1e-9, abs=1e-12)
    assert stats.sharpe([-x for x in xs]) == pytest.approx(-found, rel=1e-9, abs=1e-12)


def test_without_spread_there_is_no_sharpe():
    assert stats.sharpe([]) is None and stats.sharpe([0.1]) is None
    assert stats.sharpe([0.1] * 9) is None


@FEW
@given(st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=25))
def test_drawdown_is_the_deepest_of_all_pairs(values):
    naive = max((a - b for a, b in itertools.combinations(values, 2)), default=0)
    depth, top, low, _ = stats.drawdown(values)
    assert depth == max(0, naive)
    assert top <= low and (not depth or values[top] - values[low] == depth)


@FEW
@given(SERIES, st.floats(0, 1))
def test_quantiles_are_those_of_numpy(xs, share):
    numpy = pytest.importorskip("numpy")
    assert stats.quantile(xs, share) == pytest.approx(float(numpy.quantile(xs, share)), abs=1e-9)


@FEW
@given(SERIES)
def test_moments_are_those_of_scipy(xs):
    scipy = pytest.importorskip("scipy.stats")
    if stats.deviation(xs) < 1e-3:
        return
    skew, kurtosis = stats.moments(xs)
    assert skew == pytest.approx(float(scipy.skew(xs)), rel=1e-6, abs=1e-6)
    assert kurtosis == pytest.approx(float(scipy.kurtosis(xs, fisher=False)), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(("won", "n"), [(0, 5), (5, 5), (3, 10), (500, 1_000)])
def test_wilson_is_that_of_scipy(won, n):
    scipy = pytest.importorskip("scipy.stats")
    theirs = scipy.binomtest(won, n).proportion_ci(method="wilson")
    assert stats.wilson(won, n) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


@FEW
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1)), min_size=1, max_size=30))
def test_scores_of_forecasts_are_those_of_sklearn(pairs):
    sklearn = pytest.importorskip("sklearn.metrics")
    claims, outcomes = [c for c, _ in pairs], [o for _, o in pairs]
    assert stats.brier(claims, outcomes) == pytest.approx(
        float(sklearn.mean_squared_error(outcomes, claims)), abs=1e-12
    )
    clipped = [min(max(c, stats.CLIP), 1 - stats.CLIP) for c in claims]
    theirs = float(sklearn.log_loss(outcomes, clipped, labels=[0, 1]))
    assert stats.log_loss(claims, outcomes) == pytest.approx(theirs, rel=1e-9, abs=1e-9)


def test_honest_claims_score_best():
    """Among constant claims, the share that really happened has the least Brier and log loss."""
    outcomes = [1, 0, 0, 1, 0]
    for score in (stats.brier, stats.log_loss):
        by = {k / 10: score([k / 10] * 5, outcomes) for k in range(1, 10)}
        assert min(by, key=by.get) == 0.4


def test_the_bootstrap_is_owned_by_its_seed_and_holds_the_figure():
    xs = [0.01 * ((k * 37) % 11 - 4) for k in range(60)]
    one = stats.bootstrap(xs, stats.mean, 1, 400)
    assert one == stats.bootstrap(xs, stats.mean, 1, 400)
    assert one != stats.bootstrap(xs, stats.mean, 2, 400)
    low, high = one
    assert low < stats.mean(xs) < high and stats.bootstrap(xs[:4], stats.mean, 1) is None


def test_bootstrap_covers_the_truth_about_as_often_as_it_says():
    """Of 60 samples of noise, the 95 % intervals hold the true mean in at least 50."""
    import random

    chance, hits = random.Random(5), 0
    for n in range(60):
        low, high = stats.bootstrap([chance.gauss(1, 2) for _ in range(40)], stats.mean, n, 200)
        hits += low <= 1 <= high
    assert 50 <= hits <= 60


def test_the_best_of_many_trials_is_what_chance_shows():
    """The formula of the expected maximum against the mean maximum of drawn normals."""
    numpy = pytest.importorskip("numpy")
    drawn = numpy.random.Generator(numpy.random.PCG64(3)).normal(0, 0.5, (20_000, 12))
    assert stats.expected_best(0.25, 12) == pytest.approx(drawn.max(axis=1).mean(), rel=0.03)
    assert stats.expected_best(0.25, 1) == 0.0


def test_deflation_takes_away_what_trying_brought():
    """The example of the paper: 100 trials over 5 years of days turn a Sharpe of 2.5 into 0.90."""
    returns = [0.0131 + (0.0825 if k % 2 else -0.0825) for k in range(1_250)]
    one = stats.deflated_sharpe(returns, 1)
    many = stats.deflated_sharpe(returns, 100, [0.05 * k for k in range(-3, 4)])
    assert one["hurdle"] == 0.0 and one["value"] > 0.999
    assert many["hurdle"] > 0.2 and many["value"] < 0.9 and many["variance_from"] == "trials"
    assert stats.deflated_sharpe([0.1] * 40, 2) is None
    # Bailey and Lopez de Prado (2014), section 5: SR 2.5 a year, skew -3, kurtosis 10, T 1250,
    # N 100, V 1/2 a year: the daily hurdle is 0.1132 and the deflated ratio 0.9004.
    hurdle = stats.expected_best(0.5 / 250, 100)
    assert hurdle == pytest.approx(0.1132, abs=5e-5)
    daily = 2.5 / math.sqrt(250)
    spread = math.sqrt(1 + 3 * daily + (10 - 1) / 4 * daily**2)
    deflated = stats._NORMAL.cdf((daily - hurdle) * math.sqrt(1_249) / spread)
    assert deflated == pytest.approx(0.9004, abs=5e-5)


@FEW
@given(st.lists(st.integers(-100, 100), min_size=2, max_size=6))
def test_shuffled_drawdowns_lie_among_those_of_all_orders(nets):
    def fall(order):
        path = list(itertools.accumulate(order, initial=0))
        return stats.drawdown(path)[0]

    every = {fall(order) for order in itertools.permutations(nets)}
    found = stats.shuffled_drawdowns([float(n) for n in nets], 1, 30)
    assert {round(x) for x in found.tolist()} <= every


def test_ruin_is_certain_or_impossible_at_the_ends():
    assert stats.ruin([-10.0] * 10, 100, 50, 1, 50) == 1.0
    assert stats.ruin([1.0] * 10, 100, 50, 1, 50) == 0.0
    assert 0 < stats.ruin([-30.0, 31.0] * 5, 100, 50, 1, 400) < 1
