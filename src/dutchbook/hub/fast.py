"""The hub over picows, for thousands of subscribers in a process of its own (extra `hub`)."""

import asyncio
import socket
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from picows import (
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
    ws_create_server,
)

from dutchbook.hub import wire
from dutchbook.hub.message import Frame
from dutchbook.hub.session import HIGH, KERNEL, Session
from dutchbook.hub.switch import Switch

FRAME_MAX: Final = 128 << 10
"""Larger ones are refused by the library; the hub's own bound, with its close code, is lower."""
GRACE: Final = 2.0
BACKLOG: Final = 4_096
_TEXT, _BINARY, _CONTINUED = WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION


class FastPeer(WSListener):
    """One connection; `send` writes at once, the library keeps what the socket does not take."""

    def __init__(self, switch: Switch, client_id: str) -> None:
        self.client_id = client_id
        self.session: Session | None = None
        self._switch = switch
        self._transport: WSTransport | None = None
        self._parts: list[bytes] = []
        self._binary = False

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        under: Any = transport.underlying_transport
        under.set_write_buffer_limits(high=HIGH, low=HIGH // 4)
        self.session = self._switch.joined(self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        kind = frame.msg_type
        if kind in (_TEXT, _BINARY, _CONTINUED):
            if kind != _CONTINUED:
                self._parts, self._binary = [], kind == _BINARY
            self._parts.append(frame.get_payload_as_bytes())
            whole = sum(len(part) for part in self._parts)
            if self.session is not None and (frame.fin or whole > FRAME_MAX):
                data, self._parts = b"".join(self._parts), []
                self._switch.heard(self.session, data, self._binary)
        elif kind == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._transport = None
        if self.session is not None:
            self._switch.left(self.session)

    def pause_writing(self) -> None:
        if self.session is not None:
            self._switch.full(self.session)

    def resume_writing(self) -> None:
        if self.session is not None:
            self._switch.room(self.session)

    def send(self, frame: Frame) -> None:
        if self._transport is not None:
            self._transport.send(_BINARY if frame.binary else _TEXT, frame.data)

    def close(self, code: int, why: str) -> None:
        """A close frame, then the end: at once where nobody reads, else after a moment."""
        transport, self._transport = self._transport, None
        if transport is None:
            return
        transport.send_close(code, why.encode()[:100])  # type: ignore[arg-type]
        wait = 0.0 if code == wire.SLOW else GRACE
        asyncio.get_running_loop().call_later(wait, transport.disconnect, False)


async def serve(
    switch: Switch, host: str, port: int, *, origins: frozenset[str] = frozenset()
) -> asyncio.Server:
    """Listen for `/ws` and `/ws/{client_id}`. `origins`: pages of browsers that may come."""

    def welcome(request: WSUpgradeRequest) -> Any:
        address = urlsplit(request.path.decode("latin-1"))
        origin = request.headers.get("origin")
        if (origin is not None and origin not in origins) or "token" in address.query:
            refused = WSUpgradeResponse.create_error_response(HTTPStatus.FORBIDDEN)
            return WSUpgradeResponseWithListener(refused, None)
        if address.path != "/ws" and not address.path.startswith("/ws/"):
            return None
        return FastPeer(switch, address.path[4:])

    server: asyncio.Server = await ws_create_server(
        welcome, sock=_listening(host, port), max_frame_size=FRAME_MAX, enable_auto_ping=True,
        auto_ping_idle_timeout=20, auto_ping_reply_timeout=20, backlog=BACKLOG,
    )  # fmt: skip
    return server


def _listening(host: str, port: int) -> socket.socket:
    """A socket whose connections inherit a bound on what the kernel keeps for one that is slow."""
    made = socket.create_server((host, port), backlog=BACKLOG)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL)
    return made
