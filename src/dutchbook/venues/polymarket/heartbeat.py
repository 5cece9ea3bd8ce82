"""The venue's dead man's switch: once it has begun, silence of ten seconds cancels every order."""

from typing import Final

import msgspec

from dutchbook.domain.units import SECOND, Ns
from dutchbook.venues.base import Out
from dutchbook.venues.polymarket.account_wire import Beat, read, refusal
from dutchbook.venues.polymarket.config import Config
from dutchbook.venues.polymarket.requests import Answer, Requests, bad
from dutchbook.venues.polymarket.standing import Standing
from dutchbook.venues.polymarket.wire import UNREADABLE

BUCKET: Final = "account.heartbeat"
PATH: Final = "/v1/heartbeats"
RETRY: Final = Ns(1 * SECOND)
TIMEOUT: Final = Ns(3 * SECOND)
WRONG_MAX: Final = 3
"""Wrong ids in a row, after which the next beat waits for its turn."""


class Heartbeat:
    """Beats from the first order on. When beats fail for too long it is told, and when they go on
    again: in between the venue has ended our orders."""

    def __init__(self, config: Config, requests: Requests, standing: Standing) -> None:
        self._config = config
        self._requests = requests
        self._standing = standing
        self._id = ""
        self._begun = False
        self._wrong = 0

    def begin(self, now: Ns) -> list[Out]:
        """Begin, if it has not begun."""
        if self._begun:
            return []
        self._begun = True
        return [*self._beat(now), self._deadline(now)]

    def _beat(self, now: Ns) -> list[Out]:
        """Send the last id; the next beat is due whatever comes of this one."""
        body = msgspec.json.encode({"heartbeat_id": self._id})
        call = self._requests.ask(
            "POST", PATH, self._answered, body=body, bucket=BUCKET, timeout=TIMEOUT
        )
        after = Ns(now + self._config.heartbeat_every)
        return [call, self._requests.later("heartbeat", after, self._beat)]

    def _answered(self, answer: Answer, now: Ns) -> list[Out]:
        if answer.status == 200:
            return self._good(answer, now)
        told = refusal(answer.body)
        if answer.status == 400 and told is not None and told.heartbeat_id:
            self._id = told.heartbeat_id[:128]
            self._wrong += 1
            if self._wrong <= WRONG_MAX:
                return self._beat(now)
        return [self._requests.later("heartbeat", Ns(now + RETRY), self._beat)]

    def _good(self, answer: Answer, now: Ns) -> list[Out]:
        try:
            self._id = read(answer.body, Beat).heartbeat_id[:128]
        except UNREADABLE as error:
            return [bad("heartbeat", error)]  # it may have counted or not: the deadline stands
        self._wrong = 0
        return [self._deadline(now), *self._standing.clear("heartbeat")]

    def _deadline(self, now: Ns) -> Out:
        """What happens unless a beat succeeds in time."""
        at = Ns(now + self._config.heartbeat_limit)
        return self._requests.later("heartbeat.late", at, self._late)

    def _late(self, now: Ns) -> list[Out]:
        why = "no heartbeat got through: the venue cancels our open orders"
        return self._standing.set("heartbeat", "paused", why)
