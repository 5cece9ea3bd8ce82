"""Trades in rows: the full table, the ten best and worst with rules, what is open, why it ended."""

from typing import Any, Final

from dutchbook.report.record import Market, Record, Trade
from dutchbook.report.significance import mid_at
from dutchbook.report.text import clean

Doc = dict[str, Any]
COLUMNS: Final = (
    "id", "strategy", "kind", "category", "venues", "title", "decided_at", "opened_at",
    "closed_at", "ending", "qty", "capital", "edge", "expected", "gross", "fees", "slippage",
    "leg_risk", "net", "why",
)  # fmt: skip
EXTREMES: Final = 10
RULES_MAX: Final = 900
LEGS_MAX: Final = 4
_PATH_MAX: Final = 48


def title(trade: Trade, markets: dict[str, Market]) -> str:
    """The words of its first market, or its key."""
    if not trade.legs:
        return clean(trade.event, 90)
    market = markets.get(trade.legs[0].key)
    return clean((market.title if market else "") or trade.legs[0].key, 90)


def table(record: Record) -> Doc:
    """All trades by time of decision: `columns` and `rows` of values in their order."""
    markets = {market.key: market for market in record.markets}
    ordered = sorted(record.trades, key=lambda trade: (trade.decided_at, trade.id))
    return {"columns": list(COLUMNS), "rows": [_row(trade, markets) for trade in ordered]}


def _row(trade: Trade, markets: dict[str, Market]) -> list[Any]:
    words = {
        "venues": "+".join(sorted(set(trade.venues))),
        "title": title(trade, markets),
        "id": clean(trade.id, 60),
        "strategy": clean(trade.strategy, 60),
        "kind": clean(trade.kind, 40),
        "category": clean(trade.category, 40),
        "why": clean(trade.why, 80),
    }
    return [words.get(name, getattr(trade, name, "")) for name in COLUMNS]


def exits(record: Record) -> list[Doc]:
    """How trades ended, with their reasons: counts, net, wins."""
    found: dict[str, Doc] = {}
    for trade in record.trades:
        name = f"{trade.ending}: {clean(trade.why, 60)}" if trade.why else trade.ending
        row = found.setdefault(name, {"name": name, "n": 0, "won": 0, "net": 0})
        row["n"] += 1
        row["won"] += trade.net > 0
        row["net"] += trade.net
    return sorted(found.values(), key=lambda row: (-row["n"], row["name"]))


def still_open(record: Record) -> list[Doc]:
    """Trades without an end, the most money first, and how each was valued."""
    markets = {market.key: market for market in record.markets}
    rows = [trade for trade in record.trades if not trade.closed_at]
    return [
        {
            "id": clean(trade.id, 60), "strategy": clean(trade.strategy, 60),
            "category": clean(trade.category, 40), "title": title(trade, markets),
            "qty": trade.qty, "capital": trade.capital, "net": trade.net,
            "opened_at": trade.opened_at, "closes_at": trade.closes_at,
        }
        for trade in sorted(rows, key=lambda trade: (-trade.capital, trade.id))
    ]  # fmt: skip


def extremes(record: Record) -> Doc:
    """The best and the worst trades; a trade is in one list only."""
    ordered = sorted(record.trades, key=lambda trade: (-trade.net, trade.id))
    most = min(EXTREMES, (len(ordered) + 1) // 2)
    best = ordered[:most]
    worst = ordered[len(best) :][-EXTREMES:][::-1]
    markets = {market.key: market for market in record.markets}
    paths = {path.key: path for path in record.paths}

    def shown(trade: Trade) -> Doc:
        legs = []
        for leg in trade.legs[:LEGS_MAX]:
            market = markets.get(leg.key)
            legs.append({
                "key": clean(leg.key, 120), "outcome": leg.outcome, "qty": leg.qty, "px": leg.px,
                "exit_px": leg.exit_px, "title": clean(market.title, 160) if market else "",
                "rules": clean(market.rules, RULES_MAX) if market else "",
                "resolution": market.resolution if market else "unknown",
            })  # fmt: skip
        return dict(zip(COLUMNS, _row(trade, markets), strict=True)) | {
            "legs": legs, "more_legs": max(0, len(trade.legs) - LEGS_MAX),
            "path": _sparkline(trade, paths, record.meta.ended_at),
        }  # fmt: skip

    return {"best": [shown(t) for t in best], "worst": [shown(t) for t in worst]}


def _sparkline(trade: Trade, paths: Any, ended_at: int) -> Doc:
    """Mids of the first leg's outcome from a while before the trade to its end."""
    empty: Doc = {"at": [], "mid": [], "entry": None}
    path = paths.get(trade.legs[0].key) if trade.legs else None
    if path is None:
        return empty
    end = trade.closed_at or ended_at
    before = trade.opened_at - max(end - trade.opened_at, 1) // 4
    ats = [at for at in path.ats if before <= at <= end]
    ats = ats[:: max(1, -(-len(ats) // _PATH_MAX))]
    outcome = trade.legs[0].outcome
    return {
        "at": ats,
        "mid": [mid_at(path, at, outcome) for at in ats],
        "entry": trade.opened_at,
    }
