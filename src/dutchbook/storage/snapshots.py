"""Snapshots of state: recovery is the newest whole one and the journal behind it."""

import struct
from pathlib import Path
from typing import Final
from zlib import crc32

import msgspec

from dutchbook.storage import disk

KEEP: Final = 3
_HEAD: Final = struct.Struct("<8sIQQI")
_MAGIC: Final = b"dutchsn\n"


class Snapshot(msgspec.Struct, frozen=True):
    """State after step `seq`, as its owner encoded it at its own `schema` version."""

    seq: int
    schema: int
    payload: bytes


class Snapshots:
    """The snapshots of a data directory. Writing goes through `Store.snapshot`."""

    def __init__(self, folder: Path, keep: int = KEEP) -> None:
        self.folder = folder
        self.keep = keep
        self.notes: list[str] = []

    def save(self, seq: int, payload: bytes, schema: int = 1) -> Path:
        """Write one durably under its name or not at all; drop all but the newest. OSError."""
        bare = _HEAD.pack(_MAGIC, schema, seq, len(payload), 0)[:-4]
        head = bare + struct.pack("<I", crc32(payload, crc32(bare)))
        self.folder.mkdir(exist_ok=True)
        path = self.folder / f"{seq:015d}.snap"
        disk.replace(path, head + payload)
        for old in sorted(self.folder.glob("*.snap"))[: -self.keep]:
            disk.remove(old)
        return path

    def latest(self, upto: int | None = None) -> Snapshot | None:
        """The newest whole one, not later than seq `upto`. What was skipped is in `notes`."""
        self.notes = []
        for path in sorted(self.folder.glob("*.snap"), reverse=True):
            found = read(path)
            if found is None:
                self.notes.append(f"snapshots/{path.name} is damaged: skipped")
            elif upto is not None and found.seq > upto:
                self.notes.append(f"snapshots/{path.name} is later than seq {upto}: skipped")
            else:
                return found
        return None


def read(path: Path) -> Snapshot | None:
    """A snapshot file's content, or None if it is damaged or not one."""
    data = path.read_bytes()
    if len(data) < _HEAD.size:
        return None
    magic, schema, seq, size, crc = _HEAD.unpack_from(data)
    payload = data[_HEAD.size :]
    good = magic == _MAGIC and len(payload) == size
    if not good or crc32(payload, crc32(data[: _HEAD.size - 4])) != crc:
        return None
    return Snapshot(seq, schema, payload)
