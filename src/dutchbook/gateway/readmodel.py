"""What screens read, kept in memory: folds what a run tells, and answers at once.

Rows are made when they are first asked for and kept, as bytes, until what they show changes.
"""

import asyncio
import contextlib
from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from typing import Any, Final

import msgspec

from dutchbook.domain.certificate import Certificate
from dutchbook.domain.instrument import EventGroup, Instrument
from dutchbook.domain.step import Closed, Found, Improved, Note, Opened, Passed, Refused
from dutchbook.domain.units import MILLI, SECOND, Ns
from dutchbook.gateway import rows, shapes
from dutchbook.gateway.told import (
    Account,
    Began,
    Held,
    Listed,
    Quotes,
    Status,
    Stepped,
    Told,
)

MOMENTS: Final = 300
"""Prices kept of one market."""
CLOSED: Final = 1_000
"""Closed opportunities kept; older ones are in the tables."""
LATE: Final = Ns(5 * SECOND)
"""A run that said nothing for so long is not followed."""
CATCH_UP: Final = 1.0
"""Seconds that a command's answer may wait for what it changed to be shown."""

Quote = tuple[int, int, int, int, int]
"""(bid, bid size, ask, ask size, at)."""


class ReadModel:
    """Belongs to one event loop. `listen` gives others (a hub, alerts) every message after us.

    `turn` is another one after each change of what is shown.
    """

    def __init__(self) -> None:
        self.linked = False
        self.turn = 0
        self.listeners: list[Callable[[Told], None]] = []
        self._moved = asyncio.Event()
        self._begin(Began("", "", "", Ns(0), Ns(0)))

    def _begin(self, said: Began) -> None:
        self.run, self.mode, self.version = said.run, said.mode, said.version
        self.began = said.began
        self.heard_at: Ns = said.at
        self.seq = 0
        self.instruments: dict[str, Instrument] = {}
        self.groups: dict[str, EventGroup] = {}
        self.quotes: dict[str, Quote] = {}
        self.moments: dict[str, deque[tuple[Ns, int, int]]] = {}
        self.held: dict[str, Held] = {one.id: one for one in said.held}
        self.closed: dict[str, tuple[Held, Ns, str]] = {}
        self.passed: dict[str, Passed] = {one.key: one for one in said.passed}
        self.refused: deque[tuple[Ns, Refused]] = deque(maxlen=MOMENTS)
        self.found: deque[tuple[Ns, Found]] = deque(maxlen=MOMENTS)
        self.account: Account | None = None
        self.status: dict[str, Any] = {}
        self.opened = 0
        self._keys: list[str] = []
        self._texts: dict[str, str] = {}
        self._market_rows: dict[str, bytes] = {}
        self._held_rows: dict[str, bytes] = {}
        self._account_rows: dict[str, Any] = {}

    # -- folding ---------------------------------------------------------------------------------

    def hear(self, message: Told) -> None:
        """Fold one message, then pass it on."""
        self.turn += type(message) is not Stepped or bool(message.step.notes)
        if isinstance(message, Quotes):
            self._quoted(message)
        elif isinstance(message, Stepped):
            self._stepped(message)
        elif isinstance(message, Account):
            self._accounted(message)
        elif isinstance(message, Status):
            self.status = message.document
            self.heard_at = Ns(max(self.heard_at, message.document.get("at", 0)))
        elif isinstance(message, Listed):
            self._listed(message)
        else:
            self._begin(message)
            self.linked = True
        for listener in self.listeners:
            listener(message)

    def lost(self) -> None:
        """The run can't be heard any more: what is shown stays, and says that it is old."""
        self.linked = False
        self.turn += 1
        self._moved.set()

    async def reached(self, seq: int) -> None:
        """Wait for the step of that number, so that who commanded it reads what it changed.

        Not for long: what a run that is cut off did is shown when it is heard again.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CATCH_UP):
                while self.linked and self.seq < seq:
                    self._moved.clear()
                    await self._moved.wait()

    def listen(self, listener: Callable[[Told], None]) -> None:
        """Have every later message passed on, after it was folded here."""
        self.listeners.append(listener)

    def _accounted(self, said: Account) -> None:
        """Rows made of what is as it was are kept."""
        before, kept = self.account, self._account_rows
        same = [name for name in ("orders", "positions")
                if name in kept and getattr(before, name) == getattr(said, name)]  # fmt: skip
        self._account_rows = {name: kept[name] for name in same}
        self.account, self.heard_at = said, said.at

    def _quoted(self, said: Quotes) -> None:
        self.heard_at = said.at
        drop = self._market_rows.pop
        for key, bid, bid_qty, ask, ask_qty in said.rows:
            self.quotes[key] = (bid, bid_qty, ask, ask_qty, said.at)
            drop(key, None)
            past = self.moments.get(key)
            if past is None:
                past = self.moments[key] = deque(maxlen=MOMENTS)
            if not past or past[-1][1:] != (bid, ask):
                past.append((said.at, bid, ask))

    def _listed(self, said: Listed) -> None:
        for one in said.instruments:
            self.instruments[one.key] = one
            self._texts[one.key] = (
                f"{one.key} {one.title} {one.outcome} {one.event} {one.category}".casefold()
            )
            self._market_rows.pop(one.key, None)
        for group in said.groups:
            self.groups[group.key] = group
        self._keys = sorted(self.instruments)

    def _stepped(self, said: Stepped) -> None:
        step = said.step
        self.seq, self.heard_at = step.envelope.seq, step.envelope.at
        for note in step.notes:
            self._noted(note, step.envelope.at)
        self._moved.set()

    def _noted(self, note: Note, at: Ns) -> None:
        if isinstance(note, Opened):
            self._hold(note.id, at, note.certificate)
            self.opened += 1
        elif isinstance(note, Improved):
            known = self.held.get(note.id)
            self._hold(note.id, known.opened_at if known else at, note.certificate)
        elif isinstance(note, Closed):
            held = self.held.pop(note.id, None)
            self._held_rows.pop(note.id, None)
            if held is not None:
                held = msgspec.structs.replace(held, best=max(held.best, note.best))
                self.closed[note.id] = (held, at, note.why)
                if len(self.closed) > CLOSED:
                    del self.closed[next(iter(self.closed))]
        elif isinstance(note, Passed):
            self.passed[note.key] = note
        elif isinstance(note, Refused):
            self.refused.append((at, note))
        elif isinstance(note, Found):
            self.found.append((at, note))

    def _hold(self, name: str, at: Ns, certificate: Certificate) -> None:
        before = self.held.get(name)
        best = max(certificate.edge, before.best if before else 0)
        self.held[name] = Held(name, at, certificate, best)
        self._held_rows.pop(name, None)

    # -- reading ---------------------------------------------------------------------------------

    def following(self, now: Ns) -> bool:
        """Whether a run is heard, and was lately."""
        return self.linked and now - self.heard_at < LATE

    def markets(
        self, after: str, limit: int, *, platform: str = "", status: str = "", words: str = "",
        event: str = "",
    ) -> tuple[list[msgspec.Raw], str]:  # fmt: skip
        """A page of markets in the order of their keys, and the key to go on after ("": none)."""
        wanted = words.casefold().split()
        found: list[msgspec.Raw] = []
        last = ""
        for at in range(bisect_right(self._keys, after) if after else 0, len(self._keys)):
            key = self._keys[at]
            one = self.instruments[key]
            if (
                (platform and one.venue != platform)
                or (status and one.status != status)
                or (event and one.event != event)
                or (wanted and not all(word in self._texts[key] for word in wanted))
            ):
                continue
            if len(found) == limit:
                return found, last
            found.append(msgspec.Raw(self.market_row(key)))
            last = key
        return found, ""

    def market_row(self, key: str) -> bytes:
        """A market as JSON; KeyError if there is none."""
        row = self._market_rows.get(key)
        if row is None:
            made = rows.market(self.instruments[key], self.quotes.get(key))
            row = self._market_rows[key] = shapes.encode(made)
        return row

    def opportunities(self, *, kind: str = "", platform: str = "") -> list[msgspec.Raw]:
        """Those that are open, best edge first."""
        chosen = [
            one
            for one in self.held.values()
            if (not kind or one.certificate.kind == kind)
            and (not platform or any(_at(leg.instrument, platform) for leg in one.certificate.legs))
        ]
        chosen.sort(key=lambda one: (-one.certificate.edge, one.id))
        return [msgspec.Raw(self._held_row(one)) for one in chosen]

    def _held_row(self, one: Held) -> bytes:
        row = self._held_rows.get(one.id)
        if row is None:
            row = self._held_rows[one.id] = shapes.encode(rows.opportunity(one))
        return row

    def opportunity(self, name: str) -> tuple[Held, Ns, str] | None:
        """An opportunity, when it was closed (0: it is open) and why."""
        held = self.held.get(name)
        if held is not None:
            return held, Ns(0), ""
        return self.closed.get(name)

    def account_rows(self, name: str, make: Callable[[Account], Any]) -> Any:
        """Something made of the account, kept until that changes ("orders" and "positions": until
        they do); None where none trade."""
        if self.account is None:
            return None
        if name not in self._account_rows:
            self._account_rows[name] = make(self.account)
        return self._account_rows[name]

    def feeds(self, now: Ns) -> list[shapes.Feed]:
        """Every stream of the run, with the age of its last data."""
        told = Ns(self.status.get("at", 0))
        since = max(0, now - told) // MILLI
        return [
            shapes.Feed(
                feed["stream"], bool(feed["up"]) and self.linked,
                shapes.when(told - feed["age_ms"] * MILLI), feed["age_ms"] + since,
                feed["open_gaps"],
            )
            for feed in self.status.get("feeds", ())
        ]  # fmt: skip


def _at(key: str, platform: str) -> bool:
    return key.startswith(platform + ":")
