"""From the run to processes that fan out: a unix socket with length-prefixed MessagePack.

A process asks to follow from a number on; it gets all that is kept behind it, then what happens,
in order and whole. It may also ask for pages of what is kept, and says whether it wants books.
"""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from dutchbook.domain.events import SignalArrived
from dutchbook.hub.message import Message, Row, message_of, row_of
from dutchbook.hub.posting import BadSignal
from dutchbook.hub.session import Want

LENGTH: Final = 4
FRAME_MAX: Final = 64 << 20
BEHIND_MAX: Final = 32 << 20
"""Bytes that may wait for one process; then it is cut off, and follows anew from where it was."""
PAGE: Final = 1_000
ANSWER_SECONDS: Final = 10.0
"""How long a question to the run may wait: one that stands still must not hold all who ask."""
RETRY: Final = 0.25


class Hello(msgspec.Struct, frozen=True, array_like=True, tag="hello"):
    """What a follower begins with. `seq`, `oldest`: of the record; `key`: of its receipts."""

    seq: int
    oldest: int
    key: str
    run: str


class Rows(msgspec.Struct, frozen=True, array_like=True, tag="rows"):
    """Messages. `ask` 0: what follows; else the answer to that question."""

    ask: int
    rows: list[Row]
    oldest: int = 0


class Follow(msgspec.Struct, frozen=True, array_like=True, tag="follow"):
    """From behind this step on."""

    after: int


class Ask(msgspec.Struct, frozen=True, array_like=True, tag="ask"):
    """A page of what is kept."""

    ask: int
    channel: str
    seq: int
    n: int
    limit: int


class Books(msgspec.Struct, frozen=True, array_like=True, tag="books"):
    """Whether somebody listens to books there."""

    wanted: bool


class Post(msgspec.Struct, frozen=True, array_like=True, tag="post"):
    """A signal to be numbered."""

    ask: int
    event: SignalArrived


class Numbered(msgspec.Struct, frozen=True, array_like=True, tag="numbered"):
    """Its number, and whether it had one; or why not, as a BadSignal's code and words."""

    ask: int
    seq: int
    known: bool
    code: str = ""
    what: str = ""


_up = msgspec.msgpack.Decoder(Follow | Ask | Books | Post)
_down = msgspec.msgpack.Decoder(Hello | Rows | Numbered)
_encode = msgspec.msgpack.Encoder().encode
Reader = Callable[[Want], Awaitable[list[Message]]]


def _framed(value: msgspec.Struct) -> bytes:
    data = _encode(value)
    return len(data).to_bytes(LENGTH, "big") + data


async def _next(reader: asyncio.StreamReader) -> bytes:
    length = int.from_bytes(await reader.readexactly(LENGTH), "big")
    if length > FRAME_MAX:
        raise ConnectionError(f"a frame of {length} bytes")
    return await reader.readexactly(length)


class FeedServer:
    """In the run. `hello` tells how the record stands, `read` gives pages of it, `post` numbers."""

    def __init__(
        self, path: Path, hello: Callable[[], Hello],
        read: Callable[[str, int, int, int], list[Row]],
        post: Callable[[SignalArrived], Awaitable[tuple[int, bool]]],
    ) -> None:  # fmt: skip
        self.path = path
        self._hello = hello
        self._read = read
        self._post = post
        self._posting: set[asyncio.Task[None]] = set()
        self._followers: dict[asyncio.StreamWriter, bool] = {}
        self._server: asyncio.Server | None = None

    @property
    def wants_books(self) -> bool:
        return any(self._followers.values())

    async def start(self) -> None:
        """Listen; only the owner of the data directory may connect."""
        self.path.unlink(missing_ok=True)
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        mask = os.umask(0o177)
        try:  # through the descriptor a long path is short enough for a socket
            self._server = await asyncio.start_unix_server(
                self._serve, f"/proc/self/fd/{folder}/{self.path.name}"
            )
        finally:
            os.umask(mask)
            os.close(folder)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in list(self._followers):
            writer.close()
        self.path.unlink(missing_ok=True)

    def publish(self, messages: list[Message]) -> None:
        """Tell every follower; one that reads too slowly is cut off."""
        if not self._followers:
            return
        data = _framed(Rows(0, [row_of(item) for item in messages]))
        for writer in list(self._followers):
            writer.write(data)
            if writer.transport.get_write_buffer_size() > BEHIND_MAX:
                writer.transport.abort()
                self._followers.pop(writer, None)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(_framed(self._hello()))
            while True:
                said = _up.decode(await _next(reader))
                if isinstance(said, Follow):
                    await self._catch_up(said.after, writer)
                elif isinstance(said, Books):
                    if writer in self._followers:
                        self._followers[writer] = said.wanted
                elif isinstance(said, Post):
                    task = asyncio.create_task(self._number(said, writer))
                    self._posting.add(task)
                    task.add_done_callback(self._posting.discard)
                else:
                    rows = self._read(said.channel, said.seq, said.n, said.limit)
                    writer.write(_framed(Rows(said.ask, rows, self._hello().oldest)))
                    await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, msgspec.MsgspecError):
            pass
        finally:
            self._followers.pop(writer, None)
            writer.close()

    async def _number(self, said: Post, writer: asyncio.StreamWriter) -> None:
        try:
            answer = Numbered(said.ask, *await self._post(said.event))
        except BadSignal as error:
            answer = Numbered(said.ask, 0, False, error.code, error.what)
        except TimeoutError:
            answer = Numbered(said.ask, 0, False, "timeout")
        if not writer.is_closing():
            writer.write(_framed(answer))

    async def _catch_up(self, after: int, writer: asyncio.StreamWriter) -> None:
        while rows := self._read("", after, 2**31, PAGE):
            after = rows[-1].seq
            writer.write(_framed(Rows(0, rows)))
            await writer.drain()
        self._followers[writer] = False  # nothing was told since the last look: no await between


