"""Polymarket's numbers, read once and exactly: prices, sizes, moments, and JSON's own numbers."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from dutchbook.domain.units import MILLI, ONE, Ns, micros

MEMO_MAX: Final = 65_536
MOMENT_FIRST: Final = 1_262_304_000_000
"""2010-01-01 in ms: anything earlier is a time in another unit, or none."""
MOMENT_LAST: Final = 4_102_444_800_000
"""2100-01-01 in ms."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Prices(dict[str, int]):
    """Text to millionths, remembered; only prices strictly between 0 and 1 are in it."""

    def __missing__(self, text: str) -> int:
        value = micros("0" + text if text[:1] == "." else text)
        if not 0 < value < ONE:
            raise ValueError(f"not a price between 0 and 1: {text[:40]!r}")
        return _remember(self, text, value)


class _Bests(dict[str, int]):
    """As prices, but 0 and 1 too: what the venue says of an empty side."""

    def __missing__(self, text: str) -> int:
        value = micros("0" + text if text[:1] == "." else text)
        if not 0 <= value <= ONE or text[0] == "-":
            raise ValueError(f"not a price from 0 to 1: {text[:40]!r}")
        return _remember(self, text, value)


class _Sizes(dict[str, int]):
    """Text to millionths of a share, remembered; never negative."""

    def __missing__(self, text: str) -> int:
        value = micros(text)
        if value < 0 or text[0] == "-":
            raise ValueError(f"a size below zero: {text[:40]!r}")
        return _remember(self, text, value)


def _remember(memo: dict[str, int], text: str, value: int) -> int:
    if len(memo) >= MEMO_MAX:
        memo.clear()  # a bound, not a policy: the values are the same whenever they are read
    memo[text] = value
    return value


PRICES: Final = _Prices()
BESTS: Final = _Bests()
SIZES: Final = _Sizes()


def millis(text: str, latest: int = MOMENT_LAST) -> int:
    """A moment in milliseconds since 1970; ValueError if it isn't one between 2010 and `latest`."""
    if len(text) != 13 or not (text.isascii() and text.isdigit()):
        raise ValueError(f"not a time in milliseconds: {text[:40]!r}")
    value = int(text)
    if not MOMENT_FIRST <= value <= latest:
        raise ValueError(f"a time out of range: {text!r}")
    return value


def exact(value: Decimal) -> int:
    """A JSON number, or a decimal string, as millionths; ValueError if it isn't whole in them."""
    if not value.is_finite() or value.adjusted() > 15 or value.adjusted() < -7:
        if value.is_finite() and value == 0:
            return 0
        raise ValueError(f"a number out of range: {str(value)[:40]}")
    scaled = value.scaleb(6)
    if scaled != scaled.to_integral_value():
        raise ValueError(f"more than 6 decimals: {str(value)[:40]}")
    return int(scaled)


def rough(value: Decimal) -> int:
    """A statistic (volume) as millionths, further decimals cut off; never money that is owed."""
    if not value.is_finite() or value.adjusted() > 15:
        raise ValueError(f"a number out of range: {str(value)[:40]}")
    return int(value.scaleb(6)) if value.adjusted() > -8 else 0


def moment(text: str) -> Ns:
    """An ISO date, or date and time with its offset, in ns since 1970; ValueError otherwise."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"not an ISO time: {text[:40]!r}") from None
    if when.tzinfo is None:
        if len(text) != 10:
            raise ValueError(f"a time without its offset: {text[:40]!r}")
        when = when.replace(tzinfo=UTC)
    micro = (when - _EPOCH) // timedelta(microseconds=1)
    if micro < 0:
        raise ValueError(f"a time before 1970: {text[:40]!r}")
    return Ns(micro * (MILLI // 1_000))
