"""Between the pure hub and a transport: authentication, reading back, tickets, the clock's tick."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

from dutchbook.hub import wire
from dutchbook.hub.core import Hub
from dutchbook.hub.flow import Delivered
from dutchbook.hub.message import Frame, Message
from dutchbook.hub.session import (
    Authenticate,
    Close,
    Out,
    Save,
    Saved,
    Send,
    Session,
    Subject,
    Want,
)

TICKET_NS: Final = 30_000_000_000
TICKETS_MAX: Final = 10_000
HELD_MAX: Final = 16
FLUSH_NS: Final = 5_000_000
PAGES: Final = 4
"""Pages of a resume that are sent before others get their turn."""

Authenticator = Callable[[str], Awaitable[Subject | None]]
"""Whom a token stands for; None for one that is good for nothing."""


class Peer(Protocol):
    """A connection of a transport. Neither call waits, and after `close` both do nothing.

    `client_id`: the one that the address names, which the token must stand for; "" if none.
    """

    client_id: str

    def send(self, frame: Frame) -> None: ...
    def close(self, code: int, why: str) -> None: ...


class Keeper(Protocol):
    """Where what outlives a connection is kept."""

    def save(self, client_id: str, items: tuple[Saved, ...]) -> None: ...
    def delivered(self, rows: list[Delivered]) -> None: ...


class Switch:
    """One hub with its connections. `read` gives a page of what is kept, whole steps."""

    def __init__(
        self, hub: Hub, clock: Callable[[], int], authenticate: Authenticator,
        read: Callable[[Want], Awaitable[list[Message]]], keeper: Keeper | None = None,
    ) -> None:  # fmt: skip
        self.hub = hub
        self.clock = clock
        self.authenticate = authenticate
        self.read = read
        self._keeper = keeper
        self._tickets: dict[str, tuple[Subject, int]] = {}
        self._held: dict[Session, list[tuple[bytes, bool]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._pending: list[Message] = []
        self._flushed = 0
        self._flushing: asyncio.TimerHandle | None = None
        self._ended: tuple[int, str] | None = None
        self._ticking: asyncio.Task[None] | None = None

    # -- what a transport calls ----------------------------------------------------------------

    def joined(self, peer: Peer) -> Session:
        """A connection is there."""
        session, outs = self.hub.connected(peer, self.clock())
        self._do(session, outs)
        if self._ended is not None:
            peer.close(*self._ended)
        return session

    def left(self, session: Session) -> None:
        """It is not there any more."""
        self._held.pop(session, None)
        self.hub.gone(session, self.clock())

    def heard(self, session: Session, data: bytes, binary: bool) -> None:
        """A whole message came; while it is found out who speaks, the next ones wait."""
        held = self._held.get(session)
        if held is not None:
            if len(held) < HELD_MAX:
                held.append((data, binary))
            return
        self._do(session, self.hub.received(session, data, binary, self.clock()))
        self.pump(session)

    def full(self, session: Session) -> None:
        """The transport has no room for this connection."""
        self.hub.paused(session, self.clock())

    def room(self, session: Session) -> None:
        """It has room again."""
        self.hub.resumed(session, self.clock())
        self.pump(session)

    # -- what a publisher calls ----------------------------------------------------------------

    def publish(self, messages: list[Message]) -> None:
        """Messages of whole steps. They leave at once, or together with those that come within
        FLUSH of the last ones that left: a burst costs each subscriber one frame, not many."""
        self._pending += messages
        if self._flushing is not None or not messages:
            return
        left = self._flushed + FLUSH_NS - self.clock()
        if left <= 0:
            self.flush()
        else:
            self._flushing = asyncio.get_running_loop().call_later(left / 1e9, self.flush)

    def flush(self) -> None:
        """Send what waits."""
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        messages, self._pending = self._pending, []
        batch = self.hub.publish(messages, self.clock())
        for frame, sessions in batch.frames:
            for session in sessions:
                session.peer.send(frame)
        for session, close in batch.closes:
            session.peer.close(close.code, close.why)
        self._flushed = self.clock()  # after it: however long it took, others get their turn

    def ticket(self, subject: Subject) -> str:
        """A one-use ticket, good for 30 s, for who has shown a token over HTTP."""
        now = self.clock()
        for name in [name for name, (_, until) in self._tickets.items() if until < now]:
            del self._tickets[name]
        while len(self._tickets) >= TICKETS_MAX:
            del self._tickets[next(iter(self._tickets))]
        name = os.urandom(24).hex()
        self._tickets[name] = (subject, now + TICKET_NS)
        return name

    def start(self) -> None:
        """Begin to tick; needs a running loop."""
        self._ticking = asyncio.create_task(self._tick(), name="hub")

    async def stop(self, code: int, why: str) -> None:
        """Close every connection with a code, also those still to come; end the log."""
        self.flush()
        self._ended = (code, why)
        if self._ticking is not None:
            self._ticking.cancel()
        for session in list(self.hub.sessions):
            session.peer.close(code, why)
            self.left(session)
        self._write()
        for task in list(self._tasks):
            task.cancel()

    # -- inside --------------------------------------------------------------------------------

    def _do(self, session: Session, outs: list[Out]) -> None:
        for out in outs:
            if isinstance(out, Send):
                session.peer.send(out.frame)
            elif isinstance(out, Close):
                session.peer.close(out.code, out.why)
            elif isinstance(out, Authenticate):
                self._held[session] = []
                self._later(self._ask(session, out))
            elif isinstance(out, Save) and self._keeper is not None:
                self._keeper.save(out.client_id, out.items)

    async def _ask(self, session: Session, asked: Authenticate) -> None:
        subject: Subject | None = None
        try:
            if asked.ticket:
                found, until = self._tickets.pop(asked.ticket, (None, 0))
                subject = found if until >= self.clock() else None
            elif asked.token:
                subject = await self.authenticate(asked.token)
        finally:
            named = session.peer.client_id
            if subject is not None and named and named != subject.client_id:
                subject = None
            held = self._held.pop(session, [])
            self._do(session, self.hub.authenticated(session, subject, self.clock()))
            self.pump(session)
        for data, binary in held:
            self.heard(session, data, binary)

    def pump(self, session: Session) -> None:
        """Send on what waits or is owed, a few pages at a time."""
        for _ in range(PAGES):
            frame = self.hub.next(session, self.clock())
            if frame is None:
                for want in self.hub.wants(session):
                    self._later(self._fetch(session, want))
                return
            session.peer.send(frame)
        if not session.paused:
            asyncio.get_running_loop().call_soon(self.pump, session)

    async def _fetch(self, session: Session, want: Want) -> None:
        try:
            rows = await self.read(want)
        except (OSError, LookupError):
            rows = None
        if rows is None or want.position[0] < self.hub.histories[want.channel].oldest:
            # It can't be had, or no longer: the client asks anew, and hears why where it is gone.
            session.peer.close(wire.SLOW, wire.CLOSES[wire.SLOW])
            self.left(session)
            return
        self.hub.fed(session, want, rows)
        self.pump(session)

    def _later(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(1)
            for session, close in self.hub.tick(self.clock()):
                session.peer.close(close.code, close.why)
            self._write()

    def _write(self) -> None:
        if self._keeper is not None:
            rows = self.hub.log(self.clock())
            if rows:
                self._keeper.delivered(rows)
