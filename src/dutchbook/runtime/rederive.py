"""Plays the record up to a certificate and asks whether every fill was really on offer."""

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from dutchbook.domain.events import (
    BookLevels,
    Event,
    FeedDown,
    FeedGap,
    GridChanged,
    InstrumentListed,
    RunStarted,
)
from dutchbook.domain.units import ONE
from dutchbook.state.books import BookFault, Books

LEVELS = 100_000
"""More than any grid has."""


class Recorded(Protocol):
    """A step as the record gives it back; `event` is None where the tape has lost it."""

    @property
    def seq(self) -> int: ...
    @property
    def at(self) -> int: ...
    @property
    def event(self) -> Event | None: ...


class Replica:
    """The books of a few markets as the record says they were, and which of them were dark."""

    def __init__(self, keys: frozenset[str]) -> None:
        self.keys = keys
        self.run = ""
        self.start()

    def start(self) -> None:
        """A run begins with no books."""
        self.books = Books()
        self.last: dict[tuple[str, int], int] = {}
        self.dark: dict[tuple[str, int], str] = {}
        self.stream: dict[tuple[str, int], str] = {}

    def apply(self, seq: int, event: Event | None) -> None:
        """Take one event over; what the engine refused then is refused now."""
        if isinstance(event, BookLevels):
            if event.key in self.keys:
                self._levels(seq, event)
        elif isinstance(event, FeedGap | FeedDown):
            keys = event.keys if isinstance(event, FeedGap) else ()
            for place, stream in self.stream.items():
                if stream == event.stream and (not keys or place[0] in keys):
                    self.dark[place] = "a gap" if isinstance(event, FeedGap) else "a lost feed"
        elif isinstance(event, InstrumentListed) and event.instrument.key in self.keys:
            self.books.list(event.instrument)
        elif isinstance(event, GridChanged) and event.key in self.keys:
            self.books.regrid(event.key, event.grid)
        elif isinstance(event, RunStarted):
            self.run = event.run
            self.start()

    def _levels(self, seq: int, event: BookLevels) -> None:
        place = (event.key, event.token)
        self.stream[place] = event.stream
        try:
            self.books.apply(event)
        except BookFault as fault:
            self.dark[place] = f"a refused change ({fault})"
            return
        self.last[place] = seq
        if event.snapshot:
            self.dark.pop(place, None)

    def check(self, leg: dict[str, Any]) -> Iterator[str]:
        """What of a leg's fills was not on offer."""
        key, token, name = leg["instrument"], leg["token"], f"{leg['instrument']} {leg['outcome']}"
        try:
            book = self.books.get(key, token)
        except KeyError:
            yield f"{name}: the record knows no such book"
            return
        if (key, token) in self.dark:
            yield f"{name}: the book was stale after {self.dark[key, token]}"
        if leg["book_seq"] != self.last.get((key, token)):
            last = self.last.get((key, token))
            yield f"{name}: the book's last change was seq {last}, not {leg['book_seq']}"
        yes = leg["outcome"] == "yes"
        levels = book.asks(LEVELS) if yes else book.bids(LEVELS)
        offered = {px if yes else ONE - px: size for px, size in levels}
        for fill in leg["fills"]:
            have = offered.get(fill["px"], 0)
            if have < fill["qty"]:
                yield f"{name}: {fill['qty']} at {fill['px']} was not on offer, only {have}"


def rederive(document: dict[str, Any], record: Iterable[Recorded]) -> list[str]:
    """What the record contradicts in a certificate that verifies; empty when nothing.

    `record` is both streams in order from the beginning of a run; it is read up to the
    certificate's seq. Sizes and prices in the answers are millionths.
    """
    legs, seq = document["legs"], document["seq"]
    replica = Replica(frozenset(leg["instrument"] for leg in legs))
    at = None
    for step in record:
        if step.seq > seq:
            break
        replica.apply(step.seq, step.event)
        at = step.at if step.seq == seq else None
    if at is None:
        return [f"the record does not reach seq {seq}"]
    found = [] if at == document["at"] else [f"seq {seq} was at {at}, not at {document['at']}"]
    if replica.run != document["run"]:
        found.append(f"the run was {replica.run!r}, not {document['run']!r}")
    return found + [problem for leg in legs for problem in replica.check(leg)]
