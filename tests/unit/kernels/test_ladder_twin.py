"""A tape applied in bulk gives the very books that the same events give one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from some_books import filled, listed, stories

from dutchbook.domain.events import ASK, BID, BookLevels
from dutchbook.kernels import ladder
from dutchbook.state.books import SIZE_MAX, BookFault
from dutchbook.state.bulk import TYPES, apply_all, apply_arrays

MANY = settings(max_examples=150)


def state(books):
    return [
        (book.key, book.depth(10_001), book.bid, book.bid_qty, book.ask, book.ask_qty)
        for book in books.all()
    ]


def memory(books):
    return [[array.tolist() for array in pool.ladder] for pool in books.pools]


@MANY
@given(events=stories())
def test_bulk_is_one_by_one(events):
    one, bulk = listed(), listed()
    for event in events:
        one.apply(event)
    lines = sum(len(event.levels) + event.snapshot for event in events)
    assert apply_all(bulk, events) == lines
    assert state(bulk) == state(one)
    assert [(p.top[:].tolist(), bytes(p.occ)) for p in bulk.pools] == [
        (p.top[:].tolist(), bytes(p.occ)) for p in one.pools
    ]


@settings(max_examples=40)
@given(books=filled())
def test_tops_are_found_again_from_the_sizes_alone(books):
    before = state(books)
    for pool in books.pools:
        pool.best[:] = 7
        pool.occupied[:] = 1
        ladder.rebuild_tops(*pool.ladder, pool.rows, pool.stride, pool.slots)
    books.refresh()
    assert state(books) == before


@pytest.mark.parametrize(
    "line",
    [
        (-1, 0, 5, 1, 0),
        (64, 0, 5, 1, 0),
        (0, 2, 5, 1, 0),
        (0, 0, 0, 1, 0),
        (0, 0, 100, 1, 0),
        (0, 0, -3, 1, 0),
        (0, 0, 5, -1, 0),
        (0, 0, 5, -1, ladder.DELTA),
        (0, 0, 41, -8, ladder.DELTA),
        (0, 0, 5, SIZE_MAX + 1, 0),
        (0, 0, 5, 2**63 - 1, ladder.DELTA),
        (0, 0, 41, SIZE_MAX, ladder.DELTA),
        (0, 0, 100, 1, ladder.CLEAR),
        (0, 0, 5, -1, ladder.CLEAR),
    ],
)
def test_a_line_that_no_book_allows_stops_the_tape_and_changes_nothing(line):
    books = listed()
    pool = books.pools[0]
    first = [(0, 0, 41, 7, 0), (0, 1, 45, 9, 0)]
    columns = zip(*[*first, line, (0, 0, 60, 1, 0)], strict=True)
    arrays = tuple(np.array(column, kind) for column, kind in zip(columns, TYPES, strict=True))
    assert apply_arrays(pool, arrays) == 2
    books.refresh()
    assert books.get("k:M0", 0).depth(9) == ([(410_000, 7)], [(450_000, 9)])


def test_a_tape_that_was_never_applied_is_refused_by_name():
    """Lines before the bad one stand, and the books know it."""
    books = listed()
    good = BookLevels("k:M0", 0, "s", True, False, [(BID, 410_000, 7), (ASK, 450_000, 9)])
    bad = BookLevels("k:M0", 0, "s", False, True, [(BID, 410_000, -8)])
    with pytest.raises(BookFault, match="refused"):
        apply_all(books, [good, bad])
    assert books.get("k:M0", 0).bid == 410_000
    for event in (
        BookLevels("k:no", 0, "s", True, False, []),
        BookLevels("k:M0", 0, "s", True, False, [(BID, 415_000, 1)]),
    ):
        with pytest.raises(BookFault, match=r"unknown|off_grid"):
            apply_all(books, [event])
