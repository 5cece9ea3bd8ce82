"""Signed requests of the trading half as values: each knows who is told of its answer."""

from collections.abc import Callable
from typing import Final
from urllib.parse import urlencode

import msgspec

from dutchbook.domain.units import SECOND, Ns
from dutchbook.venues.base import Call, Out, Wake
from dutchbook.venues.kalshi.asker import signature
from dutchbook.venues.kalshi.config import Config
from dutchbook.venues.kalshi.limits import COST, READ

QUEUED_MAX: Final = 1 * SECOND
"""How long an order may wait for the write budget: the books have moved on by then."""
PRIVATE: Final = ("/portfolio", "/account", "/api_keys")
JSON: Final = {"Content-Type": "application/json"}


class Answer(msgspec.Struct, frozen=True):
    """How a request ended: a status with a body, or none (0) and whether it may have arrived."""

    status: int
    body: bytes = b""
    sent: bool = True

    def why(self) -> str:
        """In words."""
        if self.status:
            return f"status {self.status}"
        return "no answer" if self.sent else "not sent"


Done = Callable[[Answer, Ns], list[Out]]
Later = Callable[[Ns], list[Out]]


class Asked(msgspec.Struct, frozen=True):
    """A request that is out since `at`. `private`: only with a good key can it succeed."""

    done: Done
    private: bool
    at: Ns


class Requests:
    """What is out and what waits for its time. Names count up and never repeat.

    `now`: the moment of the call that is being answered, told by who is called.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.out: dict[str, Asked] = {}
        self.later: dict[str, Later] = {}
        self.count = 0
        self.now = Ns(0)

    def get(
        self, path: str, done: Done, query: tuple[tuple[str, str], ...] = (), cost: int = COST
    ) -> Call:
        """A question, charged to the read budget."""
        return self.call("GET", path, done, query, b"", READ, cost)

    def call(
        self,
        method: str,
        path: str,
        done: Done,
        query: tuple[tuple[str, str], ...] = (),
        body: bytes = b"",
        bucket: str = READ,
        cost: int = COST,
        until: Ns = Ns(0),
    ) -> Call:
        """Any request; `done` is told how it ended, once."""
        self.count += 1
        name = f"kalshi.own:{self.count}"
        self.out[name] = Asked(done, path.startswith(PRIVATE), self.now)
        url = self.config.rest + path + (f"?{urlencode(query)}" if query else "")
        headers, sign = signature(self.config, url, method)
        if body:
            headers = headers | JSON
        return Call(name, method, url, body, headers, sign, bucket, cost, until=until)

    def wait(self, until: Ns, then: Later) -> Wake:
        """Do something at a later time."""
        self.count += 1
        token = f"own:{self.count}"
        self.later[token] = then
        return Wake(token, until)

    def take(self, call: str) -> Asked | None:
        """Who is to be told of an answer; None for a call that is not ours."""
        return self.out.pop(call, None)

    def due(self, token: str, now: Ns) -> list[Out] | None:
        """What was to be done at this time; None for a token that is not ours."""
        then = self.later.pop(token, None)
        return None if then is None else then(now)
