"""Tells gateways what a run does: a socket in the data directory that only its owner may open.

Whoever connects is told all that stands, then every step that decided something or concerns the
account, and four times a second the prices that moved. A gateway that does not keep up is cut off
and may come again: the engine never waits for one.
"""

import asyncio
import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from dutchbook import __version__
from dutchbook.domain.account_events import ClockSeen, RateSeen
from dutchbook.domain.events import ACCOUNT, OperatorAsked, TimerFired
from dutchbook.domain.instrument import EventGroup, Instrument
from dutchbook.domain.step import Closed, Improved, Opened, Passed, Step
from dutchbook.domain.units import Ns
from dutchbook.gateway.told import (
    Account,
    Began,
    Held,
    Listed,
    Quotes,
    Status,
    Stepped,
    Told,
    frame,
)
from dutchbook.runtime import status
from dutchbook.runtime.answers import answer
from dutchbook.runtime.looking import quote

if TYPE_CHECKING:
    from dutchbook.runtime.live import Live

NAME: Final = "steps.sock"
EVERY: Final = 0.25
BEHIND: Final = 32 << 20
"""Bytes that may wait for one gateway."""
_TOLD: Final = frozenset(ACCOUNT) - {TimerFired, ClockSeen, RateSeen}


class Publisher:
    """Serves one run. `put` is called for each step, and does nothing much while nobody listens."""

    def __init__(self, live: "Live") -> None:
        self._live = live
        self._writers: dict[asyncio.StreamWriter, None] = {}
        self._server: asyncio.Server | None = None
        self._ticking: asyncio.Task[None] | None = None
        self._held: dict[str, Held] = {}
        self._listed: dict[str, Instrument] = {}
        self._groups: dict[str, EventGroup] = {}
        self._seqs: dict[str, int] = {}
        self._account = b""
        self._turn = 0

    async def start(self) -> None:
        """Listen; as in `control`, the path is short through its folder's descriptor."""
        root: Path = self._live.house.data_dir
        with contextlib.suppress(FileNotFoundError):
            (root / NAME).unlink()
        folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            mask = os.umask(0o177)
            try:
                self._server = await asyncio.start_unix_server(
                    self._serve, f"/proc/self/fd/{folder}/{NAME}"
                )
            finally:
                os.umask(mask)
        finally:
            os.close(folder)
        self._ticking = asyncio.create_task(self._tick(), name="publisher")

    async def stop(self) -> None:
        if self._ticking is not None:
            self._ticking.cancel()
        if self._server is not None:
            self._server.close()
        for writer in list(self._writers):
            writer.close()
        with contextlib.suppress(FileNotFoundError):
            (self._live.house.data_dir / NAME).unlink()

    def put(self, step: Step) -> None:
        """A step that was recorded."""
        told = type(step.envelope.event) in _TOLD
        if not step.notes and not told:
            return
        for note in step.notes:
            if isinstance(note, Opened | Improved):
                known = self._held.get(note.id)
                at = known.opened_at if known else step.envelope.at
                best = max(note.certificate.edge, known.best if known else 0)
                self._held[note.id] = Held(note.id, at, note.certificate, best)
            elif isinstance(note, Closed):
                self._held.pop(note.id, None)
        if self._writers:
            if isinstance(step.envelope.event, OperatorAsked):
                self._rows()  # before its step: who waits for that reads what became of it
            self._tell(Stepped(step))

    def _tell(self, message: Told, only: asyncio.StreamWriter | None = None) -> None:
        data = frame(message)
        for writer in [only] if only is not None else list(self._writers):
            if writer.transport.get_write_buffer_size() > BEHIND:
                self._writers.pop(writer, None)
                writer.transport.abort()
            else:
                writer.write(data)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self._greet(writer)
            self._writers[writer] = None
            await reader.read()  # a gateway says nothing: this ends when it goes
        except ConnectionError:
            pass
        finally:
            self._writers.pop(writer, None)
            writer.close()

    def _greet(self, writer: asyncio.StreamWriter) -> None:
        live = self._live
        engine, now = live.engine, live.clock.now()
        rejected: list[Passed] = [
            p for key, p in engine.whynot.last.items() if key in engine.candidates
        ]
        began = Began(
            live.run, live.house.settings.mode, __version__, now, live.began,
            tuple(self._held.values()), tuple(rejected),
        )  # fmt: skip
        self._tell(began, writer)
        world = engine.world
        self._tell(Listed(tuple(world.instruments.values()), tuple(world.groups.values())), writer)
        self._tell(Quotes(now, tuple(quote(live, key) for key in world.instruments)), writer)
        found = self._made(now)
        if found is not None:
            self._tell(found, writer)
        self._tell(Status(status.describe(live, running=True)), writer)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            self._turn += 1
            if self._writers:
                self._moved()
                self._rows()
                if self._turn % 4 == 0:
                    self._tell(Status(status.describe(self._live, running=True)))

    def _moved(self) -> None:
        """Markets that are new or described anew, and best prices that changed."""
        live, world = self._live, self._live.engine.world
        listed = [one for key, one in world.instruments.items() if self._listed.get(key) is not one]
        groups = [one for key, one in world.groups.items() if self._groups.get(key) is not one]
        if listed or groups:
            self._listed, self._groups = dict(world.instruments), dict(world.groups)
            self._tell(Listed(tuple(listed), tuple(groups)))
        moved = []
        for key, book in world.books.tokens[0].items():
            if book.seq and self._seqs.get(key) != book.seq:
                self._seqs[key] = book.seq
                moved.append(quote(live, key))
        now = live.clock.now()
        self._tell(Quotes(now, tuple(moved)))

    def _rows(self) -> None:
        """The account's rows, if they are not what was told last."""
        found = self._made(Ns(0))
        data = msgspec.msgpack.encode(found)
        if found is not None and data != self._account:
            self._account = data
            self._tell(msgspec.structs.replace(found, at=self._live.clock.now()))

    def _made(self, at: Ns) -> Account | None:
        live = self._live
        if live.engine.trading is None:
            return None
        rows: list[Any] = [answer(live, name) for name in ("money", "orders", "positions")]
        baskets = [row for row in answer(live, "baskets") if row["stage"] in _GOING]
        return Account(at, rows[0], rows[1], baskets, rows[2])


_GOING: Final = ("legs", "complete", "unwind", "stuck")
