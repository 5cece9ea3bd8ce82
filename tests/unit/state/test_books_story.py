"""Books told as stories: what each fault says, and that it leaves everything as it was."""

import pytest

from dutchbook.domain.events import ASK, BID, BookLevels
from dutchbook.domain.instrument import CENT, MILL, Band, FeeSchedule, Instrument
from dutchbook.domain.units import ONE
from dutchbook.state.books import SIZE_MAX, BookFault, Books


def market(key="k:A", grid=CENT, tokens=()):
    return Instrument(key, "k", key[2:], "k:E", "t", "o", grid, FeeSchedule("none"), tokens=tokens)


def whole(*levels, key="k:A", token=0):
    return BookLevels(key, token, "s", True, False, list(levels))


def moved(*levels, key="k:A", token=0, delta=True):
    return BookLevels(key, token, "s", False, delta, list(levels))


@pytest.fixture
def books():
    books = Books()
    books.list(market())
    books.apply(whole((BID, 400_000, 5), (BID, 390_000, 7), (ASK, 450_000, 9)))
    return books


def shape(books, key="k:A", token=0):
    book = books.get(key, token)
    return book.depth(10_001), (book.bid, book.bid_qty, book.ask, book.ask_qty), book.version


def test_a_day_of_one_book(books):
    """Top sizes, new bests, an emptied top, an emptied side: the answer says if the top moved."""
    assert shape(books)[1] == (400_000, 5, 450_000, 9)
    assert not books.apply(moved((BID, 390_000, 1)))
    assert books.apply(moved((BID, 400_000, 1)))
    assert books.apply(moved((BID, 410_000, 2)))
    assert books.apply(moved((BID, 410_000, -2)))
    assert books.apply(moved((ASK, 450_000, -9)))
    assert not books.apply(moved((ASK, 450_000, 0), delta=False))
    expected = ([(400_000, 6), (390_000, 8)], []), (400_000, 6, ONE, 0), 7
    assert shape(books) == expected


@pytest.mark.parametrize(
    ("what", "event"),
    [
        ("off_grid", moved((BID, 405_000, 1))),
        ("off_grid", moved((BID, 0, 1))),
        ("off_grid", moved((BID, ONE, 1))),
        ("off_grid", moved((ASK, 42, 1))),
        ("off_grid", moved((ASK, -450_000, 1))),
        ("absent", moved((BID, 380_000, -1))),
        ("below_zero", moved((BID, 390_000, -8))),
        ("too_large", moved((BID, 390_000, SIZE_MAX))),
        ("too_large", moved((BID, 390_000, 2**70), delta=False)),
        ("negative", moved((BID, 390_000, -1), delta=False)),
        ("negative", whole((BID, 390_000, -1))),
        ("duplicate", whole((BID, 390_000, 1), (ASK, 390_000, 1), (BID, 390_000, 2))),
        ("too_many", whole(*[(BID, 390_000, 1)] * 1_000_000)),
        ("too_many", moved(*[(BID, 390_000, 1)] * 1_000_000)),
        ("below_zero", moved((BID, 410_000, 3), (ASK, 450_000, -9), (BID, 410_000, -4))),
        ("off_grid", moved((ASK, 450_000, 0), (BID, 410_000, 3), (BID, 1, 1), delta=False)),
        ("unknown", moved((BID, 390_000, 1), key="k:B")),
        ("unknown", moved((BID, 390_000, 1), token=1)),
    ],
)
def test_a_fault_names_itself_and_changes_nothing(books, what, event):
    before = shape(books)
    with pytest.raises(BookFault) as fault:
        books.apply(event)
    assert fault.value.what == what
    assert event.key in fault.value.detail
    assert shape(books) == before


def test_crossed_and_locked_books_are_data(books):
    """Whether they may be traded on is the gate's question, not the ladder's."""
    books.apply(whole((BID, 600_000, 1), (ASK, 500_000, 2)))
    assert shape(books)[1] == (600_000, 1, 500_000, 2)
    books.apply(moved((BID, 600_000, -1), (BID, 500_000, 3)))
    assert shape(books)[1] == (500_000, 3, 500_000, 2)


def test_a_finer_tick_keeps_what_rests_and_a_coarser_one_too(books):
    """Cents, then mills, then cents again: levels placed under mills rest and may come again."""
    books.list(market(grid=MILL))
    books.apply(moved((BID, 400_500 + 500, 3)))
    books.list(market(grid=CENT))
    books.apply(whole((BID, 401_000, 3), (BID, 400_000, 5)))
    assert books.apply(moved((BID, 401_000, -3)))
    assert shape(books)[1] == (400_000, 5, ONE, 0)


@pytest.mark.parametrize(
    "grid",
    [
        (),
        (Band(0, ONE, 0),),
        (Band(0, ONE, -10_000),),
        (Band(0, ONE, 50),),
        (Band(5, ONE, 10_000),),
        (Band(500_000, 400_000, 10_000),),
        (Band(0, 2 * ONE, 10_000),),
        CENT * 200,
    ],
)
def test_a_grid_that_no_ladder_has_is_refused(books, grid):
    before = shape(books)
    for key in ("k:A", "k:B"):
        with pytest.raises(BookFault, match="grid"):
            books.list(market(key, grid, tokens=("1", "2")))
    assert shape(books) == before
    with pytest.raises(KeyError):
        books.get("k:B", 0)


def test_a_thousand_books_grow_the_pool_and_none_touches_another(books):
    """Growing moves the memory; rows given back by a regrid are empty for the next market."""
    for n in range(1_000):
        key = f"k:M{n}"
        books.list(market(key, (CENT, MILL)[n % 2], tokens=("y", "n")))
        books.apply(whole((BID, 10_000 * (n % 40 + 1), n + 1), key=key))
        books.apply(whole((ASK, 10_000 * (n % 40 + 1), n + 2), key=key, token=1))
    for n in range(0, 1_000, 2):
        books.list(market(f"k:M{n}", MILL))
    books.list(market("k:last"))
    assert shape(books, "k:last")[0] == ([], [])
    for n in range(1_000):
        px = 10_000 * (n % 40 + 1)
        assert shape(books, f"k:M{n}")[0] == ([(px, n + 1)], [])
        assert shape(books, f"k:M{n}", 1)[0] == ([], [(px, n + 2)])


def test_clear_empties_both_books(books):
    books.list(market("k:P", tokens=("1", "2")))
    books.apply(whole((BID, 100_000, 1), key="k:P"))
    books.apply(whole((BID, 100_000, 1), key="k:P", token=1))
    books.clear("k:P")
    assert shape(books, "k:P") == (([], []), (0, 0, ONE, 0), 2)
    assert shape(books, "k:P", 1) == (([], []), (0, 0, ONE, 0), 2)
    with pytest.raises(KeyError):
        books.clear("k:unknown")
