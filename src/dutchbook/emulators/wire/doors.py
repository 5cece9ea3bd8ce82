"""Who may open a WebSocket: a signed handshake at the pretend Kalshi, anybody at Polymarket."""

import http
import time
from collections.abc import Callable, Mapping
from typing import Final

import msgspec
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from dutchbook.emulators.kalshi.auth import refusal
from dutchbook.emulators.polymarket.venue import USER_WS
from dutchbook.emulators.wire.keys import PublicKey

KALSHI_WS: Final = "/trade-api/ws/v2"
MARKET_WS: Final = "/ws/market"
Door = Callable[[ServerConnection, Request], Response | None]


def kalshi_door(public: Mapping[str, PublicKey]) -> Door:
    """Checks the signature with these keys."""

    def check(ws: ServerConnection, request: Request) -> Response | None:
        path = request.path.partition("?")[0]
        if path != KALSHI_WS:
            return ws.respond(http.HTTPStatus.NOT_FOUND, "not found\n")
        body = refusal(public, request.headers, "GET", path, time.time_ns())
        if body is None:
            return None
        response = ws.respond(http.HTTPStatus.UNAUTHORIZED, msgspec.json.encode(body).decode())
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = "application/json"
        return response

    return check


def market_door(ws: ServerConnection, request: Request) -> Response | None:
    """Knows only the paths."""
    if request.path.partition("?")[0] not in (MARKET_WS, USER_WS):
        return ws.respond(http.HTTPStatus.NOT_FOUND, "not found\n")
    return None
