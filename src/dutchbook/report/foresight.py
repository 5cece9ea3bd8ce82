"""The prediction-market block: calibration, skill against the market, deciles, decay, payouts."""

from collections.abc import Iterable
from typing import Any, Final

from dutchbook.domain.units import DAY, ONE, SECOND
from dutchbook.report import stats
from dutchbook.report.daily import date
from dutchbook.report.record import Forecast, Record, Trade

Doc = dict[str, Any]
BINS: Final = 10
CALENDAR_MAX: Final = 60
_WAITS: Final = ((0.25, "< 6 h"), (1, "6-24 h"), (7, "1-7 d"), (30, "7-30 d"), (90, "30-90 d"))
_SIZES: Final = ((1, "day"), (7, "week"), (30, "30 days"))
Pair = tuple[float, int]
"""(a probability, what happened)."""


def calibration(pairs: Iterable[Pair]) -> list[Doc]:
    """Ten equal bins of claimed probability: how often it happened, with Wilson's interval."""
    found: list[list[Pair]] = [[] for _ in range(BINS)]
    for claim, outcome in pairs:
        found[min(BINS - 1, int(claim * BINS))].append((claim, outcome))
    rows = []
    for n, part in enumerate(found):
        hits = sum(outcome for _, outcome in part)
        low, high = stats.wilson(hits, len(part))
        rows.append({
            "from": n / BINS,
            "to": (n + 1) / BINS,
            "n": len(part),
            "claimed": stats.mean([claim for claim, _ in part]) if part else None,
            "happened": hits / len(part) if part else None,
            "low": low if part else None,
            "high": high if part else None,
        })  # fmt: skip
    return rows


def scores(forecasts: Iterable[Forecast]) -> Doc:
    """Brier and log loss of ours and of the market's mid on the same settled forecasts."""
    rows = list(forecasts)
    known = [row for row in rows if row.outcome is not None]
    both = [row for row in known if row.mid is not None]
    doc: Doc = {"n": len(rows), "settled": len(known), "against_mid": len(both)}
    ours = _scored([(row.claimed / ONE, row.outcome or 0) for row in known])
    same = _scored([(row.claimed / ONE, row.outcome or 0) for row in both])
    mids = _scored([((row.mid or 0) / ONE, row.outcome or 0) for row in both])
    for name in ("brier", "log_loss"):
        doc[name] = ours[name]
        doc[f"{name}_same"] = same[name]
        doc[f"{name}_mid"] = mids[name]
        known_both = same[name] is not None and mids[name] is not None
        doc[f"{name}_skill"] = stats.skill(same[name], mids[name]) if known_both else None
    doc["parts"] = decomposition([(row.claimed / ONE, row.outcome or 0) for row in known])
    return doc


def _scored(pairs: list[Pair]) -> Doc:
    if not pairs:
        return {"brier": None, "log_loss": None}
    claims, outcomes = [claim for claim, _ in pairs], [outcome for _, outcome in pairs]
    return {"brier": stats.brier(claims, outcomes), "log_loss": stats.log_loss(claims, outcomes)}


def decomposition(pairs: list[Pair]) -> Doc | None:
    """Brier's three parts over the bins (Murphy 1973), claims taken as their bin's mean.

    reliability (0 is best) - resolution (high is best) + uncertainty (of the questions).
    """
    if not pairs:
        return None
    base = stats.mean([float(outcome) for _, outcome in pairs])
    bins = [row for row in calibration(pairs) if row["n"]]
    n = len(pairs)
    return {
        "reliability": sum(b["n"] * (b["claimed"] - b["happened"]) ** 2 for b in bins) / n,
        "resolution": sum(b["n"] * (b["happened"] - base) ** 2 for b in bins) / n,
        "uncertainty": base * (1 - base),
    }


