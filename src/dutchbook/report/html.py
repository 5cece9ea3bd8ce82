"""One file that opens anywhere: the report as HTML with its style, charts, script and trades in it.

Every figure is written by `fig`, which takes it from the document by its path and leaves both in
the page (`data-figure`, `data-value`). No address is in the page; its script is named by hash in
a content policy that forbids everything else. Venue text is escaped by the template.
"""

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from dutchbook.report import barcharts, charts
from dutchbook.report.daily import date, moment
from dutchbook.report.glossary import GLOSSARY
from dutchbook.report.text import cents, count, money, number, percent, size

PAGE: Final = Path(__file__).parent / "page"
TRADES_BYTES_MAX: Final = 600_000
"""Room for trades in a page of 1 MB; what does not fit is in the exports."""
_WORDS: Final = ("strategy", "kind", "category", "venues", "title", "ending", "why")
Doc = dict[str, Any]

KINDS: Final[dict[str, Callable[[Any], str]]] = {
    "usd": money,
    "cost": lambda v: money(v, sign=False),
    "pct": percent,
    "pct0": lambda v: percent(v, 0),
    "pct3": lambda v: percent(v, 3),
    "move": lambda v: percent(v, sign=True),
    "num": number,
    "num1": lambda v: number(v, 1),
    "num3": lambda v: number(v, 3),
    "cents": cents,
    "cents2": lambda v: cents(v, 2),
    "count": count,
    "size": size,
    "ms": lambda v: f"{number(v / 1e6, 1)} ms",
    "upper": lambda v: str(v).upper(),
    "edge": lambda v: percent(v / 1e6, 2),
    "date": lambda v: date(v) if v else "–",
    "moment": lambda v: moment(v) if v else "–",
    "text": lambda v: "–" if v is None or v == "" else str(v),
}
_SIGNED: Final = ("usd", "move")


def at(doc: Any, path: str) -> Any:
    """What stands at a dotted path; numbers are places in lists."""
    for name in path.split("."):
        doc = doc[int(name)] if isinstance(doc, list) else doc[name]
    return doc


def shown(kind: str, value: Any) -> str:
    """How a figure is written."""
    return "–" if value is None else KINDS[kind](value)


def page(doc: Doc) -> str:
    """The HTML file of a document of `metrics.document`."""
    script = (PAGE / "page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    environment = Environment(
        loader=FileSystemLoader(PAGE), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip

    def fig(path: str, kind: str = "text") -> Markup:
        value = at(doc, path)
        tone = ""
        if kind in _SIGNED and isinstance(value, int | float) and value:
            tone = " up" if value > 0 else " down"
        raw = escape(msgspec.json.encode(value).decode())
        text = escape(shown(kind, value))
        return Markup(
            f'<span class="f{tone}" data-figure="{escape(path)}" data-kind="{kind}" '
            f'data-value="{raw}">{text}</span>'
        )

    packed, left_out = pack(doc["trades"])
    return environment.get_template("report.html").render(
        doc=doc, fig=fig, charts=charts, bars=barcharts, glossary=GLOSSARY,
        style=Markup((PAGE / "style.css").read_text(encoding="utf-8")),
        script=Markup(script), digest=digest, trades=Markup(packed), left_out=left_out,
        hover=Markup(inline({name: doc["equity"][name] for name in doc["equity"]})),
    )  # fmt: skip


def inline(value: Any) -> str:
    """JSON that may stand in a script element: no end tag and no comment can be in it."""
    text = msgspec.json.encode(value).decode()
    for mark in "<>&\u2028\u2029":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return text


def pack(table: Doc) -> tuple[str, int]:
    """Trades as JSON with repeated words in one list; returns how many early ones did not fit."""
    columns = table["columns"]
    wordy = [n for n, name in enumerate(columns) if name in _WORDS]
    words: dict[str, int] = {}
    rows: list[list[Any]] = []
    used = 0
    for row in reversed(table["rows"]):
        short = list(row)
        for n in wordy:
            if row[n] not in words:
                used += len(inline(row[n])) + 1
            short[n] = words.setdefault(row[n], len(words))
        used += len(inline(short)) + 1
        if used > TRADES_BYTES_MAX:
            break
        rows.append(short)
    packed = {"columns": columns, "wordy": wordy, "words": list(words), "rows": rows}
    return inline(packed), len(table["rows"]) - len(rows)
