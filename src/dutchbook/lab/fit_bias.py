"""Fits the calibration table: price band x category x time to the close, maker and taker apart."""

from collections.abc import Callable, Iterable
from typing import Final

import msgspec
import numpy as np

from dutchbook.domain.units import ONE
from dutchbook.lab.settled import Settled
from dutchbook.lab.shrink import (
    UNSURE,
    beta_quantile,
    between,
    correlation,
    counted,
    joined,
    passed,
)
from dutchbook.strategies.calibration import LEVELS, Cell, Role

METHOD: Final = (
    "Excess of the share won over the price, by trades; beta-binomial in clusters (design effect,"
    " Rao and Scott 1992); partial pooling spans -> categories -> bands -> market price with"
    " correlations by moments (Paule and Mandel 1982); a cell's prior leaves out its own clusters;"
    " mean and quantiles of the beta posterior."
)
EDGE: Final = 1e-4
"""A win rate lies this far inside 0 and 1."""
Key = tuple[str, str, str, int, str]
"""role, outcome, category, band, horizon."""
Parent = Callable[[Key], Key]


class Leaf(msgspec.Struct, gc=False):
    """The trades of one cluster in one cell: sums over trades, price and wins in dollars."""

    n: float = 0.0
    px: float = 0.0
    won: float = 0.0


Leaves = dict[str, Leaf]
"""By cluster."""


class Said(msgspec.Struct, frozen=True, gc=False):
    """What clusters say together: mean price, excess, known to so many independent trades."""

    px: float
    excess: float
    n: float
    trades: float = 0.0
    clusters: int = 0


class Fit(msgspec.Struct, frozen=True):
    """`alike`: (level, role, category) -> r, see `lab/shrink.py`; `cells`: their posteriors."""

    alike: dict[tuple[str, str, str], float]
    cells: dict[Key, Said]


def fit(settled: Iterable[Settled]) -> Fit:
    """The posterior of every cell that has data, and of a category never seen in each band."""
    cells: dict[Key, Leaves] = {}
    for one in settled:
        key = (one.role, one.outcome, one.category, one.band, one.horizon)
        leaf = cells.setdefault(key, {}).setdefault(one.cluster, Leaf())
        leaf.n += one.n
        leaf.px += one.n * one.px
        leaf.won += one.n * one.won
    cells = {key: cells[key] for key in sorted(cells)}
    whole = _merged(cells, _category)
    alike: dict[tuple[str, str, str], float] = {}
    for role in sorted({key[0] for key in cells}):
        mine = {key: leaves for key, leaves in whole.items() if key[0] == role}
        alike |= _clusters(role, mine)
    said = {key: _say(leaves, alike["cluster", key[0], key[2]]) for key, leaves in cells.items()}
    top = {key: _say(leaves, alike["cluster", key[0], key[2]]) for key, leaves in whole.items()}
    alike["horizon", "", ""] = _level({key: one for key, one in said.items() if key[4]}, _category)
    alike["category", "", ""] = _level(top, _band)
    bands: dict[Key, list[Said]] = {}
    for place, told in top.items():
        bands.setdefault(_band(place), []).append(told)
    seen = {name: _joined(ones, alike["category", "", ""]) for name, ones in bands.items()}
    alike["band", "", ""] = _level(seen, None)
    found: dict[Key, Said] = {}
    for name, band in seen.items():
        tree = {key: leaves for key, leaves in cells.items() if _band(key) == name}
        found |= _tree(name, band, tree, alike)
    return Fit(alike, found)


def _level(said: dict[Key, Said], parent: Parent | None) -> float:
    """r of a level, the largest of the roles: a role with few cells is not taken for more alike."""
    roles = sorted({key[0] for key in said})
    parts = [{key: one for key, one in said.items() if key[0] == role} for role in roles]
    return max((_parted(part, parent) for part in parts), default=UNSURE)


def _category(key: Key) -> Key:
    return (*key[:4], "")


def _band(key: Key) -> Key:
    return (*key[:2], "", key[3], "")


def _merged(cells: dict[Key, Leaves], parent: Parent) -> dict[Key, Leaves]:
    found: dict[Key, Leaves] = {}
    for key, leaves in cells.items():
        into = found.setdefault(parent(key), {})
        for name, leaf in leaves.items():
            one = into.setdefault(name, Leaf())
            one.n, one.px, one.won = one.n + leaf.n, one.px + leaf.px, one.won + leaf.won
    return found


def _say(leaves: Leaves, r: float) -> Said:
    order = sorted(leaves)
    n = np.array([leaves[name].n for name in order])
    total = float(n.sum())
    px = sum(leaves[name].px for name in order) / total
    won = sum(leaves[name].won for name in order) / total
    return Said(px, won - px, counted(n, r), total, len(order))


