"""Dates, deadlines, windows and hours in a title, as terms that can be compared."""

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import date, timedelta
from typing import Final, Literal

import msgspec

Kind = Literal["by", "in", "on", "week", "season", "after"]

NAMES: Final = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
MONTHS: Final[dict[str, int]] = {
    form: n for n, name in enumerate(NAMES, 1) for form in (name, name[:3])
} | {"sept": 9}
MONTH = "(?P<{0}>" + "|".join(sorted(MONTHS, key=len, reverse=True)) + r")\b\.?"
YEAR = r"(?P<{0}>20\d\d)(?![\d%])"
DAY = r"(?P<{0}>[0-3]?\d)(?:st|nd|rd|th)?(?![\d:.%])"
ZONE = r"(?P<zone>e[ds]?t|eastern|utc|gmt|c[ds]?t|p[ds]?t)\b"
HOURS: Final = (
    re.compile(
        r"(?:\bat\s+|,\s*)?\b(?P<hour>[01]?\d|2[0-3])(?::(?P<minute>[0-5]\d))?\s?"
        r"(?P<half>[ap]\.?m\b\.?)(?:\s+" + ZONE + ")?"
    ),
    re.compile(r"(?:\bat\s+)?\b(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)\s+" + ZONE),
    re.compile(r"\bat\s+(?P<noon>noon|midnight)\b(?:\s+" + ZONE + ")?"),
)
ZONES: Final = {"e": "ET", "u": "UTC", "g": "UTC", "c": "CT", "p": "PT"}


class When(msgspec.Struct, frozen=True, order=True):
    """A period or deadline. A field that the text leaves out is 0.

    `by` holds the last day included; `week` the first day; `season` ends in `year`.
    """

    kind: Kind
    year: int = 0
    month: int = 0
    day: int = 0

    def days(self, year: int = 0) -> tuple[date, date] | None:
        """First and last day, the year taken from elsewhere where the text names none."""
        year = self.year or year
        if not year or self.kind in ("season", "after"):
            return None
        try:
            if self.kind == "week":
                first = date(year, self.month, self.day)
                return first, first + timedelta(days=6)
            if self.kind == "by":
                return date.min, date(year, self.month, self.day)
            last_month = self.month or 12
            last = self.day or monthrange(year, last_month)[1]
            return date(year, self.month or 1, self.day or 1), date(year, last_month, last)
        except ValueError:
            return None


def _before(found: re.Match[str]) -> When | None:
    year, month, day = _numbers(found)
    month, day = month or 1, day or 1
    try:
        last = date(year or 2001, month, day) - timedelta(days=1)
    except ValueError:
        return None
    shown = last.year if year else 0
    return When("by", shown, last.month, last.day)


def _by(found: re.Match[str]) -> When | None:
    year, month, day = _numbers(found)
    if not month:
        return When("by", year, 12, 31)
    try:
        last = day or monthrange(year or 2001, month)[1]
        date(year or 2000, month, last)
    except ValueError:
        return None
    return When("by", year, month, last)


def _in(kind: Kind) -> Callable[[re.Match[str]], When | None]:
    def make(found: re.Match[str]) -> When | None:
        year, month, day = _numbers(found)
        try:
            date(year or 2000, month or 1, day or 1)
        except ValueError:
            return None
        return When(kind, year, month, day)

    return make


def _numbers(found: re.Match[str]) -> tuple[int, int, int]:
    parts = found.groupdict()
    return (
        int(parts.get("year") or 0),
        MONTHS.get(parts.get("month") or "", 0),
        int(parts.get("day") or 0),
    )


def _season(found: re.Match[str]) -> When | None:
    first, last = int(found["year"]), int(found["next"])
    return When("season", first + 1) if (first + 1) % 100 == last % 100 else None


def _iso(found: re.Match[str]) -> When | None:
    try:
        day = date(int(found["year"]), int(found["m"]), int(found["day"]))
    except ValueError:
        return None
    return When("on", day.year, day.month, day.day)


M, Y, D = MONTH.format("month"), YEAR.format("year"), DAY.format("day")
DATE = rf"{M}\s+{D},?\s+(?:of\s+)?{Y}"
PATTERNS: Final = tuple(
    (re.compile(pattern), make)
    for pattern, make in (
        (rf"\b{Y}\s?[-–/]\s?(?P<next>(?:20)?\d\d)\b(?!-)(?:\s+(?:regular\s+)?season)?", _season),
        (r"\b(?P<year>20\d\d)-(?P<m>\d\d)-(?P<day>\d\d)\b", _iso),
        (rf"\bweek of\s+{M}\s+{D}(?:,?\s+{Y})?", _in("week")),
        (rf"\b(?:before|prior to)\s+{DATE}", _before),
        (rf"\b(?:before|prior to)\s+{M}\s+{Y}", _before),
        (rf"\b(?:before|prior to)\s+{M}\s+{D}", _before),
        (rf"\b(?:before|prior to)\s+(?:the end of\s+)?{Y}", _before),
        (rf"\b(?:before|prior to)\s+{M}", _before),
        (rf"\b(?:by|through|until)\s+(?:the\s+)?(?:end of\s+)?{DATE}", _by),
        (rf"\b(?:by|through)\s+(?:the\s+)?end of\s+{M}(?:,?\s+{Y})?", _by),
        (rf"\b(?:by|through)\s+{M}\s+{D}", _by),
        (rf"\b(?:by|through)\s+(?:the\s+)?(?:end of\s+)?{Y}", _by),
        (rf"\bafter\s+{Y}", _in("after")),
        (rf"(?:\bon\s+)?\b{DATE}", _in("on")),
        (rf"(?:\bon\s+)?\b{D}\s+{M},?\s+{Y}", _in("on")),
        (rf"\b(?:in\s+)?{M},?\s+{Y}", _in("in")),
        (rf"(?:\bon\s+)?\b{M}\s+{D}", _in("on")),
        (rf"\b(?:in|during)\s+{M}", _in("in")),
        (rf"(?:\bin\s+)?\b{Y}", _in("in")),
    )
)


