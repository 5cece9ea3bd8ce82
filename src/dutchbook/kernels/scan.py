"""The whole universe at once: every basket's edge after fees, and the depth of those that pay.

A leg is a market and an outcome: 2 x market buys YES from the asks of its book, 2 x market + 1
buys NO from the bids of its NO side's book, paying ONE - price. A basket is a run of legs and
what is sure to come back per contract; complements, bundles of YES and NO, and pairs over two
venues in both directions are all baskets.
"""

from typing import Any, Final

import numpy as np

from dutchbook.kernels.kernel import I8, LADDER, kernel, part
from dutchbook.kernels.ladder import next_down, next_up
from dutchbook.kernels.sweep import money

NOBODY: Final = 1 << 40
"""Cost of a leg that can't be bought. 4e6 such legs stay under 2**63, and no payout beats one."""
LEGS_MAX: Final = 1_024
"""Legs of one basket; with costs <= 2 ONE each (price and fee) their sum is < 2.1e9."""
PROFIT_MAX: Final = 1 << 60
LADDERS: Final = ", ".join([LADDER] * 3)
"""The three tick classes, coarsest first."""
BASKET, EDGE, SIZE, PROFIT = range(4)
"""Columns of a hit, see `walk`."""
COLUMNS: Final = 4


@kernel(f"void({I8}, {I8}, {I8}, {I8}, {I8}, {I8}, {I8}, {I8}, {I8})")
def leg_costs(
    usable: Any,
    pools: Any,
    rows: Any,
    fees_at: Any,
    fees: Any,
    best0: Any,
    best1: Any,
    best2: Any,
    costs: Any,
) -> None:
    """Price plus fee of the best offer of every leg, per contract, in millionths of a dollar.

    fees[fees_at[leg] + slot] bounds the fee of one contract from above at the price paid.
    """
    for leg in range(costs.size):
        if not usable[leg]:
            costs[leg] = NOBODY
            continue
        pool = pools[leg]
        slots, _, _ = _shape(pool)
        slot = _cell(pool, best0, best1, best2, rows[leg] * 2 + 1 - (leg & 1))
        if leg & 1:
            slot = slots - 1 - slot  # a bid for YES at p sells NO at ONE - p
        costs[leg] = _cost(pool, slot, fees, fees_at[leg]) if slot < slots - 1 else NOBODY


@kernel(f"void({I8}, {I8}, {I8}, {I8}, {I8}, {I8})")
def leg_prices(pools: Any, rows: Any, best0: Any, best1: Any, best2: Any, costs: Any) -> None:
    """Price alone of the best offer of every leg, in millionths: ONE where nobody offers it.

    A row of -1 is a leg that has no book.
    """
    for leg in range(costs.size):
        if rows[leg] < 0:
            costs[leg] = NOBODY
            continue
        pool = pools[leg]
        slots, _, step = _shape(pool)
        slot = _cell(pool, best0, best1, best2, rows[leg] * 2 + 1 - (leg & 1))
        costs[leg] = (slots - 1 - slot if leg & 1 else slot) * step


@kernel(f"int64({I8}, {I8}, {I8}, {I8}, int64, {I8}, {I8})")
def edges(
    starts: Any, legs: Any, payouts: Any, costs: Any, edge_min: int, found: Any, gains: Any
) -> int:
    """Baskets whose payout beats their cost by more than `edge_min`; how many.

    Basket b has legs[starts[b] : starts[b + 1]]; found and gains have room for every basket.
    """
    count = 0
    for basket in range(payouts.size):
        edge = payouts[basket]
        for i in range(starts[basket], starts[basket + 1]):
            edge -= costs[legs[i]]
        if edge > edge_min:
            found[count] = basket
            gains[count] = edge
            count += 1
    return count


