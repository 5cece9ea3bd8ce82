"""Random markets over all tick classes for the kernel tests, and stories of changes to them."""

import hypothesis.strategies as st

from dutchbook.domain.events import BookLevels
from dutchbook.domain.instrument import CENT, MILL, Band, FeeSchedule, Instrument
from dutchbook.state.books import SIZE_MAX, Books

FINE = (Band(0, 1_000_000, 100),)
GRIDS = (CENT, MILL, FINE)
FEES = (
    FeeSchedule("none"),
    FeeSchedule("kalshi", taker=70_000, precision=10_000),
    FeeSchedule("polymarket", taker=30_000, exponent=1),
)

sizes = st.one_of(
    st.integers(1, 9),
    st.integers(1, 5_000_000_000),
    st.sampled_from([SIZE_MAX, SIZE_MAX - 1, 1_000_000]),
)


def price(step):
    """Near a wall, near the middle, or anywhere, so that ladders touch and cross."""
    last = 1_000_000 // step - 1
    middle = last // 2
    slots = st.one_of(
        st.integers(1, last), st.integers(1, 9), st.integers(middle - 4, middle + 4),
        st.integers(last - 9, last),
    )  # fmt: skip
    return slots.map(lambda slot: slot * step)


def market(n: int, fees: int = 0, venue: str = "k") -> Instrument:
    tokens = ("y", "n") if venue == "p" else ()
    grid, key = GRIDS[n % 3], f"{venue}:M{n}"
    return Instrument(key, venue, f"M{n}", f"{venue}:E", "t", "o", grid, FEES[fees], tokens=tokens)


def levels(n: int, most: int = 12):
    step = GRIDS[n % 3][0].step
    return st.lists(
        st.tuples(st.integers(0, 1), price(step), sizes),
        max_size=most, unique_by=lambda level: level[:2],
    )  # fmt: skip


@st.composite
def filled(draw, count: int = 6) -> Books:
    """Books of `count` markets, every third of a class, with a snapshot each."""
    books = Books()
    for n in range(count):
        books.list(market(n))
        books.apply(BookLevels(f"k:M{n}", 0, "s", True, False, draw(levels(n))))
    return books


@st.composite
def stories(draw, count: int = 6):
    """A list of events that books accept: snapshots, totals, and changes."""
    books, events = listed(count), []
    for _ in range(draw(st.integers(0, 25))):
        n = draw(st.integers(0, count - 1))
        snapshot, delta = draw(st.booleans()), draw(st.booleans())
        lines = draw(levels(n, 5))
        book = books.get(f"k:M{n}", 0)
        if delta and not snapshot and lines:
            resting = dict(book.asks(99)), dict(book.bids(99))
            lines = [(side, px, -resting[1 - side].get(px, -size)) for side, px, size in lines]
        if not snapshot and not delta and draw(st.booleans()):
            lines = [(side, px, 0) for side, px, _ in lines]
        event = BookLevels(f"k:M{n}", 0, "s", snapshot, delta, lines)
        books.apply(event)
        events.append(event)
    return events


def listed(count: int = 6) -> Books:
    books = Books()
    for n in range(count):
        books.list(market(n))
    return books
