"""The opportunities of a run as a person asks for them: folded from the notes of its steps."""

from collections.abc import Iterable
from typing import Protocol

import msgspec

from dutchbook.domain.certificate import Certificate
from dutchbook.domain.events import Event, RunStarted, RunStopped
from dutchbook.domain.step import Closed, Improved, Note, Opened, Passed
from dutchbook.domain.units import DAY, ONE, Ns


class Noted(Protocol):
    """A step as the record gives it back."""

    @property
    def at(self) -> Ns: ...
    @property
    def event(self) -> Event | None: ...
    @property
    def notes(self) -> tuple[Note, ...]: ...


class Opportunity(msgspec.Struct):
    """One opportunity. `closed_at` is 0 while it is open; `best` in millionths, as `edge` is.

    `held` and `numbers`: why it got less money than it could use, and the limits that bound.
    """

    id: str
    certificate: Certificate
    opened_at: Ns
    closed_at: Ns = Ns(0)
    why: str = ""
    best: int = 0
    held: str = ""
    numbers: dict[str, int] = {}


class Ledger(msgspec.Struct):
    """Every opportunity by id, in the order of opening, and the time that the record reaches."""

    found: dict[str, Opportunity]
    at: Ns = Ns(0)


def fold(record: Iterable[Noted]) -> Ledger:
    """What the notes of a record say."""
    found: dict[str, Opportunity] = {}
    ledger = Ledger(found)
    for step in record:
        ledger.at = step.at
        for note in step.notes:
            if isinstance(note, Opened):
                certificate = note.certificate
                found[note.id] = Opportunity(
                    note.id, certificate, certificate.at, best=certificate.edge
                )
            elif isinstance(note, Improved) and note.id in found:
                found[note.id].certificate = note.certificate
            elif isinstance(note, Passed) and note.key in found:
                found[note.key].held, found[note.key].numbers = note.reason, note.numbers
            elif isinstance(note, Closed) and note.id in found:
                one = found[note.id]
                one.closed_at, one.why, one.best = step.at, note.why, max(one.best, note.best)
        if isinstance(step.event, RunStarted | RunStopped):
            _end(found, step.at)
    return ledger


def _end(found: dict[str, Opportunity], at: Ns) -> None:
    """No opportunity outlives the run that saw it."""
    for one in found.values():
        if not one.closed_at:
            one.closed_at, one.why = at, "run ended"


class Row(msgspec.Struct):
    """One line of the table. Money per basket of one contract each, in millionths of a dollar.

    `capital` in millionths of a dollar, `days` and `apr` in millionths, times and `age` in ns.
    """

    id: str
    kind: str
    title: str
    legs: list[dict[str, int | str]]
    gross: int
    fees: int
    net: int
    edge: int
    size: int
    capital: int
    days: int
    apr: int
    confidence: int
    opened_at: int
    closed_at: int
    age: int
    state: str


def row(one: Opportunity, title: str, now: Ns) -> Row:
    """An opportunity's numbers, each derived from its certificate; `now` ages an open one."""
    proof = one.certificate
    spent = sum(fill.cost for leg in proof.legs for fill in leg.fills)
    legs: list[dict[str, int | str]] = [
        {
            "market": leg.instrument,
            "outcome": leg.outcome,
            "px": leg.fills[-1].px,
            "qty": leg.qty,
        }
        for leg in proof.legs
    ]
    return Row(
        id=one.id,
        kind=proof.kind,
        title=title,
        legs=legs,
        gross=proof.payout - spent * ONE // proof.qty,
        fees=(proof.capital - spent) * ONE // proof.qty,
        net=proof.proved * ONE // proof.qty,
        edge=proof.edge,
        size=proof.qty,
        capital=proof.capital,
        days=proof.lockup * ONE // DAY,
        apr=proof.annualised,
        confidence=proof.confidence,
        opened_at=one.opened_at,
        closed_at=one.closed_at,
        age=(one.closed_at or now) - one.opened_at,
        state=f"closed: {one.why}" if one.closed_at else "open",
    )
