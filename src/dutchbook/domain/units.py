"""Money, prices and sizes are whole numbers of millionths; text becomes a number once, exactly."""

import re
from typing import Final, NewType

Px = NewType("Px", int)
"""A price in millionths of a dollar, 0 to ONE for a binary outcome."""
Qty = NewType("Qty", int)
"""A number of contracts in millionths of a contract."""
Usd = NewType("Usd", int)
"""An amount of money in millionths of a dollar."""
Ns = NewType("Ns", int)
"""A moment (since 1970 UTC) or a span, in nanoseconds."""

ONE: Final = 1_000_000
SECOND: Final = 1_000_000_000
MILLI: Final = 1_000_000
DAY: Final = 86_400 * SECOND

_DECIMAL = re.compile(r"(-?)([0-9]{1,15})(?:\.([0-9]{1,6}))?", re.ASCII)


def micros(text: str) -> int:
    """Read a plain decimal ("0.4275") as millionths (427_500), exactly.

    Raises ValueError for anything else: signs other than "-", exponents, blanks, underscores,
    other alphabets' digits, NaN, more than six decimals, more than fifteen whole digits.
    """
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise ValueError(f"not a plain decimal with at most 6 places: {text[:40]!r}")
    sign, whole, part = match.groups()
    value = int(whole) * ONE + (int(part.ljust(6, "0")) if part else 0)
    return -value if sign else value


def plain(value: int) -> str:
    """Write millionths as the shortest exact decimal: 427_500 -> "0.4275"."""
    whole, part = divmod(abs(value), ONE)
    text = f"{whole}.{part:06d}".rstrip("0").rstrip(".") if part else str(whole)
    return f"-{text}" if value < 0 else text


def ceil_div(a: int, b: int) -> int:
    """Divide whole numbers, rounding towards plus infinity."""
    return -(-a // b)
