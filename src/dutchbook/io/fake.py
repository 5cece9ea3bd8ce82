"""A scripted transport: frames, cuts and answers as a story, on any clock; for tests and demos."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import msgspec

from dutchbook.domain.clock import Clock
from dutchbook.domain.units import Ns
from dutchbook.io.ports import Link, Lost, OnFrames, OnLost, Reply
from dutchbook.venues.base import Call, Dial


class Frames(msgspec.Struct, frozen=True):
    """These messages arrive in one read, `after` ns after the act before."""

    data: tuple[bytes, ...]
    after: Ns = Ns(0)


class Cut(msgspec.Struct, frozen=True):
    """The connection is lost, `after` ns after the act before."""

    why: str = "cut"
    after: Ns = Ns(0)


class Refuse(msgspec.Struct, frozen=True):
    """Dialling fails; only as the first act of a connection."""

    why: str = "refused"


Act = Frames | Cut | Refuse
Answer = Callable[[Call, dict[str, str]], Reply | Lost]


class FakeTransport:
    """`story`: per URL, what happens on its first, second, ... connection; then only silence.

    `answer` answers calls at once. What was done is kept: `dialled` (time, URL, headers),
    `sent` (time, URL, text), `called` (time, call, headers), `paused` (URLs not read now).
    """

    def __init__(
        self,
        clock: Clock,
        story: dict[str, list[list[Act]]] | None = None,
        answer: Answer = lambda call, headers: Reply(404),
    ) -> None:
        self.clock = clock
        self.story = {url: list(acts) for url, acts in (story or {}).items()}
        self.answer = answer
        self.dialled: list[tuple[Ns, str, dict[str, str]]] = []
        self.sent: list[tuple[Ns, str, bytes]] = []
        self.called: list[tuple[Ns, Call, dict[str, str]]] = []
        self.paused: set[str] = set()
        self.links: list[FakeLink] = []

    async def connect(
        self, dial: Dial, headers: dict[str, str], on_frames: OnFrames, on_lost: OnLost
    ) -> Link:
        self.dialled.append((self.clock.now(), dial.url, headers))
        waiting = self.story.get(dial.url, [])
        acts = list(waiting.pop(0)) if waiting else []
        if acts and isinstance(acts[0], Refuse):
            raise Lost(acts[0].why, sent=False)
        link = FakeLink(self, dial.url, acts, on_frames, on_lost)
        self.links.append(link)
        return link

    async def call(self, call: Call, headers: dict[str, str]) -> Reply:
        self.called.append((self.clock.now(), call, headers))
        answer = self.answer(call, headers)
        if isinstance(answer, Lost):
            raise answer
        return answer

    async def close(self) -> None:
        for link in self.links:
            await link.close()


class FakeLink:
    """A connection that plays its acts while it is read."""

    def __init__(
        self,
        transport: FakeTransport,
        url: str,
        acts: list[Act],
        on_frames: OnFrames,
        on_lost: OnLost,
    ) -> None:
        self._transport = transport
        self._url = url
        self._acts = acts
        self._on_frames = on_frames
        self._on_lost = on_lost
        self._reading = False
        self._waits = False
        self.closed = False

    def send(self, data: bytes) -> None:
        if not self.closed:
            self._transport.sent.append((self._transport.clock.now(), self._url, data))

    def pause(self) -> None:
        self._reading = False
        self._transport.paused.add(self._url)

    def resume(self) -> None:
        self._reading = True
        self._transport.paused.discard(self._url)
        self._next()

    async def close(self) -> None:
        self._end("closed by us")

    def _next(self) -> None:
        """Arrange for the next act, once."""
        if self.closed or self._waits or not self._reading or not self._acts:
            return
        act = self._acts[0]
        if isinstance(act, Frames | Cut):
            self._waits = True
            self._transport.clock.after(act.after, partial(self._play, act))

    def _play(self, act: Frames | Cut) -> None:
        self._waits = False
        if self.closed or not self._reading:
            return
        del self._acts[0]
        if isinstance(act, Cut):
            self._end(act.why)
            return
        self._on_frames(list(act.data))
        self._next()

    def _end(self, why: str) -> None:
        if not self.closed:
            self.closed = True
            self._on_lost(why)
