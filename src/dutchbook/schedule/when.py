"""When something is due: a cron string, a span (`every 5m`) or a time of day (`at 09:00`)."""

import re
from datetime import UTC, tzinfo
from typing import Final, Protocol

import msgspec

from dutchbook.domain.errors import ConfigError
from dutchbook.domain.units import SECOND, Ns
from dutchbook.schedule.cron import cron

_SPAN: Final = re.compile(r"every ([1-9][0-9]{0,5})(s|m|h|d)", re.ASCII)
_AT: Final = re.compile(r"at ([01]?[0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


class When(Protocol):
    def next(self, after: Ns, zone: tzinfo) -> Ns:
        """The first time later than `after`; 0: never again."""
        ...


class Every(msgspec.Struct, frozen=True):
    """Spans counted from 1970 UTC, so that a restart does not move them."""

    span: Ns

    def next(self, after: Ns, zone: tzinfo = UTC) -> Ns:
        return Ns((after // self.span + 1) * self.span)


class Once(msgspec.Struct, frozen=True):
    """One moment."""

    at: Ns

    def next(self, after: Ns, zone: tzinfo = UTC) -> Ns:
        return self.at if self.at > after else Ns(0)


def when(text: str) -> When:
    """Read `*/5 * * * *`, `every 5m` or `at 09:00`. Raises ConfigError."""
    words = " ".join(text.split())
    if words.startswith("every "):
        found = _SPAN.fullmatch(words)
        if found is None:
            raise ConfigError(f"{text[:60]!r} is no span", todo="every 30s, 5m, 2h or 1d")
        return Every(Ns(int(found[1]) * _UNITS[found[2]] * SECOND))
    if words.startswith("at "):
        found = _AT.fullmatch(words)
        if found is None:
            raise ConfigError(f"{text[:60]!r} is no time of day", todo="at 09:00")
        return cron(f"{int(found[2])} {int(found[1])} * * *")
    return cron(words)
