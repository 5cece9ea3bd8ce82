"""Many book changes at once: events as columns, applied at memory speed; for replay and tests."""

from collections.abc import Iterable
from typing import Any, Final

import numpy as np

from dutchbook.domain.events import BookLevels
from dutchbook.kernels import ladder
from dutchbook.state.books import BookFault, Books
from dutchbook.state.pool import Pool

TYPES: Final = (np.int64, np.uint8, np.int64, np.int64, np.uint8)


class Columns:
    """The lines of one tick class: row, side, slot, size and flags, in order of time."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.lines: list[tuple[int, int, int, int, int]] = []

    def arrays(self) -> tuple[Any, ...]:
        """The columns as arrays, as the kernel takes them."""
        columns = zip(*self.lines, strict=True) if self.lines else ((),) * 5
        return tuple(np.array(column, kind) for column, kind in zip(columns, TYPES, strict=True))


def columns_of(books: Books, events: Iterable[BookLevels]) -> list[Columns]:
    """Events in order -> one set of columns per tick class.

    Rows and slots are those of `books` as it is listed now. Raises BookFault("unknown" or
    "off_grid"), as applying would.
    """
    found = {pool.step: Columns(pool) for pool in books.pools}
    for event in events:
        book = books.find(event.key, event.token)
        lines = found[book.pool.step].lines
        flags = ladder.DELTA if event.delta and not event.snapshot else 0
        if event.snapshot:
            lines.append((book.row, 0, 0, 0, ladder.CLEAR))
        for side, px, size in event.levels:
            slot = book.slots.get(px)
            if slot is None:
                raise BookFault("off_grid", f"{event.key} token {event.token}: {px}")
            lines.append((book.row, side, slot, size, flags))
    return [columns for columns in found.values() if columns.lines]


def apply_arrays(pool: Pool, arrays: tuple[Any, ...]) -> int:
    """Apply columns to a pool; the number of lines applied. Books keep their old best levels.

    Less than all: the line at that number is one that no book allows; it changed nothing.
    """
    return int(ladder.apply_tape(*arrays, *pool.ladder, pool.rows, pool.stride, pool.slots))


def apply_all(books: Books, events: Iterable[BookLevels]) -> int:
    """Apply events in bulk, as `Books.apply` would one by one; the number of lines applied.

    Raises BookFault("refused") at a line that no book allows: the lines before it stand, so this
    is for records that were applied before. Versions of books do not count bulk changes.
    """
    done = 0
    for columns in columns_of(books, events):
        arrays = columns.arrays()
        applied = apply_arrays(columns.pool, arrays)
        done += applied
        if applied < len(columns.lines):
            books.refresh()
            raise BookFault("refused", f"line {applied} of the tape: {columns.lines[applied]}")
    books.refresh()
    return done
