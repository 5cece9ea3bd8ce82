"""What planned sizes cost and bring, in whole numbers, made smaller until every limit holds."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from dutchbook.domain.fees import order_total
from dutchbook.domain.instrument import FeeSchedule
from dutchbook.domain.units import DAY, ONE, Qty, Usd, ceil_div

Ladder = Sequence[tuple[int, int]]


class Wish(Protocol):
    """What `settle` reads of an opportunity."""

    @property
    def legs(self) -> tuple[str, ...]: ...
    @property
    def payout(self) -> Usd: ...
    @property
    def lockup(self) -> int: ...
    @property
    def lot(self) -> Qty: ...
    @property
    def size_min(self) -> Qty: ...
    @property
    def whole(self) -> bool: ...


class Plan(NamedTuple):
    """`limits[n]` names, for opportunity n, the limits it counts against, and with which legs."""

    wishes: Sequence[Wish]
    books: Mapping[str, tuple[Ladder, FeeSchedule]]
    shared: frozenset[str]
    limits: Sequence[Mapping[str, tuple[int, ...]]]
    caps: Mapping[str, int]
    lockup_price: int
    full: Sequence[int]


class Settled(NamedTuple):
    """Exact: contracts, what counts against each limit, what leaves the accounts for it, and
    what is left after the lock-up."""

    qty: Qty
    counts: tuple[tuple[str, int], ...]
    spent: Usd
    profit: Usd


NOTHING = Settled(Qty(0), (), Usd(0), Usd(0))


def settle(
    plan: Plan, sizes: Sequence[int], cache: dict[tuple[int, int], Settled]
) -> list[Settled]:
    """The sizes as they can be had; the worst earners are cut first where a limit is broken.

    `cache` keeps what opportunities without shared ladders came to, by (number, size).
    """
    wanted = list(sizes)
    done = _all(plan, wanted, cache)
    spent: dict[str, int] = {}
    for one in done:
        for name, part in one.counts:
            spent[name] = spent.get(name, 0) + part
    rates = _rates(done)
    while True:
        name = next((name for name, total in spent.items() if total > plan.caps[name]), "")
        if not name:
            return done
        n = min((n for n in rates if name in plan.limits[n]), key=rates.__getitem__)
        before = done if plan.shared else [done[n]]
        wanted[n] = _less(plan, n, done[n], name, spent[name] - plan.caps[name])
        if plan.shared:
            wanted = [min(size, one.qty) for size, one in zip(wanted, done, strict=True)]
            done = after = _all(plan, wanted, cache)
            rates = _rates(done)
        else:
            done[n] = _one(plan, n, wanted[n], {}) if wanted[n] else NOTHING
            after = [done[n]]
            rates[n] = _rate(done[n])
            if not done[n].qty:
                del rates[n]
        for sign, ones in ((-1, before), (1, after)):
            for one in ones:
                for limit, part in one.counts:
                    spent[limit] += sign * part


def _rates(done: Sequence[Settled]) -> dict[int, float]:
    """What each that is had brings per unit of money: who brings least is cut first."""
    return {n: _rate(one) for n, one in enumerate(done) if one.qty}


def _rate(one: Settled) -> float:
    return one.profit / max(one.spent, 1)


def _all(plan: Plan, wanted: Sequence[int], cache: dict[tuple[int, int], Settled]) -> list[Settled]:
    """Each opportunity after the one before it, which may have emptied a shared ladder."""
    used: dict[str, int] = {}
    done = [NOTHING] * len(wanted)
    for n, size in enumerate(wanted):
        if not size:
            continue
        one = cache.get((n, size))
        if one is None:
            one = _one(plan, n, size, used)
            if plan.shared.isdisjoint(plan.wishes[n].legs):
                cache[n, size] = one
        if one.qty and plan.shared and not plan.shared.isdisjoint(plan.wishes[n].legs):
            for key in plan.wishes[n].legs:
                used[key] = used.get(key, 0) + one.qty
        done[n] = one
    return done


def _one(plan: Plan, n: int, size: int, used: Mapping[str, int]) -> Settled:
    wish = plan.wishes[n]
    size = min(size, plan.full[n])
    for key in wish.legs if used else ():
        if key in used:
            size = min(size, sum(qty for _, qty in plan.books[key][0]) - used[key])
    size -= size % wish.lot
    if size < max(wish.size_min, 1) or (wish.whole and size < plan.full[n]):
        return NOTHING
    totals = []
    for key in wish.legs:
        ladder, fees = plan.books[key]
        totals.append(order_total(fees, taken(ladder, used.get(key, 0), size)))
    spent = sum(totals)
    away = ceil_div(spent * plan.lockup_price * wish.lockup, ONE * DAY)
    profit = size * wish.payout // ONE - spent - away
    if profit <= 0:
        return NOTHING
    counts = tuple(
        (name, spent if len(legs) == len(totals) else sum(totals[leg] for leg in legs))
        for name, legs in plan.limits[n].items()
    )
    return Settled(Qty(size), counts, Usd(spent), Usd(profit))


def taken(ladder: Ladder, skip: int, size: int) -> list[tuple[int, int]]:
    """(price, size) of the fills of an order of `size`, after `skip` contracts were taken."""
    fills = []
    for px, qty in ladder:
        passed = min(skip, qty)
        skip -= passed
        got = min(qty - passed, size)
        if got > 0:
            fills.append((px, got))
            size -= got
        if size <= 0:
            break
    return fills


def merged(ladders: Sequence[Ladder], most: int) -> list[tuple[int, tuple[int, ...]]]:
    """(size, level of each ladder) of the stretches over which no price changes, cheapest first."""
    if not ladders:
        return [(most, ())]
    places, found = [0] * len(ladders), []
    rest = [ladder[0][1] if ladder else 0 for ladder in ladders]
    while most > 0:
        step = min(*rest, most)
        if step:
            found.append((step, tuple(places)))
            most -= step
        for n, left in enumerate(rest):
            rest[n] = left - step
            if left == step:
                places[n] += 1
                if places[n] == len(ladders[n]):
                    return found
                rest[n] = ladders[n][places[n]][1]
    return found


def _less(plan: Plan, n: int, one: Settled, name: str, excess: int) -> int:
    """A size of opportunity n that spends about `excess` less under a limit: a lot less or more."""
    wish, part = plan.wishes[n], dict(one.counts)[name]
    if excess >= part or wish.whole:
        return 0
    lots = max(1, one.qty * excess // part // wish.lot)
    return max(0, one.qty - lots * wish.lot)
