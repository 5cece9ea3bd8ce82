"""Partial pooling of win rates on a tree, with beta posteriors; numpy only.

Unit of information: one independent trade. An excess (share won less price) known to N of them has
the variance v/N with v = p(1-p).

- A cell's excess is that of its trades, each counting once. A mean of clusters' means would be no
  fair game even where every price is right: how many trades a price sees depends on what follows.
- Trades of one cluster win and lose together. With intraclass correlation r of a beta-binomial, a
  cell of clusters of n has the variance v sum(n(1+r(n-1)))/(sum n)^2, so it counts for
  (sum n)^2/sum(n(1+r(n-1))) trades (Kish's design effect; Rao and Scott, Biometrics 48:577, 1992).
  r is found by moments from the clusters' excesses about their cells'.
- How far spans part from their category, categories from their band, bands from the market price,
  is an r of the same kind: the one at which the generalised Q statistic is its expectation (Paule
  and Mandel, 1982; DerSimonian and Kacker, 2007). No sign is assumed anywhere.
- A belief that passes from a parent to a child loses what children differ by: 1/N' = r + 1/N. A
  child's prior leaves out its own data and all clusters in them, so nothing counts twice. Prior
  and data meet as Beta(N'q, N'(1-q)) and binomial (empirical Bayes; Morris, JASA 78:47, 1983).
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
CLOSEST: Final = 4e-4
"""No two cells are taken for more alike than one point of a dollar at 50 cents: (0.01/0.5)^2."""
UNSURE: Final = 0.01
"""What cells are taken to part by where fewer than FEW tell: five points at 50 cents."""
FEW: Final = 3
NOTHING: Final = 1e-12


def correlation(excess: Floats, spread: Floats, n: Floats, cell: Ints) -> float | None:
    """Intraclass correlation of trades in clusters: of clusters' excesses about their cells'.

    `spread` is v = p(1-p), `n` the trades of each cluster, `cell` its cell's place. None where no
    cell has two clusters, or no cluster two trades; else 0 to 1.
    """
    total = np.bincount(cell, n)
    share = n / total[cell]
    off = excess - (np.bincount(cell, n * excess) / total)[cell]
    # E[sum(share off^2)] of a cell is sum(share (1-share) v (1 + r(n-1)) / n), exactly
    seen = np.sum(share * off**2)
    part = share * (1 - share) * spread / n
    alone, more = np.sum(part), np.sum(part * (n - 1))
    if more <= NOTHING:
        return None
    return float(min(1.0, max(0.0, (seen - alone) / more)))


def between(excess: Floats, spread: Floats, n: Floats, parent: Ints | None) -> float:
    """r of cells about their parents, from what each says and for how many trades it counts.

    `parent` None: about zero. Between CLOSEST and 1; UNSURE where too few cells share a parent.
    """
    parents = int(parent.max(initial=-1)) + 1 if parent is not None else 0
    spare = len(excess) - parents
    if spare < FEW:
        return UNSURE

    def surplus(r: float) -> float:
        weight = 1 / (r + 1 / n)
        mean = np.zeros(len(excess))
        if parent is not None:
            mean = (np.bincount(parent, weight * excess) / np.bincount(parent, weight))[parent]
        return float(np.sum(weight * (excess - mean) ** 2 / spread)) - spare

    low, high = CLOSEST, 1.0
    if surplus(low) <= 0:
        return low
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if surplus(middle) > 0 else (low, middle)
    return high


def counted(n: Floats, r: float) -> float:
    """For how many independent trades clusters of n count together."""
    return float(np.sum(n) ** 2 / np.sum(n * (1 + r * (n - 1)))) if len(n) else 0.0


def joined(parts: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """(excess, N) of several independent beliefs about one thing."""
    total = sum(n for _, n in parts)
    if total <= NOTHING:
        return 0.0, 0.0
    return sum(e * n for e, n in parts) / total, total


def passed(belief: tuple[float, float], r: float) -> tuple[float, float]:
    """A belief about a parent as one about a child that differs by r, or the other way round."""
    excess, n = belief
    return excess, 1 / (r + 1 / n) if n > NOTHING else 0.0


def beta_cdf(x: Floats, a: Floats, b: Floats) -> Floats:
    """The regularised incomplete beta function, by its continued fraction (DLMF 8.17.22, Lentz)."""
    flip = x > (a + 1) / (a + b + 2)
    a, b, x = np.where(flip, b, a), np.where(flip, a, b), np.where(flip, 1 - x, x)
    gamma = np.vectorize(math.lgamma, otypes=[float])
    with np.errstate(divide="ignore"):
        front = gamma(a + b) - gamma(a) - gamma(b) + a * np.log(x) + b * np.log1p(-x)
    tiny = 1e-300
    c = np.ones_like(x)
    d = 1 / _apart(1 - (a + b) * x / (a + 1), tiny)
    value = d.copy()
    for m in range(1, 400):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for step in (even, odd):
            d = 1 / _apart(1 + step * d, tiny)
            c = _apart(1 + step / c, tiny)
            change = c * d
            value *= change
        if np.all(np.abs(change - 1) < 1e-13):
            break
    found = np.exp(front) * value / a
    return np.asarray(np.where(flip, 1 - found, found))


def _apart(value: Floats, tiny: float) -> Floats:
    return np.asarray(np.where(np.abs(value) < tiny, tiny, value))


def beta_quantile(level: Floats, a: Floats, b: Floats) -> Floats:
    """Where the beta distribution reaches `level`; by halving, to 1e-12."""
    low, high = np.zeros_like(a), np.ones_like(a)
    for _ in range(40):
        middle = (low + high) / 2
        below = beta_cdf(middle, a, b) < level
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray((low + high) / 2)
