"""The feed over a Redis stream, for hubs on other machines (extra `redis`). Books are not carried.

One entry per message, with the id `seq-n`; `left` counts what of its step is still to come. The
stream is a bus, never the record: after any trouble it is filled again from the store of messages.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Final

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from dutchbook.domain.events import SignalArrived
from dutchbook.hub.feed import Hello
from dutchbook.hub.message import Message, Row, message_of
from dutchbook.hub.session import Want

STREAM: Final = "dutchbook:hub:messages"
META: Final = "dutchbook:hub:meta"
KEPT: Final = 10_000
PAGE: Final = 500
RETRY: Final = 0.25
BLOCK_MS: Final = 1_000
_decode = msgspec.msgpack.Decoder(Row).decode
_encode = msgspec.msgpack.Encoder().encode


class RedisOut:
    """In the run: `publish` wakes a task that brings the stream up to the store's end."""

    def __init__(
        self, url: str, hello: Callable[[], Hello], read: Callable[[str, int, int, int], list[Row]]
    ) -> None:
        self._redis: Any = Redis.from_url(url, socket_connect_timeout=5, socket_timeout=10)
        self._hello = hello
        self._read = read
        self._some = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.error = ""

    def start(self) -> None:
        self._some.set()
        self._task = asyncio.create_task(self._run(), name="redis out")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._redis.aclose()

    def publish(self, messages: list[Message]) -> None:
        """There is something new in the store."""
        if messages:
            self._some.set()

    async def _run(self) -> None:
        while True:
            try:
                at = await self._begin()
                while True:
                    await self._some.wait()
                    self._some.clear()
                    at = await self._fill(at)
            except (RedisError, OSError) as error:
                self.error = str(error)
                self._some.set()
                await asyncio.sleep(RETRY)

    async def _begin(self) -> tuple[int, int]:
        """Where the stream ends. One of another record, or ahead of ours, is begun anew."""
        hello = self._hello()
        key = await self._redis.hget(META, "key")
        last = await self._redis.xrevrange(STREAM, count=1)
        at = _place(last[0][0]) if last else (hello.oldest, 2**31)
        if (key is not None and key.decode() != hello.key) or at[0] > hello.seq:
            await self._redis.delete(STREAM)
            at = (hello.oldest, 2**31)
        meta = {"key": hello.key, "run": hello.run}
        await self._redis.hset(META, mapping=meta)
        self.error = ""
        return at

    async def _fill(self, at: tuple[int, int]) -> tuple[int, int]:
        """Add what the store has behind a place."""
        while rows := self._read("", *at, PAGE):
            pipe = self._redis.pipeline(transaction=False)
            for row, after in zip(rows, [*rows[1:], None], strict=True):
                left = 1 if after is not None and after.seq == row.seq else 0
                pipe.xadd(
                    STREAM, {"m": _encode(row), "left": left}, id=f"{row.seq}-{row.n}",
                    maxlen=KEPT, approximate=True,
                )  # fmt: skip
            await pipe.execute()
            at = (rows[-1].seq, rows[-1].n)
        return at


class RedisFeed:
    """In a hub elsewhere; as `hub.feed.FeedClient`, but pages of the past can't be had."""

    def __init__(
        self, url: str, begin: Callable[[Hello], int], take: Callable[[list[Message]], None]
    ) -> None:
        self._redis: Any = Redis.from_url(url, socket_connect_timeout=5, socket_timeout=10)
        self._begin = begin
        self._take = take
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="redis feed")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._redis.aclose()

    def books(self, wanted: bool) -> None:
        """Books do not travel this way."""

    async def read(self, want: Want) -> list[Message]:
        """All that the stream had is in memory already."""
        raise ConnectionError("a Redis stream keeps no more than it gave")

    async def post(self, event: SignalArrived) -> tuple[int, bool]:
        """Signals are posted to the run itself."""
        raise TimeoutError("signals can't be posted through Redis")

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(RedisError, OSError, msgspec.MsgspecError):
                await self._follow()
            await asyncio.sleep(RETRY)

    async def _follow(self) -> None:
        meta = await self._redis.hgetall(META)
        if not meta:
            return
        run = meta[b"run"]
        first = await self._redis.xrange(STREAM, count=1)
        last = await self._redis.xrevrange(STREAM, count=1)
        oldest = _place(first[0][0])[0] - 1 if first else 0
        newest = _place(last[0][0])[0] if last else 0
        after = self._begin(Hello(newest, oldest, meta[b"key"].decode(), run.decode()))
        at, held = f"{after}-{2**63}", []
        while await self._redis.hget(META, "run") == run:
            told = await self._redis.xread({STREAM: at}, count=PAGE, block=BLOCK_MS)
            whole: list[Message] = []
            for name, fields in told[0][1] if told else []:
                at = name.decode()
                held.append(message_of(_decode(fields[b"m"])))
                if fields[b"left"] == b"0":
                    whole += held
                    held = []
            if whole:
                self._take(whole)


def _place(name: bytes) -> tuple[int, int]:
    seq, _, n = name.partition(b"-")
    return int(seq), int(n)
