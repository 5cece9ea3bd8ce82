"""The ladders equal the naive twin after any story of snapshots, changes, faults and regrids."""

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from naive_book import NaiveBook, Refused

from dutchbook.domain.events import BookLevels
from dutchbook.domain.instrument import CENT, MILL, Band, FeeSchedule, Instrument
from dutchbook.state.books import SIZE_MAX, BookFault, Books

TAILS = (Band(0, 100_000, 1_000), Band(100_000, 900_000, 10_000), Band(900_000, 1_000_000, 1_000))
FINE = (Band(0, 10_000, 100), Band(10_000, 1_000_000, 10_000))
QUARTER = (Band(0, 1_000_000, 2_500),)
GRIDS = (CENT, MILL, TAILS, FINE, QUARTER)

prices = st.one_of(
    st.integers(0, 100).map(lambda n: n * 10_000),
    st.integers(0, 100).map(lambda n: n * 1_000),
    st.integers(0, 100).map(lambda n: n * 100),
    st.integers(0, 400).map(lambda n: n * 2_500),
    st.sampled_from([-10_000, 1, 999_900, 999_999, 1_000_000, 1_010_000]),
)
sizes = st.one_of(st.integers(0, 5), st.integers(-5, 5), st.sampled_from([SIZE_MAX, SIZE_MAX + 1]))
levels = st.lists(st.tuples(st.integers(0, 1), prices, sizes), max_size=12)


def market(grid):
    fees = FeeSchedule("none")
    return Instrument("p:m", "p", "m", "p:e", "t", "o", grid, fees, tokens=("1", "2"))


class Story(RuleBasedStateMachine):
    @initialize(grid=st.sampled_from(GRIDS))
    def listed(self, grid):
        self.books = Books()
        self.books.list(market(grid))
        self.twins = (NaiveBook(grid, SIZE_MAX), NaiveBook(grid, SIZE_MAX))

    @rule(token=st.integers(0, 1), levels=levels, snapshot=st.booleans(), delta=st.booleans())
    def change(self, token, levels, snapshot, delta):
        twin, book = self.twins[token], self.books.get("p:m", token)
        event = BookLevels("p:m", token, "s", snapshot, delta, levels)
        top, version = twin.top(), book.version
        try:
            twin.apply(levels, snapshot, delta)
        except Refused as refused:
            with pytest.raises(BookFault) as fault:
                self.books.apply(event)
            assert fault.value.what == refused.what
            assert book.version == version
            return
        assert self.books.apply(event) == (twin.top() != top)
        assert book.version == version + 1

    @rule(token=st.integers(0, 1), data=st.data())
    def take_a_resting_level(self, token, data):
        """Half or all of a level that is there, so that tops really empty."""
        resting = sorted(self.twins[token].levels.items())
        if not resting:
            return
        (side, px), size = data.draw(st.sampled_from(resting))
        part = data.draw(st.sampled_from([size, max(1, size // 2)]))
        self.change(token, [(side, px, -part)], False, True)

    @rule(grid=st.sampled_from(GRIDS))
    def regrid(self, grid):
        self.books.list(market(grid))
        for twin in self.twins:
            twin.grid = (*twin.grid, *grid)

    @rule()
    def clear(self):
        self.books.clear("p:m")
        for twin in self.twins:
            twin.levels = {}

    @invariant()
    def equal(self):
        for token, twin in enumerate(getattr(self, "twins", ())):
            book = self.books.get("p:m", token)
            assert (book.bid, book.bid_qty, book.ask, book.ask_qty) == twin.top()
            assert (book.bids(99), book.asks(99)) == (twin.side(0), twin.side(1))
            assert book.bids(2) == twin.side(0)[:2]
            pool = book.pool
            top = (pool.top[2 * book.row], pool.top[2 * book.row + 1])
            assert top == (book.bid // pool.step, book.ask // pool.step)


Story.TestCase.settings = settings(max_examples=60, stateful_step_count=25)
TestStory = Story.TestCase
