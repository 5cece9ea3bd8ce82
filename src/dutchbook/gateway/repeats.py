"""Idempotency keys: the same request again gets the same answer, and is carried out once."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import Any, Final

from starlette.responses import Response

from dutchbook.domain.clock import Clock
from dutchbook.domain.units import DAY
from dutchbook.gateway import shapes, store
from dutchbook.gateway.problems import Problem
from dutchbook.gateway.store import Tables

KEY_MAX: Final = 128
LIFE: Final = DAY


class Repeats:
    """A key is written down before the command leaves: after a crash nobody sends it twice."""

    def __init__(self, tables: Tables, clock: Clock) -> None:
        self._tables = tables
        self._clock = clock

    async def once(
        self, who: str, key: str, body: bytes, act: Callable[[], Awaitable[Any]], *,
        needed: bool = True,
    ) -> Response:  # fmt: skip
        """The answer of `act`, or that of the first time. Raises Problem.

        A refusal frees the key; an outcome that nobody knows keeps it: ask for the order instead.
        """
        if not key:
            if needed:
                raise Problem(
                    "malformed", "the header Idempotency-Key is missing",
                    fix="send one of your own making, the same when you repeat the request",
                )  # fmt: skip
            return _answer(200, shapes.encode(await act()))
        if len(key) > KEY_MAX or not key.isascii() or not key.isprintable():
            raise Problem("malformed", "the Idempotency-Key is not usable",
                          fix=f"up to {KEY_MAX} printable characters")  # fmt: skip
        digest = hashlib.sha256(body).hexdigest()
        row = {"who": who, "key": key, "digest": digest, "at": self._clock.now(), "status": 0,
               "body": b""}  # fmt: skip
        if not await asyncio.to_thread(self._tables.add, store.repeats, row):
            return await self._again(who, key, digest)
        name = {"who": who, "key": key}
        try:
            found = shapes.encode(await act())
        except Problem as problem:
            if problem.code != "outcome_unknown":
                await asyncio.to_thread(self._tables.drop, store.repeats, name)
            raise
        values = {"status": 200, "body": found}
        await asyncio.to_thread(self._tables.change, store.repeats, name, values)
        return _answer(200, found)

    async def _again(self, who: str, key: str, digest: str) -> Response:
        known = await asyncio.to_thread(self._tables.get, store.repeats, who=who, key=key)
        if known is None or known["digest"] != digest:
            raise Problem(
                "key_reused", "this Idempotency-Key belongs to another request",
                fix="take a new key for a new request",
            )  # fmt: skip
        if not known["status"]:
            raise Problem(
                "conflict", "this request is being carried out, or nobody knows how it ended",
                fix="GET /api/v1/orders shows what became of it",
            )  # fmt: skip
        answer = _answer(known["status"], known["body"])
        answer.headers["Idempotent-Replayed"] = "true"
        return answer


def _answer(status: int, body: bytes) -> Response:
    return Response(body, status, None, "application/json")
