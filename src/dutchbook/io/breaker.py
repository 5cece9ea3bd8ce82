"""A circuit breaker: after failures in a row a service is left alone, then tried with care.

closed: all goes. open: refused, until `rest` has passed. half-open: `probes` good answers close it,
one bad one opens it again. A breaker that is not `auto` stays open until somebody resets it.
"""

from collections.abc import Callable
from typing import Final, Literal

import msgspec

from dutchbook.domain.units import SECOND, Ns, ceil_div

State = Literal["closed", "open", "half_open"]
PROBES: Final = 3


class Limits(msgspec.Struct, frozen=True):
    """`failures` in a row open it for `rest` ns."""

    failures: int
    rest: Ns
    auto: bool = True
    probes: int = PROBES


KNOWN: Final[dict[str, Limits]] = {
    "polymarket": Limits(5, Ns(60 * SECOND)),
    "kalshi": Limits(3, Ns(120 * SECOND)),
    "redis": Limits(2, Ns(30 * SECOND), auto=False),
    "postgres": Limits(2, Ns(30 * SECOND), auto=False),
}
OTHER: Final = Limits(5, Ns(30 * SECOND))
"""For services without a line of their own: channels."""


class Change(msgspec.Struct, frozen=True):
    """A breaker moved; told to people."""

    service: str
    state: State
    at: Ns
    why: str


class Breaker:
    """Of one service. `told` hears every change."""

    def __init__(
        self, service: str, limits: Limits | None = None,
        told: Callable[[Change], None] = lambda change: None,
    ) -> None:  # fmt: skip
        self.service = service
        self.limits = limits or KNOWN.get(service, OTHER)
        self.told = told
        self.state: State = "closed"
        self.failed = 0
        self.good = 0
        self.since = Ns(0)
        self.why = ""

    def refuses(self, now: Ns) -> str:
        """Why nothing may go there now, "" if it may."""
        if self.state == "open" and self.limits.auto and now - self.since >= self.limits.rest:
            self._to("half_open", now, "its rest is over; trying")
        if self.state != "open":
            return ""
        wait = "until somebody resets it"
        if self.limits.auto:
            wait = f"for {ceil_div(self.limits.rest - (now - self.since), SECOND)} s more"
        return f"circuit breaker of {self.service} is open {wait}: {self.why}"

    def succeeded(self, now: Ns) -> None:
        """An answer came that is not the service's own failure."""
        self.failed = 0
        if self.state == "open" and self.limits.auto:
            self.refuses(now)
        if self.state == "half_open":
            self.good += 1
            if self.good >= self.limits.probes:
                self._to("closed", now, f"{self.good} answers in a row")

    def failed_with(self, why: str, now: Ns) -> None:
        """No answer, or one that says that the service itself failed."""
        self.failed += 1
        if self.state == "open":
            self.refuses(now)
        if self.state == "half_open" or (
            self.state == "closed" and self.failed >= self.limits.failures
        ):
            self._to("open", now, f"{self.failed} failures in a row, the last: {why[:160]}")

    def reset(self, who: str, now: Ns) -> None:
        """A person closes it."""
        if self.state != "closed":
            self._to("closed", now, f"reset by {who}")

    def _to(self, state: State, now: Ns, why: str) -> None:
        self.state, self.since, self.why, self.good = state, now, why, 0
        if state == "closed":
            self.failed = 0
        self.told(Change(self.service, state, now, why))

    def row(self) -> dict[str, object]:
        """For screens."""
        return {
            "service": self.service, "state": self.state, "failed": self.failed,
            "since": self.since, "why": self.why, "auto": self.limits.auto,
        }  # fmt: skip
