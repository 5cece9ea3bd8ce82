"""How well orders were carried out: filled, partly filled, as maker, and what came after."""

from collections.abc import Iterable
from typing import Any, Final

from dutchbook.domain.units import ONE, SECOND, Qty
from dutchbook.report import stats
from dutchbook.report.record import Fill, Order, Record

Doc = dict[str, Any]
SPANS: Final = ((60, "1 min"), (300, "5 min"), (1_800, "30 min"))


def document(record: Record) -> Doc:
    """Orders, fills, broken legs and adverse moves, all together and by venue."""
    broken = [trade for trade in record.trades if trade.broken]
    venues = sorted({fill.venue for fill in record.fills} | {o.venue for o in record.orders})
    return {
        "orders": orders(record.orders),
        "fills": fills(record.fills),
        "adverse": adverse(record.fills),
        "broken": {
            "n": len(broken),
            "share": len(broken) / len(record.trades) if record.trades else None,
            "cost": sum(trade.leg_risk for trade in record.trades),
        },
        "venues": [
            {"name": venue}
            | orders([order for order in record.orders if order.venue == venue])
            | fills([fill for fill in record.fills if fill.venue == venue])
            for venue in venues
        ],
    }


def orders(rows: Iterable[Order]) -> Doc:
    """Share of size and of orders that were filled; partial: some, but not all."""
    found = list(rows)
    asked = sum(order.qty for order in found)
    filled = sum(order.filled for order in found)
    whole = sum(order.filled >= order.qty for order in found)
    none = sum(order.filled == 0 for order in found)
    n = len(found)
    return {
        "orders": n,
        "asked": asked,
        "filled": filled,
        "fill_ratio": filled / asked if asked else None,
        "whole": whole,
        "partial": n - whole - none,
        "unfilled": none,
        "partial_share": (n - whole - none) / n if n else None,
    }


def fills(rows: Iterable[Fill]) -> Doc:
    """Maker share by size; size beyond the best level and beyond recorded depth; paid fees."""
    found = list(rows)
    size = sum(fill.qty for fill in found)
    maker = sum(fill.qty for fill in found if fill.maker)
    looked = [fill for fill in found if fill.beyond_top is not None]
    deep = sum((fill.beyond_top or 0) > 0 for fill in looked)
    seen = [fill for fill in found if fill.px_seen is not None]
    worse = sum(_worse(fill) for fill in seen)
    seen_size = sum(fill.qty for fill in seen)
    return {
        "fills": len(found),
        "volume": sum(fill.px * fill.qty // ONE for fill in found),
        "fees": sum(fill.fee for fill in found),
        "maker_share": maker / size if size else None,
        "beyond_top_fills": deep / len(looked) if looked else None,
        "beyond_top": _share([(fill.beyond_top, fill.qty) for fill in found]),
        "beyond_depth": _share([(fill.beyond_depth, fill.qty) for fill in found]),
        "slip": worse / seen_size if seen_size else None,
    }


def _share(rows: list[tuple[Qty | None, Qty]]) -> float | None:
    """Part of the size, over the fills for which it is known."""
    size = sum(qty for part, qty in rows if part is not None)
    return sum(part or 0 for part, _ in rows) / size if size else None


def _worse(fill: Fill) -> int:
    """Price paid over the best one seen, times size (in squared millionths)."""
    sign = 1 if fill.action == "buy" else -1
    return sign * (fill.px - (fill.px_seen or 0)) * fill.qty


def adverse(rows: Iterable[Fill]) -> list[Doc]:
    """Mean move of the mid against us after the fill, in millionths, weighted by size.

    Above 0: the market went away from what we bought, or up from what we sold.
    """
    found = list(rows)
    doc = []
    for seconds, name in SPANS:
        moves: list[tuple[int, int, bool]] = []
        for fill in found:
            after = dict(fill.mids_after).get(seconds * SECOND)  # type: ignore[call-overload]
            if after is not None and fill.mid is not None:
                sign = 1 if fill.action == "buy" else -1
                moves.append((sign * (fill.mid - after), fill.qty, fill.maker))
        doc.append({
            "name": name,
            "n": len(moves),
            "move": _weighted(moves),
            "maker": _weighted([move for move in moves if move[2]]),
            "taker": _weighted([move for move in moves if not move[2]]),
            "against": stats.mean([float(m > 0) for m, _, _ in moves]) if moves else None,
        })  # fmt: skip
    return doc


def _weighted(moves: list[tuple[int, int, bool]]) -> float | None:
    size = sum(qty for _, qty, _ in moves)
    return sum(move * qty for move, qty, _ in moves) / size if size else None
