"""Lets mishaps befall requests: between the socket and the exchange's own application."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from dutchbook.emulators.mishap import Storm

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]
HTML: Final = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
ORDERS: Final = ("/portfolio/events/orders", "/order", "/cancel-")
READS: Final = ("/trade-api/v2/portfolio/", "/data/", "/balance-allowance", "/data-api/")
GARBAGE: Final = (b"{}", HTML, b'{"order_id":"')


class Stormy:
    """An ASGI application around another one."""

    def __init__(self, app: Asgi, storm: Storm, clock: Callable[[], int]) -> None:
        self._app = app
        self._storm = storm
        self._clock = clock
        self._turn = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path, method = scope["path"], scope["method"]
        order = method != "GET" and any(part in path for part in ORDERS)
        read = method == "GET" and path.startswith(READS)
        drawn = self._storm.request(order, read, self._clock())
        if drawn is None:
            await self._app(scope, receive, send)
            return
        await self._befall(*drawn, scope, receive, send)

    async def _befall(
        self, mishap: Any, span: int, scope: Scope, receive: Receive, send: Send
    ) -> None:
        kind = mishap.kind
        if kind == "never_arrives":
            _cut(send)
            return
        if kind == "throttled":
            self._turn += 1
            body = HTML if self._turn % 2 else b'{"error":"too many requests"}'
            await _say(send, 429, body)
            return
        if kind == "read_error":
            await _say(send, 502, HTML)
            return
        if kind == "slow":
            await asyncio.sleep(span / 1e9)
            await self._app(scope, receive, send)
            return
        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        await self._app(scope, receive, keep)
        await asyncio.sleep(span / 1e9)
        await self._answer(kind, answer, send)

    async def _answer(self, kind: str, answer: list[Message], send: Send) -> None:
        """The exchange has acted: what its client hears of that."""
        if kind in ("lost_reply", "reset_reply"):
            _cut(send)
        elif kind == "error_after":
            await _say(send, self._storm.status(), HTML)
        elif kind == "timeout_after":
            await _say(send, 408, b'{"error":"request timeout"}')
        elif kind == "garbage_after":
            self._turn += 1
            await _say(send, 200, GARBAGE[self._turn % len(GARBAGE)])
        else:
            for message in answer:
                await send(message)


def _cut(send: Any) -> None:
    """Reset the connection: what uvicorn hands out as `send` belongs to its own cycle."""
    send.__self__.transport.abort()


async def _say(send: Send, status: int, body: bytes) -> None:
    kind = b"text/html" if body.startswith(b"<") else b"application/json"
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
