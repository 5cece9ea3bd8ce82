"""What other terminals read of a run: its data directory, without a lock."""

import fcntl
from pathlib import Path
from typing import Any

import msgspec

from dutchbook.domain.errors import NotRunning, UsageError
from dutchbook.domain.events import (
    BookLevels,
    EventListed,
    GridChanged,
    InstrumentListed,
    RunStarted,
    StatusChanged,
)
from dutchbook.domain.instrument import EventGroup, Instrument
from dutchbook.runtime.layers import load
from dutchbook.state.books import Book, BookFault, Books
from dutchbook.storage.reader import read_steps


def data_dir_of(config: Path | None, given: Path | None) -> Path:
    """The data directory that a command means; UsageError if nothing ever ran there."""
    root = given or Path(load(config).settings.data_path())
    if not (root / "journal").is_dir():
        raise UsageError(
            f"there is no record in {root}", todo="./dutchbook run first, or name a --data-dir"
        )
    return root


def record_root(path: Path) -> Path | None:
    """The data directory that a path means: itself, its journal or tape, or a segment in them."""
    if (path / "journal").is_dir():
        return path
    folder = path if path.is_dir() else path.parent
    if folder.name in ("journal", "tape") and (folder.parent / "journal").is_dir():
        return folder.parent
    return None


def read_status(root: Path) -> dict[str, Any]:
    """status.json; `running` is false if the process that wrote it is gone."""
    try:
        document: dict[str, Any] = msgspec.json.decode((root / "status.json").read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        raise NotRunning(
            f"no run has left a status in {root}", why=str(error), todo="./dutchbook run"
        ) from error
    document["running"] = bool(document.get("running")) and is_locked(root)
    return document


def is_locked(root: Path) -> bool:
    """Whether a run holds this data directory right now."""
    try:
        with (root / "lock").open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


class Markets:
    """The markets and events of the last run in a record, with the books of those wanted."""

    def __init__(self, root: Path, books_of: str = "") -> None:
        self.instruments: dict[str, Instrument] = {}
        self.groups: dict[str, EventGroup] = {}
        self.books = Books()
        self.at = 0
        for row in read_steps(root):
            self._fold(row.event, books_of)
            self.at = row.at

    def _fold(self, event: object, books_of: str) -> None:
        if isinstance(event, RunStarted):
            self.instruments, self.groups, self.books = {}, {}, Books()
        elif isinstance(event, InstrumentListed):
            self.instruments[event.instrument.key] = event.instrument
            self._list(event.instrument, books_of)
        elif isinstance(event, EventListed):
            self.groups[event.group.key] = event.group
        elif isinstance(event, GridChanged | StatusChanged) and event.key in self.instruments:
            field = "grid" if isinstance(event, GridChanged) else "status"
            changed = msgspec.structs.replace(
                self.instruments[event.key], **{field: getattr(event, field)}
            )
            self.instruments[event.key] = changed
            self._list(changed, books_of)
        elif isinstance(event, BookLevels) and event.key == books_of:
            try:
                self.books.apply(event)
            except (BookFault, KeyError):
                return

    def _list(self, instrument: Instrument, books_of: str) -> None:
        if instrument.key == books_of:
            self.books.list(instrument)

    def find(self, text: str) -> Instrument:
        """The market named by its key, symbol, or an unambiguous part of one; else UsageError."""
        if text in self.instruments:
            return self.instruments[text]
        near = self.search(text)
        exact = [one for one in near if one.symbol == text]
        if len(exact or near) == 1:
            return (exact or near)[0]
        raise UsageError(
            f"{len(near)} markets match {text!r}" if near else f"no market {text!r}",
            todo="dutchbook market search WORDS lists them",
        )

    def search(self, text: str) -> list[Instrument]:
        """Markets whose key, title or outcome hold every word, in the order of their keys."""
        words = text.casefold().split()
        return [
            self.instruments[key]
            for key in sorted(self.instruments)
            if all(word in _text(self.instruments[key]) for word in words)
        ]

    def book(self, key: str, token: int) -> Book:
        return self.books.get(key, token)


def _text(one: Instrument) -> str:
    return f"{one.key} {one.title} {one.outcome} {one.event} {one.category}".casefold()
