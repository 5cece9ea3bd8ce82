"""The links file: claims about markets that people wrote down, and which ones they approve."""

from pathlib import Path

import msgspec

from dutchbook.domain.errors import ConfigError
from dutchbook.domain.events import Event, LinkProposed, OperatorAsked
from dutchbook.domain.relations import Kind, Link
from dutchbook.domain.units import micros


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One link as written; `confidence` is a decimal in text."""

    id: str
    kind: Kind
    members: tuple[str, ...]
    version: int = 1
    evidence: str = ""
    confidence: str = "1"
    approved: bool = False


class LinksFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    links: tuple[Entry, ...]


def read_links(path: Path, who: str) -> list[Event]:
    """Propose every link; approve, as `who`, those marked approved. ConfigError names the entry."""
    try:
        entries = msgspec.json.decode(path.read_bytes(), type=LinksFile).links
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ConfigError(f"links file {path}: {error}", todo="mend the entry it names") from error
    events: list[Event] = []
    for n, entry in enumerate(entries):
        try:
            confidence = micros(entry.confidence)
        except ValueError as error:
            raise ConfigError(f"links file {path}: links[{n}].confidence: {error}") from error
        link = Link(entry.id, entry.kind, entry.members, entry.version, entry.evidence, confidence)
        events.append(LinkProposed(link))
        if entry.approved:
            events.append(OperatorAsked(who, "approve", (entry.id, str(entry.version))))
    return events
