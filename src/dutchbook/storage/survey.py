"""Where the record ends: the last commit that holds in both streams, found without a change."""

from pathlib import Path

import msgspec

from dutchbook.domain.errors import JournalError
from dutchbook.domain.units import Ns
from dutchbook.storage import frames
from dutchbook.storage.frames import COMMIT, EVENT, HEADER, Commit, Hole
from dutchbook.storage.segments import Segment, load, segments


class Survey(msgspec.Struct):
    """`seq`, `at`: the last step that holds. The two streams hold up to these places.

    `doomed` are files with nothing that holds, `hole` what a loss of power took from the tape.
    """

    seq: int
    at: Ns
    base: int
    journal: Segment
    journal_end: int
    tape: Segment
    tape_end: int
    doomed: list[Segment]
    hole: Hole | None = None


class _Seen(msgspec.Struct, frozen=True, array_like=True):
    seq: int


_seen = msgspec.msgpack.Decoder(_Seen)
_Commits = list[tuple[int, Commit]]


def survey(root: Path) -> Survey | None:
    """Look for the end of the record; None where nothing was ever committed.

    Raises JournalError with file and byte where something that was safe on disk is damaged.
    """
    journals = segments(root, "acct")
    if [item.number for item in journals] != list(range(1, len(journals) + 1)):
        raise JournalError(
            f"{root / 'journal'}: a segment is missing",
            why=f"found {', '.join(item.path.name for item in journals)}",
            todo="bring it back from a backup, or start with another --data-dir",
        )
    doomed: list[Segment] = []
    for item in reversed(journals[-2:]):
        commits, size = _commits(item)
        if commits:
            if doomed and commits[-1][0] != size:
                raise frames.corrupt(item.path, commits[-1][0], "no commit before the next file")
            return _with_tape(root, item, commits, doomed)
        doomed.append(item)
    _refuse_lost(root, journals)
    return None


def _refuse_lost(root: Path, journals: list[Segment]) -> None:
    """No commit at all is right only for a store whose making was broken off."""
    tapes = segments(root, "tape")
    if len(journals) > 1 or len(tapes) > 1 or any(len(load(t)) > HEADER.size for t in tapes):
        raise JournalError(
            f"{root / 'journal'} holds no commit, but there is more than an empty record",
            todo="bring the journal back from a backup, or start with another --data-dir",
        )


def _commits(item: Segment) -> tuple[_Commits, int]:
    """(where it ends, commit) of the good part of a journal segment, and the file's size."""
    data = load(item)
    commits: _Commits = []
    end = 0
    if _headed(data, item):
        end = HEADER.size
        for kind, first, stop in frames.frames(data, end, len(data)):
            end = stop
            if kind == COMMIT:
                commits.append((stop, frames.read_commit(data[first:stop])))
    if end < len(data) and frames.synced_beyond(data, end) > end:
        raise frames.corrupt(item.path, end, "a record's checksum is wrong")
    return commits, len(data)


def _headed(data: bytes, item: Segment) -> bool:
    """Whether the header is good; a bad one before any commit is a file that was being made."""
    try:
        head = frames.read_header(data, item.path)
    except JournalError:
        if frames.synced_beyond(data, 0) or (
            len(data) >= HEADER.size and data[: HEADER.size].strip(b"\0")
        ):
            raise
        return False
    if (head.stream, head.number) != (item.stream, item.number):
        raise frames.corrupt(item.path, 0, f"it says it is {head.stream} {head.number}")
    return True


def _with_tape(root: Path, journal: Segment, commits: _Commits, doomed: list[Segment]) -> Survey:
    """Take the journal's last commit, or an earlier one if the tape was lost and none promised."""
    end, commit = commits[-1]
    tapes = {item.number: item for item in segments(root, "tape")}
    tape = tapes.get(commit.tape)
    if tape is None:
        raise JournalError(
            f"{root / 'tape'}: segment {commit.tape:06d}, where the journal goes on, is missing",
            todo="bring it back from a backup, or start with another --data-dir",
        )
    data = load(tape)
    good, last = _good(data, tape, commit)
    hole = None
    if good < commit.offset:
        fit = _covered(commits, good)
        end, commit = fit or commits[-1]
        hole = None if fit else Hole(last, commit.seq)
    result = Survey(
        commit.seq,
        commit.at,
        commit.seq,
        journal,
        end,
        tape,
        min(good, commit.offset),
        doomed,
        hole,
    )
    if hole is None:
        _tail(result, data)
    doomed += [item for number, item in tapes.items() if number > commit.tape]
    return result


def _good(data: bytes, tape: Segment, commit: Commit) -> tuple[int, int]:
    """How far the tape is whole, and the last seq on it up to the commit."""
    frames.read_header(data, tape.path)
    good = HEADER.size
    last = b""
    for kind, first, stop in frames.frames(data, good, len(data)):
        if kind == EVENT and stop <= commit.offset:
            last = data[first:stop]
        good = stop
    if good < len(data) or good < commit.offset:
        safe = max(commit.tape_synced, frames.synced_beyond(data, good))
        if safe > good:
            raise frames.corrupt(tape.path, good, "a record's checksum is wrong, or it is cut off")
    before = frames.read_header(data, tape.path).after
    return good, _seen.decode(last).seq if last else before


def _covered(commits: _Commits, good: int) -> tuple[int, Commit] | None:
    """The last commit that the tape covers, unless a later one was promised."""
    number = commits[-1][1].tape
    for end, commit in reversed(commits):
        if commit.tape == number and commit.offset <= good:
            return end, commit
        if commit.durable:
            return None
    return None


def _tail(result: Survey, data: bytes) -> None:
    """Go on over groups that concern the tape alone: they are committed there."""
    for kind, first, stop in frames.frames(data, result.tape_end, len(data)):
        if kind == COMMIT:
            commit = frames.read_commit(data[first:stop])
            if commit.base != result.base:
                return
            result.seq, result.at, result.tape_end = commit.seq, commit.at, stop
