"""The hub over starlette: `/ws`, posting of signals, the REST twin; a router for FastAPI apps."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request, Response, WebSocket
from starlette.websockets import WebSocketDisconnect

from dutchbook.domain.events import SignalArrived
from dutchbook.hub import wire
from dutchbook.hub.filters import Filter, FilterError, compile_filter
from dutchbook.hub.message import Frame, Message
from dutchbook.hub.posting import BODY_MAX, BadSignal, read_signal
from dutchbook.hub.session import HIGH, Session, Subject, Want
from dutchbook.hub.switch import Switch

ROWS_MAX: Final = 1_000
_QUERY: Final = (("after", "0"), ("after_n", str(wire.ALL_OF_IT)), ("limit", "100"))

Post = Callable[[SignalArrived], Awaitable[tuple[int, bool]]]
"""Give a signal its number: (seq, whether it had one already). May raise BadSignal."""


class SocketPeer:
    """One WebSocket: frames wait for a writer, so that publishing never waits."""

    def __init__(self, switch: Switch, socket: WebSocket, client_id: str) -> None:
        self.client_id = client_id
        self.session: Session
        self._switch = switch
        self._socket = socket
        self._frames: deque[Frame] = deque()
        self._bytes = 0
        self._closing: tuple[int, str] | None = None
        self._some = asyncio.Event()

    def send(self, frame: Frame) -> None:
        if self._closing is not None:
            return
        self._frames.append(frame)
        self._bytes += len(frame.data)
        self._some.set()
        if self._bytes > HIGH:
            self._switch.full(self.session)

    def close(self, code: int, why: str) -> None:
        if self._closing is None:
            self._closing = (code, why)
            self._some.set()

    async def write(self) -> None:
        """Until closed: frames in order, then the close frame."""
        while True:
            while self._frames:
                frame = self._frames.popleft()
                if frame.binary:
                    await self._socket.send_bytes(frame.data)
                else:
                    await self._socket.send_text(frame.text)
                self._bytes -= len(frame.data)
                if self.session.paused and self._bytes < HIGH // 2 and self._closing is None:
                    self._switch.room(self.session)
            if self._closing is not None:
                await self._socket.close(*self._closing)
                return
            self._some.clear()
            await self._some.wait()


async def speak(switch: Switch, socket: WebSocket, client_id: str = "") -> None:
    """One connection until it ends. Whether its page may come was judged before."""
    if "token" in socket.query_params:
        await socket.close(1008)  # an address is written down in many places, a token must not be
        return
    await socket.accept()
    peer = SocketPeer(switch, socket, client_id)
    peer.session = switch.joined(peer)
    writer = asyncio.create_task(peer.write())
    reader = asyncio.create_task(_read(switch, peer, socket))
    try:
        await asyncio.wait({writer, reader}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        switch.left(peer.session)
        for task in (writer, reader):
            task.cancel()
            with contextlib.suppress(BaseException):
                await task


def router(
    switch: Switch, *, post: Post | None = None, origins: frozenset[str] = frozenset(),
    figures: Callable[[], Any] | None = None,
) -> APIRouter:  # fmt: skip
    """`/ws`, `/ws/{client_id}`, tickets, signals in and out. `origins`: pages that may come."""
    routes = APIRouter()

    async def serve(socket: WebSocket, client_id: str = "") -> None:
        origin = socket.headers.get("origin")
        if origin is not None and origin not in origins:
            await socket.close(1008)
            return
        await speak(switch, socket, client_id)

    routes.add_api_websocket_route("/ws", serve)
    routes.add_api_websocket_route("/ws/{client_id}", serve)

    @routes.post("/api/v1/ws/ticket", summary="a one-use ticket for /ws, good for 30 s")
    async def ticket(request: Request) -> Response:
        subject = await _who(switch, request)
        if subject is None:
            return _no("unauthenticated", 401)
        return _json({"ticket": switch.ticket(subject), "expires_in": 30})

    @routes.get("/api/v1/signals", summary="signals behind a number, filtered")
    async def signals(request: Request) -> Response:
        return await rows(switch, await _who(switch, request), "signals", request.query_params)

    @routes.get("/api/v1/stream/{channel}", summary="messages of any kept channel behind a number")
    async def stream(request: Request, channel: str) -> Response:
        return await rows(switch, await _who(switch, request), channel, request.query_params)

    @routes.get("/api/v1/stream", summary="who is connected, and what each was sent")
    async def connected(request: Request) -> Response:
        subject = await _who(switch, request)
        if subject is None:
            return _no("unauthenticated", 401)
        return _json(listeners(switch, subject) | (figures() if figures else {}))

    if post is not None:
        _posting(routes, switch, post)
    return routes


def listeners(switch: Switch, subject: Subject) -> dict[str, Any]:
    """Who is connected and what each was sent; who may not publish sees only their own."""
    found = switch.hub.figures()
    mine = found if subject.publish else [r for r in found if r["client_id"] == subject.client_id]
    return {"seq": switch.hub.seq, "subscriptions": mine}


def _posting(routes: APIRouter, switch: Switch, post: Post) -> None:
    """POST /signals and its other names."""

    async def take(request: Request) -> Response:
        subject = await _who(switch, request)
        return await posted(switch, post, subject, request.stream())

    for path in ("/api/v1/signals", "/api/v1/signal", "/signals", "/signal", "/webhook/signals"):
        routes.add_api_route(path, take, methods=["POST"], summary="publish a signal")


async def posted(
    switch: Switch, post: Post, subject: Subject | None, stream: AsyncIterator[bytes]
) -> Response:
    """Have a posted signal numbered: 202, or 200 where it was known; else an error with why."""
    began = switch.clock()
    if subject is None:
        return _no("unauthenticated", 401)
    if not subject.publish:
        return _no("forbidden", 403, "this client may not publish")
    data = b""
    async for part in stream:
        data += part
        if len(data) > BODY_MAX:
            return _no("too_large", 413, f"a signal has at most {BODY_MAX} bytes")
    try:
        event = read_signal(data, subject.client_id)
        seq, known = await post(event)
    except BadSignal as error:
        return _no(error.code, 409 if error.code == "other_words" else 400, error.what)
    except TimeoutError:
        return _no("timeout", 503, "the engine did not number it in time; send it again")
    took = (switch.clock() - began) / 1_000_000
    return _json(
        {"status": "accepted", "signal_id": event.id, "seq": seq, "duplicate": known,
         "processing_time_ms": round(took, 3)},
        200 if known else 202,
    )  # fmt: skip


async def _read(switch: Switch, peer: SocketPeer, socket: WebSocket) -> None:
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        while True:
            heard = await socket.receive()
            if heard["type"] != "websocket.receive":
                return
            text = heard.get("text")
            data = heard["bytes"] if text is None else text.encode("utf-8", "replace")
            switch.heard(peer.session, data, text is None)


async def _who(switch: Switch, request: Request) -> Subject | None:
    header = request.headers.get("authorization", "")
    token = request.headers.get("x-dutchbook-key") or header.removeprefix("Bearer ").strip()
    if not token or len(token) > 8_192:
        return None
    subject = await switch.authenticate(token)
    if subject is not None and subject.expires and subject.expires <= switch.clock():
        return None
    return subject


async def rows(
    switch: Switch, subject: Subject | None, channel: str, query: Mapping[str, str]
) -> Response:
    """`after`, `after_n`, `limit` (1,000 at most), `filters` (JSON, as on /ws)."""
    if subject is None:
        return _no("unauthenticated", 401)
    if channel not in wire.CHANNELS or channel in wire.CONFLATED:
        return _no("unknown_channel", 404)
    if channel not in subject.channels:
        return _no("forbidden", 403)
    try:
        after, after_n, limit = (_whole(query.get(name, default), name) for name, default in _QUERY)
        filters = msgspec.json.decode(query.get("filters", "{}").encode(), type=Filter)
        test = compile_filter(filters).test
    except (msgspec.MsgspecError, FilterError, RecursionError, ValueError) as error:
        return _no("bad_filter", 400, str(error)[:300])
    oldest = switch.hub.histories[channel].oldest
    if after < oldest and "after" in query:
        return _no("gone", 410, f"messages up to {oldest} are not kept any more")
    start = max(after, oldest)
    try:
        found, upto = await _find(switch, channel, start, after_n, min(limit, ROWS_MAX), test)
    except OSError:  # what is older than memory is asked of the run
        return _no("away", 503, "the run is away, which keeps what is so old; ask again")
    body = b'{"messages":[%b],"next":%d,"next_n":%d,"seq":%d}' % (
        b",".join(item.body for item in found), *upto, switch.hub.seq,
    )  # fmt: skip
    return Response(body, media_type="application/json")


async def _find(
    switch: Switch, channel: str, after: int, after_n: int, limit: int, test: Any
) -> tuple[list[Message], tuple[int, int]]:
    """Messages that pass, and the position behind which the next page begins."""
    position, history = (after, after_n), switch.hub.histories[channel]
    found: list[Message] = []
    while True:
        if position < history.floor:
            page = await switch.read(Want("", channel, position, 500))
            if not page:
                position = history.floor
                continue
        else:
            page = history.behind(position, 500)
            if not page:
                return found, position
        for item in page:
            if len(found) >= limit:
                return found, position
            position = (item.seq, item.n)
            if test(item.facets):
                found.append(item)


def _whole(text: str, name: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 16:
        raise ValueError(f"{name} must be a whole number")
    return int(text)


def _json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def _no(code: str, status: int, what: str = "") -> Response:
    return _json({"error": code, "what": what or wire.ERRORS.get(code, "")}, status)
