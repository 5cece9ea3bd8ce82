"""The page: every figure from report.json, nothing from outside, small, and safe with any text."""

import html as escapes
import json
import re
from html.parser import HTMLParser

import pytest
from markupsafe import escape

from dutchbook.report import html, metrics, terminal
from report_story import Story, hostile

SVG = {"rect", "circle"}


class Page(HTMLParser):
    """Collects figures with their text, scripts, ids and attributes."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.figures, self.tags, self.scripts, self.attributes = [], [], [], []
        self._figure = self._script = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if "data-figure" in found:
            self._figure = [tag, found, ""]
            self.figures.append(self._figure)
        if tag == "script":
            self._script = [found, ""]
            self.scripts.append(self._script)

    def handle_endtag(self, tag):
        if tag == "script":
            self._script = None
        if tag in ("span", "text"):
            self._figure = None

    def handle_data(self, data):
        if self._script is not None:
            self._script[1] += data
        elif self._figure is not None and self._figure[0] in ("span", "text"):
            self._figure[2] += data


@pytest.fixture(scope="module")
def month():
    """A month of 3,000 trades."""
    doc = metrics.document(Story(3_000, 31).record())
    return doc, html.page(doc)


@pytest.fixture(scope="module")
def nasty():
    doc = metrics.document(Story(40, 20, nasty=True).record())
    return doc, html.page(doc)


def test_every_figure_is_that_of_the_document(month):
    doc, text = month
    doc = json.loads(json.dumps(doc))
    figures = Page(text).figures
    for tag, found, shown in figures:
        value = html.at(doc, found["data-figure"])
        assert json.loads(found["data-value"]) == value, found["data-figure"]
        if tag not in SVG:
            assert shown == html.shown(found["data-kind"], value), found["data-figure"]
    paths = {found["data-figure"] for _, found, _ in figures}
    assert len(paths) > 500
    for wanted in ("summary.net", "summary.sharpe", "honesty.trials", "stress.orders.p95",
                   "waterfall.1.usd", "significance.permutation.p_value"):  # fmt: skip
        assert wanted in paths


def test_a_month_fits_into_a_megabyte_and_needs_nothing_from_outside(month, nasty):
    for _, text in (month, nasty):
        assert len(text.encode()) <= 1_000_000
        assert re.findall(r"(?i)\b[a-z][a-z0-9+.-]*://", text) == []
        assert re.findall(r"""(?i)(?:src|href|action)\s*=\s*["']?(?!#)[^"'\s>]+""", text) in (
            [], ["href = URL.createObjectURL(new"],
        )  # fmt: skip
        assert not {"link", "img", "iframe", "object", "embed", "base"} & set(Page(text).tags)
        assert "@import" not in text and "url(" not in text


def test_all_fourteen_sections_are_there(month):
    found = re.findall(r'<section id="s(\d+)"[^>]*><h2><small>(\d+)</small>', month[1])
    assert found == [(str(n), str(n)) for n in range(1, 15)]


def test_all_trades_are_in_the_page_as_they_are_in_the_document(month):
    doc, text = month
    packed = next(json.loads(s) for a, s in Page(text).scripts if a.get("id") == "trades")
    rows = [
        [packed["words"][v] if n in packed["wordy"] else v for n, v in enumerate(row)]
        for row in packed["rows"]
    ]
    assert rows[::-1] == doc["trades"]["rows"] and len(rows) == 3_000


def test_what_does_not_fit_is_left_out_and_said(month, monkeypatch):
    monkeypatch.setattr(html, "TRADES_BYTES_MAX", 20_000)
    text = html.page(month[0])
    packed = next(json.loads(s) for a, s in Page(text).scripts if a.get("id") == "trades")
    missing = 3_000 - len(packed["rows"])
    assert missing > 2_000 and f"The first {missing} trades do not fit" in text


def test_hostile_words_stay_words(nasty):
    """Titles, rules and reasons with tags, templates and formulas change nothing of the page."""
    text = nasty[1]
    page = Page(text)
    assert [a for a, _ in page.scripts] == [
        {"type": "application/json", "id": "curve"}, {"type": "application/json", "id": "trades"},
        {},
    ]  # fmt: skip
    assert "alert(" not in re.sub(r"&lt;|\\u003c", "", text).replace(
        "script&gt;alert(", ""
    ).replace("script\\u003ealert(", "")
    assert "{{ 7*7 }}" in escapes.unescape(text) and "\u202e" not in text
    assert str(escape("<script>alert(")) in text and "evil.example" in text
    assert not [a for a in page.attributes if a[1].startswith("on")]


def test_the_script_is_the_one_that_the_policy_names(month):
    import base64
    import hashlib

    page = Page(month[1])
    policy = next(v for t, n, v in page.attributes if t == "meta" and n == "content" and "src" in v)
    script = page.scripts[-1][1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy and "default-src 'none'" in policy


def test_an_empty_run_has_a_page():
    text = html.page(metrics.document(Story(0, 3).record(0)))
    assert "no trade was made" in text and text.count('class="empty"') > 8


def test_the_terminal_shows_four_tables_and_ends_with_the_verdict(nasty):
    from rich.console import Console

    console = Console(width=170, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(terminal.render(nasty[0], "runs/x"))
    lines = console.export_text().splitlines()
    wanted = ["RESULTS BY STRATEGY x CATEGORY", "OPEN/UNRESOLVED AT END", "EXIT/REJECT REASONS",
              "SUMMARY"]  # fmt: skip
    places = [next(n for n, line in enumerate(lines) if line.startswith(w)) for w in wanted]
    assert places == sorted(places)
    assert lines[-1] == "files: runs/x"
    assert any(line.startswith(f"verdict: {nasty[0]['verdict'][:40]}") for line in lines[-4:])
    assert hostile(0)[:12] in "\n".join(lines)
