"""The charts of categories: waterfall, calibration, deciles, decay, payouts, stress, funnel."""

import math
from typing import Any

from markupsafe import Markup

from dutchbook.domain.units import ONE
from dutchbook.report.charts import EMPTY, short
from dutchbook.report.svg import Plot, around, tag
from dutchbook.report.text import cents, count, money, percent

Doc = dict[str, Any]


def waterfall(doc: Doc) -> Markup:
    """From gross to net: each cost hangs from where the one before ended."""
    steps = doc["waterfall"]
    if not any(step["usd"] for step in steps):
        return EMPTY
    names = [step["name"].replace("_", " ") for step in steps]
    spans, level = [], 0.0
    for step in steps[:-1]:
        after = level + step["usd"] / ONE
        spans.append((level, after))
        level = after
    spans.append((0.0, steps[-1]["usd"] / ONE))
    # Room above for the amounts: those of losses stand on the zero line, at the top.
    plot = Plot((0, len(steps)), around([v for span in spans for v in span]), 230, top=22)
    plot.y_axis(short)
    plot.x_names(names)
    for n, (low, high) in enumerate(spans):
        whole = n in (0, len(spans) - 1)
        kind = "s0" if whole else "pos" if high > low else "neg"
        usd = steps[n]["usd"]
        figure = (f"waterfall.{n}.usd", usd)
        plot.bar(n + 0.18, n + 0.82, low, high, kind, f"{names[n]} {money(usd)}", figure)
        y = plot.y(max(low, high)) - 5
        plot.text(plot.x(n + 0.5), y, money(usd), "v", "middle", figure, "usd")
        if n < len(spans) - 1:
            plot.line(plot.x(n + 0.82), plot.y(high), plot.x(n + 1.18), plot.y(high), "link")
    return plot.svg("Profit from gross to net")


def calibration(doc: Doc) -> Markup:
    """Claimed against happened, with 95 % intervals; the diagonal is perfect."""
    rows = doc["foresight"]["calibration"]
    if not any(row["n"] for row in rows):
        return EMPTY
    plot = Plot((0, 1), (0, 1), 330, 400, 46, 34, right=24)
    plot.y_axis(lambda v: percent(v, 0), only=[0, 0.25, 0.5, 0.75, 1])
    for value in (0, 0.25, 0.5, 0.75, 1):
        plot.text(plot.x(value), plot.bottom + 15, percent(value, 0), "t", "middle")
    plot.text(plot.x(0.5), plot.bottom + 30, "claimed probability", "t", "middle")
    plot.line(plot.x(0), plot.y(0), plot.x(1), plot.y(1), "ideal")
    most = max(row["n"] for row in rows)
    for n, row in enumerate(rows):
        if not row["n"]:
            continue
        x = plot.x(row["claimed"])
        plot.line(x, plot.y(row["low"]), x, plot.y(row["high"]), "whisker")
        words = (
            f"claimed {percent(row['claimed'])}, happened {percent(row['happened'])}"
            f" of {count(row['n'])}"
        )
        figure = (f"foresight.calibration.{n}.happened", row["happened"])
        size = 3 + 5 * math.sqrt(row["n"] / most)
        plot.dot(row["claimed"], row["happened"], size, "s0", words, figure)
    return plot.svg("Calibration curve", "small")


def deciles(doc: Doc) -> Markup:
    """How much more often than its price each decile of prices paid."""
    rows = doc["foresight"]["deciles"]["rows"]
    if not any(row["n"] for row in rows):
        return EMPTY
    reach = [row["bias"] for row in rows]
    reach += [row[side] - row["claimed"] for row in rows if row["n"] for side in ("low", "high")]
    plot = Plot((0, len(rows)), around(reach), 330, 400, 50, 34, right=24)
    plot.y_axis(lambda v: percent(v, 0))
    for n in range(0, len(rows) + 1, 2):
        plot.text(plot.x(n), plot.bottom + 15, f"{n * 10}¢", "t", "middle")
    plot.text(plot.x(5), plot.bottom + 30, "price of the outcome", "t", "middle")
    for n, row in enumerate(rows):
        if not row["n"]:
            continue
        words = f"price {percent(row['claimed'])}, paid {percent(row['happened'])}, n {row['n']}"
        figure = (f"foresight.deciles.rows.{n}.bias", row["bias"])
        kind = "pos" if row["bias"] > 0 else "neg"
        plot.bar(n + 0.15, n + 0.85, 0, row["bias"], kind, words, figure)
        x = plot.x(n + 0.5)
        low, high = row["low"] - row["claimed"], row["high"] - row["claimed"]
        plot.line(x, plot.y(low), x, plot.y(high), "whisker")
    return plot.svg("Favourite-longshot bias by price decile", "small")


