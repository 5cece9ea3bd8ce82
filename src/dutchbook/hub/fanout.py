"""A hub that follows a run's feed: the process that serves many, beside the one that decides."""

import asyncio
import hmac
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from dutchbook.domain.events import SignalArrived
from dutchbook.hub import wire
from dutchbook.hub.core import Hub
from dutchbook.hub.feed import FeedClient, Hello
from dutchbook.hub.history import ROOM, History
from dutchbook.hub.message import Message
from dutchbook.hub.mirror import Mirror
from dutchbook.hub.session import Limits, Session, Subject, Want
from dutchbook.hub.switch import Authenticator, Keeper, Switch

SOCKET: Final = "feed.sock"
BACK: Final = 20_000
"""Steps of the journal whose messages are fetched at the start; older ones when asked for."""


class Feed(Protocol):
    """Where the messages come from: a run's socket, or a bus."""

    def start(self) -> None: ...
    async def stop(self) -> None: ...
    def books(self, wanted: bool) -> None: ...
    async def read(self, want: Want) -> list[Message]: ...
    async def post(self, event: SignalArrived) -> tuple[int, bool]: ...


Source = Callable[[Callable[[Hello], int], Callable[[list[Message]], None]], Feed]


class Fanout:
    """Follows the feed in `folder` (DATA_DIR/hub). `ready` is set once it did so first.

    When the run begins anew (or another one does), who is connected stays; a record that is not
    the one before makes all reconnect.
    """

    def __init__(
        self, folder: Path, clock: Callable[[], int], authenticate: Authenticator | None = None,
        limits: Limits | None = None, room: int = ROOM, feed: "Source | None" = None,
        keeper: Keeper | None = None,
    ) -> None:  # fmt: skip
        self.folder = folder
        self.ready = asyncio.Event()
        self.mirror = Mirror()
        self.hub = Hub(limits=limits, snapshots=self.mirror.snapshot)
        made = feed or (lambda begin, take: FeedClient(folder / SOCKET, begin, take))
        self.feed = made(self._begin, self._take)
        self.switch = Switch(self.hub, clock, authenticate or self._owner, self._read, keeper)
        self._room = room
        self._run = ""
        self._last = 0

    def start(self) -> None:
        self.switch.start()
        self.feed.start()
        self._watching = asyncio.create_task(self._watch(), name="books wanted")

    def drop(self, session: Session) -> None:
        """End a connection whose right has ended."""
        session.peer.close(wire.EXPIRED, wire.CLOSES[wire.EXPIRED])
        self.switch.left(session)

    async def stop(self) -> None:
        self._watching.cancel()
        await self.feed.stop()
        await self.switch.stop(wire.ENDING, wire.CLOSES[wire.ENDING])

    def _begin(self, hello: Hello) -> int:
        hub = self.hub
        if hello.key != hub.key or hello.seq < self._last:
            for session in list(hub.sessions):
                session.peer.close(wire.ENDING, wire.CLOSES[wire.ENDING])
                self.switch.left(session)
            after = max(hello.oldest, hello.seq - BACK)
            hub.key, hub.seq, self._last = hello.key, after, after
            for channel in wire.CHANNELS:
                hub.histories[channel] = History(after, hello.oldest, self._room)
        if hello.run != self._run:
            self._run = hello.run
            self.mirror.clear()
        self.ready.set()
        return self._last

    def _take(self, messages: list[Message]) -> None:
        self.mirror.fold(messages)
        kept = [item for item in messages if item.channel not in wire.CONFLATED]
        if kept:
            self._last = kept[-1].seq
        self.switch.publish(messages)

    async def post(self, event: SignalArrived) -> tuple[int, bool]:
        """Have the run number a signal: what `hub.asgi.router` wants as `post`."""
        return await self.feed.post(event)

    async def _read(self, want: Want) -> list[Message]:
        return await self.feed.read(want)

    async def _owner(self, token: str) -> Subject | None:
        told = (self.folder / "token").read_text(encoding="ascii").strip()
        same = hmac.compare_digest(token.encode(), told.encode())
        return Subject("owner", publish=True) if same else None

    async def _watch(self) -> None:
        while True:
            self.feed.books(bool(self.hub.groups["books"]))
            await asyncio.sleep(0.1)
