"""Plays the record up to a certificate and asks whether every fill was really on offer."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

import msgspec

from dutchbook.domain.certificate import Certificate
from dutchbook.domain.events import (
    BookLevels,
    BookSeen,
    Event,
    EventListed,
    FeedDown,
    FeedGap,
    FeedUp,
    GridChanged,
    InstrumentListed,
    LinkProposed,
    OperatorAsked,
    RunStarted,
)  # fmt: skip
from dutchbook.domain.instrument import EventGroup, Instrument
from dutchbook.domain.relations import Link
from dutchbook.domain.units import ONE
from dutchbook.optimize.prove import certificate_decode
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
    """A few markets as the record says they were: terms, links, books, and which were dark."""

    def __init__(self, keys: frozenset[str]) -> None:
        self.keys = keys
        self.run = ""
        self.links: dict[tuple[str, int], Link] = {}
        self.approved: dict[str, int] = {}
        self.start()

    def start(self) -> None:
        """A run begins with no books."""
        self.books = Books()
        self.markets: dict[str, Instrument] = {}
        self.groups: dict[str, EventGroup] = {}
        self.last: dict[tuple[str, int], int] = {}
        self.dark: dict[tuple[str, int], str] = {}
        self.stream: dict[tuple[str, int], str] = {}
        self.down: dict[str, bool] = {}

    def apply(self, seq: int, event: Event | None) -> None:
        """Take one event over; what the engine refused then is refused now."""
        if isinstance(event, BookLevels):
            if event.key in self.keys:
                self._levels(seq, event)
        elif isinstance(event, BookSeen):
            self._polled(seq, event)
        elif isinstance(event, FeedGap):
            self._darken(event.stream, event.keys, "a gap")
        elif isinstance(event, FeedUp | FeedDown):
            self._darken(event.stream, (), "a lost feed")
            self.down[event.stream] = isinstance(event, FeedDown)
        elif isinstance(event, InstrumentListed | GridChanged | EventListed):
            self._described(event)
        elif isinstance(event, RunStarted):
            self.run = event.run
            self.start()
        elif isinstance(event, LinkProposed):
            self.links[event.link.id, event.link.version] = event.link
        elif isinstance(event, OperatorAsked):
            self._asked(event)

    def _darken(self, stream: str, keys: tuple[str, ...], why: str) -> None:
        for place, where in self.stream.items():
            if where == stream and (not keys or place[0] in keys):
                self.dark[place] = why

    def _described(self, event: InstrumentListed | GridChanged | EventListed) -> None:
        if isinstance(event, EventListed):
            self.groups[event.group.key] = event.group
        elif isinstance(event, InstrumentListed):
            if event.instrument.key in self.keys:
                self.markets[event.instrument.key] = event.instrument
                self.books.list(event.instrument)
        elif event.key in self.markets:
            market = self.markets[event.key]
            self.markets[event.key] = msgspec.structs.replace(market, grid=event.grid)
            self.books.regrid(event.key, event.grid)

    def _asked(self, event: OperatorAsked) -> None:
        if event.verb == "approve" and len(event.args) >= 2 and event.args[1].isdecimal():
            self.approved[event.args[0]] = int(event.args[1])
        elif event.verb == "revoke" and event.args:
            self.approved.pop(event.args[0], None)

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

    def _polled(self, seq: int, event: BookSeen) -> None:
        """While a feed is lost, a REST copy stands for the book."""
        place = (event.key, event.token)
        stream = self.stream.get(place, "")
        if self.down.get(stream, False):
            self._levels(seq, BookLevels(*place, stream, True, False, event.levels))

    def terms(self, proof: Certificate) -> Iterator[str]:
        """Where a certificate misquotes a venue's terms, an event or an approved link."""
        for leg in proof.legs:
            market = self.markets.get(leg.instrument)
            names = ("fees", "grid", "lot", "size_min", "cost_min")
            wrong = [n for n in names if market and getattr(market, n) != getattr(leg, n)]
            if market and leg.settles != (market.settles or market.closes):
                wrong.append("settles")
            if wrong:
                yield f"{leg.instrument}: the venue's terms were others: {', '.join(wrong)}"
        for group in (*([proof.group] if proof.group is not None else []), *proof.groups):
            if self.groups.get(group.key) != group:
                yield f"{group.key}: the venue described this event otherwise"
        for item in proof.links:
            link = item.link
            if self.links.get((link.id, link.version)) != link:
                yield f"link {link.id} version {link.version}: the record knows no such link"
            if self.approved.get(link.id) != link.version:
                yield f"link {link.id}: version {link.version} was not approved then"

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
    return rederive_all([document], record)[0]


def rederive_all(
    documents: Sequence[dict[str, Any]], record: Iterable[Recorded]
) -> list[list[str]]:
    """The same for several certificates of one run, in one pass."""
    replica = Replica(
        frozenset(leg["instrument"] for document in documents for leg in document["legs"])
    )
    found = [[f"the record does not reach seq {one['seq']}"] for one in documents]
    due = sorted(range(len(documents)), key=lambda n: -documents[n]["seq"])
    for step in record:
        while due and documents[due[-1]]["seq"] < step.seq:
            due.pop()
        if not due:
            break
        replica.apply(step.seq, step.event)
        for n in reversed(due):
            if documents[n]["seq"] != step.seq:
                break
            found[n] = _against(documents[n], replica, step.at)
    return found


def _against(document: dict[str, Any], replica: Replica, at: int) -> list[str]:
    legs, seq = document["legs"], document["seq"]
    found = [] if at == document["at"] else [f"seq {seq} was at {at}, not at {document['at']}"]
    if replica.run != document["run"]:
        found.append(f"the run was {replica.run!r}, not {document['run']!r}")
    found += replica.terms(certificate_decode(document))
    return found + [problem for leg in legs for problem in replica.check(leg)]
