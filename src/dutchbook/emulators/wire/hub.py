"""The WebSocket side of a venue: accepts connections, feeds their sessions, sends their frames."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from dutchbook.emulators.wire.log import WireLog
from dutchbook.emulators.wire.mischief import Mischief
from dutchbook.emulators.wire.outbox import Frame, Outbox

PING_S: Final = 10.0


class Session(Protocol):
    """One client's conversation, without a socket."""

    def on_text(self, text: str, now: int) -> list[Frame]:
        """Answer a command."""
        ...

    def on_published(self, news: Any) -> list[Frame]:
        """What a change of the market means for this client."""
        ...

    def on_overflow(self, why: str) -> list[str]:
        """Last words to a client that is too slow."""
        ...


class Line:
    """A connection: its session, its outbox, its socket."""

    def __init__(self, session: Session, box: Outbox, ws: ServerConnection) -> None:
        self.session = session
        self.box = box
        self.ws = ws


class Hub:
    """All connections of one venue. `lines` are the open ones, in order of their coming."""

    def __init__(
        self,
        venue: str,
        make: Callable[[str, Mapping[str, str]], Any],
        mischief: Mischief,
        log: WireLog,
        *,
        ping: bytes | None,
    ) -> None:
        self.venue = venue
        self.lines: dict[str, Line] = {}
        self.seen = 0
        self.mischief = mischief
        self._make = make
        self._log = log
        self._ping = ping
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, ws: ServerConnection) -> None:
        """Handle one connection from its opening to its end."""
        self.seen += 1
        name = f"{self.venue}.ws#{self.seen}"
        line = self._line(name, ws)
        self._log.note(name, open={"path": ws.request.path if ws.request else ""})
        tasks = [asyncio.create_task(line.box.run())]
        if self._ping is not None:
            tasks.append(asyncio.create_task(self._heartbeat(ws, self._ping)))
        self.lines[name] = line
        try:
            async for message in ws:
                self._heard(line, message)
        except ConnectionClosed:
            pass
        finally:
            del self.lines[name]
            self.mischief.forget(line.box)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._log.note(name, close=self._why(ws))

    def send(self, line: Line, frames: list[Frame], now: int) -> None:
        """Queue frames, as the faults leave them."""
        through = self.mischief.through
        for frame in frames:
            items = through(line.box, frame, now)
            if items:
                line.box.put(items)

    def cut(self) -> None:
        """Drop every connection, after what is queued has left."""
        for line in self.lines.values():
            line.box.cut_when_flushed()

    def terminal(self, code: int, now: int) -> bool:
        """End the subscriptions of the first public connection with an error; False if none."""
        for line in self.lines.values():
            end = getattr(line.session, "terminal", None)
            if end is not None and not getattr(line.session, "private", False):
                self.send(line, end(code), now)
                return True
        return False

    def poll(self, now: int) -> None:
        """Let the next fault happen if it is due."""
        lines = [
            line for line in self.lines.values() if not getattr(line.session, "private", False)
        ]
        self.mischief.poll(now, [line.box for line in lines])

    def _line(self, name: str, ws: ServerConnection) -> Line:
        request = ws.request
        session = self._make(request.path, request.headers) if request else self._make("", {})

        def cut() -> None:
            self._log.note(name, note="disconnect now")
            ws.transport.close()

        def overflow(why: str) -> None:
            self._log.note(name, note=why)
            task = asyncio.create_task(self._part(ws, session.on_overflow(why), why))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        return Line(session, Outbox(name, self._log, time.time_ns, ws.send, cut, overflow), ws)

    def _heard(self, line: Line, message: str | bytes) -> None:
        text = message if isinstance(message, str) else message.decode("utf-8", "replace")
        self._log.note(line.box.name, got=text)
        if text == "PING" and self._ping is None:
            line.box.put_urgent("PONG")
            return
        now = time.time_ns()
        self.send(line, line.session.on_text(text, now), now)

    async def _part(self, ws: ServerConnection, words: list[str], why: str) -> None:
        with contextlib.suppress(ConnectionClosed, TimeoutError):
            async with asyncio.timeout(1.0):
                for text in words:
                    await ws.send(text)
                await ws.close(1008, why[:100])
        ws.transport.abort()

    async def _heartbeat(self, ws: ServerConnection, body: bytes) -> None:
        """Ping every 10 s; a client that has not answered by the next ping is disconnected."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                await asyncio.sleep(PING_S)
                pong = await ws.ping(body)
                self._log.note(self._name(ws), note="ping")
                await asyncio.sleep(0)
                done, _ = await asyncio.wait([asyncio.ensure_future(pong)], timeout=PING_S)
                if not done:
                    await ws.close(1008, "no pong")
                    return

    def _name(self, ws: ServerConnection) -> str:
        return next((name for name, line in self.lines.items() if line.ws is ws), self.venue)

    @staticmethod
    def _why(ws: ServerConnection) -> str:
        code = ws.close_code
        return f"{code} {ws.close_reason or ''}".strip()
