"""Whether we may trade at all: the venue's geoblock, closed-only accounts, the version of orders.

They are asked at the start and again and again; what they say is respected, never worked around.
"""

from typing import Final

from dutchbook.domain.units import SECOND, Ns
from dutchbook.venues.base import Out
from dutchbook.venues.polymarket.account_wire import ClosedOnly, Geoblock, Version, read
from dutchbook.venues.polymarket.config import Config
from dutchbook.venues.polymarket.requests import Answer, Requests, bad
from dutchbook.venues.polymarket.standing import Standing
from dutchbook.venues.polymarket.wire import UNREADABLE

VERSIONS: Final = ("2", "3")
"""The versions of orders that we can sign."""
OFTEN: Final = Ns(60 * SECOND)


class Admission:
    """Until both the geoblock and the account have answered, nothing is sent."""

    def __init__(self, config: Config, requests: Requests, standing: Standing) -> None:
        self._config = config
        self._requests = requests
        self._standing = standing
        self._open: set[str] = {"geoblock", "closed-only"}
        self._failures: dict[str, int] = {}

    def start(self, now: Ns) -> list[Out]:
        why = "the venue has not said yet whether we may trade"
        told = self._standing.set("admission", "paused", why)
        return [*told, *self._geoblock(now), *self._closed_only(now), *self.version(now)]

    def version(self, now: Ns) -> list[Out]:
        """Ask which version of orders the venue takes."""
        url = f"{self._config.clob_url}/version"
        return [self._requests.look(url, self._versioned, "clob")]

    def _geoblock(self, now: Ns) -> list[Out]:
        return [self._requests.look(self._config.geoblock_url, self._placed, "geoblock")]

    def _closed_only(self, now: Ns) -> list[Out]:
        return [self._requests.ask("GET", "/auth/ban-status/closed-only", self._closed)]

    def _placed(self, answer: Answer, now: Ns) -> list[Out]:
        again = self._again("geoblock", now, answer.status != 200)
        if answer.status != 200:
            return again
        try:
            found = read(answer.body, Geoblock)
        except UNREADABLE as error:
            return [bad("geoblock", error), *again]
        if found.blocked:
            why = f"the venue's geoblock: {found.country[:40]} {found.region[:40]}".rstrip()
            out = self._standing.set("geoblock", "blocked", why)
        else:
            out = [*self._standing.clear("geoblock"), *self._standing.clear("refused")]
        return [*out, *self._heard("geoblock"), *again]

    def _closed(self, answer: Answer, now: Ns) -> list[Out]:
        again = self._again("closed-only", now, answer.status not in (200, 401, 403))
        if answer.status in (401, 403):
            told = self._standing.set("credentials", "unauthorized", answer.said())
            return [*told, *again]
        if answer.status != 200:
            return again
        try:
            closing = read(answer.body, ClosedOnly).closed_only
        except UNREADABLE as error:
            return [bad("closed-only", error), *again]
        if closing:
            why = "the account may only close positions"
            out = self._standing.set("closed-only", "closing_only", why)
        else:
            out = self._standing.clear("closed-only")
        out = [*out, *self._standing.clear("credentials")]
        return [*out, *self._heard("closed-only"), *again]

    def _versioned(self, answer: Answer, now: Ns) -> list[Out]:
        if answer.status != 200:
            return self._again("version", now, True)
        try:
            found = str(read(answer.body, Version).version)
        except UNREADABLE as error:
            return [bad("version", error), *self._again("version", now, True)]
        self._failures["version"] = 0
        if found in VERSIONS:
            return self._standing.clear("version")
        why = f"the venue takes orders of version {found[:20]}, which we can't sign"
        return [*self._standing.set("version", "paused", why), *self._again("version", now, False)]

    def _heard(self, name: str) -> list[Out]:
        self._open.discard(name)
        return [] if self._open else self._standing.clear("admission")

    def _again(self, name: str, now: Ns, failed: bool) -> list[Out]:
        """Ask again: in good time, or after a failure soon and then ever later."""
        ask = {
            "geoblock": self._geoblock,
            "closed-only": self._closed_only,
            "version": self.version,
        }[name]
        if failed:
            times = self._failures[name] = self._failures.get(name, 0) + 1
            first, most = self._config.back_off_first, self._config.back_off_most
            wait = min(first << min(times - 1, 16), most)
        else:
            self._failures[name] = 0
            wait = OFTEN if name == "closed-only" else self._config.standing_every
        return [self._requests.later(name, Ns(now + wait), ask)]
