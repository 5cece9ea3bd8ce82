"""The event store of what was told: framed messages in segments, an index in memory, retention.

It is a projection of the journal, kept so that a resume need not derive it again: what is ahead of
the journal after a crash is cut off, what is missing behind it is told anew by the caller.
"""

from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from dutchbook.hub.message import Row
from dutchbook.storage import frames

KIND: Final = 16
EVERY: Final = 256
SEGMENT_BYTES: Final = 16 << 20
SEGMENTS_MAX: Final = 16
CHUNK: Final = 1 << 20


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Row).decode


class Segment:
    """One file; `marks` are (seq, offset) of every EVERYth message, in order."""

    def __init__(self, path: Path, floor: int) -> None:
        self.path = path
        self.floor = floor
        self.marks: list[tuple[int, int]] = []
        self.size = 0
        self.count = 0

    def note(self, seq: int, offset: int) -> None:
        if self.count % EVERY == 0:
            self.marks.append((seq, offset))
        self.count += 1


class MessageLog:
    """`floor`: all messages of steps behind it are here; `seq`: that of the last one.

    `newest_of`: the last message of each channel that was found when it was opened.
    """

    def __init__(
        self, root: Path, *, upto: int, segment_bytes: int = SEGMENT_BYTES,
        segments_max: int = SEGMENTS_MAX,
    ) -> None:  # fmt: skip
        """Open or begin; messages of steps after `upto`, the journal's last, are cut off."""
        self.root = root
        self.seq = 0
        self.newest_of: dict[str, Row] = {}
        self._bytes, self._max = segment_bytes, segments_max
        root.mkdir(parents=True, exist_ok=True)
        self._segments: list[Segment] = []
        for path in sorted(root.glob("*.msgs")):
            segment = self._scan(path, upto)
            if segment is not None:
                self._segments.append(segment)
        if not self._segments:
            self._begin(upto)
        self.seq = max(self.seq, self._segments[-1].floor)
        self._file = self._segments[-1].path.open("ab")

    @property
    def floor(self) -> int:
        return self._segments[0].floor

    def _scan(self, path: Path, upto: int) -> Segment | None:
        """Read a segment once: its index, and where its whole and wanted part ends."""
        floor = int(path.stem)
        if floor > upto:
            path.unlink()
            return None
        segment, data, good = Segment(path, floor), path.read_bytes(), 0
        for kind, first, stop in frames.frames(data, 0, len(data)):
            kept = _decode(data[first:stop])
            if kind != KIND or kept.seq > upto:
                break
            segment.note(kept.seq, good)
            self.seq = kept.seq
            self.newest_of[kept.channel] = kept
            good = stop
        if good != len(data):
            with path.open("r+b") as file:
                file.truncate(good)
        segment.size = good
        return segment

    def _begin(self, floor: int) -> None:
        path = self.root / f"{floor:016d}.msgs"
        path.touch(mode=0o600)
        self._segments.append(Segment(path, floor))

    def append(self, rows: list[Row]) -> None:
        """Messages of whole steps, in order; they are in the file, not yet safely on disk."""
        if not rows:
            return
        last = self._segments[-1]
        if last.size >= self._bytes:
            self._roll()
            last = self._segments[-1]
        buffer = bytearray()
        for row in rows:
            last.note(row.seq, last.size + len(buffer))
            buffer += frames.frame(KIND, _encode(row))
        self._file.write(buffer)
        self._file.flush()
        last.size += len(buffer)
        self.seq = rows[-1].seq

    def _roll(self) -> None:
        self._file.close()
        self._begin(self.seq)
        self._file = self._segments[-1].path.open("ab")
        while len(self._segments) > self._max:
            self._segments.pop(0).path.unlink()

    def read(self, channel: str, seq: int, n: int, limit: int) -> list[Row]:
        """At least `limit` messages of a channel behind (seq, n) where there are so many.

        The last step is whole. "" is every channel.
        """
        out: list[Row] = []
        for row in self._behind(seq):
            if (row.seq, row.n) <= (seq, n) or (channel and row.channel != channel):
                continue
            if len(out) >= limit and row.seq != out[-1].seq:
                break
            out.append(row)
        return out

    def newest(self, limit: int) -> list[Row]:
        """About the last `limit` messages, of whole steps: for memory at the start."""
        marks = [seq for segment in self._segments for seq, _ in segment.marks]
        back = min(len(marks), -(-limit // EVERY) + 1)
        return list(self._behind(marks[-back] - 1)) if marks else []

    def _behind(self, seq: int) -> Iterator[Row]:
        """Messages from a mark at or before `seq` on."""
        for number, segment in enumerate(self._segments):
            later = self._segments[number + 1 : number + 2]
            if later and later[0].floor < seq:
                continue
            at = bisect_right(segment.marks, (seq, -1)) - 1
            offset = segment.marks[max(0, at)][1] if segment.marks else 0
            yield from _read(segment.path, offset, segment.size)

    def close(self) -> None:
        self._file.close()


def _read(path: Path, offset: int, end: int) -> Iterator[Row]:
    """Messages of a file from one of them on, a chunk at a time."""
    with path.open("rb") as file:
        file.seek(offset)
        rest = b""
        while offset < end and (part := file.read(min(CHUNK, end - offset))):
            offset += len(part)
            data, good = rest + part, 0
            for _, first, stop in frames.frames(data, 0, len(data)):
                yield _decode(data[first:stop])
                good = stop
            rest = data[good:]


def read_file(root: Path, upto: int) -> list[Row]:
    """Every message that is kept, up to a step: for tools; nothing is written."""
    rows: list[Row] = []
    for path in sorted(root.glob("*.msgs")):
        data = path.read_bytes()
        for _, first, stop in frames.frames(data, 0, len(data)):
            kept = _decode(data[first:stop])
            if kept.seq <= upto:
                rows.append(kept)
    return rows