def _span(seconds: float) -> str:
    for size, name in ((3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:g} {name}"
    return f"{seconds:g} s"


def decay(doc: Doc) -> Markup:
    """Edge left at each span after the signal."""
    rows = doc["foresight"]["decay"]
    if not rows:
        return EMPTY
    plot = Plot((0, len(rows)), around([row["edge"] for row in rows]), 210, 400, 50)
    plot.y_axis(lambda v: percent(v, 1))
    plot.x_names([_span(row["seconds"]) for row in rows])
    plot.path([(n + 0.5, row["edge"]) for n, row in enumerate(rows)], "s0")
    for n, row in enumerate(rows):
        words = f"{_span(row['seconds'])}: {percent(row['edge'], 2)} left of {row['n']} signals"
        plot.dot(n + 0.5, row["edge"], 4, "s0", words, (f"foresight.decay.{n}.edge", row["edge"]))
    return plot.svg("Edge left after the signal", "small")


def payouts(doc: Doc) -> Markup:
    """Money that came back and money that is due, by date."""
    rows = doc["foresight"]["payouts"]["rows"]
    if not rows:
        return EMPTY
    top = around([(row["back"] + row["due"]) / ONE for row in rows])
    plot = Plot((0, len(rows)), top, 210, 400, 50)
    plot.y_axis(short, 4)
    step = max(1, -(-len(rows) // 5))
    for n, row in enumerate(rows):
        back, due = row["back"] / ONE, row["due"] / ONE
        for low, high, name, kind in ((0.0, back, "back", "s0"), (back, back + due, "due", "s3")):
            if high != low:
                words = f"from {row['from']}: {money(row[name], sign=False)} {name}"
                figure = (f"foresight.payouts.rows.{n}.{name}", row[name])
                plot.bar(n + 0.1, n + 0.9, low, high, kind, words, figure)
        if n % step == 0:
            plot.text(plot.x(n + 0.5), plot.bottom + 16, row["from"][5:], "t", "middle")
    return plot.svg("Payout calendar", "small")


def lying(
    rows: list[tuple[str, float, str, str, tuple[str, Any]]], label: str, written: str
) -> Markup:
    """Horizontal bars: (name, value, words at its end, class, figure); how figures are written."""
    if not rows:
        return EMPTY
    line, left = 24, 232
    low, high = around([value for _, value, _, _, _ in rows])
    height = line * len(rows) + 8
    plot = Plot((low, high), (0, 1), height, left=left, bottom=2, top=2, right=104)
    zero = plot.x(min(max(0.0, low), high))
    for n, (name, value, words, kind, figure) in enumerate(rows):
        y = 4 + n * line
        end = plot.x(value)
        plot.text(left - 10, y + 15, name, "n", "end")
        plot.marks.append(
            tag(
                "rect", tag("title", f"{Markup.escape(name)}: {Markup.escape(words)}"), figure,
                x=min(zero, end), y=y + 3, width=max(1, round(abs(end - zero), 1)), height=line - 8,
                rx=2, class_=kind,
            )
        )  # fmt: skip
        plot.text(max(zero, end) + 6, y + 15, words, "v", "start", figure, written)
    plot.line(zero, 2, zero, height - 2, "zero")
    return plot.svg(label)


def stress(doc: Doc) -> Markup:
    """Net under each changed assumption."""
    rows = []
    for n, bar in enumerate(doc["stress"]["bars"]):
        kind = "s0" if n == 0 else "pos" if bar["net"] > 0 else "neg"
        figure = (f"stress.bars.{n}.net", bar["net"])
        rows.append((bar["label"][:34], bar["net"] / ONE, money(bar["net"]), kind, figure))
    return lying(rows, "Net profit under stress", "usd")


def funnel(doc: Doc) -> Markup:
    """From seen to filled, on a scale of logarithms: stages differ by orders of magnitude."""
    rows = []
    for n, row in enumerate(doc["funnel"]):
        size = math.log10(row["n"] + 1)
        rows.append((row["name"][:34], size, count(row["n"]), "s0", (f"funnel.{n}.n", row["n"])))
    return lying(rows, "Decisions from seen to filled", "count")


def adverse(doc: Doc) -> Markup:
    """Mean move against us after a fill."""
    rows = [row for row in doc["execution"]["adverse"] if row["move"] is not None]
    if not rows:
        return EMPTY
    plot = Plot((0, len(rows)), around([row["move"] / 10_000 for row in rows]), 190, 400, 50)
    plot.y_axis(lambda v: f"{v:.2g}¢".replace("-", "−"), 4)
    plot.x_names([row["name"] for row in rows])
    for n, row in enumerate(rows):
        kind = "neg" if row["move"] > 0 else "pos"
        place = next(i for i, r in enumerate(doc["execution"]["adverse"]) if r is row)
        figure = (f"execution.adverse.{place}.move", row["move"])
        words = f"{row['name']}: {cents(row['move'], 2)} over {row['n']} fills"
        plot.bar(n + 0.25, n + 0.75, 0, row["move"] / 10_000, kind, words, figure)
    return plot.svg("Adverse move after fills", "small")
