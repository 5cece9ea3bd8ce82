"""What is judged before a request is whole: too much at once, too slow, too long a head.

uvicorn's own protocol with bounds. A refusal for want of room is bytes made beforehand, written as
soon as the head was read: no task, no route, no key, no body. What stops the run gets through.
"""

import asyncio
import socket
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from dutchbook.gateway.guard import HEADERS
from dutchbook.gateway.limits import Load
from dutchbook.gateway.problems import Problem
from dutchbook.hub.session import KERNEL

HEAD_MAX: Final = 64 * 1024
"""Bytes of a request's line and headers."""
PATIENCE: Final = 15.0
"""Seconds for a whole request; the guard answers a slow body before that."""
_BOTH: Final = (b"", b"/api/v1")
CONTROL: Final = tuple(prefix + b"/control/" for prefix in _BOTH)
"""Answered even where there is too much: how to stop it. The guard bounds each address."""
HEALTH: Final = tuple(
    prefix + path for prefix in _BOTH for path in (b"/health", b"/ready", b"/metrics")
)
"""How it is: has a rate of its own."""


def _bytes(problem: Problem, *, close: bool = True) -> bytes:
    """A problem as it goes over the wire."""
    answer = problem.response()
    pairs = [*answer.raw_headers, *HEADERS, *([(b"connection", b"close")] if close else [])]
    head = b"".join(name + b": " + value + b"\r\n" for name, value in dict(pairs).items())
    return STATUS_LINE[problem.status] + head + b"\r\n" + bytes(answer.body)


_MUCH: Final = Problem(
    "overloaded", "more is asked than can be answered", fix="ask again in a second", retry=1
)
SHED: Final = _bytes(_MUCH, close=False)
SHED_LAST: Final = _bytes(_MUCH)
NO_HTTP: Final = _bytes(
    Problem("malformed", "this is not sound HTTP/1.1", fix="send one length, and whole lines")
)
REFUSED: Final[Any] = object()
"""In an application's place: the answer is SHED, when its turn comes."""
SLOW: Final = _bytes(
    Problem("too_slow", f"a request is whole within {PATIENCE:g} s", fix="send it faster")
)
LONG: Final = _bytes(
    Problem("too_large", f"a request's head has up to {HEAD_MAX} bytes", fix="send less")
)


class Early(HttpToolsProtocol):
    """One connection; `load` is the whole gateway's."""

    def __init__(self, *args: Any, load: Load, **named: Any) -> None:
        super().__init__(*args, **named)
        self._load = load
        self._head = 0  # bytes of a head that is not whole, -1 behind it
        self._reading = True
        self._shed = False
        self._late: asyncio.TimerHandle | None = None

    # -- what a connection may take ----------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._in_time()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        self._in_time()
        made = self.transport.get_extra_info("socket")
        made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL)
        self.transport.set_write_buffer_limits(0)  # a frame waits here, the next one where counted
        super().handle_websocket_upgrade()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._reading:
            if self._late is not None:
                self._in_time()
            return
        if self._late is None:
            self._wait()
        if self._head >= 0:
            self._head += len(data)
            if self._head > HEAD_MAX:
                self._end(LONG)

    def _wait(self) -> None:
        self._late = self.loop.call_later(PATIENCE, self._too_late)

    def _in_time(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _too_late(self) -> None:
        self._late = None
        busy = self._busy()
        if self.pipeline or (busy and not self.cycle.more_body):
            self._wait()  # it is we who are slow
        else:
            self._end(SLOW if self._head >= 0 and not busy else b"")

    def _busy(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _end(self, said: bytes) -> None:
        self._in_time()
        if not self.transport.is_closing():
            self.transport.write(said)
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP; in uvicorn's place."""
        self._end(NO_HTTP if not self._busy() else b"")

    # -- a request ---------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._head, self._reading, self._shed = 0, True, False
        self._unset_keepalive_if_required()  # set by a refusal in the same bytes
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head = -1
        if self.parser.should_upgrade() or self._room():
            super().on_headers_complete()
            return
        if self._busy():  # answers keep their order: this one waits for those before it
            own, self.app = self.app, REFUSED
            super().on_headers_complete()
            self.app = own
            return
        self._shed = True
        if self.parser.should_keep_alive():
            self.transport.write(SHED)
        else:
            self._end(SHED_LAST)

    def _room(self) -> bool:
        url = self.url
        return url.startswith(CONTROL) or self._load.admits(vital=url.startswith(HEALTH))

    def on_body(self, body: bytes) -> None:
        if not self._shed:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._reading = False
        if not self._shed:
            super().on_message_complete()
        elif not self.transport.is_closing():
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def on_response_complete(self) -> None:
        while self.pipeline and self.pipeline[-1][1] is REFUSED and not self.transport.is_closing():
            cycle, _ = self.pipeline.pop()
            cycle.response_complete = True
            if cycle.keep_alive:
                self.transport.write(SHED)
            else:
                self._end(SHED_LAST)
        super().on_response_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._load.waiting += 1
        self._load.going += 1
        task = self.loop.create_task(self._answer(cycle, app))
        task.add_done_callback(self._answered)
        self.tasks.add(task)

    async def _answer(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._load.waiting -= 1
        await cycle.run_asgi(app)

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._load.going -= 1
        self.tasks.discard(task)
