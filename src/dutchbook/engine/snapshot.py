"""What of the engine survives a restart: links, decisions about them, and the runs so far."""

import hashlib
from typing import Protocol

import msgspec

from dutchbook.domain.effects import Effect
from dutchbook.domain.errors import JournalError
from dutchbook.domain.events import Event, LinkProposed, OperatorAsked, RunStarted
from dutchbook.domain.relations import Link
from dutchbook.domain.step import Note, Opened
from dutchbook.domain.units import Ns
from dutchbook.engine.engine import Engine


class Recorded(Protocol):
    """A step as the journal gives it back; `event` is None where it is on the tape."""

    @property
    def seq(self) -> int: ...
    @property
    def at(self) -> Ns: ...
    @property
    def event(self) -> Event | None: ...
    @property
    def effects(self) -> tuple[Effect, ...]: ...
    @property
    def notes(self) -> tuple[Note, ...]: ...


class Account(msgspec.Struct, frozen=True, array_like=True):
    """Account state at a sequence number; the next field goes last, with a default."""

    links: tuple[Link, ...]
    approvals: tuple[tuple[str, int], ...]
    runs: tuple[str, ...]
    opened: int
    own: bytes = b""


def take(engine: Engine) -> bytes:
    """The account state as bytes, the same for equal states."""
    graph = engine.graph
    links = tuple(graph.links[name] for name in sorted(graph.links))
    approvals = tuple(sorted(graph.approvals.items()))
    own = engine.trading.account.take() if engine.trading else b""
    return msgspec.msgpack.encode(Account(links, approvals, tuple(engine.runs), engine.opened, own))


def restore(engine: Engine, data: bytes) -> None:
    """Put an engine into the account state of a snapshot."""
    try:
        account = msgspec.msgpack.decode(data, type=Account)
    except msgspec.DecodeError as error:
        raise JournalError(f"snapshot cannot be read: {error}") from error
    engine.graph.links = {link.id: link for link in account.links}
    engine.graph.approvals = dict(account.approvals)
    engine.runs = list(account.runs)
    engine.opened = account.opened
    if engine.trading and account.own:
        engine.trading.account.restore(account.own)


def fold(engine: Engine, row: Recorded) -> None:
    """Apply one account record during recovery: facts are applied, strategies are not asked."""
    event = row.event
    if isinstance(event, LinkProposed):
        engine.graph.propose(event)
    elif isinstance(event, OperatorAsked):
        engine.graph.ask(event)
    elif isinstance(event, RunStarted):
        engine.runs.append(event.run)
    engine.opened += sum(isinstance(note, Opened) for note in row.notes)
    if engine.trading:
        engine.trading.fold(event, row.effects, row.notes, row.at, row.seq)


def state_hash(engine: Engine) -> str:
    """BLAKE2b of the account state: equal before a crash and after the recovery."""
    return hashlib.blake2b(take(engine), digest_size=16).hexdigest()


def own_of(data: bytes) -> bytes:
    """The trading account's part of a snapshot, b"" if it has none."""
    try:
        return msgspec.msgpack.decode(data, type=Account).own
    except msgspec.DecodeError as error:
        raise JournalError(f"snapshot cannot be read: {error}") from error