def take_times(text: str) -> tuple[str, tuple[When, ...], str]:
    """The text without its times, the times in order, and the hour as `HH:MM ZONE` or ""."""
    hour = ""

    def clock(found: re.Match[str]) -> str:
        nonlocal hour
        hour = _clock(found)
        return " "

    for form in HOURS:
        text = form.sub(clock, text, count=1)
    times: list[When] = []
    for pattern, make in PATTERNS:

        def keep(found: re.Match[str], make: Callable[[re.Match[str]], When | None] = make) -> str:
            when = make(found)
            if when is None:
                return found.group()
            times.append(when)
            return " "

        text = pattern.sub(keep, text)
    return text, tuple(sorted(set(times))), hour


def _clock(found: re.Match[str]) -> str:
    parts = found.groupdict()
    zone = ZONES[(parts["zone"] or "e")[0]]
    if parts.get("noon"):
        return f"{'12' if parts['noon'] == 'noon' else '00'}:00 {zone}"
    shown, half = int(parts["hour"]), parts.get("half") or ""
    if half:
        shown = shown % 12 + (12 if half.startswith("p") else 0)
    return f"{shown:02}:{parts['minute'] or '00'} {zone}"


TICKER_DATE: Final = re.compile(r"-(\d\d)([A-Z]{3})(\d\d)(\d\d)?(?:-|$)")
TICKER_YEAR: Final = re.compile(r"-(\d\d)(?:-|$)")


def ticker_time(symbol: str) -> tuple[When | None, str]:
    """The day and the hour (Eastern) that a ticker names, as `KX...-26JUL0117-...`."""
    found = TICKER_DATE.search(symbol[:80])
    month = MONTHS.get(found[2].lower(), 0) if found else 0
    if not found or not month:
        return None, ""
    when = When("on", 2000 + int(found[1]), month, int(found[3]))
    hour = f"{int(found[4]):02}:00 ET" if found[4] and int(found[4]) < 24 else ""
    return (when if when.days() else None), hour


def ticker_year(symbol: str) -> int:
    """The year in a ticker such as `GOVPARTYNM-26-D`, or 0."""
    found = TICKER_YEAR.search(symbol[:80])
    return 2000 + int(found[1]) if found else 0


SYMBOL_YEAR: Final = re.compile(r"-(2[4-9]|3\d)(?=[A-Z-]|$)")


def listed_year(symbol: str) -> int:
    """The year under which a ticker lists its market (`KXMLBNLCY-26-PSKE`), or 0.

    Only to refuse by: it may be the year of the event or of its end. Slugs say nothing.
    """
    found = SYMBOL_YEAR.search(symbol[:80]) if symbol[:80].isupper() else None
    return 2000 + int(found[1]) if found else 0


def fits_year(times: tuple[When, ...], year: int) -> bool:
    """Whether a market listed under a year may mean these times; what is not known fits."""
    if not year or len(times) != 1 or not times[0].year:
        return True
    when = times[0]
    spread = 1 if when.kind in ("by", "season") else 0
    low = when.year - (when.kind == "season")
    return low <= year <= low + spread


Relation = Literal["equal", "one side", "a in b", "b in a", "apart", "unclear"]


def compare_times(a: tuple[When, ...], b: tuple[When, ...]) -> Relation:
    """How two sets of times stand to each other; `one side` only where one year-end is left out."""
    if a == b:
        return "equal"
    if not a or not b:
        return "one side" if len(a + b) == 1 and _is_year((a + b)[0]) else "unclear"
    if len(a) != 1 or len(b) != 1:
        return "unclear"
    return _compare(a[0], b[0])


def _is_year(when: When) -> bool:
    return (when.kind in ("in", "season") and not when.month) or (
        when.kind == "by" and (when.month, when.day) == (12, 31)
    )


def _compare(a: When, b: When) -> Relation:
    if "season" in (a.kind, b.kind):
        if a.kind == b.kind:
            return "apart"
        other, season = (a, b) if b.kind == "season" else (b, a)
        near = other.year in (0, season.year, season.year - 1)
        return "unclear" if near else "apart"
    if "after" in (a.kind, b.kind):
        return "apart" if a.kind == b.kind else "unclear"
    year = a.year or b.year or 2001
    one, two = a.days(year), b.days(year)
    if one is None or two is None:
        return "unclear"
    if one == two or (_is_year(a) and _is_year(b) and one[1] == two[1]):
        return "equal"
    if two[0] <= one[0] and one[1] <= two[1]:
        return "a in b"
    if one[0] <= two[0] and two[1] <= one[1]:
        return "b in a"
    return "unclear" if one[0] <= two[1] and two[0] <= one[1] else "apart"
