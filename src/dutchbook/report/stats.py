"""Statistics of series: plain functions over lists of floats, chance by a seed that is given.

Sharpe ratios are per period unless said otherwise. `None` means that the figure is not defined
for these data (too few, no spread), never zero.
"""

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Floats = Sequence[float]
Array = npt.NDArray[np.float64]
YEAR_DAYS: Final = 365
"""Prediction markets trade every day of the year."""
EULER: Final = 0.5772156649015329
_NORMAL: Final = NormalDist()


def mean(xs: Floats) -> float:
    """Arithmetic mean; 0 of nothing."""
    return math.fsum(xs) / len(xs) if len(xs) else 0.0


def deviation(xs: Floats) -> float:
    """Sample standard deviation (n - 1); 0 below two values."""
    if len(xs) < 2:
        return 0.0
    middle = mean(xs)
    return math.sqrt(math.fsum((x - middle) ** 2 for x in xs) / (len(xs) - 1))


def sharpe(returns: Floats) -> float | None:
    """Mean over standard deviation, per period; None without spread."""
    spread = deviation(returns)
    if spread <= 1e-15 * max(1.0, abs(mean(returns))):
        return None
    return mean(returns) / spread


def moments(xs: Floats) -> tuple[float, float]:
    """Skewness and kurtosis (normal: 0 and 3), biased as in the deflated Sharpe paper."""
    middle = mean(xs)
    second = mean([(x - middle) ** 2 for x in xs])
    if second <= 0:
        return 0.0, 3.0
    third = mean([(x - middle) ** 3 for x in xs])
    fourth = mean([(x - middle) ** 4 for x in xs])
    return third / second**1.5, fourth / second**2


def quantile(xs: Floats, share: float) -> float:
    """Linear between order statistics (Hyndman and Fan's type 7)."""
    ordered = sorted(xs)
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def bootstrap(
    xs: Floats, figure: Callable[[Floats], float | None], seed: int, rounds: int = 1_000
) -> tuple[float, float] | None:
    """95 % interval of a figure by the stationary bootstrap (Politis and Romano 1994).

    Blocks have a mean length of n^(1/3), so that what hangs together in time stays together.
    None below five values, or if the figure is not defined for half of the draws.
    """
    n = len(xs)
    if n < 5:
        return None
    chance = np.random.Generator(np.random.PCG64(seed))
    data = np.asarray(xs, dtype=np.float64)
    length = max(1.0, n ** (1 / 3))
    found: list[float] = []
    for _ in range(rounds):
        value = figure(data[_blocks(n, length, chance)].tolist())
        if value is not None:
            found.append(value)
    if len(found) * 2 < rounds:
        return None
    return quantile(found, 0.025), quantile(found, 0.975)


def _blocks(n: int, length: float, chance: np.random.Generator) -> npt.NDArray[np.int64]:
    """Indices of one draw: at each place a new block begins with chance 1 / length."""
    fresh = chance.random(n) < 1 / length
    fresh[0] = True
    starts = chance.integers(0, n, n)
    begin = np.maximum.accumulate(np.where(fresh, np.arange(n), 0))
    picked: npt.NDArray[np.int64] = (starts[begin] + np.arange(n) - begin) % n
    return picked


def drawdown(values: Sequence[int]) -> tuple[int, int, int, int]:
    """(depth, index of its peak, of its trough, longest stretch below a peak in steps)."""
    peak, at = (values[0], 0) if values else (0, 0)
    depth, top, low, longest = 0, 0, 0, 0
    for n, value in enumerate(values):
        if value >= peak:
            peak, at = value, n
        elif peak - value > depth:
            depth, top, low = peak - value, at, n
        longest = max(longest, n - at)
    return depth, top, low, longest


