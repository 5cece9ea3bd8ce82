"""The one door into the deciding tower: bounded, in order, numbered, shortened when it backs up."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final

from dutchbook.domain.clock import Clock
from dutchbook.domain.events import (
    BookLevels,
    BookSeen,
    Envelope,
    Event,
    FeedDown,
    FeedGap,
    FeedUp,
    GridChanged,
    InstrumentListed,
    MarketResolved,
    StatusChanged,
)
from dutchbook.domain.units import Ns
from dutchbook.runtime.conflate import merged

_STREAM_BARRIERS: Final = (FeedUp, FeedDown, FeedGap)
_KEY_BARRIERS: Final = (GridChanged, StatusChanged, MarketResolved, BookSeen)


class _Box:
    """A waiting book change that later ones of the same book may still be merged into."""

    __slots__ = ("event", "taken")

    def __init__(self, event: BookLevels) -> None:
        self.event = event
        self.taken = False


class Inbox:
    """Events wait here for the engine; nothing is ever dropped.

    Above `conflate_over` waiting events, changes of one book are merged into one, unless a gap,
    up or down of their stream, or a new grid, status or REST copy of their market lies between.
    At `events_max` `room` is cleared: who reads sockets waits for it before reading more.
    `seq` and `at` are given when an event is taken, so what was merged leaves no hole.
    """

    def __init__(
        self, clock: Clock, *, seq: int = 0, at: int = 0, events_max: int = 50_000,
        conflate_over: int = 2_000,
    ) -> None:  # fmt: skip
        self._clock = clock
        self._events_max = events_max
        self._conflate_over = conflate_over
        self._waiting: deque[Event | _Box] = deque()
        self._open: dict[str, dict[tuple[str, int], _Box]] = {}
        self._some = asyncio.Event()
        self._at = at
        self.seq = seq
        self.conflated = 0
        self.dropped = 0
        self.peak = 0
        self.room = asyncio.Event()
        self.room.set()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, stream: str, events: Sequence[Event]) -> None:
        """Add events in their order. Never waits and never refuses: `room` says when to stop."""
        waiting = self._waiting
        if not self._open and len(waiting) + len(events) <= self._conflate_over:
            waiting.extend(events)
        else:
            for event in events:
                self._add(event)
        backlog = len(waiting)
        if backlog > self.peak:
            self.peak = backlog
        if backlog >= self._events_max:
            self.room.clear()
        if backlog:
            self._some.set()

    def take(self, limit: int = 1_000) -> list[Envelope]:
        """Up to `limit` events in order, numbered and stamped; empty if none wait."""
        waiting = self._waiting
        self._at = max(self._at, self._clock.now())
        at, seq = Ns(self._at), self.seq
        out: list[Envelope] = []
        for _ in range(min(limit, len(waiting))):
            event = waiting.popleft()
            if event.__class__ is _Box:
                event.taken = True
                event = event.event
            seq += 1
            out.append(Envelope(seq, at, event))  # type: ignore[arg-type]
        self.seq = seq
        self._after_take()
        return out

    async def ready(self) -> None:
        """Wait until there is something to take."""
        await self._some.wait()

    def _after_take(self) -> None:
        backlog = len(self._waiting)
        if not backlog:
            self._some.clear()
        if self._open and backlog <= self._conflate_over:
            self._open.clear()
        if backlog <= self._events_max // 2:
            self.room.set()

    def _add(self, event: Event) -> None:
        """Add one event while the backlog is long: merge it if it can be."""
        if isinstance(event, BookLevels):
            self._add_book(event)
            return
        if isinstance(event, _STREAM_BARRIERS):
            self._open.pop(event.stream, None)
        elif isinstance(event, _KEY_BARRIERS):
            self._close(event.key)
        elif isinstance(event, InstrumentListed):
            self._close(event.instrument.key)
        self._waiting.append(event)

    def _add_book(self, event: BookLevels) -> None:
        books = self._open.setdefault(event.stream, {})
        at = (event.key, event.token)
        box = books.get(at)
        if box is not None and not box.taken:
            one = merged(box.event, event)
            if one is not None:
                box.event = one
                self.conflated += 1
                return
        books[at] = box = _Box(event)
        self._waiting.append(box)

    def _close(self, key: str) -> None:
        """No later change of this market may be merged into one that waits already."""
        for books in self._open.values():
            books.pop((key, 0), None)
            books.pop((key, 1), None)
