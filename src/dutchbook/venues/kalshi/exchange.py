"""Asks what the venue allows: budgets, costs, pauses and their schedule, the key's region."""

from typing import Any, Final

from msgspec import Struct

from dutchbook.domain.account_events import RateSeen
from dutchbook.domain.errors import RemoteProtocolError
from dutchbook.domain.units import SECOND, Ns
from dutchbook.venues.base import Bucket, Out
from dutchbook.venues.kalshi import limits
from dutchbook.venues.kalshi.answers import decoded
from dutchbook.venues.kalshi.errors import bad
from dutchbook.venues.kalshi.inquiries import REST
from dutchbook.venues.kalshi.numbers import moment
from dutchbook.venues.kalshi.refusals import refusal
from dutchbook.venues.kalshi.requests import Answer, Requests
from dutchbook.venues.kalshi.standing import Standing
from dutchbook.venues.kalshi.wire import Seconds

STATUS_EVERY: Final = 60 * SECOND
STATUS_PAUSED: Final = 5 * SECOND
KEYS_EVERY: Final = 3600 * SECOND
WINDOWS_MAX: Final = 64
SHARE_PERCENT: Final = 90
"""What of a budget is counted on being there, as io does when it spends it."""


class _Status(Struct):
    exchange_active: bool
    trading_active: bool
    exchange_estimated_resume_time: str | None = None


class _Window(Struct):
    start_datetime: str
    end_datetime: str


class _Windows(Struct):
    maintenance_windows: list[_Window] = []


class _Schedule(Struct):
    schedule: _Windows


class _Key(Struct):
    api_key_id: str
    api_key_region_expiration_ts: Seconds | str | None = None


class _Keys(Struct):
    api_keys: list[_Key]
    api_key_region_expiration_ts: Seconds | str | None = None


class Exchange:
    """Keeps `standing` true by asking at the start, every minute, and when an answer hints at it.

    A region that has lapsed closes the venue to new risk until its owner renews it there.
    """

    def __init__(self, requests: Requests, standing: Standing, costs: limits.Costs) -> None:
        self.requests = requests
        self.standing = standing
        self.costs = costs
        self.buckets: tuple[Bucket, ...] = limits.write_buckets()
        self.asking = False
        self.next_status: Ns = Ns(0)

    def start(self, now: Ns) -> list[Out]:
        get = self.requests.get
        return [
            get("/account/limits", self._on_limits),
            get("/account/endpoint_costs", self._on_costs),
            *self.ask_status(now),
            get("/exchange/schedule", self._on_schedule),
            get("/api_keys", self._on_keys),
        ]

    def room(self) -> int:
        """How many orders the write budget takes at once: a batch must not wait for more."""
        return max(1, self.buckets[0].burst * SHARE_PERCENT // 100 // self.costs.create)

    def ask_status(self, now: Ns) -> list[Out]:
        """Ask for the exchange's status, unless that is under way."""
        self.standing.asks = False
        if self.asking:
            return []
        self.asking = True
        return [self.requests.get("/exchange/status", self._on_status)]

    def _on_limits(self, answer: Answer, now: Ns) -> list[Out]:
        if answer.status != 200:
            return self._refused(answer, now)
        try:
            self.buckets = limits.write_buckets(decoded(answer.body, limits.Limits))
        except RemoteProtocolError as error:
            return [bad(REST, error)]
        return [self.rate()]

    def rate(self) -> RateSeen:
        """What the write budget means in orders, the part kept for cancels left out."""
        write, cost = self.buckets[0], self.costs.create
        return RateSeen("kalshi", write.burst // cost, max(1, write.rate // cost))

    def _on_costs(self, answer: Answer, now: Ns) -> list[Out]:
        if answer.status != 200:
            return self._refused(answer, now)
        try:
            limits.learn_costs(self.costs, decoded(answer.body, limits.EndpointCosts))
        except RemoteProtocolError as error:
            return [bad(REST, error)]
        return []

    def _on_status(self, answer: Answer, now: Ns) -> list[Out]:
        """Also a 503 may carry it; no readable status says nothing and is asked for again."""
        self.asking = False
        out: list[Out] = []
        try:
            out = self._status(decoded(answer.body, _Status))
        except RemoteProtocolError as error:
            out = [bad(REST, error)] if answer.status == 200 else []
        paused = "exchange" in self.standing.holds
        pause = STATUS_PAUSED if paused or answer.status != 200 else STATUS_EVERY
        self.next_status = Ns(now + pause)
        return [*out, self.requests.wait(self.next_status, self._status_due)]

    def _status_due(self, now: Ns) -> list[Out]:
        return self.ask_status(now) if now >= self.next_status else []

    def _status(self, body: _Status) -> list[Out]:
        if body.exchange_active and body.trading_active:
            return self.standing.hold("exchange", "open", "")
        why = "trading is paused" if body.exchange_active else "the exchange is paused"
        return self.standing.hold("exchange", "paused", why, _when(_text(body)))

    def _on_schedule(self, answer: Answer, now: Ns) -> list[Out]:
        """Ask for the status as each announced window begins and ends."""
        if answer.status != 200:
            return []
        try:
            windows = decoded(answer.body, _Schedule).schedule.maintenance_windows
        except RemoteProtocolError as error:
            return [bad(REST, error)]
        ends = [
            _when(text)
            for window in windows[:WINDOWS_MAX]
            for text in (window.start_datetime, window.end_datetime)
        ]
        return [self.requests.wait(at, self.ask_status) for at in ends if at > now]

    def _on_keys(self, answer: Answer, now: Ns) -> list[Out]:
        again = self.requests.wait(Ns(now + KEYS_EVERY), self._ask_keys)
        if answer.status != 200:
            return [*self._refused(answer, now), again]
        try:
            body = decoded(answer.body, _Keys)
        except RemoteProtocolError as error:
            return [bad(REST, error), again]
        mine = [one for one in body.api_keys if one.api_key_id == self.requests.config.key_id]
        told = [one.api_key_region_expiration_ts for one in mine]
        ends = _seconds(next((one for one in told if one), body.api_key_region_expiration_ts))
        if not ends:
            return [*self.standing.hold("region", "open", ""), again]
        if ends > now:
            soon = self.requests.wait(ends, self._ask_keys)
            return [*self.standing.hold("region", "open", ""), soon, again]
        why = "the region of this key has lapsed: renew it with Kalshi, trading waits for it"
        return [*self.standing.hold("region", "closing_only", why), again]

    def _ask_keys(self, now: Ns) -> list[Out]:
        return [self.requests.get("/api_keys", self._on_keys)]

    def _refused(self, answer: Answer, now: Ns) -> list[Out]:
        if answer.status not in (401, 403):
            return []
        return self.standing.told(answer.status, refusal(answer.status, answer.body), now)


def _text(body: _Status) -> str:
    return body.exchange_estimated_resume_time or ""


def _when(text: str) -> Ns:
    try:
        return moment(text)
    except ValueError:
        return Ns(0)


def _seconds(value: Any) -> Ns:
    return Ns(value * SECOND) if isinstance(value, int) else _when(value or "")
