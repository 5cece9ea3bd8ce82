"""Walk the whole record and say what holds: every checksum, hash, sequence number, snapshot."""

import hashlib
from pathlib import Path
from typing import Any

import msgspec

from dutchbook.domain.errors import JournalError
from dutchbook.storage import frames, reader, snapshots
from dutchbook.storage.frames import CLOSED, HEADER, HOLE, Closed, Hole
from dutchbook.storage.segments import FOLDERS, Segment, load, segments
from dutchbook.storage.survey import Survey, survey


class FileRow(msgspec.Struct):
    """One file: uncompressed bytes, records, and "ok", "open" or what is wrong with it."""

    file: str
    size: int
    records: int
    state: str


class Verdict(msgspec.Struct):
    """`problems` empty: the record holds. `notes`: what is missing for a known reason."""

    seq: int
    files: list[FileRow]
    problems: list[str]
    notes: list[str]


class _Walk(msgspec.Struct):
    closed: dict[tuple[str, int], Closed]
    holes: list[Hole]


def verify(root: Path) -> Verdict:
    """Check a data directory without changing it; a running writer is no problem."""
    verdict = Verdict(0, [], [], [])
    walk = _Walk({}, [])
    snaps = _snapshots(root)  # first: a running writer may make a later one than we then see
    try:
        found = survey(root)
    except JournalError as error:
        verdict.problems.append(str(error))
        found = None
    if found is None and not segments(root, "acct"):
        verdict.problems.append(f"{root} holds no journal")
        return verdict
    for stream in FOLDERS:
        for item in segments(root, stream):
            verdict.files.append(_file(item, found, walk, verdict))
    if found:
        verdict.seq = found.seq
        _missing(root, found, walk, verdict)
        if not verdict.problems:
            _sequence(root, walk, verdict)
    _check_snapshots(snaps, verdict)
    return verdict


def _file(item: Segment, found: Survey | None, walk: _Walk, verdict: Verdict) -> FileRow:
    name = f"{item.path.parent.name}/{item.path.name}"
    last, upto = _end(found, item.stream) if found else (None, 0)
    try:
        data = load(item)
        if last is not None and item.number > last:  # its header may be half written
            return FileRow(name, len(data), 0, "open, nothing committed")
        frames.read_header(data, item.path)
    except JournalError as error:
        verdict.problems.append(str(error))
        return FileRow(name, 0, 0, "damaged")
    end = upto if item.number == last else len(data)
    good, records = HEADER.size, 0
    for kind, first, stop in frames.frames(data, good, end):
        good, records = stop, records + 1
        _remember(kind, data[first:stop], walk)
    row = FileRow(name, len(data), records, "ok")
    if good != end:
        verdict.problems.append(str(frames.corrupt(item.path, good, "a checksum is wrong")))
        row.state = f"damaged at {good}"
    elif item.number == last:
        row.state = "open" if end == len(data) else f"open, {len(data) - end} not committed"
    else:
        _hash(item, data, row, walk, verdict)
    return row


def _end(found: Survey, stream: str) -> tuple[int, int]:
    """The number of a stream's last segment, and how many bytes of it hold."""
    if stream == "acct":
        return found.journal.number, found.journal_end
    return found.tape.number, found.tape_end


def _remember(kind: int, payload: bytes, walk: _Walk) -> None:
    if kind == CLOSED:
        closed = msgspec.msgpack.decode(payload, type=Closed)
        walk.closed[(closed.stream, closed.number)] = closed
    elif kind == HOLE:
        walk.holes.append(msgspec.msgpack.decode(payload, type=Hole))


def _hash(item: Segment, data: bytes, row: FileRow, walk: _Walk, verdict: Verdict) -> None:
    """A closed journal segment is named in the next one: compared once all have been read."""
    row.state = "closed"
    walk_key = (item.stream, item.number)
    digest = hashlib.blake2b(data, digest_size=32).hexdigest()
    if item.stream == "tape":
        _compare(row, walk.closed.get(walk_key), digest, verdict)
    else:
        following = _named_next(item)
        _compare(row, following, digest, verdict)


def _named_next(item: Segment) -> Closed | None:
    """What the next journal segment says of this one."""
    path = item.path.with_name(f"{item.number + 1:06d}.{item.stream}")
    try:
        data = load(Segment(item.stream, item.number + 1, path))
    except JournalError:
        return None
    for kind, first, stop in frames.frames(data, HEADER.size, len(data)):
        if kind == CLOSED:
            closed = msgspec.msgpack.decode(data[first:stop], type=Closed)
            if (closed.stream, closed.number) == (item.stream, item.number):
                return closed
    return None


def _compare(row: FileRow, closed: Closed | None, digest: str, verdict: Verdict) -> None:
    if closed is None:
        row.state = "closed, not named"
        verdict.problems.append(f"{row.file}: the journal does not name it as closed")
    elif closed.blake2b != digest:
        row.state = "hash differs"
        verdict.problems.append(f"{row.file}: its hash is not the one in the journal")


def _missing(root: Path, found: Survey, walk: _Walk, verdict: Verdict) -> None:
    there = {item.number for item in segments(root, "tape")}
    gone = [n for stream, n in walk.closed if stream == "tape" and n not in there]
    for number in gone:
        if number < min(there):
            verdict.notes.append(f"tape/{number:06d}.tape was removed")
        else:
            verdict.problems.append(f"tape/{number:06d}.tape is missing in the middle")


def _sequence(root: Path, walk: _Walk, verdict: Verdict) -> None:
    """Every seq is there once, but for holes that are explained."""
    tapes = segments(root, "tape")
    start = frames.read_header(load(tapes[0]), tapes[0].path).after if tapes else 0
    known = [(hole.after + 1, hole.upto) for hole in walk.holes] + [(1, start)]
    found: list[tuple[int, int]] = []
    before = at = 0
    try:
        for step in reader.read_steps(root, report=lambda a, b: found.append((a, b))):
            if step.seq <= before or step.at < at:
                verdict.problems.append(f"seq {step.seq} at {step.at} stands after {before}")
            before, at = step.seq, step.at
    except JournalError as error:
        verdict.problems.append(str(error))
    for first, last in found:
        if any(a <= first and last <= b for a, b in known):
            continue
        verdict.problems.append(f"seq {first} to {last} are missing")
    verdict.notes += [f"seq {a} to {b}: lost with the power, as recorded" for a, b in known[:-1]]


def _snapshots(root: Path) -> list[tuple[str, int, int | None]]:
    """(name, size, seq or None if damaged) of each; one that a writer drops meanwhile is not."""
    found: list[tuple[str, int, int | None]] = []
    for path in sorted((root / "snapshots").glob("*.snap")):
        try:
            size, snap = path.stat().st_size, snapshots.read(path)
        except FileNotFoundError:
            continue
        found.append((f"snapshots/{path.name}", size, snap.seq if snap else None))
    return found


def _check_snapshots(found: list[tuple[str, int, int | None]], verdict: Verdict) -> None:
    for name, size, seq in found:
        state = "ok"
        if seq is None:
            state = "damaged"
        elif seq > verdict.seq:
            state = "later than the journal"
        if state != "ok":
            verdict.problems.append(f"{name}: {state}")
        verdict.files.append(FileRow(name, size, 1, state))


def plain(verdict: Verdict) -> dict[str, Any]:
    """The verdict as plain data, for --json."""
    return {"holds": not verdict.problems, **msgspec.to_builtins(verdict)}
