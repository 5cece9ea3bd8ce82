"""The charts over time: equity, drawdown, money in use, rolling figures, calendars, sparklines."""

import datetime as dt
from itertools import chain
from typing import Any, Final

from markupsafe import Markup

from dutchbook.domain.units import DAY, ONE
from dutchbook.report.daily import date
from dutchbook.report.svg import Plot, around
from dutchbook.report.text import money, number, percent

Doc = dict[str, Any]
EMPTY: Final = Markup("")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov",
                  "Dec")  # fmt: skip
_CALENDAR_DAYS_MAX: Final = 190


def short(dollars: float) -> str:
    """Dollars on an axis: $1.2k."""
    sign, size = ("−" if dollars < 0 else ""), abs(dollars)
    if size >= 999_500:
        return f"{sign}${size / 1e6:.3g}M"
    if size >= 1_000:
        return f"{sign}${size / 1e3:.3g}k"
    return f"{sign}${size:.3g}"


def equity(doc: Doc) -> Markup:
    """Profit so far: total, and its realised, locked and unrealised parts."""
    data = doc["equity"]
    if not data["at"]:
        return EMPTY
    parts = {name: [v / ONE for v in data[name]] for name in ("realised", "locked", "unrealised")}
    total = [sum(row) for row in zip(*parts.values(), strict=True)]
    plot = _timed(data["at"], around([*total, *chain(*parts.values())]), 250)
    plot.y_axis(short)
    plot.x_days()
    plot.area(list(zip(data["at"], total, strict=True)), "s0")
    for n, (name, values) in enumerate(parts.items(), 1):
        if any(values):
            plot.path(list(zip(data["at"], values, strict=True)), f"s{n}", f"equity.{name}")
    plot.path(list(zip(data["at"], total, strict=True)), "s0 bold", "equity")
    return plot.svg("Profit over time: total, realised, locked and unrealised", "timed")


def _timed(ats: list[int], ys: tuple[float, float], height: int) -> Plot:
    return Plot((ats[0], max(ats[-1], ats[0] + 1)), ys, height)


def drawdown(doc: Doc) -> Markup:
    """How far equity stood under its peak."""
    data = doc["equity"]
    if not data["at"]:
        return EMPTY
    low = min(min(data["drawdown"]) * 1.1, -0.001)
    plot = _timed(data["at"], (low, 0.0), 110)
    places = 2 if low > -0.005 else 1 if low > -0.05 else 0
    plot.y_axis(lambda v: percent(v, places), 3)
    plot.x_days()
    plot.area(list(zip(data["at"], data["drawdown"], strict=True)), "neg", "equity.drawdown")
    return plot.svg("Drawdown over time", "timed")


def in_use(doc: Doc) -> Markup:
    """Money in positions and orders."""
    data = doc["equity"]
    if not data["at"]:
        return EMPTY
    values = [value / ONE for value in data["in_use"]]
    plot = _timed(data["at"], around(values), 110)
    plot.y_axis(short, 3)
    plot.x_days()
    plot.area(list(zip(data["at"], values, strict=True)), "s2", "equity.in_use")
    return plot.svg("Capital in use over time", "timed")


def rolling(doc: Doc, name: str) -> Markup:
    """One rolling figure: `sharpe` (a year) or `win` (share of days with profit)."""
    data = doc["rolling"]
    if len(data["at"]) < 2 or all(value is None for value in data[name]):
        return EMPTY
    ys = (0.0, 1.0) if name == "win" else around(data[name])
    plot = _timed(data["at"], ys, 150)
    plot.width, plot.right = 400, 388
    plot.y_axis((lambda v: percent(v, 0)) if name == "win" else (lambda v: number(v, 0)), 4)
    plot.x_days(4)
    plot.path(list(zip(data["at"], data[name], strict=True)), "s0", f"rolling.{name}")
    return plot.svg(f"Rolling {name}", "small")


def distribution(doc: Doc) -> Markup:
    """Histogram of the days with any profit or loss, by return."""
    data = doc["distribution"]
    if not sum(data["counts"]):
        return EMPTY
    plot = Plot((data["edges"][0], data["edges"][-1]), around(data["counts"]), 170, 400, 40)
    plot.y_axis(lambda v: f"{v:g}", 4)
    for n, count in enumerate(data["counts"]):
        low, high = data["edges"][n], data["edges"][n + 1]
        side = "pos" if low + high > 1e-12 else "neg" if low + high < -1e-12 else "mid"
        words = f"{percent(low, 2)} to {percent(high, 2)}: {count} days"
        if count:
            figure = (f"distribution.counts.{n}", count)
            plot.bar(low, high, 0, count, side, words, figure)
    for value in (data["edges"][0], 0.0, data["edges"][-1]):
        anchor = {0.0: "middle"}.get(value, "start" if value < 0 else "end")
        plot.text(plot.x(value), plot.bottom + 16, percent(value, 2), "t", anchor)
    return plot.svg("Distribution of daily returns", "small")


