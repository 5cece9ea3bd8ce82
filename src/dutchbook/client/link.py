"""The async client: one connection that comes back by itself, any number of subscriptions."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from dutchbook.client.errors import Ended, Gone, HubError
from dutchbook.client.feed import Feed, Hole, decode
from dutchbook.domain.errors import NotRunning
from dutchbook.hub import wire
from dutchbook.hub.filters import Filter, compile_filter
from dutchbook.hub.wire import Numbered

ROOM: Final = 10_000
"""Messages that may wait for the user; then the socket is not read, and the server may cut us."""
WAITS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0)
AHEAD_TRIES: Final = 20
Token = str | Callable[[], str]


class _Ears:
    """A feed with what waits for its user: messages, or the error that ended it."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.queue: asyncio.Queue[Numbered | Exception] = asyncio.Queue(ROOM)
        self.ahead = 0


class Client:
    """`url` is that of the server (http://host:port) or of its socket (ws://.../ws).

    `token` may be a function, called for each connection. Connections are made anew for ever,
    each feed goes on where it stands: nothing is missed and nothing comes twice. `changed`, if
    set, is called with False when a connection broke and with True when there is one again.
    """

    def __init__(self, url: str, token: Token, *, binary: bool = False) -> None:
        self.url = _socket(url)
        self.binary = binary
        self.connections = 0
        self.welcome: wire.Welcome | None = None
        self.changed: Callable[[bool], None] = lambda up: None
        self._token = token
        self._where: Callable[[], tuple[str, str]] | None = None
        self._ears: dict[str, _Ears] = {}
        self._names = 0
        self._socket: ClientConnection | None = None
        self._task: asyncio.Task[None] | None = None
        self._calls: list[asyncio.Task[None]] = []
        self._up = asyncio.Event()
        self._dead: Exception | None = None

    @classmethod
    def local(cls, data_dir: str | Path = "data/sim", **more: Any) -> "Client":
        """The client of a run on this machine, by its data directory. Raises NotRunning.

        Where it is, is looked up for each connection: a server may come back elsewhere.
        """
        made = cls(*local(data_dir), **more)
        made._where = lambda: local(data_dir)
        return made

    async def __aenter__(self) -> "Client":
        self._task = asyncio.create_task(self._run(), name="hub client")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End the connection; who still listens gets Ended."""
        for task in (self._task, *self._calls):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await task
        self._end(Ended("the client was closed"))

    # -- styles --------------------------------------------------------------------------------

    def feed(
        self, channel: str, *, after: int | None = None, after_n: int | None = None,
        filters: Filter | None = None, local: Filter | None = None, **conditions: Any,
    ) -> tuple[Feed, AsyncIterator[Any]]:  # fmt: skip
        """A subscription and its messages. Conditions are those of Filter: min_confidence="0.7".

        `after`: from behind that step on; else from now. `local` is a filter applied here.
        Raises HubError for a second one with the same channel and filters: share the first.
        """
        wanted = filters or msgspec.convert(conditions, Filter)
        key = compile_filter(wanted).key
        for other in self._ears.values():
            if (other.feed.channel, compile_filter(other.feed.filters).key) == (channel, key):
                raise HubError("twice", f"this client listens to that of {channel} already")
        ears = _Ears(Feed(channel, wanted, after, after_n, local))
        self._names += 1
        name = str(self._names)
        self._ears[name] = ears
        if self._up.is_set() and self._socket is not None:
            self._later(self._say(self._socket, ears.feed.ask(name)))
        return ears.feed, self._messages(name, ears)

    def listen(self, channel: str, **more: Any) -> AsyncIterator[Any]:
        """The messages of a subscription, for ever: `async for signal in client.listen(...)`."""
        return self.feed(channel, **more)[1]

    def on(self, channel: str, call: Callable[[Any], Awaitable[None] | None], **more: Any) -> Feed:
        """Call a function, plain or async, with each message."""
        feed, messages = self.feed(channel, **more)

        async def serve() -> None:
            async for message in messages:
                answer = call(message)
                if answer is not None:
                    await answer

        self._later(serve())
        return feed

    async def run(self) -> None:
        """Wait while the callbacks work; raises what ended one of them."""
        if self._calls:
            await asyncio.gather(*self._calls)

    async def ready(self) -> wire.Welcome:
        """Wait until connected."""
        while self.welcome is None or not self._up.is_set():
            if self._dead is not None:
                raise self._dead
            await asyncio.sleep(0.005)
        return self.welcome

    async def _messages(self, name: str, ears: _Ears) -> AsyncIterator[Any]:
        try:
            while True:
                if self._dead is not None and ears.queue.empty():
                    raise self._dead
                item = await ears.queue.get()
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            known = self._ears.pop(name, None) is not None and ears.feed.name
            if known and self._socket is not None and self._up.is_set():
                self._later(self._say(self._socket, wire.Unsubscribe(ears.feed.name)))

    def _later(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._calls.append(task)

    # -- the connection ------------------------------------------------------------------------

    async def _run(self) -> None:
        tries = 0
        while True:
            try:
                self._look()
                async with connect(
                    self.url, compression=None, max_size=16 << 20, open_timeout=10, proxy=None
                ) as socket:
                    await self._serve(socket)
            except HubError as error:
                self._end(error)
                return
            except (NotRunning, OSError, TimeoutError, ConnectionClosed, InvalidHandshake, Hole):
                pass
            except Exception as error:  # whoever listens would wait for ever
                self._end(error)
                return
            if self._up.is_set():
                tries = 0
                self.changed(False)
            self._up.clear()
            await asyncio.sleep(WAITS[min(tries, len(WAITS) - 1)])
            tries += 1

    def _look(self) -> None:
        if self._where is not None:
            url, self._token = self._where()
            self.url = _socket(url)

    async def _serve(self, socket: ClientConnection) -> None:
        token = self._token() if callable(self._token) else self._token
        form = "msgpack" if self.binary else "json"
        await socket.send(msgspec.json.encode(wire.Auth(token, format=form)).decode())  # type: ignore[arg-type]
        first = decode(*_bytes(await socket.recv()))[0]
        if isinstance(first, wire.Error):
            raise HubError(first.code, first.what, first.todo)
        if not isinstance(first, wire.Welcome):
            raise HubError("protocol", f"welcome expected, not {type(first).__name__}")
        self.welcome, self._socket = first, socket
        self.connections += 1
        self._up.set()
        if self.connections > 1:
            self.changed(True)
        by_name: dict[str, _Ears] = {}
        for name, ears in list(self._ears.items()):
            await self._say(socket, ears.feed.ask(name))
        async for data in socket:
            for message in decode(*_bytes(data)):
                await self._heard(message, by_name, socket)

    async def _heard(
        self, message: wire.Heard, by_name: dict[str, _Ears], socket: ClientConnection
    ) -> None:
        if isinstance(message, wire.Subscribed):
            ears = self._ears.get(message.id)
            if ears is not None:
                ears.ahead = 0
                ears.feed.subscribed(message)
                by_name[message.subscription] = ears
        elif isinstance(message, wire.Error):
            await self._refused(message, socket)
        elif isinstance(message, wire.Live):
            if message.subscription in by_name:
                by_name[message.subscription].feed.live(message.seq)
        elif isinstance(message, wire.Snapshot):
            await self._snapshot(message, by_name)
        elif isinstance(message, wire.Numbered):
            ears = by_name.get(message.subscription)
            if ears is not None and ears.feed.take(message):
                await ears.queue.put(message)

    async def _snapshot(self, message: wire.Snapshot, by_name: dict[str, _Ears]) -> None:
        """How things stand is handed on as messages, which are no part of the numbered ones."""
        ears = by_name.get(message.subscription)
        if ears is not None:
            for plain in message.items:
                await ears.queue.put(msgspec.convert(plain, wire.Numbered))

    async def _refused(self, error: wire.Error, socket: ClientConnection) -> None:
        ears = self._ears.get(error.id)
        if ears is None:
            return
        if error.code == "ahead" and ears.ahead < AHEAD_TRIES:
            ears.ahead += 1  # another gateway, which is a moment behind the one before
            await asyncio.sleep(0.05)
            await self._say(socket, ears.feed.ask(error.id))
            return
        made = (
            Gone(error.what, error.seq)
            if error.code == "gone"
            else HubError(error.code, error.what, error.todo)
        )
        await ears.queue.put(made)

    async def _say(self, socket: ClientConnection, said: wire.Said) -> None:
        with contextlib.suppress(ConnectionClosed):
            if self.binary:
                await socket.send(msgspec.msgpack.encode(said))
            else:
                await socket.send(msgspec.json.encode(said).decode())

    def _end(self, error: Exception) -> None:
        self._dead = self._dead or error
        for ears in self._ears.values():
            with contextlib.suppress(asyncio.QueueFull):
                ears.queue.put_nowait(error)


def local(data_dir: str | Path) -> tuple[str, str]:
    """Address and token of the run in a data directory. Raises NotRunning."""
    folder = Path(data_dir) / "hub"
    try:
        address = (folder / "address").read_text(encoding="ascii").strip()
        return address, (folder / "token").read_text(encoding="ascii").strip()
    except OSError as error:
        raise NotRunning(
            f"no server in {data_dir}", why=str(error),
            todo="start a run with api.enabled = true; one that begins says where its gateway is",
        ) from error  # fmt: skip


def _socket(url: str) -> str:
    base = url.replace("http://", "ws://", 1).replace("https://", "wss://", 1).rstrip("/")
    return base if base.endswith("/ws") else base + "/ws"


def _bytes(data: str | bytes) -> tuple[bytes, bool]:
    return (data.encode(), False) if isinstance(data, str) else (data, True)
