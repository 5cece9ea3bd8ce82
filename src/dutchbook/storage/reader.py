"""Reading the record without a lock, while a writer goes on: up to what was committed, in order."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from dutchbook.domain.effects import Effect
from dutchbook.domain.events import Event
from dutchbook.domain.step import Note
from dutchbook.domain.units import Ns
from dutchbook.storage import frames
from dutchbook.storage.frames import EVENT, HEADER, STEP
from dutchbook.storage.segments import Segment, load, peek, segments
from dutchbook.storage.survey import Survey, survey
from dutchbook.storage.upcast import Row, Taped, read_row, read_taped

T = TypeVar("T")


class Recorded(msgspec.Struct, frozen=True, gc=False):
    """A step as recorded; `event` is None for a market event that is not on the tape (any more)."""

    seq: int
    at: Ns
    event: Event | None
    effects: tuple[Effect, ...] = ()
    notes: tuple[Note, ...] = ()


Report = Callable[[int, int], None]
"""Called with the first and last seq of a hole."""


def _quiet(_first: int, _last: int) -> None:
    """Nobody asked about holes."""


def read_account(root: Path, after: int = 0) -> Iterator[Recorded]:
    """The account journal's steps with seq > `after`: what recovery folds.

    Raises JournalError, naming file and byte, at damage in what is committed.
    """
    found = survey(root)
    return _account(root, found, after) if found else iter(())


def read_tape(root: Path, after: int = 0) -> Iterator[Recorded]:
    """The market tape's events with seq > `after`, of the segments that are still there."""
    found = survey(root)
    return _tape(root, found, after) if found else iter(())


def read_steps(root: Path, after: int = 0, report: Report = _quiet) -> Iterator[Recorded]:
    """Both streams in the order of `seq`. Each hole is told to `report`; it is not an error.

    Holes come of retention, or of a loss of power; `data verify` tells which.
    """
    found = survey(root)
    return _merged(root, found, after, report) if found else iter(())


def _merged(root: Path, found: Survey, after: int, report: Report) -> Iterator[Recorded]:
    account, tape = _account(root, found, after), _tape(root, found, after)
    row, mark, seq = next(account, None), next(tape, None), after
    while row or mark:
        if row and mark and row.seq == mark.seq:
            step = Recorded(row.seq, row.at, mark.event, row.effects, row.notes)
            row, mark = next(account, None), next(tape, None)
        elif row and (mark is None or row.seq < mark.seq):
            step, row = row, next(account, None)
        else:
            assert mark is not None
            step, mark = mark, next(tape, None)
        if step.seq != seq + 1:
            report(seq + 1, step.seq - 1)
        if step.event is None:
            report(step.seq, step.seq)
        seq = step.seq
        yield step
    if seq < found.seq:
        report(seq + 1, found.seq)


def _account(root: Path, found: Survey, after: int) -> Iterator[Recorded]:
    for place, payload, schema in _payloads(root, found.journal, found.journal_end, STEP, after):
        row: Row = _decode(read_row, place, payload, schema)
        head = row.envelope
        if head.seq > after:
            yield Recorded(head.seq, head.at, head.event, row.effects, row.notes)


def _tape(root: Path, found: Survey, after: int) -> Iterator[Recorded]:
    for place, payload, schema in _payloads(root, found.tape, found.tape_end, EVENT, after):
        taped: Taped = _decode(read_taped, place, payload, schema)
        if taped.seq > after:
            yield Recorded(taped.seq, taped.at, taped.event)


def _decode(
    read: Callable[[bytes, int], T], place: tuple[Path, int], payload: bytes, schema: int
) -> T:
    try:
        return read(payload, schema)
    except msgspec.MsgspecError as error:
        raise frames.corrupt(*place, f"a record of no known shape ({error})") from None


Payload = tuple[tuple[Path, int], bytes, int]


def _payloads(root: Path, last: Segment, end: int, kind: int, after: int) -> Iterator[Payload]:
    """Records of one kind, with place and schema version, from the segment where `after` lies."""
    chain = [item for item in segments(root, last.stream) if item.number <= last.number]
    while len(chain) > 1 and peek(chain[1]).after <= after:
        chain.pop(0)
    for item in chain:
        data = load(item)
        schema = frames.read_header(data, item.path).schema
        good = HEADER.size
        upto = end if item.number == last.number else len(data)
        for this, first, stop in frames.frames(data, good, upto):
            good = stop
            if this == kind:
                yield (item.path, first), data[first:stop], schema
        if good != upto:
            raise frames.corrupt(item.path, good, "a record's checksum is wrong")
