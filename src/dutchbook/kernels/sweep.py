"""What an order would meet: price of depth, size to a limit, imbalance and microprice of books."""

from typing import Any, Final

from dutchbook.kernels.kernel import I8, LADDER, ONE, kernel, part
from dutchbook.kernels.ladder import next_down, next_up

QTY, MONEY, AVERAGE, LAST, IMPACT, SLIPPAGE, FILLED = range(7)
"""Columns of a sweep, see `sweep`."""
COLUMNS: Final = 7
BUDGET_MAX: Final = 9_000_000_000_000
"""$9 million: a budget times ONE stays under 2**63 = 9.22e18."""
WANT_MAX: Final = 9_000_000_000_000_000
"""Nine billion contracts: the most that one sweep asks for; see `share`."""
LEVELS_MAX: Final = 18
"""Levels that an imbalance looks at: 18 x SIZE_MAX = WANT_MAX."""


@kernel(f"void({LADDER}, {I8}, {I8}, int64, boolean, int64, int64, int64, {I8})")
def sweep(
    sizes: Any,
    occupied: Any,
    words: Any,
    best: Any,
    rows: Any,
    wants: Any,
    side: int,
    by_money: bool,
    stride: int,
    step: int,
    slot_count: int,
    out: Any,
) -> None:
    """Take each of `wants` from one side of each row: asks (1) are bought, bids (0) sold into.

    A want is money (at most BUDGET_MAX) or contracts (at most WANT_MAX), in millionths.
    out[(row x wants + want) x COLUMNS + column]: contracts, money, average price, last price
    reached, how far that is from the best (impact), how far the average is (slippage), 1 if all
    was filled. Money and average are rounded against the taker.
    """
    out[:] = 0
    for i in range(rows.size):
        slot = best[rows[i] * 2 + side]
        if slot == 0 or slot == slot_count - 1:
            continue
        base = (rows[i] * 2 + side) * stride
        for j in range(wants.size):
            to = (i * wants.size + j) * COLUMNS
            want = wants[j]
            _take(sizes, occupied, words, base, stride, step, side, slot, by_money, want, out, to)


@part
def _take(
    sizes: Any,
    occupied: Any,
    words: Any,
    base: int,
    stride: int,
    step: int,
    side: int,
    slot: int,
    by_money: bool,
    want: int,
    out: Any,
    to: int,
) -> None:
    at, best = base + slot, slot * step
    qty, spent, last, left = 0, 0, 0, want
    while left > 0 and at >= 0:
        px = (at - base) * step
        size = sizes[at]
        if by_money:
            whole = money(px, size, side)
            if whole > left:
                size = (left * ONE) // px  # left <= BUDGET_MAX
                whole = money(px, size, side)
                left = whole  # what stays of it buys not a millionth of a contract
            left -= whole
        else:
            size = min(size, left)
            whole = money(px, size, side)
            left -= size
        qty, spent, last = qty + size, spent + whole, px
        if side:
            at = next_up(occupied, words, at + 1, base + stride)
        else:
            at = next_down(occupied, words, base, at)
    if by_money:  # spent <= BUDGET_MAX, while contracts may be more than `share` takes
        average, rest = (spent * ONE) // qty, (spent * ONE) % qty
    else:
        average, rest = share(spent, ONE, qty)
    if side and rest:
        average += 1
    out[to + QTY], out[to + MONEY], out[to + AVERAGE] = qty, spent, average
    out[to + LAST], out[to + IMPACT] = last, abs(last - best)
    out[to + SLIPPAGE], out[to + FILLED] = abs(average - best), 1 if left == 0 else 0


@kernel(f"void({LADDER}, {I8}, int64, int64, int64, int64, int64, {I8})")
def available(
    sizes: Any,
    occupied: Any,
    words: Any,
    best: Any,
    rows: Any,
    side: int,
    limit: int,
    stride: int,
    step: int,
    slot_count: int,
    out: Any,
) -> None:
    """Contracts to be had at `limit` or better. A whole side is < 10001 x SIZE_MAX = 5.1e18."""
    for i in range(rows.size):
        out[i] = 0
        slot = best[rows[i] * 2 + side]
        if slot == 0 or slot == slot_count - 1:
            continue
        base = (rows[i] * 2 + side) * stride
        at = base + slot
        while at >= 0:
            px = (at - base) * step
            if (side == 1 and px > limit) or (side == 0 and px < limit):
                break
            out[i] += sizes[at]
            if side:
                at = next_up(occupied, words, at + 1, base + stride)
            else:
                at = next_down(occupied, words, base, at)


@kernel(f"void({LADDER}, {I8}, int64, int64, int64, int64, {I8}, {I8})")
def pressure(
    sizes: Any,
    occupied: Any,
    words: Any,
    best: Any,
    rows: Any,
    levels: int,
    stride: int,
    step: int,
    slot_count: int,
    imbalance: Any,
    micro: Any,
) -> None:
    """Depth imbalance over `levels` (LEVELS_MAX if more) a side, and the microprice.

    imbalance: (bids - asks) / (bids + asks) in millionths, towards zero; 0 for an empty book.
    micro: bid + (ask - bid) x bid size / both sizes, rounded down; -1 where a side is empty.
    """
    levels = min(levels, LEVELS_MAX)
    for i in range(rows.size):
        bid, ask = best[rows[i] * 2], best[rows[i] * 2 + 1]
        bids = rows[i] * 2 * stride
        asks = bids + stride
        imbalance[i], micro[i] = 0, -1
        many, few, at, n = 0, 0, bids + bid if bid else -1, 0
        while at >= 0 and n < levels:
            many, n = many + sizes[at], n + 1
            at = next_down(occupied, words, bids, at)
        at, n = asks + ask if ask != slot_count - 1 else -1, 0
        while at >= 0 and n < levels:
            few, n = few + sizes[at], n + 1
            at = next_up(occupied, words, at + 1, asks + stride)
        both = many + few
        if both == 0:
            continue
        over, under, total = abs(many - few), 1 if many >= few else -1, both
        while total > WANT_MAX:  # a ratio: both words may lose a bit
            over, total = over >> 1, total >> 1
        imbalance[i] = under * share(over, ONE, total)[0]
        if bid and ask != slot_count - 1:
            size = sizes[bids + bid]
            pair = size + sizes[asks + ask]  # <= 1e15
            spread = (ask - bid) * step
            part_of, rest = share(size, abs(spread), pair)
            if spread < 0:  # a crossed book
                part_of = -part_of - (1 if rest else 0)
            micro[i] = bid * step + part_of


@part
def share(q: int, m: int, total: int) -> tuple[int, int]:
    """divmod(q x m, total), exactly, for 0 <= q, total <= WANT_MAX and 0 <= m <= ONE.

    m = 1000 a + b: q a <= 9e15 x 1000 < 2**63. Its remainder r < total, so r x 1000 <= 9e18;
    q b <= 9e18 is divided on its own, since their sum could pass 2**63.
    """
    a, b = m // 1000, m % 1000
    d, r = (q * a) // total, (q * a) % total
    e, s = (r * 1000) // total, (r * 1000) % total
    f, t = (q * b) // total, (q * b) % total
    if s >= total - t:
        return d * 1000 + e + f + 1, s - (total - t)
    return d * 1000 + e + f, s + t


@part
def money(px: int, qty: int, up: int) -> int:
    """px x qty / ONE, rounded up (1) or down (0), in two words.

    px x (qty // ONE) <= 1e6 x 5e8 and px x (qty % ONE) < 1e12.
    """
    return px * (qty // ONE) + (px * (qty % ONE) + up * (ONE - 1)) // ONE
