"""What is left when an assumption changes: the record's variants, and what follows from trades."""

from typing import Any, Final

from dutchbook.domain.units import DAY, ONE, plain
from dutchbook.report import stats
from dutchbook.report.record import Record, Trade

Doc = dict[str, Any]
ROUNDS: Final = 1_000
RUIN_SHARE: Final = 0.5
"""Ruin: equity at half of the capital."""
_BEST: Final = 5
_FEES: Final = (ONE // 2, 2 * ONE)


def document(record: Record, seed: int) -> Doc:
    """Bars of the stress chart and the Monte Carlo of trade order."""
    return {"bars": bars(record), "orders": orders(record, seed)}


def bars(record: Record) -> list[Doc]:
    """Net of each variant. `run`: traded again; else the same fills with another sum."""
    net = sum(trade.net for trade in record.trades)
    rows = [_bar("base", "as run", net, True, len(record.trades), ONE)]
    rows += [
        _bar(v.kind, v.label, v.net, True, v.trades, v.value, v.max_drawdown)
        for v in record.variants
        if not v.base
    ]
    fees = sum(trade.fees for trade in record.trades)
    known = {variant.value for variant in record.variants if variant.kind == "fees"}
    for value in _FEES:
        if value not in known:
            other = net + fees - fees * value // ONE
            label = f"fees x {plain(value)}, same fills"
            rows.append(_bar("fees", label, other, False, len(record.trades), value))
    if len(record.trades) > _BEST:
        best = sorted((trade.net for trade in record.trades), reverse=True)[:_BEST]
        rest = len(record.trades) - _BEST
        rows.append(_bar("best", f"without the best {_BEST}", net - sum(best), False, rest))
    if not any(variant.kind == "outage" for variant in record.variants):
        rows += _outages(record, net)
    return rows


def _bar(
    kind: str, label: str, net: int, run: bool, trades: int,
    value: int | None = None, drawdown: int | None = None,
) -> Doc:  # fmt: skip
    return {
        "kind": kind, "label": label, "net": net, "run": run, "trades": trades, "value": value,
        "drawdown": drawdown,
    }  # fmt: skip


def _outages(record: Record, net: int) -> list[Doc]:
    """Each venue away on the day whose trades (by decision) earned most with it."""
    days: dict[str, dict[int, list[Trade]]] = {}
    for trade in record.trades:
        for venue in set(trade.venues):
            days.setdefault(venue, {}).setdefault(trade.decided_at // DAY, []).append(trade)
    rows = []
    for venue, found in sorted(days.items()):
        lost = max(found.values(), key=lambda part: sum(trade.net for trade in part))
        gone = sum(trade.net for trade in lost)
        label = f"{venue} away on its best day"
        rows.append(_bar("outage", label, net - gone, False, len(record.trades) - len(lost)))
    return rows


def orders(record: Record, seed: int) -> Doc:
    """Drawdowns of the same trades in other orders; ruin among as many drawn with replacement."""
    nets = [float(trade.net) for trade in record.trades if trade.closed_at]
    capital = record.meta.capital
    if len(nets) < 2:
        return {"rounds": 0, "p5": None, "p50": None, "p95": None, "ruin": None,
                "ruin_share": RUIN_SHARE}  # fmt: skip
    falls = stats.shuffled_drawdowns(nets, seed, ROUNDS).tolist()
    return {
        "rounds": ROUNDS,
        "p5": round(stats.quantile(falls, 0.05)),
        "p50": round(stats.quantile(falls, 0.5)),
        "p95": round(stats.quantile(falls, 0.95)),
        "ruin": stats.ruin(nets, capital, capital * RUIN_SHARE, seed + 1, ROUNDS),
        "ruin_share": RUIN_SHARE,
    }