def months(doc: Doc) -> Markup:
    """Years by months, each cell its return."""
    found = {row["month"]: (n, row) for n, row in enumerate(doc["months"])}
    if not found:
        return EMPTY
    years = sorted({name[:4] for name in found})
    most = max(abs(row["return"]) for _, row in found.values()) or 1.0
    places, kind = (1, "pct") if most >= 0.005 else (3, "pct3")
    plot = Plot((0, 12), (0, len(years)), 26 + 34 * len(years), left=44, bottom=2, top=22)
    for n, name in enumerate(_MONTHS):
        plot.text(plot.x(n + 0.5), 14, name, "t", "middle")
    for line, year in enumerate(reversed(years)):
        plot.text(plot.left - 8, plot.y(line + 0.5) + 4, year, "t", "end")
        for month in range(12):
            name = f"{year}-{month + 1:02d}"
            if name not in found:
                plot.bar(month + 0.03, month + 0.97, line + 0.05, line + 0.95, "none", "no data")
                continue
            at, row = found[name]
            plot.bar(
                month + 0.03, month + 0.97, line + 0.05, line + 0.95, heat(row["return"], most),
                f"{name}: {money(row['net'])}", (f"months.{at}.return", row["return"]),
            )  # fmt: skip
            plot.text(
                plot.x(month + 0.5), plot.y(line + 0.5) + 4, percent(row["return"], places), "c",
                "middle", (f"months.{at}.return", row["return"]), kind,
            )  # fmt: skip
    return plot.svg("Return of each month")


def heat(value: float, most: float) -> str:
    """Class of a heat map's cell: sign and one of four strengths."""
    if abs(value) < 1e-15:
        return "h0"
    step = min(4, 1 + int(abs(value) / most * 3.999))
    return f"h{'p' if value > 0 else 'n'}{step}"


def calendar(doc: Doc) -> Markup:
    """Weeks by weekdays for runs of half a year at most: profit of each day."""
    ats, nets = doc["days"]["at"], doc["days"]["net"]
    if not ats or len(ats) > _CALENDAR_DAYS_MAX:
        return EMPTY
    first = ats[0] // DAY
    monday = first - dt.date.fromisoformat(date(ats[0])).weekday()
    weeks = (ats[-1] // DAY - monday) // 7 + 1
    most = max(abs(net) for net in nets) or 1
    cell = 18
    plot = Plot((0, weeks), (0, 7), 7 * cell + 24, max(60 + weeks * cell, 120), 44, 4, 20, 0)
    plot.right = plot.left + weeks * cell
    for n, name in ((6, "Mon"), (4, "Wed"), (2, "Fri"), (0, "Sun")):
        plot.text(plot.left - 6, plot.y(n + 0.5) + 4, name, "t", "end")
    marked = ""
    for n, (at, net) in enumerate(zip(ats, nets, strict=True)):
        week, day = divmod(at // DAY - monday, 7)
        words = f"{date(at)}: {money(net)}"
        place = (week + 0.06, week + 0.94, 6 - day + 0.06, 6 - day + 0.94)
        plot.bar(*place, heat(net, most), words, (f"days.net.{n}", net))
        month = date(at)[:7]
        if month != marked and week + 2 <= weeks + (marked == ""):
            plot.text(plot.x(week), 13, _MONTHS[int(month[5:]) - 1], "t")
            marked = month
    return plot.svg("Profit of each day", "calendar", style=f"max-width:{plot.width}px")


def sparkline(path: Doc, outcome: str, series: str) -> Markup:
    """Mids of a market around a trade, with a line at its entry. `series`: where they stand."""
    if len(path["at"]) < 2:
        return EMPTY
    mids = [None if mid is None else mid / ONE for mid in path["mid"]]
    plot = _timed(path["at"], around(mids, zero=False), 44)
    plot.width, plot.left, plot.right, plot.top, plot.bottom = 180, 2, 178, 4, 40
    x = plot.x(min(max(path["entry"], path["at"][0]), path["at"][-1]))
    plot.line(x, 2, x, 42, "entry")
    plot.path(list(zip(path["at"], mids, strict=True)), "s0", series)
    return plot.svg(f"Mid of {outcome.upper()} around the trade", "spark")
