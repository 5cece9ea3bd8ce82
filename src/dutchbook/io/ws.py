"""A WebSocket connection with one wake-up per read: websockets' protocol, our own loop around it.

No task is switched per message: every message of a read is handed over in one call.
"""

import asyncio
import ssl
from functools import cache
from typing import Any, Final

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus, InvalidURI, WebSocketException
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from dutchbook.io.framing import Framer
from dutchbook.io.ports import FRAME_MAX, Lost, OnFrames, OnLost
from dutchbook.venues.base import Dial

OPEN_SECONDS: Final = 10.0
CLOSE_SECONDS: Final = 0.8
HEAD_MAX: Final = 65_536
PING_SECONDS: Final = 10.0
"""A connection on which nothing came for this long is pinged; as long again, and it is lost."""


class Connection(asyncio.Protocol):
    """One WebSocket connection. Give `on_frames` and `on_lost` something that returns quickly."""

    def __init__(
        self,
        protocol: ClientProtocol,
        headers: dict[str, str],
        on_frames: OnFrames,
        on_lost: OnLost,
    ) -> None:
        self._ws = protocol
        self._headers = headers
        self._on_frames = on_frames
        self._on_lost = on_lost
        self._framer = Framer(FRAME_MAX)
        self._parts: list[bytes] | None = None
        self._open = False
        self._why = ""
        self._quiet = 0
        self._ping: asyncio.TimerHandle | None = None
        self._rest = b""
        self._transport: Any = None
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = loop.create_future()
        self.gone: asyncio.Future[None] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        request = self._ws.connect()
        for name, value in self._headers.items():
            request.headers[name] = value
        self._ws.send_request(request)
        self._flush()

    def data_received(self, data: bytes) -> None:
        self._quiet = 0
        if not self._open:
            self._handshake(data)
            return
        messages: list[bytes] = []
        for whole, piece in self._framer.cut(bytes(data), self._parts is None):
            if whole and self._parts is None and self._ws.state is State.OPEN:
                messages.append(piece)
            elif whole:
                self._feed(_framed(piece), messages)
            else:
                self._feed(piece, messages)
        if messages:
            self._on_frames(messages)

    def connection_lost(self, error: Exception | None) -> None:
        if self._ping is not None:
            self._ping.cancel()
        closed = self._ws.close_rcvd
        why = self._why or (f"closed {closed.code} {closed.reason}".rstrip() if closed else "")
        why = why or (f"{type(error).__name__}: {error}" if error else "connection cut")
        if not self.opened.done():
            self.opened.set_exception(Lost(why, sent=True))
        elif self._open:
            self._open = False
            self._on_lost(why)
        if not self.gone.done():
            self.gone.set_result(None)

    def send(self, data: bytes) -> None:
        if self._ws.state is State.OPEN and not self.gone.done():
            self._ws.send_text(data)
            self._flush()

    def pause(self) -> None:
        if self._transport.is_reading():
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._transport.is_closing() or self._transport.is_reading():
            return
        self._transport.resume_reading()
        rest, self._rest = self._rest, b""
        if rest:
            self.data_received(rest)

    async def close(self) -> None:
        """Say goodbye and wait a second for the answer; then cut."""
        if self.gone.done():
            return
        if self._ws.state is State.OPEN:
            self._why = self._why or "closed by us"
            self._ws.send_close(1000)
            self._flush()
        self.resume()
        try:
            await asyncio.wait([self.gone], timeout=CLOSE_SECONDS)
        finally:
            self.abort()
        await asyncio.wait([self.gone], timeout=CLOSE_SECONDS)

    def abort(self) -> None:
        """Cut the connection now."""
        if self._transport is not None and not self.gone.done():
            self._transport.abort()

    def _handshake(self, data: bytes) -> None:
        """Collect the answer's head; what follows it waits for `resume`."""
        self._rest += data
        end = self._rest.find(b"\r\n\r\n") + 4
        if end < 4 and len(self._rest) < HEAD_MAX:
            return
        head, self._rest = self._rest[: max(end, 4)], self._rest[max(end, 4) :]
        self._ws.receive_data(head)
        if self._ws.state is State.OPEN:
            self._open = True
            self._transport.pause_reading()
            self.opened.set_result(None)
            self._watch()
            return
        if self._rest:
            self._ws.receive_data(self._rest)
        self._flush()
        if self._ws.handshake_exc is not None and not self.opened.done():
            self.opened.set_exception(Lost(_refusal(self._ws.handshake_exc), sent=True))

    def _feed(self, piece: bytes, messages: list[bytes]) -> None:
        """Let the library look at one frame: control, compressed, fragmented, large, or wrong."""
        self._ws.receive_data(piece)
        for event in self._ws.events_received():
            if isinstance(event, Frame):
                self._take(event, messages)
        self._flush()
        if self._ws.close_expected() and self._ws.close_rcvd is None and not self._why:
            cause = self._ws.parser_exc
            self._why = f"{type(cause).__name__}: {cause}" if cause else "closed by us"
            asyncio.get_running_loop().call_later(CLOSE_SECONDS, self.abort)

    def _take(self, frame: Frame, messages: list[bytes]) -> None:
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            if frame.fin:
                messages.append(bytes(frame.data))
            else:
                self._parts = [bytes(frame.data)]
        elif frame.opcode is Opcode.CONT and self._parts is not None:
            self._parts.append(bytes(frame.data))
            if frame.fin:
                messages.append(b"".join(self._parts))
                self._parts = None

    def _flush(self) -> None:
        for data in self._ws.data_to_send():
            if data:
                self._transport.write(data)
            elif self._transport.can_write_eof():
                self._transport.write_eof()
            else:
                self._transport.close()

    def _watch(self) -> None:
        """Ping a quiet connection, and give it up when that brings nothing."""
        self._ping = asyncio.get_running_loop().call_later(PING_SECONDS, self._watch)
        if not self._transport.is_reading():
            self._quiet = 0
        self._quiet += 1
        if self._quiet == 2 and self._ws.state is State.OPEN:
            self._ws.send_ping(b"")
            self._flush()
        elif self._quiet > 2:
            self._why = "no answer to a ping"
            self.abort()


