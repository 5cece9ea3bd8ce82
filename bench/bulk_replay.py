"""A columnar tape through the ladders of many books, as fast as memory allows."""

from typing import Any, Final

import numpy as np

from bench.harness import Context, Row, best
from dutchbook.domain.events import BookLevels
from dutchbook.domain.instrument import CENT, FeeSchedule, Instrument
from dutchbook.kernels.ladder import DELTA
from dutchbook.state.books import Books
from dutchbook.state.bulk import apply_arrays

GOAL: Final = 10_000_000
BOOKS: Final = 10_000


def run(context: Context) -> list[Row]:
    """Signed changes over 10,000 books in bulk; the same changes one event at a time as peer."""
    lines = context.size(2_000_000)
    tape = made(lines)
    fresh: list[Books] = [_listed() for _ in range(4)]
    left = iter(fresh)
    spent, _ = best(lambda: _bulk(next(left), tape), 3)
    few = lines // 20
    events = [
        BookLevels(f"k:{row}", 0, "s", False, True, [(side, slot * 10_000, change)])
        for row, side, slot, change in zip(*(a[:few].tolist() for a in tape[:4]), strict=True)
    ]
    single, one = best(lambda: _single(next(left), events), 1)
    check = _listed()
    assert apply_arrays(check.pools[0], tuple(array[:few] for array in tape)) == few
    assert np.array_equal(check.pools[0].sizes, one.pools[0].sizes), "bulk and single differ"
    assert np.array_equal(check.pools[0].best, one.pools[0].best), "bulk and single differ"
    rate, peer = lines / spent, few / single
    goal = f"value >= {GOAL}"
    return [
        Row("bulk_replay", round(rate), "level updates/s", goal, rate >= GOAL,
            "one event at a time", round(rate / peer, 2)),
    ]  # fmt: skip


def made(lines: int, seed: int = 7) -> tuple[Any, ...]:
    """Columns of changes that books accept: totals drawn at random, then made signed changes."""
    chance = np.random.default_rng(seed)
    rows = np.minimum(chance.pareto(0.6, lines), BOOKS - 1).astype(np.int64)
    rows = np.where(chance.random(lines) < 0.5, rows, chance.integers(0, BOOKS, lines))
    sides = chance.integers(0, 2, lines).astype(np.uint8)
    slots = np.clip(chance.normal(np.where(sides == 0, 40, 60), 9, lines), 1, 99).astype(np.int64)
    totals = chance.integers(0, 900, lines) * 1_000_000
    totals[chance.random(lines) < 0.3] = 0
    order = np.lexsort((np.arange(lines), slots, sides, rows))
    cell = (rows * 2 + sides) * 128 + slots
    before = np.zeros(lines, np.int64)
    same = cell[order][1:] == cell[order][:-1]
    before[order[1:]] = np.where(same, totals[order[:-1]], 0)
    return rows, sides, slots, totals - before, np.full(lines, DELTA, np.uint8)


def _listed() -> Books:
    books = Books()
    for n in range(BOOKS):
        books.list(Instrument(f"k:{n}", "k", str(n), "e", "t", "o", CENT, FeeSchedule("none")))
    return books


def _bulk(books: Books, tape: tuple[Any, ...]) -> Books:
    assert apply_arrays(books.pools[0], tape) == tape[0].size
    return books


def _single(books: Books, events: list[BookLevels]) -> Books:
    for event in events:
        books.apply(event)
    return books
