"""Makes frames malformed in the ways of a venue that has a bad day."""

import re
from typing import Final

_PRICE: Final = re.compile(r'"(price(?:_dollars)?)":"([^"]*)"')
_FIRST_QUARTER: Final = 3


def cut(text: str) -> str:
    """The frame ends in its middle."""
    return text[: len(text) * _FIRST_QUARTER // 4]


def wrong_type(text: str) -> str:
    """The first price is a list of objects where text is due."""
    return _PRICE.sub(r'"\1":[{"value":"\2"}]', text, count=1)


def not_a_number(text: str) -> str:
    """The first price is not a number."""
    return _PRICE.sub(r'"\1":"NaN"', text, count=1)


def binary(text: str) -> bytes:
    """A binary frame that is no text in any encoding."""
    return b"\xff\xfe\x00\xc1" + text.encode()[:40][::-1]


def plainly(text: str, how: str) -> str | bytes:
    """The malformed form, for the ways that need no knowledge of the venue."""
    match how:
        case "cut":
            return cut(text)
        case "type":
            return wrong_type(text)
        case "binary":
            return binary(text)
    return not_a_number(text)
