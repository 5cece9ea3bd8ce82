"""Could it be luck: random entries in the same markets, the deflated Sharpe ratio, benchmarks."""

from bisect import bisect_right
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dutchbook.domain.units import DAY, ONE
from dutchbook.report import stats
from dutchbook.report.record import Leg, Path, Record, Trade

Doc = dict[str, Any]
Floats = npt.NDArray[np.float64]
Arrays = tuple[npt.NDArray[np.int64], Floats]
"""Moments and mids of a path."""
ROUNDS: Final = 1_000
SAMPLES_MIN: Final = 5
SAMPLES_MAX: Final = 64
"""Moments of a trade that are looked at, evenly picked: more would not change the answer."""


def mid_at(path: Path, at: int, outcome: str) -> int | None:
    """The last known mid of an outcome at a moment."""
    n = bisect_right(path.ats, at)
    if n == 0:
        return None
    return path.mids[n - 1] if outcome == "yes" else ONE - path.mids[n - 1]


def gain(trade: Trade, paths: dict[str, Path], at: int) -> int | None:
    """Profit of its legs bought at their mids of a moment and given up as they really were."""
    total = 0
    for leg in trade.legs:
        path = paths.get(leg.key)
        mid = mid_at(path, at, leg.outcome) if path is not None else None
        if mid is None or leg.exit_px is None:
            return None
        total += (leg.exit_px - mid) * leg.qty // ONE
    return total


def permutation(record: Record, seed: int) -> Doc:
    """One-sided p-value of the entries: the same trades, entered at random sampled moments.

    Entries are priced at mids on both sides, so that costs cancel. p = (1 + draws at least as
    good) / (1 + draws). Trades without an end, or with fewer than five samples of each of their
    markets before it, are left out and counted.
    """
    paths = {path.key: path for path in record.paths}
    arrays = {
        path.key: (np.asarray(path.ats, dtype=np.int64), np.asarray(path.mids, dtype=np.float64))
        for path in record.paths
    }
    draws: list[Floats] = []
    observed = costs = 0
    for trade in record.trades:
        found = options(trade, arrays)
        own = gain(trade, paths, trade.decided_at) if found is not None else None
        if found is None or own is None:
            continue
        observed += own
        costs += trade.gross - trade.net
        draws.append(found)
    n = len(draws)
    doc: Doc = {"trades": n, "left_out": len(record.trades) - n, "rounds": ROUNDS if n else 0,
                "p_value": None, "observed": None, "random": None, "random_net": None}  # fmt: skip
    if not n:
        return doc
    chance = np.random.Generator(np.random.PCG64(seed))
    totals = np.zeros(ROUNDS)
    for options_of in draws:
        totals += options_of[chance.integers(0, len(options_of), ROUNDS)]
    better = int(np.sum(totals >= observed))
    middle = round(float(np.mean(totals)))
    doc |= {
        "p_value": (1 + better) / (1 + ROUNDS),
        "observed": observed,
        "random": middle,
        "random_net": middle - costs,
    }
    return doc


def options(trade: Trade, arrays: dict[str, Arrays]) -> Floats | None:
    """What the trade would have gained from each sampled moment before its end: `gain`, at once.

    None if it has no end, or a market of it has no path or too few samples.
    """
    known = [arrays[leg.key] for leg in trade.legs if leg.key in arrays]
    if not trade.closed_at or not known or len(known) < len(trade.legs):
        return None
    if any(leg.exit_px is None or not len(ats) for leg, (ats, _) in zip_legs(trade, known)):
        return None
    first = max(int(ats[0]) for ats, _ in known)
    parts = [ats[np.searchsorted(ats, first) : np.searchsorted(ats, trade.closed_at)]
             for ats, _ in known]  # fmt: skip
    moments = np.unique(np.concatenate(parts))
    if len(moments) < SAMPLES_MIN:
        return None
    moments = moments[:: -(-len(moments) // SAMPLES_MAX)]
    total = np.zeros(len(moments))
    for leg, (ats, mids) in zip_legs(trade, known):
        mid = mids[np.searchsorted(ats, moments, side="right") - 1]
        mid = mid if leg.outcome == "yes" else ONE - mid
        total += ((leg.exit_px or 0) - mid) * float(leg.qty) / ONE
    return total


def zip_legs(trade: Trade, known: list[Arrays]) -> list[tuple[Leg, Arrays]]:
    """Legs beside the paths of their markets."""
    return list(zip(trade.legs, known, strict=True))


def deflated(record: Record, returns: list[float]) -> Doc:
    """The deflated Sharpe ratio of the daily returns, with what went into it."""
    trials = record.trials
    found = stats.deflated_sharpe(returns, trials.n, trials.sharpes)
    empty = {"value": None, "hurdle": None, "sharpe": None, "variance_from": None}
    return (found or empty) | {"trials": trials.n}


def windows(record: Record) -> Doc:
    """The walk-forward's rows and sums."""
    rows = [
        {
            "train_from": w.train_from, "train_to": w.train_to, "test_from": w.test_from,
            "test_to": w.test_to, "chosen": w.chosen, "train_net": w.train_net,
            "test_net": w.test_net, "test_trades": w.test_trades,
        }
        for w in record.windows
    ]  # fmt: skip
    won = sum(w.test_net > 0 for w in record.windows)
    return {
        "rows": rows,
        "test_net": sum(w.test_net for w in record.windows),
        "won": won,
        "won_share": won / len(rows) if rows else None,
    }


def benchmarks(record: Record, random_net: int | None) -> list[Doc]:
    """Other uses of the same capital: held markets, cash, random entries. None: not known."""
    meta = record.meta
    days = (meta.ended_at - meta.began_at) / DAY
    cash = round(meta.capital * meta.cash_rate / ONE * days / stats.YEAR_DAYS)
    held, count = _held(record)
    rows = [
        ("this run", sum(trade.net for trade in record.trades), "net of all costs"),
        ("buy mid and hold", held, f"equal money in YES of {count} markets at their first mid"),
        ("cash", cash, f"capital at {meta.cash_rate / 10_000:g} % a year"),
        ("random entry", random_net, "the same trades and costs, entered at random moments"),
    ]
    return [
        {"name": name, "net": net, "return": None if net is None else net / meta.capital,
         "what": what}
        for name, net, what in rows
    ]  # fmt: skip


def _held(record: Record) -> tuple[int | None, int]:
    """Profit of the capital spread evenly over the markets, held to settlement or the last mid."""
    ends = {market.key: market.settled_px for market in record.markets}
    found = []
    for path in record.paths:
        if path.mids and path.mids[0] > 0:
            end = ends.get(path.key)
            found.append((path.mids[-1] if end is None else end) / path.mids[0] - 1)
    if not found:
        return None, 0
    return round(record.meta.capital * stats.mean(found)), len(found)