class FeedClient:
    """In a process that fans out. `begin` is told how the record stands and answers from where to
    follow; `take` gets the messages; both again after each new connection."""

    def __init__(
        self, path: Path, begin: Callable[[Hello], int], take: Callable[[list[Message]], None]
    ) -> None:
        self.path = path
        self._begin = begin
        self._take = take
        self._writer: asyncio.StreamWriter | None = None
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._asks = 0
        self._books = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="hub feed")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def books(self, wanted: bool) -> None:
        """Whether somebody here listens to books."""
        if wanted != self._books:
            self._books = wanted
            if self._writer is not None:
                self._writer.write(_framed(Books(wanted)))

    async def read(self, want: Want) -> list[Message]:
        """A page of what the run keeps. ConnectionError while it is away."""
        if self._writer is None:
            raise ConnectionError("the run is away")
        rows: list[Message] = await self._put(
            lambda ask: Ask(ask, want.channel, *want.position, want.limit)
        )
        return rows

    async def post(self, event: SignalArrived) -> tuple[int, bool]:
        """Have the run number a signal. BadSignal; TimeoutError also while the run is away."""
        if self._writer is None:
            raise TimeoutError("the run is away")
        try:
            told: Numbered = await self._put(lambda ask: Post(ask, event))
        except ConnectionError as error:
            raise TimeoutError(str(error)) from error
        if told.code == "timeout":
            raise TimeoutError
        if told.code:
            raise BadSignal(told.code, told.what)
        return told.seq, told.known

    async def _put(self, make: Callable[[int], msgspec.Struct]) -> Any:
        """ConnectionError where the run is away, TimeoutError where it stands still."""
        assert self._writer is not None
        self._asks += 1
        name, future = self._asks, asyncio.get_running_loop().create_future()
        self._asked[name] = future
        self._writer.write(_framed(make(name)))
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await future
        finally:
            self._asked.pop(name, None)

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, msgspec.MsgspecError):
                await self._follow()
            self._writer = None
            for future in self._asked.values():
                if not future.done():
                    future.set_exception(ConnectionError("the run is away"))
            self._asked.clear()
            await asyncio.sleep(RETRY)

    async def _follow(self) -> None:
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            reader, writer = await asyncio.open_unix_connection(
                f"/proc/self/fd/{folder}/{self.path.name}"
            )
        finally:
            os.close(folder)
        try:
            while True:
                told = _down.decode(await _next(reader))
                if isinstance(told, Hello):
                    writer.write(_framed(Follow(self._begin(told))))
                    writer.write(_framed(Books(self._books)))
                    self._writer = writer
                elif told.ask:
                    future = self._asked.pop(told.ask, None)
                    if future is not None and not future.done():
                        future.set_result(
                            [message_of(row) for row in told.rows]
                            if isinstance(told, Rows)
                            else told
                        )
                elif isinstance(told, Rows):
                    self._take([message_of(row) for row in told.rows])
        finally:
            writer.close()
