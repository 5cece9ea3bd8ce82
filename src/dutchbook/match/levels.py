"""Thresholds in a title: number, direction, open or closed ends, unit, touch against close."""

import re
from decimal import Decimal, InvalidOperation
from typing import Final, Literal

import msgspec

Op = Literal["gt", "ge", "lt", "le", "eq", "in"]
Way = Literal["close", "touch up", "touch down", "touch"]

NUMBER = (
    r"(?P<{0}>-?[$€£]?-?\d{{1,3}}(?:,\d{{3}})+(?:\.\d{{1,8}})?|-?[$€£]?-?\d{{1,12}}(?:\.\d{{1,8}})?)"
    r"(?:\s?(?P<{0}u>%|percent\b|pp\b|bps\b|basis points\b|k\b|m\b|b\b|bn\b|t\b|thousand\b"
    r"|million\b|billion\b|trillion\b|°(?:\s?[fc]\b)?|degrees(?:\s[fc]\b)?))?"
)
N1, N2 = NUMBER.format("n"), NUMBER.format("o")
SCALE: Final[dict[str, int]] = {
    "k": 3, "thousand": 3, "m": 6, "million": 6, "b": 9, "bn": 9, "billion": 9, "t": 12,
    "trillion": 12,
}  # fmt: skip
FLIP: Final[dict[Op, Op]] = {"gt": "le", "ge": "lt", "lt": "ge", "le": "gt"}


class Level(msgspec.Struct, frozen=True, order=True):
    """`op` value; for `in` the closed range value..high. `margin` is a lead over the next."""

    op: Op
    value: Decimal
    high: Decimal = Decimal(0)
    unit: str = ""
    way: Way = "close"
    margin: bool = False

    def holds(self) -> tuple[Decimal, bool, Decimal, bool]:
        """The set where it is true: low, low included, high, high included."""
        far = Decimal("Infinity")
        if self.op in ("gt", "ge"):
            return self.value, self.op == "ge", far, False
        if self.op in ("lt", "le"):
            return -far, False, self.value, self.op == "le"
        return self.value, True, (self.high if self.op == "in" else self.value), True


def within(a: Level, b: Level) -> bool:
    """Whether every number that fits `a` fits `b`."""
    low, has_low, high, has_high = a.holds()
    low_b, has_low_b, high_b, has_high_b = b.holds()
    return (low > low_b or (low == low_b and (has_low_b or not has_low))) and (
        high < high_b or (high == high_b and (has_high_b or not has_high))
    )


MARGIN = r"(?P<by>\bby\s+)?"
PATTERNS: Final = tuple(
    (re.compile(pattern), kind)
    for pattern, kind in (
        (rf"{MARGIN}\bbetween\s+{N1}\s?(?:–|-|to|and)\s?{N2}(?![\w-])", "in"),
        (rf"{MARGIN}(?<![\w-]){N1}\s?(?:–|-|to)\s?{N2}(?![\w-])", "in"),
        (rf"(?P<touch>\b(?:hit|reach|touch|dip to|drop to|fall to|rise to|climb to))s?\s+"
         rf"(?:\(?(?P<side>high|low)\)?\s+)?(?:a price of\s+)?{N1}", "touch"),
        (rf"{MARGIN}\b(?:at or above|at least|no less than|no fewer than|not less than)\s+{N1}",
         "ge"),
        (rf"{MARGIN}\b(?:at or below|at most|no more than|not more than|up to)\s+{N1}", "le"),
        (rf"{MARGIN}{N1}\s?(?:\+|(?:or|and)\s+(?:more|higher|above|greater|over|hotter)\b)", "ge"),
        (rf"{MARGIN}{N1}\s?(?:or|and)\s+(?:less|lower|below|fewer|under|colder)\b", "le"),
        (rf"{MARGIN}(?:>=|≥)\s?{N1}", "ge"),
        (rf"{MARGIN}(?:<=|≤)\s?{N1}", "le"),
        (rf"{MARGIN}(?:\b(?:above|over|more than|greater than|higher than|exceeds?|o/u)|>)\s*{N1}",
         "gt"),
        (rf"{MARGIN}(?:\b(?:below|under|less than|fewer than|lower than)|<)\s*{N1}", "lt"),
        (rf"{MARGIN}\bexactly\s+{N1}", "eq"),
    )
)  # fmt: skip


def take_levels(text: str) -> tuple[str, tuple[Level, ...]]:
    """The text without its thresholds, and those."""
    found: list[Level] = []
    for pattern, kind in PATTERNS:

        def keep(match: re.Match[str], kind: str = kind) -> str:
            level = _level(match, kind)
            if level is None:
                return match.group()
            found.append(level)
            return " "

        text = pattern.sub(keep, text)
    return text, tuple(sorted(set(found)))


def _level(match: re.Match[str], kind: str) -> Level | None:
    parts = match.groupdict()
    try:
        value, unit = _value(parts["n"], parts["nu"])
        if kind == "in":
            high, unit_high = _value(parts["o"], parts["ou"])
            if high <= value or (unit and unit_high and unit != unit_high):
                return None
            unit = unit or unit_high
            return Level("in", value, high, unit, margin=bool(parts["by"]))
    except InvalidOperation:
        return None
    if kind == "touch":
        # "reach 5 finals" is no price: a touch is of money, or of a side that is named
        if unit != "$" and not parts["side"]:
            return None
        low = parts["side"] == "low" or parts["touch"].split()[0] in ("dip", "drop", "fall")
        return Level(
            "le" if low else "ge", value, unit=unit, way="touch down" if low else "touch up"
        )
    op: Op = kind  # type: ignore[assignment]
    return Level(op, value, unit=unit, margin=bool(parts.get("by")))


def _value(text: str, unit: str | None) -> tuple[Decimal, str]:
    money = "$" if re.search(r"[$€£]", text) else ""
    value = Decimal(re.sub(r"[$€£,]", "", text))
    word = (unit or "").replace(" ", "")
    if word in SCALE:
        return value.scaleb(SCALE[word]).normalize(), money
    if word in ("%", "percent", "pp"):
        return value.normalize(), "%"
    if word in ("bps", "basispoints"):
        return value.normalize(), "bps"
    if word.startswith(("°", "degrees")):
        return value.normalize(), "°"
    return value.normalize(), money


def ticker_level(symbol: str) -> Level | None:
    """The strike that ends a ticker, as `-T59999.99` (above it); `-B` buckets need their text."""
    found = re.search(r"-T(\d{1,9}(?:\.\d{1,6})?)$", symbol[:80])
    return Level("gt", Decimal(found[1]).normalize(), unit="$") if found else None
