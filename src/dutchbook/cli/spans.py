"""Spans of time as people type them."""

import re

from dutchbook.domain.errors import UsageError

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "": 1.0}


def seconds_of(text: str) -> float:
    """ "30s", "5m", "1.5h", "90" (seconds) as seconds; UsageError for anything else or zero."""
    match = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)(ms|s|m|h|d|)", text.strip())
    value = float(match[1]) * _UNITS[match[2]] if match else 0.0
    if value <= 0:
        raise UsageError(f"not a span of time: {text!r}", todo="write it like 30s, 5m or 2h")
    return value
