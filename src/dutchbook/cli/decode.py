"""`dutchbook decode`: what the venue's own parser makes of a file, one JSON event a line."""

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from dutchbook.cli import out
from dutchbook.domain.errors import RemoteProtocolError, UsageError

app = typer.Typer()
VENUES = ("kalshi", "polymarket")
Answer = tuple[str, Any]
"""Where something stands in the file, and the event or the error that it gave."""


@app.command()
def decode(
    venue: Annotated[str, typer.Argument(help="kalshi or polymarket")],
    file: Annotated[str, typer.Argument(help="frames or bodies, plain or gzipped; - reads stdin")],
    stream: Annotated[
        str, typer.Option("--stream", help="what the file holds, where its shape does not say")
    ] = "",
    as_json: Annotated[
        bool, typer.Option("--json", help="end with {events, errors, by_kind}")
    ] = False,
) -> None:
    """Show the events of recorded frames and bodies, or what is wrong with them and where."""
    if venue not in VENUES:
        raise UsageError(f"unknown venue {venue!r}", todo=f"use one of {', '.join(VENUES)}")
    events: Counter[str] = Counter()
    errors = 0
    record = _recorded(Path(file))
    for place, answer in record or _answers(venue, _content(file), stream):
        line, bad = _line(place, answer)
        bad = bad and record is None  # in a record, what a venue got wrong is an event
        errors += bad
        if not bad:
            events[type(answer).__name__] += 1
        print(json.dumps(line, separators=(",", ":")))
    if as_json:
        total = events.total()
        out.emit({"events": total, "errors": errors, "by_kind": dict(sorted(events.items()))})
    if errors:
        out.say(f"{errors} of {errors + events.total()} could not be decoded")
        raise typer.Exit(1)


def _recorded(path: Path) -> Iterator[Answer] | None:
    """The events of a journal and tape of ours, by their numbers; None if it is not one."""
    from dutchbook.runtime.datadir import record_root
    from dutchbook.storage.reader import read_steps

    root = record_root(path)
    if root is None:
        return None
    return ((f"seq {row.seq}", row.event) for row in read_steps(root) if row.event is not None)


def _content(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise UsageError(
            f"can't read {file}", why=error.strerror or "", todo="name a file that exists"
        ) from None


def _answers(venue: str, content: bytes, stream: str) -> Iterator[Answer]:
    """Bodies of one document by their shape; anything else frame by frame."""
    from dutchbook.runtime.recorded import Raw, read_bytes
    from dutchbook.runtime.recorded_json import whole_document

    read = _decoder(venue)
    document = whole_document(content, decimals=venue == "polymarket")
    if document is not None and not stream:
        yield from _bodies(venue, read, document)
        return
    for item in read_bytes(content, venue):
        if isinstance(item, Raw):
            for event in _safely(read, stream or _frame_kind(venue, item.data), item.data):
                yield item.place, event
        else:
            yield item.where, item


def _bodies(venue: str, read: Callable[[str, bytes], list[Any]], document: Any) -> Iterator[Answer]:
    """Every body that the venue's own search finds in a document."""
    from importlib import import_module

    found = 0
    try:
        for path, kind, data in import_module(f"dutchbook.venues.{venue}").bodies(document):
            found += 1
            for event in _safely(read, kind, data):
                yield path or "$", event
    except RemoteProtocolError as error:
        yield error.where, error
        return
    if not found:
        yield "$", RemoteProtocolError(venue, "$", "no body or frame of this venue is in it")


def _decoder(venue: str) -> Callable[[str, bytes], list[Any]]:
    """The venue's decoder: one that remembers tokens where the venue has such a one."""
    from importlib import import_module

    module = import_module(f"dutchbook.venues.{venue}")
    read: Callable[[str, bytes], list[Any]] = (
        module.Decoder() if hasattr(module, "Decoder") else module.decode
    )
    return read


def _frame_kind(venue: str, data: bytes) -> str:
    """Kalshi's frames need to be named as such; Polymarket's say it themselves."""
    return "ws" if venue == "kalshi" and b'"msg"' in data else ""


def _safely(read: Callable[[str, bytes], list[Any]], kind: str, data: bytes) -> list[Any]:
    try:
        return read(kind, data)
    except RemoteProtocolError as error:
        return [error]


def _line(place: str, answer: Any) -> tuple[dict[str, Any], bool]:
    """One line of output, and whether it tells of an error."""
    if isinstance(answer, RemoteProtocolError):
        what = str(answer).split(": ", 2)[-1].rstrip(".")
        return _error(place, answer.where, what, answer.market), True
    if type(answer).__name__ == "BadInput":
        return _error(place, answer.where, answer.what, answer.market), True
    return {"event": type(answer).__name__, "place": place, **_fields(answer)}, False


def _error(place: str, where: str, what: str, market: str) -> dict[str, Any]:
    line = {"error": "RemoteProtocolError", "place": place, "where": where, "what": what}
    return line | ({"market": market} if market else {})


def _fields(struct: Any) -> dict[str, Any]:
    return {name: _plain(getattr(struct, name)) for name in struct.__struct_fields__}


def _plain(value: Any) -> Any:
    if hasattr(value, "__struct_fields__"):
        return _fields(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
