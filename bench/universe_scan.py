"""The whole universe priced at once: 10,000 binaries, 1,000 events, 3,333 pairs over two venues."""

from random import Random
from typing import Any, Final

import numpy as np

from bench.harness import Context, Row, best
from dutchbook.domain.events import ASK, BID, BookLevels
from dutchbook.domain.fees import fill_fee
from dutchbook.domain.instrument import CENT, MILL, EventGroup, FeeSchedule, Instrument
from dutchbook.domain.relations import Link
from dutchbook.domain.units import ONE
from dutchbook.state.books import Books
from dutchbook.state.universe import Basket, Hit, Universe, baskets_of

MARKETS, EVENTS, PAIRS = 10_000, 1_000, 3_333
GOAL_MS: Final = 1.5
FEES: Final = {
    "kalshi": FeeSchedule("kalshi", taker=70_000),
    "polymarket": FeeSchedule("polymarket", taker=30_000),
}


def run(context: Context) -> list[Row]:
    """The scan, with fees and the depth walk of what pays; the same in numpy as the peer."""
    books, instruments, baskets = made()
    universe = Universe(books, instruments, baskets)
    context.say(f"bench: {len(baskets)} baskets, {universe.count()} of them pay")
    repeats = 20 if context.quick else 300
    ours, _ = best(universe.count, repeats)
    numpy = Plain(books, instruments, baskets)
    theirs, found = best(numpy.scan, 3 if context.quick else 7)
    assert universe.scan() == found, "the kernels and numpy differ"
    ms, goal = ours * 1_000, f"value <= {GOAL_MS}"
    return [
        Row("universe_scan", round(ms, 3), "ms", goal, ms <= GOAL_MS,
            "numpy, walk in Python", round(theirs / ours, 2)),
    ]  # fmt: skip


def made(seed: int = 7) -> tuple[Books, list[Instrument], list[Basket]]:
    """Markets of both venues and both tick classes, 16 levels a side, some of them mispriced."""
    chance = Random(seed)
    books, instruments = Books(), []
    for n in range(MARKETS):
        venue = ("kalshi", "polymarket")[n % 2]
        grid, tokens = ((CENT, ()), (MILL, ("y", "n")))[n % 2]
        key = f"{venue}:{n}"
        one = Instrument(key, venue, key, "e", "t", "o", grid, FEES[venue], tokens=tokens)
        instruments.append(one)
        books.list(one)
    # event k and its twin on the other venue have the same outcomes, which share $1 between them
    fair, groups, at = [0.0] * MARKETS, [], 0
    while len(groups) < EVENTS:
        count = min(chance.randrange(2, 19), (MARKETS - at) // 2 - (EVENTS - len(groups)) + 2)
        shares = [chance.random() + 0.05 for _ in range(count)]
        cheap = 0.88 if chance.random() < 0.05 else 1.0
        for n, share in enumerate(shares):
            px = share / sum(shares) * cheap
            fair[at + 2 * n], fair[at + 2 * n + 1] = px, px + chance.gauss(0, 0.008)
        for side in (0, 1):
            keys = tuple(instruments[at + 2 * n + side].key for n in range(count))
            groups.append(EventGroup(f"e{len(groups)}", "v", "t", keys, True, True))
        at += 2 * count
    for one, px in zip(instruments, fair, strict=True):
        levels = _ladder(chance, px, one.grid[0].step)
        for token in (0, 1) if one.tokens else (0,):
            books.apply(BookLevels(one.key, token, "s", True, False, levels))
    links = [
        Link(f"l{n}", "same", (instruments[2 * n].key, instruments[2 * n + 1].key), 1)
        for n in range(PAIRS)
    ]
    return books, instruments, baskets_of(instruments, groups, links)


def _ladder(chance: Random, px: float, step: int) -> list[tuple[int, int, int]]:
    last = ONE // step - 1
    bid = min(max(round(px * ONE / step) - chance.randrange(0, 3), 1), last - 1)
    levels = []
    for n in range(16):
        size = chance.randrange(1, 500) * ONE
        if bid - n >= 1:
            levels.append((BID, (bid - n) * step, size))
        if bid + 1 + n <= last:
            levels.append((ASK, (bid + 1 + n) * step, size))
    return levels


class Plain:
    """The same scan with numpy arrays, and the walk of what pays in plain Python."""

    def __init__(self, books: Books, instruments: list[Instrument], baskets: list[Basket]) -> None:
        self._books = books
        self._places = {one.key: n for n, one in enumerate(instruments)}
        self._instruments = instruments
        self._baskets = baskets
        self._payouts = np.array([basket.payout for basket in baskets])
        self._legs = np.array(
            [
                2 * self._places[key] + (outcome == "no")
                for basket in baskets
                for key, outcome in basket.legs
            ]
        )
        self._starts = np.cumsum([0, *(len(basket.legs) for basket in baskets)])[:-1]
        self._asks = [books.get(one.key, 0) for one in instruments]
        self._bids = [books.get(one.key, 1 if one.tokens else 0) for one in instruments]
        fees = {venue: [fill_fee(f, px, ONE) for px in range(0, ONE, 1_000)] + [0]
                for venue, f in FEES.items()}  # fmt: skip
        self._fees = np.array([fees["kalshi"], fees["polymarket"]])
        self._venue = np.array([one.venue == "polymarket" for one in instruments]).astype(int)

    def scan(self) -> list[Hit]:
        yes = np.array([book.ask for book in self._asks])
        no = ONE - np.array([book.bid for book in self._bids])
        costs = np.empty(2 * yes.size, np.int64)
        for at, px in ((0, yes), (1, no)):
            whole = px + self._fees[self._venue, px // 1_000]
            costs[at::2] = np.where(px < ONE, whole, 1 << 40)
        edges = self._payouts - np.add.reduceat(costs[self._legs], self._starts)
        return [self._walk(int(b), int(edges[b])) for b in np.flatnonzero(edges > 0)]

    def _walk(self, number: int, first: int) -> Hit:
        basket: Any = self._baskets[number]
        ladders = [self._offers(key, outcome) for key, outcome in basket.legs]
        size = profit = 0
        while all(ladders):
            edge = basket.payout - sum(ladder[0][0] for ladder in ladders)
            if edge <= 0:
                break
            take = min(ladder[0][1] for ladder in ladders)
            size, profit = size + take, profit + edge * take // ONE
            for ladder in ladders:
                cost, left = ladder.pop(0)
                if left > take:
                    ladder.insert(0, (cost, left - take))
        return Hit(number, first, size, profit)

    def _offers(self, key: str, outcome: str) -> list[tuple[int, int]]:
        place = self._places[key]
        if outcome == "yes":
            raw = self._asks[place].asks(99)
        else:
            raw = [(ONE - px, size) for px, size in self._bids[place].bids(99)]
        fees = self._fees[self._venue[place]]
        return [(px + int(fees[px // 1_000]), size) for px, size in raw]
