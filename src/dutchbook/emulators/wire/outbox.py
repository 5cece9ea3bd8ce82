"""The outgoing frames of one connection: in order, bounded, logged when sent, and maltreatable."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from dutchbook.domain.units import SECOND
from dutchbook.emulators.wire.log import WireLog

FRAMES_MAX: Final = 10_000


class Frame(NamedTuple):
    """What a session wants sent. `kind`: "delta" (a book change), "data" or "control".

    `hot`: it changes a best price of a busy market. `market` is the venue's own name, `sid`
    Kalshi's subscription.
    """

    text: str
    kind: str = "control"
    hot: bool = False
    market: str = ""
    sid: int = 0


class Item(NamedTuple):
    """A frame on its way: text or bytes, the fault that touched it, when it may leave (ns)."""

    data: str | bytes
    fault: str | None = None
    due: int = 0


class Outbox:
    """Frames wait here for the one writer task. `send` is the socket's, `cut` drops the TCP line.

    More than FRAMES_MAX waiting frames call `overflow` once: the client is too slow.
    """

    def __init__(
        self,
        name: str,
        log: WireLog,
        clock: Callable[[], int],
        send: Callable[[str | bytes], Awaitable[None]],
        cut: Callable[[], None],
        overflow: Callable[[str], None],
    ) -> None:
        self.name = name
        self.hold_until = 0
        self._log = log
        self._clock = clock
        self._send = send
        self._cut = cut
        self._overflow = overflow
        self._items: deque[Item] = deque()
        self._urgent: deque[str] = deque()
        self._wake = asyncio.Event()
        self._cutting = False
        self._full = False
        self.count = 0

    def put(self, items: list[Item]) -> None:
        """Queue frames; those that a freeze keeps waiting are marked so in the log."""
        if self._full or self._cutting:
            return
        if self.hold_until:
            frozen = self._clock() < self.hold_until
            items = [i._replace(fault=i.fault or "freeze") if frozen else i for i in items]
        self._items.extend(items)
        self._wake.set()
        if len(self._items) > FRAMES_MAX:
            self._full = True
            self._items.clear()
            self._overflow(f"too slow: more than {FRAMES_MAX} frames waited")

    def put_urgent(self, text: str) -> None:
        """Queue an answer that no freeze holds back (PONG)."""
        self._urgent.append(text)
        self._wake.set()

    def cut_when_flushed(self) -> None:
        """Drop the line without a close frame, after what is queued has left."""
        self._cutting = True
        self._wake.set()

    async def run(self) -> None:
        """The writer: ends when the line was cut; cancelled when the connection closes."""
        while True:
            if self._urgent:
                await self._put_out(Item(self._urgent.popleft()))
            elif self._items:
                await self._head()
            elif self._cutting:
                self._cut()
                return
            else:
                self._wake.clear()
                await self._wake.wait()

    async def _head(self) -> None:
        item = self._items[0]
        wait = max(item.due, self.hold_until) - self._clock()
        if wait <= 0:
            self._items.popleft()
            await self._put_out(item)
            return
        self._wake.clear()
        try:
            await asyncio.wait_for(self._wake.wait(), min(wait, SECOND) / SECOND)
        except TimeoutError:
            return

    async def _put_out(self, item: Item) -> None:
        await self._send(item.data)
        self.count += 1
        self._log.sent(self.name, self.count, item.data, item.fault)