def _framed(text: bytes) -> bytes:
    """A plain text as a frame again, for the rare case that the library must see it."""
    size = len(text)
    if size < 126:
        return bytes((0x81, size)) + text
    wide = (126, 2) if size < 65_536 else (127, 8)
    return bytes((0x81, wide[0])) + size.to_bytes(wide[1], "big") + text


def _refusal(error: Exception) -> str:
    if isinstance(error, InvalidStatus):
        body = bytes(error.response.body or b"")[:200].decode(errors="replace")
        return f"handshake refused with {error.response.status_code} {body}".rstrip()
    return f"handshake failed: {error}"


@cache
def tls() -> ssl.SSLContext:
    """The certificates that this machine trusts (or SSL_CERT_FILE), read once."""
    return ssl.create_default_context()


async def connect(
    dial: Dial, headers: dict[str, str], on_frames: OnFrames, on_lost: OnLost
) -> Connection:
    """Open a WebSocket within 10 s, or raise Lost."""
    try:
        uri = parse_uri(dial.url)
    except InvalidURI as error:
        raise Lost(str(error), sent=False) from error
    deflate = [ClientPerMessageDeflateFactory()] if dial.compress else None
    protocol = ClientProtocol(uri, extensions=deflate, max_size=FRAME_MAX)
    made: list[Connection] = []

    def build() -> Connection:
        made.append(Connection(protocol, headers, on_frames, on_lost))
        return made[0]

    secure: dict[str, Any] = {"ssl": tls()} if uri.secure else {}
    try:
        async with asyncio.timeout(OPEN_SECONDS):
            await asyncio.get_running_loop().create_connection(build, uri.host, uri.port, **secure)
            await made[0].opened
    except Lost:
        made[0].abort()
        raise
    except (OSError, TimeoutError, WebSocketException) as error:
        for connection in made:
            connection.abort()
        raise Lost(f"{type(error).__name__}: {error}".rstrip(": "), sent=bool(made)) from error
    except asyncio.CancelledError:
        for connection in made:
            connection.abort()
        raise
    return made[0]
