"""The links file: claims about markets that people wrote down, and which ones they approve."""

import os
from pathlib import Path
from typing import Literal

import msgspec

from dutchbook.domain.errors import ConfigError
from dutchbook.domain.events import Event, LinkProposed, OperatorAsked
from dutchbook.domain.relations import Kind, Link, stamped
from dutchbook.domain.units import micros


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One link as written; `confidence` is a decimal in text.

    `rules` is the digest of the markets' titles, outcomes and rule texts that a person read; an
    approval counts for no others. `who` decided what (`decision`), and when (`at`, UTC).
    `settles` is "person" where the texts left open how they settle, and `who` judged them alike.
    """

    id: str
    kind: Kind
    members: tuple[str, ...]
    version: int = 1
    evidence: str = ""
    confidence: str = "1"
    approved: bool = False
    rules: str = ""
    decision: Literal["", "yes", "no"] = ""
    who: str = ""
    at: str = ""
    settles: Literal["", "person"] = ""


class LinksFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    links: tuple[Entry, ...]


def read_links(path: Path, who: str) -> list[Event]:
    """Propose every link; approve, as `who`, those marked approved; revoke those decided against.

    ConfigError names the entry that can't be read.
    """
    entries = read_entries(path)
    events: list[Event] = []
    for n, entry in enumerate(entries):
        try:
            confidence = micros(entry.confidence)
        except ValueError as error:
            raise ConfigError(f"links file {path}: links[{n}].confidence: {error}") from error
        evidence = stamped(entry.evidence, entry.rules)
        link = Link(entry.id, entry.kind, entry.members, entry.version, evidence, confidence)
        events.append(LinkProposed(link))
        if entry.approved:
            events.append(OperatorAsked(who, "approve", (entry.id, str(entry.version))))
        elif entry.decision:
            # a yes of an earlier run may still be in the record
            events.append(OperatorAsked(who, "revoke", (entry.id, str(entry.version))))
    return events


def read_entries(path: Path) -> tuple[Entry, ...]:
    """The entries of a links file; ConfigError names the one that can't be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=LinksFile).links
    except (OSError, msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ConfigError(f"links file {path}: {error}", todo="mend the entry it names") from error


def write_entries(path: Path, entries: tuple[Entry, ...]) -> None:
    """Replace a links file; a reader or a crash sees the old or the new, never half of one."""
    fresh = path.with_name(path.name + ".tmp")
    raw = msgspec.json.format(msgspec.json.encode(LinksFile(entries)), indent=1)
    with fresh.open("wb") as file:
        file.write(raw + b"\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)
