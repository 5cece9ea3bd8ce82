"""Words of venues and people on their way into a report: bounded, printable, without addresses."""

import re
from typing import Final

_SCHEME: Final = re.compile(r"(?i)\b[a-z][a-z0-9+.-]{0,20}:/{2,}")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?", re.ASCII)


def clean(text: str, most: int = 200) -> str:
    """At most `most` characters; control, format and bidi characters become blanks.

    Addresses lose their scheme ("https://a.example" -> "a.example"), so that no report holds one.
    """
    shown = "".join(c if c.isprintable() or c == "\n" else " " for c in text[: most * 2])
    shown = _SCHEME.sub("", shown).replace("://", " ").strip()
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula: risky beginnings get an apostrophe.

    Plain numbers stay as they are. `uncell` takes the apostrophe off again.
    """
    if text.startswith("'") or (
        text.lstrip(" ").startswith(_FORMULA) and _NUMBER.fullmatch(text) is None
    ):
        return "'" + text
    return text


def uncell(text: str) -> str:
    """What `cell` was given."""
    return text[1:] if text.startswith("'") else text


def money(micros: int | None, sign: bool = True) -> str:
    """Dollars and cents, rounded half away from zero: 812_400_000 -> +$812.40."""
    if micros is None:
        return "–"
    cents = (abs(micros) + 5_000) // 10_000
    mark = "−" if micros < 0 and cents else "+" if sign and cents else ""
    return f"{mark}${cents // 100:,}.{cents % 100:02d}"


def percent(share: float | None, places: int = 1, sign: bool = False) -> str:
    """A share as percent: 0.081 -> 8.1 %. What rounds to nothing has no sign."""
    if share is None:
        return "–"
    text = f"{share * 100:{'+' if sign else ''}z,.{places}f}".replace("-", "−")
    bare = text.strip("+0.,") == ""
    return f"{text.lstrip('+') if bare else text} %"


def number(value: float | None, places: int = 2) -> str:
    """A plain number with so many places."""
    return "–" if value is None else f"{value:z,.{places}f}".replace("-", "−")


def cents(micros: float | None, places: int = 1) -> str:
    """A price: 440_000 -> 44.0¢."""
    return "–" if micros is None else f"{micros / 10_000:z,.{places}f}¢".replace("-", "−")


def count(n: int | None) -> str:
    """A whole number with separators."""
    return "–" if n is None else f"{n:,}".replace("-", "−")


def size(micros: int | None) -> str:
    """Contracts: 180_000_000 -> 180; at most two places."""
    if micros is None:
        return "–"
    return f"{micros / 1_000_000:,.2f}".rstrip("0").rstrip(".")
