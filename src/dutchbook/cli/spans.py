"""Spans of time as people write them on a command line: 90s, 5m, 2h."""

import re
from typing import Final

from dutchbook.domain.errors import UsageError
from dutchbook.domain.units import MILLI, SECOND, Ns

_UNITS: Final = {"ms": MILLI, "s": SECOND, "": SECOND, "m": 60 * SECOND, "h": 3_600 * SECOND}
_SPAN: Final = re.compile(r"([0-9]{1,9})(ms|s|m|h|)", re.ASCII)


def parse_span(text: str) -> Ns:
    """Ns from "500ms", "60s", "60", "5m" or "2h"; a UsageError for anything else and for 0."""
    match = _SPAN.fullmatch(text)
    span = int(match[1]) * _UNITS[match[2]] if match else 0
    if not span:
        raise UsageError(f"{text[:40]!r} is not a span of time", todo="write 60s, 5m or 2h")
    return Ns(span)
