"""The bytes of the record: segment headers, framed records, and what closes a group of them.

A segment is a header, then frames: length (u32), checksum (u32), kind (u8), payload. The checksum
is CRC-32 (zlib's, the one in the standard library) of the payload, started with the kind.
"""

from collections.abc import Iterator
from pathlib import Path
from struct import Struct
from typing import Final
from zlib import crc32

import msgspec

from dutchbook.domain.errors import JournalError
from dutchbook.domain.units import Ns

SCHEMA: Final = 1
"""The schema version that this code writes; older ones are upcast when read."""
STEP: Final = 1
"""Journal: a step, its event null where the event is on the tape."""
EVENT: Final = 2
"""Tape: an envelope with a market event."""
COMMIT: Final = 3
"""Either stream: everything before it holds."""
CLOSED: Final = 4
"""Journal: a segment that will not change any more."""
HOLE: Final = 5
"""Journal: market events that a loss of power took from the tape."""

HEADER: Final = Struct("<8sBxHIQI")
FRAME: Final = Struct("<IIB")
_MAGIC: Final = b"dutchbk\n"
_MARK: Final = b"\xffcommit\xff"
_HEAD_CRC: Final = 4


class Commit(msgspec.Struct, frozen=True, array_like=True):
    """`seq`, `at`: the last step that holds. `tape`, `offset`: how much of the tape goes with it.

    `durable`: a promise was made on it, so it is never taken back. `base` is the seq of the last
    commit in the journal: one on the tape counts only together with that one. `tape_synced` and
    `own_synced` are lengths (of that tape segment, of the file it stands in) known to be on disk.
    """

    seq: int
    at: Ns
    durable: bool
    base: int
    tape: int
    offset: int
    tape_synced: int
    own_synced: int


class Closed(msgspec.Struct, frozen=True, array_like=True):
    """A segment's stream ("acct" or "tape"), number, size and BLAKE2b-256, uncompressed."""

    stream: str
    number: int
    size: int
    blake2b: str


class Hole(msgspec.Struct, frozen=True, array_like=True):
    """Market events with `after` < seq <= `upto` were written but never reached the disk."""

    after: int
    upto: int


class Header(msgspec.Struct, frozen=True):
    """What a segment says of itself; `after` is the seq before its first record."""

    stream: str
    schema: int
    number: int
    after: int


STREAMS: Final = {"acct": 1, "tape": 2}
_NAMES: Final = {number: name for name, number in STREAMS.items()}
_encoder = msgspec.msgpack.Encoder(order="deterministic")
_commit = msgspec.msgpack.Decoder(Commit)


def header(stream: str, number: int, after: int) -> bytes:
    """The first bytes of a segment, with their own checksum."""
    bare = HEADER.pack(_MAGIC, STREAMS[stream], SCHEMA, number, after, 0)[:-_HEAD_CRC]
    return bare + crc32(bare).to_bytes(_HEAD_CRC, "little")


def read_header(data: bytes, path: Path) -> Header:
    """Raises JournalError naming the file if these are not a segment's first bytes."""
    if len(data) < HEADER.size:
        raise corrupt(path, 0, "the header is cut off")
    magic, stream, schema, number, after, crc = HEADER.unpack_from(data)
    bare = data[: HEADER.size - _HEAD_CRC]
    if magic != _MAGIC or crc != crc32(bare) or stream not in _NAMES:
        raise corrupt(path, 0, "the header is damaged")
    if schema > SCHEMA:
        raise JournalError(
            f"{path} has schema version {schema}, this program knows up to {SCHEMA}",
            why="a newer version of dutchbook wrote it",
            todo="use that version, or another data directory (--data-dir)",
        )
    return Header(_NAMES[stream], schema, number, after)


def frame(kind: int, payload: bytes) -> bytes:
    """One framed record."""
    return FRAME.pack(len(payload), crc32(payload, kind), kind) + payload


def commit_frame(commit: Commit) -> bytes:
    """A commit as a frame; it carries a mark so that it is found behind damage."""
    return frame(COMMIT, _MARK + _encoder.encode(commit))


def read_commit(payload: bytes) -> Commit:
    """The commit of a frame whose checksum holds."""
    return _commit.decode(payload[len(_MARK) :])


def frames(data: bytes, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(kind, payload's start, payload's end) of each whole frame, up to the first that is not.

    The end of the last one is where the good part ends. A length of 0 is never written: zeros
    that a file system left at the end of a file are not records.
    """
    size = FRAME.size
    unpack = FRAME.unpack_from
    while start + size <= end:
        length, crc, kind = unpack(data, start)
        first = start + size
        start = first + length
        if not length or start > end or crc32(data[first:start], kind) != crc:
            return
        yield kind, first, start


def synced_beyond(data: bytes, bad: int) -> int:
    """How much of this file the commits behind a bad place know to have been on disk.

    More than `bad`: it is damage to what was safe. Else it is a tail that was never written out.
    A promise behind a bad place counts as known: it may have been acted on, so nobody cuts it off.
    """
    known = 0
    found = data.find(_MARK, bad)
    while found >= 0:
        for kind, first, stop in frames(data, found - FRAME.size, len(data)):
            if kind == COMMIT and first == found:
                commit = read_commit(data[first:stop])
                known = max(known, first if commit.durable else commit.own_synced)
            break
        found = data.find(_MARK, found + 1)
    return known


def corrupt(path: Path, offset: int, what: str) -> JournalError:
    """The record is damaged in its middle: never repaired by guessing."""
    return JournalError(
        f"{path}: damaged at byte {offset}: {what}",
        why="what was safely on disk has changed; only the unfinished end of a record is repaired",
        todo="bring this file back from a backup, or start with another --data-dir",
    )
