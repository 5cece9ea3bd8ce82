"""Value at risk and expected shortfall of what is held until it settles, over its joint end states.

A binary contract pays 0 or 1, so its profit jumps: there is no variance to scale. Linked markets
form a cluster, whose joint states are listed (`optimize/joint.py`) and weighed by prices; clusters
are independent of each other and convolved exactly on the grid of millionths, or, where there are
too many sums, drawn by Monte Carlo with a given seed. Assets with a linear, normal profit may lie
beside them: all in one number.

Money comes and goes as whole millionths of a dollar. Probabilities are floats: this is analysis
for people, and nothing here decides on an order. Profits are against cost, as in the rest of
`risk`; voids at 50/50 carry no weight.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from dutchbook.domain.units import ONE
from dutchbook.optimize.joint import Cluster, Holding, Rule, clusters, profits
from dutchbook.risk.tails import Floats, Sums, Tail, merged, tails

LEVELS: Final = (950_000, 990_000)
ATOMS_MAX: Final = 1 << 16
"""Different sums of money that are kept exactly; beyond this they are drawn."""
DRAWS: Final = 1 << 16
SWEEPS: Final = 2_000
CLOSE: Final = 1e-11
MONEY_MAX: Final = 1 << 61
EXTREME: Final = 1e-9
"""A price of 0 or 1 among linked markets is taken as this near to it, so that links can bend it."""


class Part(msgspec.Struct, frozen=True):
    """One cluster by itself: markets, cost, worst, best and expected profit, tails.

    `misfit` is the largest difference between a market's price and its probability in the joint
    distribution: above 0 where prices contradict the links. `loose`: why links were set aside.
    """

    keys: tuple[str, ...]
    states: int
    cost: int
    worst: int
    best: int
    mean: int
    tails: tuple[Tail, ...]
    misfit: int
    loose: str


class Risk(msgspec.Struct, frozen=True):
    """All together. `worst` and `best` are exact and of the contracts alone; `draws` is 0 where
    the distribution is exact."""

    tails: tuple[Tail, ...]
    cost: int
    worst: int
    best: int
    mean: int
    sigma: int
    draws: int
    parts: tuple[Part, ...]


def measure(
    holdings: Sequence[Holding], chances: Mapping[str, int], rules: Sequence[Rule] = (), *,
    levels: Sequence[int] = LEVELS, sigma: int = 0, seed: int = 0, draws: int = DRAWS,
    atoms_max: int = ATOMS_MAX,
) -> Risk:  # fmt: skip
    """Tails of the profit when everything held has settled.

    `chances` is the price of YES of every market held, in millionths; `sigma` the standard
    deviation of a normal profit beside them (mean 0, independent). Raises ValueError for
    amounts beyond what is added up exactly.
    """
    held = [holding for holding in holdings if holding.qty]
    if sum(holding.qty + abs(holding.cost) for holding in held) > MONEY_MAX:
        raise ValueError("amounts are too large to be added up exactly")
    parts: list[Part] = []
    sums: list[Sums] = []
    for cluster in clusters([holding.key for holding in held], rules):
        own = [holding for holding in held if holding.key in cluster.keys]
        weights, misfit = joint_chances(cluster, chances)
        alone = merged(np.array(profits(cluster, own), np.int64), weights)
        sums.append(alone)
        parts.append(_part(cluster, own, alone, misfit, levels))
    whole = convolved(sums, atoms_max)
    drawn = 0
    if whole is None:
        drawn, whole = draws, _drawn(sums, draws, seed)
    return Risk(
        tails=tails(whole, levels, sigma),
        cost=sum(part.cost for part in parts),
        worst=sum(part.worst for part in parts),
        best=sum(part.best for part in parts),
        mean=sum(part.mean for part in parts),
        sigma=sigma,
        draws=drawn,
        parts=tuple(sorted(parts, key=lambda part: (part.worst, part.keys))),
    )


def joint_chances(cluster: Cluster, chances: Mapping[str, int]) -> tuple[Floats, int]:
    """The probability of each state, and the largest misfit of a market's own (millionths).

    Of all distributions over the states that give each market its price, the one of the greatest
    entropy (nearest to independence). Of an exclusive event that is: each outcome its price, the
    rest for none of them; prices that sum to more than 1, or to another sum where one must come
    true, are scaled. Other clusters are fitted by generalised iterative scaling (Darroch &
    Ratcliff 1972), which where prices contradict the links ends at a compromise.
    """
    states = np.array(cluster.states, np.bool_)
    prices = np.array([chances[key] for key in cluster.keys], np.float64) / ONE
    weights = _exclusive(states, prices)
    if weights is None:
        weights = _scaled(states, prices)
    misfit = float(np.abs(weights @ states - prices).max())
    return weights, round(misfit * ONE)


def _exclusive(states: npt.NDArray[np.bool_], prices: Floats) -> Floats | None:
    """The closed form where at most one market settles YES, and each one may."""
    count = states.sum(axis=1)
    if count.max() > 1 or not states.any(axis=0).all():
        return None
    total = float(prices.sum())
    weights: Floats = states @ prices
    if total > 1 or (count.min() == 1 and total > 0):
        return weights / total
    if count.min() == 1:
        return None
    weights[count == 0] = 1 - total
    return weights


def _scaled(states: npt.NDArray[np.bool_], prices: Floats) -> Floats:
    wanted = np.clip(prices, EXTREME, 1 - EXTREME)
    yes = states.astype(np.float64)
    logs = yes @ np.log(wanted / (1 - wanted))
    weights = _normal(logs)
    for _ in range(SWEEPS):
        now = np.clip(weights @ yes, EXTREME**2, 1 - CLOSE)
        step = yes @ np.log(wanted / now) + (1 - yes) @ np.log((1 - wanted) / (1 - now))
        logs += step / len(prices)
        before, weights = weights, _normal(logs)
        if np.abs(weights - before).max() < CLOSE:
            break
    return weights


def _normal(logs: Floats) -> Floats:
    weights: Floats = np.exp(logs - logs.max())
    weights /= weights.sum()
    return weights


def convolved(parts: Sequence[Sums], atoms_max: int = ATOMS_MAX) -> Sums | None:
    """The distribution of the sum of independent profits; None if it has too many atoms."""
    whole: Sums = (np.zeros(1, np.int64), np.ones(1))
    for values, weights in sorted(parts, key=lambda part: len(part[0])):
        if len(whole[0]) * len(values) > 16 * atoms_max:
            return None
        whole = merged(
            np.add.outer(whole[0], values).ravel(), np.multiply.outer(whole[1], weights).ravel()
        )
        if len(whole[0]) > atoms_max:
            return None
    return whole


def _drawn(parts: Sequence[Sums], draws: int, seed: int) -> Sums:
    """The sum drawn `draws` times, every part by inversion; the same seed, the same draws."""
    chance = np.random.default_rng(seed)
    total = np.zeros(draws, np.int64)
    for values, weights in parts:
        places = np.searchsorted(np.cumsum(weights), chance.random(draws), side="right")
        total += values[np.minimum(places, len(values) - 1)]
    return merged(total, np.full(draws, 1 / draws))


def _part(
    cluster: Cluster, own: Sequence[Holding], alone: Sums, misfit: int, levels: Sequence[int]
) -> Part:
    values, weights = alone
    return Part(
        keys=cluster.keys,
        states=len(cluster.states),
        cost=sum(holding.cost for holding in own),
        worst=int(values.min()),
        best=int(values.max()),
        mean=round(float(values @ weights)),
        tails=tails(alone, levels),
        misfit=misfit,
        loose=cluster.loose,
    )
