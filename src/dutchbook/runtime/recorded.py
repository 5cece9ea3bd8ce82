"""Recorded frames of any shape on disk, as the bytes that the venue sent, in the order it did."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import msgspec

from dutchbook.domain.errors import RemoteProtocolError, UsageError
from dutchbook.domain.units import Ns
from dutchbook.runtime.lines import LINE_MAX, Lines

STREAMS = {"polymarket": "polymarket.market.0", "kalshi": "kalshi.book"}


class Raw(msgspec.Struct, frozen=True, gc=False):
    """One frame: its stream, when it came (ns, never going back), its bytes, where it stands."""

    stream: str
    at: Ns
    data: bytes
    place: str


Item = Raw | RemoteProtocolError
"""A frame, or what is wrong with the place where one should be."""


def read(path: Path, venue: str | None = None) -> Iterator[Item]:
    """The frames of a recording, plain or gzipped: JSONL, one JSON document, or the flat CSV.

    A line that can't be read gives an error that names it and the rest goes on; a file that is
    none of these gives one error. Raises UsageError if there is no such file.
    """
    try:
        opened = path.open("rb")
    except OSError as error:
        raise UsageError(f"can't read {path}", why=error.strerror or "") from None
    with opened:
        yield from read_stream(opened, venue)


def read_bytes(data: bytes, venue: str | None = None) -> Iterator[Item]:
    """The same from bytes in memory."""
    yield from read_stream(BytesIO(data), venue)


def read_stream(opened: BinaryIO, venue: str | None = None) -> Iterator[Item]:
    """The same from an open binary file that can seek."""
    from dutchbook.runtime import recorded_csv, recorded_json

    lines = Lines(opened, venue or "recording")
    first = lines.peek()
    if isinstance(first, RemoteProtocolError):
        yield first
        return
    if recorded_csv.is_header(first):
        yield from recorded_csv.read(lines)
    elif first[:1] in (b"{", b"["):
        yield from recorded_json.read(lines, first, venue)
    else:
        what = "neither JSON nor a CSV of books" if first else "nothing is in it"
        yield RemoteProtocolError(venue or "recording", "line 1", what)


class Clock:
    """Times of frames that are made never to go back: what a recording lacks is the last one."""

    def __init__(self) -> None:
        self._last = 0

    def next(self, at: int) -> Ns:
        self._last = max(self._last, at)
        return Ns(self._last)


__all__ = ["LINE_MAX", "STREAMS", "Clock", "Item", "Raw", "read", "read_bytes", "read_stream"]
