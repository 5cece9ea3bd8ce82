"""What of the engine survives a restart: links, decisions about them, and the runs so far."""

import hashlib

import msgspec

from dutchbook.domain.errors import JournalError
from dutchbook.domain.events import LinkProposed, OperatorAsked, RunStarted
from dutchbook.domain.relations import Link
from dutchbook.domain.step import Note, Opened
from dutchbook.engine.engine import Engine


class Account(msgspec.Struct, frozen=True, array_like=True):
    """Account state at a sequence number; the next field goes last, with a default."""

    links: tuple[Link, ...]
    approvals: tuple[tuple[str, int], ...]
    runs: tuple[str, ...]
    opened: int


def take(engine: Engine) -> bytes:
    """The account state as bytes, the same for equal states."""
    graph = engine.graph
    links = tuple(graph.links[name] for name in sorted(graph.links))
    approvals = tuple(sorted(graph.approvals.items()))
    return msgspec.msgpack.encode(Account(links, approvals, tuple(engine.runs), engine.opened))


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


def fold(engine: Engine, event: object, notes: tuple[Note, ...]) -> None:
    """Apply one account record during recovery: facts are applied, strategies are not asked."""
    if isinstance(event, LinkProposed):
        engine.graph.propose(event)
    elif isinstance(event, OperatorAsked):
        engine.graph.ask(event)
    elif isinstance(event, RunStarted):
        engine.runs.append(event.run)
    engine.opened += sum(isinstance(note, Opened) for note in notes)


def state_hash(engine: Engine) -> str:
    """BLAKE2b of the account state: equal before a crash and after the recovery."""
    return hashlib.blake2b(take(engine), digest_size=16).hexdigest()