def wilson(won: int, n: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927)."""
    if n == 0:
        return 0.0, 1.0
    z = 1.959963984540054
    share = won / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


# -- forecasts -----------------------------------------------------------------------------------

CLIP: Final = 1e-6
"""Claims of 0 and 1 count as this far from them in the log loss: one price step of a venue."""


def brier(claims: Floats, outcomes: Sequence[int]) -> float:
    """Mean squared error of probabilities (Brier 1950)."""
    return mean([(claim - outcome) ** 2 for claim, outcome in zip(claims, outcomes, strict=True)])


def log_loss(claims: Floats, outcomes: Sequence[int]) -> float:
    """Mean negative log likelihood, in nats, claims clipped by CLIP."""
    losses = []
    for claim, outcome in zip(claims, outcomes, strict=True):
        sure = min(max(claim, CLIP), 1 - CLIP)
        losses.append(-math.log(sure if outcome else 1 - sure))
    return mean(losses)


def skill(ours: float, theirs: float) -> float | None:
    """1 - ours / theirs: above 0 is better than the reference."""
    return None if theirs <= 0 else 1 - ours / theirs


# -- Bailey and Lopez de Prado ---------------------------------------------------------------------


def sharpe_variance(returns: Floats) -> float:
    """Variance of a Sharpe ratio's estimate under returns that are not normal (Mertens 2002)."""
    ratio = sharpe(returns) or 0.0
    skew, kurtosis = moments(returns)
    spread = 1 - skew * ratio + (kurtosis - 1) / 4 * ratio * ratio
    return max(spread, 1e-12) / max(1, len(returns) - 1)


def expected_best(variance: float, trials: int) -> float:
    """The best Sharpe ratio that chance alone shows among so many trials of no skill.

    sqrt(V) ((1 - g) Z(1 - 1/N) + g Z(1 - 1/(N e))), g Euler's constant, Z the normal quantile.
    """
    if trials < 2:
        return 0.0
    first = _NORMAL.inv_cdf(1 - 1 / trials)
    second = _NORMAL.inv_cdf(1 - 1 / (trials * math.e))
    return math.sqrt(variance) * ((1 - EULER) * first + EULER * second)


def deflated_sharpe(returns: Floats, trials: int, sharpes: Floats = ()) -> dict[str, Any] | None:
    """The chance that the true Sharpe ratio is above what N trials of no skill would show.

    Bailey and Lopez de Prado, "The Deflated Sharpe Ratio", Journal of Portfolio Management 40
    (2014): Phi((SR - SR0) sqrt(T - 1) / sqrt(1 - s SR + (k - 1) / 4 SR^2)), SR0 `expected_best`.
    The variance among trials is that of `sharpes`; where fewer than two are known, that of the
    estimate itself. None below ten returns or without spread.
    """
    ratio = sharpe(returns)
    if ratio is None or len(returns) < 10:
        return None
    own = sharpe_variance(returns)
    known = len(sharpes) >= 2
    hurdle = expected_best(deviation(sharpes) ** 2 if known else own, trials)
    return {
        "value": _NORMAL.cdf((ratio - hurdle) / math.sqrt(own)),
        "hurdle": hurdle,
        "sharpe": ratio,
        "trials": trials,
        "variance_from": "trials" if known else "estimate",
    }


# -- order of trades -------------------------------------------------------------------------------


def shuffled_drawdowns(nets: Floats, seed: int, rounds: int = 1_000) -> Array:
    """Maximum drawdown of the summed nets for each of so many random orders."""
    chance = np.random.Generator(np.random.PCG64(seed))
    data = np.asarray(nets, dtype=np.float64)
    found = np.empty(rounds)
    for n in range(rounds):
        path = np.concatenate(([0.0], np.cumsum(chance.permutation(data))))
        found[n] = np.max(np.maximum.accumulate(path) - path)
    return found


def ruin(nets: Floats, capital: float, floor: float, seed: int, rounds: int = 1_000) -> float:
    """Share of draws (as many trades, with replacement) whose equity falls to `floor` or below."""
    if not len(nets):
        return 0.0
    chance = np.random.Generator(np.random.PCG64(seed))
    data = np.asarray(nets, dtype=np.float64)
    lost = 0
    for _ in range(rounds):
        picked = data[chance.integers(0, len(data), len(data))]
        lost += bool(capital + np.min(np.cumsum(picked)) <= floor)
    return lost / rounds