@kernel(
    f"void(int64, {I8}, {I8}, {I8}, {I8}, {I8}, {I8}, {I8}, {I8}, {I8}, {LADDERS}, int64, {I8})"
)
def walk(
    count: int,
    found: Any,
    gains: Any,
    starts: Any,
    legs: Any,
    payouts: Any,
    pools: Any,
    rows: Any,
    fees_at: Any,
    fees: Any,
    sizes0: Any,
    occupied0: Any,
    words0: Any,
    best0: Any,
    sizes1: Any,
    occupied1: Any,
    words1: Any,
    best1: Any,
    sizes2: Any,
    occupied2: Any,
    words2: Any,
    best2: Any,
    edge_min: int,
    out: Any,
) -> None:
    """Walk every found basket down its ladders while the marginal contract beats `edge_min`.

    out[hit x COLUMNS + column]: basket, edge of the first contract, contracts, profit over all of
    them rounded down per step (millionths). A basket of more than LEGS_MAX legs has no size.
    """
    at = np.empty(LEGS_MAX, np.int64)
    left = np.empty(LEGS_MAX, np.int64)
    costs = np.empty(LEGS_MAX, np.int64)
    for hit in range(count):
        basket = found[hit]
        first = starts[basket]
        n = starts[basket + 1] - first
        to = hit * COLUMNS
        out[to + BASKET], out[to + EDGE] = basket, gains[hit]
        out[to + SIZE], out[to + PROFIT] = 0, 0
        if n == 0 or n > LEGS_MAX:
            continue
        edge = payouts[basket]
        for k in range(n):
            leg = legs[first + k]
            pool, row = pools[leg], rows[leg]
            side = 1 - (leg & 1)
            slots, stride, _ = _shape(pool)
            at[k] = _cell(pool, best0, best1, best2, row * 2 + side)
            cell = (row * 2 + side) * stride + at[k]
            left[k] = _cell(pool, sizes0, sizes1, sizes2, cell)
            paid = at[k] if side else slots - 1 - at[k]
            costs[k] = _cost(pool, paid, fees, fees_at[leg])
            edge -= costs[k]
        while edge > edge_min and out[to + PROFIT] < PROFIT_MAX:
            take = left[0]
            for k in range(1, n):
                take = min(take, left[k])
            out[to + SIZE] += take
            # edge <= LEGS_MAX x ONE, about 1e9: x (take // ONE) <= 5e17, x (take % ONE) < 1.1e15
            out[to + PROFIT] += money(edge, take, 0)
            for k in range(n):
                left[k] -= take
                if left[k]:
                    continue
                leg = legs[first + k]
                pool, side = pools[leg], 1 - (leg & 1)
                slots, stride, _ = _shape(pool)
                base = (rows[leg] * 2 + side) * stride
                if pool == 0:
                    cell = _next(occupied0, words0, side, base, at[k], stride)
                elif pool == 1:
                    cell = _next(occupied1, words1, side, base, at[k], stride)
                else:
                    cell = _next(occupied2, words2, side, base, at[k], stride)
                if cell < 0:
                    edge -= NOBODY
                    break
                at[k] = cell - base
                left[k] = _cell(pool, sizes0, sizes1, sizes2, cell)
                paid = at[k] if side else slots - 1 - at[k]
                cost = _cost(pool, paid, fees, fees_at[leg])
                edge += costs[k] - cost
                costs[k] = cost


@part
def _cell(pool: int, a: Any, b: Any, c: Any, at: int) -> int:
    """One cell of the array that the class has (choosing arrays would count users)."""
    if pool == 0:
        return int(a[at])
    if pool == 1:
        return int(b[at])
    return int(c[at])


@part
def _next(occupied: Any, words: Any, side: int, base: int, at: int, stride: int) -> int:
    if side:
        return int(next_up(occupied, words, base + at + 1, base + stride))
    return int(next_down(occupied, words, base, base + at))


@part
def _shape(pool: int) -> tuple[int, int, int]:
    """(slots, stride, step) of a tick class."""
    if pool == 0:
        return 101, 104, 10_000
    if pool == 1:
        return 1_001, 1_008, 1_000
    return 10_001, 10_008, 100


@part
def _cost(pool: int, paid: int, fees: Any, fees_at: int) -> int:
    return int(paid * _shape(pool)[2] + fees[fees_at + paid])
