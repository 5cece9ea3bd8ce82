"""The key numbers with their intervals, the honesty box, and the verdict in one line."""

from typing import Any, Final

from dutchbook.domain.units import DAY, ONE, SECOND
from dutchbook.report import stats
from dutchbook.report.daily import Days
from dutchbook.report.profit import group
from dutchbook.report.record import Record
from dutchbook.report.text import percent

Doc = dict[str, Any]
CONCENTRATED: Final = 1 / 3
"""Three events with more than this share of the winners' profit are called out."""
ROUNDS: Final = 1_000
DAYS_MIN: Final = 5
"""Fewer days have no Sharpe ratio."""


def summary(record: Record, days: Days, fall: Doc, seed: int) -> Doc:
    """Profit, risk and their 95 % intervals. Sharpe is a year's, from daily returns."""
    meta = record.meta
    whole = group(list(record.trades), meta.ended_at)
    year = stats.YEAR_DAYS**0.5
    ratio = stats.sharpe(days.returns) if len(days.returns) >= DAYS_MIN else None
    band = stats.bootstrap(days.returns, stats.sharpe, seed, ROUNDS)
    nets = [float(net) for net in days.net]
    spread = stats.bootstrap(nets, lambda xs: stats.mean(xs) * len(xs), seed + 1, ROUNDS)
    low, high = stats.wilson(whole["won"], whole["closed"])
    return whole | {
        "capital_start": meta.capital,
        "return": whole["net"] / meta.capital,
        "net_interval": [round(spread[0]), round(spread[1])] if spread else None,
        "days": (meta.ended_at - meta.began_at) / DAY,
        "sharpe": None if ratio is None else ratio * year,
        "sharpe_interval": [band[0] * year, band[1] * year] if band else None,
        "hit_interval": [low, high] if whole["closed"] else None,
        "drawdown": fall,
        "open": whole["trades"] - whole["closed"],
        "leg_risk": sum(trade.leg_risk for trade in record.trades),
        "broken": sum(trade.broken for trade in record.trades),
        "equity_change": sum(days.net),
        "unexplained": sum(days.net) - whole["net"],
        "fills": len(record.fills),
        "orders": len(record.orders),
    }


def honesty(record: Record, fills: Doc) -> Doc:
    """What the honesty box says."""
    facts = record.honesty
    traded = {leg.key for trade in record.trades for leg in trade.legs}
    unknown = [m for m in record.markets if m.key in traded and m.resolution == "unknown"]
    gaps = facts.gaps
    return {
        "fill_assumption": facts.fill_assumption,
        "beyond_top_fills": fills["beyond_top_fills"],
        "beyond_top": fills["beyond_top"],
        "beyond_depth": fills["beyond_depth"],
        "markets": len(traded),
        "unknown_markets": len(unknown),
        "unknown_marked": facts.unknown_marked,
        "gaps": len(gaps),
        "gap_seconds": sum(gap.end - gap.start for gap in gaps) / SECOND,
        "longest_gaps": [
            {"start": gap.start, "seconds": (gap.end - gap.start) / SECOND, "what": gap.what}
            for gap in sorted(gaps, key=lambda gap: gap.start - gap.end)[:5]
        ],
        "survivorship": facts.survivorship,
        "look_ahead": facts.look_ahead,
        "look_ahead_decisions": facts.look_ahead_decisions,
        "look_ahead_changed": facts.look_ahead_changed,
        "trials": record.trials.n,
        "notes": list(facts.notes),
    }


def verdict(record: Record, doc: Doc) -> str:
    """One line that says what a careful reader would: what survives, what does not, and why not."""
    key, bars = doc["summary"], doc["stress"]["bars"]
    if not key["trades"]:
        return "no trade was made: nothing can be said"
    parts = ["loses money as it ran"] if key["net"] <= 0 else [_survives(bars)]
    if doc["honesty"]["look_ahead"] == "fail":
        parts.insert(0, "look-ahead FAILED: no other figure counts")
    deflated = doc["significance"]["deflated"]["value"]
    if deflated is not None and deflated < 0.95 and key["net"] > 0:
        trials = record.trials.n
        parts.append(f"deflated Sharpe {deflated:.2f} over {trials} trials is below 0.95")
    chance = doc["significance"]["permutation"]["p_value"]
    if chance is not None and chance > 0.05 and key["net"] > 0:
        parts.append(f"random entries do as well in {percent(chance, 0)} of draws")
    top = doc["concentration"]["top3"]
    if top is not None and top > CONCENTRATED:
        events = min(3, doc["concentration"]["winning"])
        named = "1 event" if events == 1 else f"{events} events"
        parts.append(f"{percent(top, 0)} of profit comes from {named} → concentrated")
    if key["closed"] < 30:
        count = key["closed"]
        parts.append(f"only {count} trades have ended" if count else "no trade has ended yet")
    return "; ".join(parts)


def _survives(bars: list[Doc]) -> str:
    """What the two stresses that everybody asks for have left."""
    passed: list[str] = []
    failed: list[str] = []
    unknown: list[str] = []
    for kind, at_least, name in (
        ("fees", 2 * ONE, "2× fees"),
        ("latency", SECOND, "1 s latency"),
    ):
        found = [
            bar for bar in bars
            if bar["kind"] == kind and bar["value"] is not None and bar["value"] >= at_least
        ]  # fmt: skip
        if not found:
            unknown.append(name)
        else:
            hard = min(found, key=lambda bar: bar["value"])
            words = name if hard["run"] else f"{name} (same fills)"
            (passed if hard["net"] > 0 else failed).append(words)
    told = []
    if passed:
        told.append(f"edge survives {' and '.join(passed)}")
    if failed:
        told.append(f"edge does not survive {' and '.join(failed)}")
    if unknown:
        told.append(f"{' and '.join(unknown)} not tested")
    return ", ".join(told)
