"""Numbers, times and other people's text as alerts show them."""

import unicodedata
from datetime import UTC, datetime, tzinfo
from typing import Final

from dutchbook.domain.units import ONE, SECOND, plain

TITLE_MAX: Final = 200
MINUS: Final = "−"
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def clean(text: str, most: int = TITLE_MAX) -> str:
    """Text of others in one line: no control, no direction mark, no half character; bounded.

    What it says stays as it is; each channel escapes it in its own way.
    """
    # Four times the bound: enough to fill it, and a text of a megabyte costs nothing.
    head = text[: most * 4]
    kept = "".join(" " if c.isspace() else c for c in head if c.isspace() or _visible(c))
    short = " ".join(kept.split())
    return short if len(short) <= most and len(text) <= most * 4 else short[: most - 1] + "…"


def _visible(c: str) -> bool:
    return unicodedata.category(c) not in _HIDDEN


def usd(micros: int, *, sign: bool = False, digits: int = 2) -> str:
    """Dollars: 5_580_000 -> "$5.58"; with sign "+$5.58" and "−$5.58"."""
    cents = round_half_up(abs(micros), ONE // 10**digits)
    whole, part = divmod(cents, 10**digits)
    text = f"${whole:,}" + (f".{part:0{digits}d}" if digits else "")
    mark = MINUS if micros < 0 and cents else "+" if sign else ""
    return mark + text


def brief(micros: int, *, sign: bool = False) -> str:
    """Dollars without cents where there are none: "$100", "$100.40"."""
    return usd(micros, sign=sign, digits=0 if micros % ONE == 0 else 2)


def cents(micros: int, *, sign: bool = False) -> str:
    """A price or an edge: 31_000 -> "3.1¢"; one decimal, always."""
    tenths = round_half_up(abs(micros), 1_000)
    mark = MINUS if micros < 0 and tenths else "+" if sign else ""
    return f"{mark}{tenths // 10}.{tenths % 10}¢"


def cent(micros: int, *, sign: bool = False) -> str:
    """A price without the decimal where it has none: 340_000 -> "34¢"."""
    return cents(micros, sign=sign).replace(".0¢", "¢")


def share(part: int, of: int, *, sign: bool = False) -> str:
    """A share in percent with one decimal: "+2.3 %"."""
    tenths = round_half_up(abs(part) * 1_000, max(of, 1))
    mark = MINUS if part < 0 and tenths else "+" if sign else ""
    return f"{mark}{tenths // 10}.{tenths % 10} %"


def size(micros: int) -> str:
    """A number of contracts."""
    return plain(micros)


def round_half_up(value: int, step: int) -> int:
    """How many steps, rounded; for values of 0 and more."""
    return (2 * value + step) // (2 * step)


def moment(at: int, zone: tzinfo = UTC) -> datetime:
    """A time in ns as a local one, to the second."""
    return datetime.fromtimestamp(at // SECOND, zone)


def clock(at: int, zone: tzinfo = UTC) -> str:
    """Hours, minutes, seconds."""
    return moment(at, zone).strftime("%H:%M:%S")


def day(at: int, zone: tzinfo = UTC) -> str:
    """ "19 Mar": a day as people write it."""
    found = moment(at, zone)
    return f"{found.day} {_MONTHS[found.month - 1]}"


_MONTHS: Final = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip


def tag(mode: str) -> str:
    """What stands first in every alert: whose money it is about."""
    return f"[{mode.upper()}]"
