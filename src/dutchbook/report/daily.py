"""Equity over time: the curve of a record, days, months, drawdown, money in use, rolling figures.

Days are UTC days; a day's return is its change of equity over the equity before it.
"""

import datetime as dt
from bisect import bisect_right
from itertools import pairwise
from typing import Any, Final

from dutchbook.domain.units import DAY, ONE, SECOND, Ns, Usd
from dutchbook.report import stats
from dutchbook.report.record import Point, Record

POINTS_MAX: Final = 400
"""Points of a curve in the document: more can't be seen."""
Doc = dict[str, Any]


def date(at: int) -> str:
    """The UTC day of a moment: 2026-03-01."""
    return (dt.date(1970, 1, 1) + dt.timedelta(days=at // DAY)).isoformat()


def moment(at: int) -> str:
    """2026-03-01 12:00:04 (UTC)."""
    start = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return (start + dt.timedelta(seconds=at // SECOND)).strftime("%Y-%m-%d %H:%M:%S")


def curve(record: Record) -> list[Point]:
    """The equity points of a record; made from its trades where it has none."""
    if record.equity:
        return list(record.equity)
    began, ended = record.meta.began_at, record.meta.ended_at
    moves: list[tuple[Ns, int, int]] = []
    marked = 0
    for trade in record.trades:
        moves.append((max(trade.opened_at, began), 0, trade.capital))
        if trade.closed_at:
            moves.append((trade.closed_at, trade.net, -trade.capital))
        else:
            marked += trade.net
    realised = in_use = 0
    points = [Point(began, Usd(0), Usd(0), Usd(0), Usd(0))]
    for at, net, used in sorted(moves):
        realised, in_use = realised + net, in_use + used
        points.append(Point(at, Usd(realised), Usd(0), Usd(0), Usd(in_use)))
    end = max(ended, points[-1].at)
    points.append(Point(end, Usd(realised), Usd(0), Usd(marked), Usd(in_use)))
    return points


def equity(point: Point) -> int:
    """Profit so far, in millionths."""
    return point.realised + point.locked + point.unrealised


class Days:
    """Profit and return of each UTC day of the run."""

    def __init__(self, record: Record, points: list[Point]) -> None:
        meta = record.meta
        first, last = meta.began_at // DAY, max(meta.began_at, meta.ended_at - 1) // DAY
        ats = [point.at for point in points]
        self.days = [Ns(day * DAY) for day in range(first, last + 1)]
        self.net: list[int] = []
        self.returns: list[float] = []
        before = 0
        for day in self.days:
            n = bisect_right(ats, day + DAY - 1)
            after = equity(points[n - 1]) if n else 0
            self.net.append(after - before)
            base = meta.capital + before
            self.returns.append((after - before) / base if base > 0 else 0.0)
            before = after


def series(points: list[Point], capital: int) -> Doc:
    """The curves of the equity chart, thinned evenly but never of first, last, top and bottom."""
    picked = _thin(points)
    peaks: list[int] = []
    peak = capital
    for point in points:
        peak = max(peak, capital + equity(point))
        peaks.append(peak)
    chosen = [(points[n], peaks[n]) for n in picked]
    return {
        "at": [point.at for point, _ in chosen],
        "realised": [point.realised for point, _ in chosen],
        "locked": [point.locked for point, _ in chosen],
        "unrealised": [point.unrealised for point, _ in chosen],
        "drawdown": [(capital + equity(p) - top) / top if top > 0 else 0.0 for p, top in chosen],
        "in_use": [point.in_use for point, _ in chosen],
    }


def _thin(points: list[Point]) -> list[int]:
    n = len(points)
    if n <= POINTS_MAX:
        return list(range(n))
    half = POINTS_MAX // 2
    picked = {0, n - 1}
    for part in range(half):
        span = range(part * n // half, (part + 1) * n // half)
        picked.add(min(span, key=lambda i: equity(points[i])))
        picked.add(max(span, key=lambda i: equity(points[i])))
    return sorted(picked)


def drawdown(points: list[Point], capital: int) -> Doc:
    """Deepest fall from a peak (money, share of the peak, dates) and the longest time below one."""
    values = [capital + equity(point) for point in points]
    depth, top, low, _ = stats.drawdown([capital, *values])
    ats = [points[0].at if points else Ns(0), *(point.at for point in points)]
    longest, peak, since, below = 0, capital, ats[0], False
    for at, value in zip(ats, [capital, *values], strict=True):
        longest = max(longest, at - since) if below or value < peak else longest
        below = value < peak
        if not below:
            peak, since = value, at
    peak_value = [capital, *values][top]
    return {
        "usd": depth,
        "share": depth / peak_value if peak_value > 0 else 0.0,
        "peak_at": ats[top],
        "trough_at": ats[low],
        "days": longest / DAY,
    }


def months(days: Days) -> list[Doc]:
    """Net and compounded return of each month."""
    found: dict[str, Doc] = {}
    for day, net, share in zip(days.days, days.net, days.returns, strict=True):
        name = date(day)[:7]
        month = found.setdefault(name, {"month": name, "net": 0, "return": 0.0})
        month["net"] += net
        month["return"] = (1 + month["return"]) * (1 + share) - 1
    return list(found.values())


def distribution(returns: list[float], bins: int = 21) -> Doc:
    """Histogram of daily returns: `edges` has one more than `counts`."""
    if not returns:
        return {"edges": [], "counts": []}
    reach = max(abs(min(returns)), abs(max(returns))) or 1e-6
    edges = [-reach + 2 * reach * n / bins for n in range(bins + 1)]
    counts = [0] * bins
    for share in returns:
        counts[min(bins - 1, int((share + reach) / (2 * reach) * bins))] += 1
    return {"edges": edges, "counts": counts}


def rolling(days: Days) -> Doc:
    """Sharpe ratio (a year) and share of winning days over 30 days, 7 in runs below 60 days."""
    n = len(days.days)
    window = 30 if n >= 60 else 7
    doc: Doc = {"window": window, "at": [], "sharpe": [], "win": []}
    for end in range(window, n + 1):
        part = days.returns[end - window : end]
        ratio = stats.sharpe(part)
        active = [share for share in part if share]
        doc["at"].append(days.days[end - 1])
        doc["sharpe"].append(None if ratio is None else ratio * stats.YEAR_DAYS**0.5)
        doc["win"].append(sum(s > 0 for s in active) / len(active) if active else None)
    return doc


def in_use(points: list[Point], capital: int) -> Doc:
    """Mean (by time) and most money in use, as money and share of capital."""
    if len(points) < 2 or points[-1].at == points[0].at:
        mean = points[-1].in_use if points else 0
    else:
        held = sum(a.in_use * (b.at - a.at) for a, b in pairwise(points))
        mean = held // (points[-1].at - points[0].at)
    most = max((point.in_use for point in points), default=0)
    return {"mean": mean, "most": most, "mean_share": mean / capital, "most_share": most / capital}


def span_days(record: Record) -> float:
    """Length of the run in days."""
    return (record.meta.ended_at - record.meta.began_at) / DAY


def dollars(micros: int) -> float:
    """For ratios and charts only, never for sums."""
    return micros / ONE