def deciles(record: Record) -> Doc:
    """Favourite-longshot: market price by decile against how often it paid.

    From the mids of settled forecasts; without those, from the prices paid for legs that were
    held to settlement.
    """
    pairs: list[Pair] = [
        (row.mid / ONE, row.outcome)
        for row in record.forecasts
        if row.mid is not None and row.outcome is not None
    ]
    source = "market mid of forecasts"
    if not pairs:
        source = "prices paid"
        pairs = [
            (leg.px / ONE, int(leg.exit_px == ONE))
            for trade in record.trades
            if trade.ending == "settled"
            for leg in trade.legs
            if leg.exit_px in (0, ONE)
        ]
    rows = calibration(pairs)
    for row in rows:
        row["bias"] = row["happened"] - row["claimed"] if row["n"] else None
    return {"source": source, "n": len(pairs), "rows": rows}


def decay(trades: Iterable[Trade]) -> list[Doc]:
    """Edge left after the signal, over the trades that know it at that span."""
    found: dict[int, list[tuple[int, int]]] = {}
    for trade in trades:
        for span, edge in trade.decay:
            found.setdefault(span, []).append((edge, trade.edge))
    rows = []
    for seen, part in sorted(found.items()):
        left = stats.mean([edge / ONE for edge, _ in part])
        first = stats.mean([edge / ONE for _, edge in part])
        rows.append({
            "seconds": seen / SECOND,
            "n": len(part),
            "edge": left,
            "share": left / first if first > 0 else None,
            "alive": sum(edge > 0 for edge, _ in part) / len(part),
        })  # fmt: skip
    return rows


def payouts(record: Record) -> Doc:
    """Money that came back, or is due, by day, week or month; what has no date is counted."""
    back: dict[int, int] = {}
    due: dict[int, int] = {}
    undated = 0
    for trade in record.trades:
        if trade.closed_at:
            _put(back, trade.closed_at // DAY, trade.capital + trade.net)
        elif trade.closes_at:
            _put(due, trade.closes_at // DAY, trade.capital + trade.net)
        else:
            undated += trade.capital + trade.net
    days = sorted({*back, *due})
    reach = days[-1] - days[0] + 1 if days else 0
    size, name = next(
        (
            (s, n)
            for s, n in ((1, "day"), (7, "week"), (30, "30 days"))
            if reach <= s * CALENDAR_MAX
        ),
        (max(1, -(-reach // CALENDAR_MAX)), "span"),
    )
    rows: dict[int, Doc] = {}
    for day in days:
        start = days[0] + (day - days[0]) // size * size
        row = rows.setdefault(start, {"from": date(start * DAY), "back": 0, "due": 0})
        row["back"] += back.get(day, 0)
        row["due"] += due.get(day, 0)
    return {"each": name, "days": size, "rows": list(rows.values()), "undated": undated}


def _put(found: dict[int, int], day: int, usd: int) -> None:
    found[day] = found.get(day, 0) + usd


def waits(trades: Iterable[Trade]) -> Doc:
    """How long money was locked in trades that ended: counts and net by span; the median."""
    closed = [trade for trade in trades if trade.closed_at]
    labels = [*(label for _, label in _WAITS), "> 90 d"]
    rows = {label: {"name": label, "n": 0, "net": 0} for label in labels}
    spans = []
    for trade in closed:
        days = (trade.closed_at - trade.opened_at) / DAY
        spans.append(days)
        row: Doc = rows[next((label for top, label in _WAITS if days < top), "> 90 d")]
        row["n"] += 1
        row["net"] += trade.net
    return {
        "rows": list(rows.values()),
        "median_days": stats.quantile(spans, 0.5) if spans else None,
    }


def document(record: Record) -> Doc:
    """The whole block."""
    settled = [
        (row.claimed / ONE, row.outcome) for row in record.forecasts if row.outcome is not None
    ]
    return {
        "calibration": calibration(settled),
        "scores": scores(record.forecasts),
        "deciles": deciles(record),
        "decay": decay(record.trades),
        "payouts": payouts(record),
        "waits": waits(record.trades),
    }
