"""The funnel from a basket that somebody names to one that is worth buying, in whole numbers."""

from collections.abc import Sequence
from math import lcm
from typing import NamedTuple

import msgspec

from dutchbook.domain.candidate import Candidate, Outcome, View
from dutchbook.domain.certificate import Fill, Leg
from dutchbook.domain.fees import cost, fill_fee, order_total
from dutchbook.domain.instrument import FeeSchedule, Instrument, on_grid
from dutchbook.domain.units import ONE, Px, Qty, Usd, ceil_div

STAGES = ("seen", "matched", "fresh", "gross", "net", "depth", "sized")
"""In the order of the funnel; a Rejected names the stage that it did not pass."""

Ladder = Sequence[tuple[int, int]]
"""(price, size) of what is offered of one outcome, cheapest first."""

Reads = dict[tuple[str, Outcome], list[tuple[Px, Qty]]]
STRAIGHT = 8
"""So many aimed guesses at the affordable size before halving, which never fails to end."""
SHALLOW = 3
"""Levels that are read first: they are nearly always enough, and a full book is 20 and more."""


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an opportunity must have: edge (millionths per $1 of payout), size; at most capital.

    `levels` bounds every walk over a ladder.
    """

    edge_min: int = 20_000
    size_min: Qty = Qty(5_000_000)
    capital_max: Usd = Usd(1_000_000_000)
    levels: int = 20


class Rejected(msgspec.Struct, frozen=True, gc=False):
    """Where a candidate fell, why, and the numbers that say what would flip it (millionths)."""

    stage: str
    reason: str
    numbers: dict[str, int]


class Basket(msgspec.Struct, frozen=True):
    """So many shares of a candidate, level by level, and what they cost in all with fees."""

    candidate: Candidate
    qty: Qty
    legs: tuple[Leg, ...]
    capital: Usd
    edge: int


def gross(candidate: Candidate, view: View) -> int:
    """Payout less the best offers, per contract: <= 0 for nearly all, so ask this first."""
    left: int = candidate.payout
    best = view.best
    for (key, outcome), times in zip(candidate.legs, candidate.times(), strict=True):
        left -= best(key, outcome)[0] * times
    return left


class Judged(NamedTuple):
    """A verdict, and the best `levels` of each leg that it rests on: it depends on no others."""

    verdict: Rejected | Basket
    levels: int
    reads: Reads


def evaluate(candidate: Candidate, view: View, limits: Limits) -> Rejected | Basket:
    """Put a candidate through the funnel; the first stage that it fails ends it."""
    for place, (key, outcome) in enumerate(candidate.legs):
        why = view.stale(key, outcome)
        if why:
            return Rejected("fresh", f"stale book ({why})", {"leg": place})
    left = gross(candidate, view)
    if left <= 0:
        return Rejected("gross", "no gross edge", {"gross": left, "short": 1 - left})
    return weigh(candidate, view, limits, left).verdict


def weigh(candidate: Candidate, view: View, limits: Limits, left: int) -> Judged:
    """The funnel from the gross edge `left` on, for a candidate whose books are fresh."""
    markets = [view.instrument(key) for key, _ in candidate.legs]
    tops = {leg: view.best(*leg) for leg in candidate.legs}
    reads: Reads = {leg: [top] for leg, top in tops.items()}
    if any(market.status != "open" for market in markets):
        return Judged(Rejected("matched", "market not open", {"gross": left}), 1, reads)
    need = _need(candidate, limits)
    schedules = [market.fees for market in markets]
    times = candidate.times()
    fees = sum(
        unit_fee(f, top[0]) * w for f, top, w in zip(schedules, tops.values(), times, strict=True)
    )
    if left - fees < need:
        numbers = {"gross": left, "fees": fees, "net": left - fees, "need": need}
        numbers["short"] = need - (left - fees)
        return Judged(Rejected("net", "fees eat the edge", numbers), 1, reads)
    for levels in dict.fromkeys((min(SHALLOW, limits.levels), limits.levels)):
        reads = {leg: view.offers(*leg, levels) for leg in candidate.legs}
        ladders = [
            orderable(market, leg[1], read)
            for market, (leg, read) in zip(markets, reads.items(), strict=True)
        ]
        depth = walk(candidate.payout, schedules, ladders, need, candidate.weights)
        if not _cut(reads, ladders, levels, depth, times):
            break
    if depth < limits.size_min:
        numbers = {"net": left - fees, "size": depth, "need": limits.size_min}
        numbers["short"] = limits.size_min - depth
        return Judged(Rejected("depth", "too thin", numbers), levels, reads)
    return Judged(_sized(candidate, view, limits, markets, ladders, depth), levels, reads)


def _cut(
    reads: Reads, ladders: Sequence[Ladder], levels: int, depth: int, times: Sequence[int]
) -> bool:
    """Whether the walk ended where a ladder was cut off, so that more of it has to be read."""
    return any(
        len(read) == levels and sum(size // w for _, size in ladder) <= depth
        for read, ladder, w in zip(reads.values(), ladders, times, strict=True)
    )


def walk(
    payout: int,
    fees: list[FeeSchedule],
    ladders: Sequence[Ladder],
    need: int,
    weights: Sequence[int] = (),
) -> int:
    """The size up to which the next contract of every leg still leaves `need`, fees included.

    Fees are taken per contract and rounded up, so the walk never promises more than it finds.
    With `weights`, the shares up to which that many of each leg do; of a level that is no whole
    multiple the rest is left.
    """
    if weights:
        ladders = [
            [(px, size // w) for px, size in ladder if size >= w]
            for ladder, w in zip(ladders, weights, strict=True)
        ]
    times = weights or (1,) * len(ladders)
    places = [0] * len(ladders)
    rest = [ladder[0][1] if ladder else 0 for ladder in ladders]
    size = 0
    while all(place < len(ladder) for place, ladder in zip(places, ladders, strict=True)):
        net = payout
        for schedule, ladder, place, w in zip(fees, ladders, places, times, strict=True):
            px = ladder[place][0]
            net -= (px + unit_fee(schedule, px)) * w
        if net < need:
            break
        step = min(rest)
        size += step
        for i, ladder in enumerate(ladders):
            rest[i] -= step
            if rest[i] == 0:
                places[i] += 1
                rest[i] = ladder[places[i]][1] if places[i] < len(ladder) else 0
    return size


def take(ladder: Ladder, qty: int) -> list[tuple[int, int]]:
    """The cheapest `qty` contracts of a ladder; the last level is taken in part."""
    fills: list[tuple[int, int]] = []
    for px, size in ladder:
        if qty <= 0:
            break
        fills.append((px, min(size, qty)))
        qty -= size
    return fills


def orderable(market: Instrument, outcome: Outcome, ladder: Ladder) -> Ladder:
    """The levels at prices that an order can name: old levels outlive a change of the grid."""
    yes, grid = outcome == "yes", market.grid
    if len(grid) == 1 and grid[0].start == 0 and grid[0].end == ONE and not ONE % grid[0].step:
        step = grid[0].step  # the usual grid, and the same from both sides
        return [level for level in ladder if not level[0] % step]
    return [level for level in ladder if on_grid(grid, level[0] if yes else ONE - level[0])]


def _need(candidate: Candidate, limits: Limits) -> int:
    """The least net profit of one basket of one contract each: edge counts per $1 of payout."""
    return ceil_div(limits.edge_min * candidate.payout, ONE)


def unit_fee(fees: FeeSchedule, px: int) -> int:
    """The model fee of one contract, rounded up to a millionth of a dollar."""
    if fees.kind == "none":
        return 0
    spread = px * (ONE - px)
    if fees.kind == "kalshi" or fees.exponent == 1:
        return -(-fees.taker * spread // 1_000_000_000_000)
    return ceil_div(fees.taker * spread**fees.exponent, ONE ** (2 * fees.exponent))


def _sized(
    candidate: Candidate,
    view: View,
    limits: Limits,
    markets: list[Instrument],
    ladders: Sequence[Ladder],
    depth: int,
) -> Rejected | Basket:
    """Whole lots, the venues' minima, the capital limit, and the exact sum with all rounding."""
    lot = lcm(*(market.lot for market in markets))
    times = candidate.times()
    qty = _affordable(markets, ladders, depth // lot, lot, limits.capital_max, times) * lot
    leasts = (ceil_div(one.size_min, w) for one, w in zip(markets, times, strict=True))
    least = max(limits.size_min, *leasts)
    if qty < least:
        numbers = {"size": qty, "depth": depth, "need": least, "short": least - qty}
        return Rejected("sized", "below the least size", numbers)
    fills = [take(ladder, qty * w) for ladder, w in zip(ladders, times, strict=True)]
    for market, bought in zip(markets, fills, strict=True):
        spent = sum(cost(px, size) for px, size in bought)
        if spent < market.cost_min:
            numbers = {"cost": spent, "need": market.cost_min, "short": market.cost_min - spent}
            return Rejected("sized", "below the venue's least order", numbers)
    capital = _capital(markets, fills)
    back = qty * candidate.payout // ONE
    edge = (back - capital) * ONE * ONE // (qty * candidate.payout)
    if edge < limits.edge_min:
        numbers = {"size": qty, "edge": edge, "need": limits.edge_min}
        short = limits.edge_min - edge
        return Rejected("sized", "rounding eats the edge", numbers | {"short": short})
    legs = tuple(
        leg_of(view, market, outcome, bought)
        for market, (_, outcome), bought in zip(markets, candidate.legs, fills, strict=True)
    )
    return Basket(candidate, Qty(qty), legs, Usd(capital), edge)


def _capital(markets: list[Instrument], fills: list[list[tuple[int, int]]]) -> int:
    return sum(order_total(m.fees, bought) for m, bought in zip(markets, fills, strict=True))


def _affordable(
    markets: list[Instrument],
    ladders: Sequence[Ladder],
    lots: int,
    lot: int,
    capital_max: int,
    times: Sequence[int],
) -> int:
    """The most lots whose exact total stays within the limit; totals grow with size."""

    def spent(count: int) -> int:
        sizes = zip(ladders, times, strict=True)
        return _capital(markets, [take(ladder, count * lot * w) for ladder, w in sizes])

    low, high, least, most = 0, lots, 0, spent(lots)
    if most <= capital_max:
        return lots
    for turn in range(high):
        if high - low <= 1:
            break
        # Totals are nearly straight lines: aim where this one would meet the limit.
        aim = low + (capital_max - least) * (high - low) // (most - least) + turn % 2
        mid = min(max(aim if turn < STRAIGHT else (low + high) // 2, low + 1), high - 1)
        total = spent(mid)
        if total <= capital_max:
            low, least = mid, total
        else:
            high, most = mid, total
    return low


def leg_of(view: View, market: Instrument, outcome: Outcome, bought: list[tuple[int, int]]) -> Leg:
    """One order with its fills, each with its exact cost and fee."""
    token, version, seq = view.book(market.key, outcome)
    fills = tuple(
        Fill(Px(px), Qty(qty), cost(px, qty), fill_fee(market.fees, px, qty)) for px, qty in bought
    )
    return Leg(
        instrument=market.key,
        outcome=outcome,
        token=token,
        qty=Qty(sum(qty for _, qty in bought)),
        fills=fills,
        total=order_total(market.fees, bought),
        fees=market.fees,
        grid=market.grid,
        lot=market.lot,
        book_version=version,
        book_seq=seq,
        size_min=market.size_min,
        cost_min=market.cost_min,
        settles=market.settles or market.closes,
    )
