"""No figure of the page but from the document: texts, bars, dots, lines, tooltips, scripts."""

import json
import math
import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from dutchbook.report import html, metrics, text
from report_story import Story

STATIC = {
    "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14",
    "Intervals are 95 %: stationary bootstrap over days, Wilson for the hit rate.",
    "observations, from", "; whiskers: 95 %.",
    "random orders: P5", ", P50", ", P95",
}  # fmt: skip
"""What the template says with digits that are no figures of a run."""


class Page(HTMLParser):
    """Texts outside of figures, and charts with their marks."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.loose, self.charts, self.scripts = [], [], {}
        self._open, self._mark = [], None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag in ("meta", "br", "input", "hr"):
            return
        self._open.append((tag, found))
        if tag == "svg":
            self.charts.append({"label": found["aria-label"], "marks": []})
        elif self.charts and any(name == "svg" for name, _ in self._open):
            if tag == "title":
                return
            self._mark = [tag, found, "", ""]
            self.charts[-1]["marks"].append(self._mark)

    def handle_endtag(self, tag):
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        names = [tag for tag, _ in self._open]
        if "script" in names:
            self.scripts[self._open[-1][1].get("id", "page")] = data
        elif "svg" in names:
            self._mark[3 if names[-1] == "title" else 2] += data
        elif not self._covered() and data.strip():
            self.loose.append(data.strip())

    def _covered(self):
        """In a figure, in venue text that is quoted whole, or no text that is shown."""
        return any(
            "data-figure" in found or found.get("class") == "rules" or found.get("id") == "s14"
            or tag in ("style", "title", "footer", "nav")
            for tag, found in self._open
        )  # fmt: skip


@pytest.fixture(scope="module", params=["month", "nasty", "losses", "few"])
def drawn(request):
    record = {
        "month": lambda: Story(900, 31).record(),
        "nasty": lambda: Story(60, 20, nasty=True).record(),
        "losses": lambda: losing(Story(50, 12).record()),
        "few": lambda: Story(3, 2).record(),
    }[request.param]()
    doc = json.loads(json.dumps(metrics.document(record)))
    return doc, Page(html.page(doc))


def losing(record):
    """The same trades, all of them at a loss: bars hang from a zero line at the top."""
    from msgspec.structs import replace

    trades = [
        replace(t, gross=-abs(t.gross) - 10, net=-abs(t.gross) - 10 - (t.gross - t.net))
        for t in record.trades
    ]
    return replace(record, trades=tuple(trades))


def test_a_figure_that_is_written_is_one_of_the_document(drawn):
    """Every text with a digit in it is in an element that names its place in the document."""
    assert len(drawn[1].loose) > 150
    loose = [one for one in drawn[1].loose if re.search(r"[0-9]", one)]
    assert not [one for one in loose if " ".join(one.split()) not in STATIC]


def test_a_text_in_a_chart_is_a_figure_or_of_an_axis(drawn):
    doc, page = drawn
    written = 0
    for chart in page.charts:
        for tag, found, shown, _ in chart["marks"]:
            if tag != "text":
                continue
            if "data-figure" not in found:
                assert found["class"] in ("t", "n"), (chart["label"], shown)
                continue
            value = html.at(doc, found["data-figure"])
            assert json.loads(found["data-value"]) == value
            assert shown == html.shown(found["data-kind"], value), found["data-figure"]
            written += 1
    assert written > 10


def test_what_a_tooltip_says_is_the_figure_of_its_mark(drawn):
    doc, page = drawn
    for chart in page.charts:
        for tag, found, _, title in chart["marks"]:
            if tag not in ("rect", "circle"):
                continue
            if "data-figure" not in found:
                assert title == "no data", chart["label"]
                continue
            value = html.at(doc, found["data-figure"])
            assert json.loads(found["data-value"]) == value
            if found["data-figure"].startswith("months."):
                value = html.at(doc, found["data-figure"].replace("return", "net"))
            if found["data-figure"].endswith(".bias"):
                value = html.at(doc, found["data-figure"].replace("bias", "happened"))
            forms = {html.shown(k, value) for k in html.KINDS if _writes(k, value)}
            assert any(one in title for one in forms | {str(value)}), (title, value)


def _writes(kind, value):
    try:
        return html.shown(kind, value) != ""
    except (TypeError, ValueError, OverflowError, AttributeError):
        return False


HEAT = ("Return of each month", "Profit of each day")


def test_bars_are_as_long_as_their_figures(drawn):
    """In one chart all lengths are the same multiple of their figures (or of their logarithm)."""
    doc, page = drawn
    charts = 0
    for chart in page.charts:
        bars = [(f, html.at(doc, f["data-figure"])) for t, f, _, _ in chart["marks"]
                if t == "rect" and "data-figure" in f and chart["label"] not in HEAT]  # fmt: skip
        if not bars:
            continue
        lying = len({found["height"] for found, _ in bars}) == 1 and len(
            {found["y"] for found, _ in bars}
        ) == len(bars)
        measure = (lambda v: math.log10(v + 1)) if "filled" in chart["label"] else abs
        side, least = ("width", 1.0) if lying and len(bars) > 1 else ("height", 0.8)
        sizes = [(float(found[side]), measure(value)) for found, value in bars]
        longest = max(sizes, key=lambda one: one[1])
        assert longest[1] > 0, chart["label"]
        for size, value in sizes:
            wanted = max(least, longest[0] * value / longest[1])
            assert size == pytest.approx(wanted, abs=0.5), (chart["label"], value)
        charts += 1
    assert charts >= 4


def test_cells_of_the_calendars_have_the_colour_of_their_sign(drawn):
    doc, page = drawn
    cells = [(f, html.at(doc, f["data-figure"])) for chart in page.charts
             for t, f, _, _ in chart["marks"]
             if chart["label"] in HEAT and t == "rect" and "data-figure" in f]  # fmt: skip
    months = [found for found, _ in cells if found["data-figure"].startswith("months.")]
    assert len(months) == len(doc["months"])
    for found, value in cells:
        sign = "h0" if not value else "hp" if value > 0 else "hn"
        assert found["class"].startswith(sign), (found, value)


def _series(doc, path):
    """Times and values of a line, as the document has them."""
    if path == "equity":
        parts = zip(*(doc["equity"][n] for n in ("realised", "locked", "unrealised")), strict=True)
        return doc["equity"]["at"], [sum(part) for part in parts]
    owner = html.at(doc, path.rpartition(".")[0])
    return owner["at"], html.at(doc, path)


def test_lines_run_through_their_figures(drawn):
    """Every known point of a series is drawn, in its place between the first and the last."""
    doc, page = drawn
    drawn_series = set()
    for chart in page.charts:
        for tag, found, _, _ in chart["marks"]:
            if tag != "path" or "data-series" not in found:
                continue
            path = found["data-series"]
            ats, values = _series(doc, path)
            known = [(at, v) for at, v in zip(ats, values, strict=True) if v is not None]
            points = [tuple(map(float, xy)) for xy in
                      re.findall(r"[ML](-?[0-9.]+) (-?[0-9.]+)", found["d"])]  # fmt: skip
            if "area" in found["class"]:
                points = points[1:-1]
            assert len(points) == len(known), path
            for axis, places in ((0, [at for at, _ in known]), (1, [v for _, v in known])):
                _affine([point[axis] for point in points], places, path)
            drawn_series.add(path)
    assert {"equity", "equity.drawdown", "equity.in_use"} <= drawn_series


def _affine(drawn_at, values, path):
    """Pixels are one linear function of the values, up to their rounding to a tenth."""
    low, high = min(values), max(values)
    if low == high:
        assert max(drawn_at) - min(drawn_at) <= 0.11, path
        return
    first, last = drawn_at[values.index(low)], drawn_at[values.index(high)]
    for pixel, value in zip(drawn_at, values, strict=True):
        wanted = first + (last - first) * (value - low) / (high - low)
        assert pixel == pytest.approx(wanted, abs=0.25), (path, value)


def test_dots_stand_at_their_figures(drawn):
    doc, page = drawn
    for chart in page.charts:
        dots = [(float(f["cy"]), html.at(doc, f["data-figure"])) for t, f, _, _ in chart["marks"]
                if t == "circle"]  # fmt: skip
        if dots:
            _affine([y for y, _ in dots], [value for _, value in dots], chart["label"])
            ordered = sorted(dots, key=lambda one: one[1])
            assert all(a[0] >= b[0] for a, b in pairwise(ordered)), "more is higher"


def test_no_text_of_a_chart_is_cut_off_at_its_top(drawn):
    for chart in drawn[1].charts:
        texts = [(float(f["y"]), shown) for t, f, shown, _ in chart["marks"] if t == "text"]
        assert all(y >= 11 for y, _ in texts), (chart["label"], min(texts))


def test_what_the_scripts_show_is_in_the_document(drawn):
    doc, page = drawn
    assert json.loads(page.scripts["curve"]) == doc["equity"]
    packed = json.loads(page.scripts["trades"])
    rows = [[packed["words"][v] if n in packed["wordy"] else v for n, v in enumerate(row)]
            for row in packed["rows"]]  # fmt: skip
    assert packed["columns"] == doc["trades"]["columns"] and rows[::-1] == doc["trades"]["rows"]


def test_what_rounds_to_nothing_has_no_sign():
    for value in (-0.0, -0.0004, 0.0004, 0.0):
        assert text.percent(value) == text.percent(value, sign=True) == "0.0 %"
    assert text.percent(-0.0006) == "−0.1 %" and text.percent(0.0006, sign=True) == "+0.1 %"
    assert text.number(-0.001) == "0.00" and text.cents(-100.0) == "0.0¢"