def _clusters(role: str, cells: dict[Key, Leaves]) -> dict[tuple[str, str, str], float]:
    """r of trades in clusters, of each category; the role's own where a category can't tell."""

    def of(category: str) -> float | None:
        rows = [
            (at, leaf)
            for at, (key, leaves) in enumerate(cells.items())
            if category in ("", key[2])
            for leaf in leaves.values()
        ]
        n = np.array([leaf.n for _, leaf in rows])
        px = np.array([leaf.px for _, leaf in rows]) / n
        excess = np.array([leaf.won for _, leaf in rows]) / n - px
        places = np.unique(np.array([at for at, _ in rows]), return_inverse=True)[1]
        return correlation(excess, px * (1 - px), n, places)

    whole = of("")
    found: dict[tuple[str, str, str], float] = {}
    for category in sorted({key[2] for key in cells}):
        own = of(category)
        # a few clusters can agree by luck: none is taken for less alike than all of them
        known = [r for r in (own, whole) if r is not None]
        found["cluster", role, category] = max(known, default=1.0)
    return found


def _parted(said: dict[Key, Said], parent: Parent | None) -> float:
    """r of cells about their parents; about the market price where there is no parent."""
    keys = sorted(said)
    places = None
    if parent is not None:
        names = {name: at for at, name in enumerate(sorted({parent(key) for key in keys}))}
        places = np.array([names[parent(key)] for key in keys], np.int64)
    px = np.array([said[key].px for key in keys])
    excess = np.array([said[key].excess for key in keys])
    return between(excess, px * (1 - px), np.array([said[key].n for key in keys]), places)


def _joined(children: list[Said], r: float) -> Said:
    """What children that differ by r say of their parent."""
    parts = [passed((one.excess, one.n), r) for one in children]
    excess, n = joined(parts)
    px = sum(one.px * own for one, (_, own) in zip(children, parts, strict=True)) / n
    trades, clusters = sum(c.trades for c in children), sum(c.clusters for c in children)
    return Said(px, excess, n, trades, clusters)


def _tree(
    name: Key, band: Said, tree: dict[Key, Leaves], alike: dict[tuple[str, str, str], float]
) -> dict[Key, Said]:
    """The posteriors of one outcome and band, from the market price down to spans."""
    apart, spread, role = alike["category", "", ""], alike["horizon", "", ""], name[0]
    price = (0.0, 1 / alike["band", "", ""])
    whole = _merged(tree, _category)
    mine = {key: _say(leaves, alike["cluster", role, key[2]]) for key, leaves in whole.items()}
    told = {key: passed((one.excess, one.n), apart) for key, one in mine.items()}
    unseen = passed(joined([price, *told.values()]), apart)
    found = {name: _with(band, unseen)}
    for key, one in mine.items():
        others = [told[other] for other in told if other != key]
        prior = passed(joined([price, *others]), apart)
        found[key] = _with(one, joined([prior, (one.excess, one.n)]))
        r = alike["cluster", role, key[2]]
        for span, leaves in tree.items():
            if span != key and _category(span) == key:
                said = _say(leaves, r)
                beside = {n: leaf for n, leaf in whole[key].items() if n not in leaves}
                rest = _say(beside, r) if beside else Said(0.0, 0.0, 0.0)
                above = passed(joined([prior, (rest.excess, rest.n)]), spread)
                found[span] = _with(said, joined([above, (said.excess, said.n)]))
    return found


def _with(seen: Said, belief: tuple[float, float]) -> Said:
    return Said(seen.px, belief[0], belief[1], seen.trades, seen.clusters)


def cells_of(fitted: Fit, quantiles: bool = True) -> tuple[Cell, ...]:
    """The table in whole millionths; without `quantiles` each is the mean, which is faster."""
    keys = sorted(fitted.cells)
    beliefs = [fitted.cells[key] for key in keys]
    px = np.array([one.px for one in beliefs])
    rate = np.clip(px + np.array([one.excess for one in beliefs]), EDGE, 1 - EDGE)
    n = np.array([one.n for one in beliefs])
    found = [rate] * len(LEVELS)
    if quantiles:
        a, b = n * rate, n * (1 - rate)
        found = [beta_quantile(np.full(len(n), at / ONE), a, b) for at in LEVELS]
    return tuple(
        Cell(
            role=_role(key[0]),
            outcome="yes" if key[1] == "yes" else "no",
            category=key[2],
            band=key[3],
            horizon=key[4],
            px=round(px[at] * ONE),
            mean=round((rate[at] - px[at]) * ONE),
            quantiles=tuple(round(float(part[at] - px[at]) * ONE) for part in found),
            trades=round(one.trades),
            clusters=one.clusters,
            weight=round(one.n * ONE),
        )
        for at, (key, one) in enumerate(zip(keys, beliefs, strict=True))
    )


def _role(text: str) -> Role:
    return "maker" if text == "maker" else "taker" if text == "taker" else "quoted"
