"""Repair on opening: cut what was never committed, and make an empty record where there is none."""

from pathlib import Path

import msgspec

from dutchbook.domain.units import Ns
from dutchbook.storage import disk, frames
from dutchbook.storage.disk import Appender
from dutchbook.storage.frames import Commit, Hole
from dutchbook.storage.segments import FOLDERS, Segment, load, segment, segments
from dutchbook.storage.survey import survey


class Opened(msgspec.Struct):
    """Both streams, cut to the last commit, and what had to be done. Sizes in bytes."""

    seq: int
    at: Ns
    base: int
    journal: Appender
    tape: Appender
    repaired: tuple[str, ...]
    unpacked: list[Path]
    hole: Hole | None = None


def open_streams(root: Path) -> Opened:
    """Find the end of the record and make it the end of the files.

    Every step of a repair can be broken off and done again. Raises JournalError, OSError.
    """
    for folder in (*FOLDERS.values(), "snapshots"):
        (root / folder).mkdir(exist_ok=True)
        for half in (root / folder).glob("*.tmp"):
            disk.remove(half)
    disk.sync_dir(root)
    disk.sync_dir(root.parent)
    found = survey(root)
    if found is None:
        return _fresh(root)
    repaired = [_drop(item) for item in found.doomed]
    tape, tape_cut = _trim(found.tape, found.tape_end)
    journal, journal_cut = _trim(found.journal, found.journal_end)
    repaired += tape_cut + journal_cut
    if found.hole:
        repaired.append(
            f"market events after seq {found.hole.after} up to {found.hole.upto} were lost"
        )
    unpacked = _unpacked(root, found.tape.number)
    return Opened(
        found.seq, found.at, found.base, journal, tape, tuple(repaired), unpacked, found.hole
    )


def _fresh(root: Path) -> Opened:
    """The tape first: a journal with a commit has a tape."""
    for stream in ("acct", "tape"):
        for item in segments(root, stream):
            disk.remove(item.path)
    tape_head, head = frames.header("tape", 1, 0), frames.header("acct", 1, 0)
    tape = Appender.create(segment(root, "tape", 1).path, tape_head, 1)
    first = Commit(0, Ns(0), True, 0, 1, len(tape_head), len(tape_head), 0)
    path = segment(root, "acct", 1).path
    journal = Appender.create(path, head + frames.commit_frame(first), 1)
    return Opened(0, Ns(0), 0, journal, tape, (), [])


def _trim(item: Segment, end: int) -> tuple[Appender, list[str]]:
    data = load(item)
    if not item.path.exists():  # closed and compressed, but its successor never came to be
        disk.replace(item.path, data)
    if item.packed.exists():
        disk.remove(item.packed)
    if len(data) > end:
        disk.cut(item.path, end)
    lost = len(data) - end
    text = f"{item.path.parent.name}/{item.path.name}: cut {lost} bytes never committed at {end}"
    stream = Appender(item.path, data[:end], item.number)
    stream.sync()  # what was read may only have been in the page cache of a killed process
    return stream, [text] if lost else []


def _drop(item: Segment) -> str:
    disk.remove(item.path)
    return f"{item.path.parent.name}/{item.path.name}: removed, nothing in it was committed"


def _unpacked(root: Path, last: int) -> list[Path]:
    """Closed tape segments that are still plain; a compressed twin is made again."""
    plain = [item for item in segments(root, "tape") if item.number < last and item.path.exists()]
    for item in plain:
        if item.packed.exists():
            disk.remove(item.packed)
    return [item.path for item in plain]
