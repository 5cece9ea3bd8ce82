"""How fast a replay walks: as fast as it can, or in the tape's own time."""

import re
from collections.abc import Callable
from threading import Event

from dutchbook.domain.errors import UsageError
from dutchbook.runtime.clock import SystemClock


def pace_of(speed: str) -> Callable[[int], None]:
    """ "max", or "1x", "0.5x", "20x": a call that waits until the given moment of the tape."""
    if speed == "max":
        return lambda at: None
    match = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)x", speed)
    if match is None or float(match[1]) <= 0:
        raise UsageError(f"unknown speed {speed!r}", todo="use max, or a factor like 1x or 20x")
    factor, clock, start = float(match[1]), SystemClock(), list[int]()
    never = Event()

    def wait(at: int) -> None:
        if not start:
            start.extend((at, clock.mono()))
        ahead = (at - start[0]) / factor - (clock.mono() - start[1])
        if ahead > 0:
            never.wait(ahead / 1e9)

    return wait
