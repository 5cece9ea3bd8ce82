"""A small plot: scales, axes, and the marks that the report's charts are drawn with, as SVG text.

Colours come from the page's style by class, so that one drawing serves light and dark. Texts are
escaped. A mark may carry the path of its figure in `report.json` (`data-figure`), a text besides
how it is written (`data-kind`), and a line which figures it runs through (`data-series`).
"""

import json
import math
from collections.abc import Sequence
from typing import Any, Final

from markupsafe import Markup, escape

from dutchbook.domain.units import DAY, SECOND
from dutchbook.report.daily import date, moment

WIDTH: Final = 840
Pair = tuple[float, float]
_STEPS: Final = tuple(
    s * SECOND for s in (1, 5, 15, 60, 300, 900, 3_600, 10_800, 21_600, 43_200, 86_400)
)
"""Distances of marks on an axis of less than three days."""


def tag(name: str, text: str = "", figure: tuple[str, Any] | None = None, **more: object) -> str:
    """One element; attributes are escaped, `_` in their names is `-`."""
    parts = [f' {key.rstrip("_").replace("_", "-")}="{escape(v)}"' for key, v in more.items()]
    if figure is not None:
        path, value = figure
        parts.append(f' data-figure="{escape(path)}" data-value="{escape(json.dumps(value))}"')
    return f"<{name}{''.join(parts)}>{text}</{name}>"


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round values that cover the span: steps of 1, 2, 2.5 or 5 times a power of ten."""
    if high <= low:
        return [low]
    rough = (high - low) / most
    power: float = 10.0 ** math.floor(math.log10(rough))
    step = next((m * power for m in (1, 2, 2.5, 5) if m * power >= rough), 10 * power)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [n * step for n in range(first, last + 1)]


def around(values: Sequence[float | None], zero: bool = True) -> Pair:
    """A span that holds all values (and zero), with a little room, never empty."""
    known = [value for value in values if value is not None] + ([0.0] if zero else [])
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    room = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
    return (low if zero and low == 0 else low - room), (high if zero and high == 0 else high + room)


class Plot:
    """A drawing area with scales; marks are added, `svg` gives the whole."""

    def __init__(
        self, xs: Pair, ys: Pair, height: int = 200, width: int = WIDTH, left: int = 58,
        bottom: int = 24, top: int = 10, right: int = 12,
    ) -> None:  # fmt: skip
        self.xs, self.ys = xs, ys
        self.width, self.height = width, height
        self.left, self.right = left, width - right
        self.top, self.bottom = top, height - bottom
        self.marks: list[str] = []

    def x(self, value: float) -> float:
        low, high = self.xs
        share = (value - low) / (high - low) if high > low else 0.5
        return round(self.left + share * (self.right - self.left), 1)

    def y(self, value: float) -> float:
        low, high = self.ys
        share = (value - low) / (high - low) if high > low else 0.5
        return round(self.bottom - share * (self.bottom - self.top), 1)

    def text(
        self, x: float, y: float, words: str, class_: str = "t", anchor: str = "start",
        figure: tuple[str, Any] | None = None, kind: str = "",
    ) -> None:  # fmt: skip
        more: dict[str, Any] = {"data_kind": kind} if figure is not None else {}
        self.marks.append(
            tag("text", str(escape(words)), figure, x=x, y=y, class_=class_, text_anchor=anchor,
                **more)
        )  # fmt: skip

    def line(self, x1: float, y1: float, x2: float, y2: float, class_: str) -> None:
        self.marks.append(tag("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_))

    def y_axis(self, write: Any, most: int = 5, only: Sequence[float] | None = None) -> None:
        """Grid lines with their values; the zero line is stronger."""
        for value in ticks(*self.ys, most) if only is None else only:
            y = self.y(value)
            self.line(self.left, y, self.right, y, "zero" if abs(value) < 1e-12 else "grid")
            self.text(self.left - 6, y + 4, write(value), "t", "end")

    def x_days(self, most: int = 6) -> None:
        """Dates under a time axis, at whole days; hours and minutes where it shows few days."""
        if self.xs[1] - self.xs[0] < 3 * DAY:
            self._hours(most)
            return
        first, last = math.ceil(self.xs[0] / DAY), math.floor(self.xs[1] / DAY)
        step = max(1, -(-(last - first) // most))
        for day in range(first, last + 1, step):
            x = self.x(day * DAY)
            if x <= self.right - 14:
                self.line(x, self.bottom, x, self.bottom + 4, "tick")
                self.text(x, self.bottom + 16, date(day * DAY)[5:], "t", "middle")

    def _hours(self, most: int) -> None:
        reach = self.xs[1] - self.xs[0]
        step = next((s for s in _STEPS if reach / s <= most), _STEPS[-1])
        at = -(-self.xs[0] // step) * step
        while at <= self.xs[1]:
            x = self.x(at)
            if x <= self.right - 18:
                words = moment(int(at))
                shown = words[11:] if step < 60 * SECOND else words[11:16]
                shown = words[5:10] if at % DAY == 0 else shown
                self.line(x, self.bottom, x, self.bottom + 4, "tick")
                self.text(x, self.bottom + 16, shown, "t", "middle")
            at += step

    def x_names(self, names: Sequence[str]) -> None:
        """Names under the middles of as many equal columns."""
        for n, name in enumerate(names):
            self.text(self.x(n + 0.5), self.bottom + 16, name, "t", "middle")

    def path(
        self, points: Sequence[tuple[float, float | None]], class_: str, series: str = ""
    ) -> None:
        """A line through points; it breaks where a value is not known."""
        parts, pen = [], "M"
        for x, value in points:
            if value is None:
                pen = "M"
                continue
            parts.append(f"{pen}{self.x(x):g} {self.y(value):g}")
            pen = "L"
        more: dict[str, Any] = {"data_series": series} if series else {}
        self.marks.append(tag("path", d="".join(parts), class_=f"line {class_}", **more))

    def area(self, points: Sequence[Pair], class_: str, series: str = "") -> None:
        """The area between a line and zero."""
        if not points:
            return
        base = self.y(min(max(0.0, self.ys[0]), self.ys[1]))
        body = "".join(f"L{self.x(x):g} {self.y(value):g}" for x, value in points)
        start, end = self.x(points[0][0]), self.x(points[-1][0])
        more: dict[str, Any] = {"data_series": series} if series else {}
        d = f"M{start:g} {base:g}{body}L{end:g} {base:g}Z"
        self.marks.append(tag("path", d=d, class_=f"area {class_}", **more))

    def bar(
        self, x1: float, x2: float, low: float, high: float, class_: str, title: str,
        figure: tuple[str, Any] | None = None,
    ) -> None:  # fmt: skip
        """A column from x1 to x2 (in x units) between two values, with a tooltip."""
        top, foot = self.y(max(low, high)), self.y(min(low, high))
        self.marks.append(
            tag(
                "rect", tag("title", str(escape(title))), figure, x=self.x(x1), y=top,
                width=max(0.5, round(self.x(x2) - self.x(x1), 1)),
                height=max(0.8, round(foot - top, 1)), rx=2, class_=class_,
            )
        )  # fmt: skip

    def dot(
        self, x: float, y: float, r: float, class_: str, title: str,
        figure: tuple[str, Any] | None = None,
    ) -> None:  # fmt: skip
        self.marks.append(
            tag(
                "circle", tag("title", str(escape(title))), figure, cx=self.x(x), cy=self.y(y),
                r=round(r, 1), class_=class_,
            )
        )  # fmt: skip

    def svg(self, label: str, class_: str = "", style: str = "") -> Markup:
        """The whole drawing; `label` says to a screen reader what it shows."""
        return Markup(
            tag(
                "svg", "".join(self.marks), viewBox=f"0 0 {self.width} {self.height}", role="img",
                aria_label=label, class_=f"plot {class_}".strip(), style=style,
            )
        )  # fmt: skip
