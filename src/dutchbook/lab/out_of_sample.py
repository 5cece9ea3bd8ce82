"""How a calibration table does on clusters that it never saw, against the market's own price."""

import zlib
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from dutchbook.domain.units import ONE
from dutchbook.lab.fit_bias import cells_of, fit
from dutchbook.lab.settled import Settled
from dutchbook.lab.shrink import Floats
from dutchbook.strategies.calibration import HORIZONS, Table

FOLDS: Final = 5
INSIDE: Final = 1e-4
"""Forecasts are kept so far inside 0 and 1, so that no single loss is without bound."""
LEFT: Final = {name: below - 1 for name, below in HORIZONS} | {"": None}


def check(settled: Sequence[Settled]) -> dict[str, Any]:
    """Brier score and log loss of table and price, per role and in all, and reliability.

    Clusters are dealt into five folds by a checksum of their names; each is forecast by the table
    fitted on the other four. Every trade counts once. `better` is how
    much smaller the table's loss is than the price's, with its standard error over clusters.
    """
    fold = np.array([zlib.crc32(one.cluster.encode()) % FOLDS for one in settled])
    said = np.zeros(len(settled))
    weight = np.zeros(len(settled))
    for out in range(FOLDS):
        fitted = fit(one for one, its in zip(settled, fold, strict=True) if its != out)
        table = Table(cells_of(fitted, quantiles=False))
        for at in np.flatnonzero(fold == out).tolist():
            one = settled[at]
            weight[at] = one.n
            px = round(one.px * ONE)
            found = table.estimate(one.role, one.outcome, one.category, px, LEFT[one.horizon])
            said[at] = (found.win if found else px) / ONE
    role = np.array([one.role for one in settled])
    parts = {name: _scores(settled, said, weight, role == name) for name in sorted(set(role))}
    whole = _scores(settled, said, weight, np.full(len(settled), True))
    return {
        "folds": FOLDS,
        "all": whole,
        **parts,
        "reliability": _reliability(settled, said, weight),
    }


def _scores(settled: Sequence[Settled], said: Floats, weight: Floats, mine: Any) -> dict[str, Any]:
    """Mean losses by weight; a cluster's difference is one draw of the standard error."""
    won = np.array([one.won for one in settled])[mine]
    px = np.array([one.px for one in settled])[mine]
    q, w = said[mine], weight[mine]
    names = [one.cluster for one, is_mine in zip(settled, mine, strict=True) if is_mine]
    _, place = np.unique(names, return_inverse=True)
    document: dict[str, Any] = {"observations": len(q), "clusters": int(place.max()) + 1}
    for name, loss in (("brier", _brier), ("log_loss", _log_loss)):
        table, price = loss(q, won), loss(px, won)
        better = float(np.average(price - table, weights=w))
        pull = np.bincount(place, w * (price - table - better))
        document[name] = {
            "table": round(float(np.average(table, weights=w)), 6),
            "price": round(float(np.average(price, weights=w)), 6),
            "better": round(better, 6),
            "error": round(float(np.sqrt(np.sum(pull**2)) / np.sum(w)), 6),
        }
    return document


def _brier(q: Floats, won: Floats) -> Floats:
    return np.asarray(won * (1 - q) ** 2 + (1 - won) * q**2)


def _log_loss(q: Floats, won: Floats) -> Floats:
    q = np.clip(q, INSIDE, 1 - INSIDE)
    return np.asarray(-won * np.log(q) - (1 - won) * np.log(1 - q))


def _reliability(
    settled: Sequence[Settled], said: Floats, weight: Floats
) -> list[dict[str, float]]:
    """In each tenth of the forecasts' range: mean forecast, mean price, share that won."""
    tenth = np.minimum(9, (said * 10).astype(int))
    won = np.array([one.won for one in settled])
    px = np.array([one.px for one in settled])
    rows = []
    for at in sorted(set(tenth.tolist())):
        mine = tenth == at
        row = {"forecast": said, "price": px, "won": won}
        means = {k: round(float(np.average(v[mine], weights=weight[mine])), 4)
                 for k, v in row.items()}  # fmt: skip
        rows.append({"tenth": at, "weight": round(float(weight[mine].sum()), 1), **means})
    return rows
