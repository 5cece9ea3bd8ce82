"""Requests of the trading half: authenticated, numbered, each with what its answer is for."""

from collections.abc import Callable
from typing import Final

import msgspec

from dutchbook.domain.events import BadInput
from dutchbook.domain.units import SECOND, Ns
from dutchbook.venues.base import Call, Out, Sign, Wake
from dutchbook.venues.polymarket.account_wire import refusal
from dutchbook.venues.polymarket.config import Config

OWNER: Final = "@owner@"
"""Stands in a body where the API key belongs; io puts it there."""
STREAM: Final = "polymarket.account"


class Answer(msgspec.Struct, frozen=True):
    """How a request ended. `status` 0: no answer; `sent`: it may have reached the venue."""

    status: int
    body: bytes = b""
    sent: bool = True

    def said(self) -> str:
        """The venue's own words for an error, or the status, on one line."""
        if self.status == 0:
            return "no answer" if self.sent else "it never left us"
        told = refusal(self.body)
        text = (told.error or told.error_msg or told.code) if told is not None else ""
        return f"HTTP {self.status}: {text[:300]}" if text else f"HTTP {self.status}"


Done = Callable[[Answer, Ns], list[Out]]
Then = Callable[[Ns], list[Out]]


class Requests:
    """Makes calls and wakes, and knows what each is for."""

    def __init__(self, config: Config, address: str) -> None:
        self._config = config
        self._address = address
        self._done: dict[str, Done] = {}
        self._wakes: dict[str, Then] = {}
        self._made = 0

    def ask(
        self,
        method: str,
        path: str,
        done: Done,
        *,
        query: str = "",
        body: bytes = b"",
        sign: tuple[Sign, ...] = (),
        bucket: str = "clob",
        cost: int = 1,
        timeout: Ns = Ns(5 * SECOND),
        until: Ns = Ns(0),
    ) -> Call:
        """A request to the CLOB that proves our credentials (level 2); its answer goes to `done`.

        The path is signed without the query, the body as it leaves.
        """
        config = self._config
        headers = {"POLY_ADDRESS": self._address}
        if body:
            headers["Content-Type"] = "application/json"
        proof = (
            Sign(config.api_key, "", "POLY_API_KEY", "reveal"),
            Sign(config.api_passphrase, "", "POLY_PASSPHRASE", "reveal"),
            Sign(
                config.api_secret,
                f"{{s}}{method}{path}",
                "POLY_SIGNATURE",
                "hmac",
                "POLY_TIMESTAMP",
                with_body=True,
            ),
        )
        if OWNER.encode() in body:
            sign = (*sign, Sign(config.api_key, "", kind="reveal", into=OWNER))
        url = f"{config.clob_url}{path}{'?' if query else ''}{query}"
        signs = (*sign, *proof)
        name = self._name(done)
        return Call(name, method, url, body, headers, signs, bucket, cost, timeout, until)

    def look(self, url: str, done: Done, bucket: str) -> Call:
        """A request that needs no credentials."""
        return Call(self._name(done), "GET", url, bucket=bucket)

    def later(self, token: str, at: Ns, then: Then) -> Wake:
        """Do something at a time; the same token asked again replaces the earlier one."""
        token = f"account:{token}"
        self._wakes[token] = then
        return Wake(token, at)

    def ended(self, call: str, answer: Answer, now: Ns) -> list[Out] | None:
        """Hand an answer to whoever waits for it; None if the call is not one of these."""
        done = self._done.pop(call, None)
        return None if done is None else done(answer, now)

    def due(self, token: str, now: Ns) -> list[Out] | None:
        """Do what was put off; None if the wake is not one of these."""
        if not token.startswith("account:"):
            return None
        then = self._wakes.pop(token, None)
        return [] if then is None else then(now)

    def _name(self, done: Done) -> str:
        self._made += 1
        name = f"account:{self._made}"
        self._done[name] = done
        return name


def bad(where: str, error: Exception | str) -> BadInput:
    """Something about our account that could not be read."""
    text = "nested too deep" if isinstance(error, RecursionError) else str(error)
    return BadInput(STREAM, where, text[:300])
