"""Where the profit came from: waterfall, groups, concentration, the price of locked money."""

from collections.abc import Callable, Iterable
from typing import Any, Final

from dutchbook.domain.units import DAY, ONE
from dutchbook.report import stats
from dutchbook.report.record import Record, Trade

Doc = dict[str, Any]
LOCK_MIN_SHARE: Final = 24
"""No yearly rate is made of money that was locked for less than an hour (1/24 day) on average."""
COSTS: Final = ("fees", "slippage", "leg_risk", "lockup", "other")
_DAYS: Final = ((1, "< 1 d"), (7, "1-7 d"), (30, "7-30 d"), (90, "30-90 d"))
_EDGES: Final = ((10_000, "< 1 %"), (20_000, "1-2 %"), (30_000, "2-3 %"), (50_000, "3-5 %"))


def waterfall(trades: Iterable[Trade]) -> list[Doc]:
    """Steps from gross to net; the costs are negative, so that all but the last sum to it."""
    rows = list(trades)
    steps = [{"name": "gross", "usd": sum(trade.gross for trade in rows)}]
    steps += [{"name": name, "usd": -sum(getattr(t, name) for t in rows)} for name in COSTS]
    return [*steps, {"name": "net", "usd": sum(trade.net for trade in rows)}]


def dollar_days(trade: Trade, ended_at: int) -> int:
    """Money locked times time, in millionths of a dollar-day.

    What is open counts until it is due to close, where that is known.
    """
    end = trade.closed_at or max(ended_at, trade.closes_at)
    return trade.capital * max(0, end - trade.opened_at) // DAY


def group(trades: list[Trade], ended_at: int) -> Doc:
    """The figures of a set of trades."""
    closed = [trade for trade in trades if trade.closed_at]
    won = sum(trade.net > 0 for trade in closed)
    net = sum(trade.net for trade in trades)
    days = sum(dollar_days(trade, ended_at) for trade in trades)
    capital = sum(trade.capital for trade in trades)
    lasting = days * LOCK_MIN_SHARE >= capital and days > 0
    expected = sum(trade.expected for trade in closed)
    realised = sum(trade.net for trade in closed)
    return {
        "trades": len(trades),
        "closed": len(closed),
        "won": won,
        "hit": won / len(closed) if closed else None,
        "net": net,
        "gross": sum(trade.gross for trade in trades),
        "fees": sum(trade.fees for trade in trades),
        "slippage": sum(trade.slippage for trade in trades),
        "capital": capital,
        "dollar_days": days,
        "per_dollar_day": net / days if lasting else None,
        "apr": net / days * stats.YEAR_DAYS if lasting else None,
        "expected": expected,
        "realised_share": realised / expected if expected > 0 else None,
        "mean": net // len(trades) if trades else 0,
        "best": max((trade.net for trade in trades), default=0),
        "worst": min((trade.net for trade in trades), default=0),
    }


def grouped(record: Record, name: Callable[[Trade], str]) -> list[Doc]:
    """Groups by a name, the most profitable first."""
    found: dict[str, list[Trade]] = {}
    for trade in record.trades:
        found.setdefault(name(trade), []).append(trade)
    rows = [{"name": key} | group(part, record.meta.ended_at) for key, part in found.items()]
    return sorted(rows, key=lambda row: (-row["net"], row["name"]))


def tables(record: Record) -> dict[str, list[Doc]]:
    """The groups of the report: by strategy, venue, category, days to close, promised edge."""
    return {
        "strategy": grouped(record, lambda trade: trade.strategy),
        "venue": grouped(record, lambda trade: "+".join(sorted(set(trade.venues)))),
        "category": grouped(record, lambda trade: trade.category or "none"),
        "kind": grouped(record, lambda trade: trade.kind),
        "days_to_close": _ordered(record, days_bucket, _DAYS, "> 90 d", "unknown"),
        "edge": _ordered(record, edge_bucket, _EDGES, "> 5 %", "unknown"),
    }


def _ordered(
    record: Record, name: Callable[[Trade], str], steps: tuple[tuple[int, str], ...], *last: str
) -> list[Doc]:
    order = {label: n for n, label in enumerate([*(label for _, label in steps), *last])}
    return sorted(grouped(record, name), key=lambda row: order[row["name"]])


def days_bucket(trade: Trade) -> str:
    """How far the close was when it was decided."""
    if not trade.closes_at:
        return "unknown"
    days = (trade.closes_at - trade.decided_at) / DAY
    return next((label for top, label in _DAYS if days < top), "> 90 d")


def edge_bucket(trade: Trade) -> str:
    """The net profit per $1 of payout that was promised."""
    return next((label for top, label in _EDGES if trade.edge < top), "> 5 %")


def cells(record: Record) -> list[Doc]:
    """Strategy by category, as in the terminal's first table."""
    found: dict[tuple[str, str], list[Trade]] = {}
    for trade in record.trades:
        found.setdefault((trade.strategy, trade.category or "none"), []).append(trade)
    return [
        {"strategy": strategy, "category": category} | group(part, record.meta.ended_at)
        for (strategy, category), part in sorted(found.items())
    ]


def concentration(trades: Iterable[Trade]) -> Doc:
    """How few events made the profit: shares of all winning events' profit, best first.

    `effective`: 1 / sum of squared shares (inverse Herfindahl), the number of equal winners.
    """
    nets: dict[str, int] = {}
    for trade in trades:
        name = trade.event or trade.id
        nets[name] = nets.get(name, 0) + trade.net
    won = sorted(((net, name) for name, net in nets.items() if net > 0), reverse=True)
    total = sum(net for net, _ in won)
    squares = sum((net / total) ** 2 for net, _ in won) if total else 0.0
    return {
        "events": len(nets),
        "winning": len(won),
        "top1": won[0][0] / total if won else None,
        "top3": sum(net for net, _ in won[:3]) / total if won else None,
        "top10": sum(net for net, _ in won[:10]) / total if won else None,
        "effective": 1 / squares if squares else None,
        "best": [{"event": name, "net": net} for net, name in won[:5]],
    }


def split(trades: Iterable[Trade]) -> Doc:
    """What settlements brought and what trading (sales, merges) did, with the costs in them."""
    rows = list(trades)
    settlement = sum(trade.settlement for trade in rows)
    net = sum(trade.net for trade in rows)
    return {"settlement": settlement, "trading": net - settlement}


def share(part: int, whole: int) -> float | None:
    """part / whole, None without a whole."""
    return part / whole if whole else None


def dollars_of(qty: int, px: int) -> int:
    """Contracts times price, in millionths of a dollar, rounded down."""
    return qty * px // ONE
