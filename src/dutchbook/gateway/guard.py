"""What every request passes first: host, origin, sizes, rates; and what every answer carries."""

import asyncio
import ipaddress
import logging
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dutchbook.domain.units import SECOND
from dutchbook.gateway.problems import Problem

if TYPE_CHECKING:
    from dutchbook.gateway.app import Gateway

ONCE: Final = frozenset(
    (b"authorization", b"x-dutchbook-key", b"content-length", b"content-type", b"host", b"origin",
     b"idempotency-key", b"webhook-id", b"webhook-timestamp", b"webhook-signature",
     b"transfer-encoding")
)  # fmt: skip
QUERY_MAX: Final = 4 * 1024
HEADERS_MAX: Final = 100
BODY_SECONDS: Final = 10.0
HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; "
                                 b"form-action 'none'"),
)  # fmt: skip
METHODS: Final = b"GET, POST, DELETE"
ASKED: Final = b"authorization, content-type, idempotency-key, x-dutchbook-key"
_log = logging.getLogger(__name__)


class Guard:
    """The outermost layer of `whole`: around `app` for requests, around `sockets` for the rest.

    `handlers`: what becomes an answer of an exception, by its class.
    """

    def __init__(
        self, whole: FastAPI, app: ASGIApp, sockets: ASGIApp, handlers: Mapping[Any, Any],
        gateway: "Gateway",
    ) -> None:  # fmt: skip
        self.whole = whole
        self.app = app
        self.sockets = sockets
        self.handlers = handlers
        self.gateway = gateway
        self.hosts = _hosts(gateway.config.host, gateway.config.hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = self.whole
        if scope["type"] not in ("http", "websocket"):
            await self.sockets(scope, receive, send)
            return
        headers = _headers(scope)
        state = scope.setdefault("state", {})
        state["request_id"] = os.urandom(8).hex()
        state["address"] = self._address(scope, headers)
        try:
            self._first(scope, headers)
        except Problem as problem:
            self.gateway.metrics.refused.labels(problem.code).inc()
            await self._refuse(problem, scope, receive, send)
            return
        if scope["type"] == "websocket":
            await self.sockets(scope, receive, send)
            return
        if scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
            await _preflight(_more(scope, headers), send)
            return
        await self._serve(scope, headers, receive, send)

    async def _serve(
        self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive, send: Send
    ) -> None:
        clock, status, more = self.gateway.clock, 0, _more(scope, headers)
        began = clock.mono()

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status, message = message["status"], _with(message, more)
            await send(message)

        try:
            await self.app(scope, self._bounded(headers, receive), answer)
        except Exception as error:
            response = await self._failed(error, Request(scope, receive))
            if not status:
                await response(scope, receive, answer)
        route = getattr(scope.get("route"), "path", "none")
        took = (clock.mono() - began) / SECOND
        self.gateway.metrics.answered(route, scope["method"][:8], status or 500, took)

    async def _failed(self, error: Exception, request: Request) -> Response:
        """What is answered instead, without a word of what was inside where nobody foresaw it."""
        for kind in type(error).__mro__:
            if kind in self.handlers:
                found: Response = await self.handlers[kind](request, error)
                return found
        name = request.state.request_id
        _log.error("request %s: %s", name, type(error).__name__)
        if os.environ.get("DUTCHBOOK_DEBUG"):
            _log.error("request %s", name, exc_info=error)
        defect = Problem("defect", "the gateway failed", fix="report the request's id")
        return defect.response(name)

    # -- what is looked at first -----------------------------------------------------------------

    def _first(self, scope: Scope, headers: Mapping[bytes, bytes]) -> None:
        gateway, config = self.gateway, self.gateway.config
        twice = [name for name, _ in scope["headers"] if name in ONCE]
        if len(twice) != len(set(twice)):
            raise Problem("ambiguous", "a header was sent twice", fix="send each header once")
        if b"content-length" in headers and b"transfer-encoding" in headers:
            raise Problem("ambiguous", "the body has two lengths", fix="send one")
        if len(scope["headers"]) > HEADERS_MAX or len(scope["query_string"]) > QUERY_MAX:
            raise Problem("too_large", "too many headers or parameters", fix="send fewer")
        host = headers.get(b"host", b"").decode("latin-1").lower()
        if _bare(host) not in self.hosts:
            raise Problem("unknown_host", "this gateway is not called that",
                          fix="add the name to api.hosts")  # fmt: skip
        origin = headers.get(b"origin")
        if origin is not None and not self._origin_ok(origin.decode("latin-1").lower(), host):
            raise Problem("forbidden", "this web origin may not call the gateway",
                          fix="add it to api.origins")  # fmt: skip
        path = scope.get("raw_path", scope["path"].encode())
        if b"//" in path or (b"%" in path.split(b"?")[0] and _tricky(path)):
            raise Problem("not_found", "there is no such path", fix="see /api/v1/openapi.json")
        address = scope["state"]["address"]
        wait = gateway.rates.take(f"a:{address}", config.address_rate)
        if wait:
            raise Problem("too_many", "too many requests from this address",
                          fix=f"ask again in {wait} s", retry=wait)  # fmt: skip
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or len(length) > 12 or int(length) > config.body_bytes:
            raise Problem("too_large", f"a body has up to {config.body_bytes} bytes",
                          fix="send less at once")  # fmt: skip
        if headers.get(b"content-encoding", b"identity") != b"identity":
            raise Problem("unsupported_type", "bodies are not compressed here",
                          fix="leave Content-Encoding out")  # fmt: skip

    def _origin_ok(self, origin: str, host: str) -> bool:
        own = origin in (f"http://{host}", f"https://{host}")
        return own or origin in self.gateway.config.origins

    def _address(self, scope: Scope, headers: Mapping[bytes, bytes]) -> str:
        """Whose request it is: the peer, or what a proxy that we trust says of it."""
        peer = (scope.get("client") or ("", 0))[0] or "local"
        if peer in self.gateway.config.proxies:
            last = headers.get(b"x-forwarded-for", b"").decode("latin-1").split(",")[-1].strip()
            try:
                return str(ipaddress.ip_address(last))
            except ValueError:
                return str(peer)
        return str(peer)

    def _bounded(self, headers: Mapping[bytes, bytes], receive: Receive) -> Receive:
        """A body no longer than allowed, and not by drops."""
        if b"content-length" not in headers and b"transfer-encoding" not in headers:
            return receive
        most, got = self.gateway.config.body_bytes, 0
        until = self.gateway.clock.mono() + int(BODY_SECONDS * SECOND)
        whole = False

        async def bounded() -> Message:
            nonlocal got, whole
            if whole:
                return await receive()
            left = (until - self.gateway.clock.mono()) / SECOND
            try:
                async with asyncio.timeout(max(0.0, left)):
                    message = await receive()
            except TimeoutError as error:
                raise Problem("too_slow", f"the body took longer than {BODY_SECONDS:g} s",
                              fix="send it faster") from error  # fmt: skip
            got += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if got > most:
                raise Problem("too_large", f"a body has up to {most} bytes", fix="send less")
            return message

        return bounded

    async def _refuse(self, problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": problem.code})
            return
        more = _more(scope, {})

        async def answer(message: Message) -> None:
            start = message["type"] == "http.response.start"
            await send(_with(message, more) if start else message)

        await problem.response(scope["state"]["request_id"])(scope, receive, answer)


def _more(scope: Scope, headers: Mapping[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    """Headers of an answer besides its own."""
    more = [*HEADERS, (b"x-request-id", scope["state"]["request_id"].encode())]
    origin = headers.get(b"origin")
    if origin is not None:  # it was found to be allowed
        more += [(b"access-control-allow-origin", origin), (b"vary", b"origin"),
                 (b"access-control-allow-headers", ASKED),
                 (b"access-control-allow-methods", METHODS)]  # fmt: skip
    return more


def _with(message: Message, more: list[tuple[bytes, bytes]]) -> Message:
    """The start of an answer with more headers; a page's own rules are not doubled."""
    own = list(message.get("headers", ()))
    names = {name for name, _ in own}
    return {**message, "headers": own + [pair for pair in more if pair[0] not in names]}


def _headers(scope: Scope) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = dict(scope["headers"])
    return found


def _hosts(host: str, more: tuple[str, ...]) -> frozenset[str]:
    return frozenset((host.lower(), "localhost", "127.0.0.1", "[::1]", *more))


def _bare(host: str) -> str:
    """A host without its port."""
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host


def _tricky(path: bytes) -> bool:
    """Escapes that stand for dots, slashes or controls."""
    low = path.lower()
    return any(one in low for one in (b"%2e", b"%2f", b"%5c", b"%00", b"%25", b"%0a", b"%0d"))


async def _preflight(more: list[tuple[bytes, bytes]], send: Send) -> None:
    start = {"type": "http.response.start", "status": 204,
             "headers": [(b"access-control-max-age", b"600")]}  # fmt: skip
    await send(_with(start, more))
    await send({"type": "http.response.body", "body": b""})
