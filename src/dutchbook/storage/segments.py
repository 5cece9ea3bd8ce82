"""Segment files: their names, their order, and their bytes whether compressed or not."""

import gzip
import zlib
from pathlib import Path

import msgspec

from dutchbook.domain.errors import JournalError
from dutchbook.storage import frames

FOLDERS = {"acct": "journal", "tape": "tape"}


class Segment(msgspec.Struct, frozen=True):
    """One file of a stream; `path` is the plain name, also where only the compressed one is."""

    stream: str
    number: int
    path: Path

    @property
    def packed(self) -> Path:
        return self.path.with_name(self.path.name + ".gz")


def segment(root: Path, stream: str, number: int) -> Segment:
    """The file of that number, present or not."""
    return Segment(stream, number, root / FOLDERS[stream] / f"{number:06d}.{stream}")


def segments(root: Path, stream: str) -> list[Segment]:
    """The segments that are there, in order."""
    folder = root / FOLDERS[stream]
    names = {path.name.removesuffix(".gz") for path in folder.glob(f"*.{stream}*")}
    stems = (name.removesuffix(f".{stream}") for name in names if name.endswith(f".{stream}"))
    return [segment(root, stream, n) for n in sorted(int(stem) for stem in stems if stem.isdigit())]


def load(item: Segment) -> bytes:
    """All bytes of a segment, uncompressed.

    Raises JournalError if it is missing or its compressed form is damaged.
    """
    try:
        return item.path.read_bytes()
    except FileNotFoundError:
        pass
    try:
        return gzip.decompress(item.packed.read_bytes())
    except FileNotFoundError:
        raise JournalError(
            f"{item.path} is missing", todo="bring it back from a backup, or use another --data-dir"
        ) from None
    except (OSError, EOFError, zlib.error) as error:
        raise frames.corrupt(item.packed, 0, f"can't be decompressed ({error})") from None


def peek(item: Segment) -> frames.Header:
    """A segment's header alone. Raises JournalError as `load` and `read_header` do."""
    try:
        with item.path.open("rb") as file:
            return frames.read_header(file.read(frames.HEADER.size), item.path)
    except FileNotFoundError:
        return frames.read_header(load(item)[: frames.HEADER.size], item.path)
