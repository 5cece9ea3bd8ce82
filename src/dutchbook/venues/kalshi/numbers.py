"""Kalshi's numbers and moments are text, read exactly; frequent ones come from a table."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from typing import TypeVar

from dutchbook.domain.errors import RemoteProtocolError
from dutchbook.domain.units import MILLI, ONE, SECOND, Ns, micros

T = TypeVar("T")

_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", re.ASCII)
_LAST_YEAR = 2200  # nanoseconds must stay within 64 bits
MEMO_MAX = 65_536
_changes: dict[str, int] = {}
COUNT_MAX = 10**18  # a size must stay within 64 bits


@cache
def yes_prices() -> dict[str, int]:
    """Every usual way to write a price between 0 and 1, as millionths."""
    table: dict[str, int] = {}
    for places, step in ((2, 10_000), (3, 1_000), (4, 100)):
        for px in range(step, ONE, step):
            table[f"0.{px // 10 ** (6 - places):0{places}d}"] = px
    for px in range(1_000, ONE, 1_000):
        table[f"0.{px:06d}"] = px
    return table


@cache
def no_prices() -> dict[str, int]:
    """The same texts as NO prices: the YES price from the other side."""
    return {text: ONE - px for text, px in yes_prices().items()}


def price(text: str) -> int:
    """A price of a resting order: strictly between 0 and 1. Raises ValueError."""
    px = yes_prices().get(text)
    if px is None:
        px = micros(text)
        if not 0 < px < ONE:
            raise ValueError(f"a price must lie between 0 and 1: {text[:40]!r}")
    return px


def quote(text: str) -> int:
    """A quoted best price or a settlement value: 0 and 1 are allowed. Raises ValueError."""
    known = yes_prices().get(text)
    if known is not None:
        return known
    px = micros(text)
    if not 0 <= px <= ONE:
        raise ValueError(f"must lie from 0 to 1: {text[:40]!r}")
    return px


def change(text: str) -> int:
    """A signed change of a size, in millionths of a contract. Raises ValueError."""
    value = _changes.get(text)
    if value is None:
        value = _change(text)
        if len(_changes) >= MEMO_MAX:
            _changes.clear()  # a bound, not a policy: a text says the same whenever it is read
        _changes[text] = value
    return value


def _change(text: str) -> int:
    if text[-3:-2] == "." and len(text) < 16 and text.isascii():
        whole, part = text[:-3], text[-2:]
        digits = whole[1:] if whole[:1] == "-" else whole
        if digits.isdigit() and part.isdigit():
            return int(whole + part) * 10_000
    value = micros(text)
    if abs(value) > COUNT_MAX:
        raise ValueError(f"a size beyond reason: {text[:40]!r}")
    return value


def count(text: str) -> int:
    """A size that cannot be negative, in millionths of a contract. Raises ValueError."""
    value = change(text)
    if value < 0:
        raise ValueError(f"a size cannot be {text[:40]!r}")
    return value


def millis(value: int) -> Ns:
    """Milliseconds since 1970 as nanoseconds."""
    return Ns(value * MILLI)


def moment(text: str | None) -> Ns:
    """An RFC 3339 moment with its zone as nanoseconds, 0 if absent. Raises ValueError."""
    if not text:
        return Ns(0)
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise ValueError(f"not a moment with a time zone: {text[:40]!r}")
    seconds, part, zone = match.groups()
    try:
        at = datetime.fromisoformat(seconds + zone)
    except ValueError:
        raise ValueError(f"no such moment: {text[:40]!r}") from None
    if not 1970 <= at.year < _LAST_YEAR:
        raise ValueError(f"a moment outside 1970 to {_LAST_YEAR}: {text[:40]!r}")
    since = (at - datetime.fromisoformat("1970-01-01T00:00:00+00:00")) // timedelta(seconds=1)
    if since < 0:
        raise ValueError(f"a moment before 1970: {text[:40]!r}")
    return Ns(since * SECOND + int((part or "").ljust(9, "0")))


def read(where: str, market: str, reader: Callable[[str], T], text: str) -> T:
    """What `reader` makes of a text, its ValueError becoming an error that names the place."""
    try:
        return reader(text)
    except ValueError as error:
        raise RemoteProtocolError("kalshi", where, str(error), market=market) from None
