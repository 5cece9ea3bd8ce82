"""Sweeps, sizes to a limit, imbalance and microprice equal plain Python with unbounded integers."""

import hypothesis.strategies as st
import numpy as np
from hypothesis import example, given, settings
from some_books import filled, market

from dutchbook.domain.events import ASK, BID, BookLevels
from dutchbook.domain.units import ONE
from dutchbook.kernels import sweep
from dutchbook.state.books import SIZE_MAX, Books

MANY = settings(max_examples=120)


def swept(levels, want, by_money, buying):
    """The twin: exact, level by level."""
    qty = money = last = 0
    left = want
    for px, size in levels:
        if left <= 0:
            break
        exact = px * size
        whole = -(-exact // ONE) if buying else exact // ONE
        if by_money and whole > left:
            size = left * ONE // px
            whole = -(-px * size // ONE) if buying else px * size // ONE
            left = 0
        elif by_money:
            left -= whole
        else:
            size = min(size, left)
            whole = -(-px * size // ONE) if buying else px * size // ONE
            left -= size
        qty, money, last = qty + size, money + whole, px
    if not qty:
        return [0] * sweep.COLUMNS
    average = -(-money * ONE // qty) if buying else money * ONE // qty
    best = levels[0][0]
    return [qty, money, average, last, abs(last - best), abs(average - best), int(left == 0)]


wants = st.one_of(
    st.sampled_from([100 * ONE, 500 * ONE, 1000 * ONE, sweep.BUDGET_MAX]),
    st.integers(1, sweep.BUDGET_MAX),
)


@MANY
@given(
    books=filled(), wants=st.lists(wants, min_size=1, max_size=3),
    side=st.integers(0, 1), by_money=st.booleans(),
)  # fmt: skip
def test_sweep(books, wants, side, by_money):
    for pool in books.pools:
        mine = [book for book in books.all() if book.pool is pool]
        rows = np.array([book.row for book in mine], np.int64)
        out = np.full(len(mine) * len(wants) * sweep.COLUMNS, 77, np.int64)
        shape = (pool.stride, pool.step, pool.slots)
        sweep.sweep(*pool.ladder, rows, np.array(wants), side, by_money, *shape, out)
        expected = [
            number
            for book in mine
            for want in wants
            for number in swept(book.depth(9999)[side], want, by_money, side == ASK)
        ]
        assert out.tolist() == expected


@MANY
@given(books=filled(), side=st.integers(0, 1), limit=st.integers(0, ONE))
def test_available(books, side, limit):
    for pool in books.pools:
        mine = [book for book in books.all() if book.pool is pool]
        rows = np.array([book.row for book in mine], np.int64)
        out = np.zeros(len(mine), np.int64)
        shape = (pool.stride, pool.step, pool.slots)
        sweep.available(*pool.ladder, rows, side, limit, *shape, out)
        assert out.tolist() == [
            sum(
                size
                for px, size in book.depth(9999)[side]
                if (px <= limit if side == ASK else px >= limit)
            )
            for book in mine
        ]


@MANY
@given(books=filled(), levels=st.integers(1, 30))
def test_pressure(books, levels):
    """Above WANT_MAX a ratio may be one millionth off: both words of it lose a bit there."""
    for pool in books.pools:
        mine = [book for book in books.all() if book.pool is pool]
        rows = np.array([book.row for book in mine], np.int64)
        imbalance, micro = np.zeros(len(mine), np.int64), np.zeros(len(mine), np.int64)
        shape = (pool.stride, pool.step, pool.slots)
        sweep.pressure(*pool.ladder, rows, levels, *shape, imbalance, micro)
        for book, got, price in zip(mine, imbalance.tolist(), micro.tolist(), strict=True):
            many, few = (
                sum(size for _, size in side) for side in book.depth(min(levels, sweep.LEVELS_MAX))
            )
            over = abs(many - few) * ONE // (many + few) if many + few else 0
            expected = over if many >= few else -over
            assert abs(got - expected) <= (many + few > sweep.WANT_MAX)
            pair = book.bid_qty + book.ask_qty
            one_sided = not (book.bid_qty and book.ask_qty)
            assert price == (
                -1 if one_sided else book.bid + (book.ask - book.bid) * book.bid_qty // pair
            )


@MANY
@given(
    q=st.integers(0, sweep.WANT_MAX), m=st.integers(0, ONE), total=st.integers(1, sweep.WANT_MAX)
)
@example(q=sweep.WANT_MAX, m=ONE, total=1)
@example(q=sweep.WANT_MAX, m=ONE - 1, total=sweep.WANT_MAX)
@example(q=sweep.WANT_MAX - 1, m=999_999, total=sweep.WANT_MAX - 3)
def test_share_is_exact_at_its_bounds(q, m, total):
    quotient, rest = divmod(q * m, total)
    if quotient < 2**63:
        assert sweep.share(q, m, total) == (quotient, rest)


def test_the_fullest_ladder_does_not_pass_a_word():
    """Every slot of the finest class at the largest size, on both sides."""
    books = Books()
    books.list(market(2))
    levels = [(side, 100 * slot, SIZE_MAX) for slot in range(1, 10_000) for side in (BID, ASK)]
    books.apply(BookLevels("k:M2", 0, "s", True, False, levels))
    pool, row, out = books.pools[2], np.array([0]), np.zeros(1, np.int64)
    sweep.available(*pool.ladder, row, ASK, ONE, pool.stride, pool.step, pool.slots, out)
    assert out.tolist() == [9_999 * SIZE_MAX]
