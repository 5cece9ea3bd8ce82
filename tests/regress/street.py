"""The way between driver and exchange: real requests and frames, and what befalls them there."""

import asyncio
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from dutchbook.domain.units import MILLI, Ns
from dutchbook.io.ports import Lost, OnFrames, OnLost, Reply
from dutchbook.venues.base import Call, Dial

Fate = Callable[["Street", Call, dict[str, str]], Any]


class Socket:
    """A connection to a session of an exchange."""

    def __init__(self, street: "Street", session: Any, on_frames: OnFrames, on_lost: OnLost):
        self.street, self.session = street, session
        self.on_frames, self.on_lost = on_frames, on_lost
        self.venue = type(session).__module__.split(".")[2]
        self.open = True

    def send(self, data: bytes) -> None:
        if data == b"PING":
            self.deliver([b"PONG"])
            return
        frames = self.session.on_text(data.decode(), self.street.clock.now())
        self.deliver([frame.text.encode() for frame in frames])

    def deliver(self, frames: list[bytes]) -> None:
        def arrive() -> None:
            silent = self.venue in self.street.frozen and frames != [b"PONG"]
            if self.open and frames and not silent:
                self.on_frames(frames)

        self.street.clock.after(Ns(MILLI), arrive)

    def pause(self) -> None:
        """It is read all the time."""

    def resume(self) -> None:
        """It is read all the time."""

    async def close(self) -> None:
        self.cut("closed by us")

    def cut(self, why: str) -> None:
        if self.open:
            self.open = False
            self.on_lost(why)


class Street:
    """A Transport. `fates`: what befalls the next requests with orders, by venue; then nothing.

    `orders`: every request with orders that left, (venue, body). `deaf`: venues of which no
    private frame arrives; `frozen`: nothing but PONG does; `down`: no request reaches them. `read`:
    changes answers to questions.
    """

    def __init__(self, clock: Any, exchanges: dict[str, Any], apps: dict[str, Any]) -> None:
        self.clock = clock
        self.exchanges = exchanges
        self.apps = apps
        self.fates: dict[str, list[Fate]] = {name: [] for name in exchanges}
        self.orders: list[tuple[str, bytes]] = []
        self.calls: list[Call] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.deaf: set[str] = set()
        self.frozen: set[str] = set()
        self.down: set[str] = set()
        self.sockets: list[Socket] = []
        self.read: Callable[[Call, Reply], Reply] = lambda call, reply: reply
        for venue in exchanges.values():
            venue.out = self._published
            venue.tell = lambda message, name=venue.name: self._private(name, message)

    async def connect(
        self, dial: Dial, headers: dict[str, str], on_frames: OnFrames, on_lost: OnLost
    ) -> Socket:
        parts = urlsplit(dial.url)
        venue = self.exchanges[parts.netloc.partition(".")[0]]
        low = {name.lower(): value for name, value in headers.items()}
        socket = Socket(self, venue.session(parts.path, low), on_frames, on_lost)
        self.sockets.append(socket)
        return socket

    async def call(self, call: Call, headers: dict[str, str]) -> Reply:
        self.calls.append(call)
        venue = urlsplit(call.url).netloc.partition(".")[0]
        if venue in self.down:
            raise Lost("no connection", sent=False)
        if not places_orders(call):
            return self.read(call, await self.reach(call, headers))
        self.orders.append((venue, call.body))
        fates = self.fates[venue]
        return await (fates.pop(0) if fates else honest)(self, call, headers)

    async def reach(self, call: Call, headers: dict[str, str]) -> Reply:
        """What the exchange itself does and says."""
        parts = urlsplit(call.url)
        return await asgi(self.apps[parts.netloc], call, headers)

    async def close(self) -> None:
        for socket in self.sockets:
            socket.cut("closed")

    async def sleep(self, millis: int) -> None:
        rung = asyncio.Event()
        self.clock.after(Ns(millis * MILLI), rung.set)
        await rung.wait()

    def publish(self, venue: str, update: Any) -> None:
        self._published(self.exchanges[venue].publish(update))

    def _published(self, news: Any) -> None:
        for socket in self.sockets:
            if type(news).__module__.split(".")[2] == socket.venue:
                frames = socket.session.on_published(news)
                socket.deliver([frame.text.encode() for frame in frames])

    def _private(self, venue: str, message: Any) -> None:
        for socket in self.sockets:
            on_private = getattr(socket.session, "on_private", None)
            if socket.venue == venue and on_private is not None:
                frames = [frame.text.encode() for frame in on_private(message)]
                if venue not in self.deaf:
                    socket.deliver(frames)


def places_orders(call: Call) -> bool:
    """Whether a request can bring an order into being."""
    path = urlsplit(call.url).path
    return call.method == "POST" and path.endswith(("/order", "/orders", "/batched", "/amend"))


async def honest(street: Street, call: Call, headers: dict[str, str]) -> Reply:
    return await street.reach(call, headers)


async def lost(street: Street, call: Call, headers: dict[str, str]) -> Reply:
    """The exchange acts; its answer never comes."""
    await street.reach(call, headers)
    raise Lost("no answer", sent=True)


async def swallowed(street: Street, call: Call, headers: dict[str, str]) -> Reply:
    """It never arrives, and nobody says so."""
    raise Lost("no answer", sent=True)


async def unsent(street: Street, call: Call, headers: dict[str, str]) -> Reply:
    raise Lost("refused", sent=False)


def instead(status: int, body: bytes) -> Fate:
    """The exchange acts; somebody on the way says something else."""

    async def fate(street: Street, call: Call, headers: dict[str, str]) -> Reply:
        await street.reach(call, headers)
        return Reply(status, body)

    return fate


def refused(status: int, body: bytes) -> Fate:
    """The exchange does not act, and says this."""

    async def fate(street: Street, call: Call, headers: dict[str, str]) -> Reply:
        return Reply(status, body)

    return fate


def slow(millis: int) -> Fate:
    """It waits somewhere before the exchange sees it; then all is as usual."""

    async def fate(street: Street, call: Call, headers: dict[str, str]) -> Reply:
        await street.sleep(millis)
        return await street.reach(call, headers)

    return fate


def zombie(millis: int) -> Fate:
    """No answer comes, and the request arrives long after that."""

    async def fate(street: Street, call: Call, headers: dict[str, str]) -> Reply:
        async def later() -> None:
            await street.sleep(millis)
            await street.reach(call, headers)

        street.tasks.append(asyncio.create_task(later()))
        raise Lost("no answer", sent=True)

    return fate


def worded(**changes: Any) -> Fate:
    """The exchange acts; its answer says this instead of that."""

    async def fate(street: Street, call: Call, headers: dict[str, str]) -> Reply:
        reply = await street.reach(call, headers)
        body = {**json.loads(reply.body), **changes}
        return Reply(reply.status, json.dumps(body).encode())

    return fate


async def asgi(app: Any, call: Call, headers: dict[str, str]) -> Reply:
    """A request to an ASGI application in this process."""
    parts = urlsplit(call.url)
    scope = {
        "type": "http", "method": call.method, "path": parts.path, "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(), "client": ("127.0.0.1", 1), "scheme": "http",
        "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
    }  # fmt: skip
    said: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": call.body or b"", "more_body": False}

    async def send(message: Any) -> None:
        said.append(message)

    await app(scope, receive, send)
    return Reply(said[0]["status"], b"".join(m.get("body", b"") for m in said[1:]))
