"""The hedge finder: what to buy so that less can be lost at worst, cheapest first.

For every cluster of linked markets in which something is held: single purchases, pairs of which
neither helps alone, and all other outcomes of an event at once. Sizes, payoffs over the joint
end states and costs with fees are whole numbers. It only lists; an order made from a line of it
goes through the gate like any other.
"""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import combinations
from math import lcm
from typing import Final, Literal, NamedTuple, Protocol

import msgspec

from dutchbook.domain.candidate import Outcome
from dutchbook.domain.fees import cost, order_total
from dutchbook.domain.instrument import Instrument, on_grid
from dutchbook.domain.units import ONE, ceil_div
from dutchbook.optimize.joint import Cluster, Holding, Rule, clusters, components, profits
from dutchbook.optimize.walk import take

LEVELS: Final = 20
PAIRS_MAX: Final = 24
"""Of a cluster with more offers than this, pairs are not tried."""
OUTCOMES: Final[tuple[Outcome, ...]] = ("yes", "no")

Kind = Literal["complement", "equivalent", "linked", "basket"]


class HedgeLeg(msgspec.Struct, frozen=True):
    """A purchase: `px` is the dearest level that it takes, `cost` all of it with fees."""

    key: str
    outcome: Outcome
    px: int
    qty: int
    cost: int


class Hedge(msgspec.Struct, frozen=True):
    """Legs of equal size, and the worst-case loss of the held markets `covers` before and after.

    `complement`: the other outcome of a market that is held; `equivalent`: another market that
    pays when that would (the same question at another venue); `linked`: any other; `basket`:
    several legs. `rate` is the cost in millionths of a dollar per dollar of loss avoided.
    """

    kind: Kind
    legs: tuple[HedgeLeg, ...]
    covers: tuple[str, ...]
    cost: int
    before: int
    after: int
    rate: int

    @property
    def reduced(self) -> int:
        return self.before - self.after


class Offers(Protocol):
    """The part of a View that is read here."""

    def instrument(self, key: str) -> Instrument: ...

    def stale(self, key: str, outcome: Outcome) -> str: ...

    def offers(self, key: str, outcome: Outcome, levels: int) -> Sequence[tuple[int, int]]: ...


class Offer(NamedTuple):
    """What can be bought: an outcome, its ladder, and in which joint states it pays (0 or 1)."""

    market: Instrument
    outcome: Outcome
    ladder: list[tuple[int, int]]
    pays: tuple[int, ...]


def find(
    holdings: Iterable[Holding], rules: Sequence[Rule], view: Offers, levels: int = LEVELS
) -> list[Hedge]:
    """Every purchase that lowers a worst-case loss, each at the size that lowers it most; by
    cost per unit of reduction, then by the larger reduction."""
    held = [holding for holding in holdings if holding.qty]
    reach = [
        key for component in components([h.key for h in held], rules) for key in component
    ]  # fmt: skip
    found: list[Hedge] = []
    for cluster in clusters(reach, rules):
        own = [holding for holding in held if holding.key in cluster.keys]
        if own:
            found += _of_cluster(cluster, own, rules, view, levels)
    return sorted(
        found,
        key=lambda hedge: (
            Fraction(hedge.cost, hedge.reduced),
            -hedge.reduced,
            [(leg.key, leg.outcome) for leg in hedge.legs],
        ),
    )


def _of_cluster(
    cluster: Cluster, own: Sequence[Holding], rules: Sequence[Rule], view: Offers, levels: int
) -> list[Hedge]:
    """The hedges of one cluster; none where nothing can be lost."""
    money = profits(cluster, own)
    worst = min(money)
    if worst >= 0:
        return []
    bad = [n for n, profit in enumerate(money) if profit == worst]
    offers = [
        Offer(view.instrument(key), outcome, ladder, _pays(cluster, key, outcome))
        for key in cluster.keys
        for outcome in OUTCOMES
        if (ladder := ladder_of(view, key, outcome, levels))
    ]
    return [
        hedge
        for legs in _choices(offers, bad, own, rules)
        if (hedge := _sized(legs, money, own, cluster))
    ]


def _choices(
    offers: Sequence[Offer], bad: Sequence[int], own: Sequence[Holding], rules: Sequence[Rule]
) -> Iterator[tuple[Offer, ...]]:
    """Sets of offers that pay in every one of the worst states: no other can help."""
    alone = [offer for offer in offers if all(offer.pays[n] for n in bad)]
    yield from ((offer,) for offer in alone)
    others = [offer for offer in offers if not all(offer.pays[n] for n in bad)]
    seen: set[frozenset[tuple[str, Outcome]]] = set()
    if len(others) <= PAIRS_MAX:
        for a, b in combinations(others, 2):
            if all(a.pays[n] or b.pays[n] for n in bad):
                seen.add(frozenset((_name(a), _name(b))))
                yield a, b
    by_name = {_name(offer): offer for offer in offers}
    for rule in rules:
        for holding in own:
            if rule.kind != "exhaustive" or holding.key not in rule.members:
                continue
            rest = [(key, "yes") for key in rule.members if key != holding.key]
            legs = tuple(by_name[name] for name in rest if name in by_name)
            if len(legs) == len(rest) > 1 and frozenset(rest) not in seen:
                seen.add(frozenset(map(_name, legs)))
                yield legs


def _sized(
    legs: tuple[Offer, ...], money: Sequence[int], own: Sequence[Holding], cluster: Cluster
) -> Hedge | None:
    """The legs at the size after which the least is lost at worst; None if they don't help."""
    least: dict[int, int] = {}
    for profit, *pays in zip(money, *(offer.pays for offer in legs), strict=True):
        times = sum(pays)
        least[times] = min(profit, least.get(times, profit))
    if min(least):
        return None  # it pays in every state: an arbitrage or none, but not a hedge
    before = after = -min(money)
    best = 0
    for qty in _sizes(legs, least):
        loss = sum(_costs(legs, qty)) - min(p + times * qty for times, p in least.items())
        if loss < after:
            best, after = qty, loss
    if not best:
        return None
    spent = _costs(legs, best)
    total = sum(spent)
    return Hedge(
        kind=_kind(legs, own, cluster),
        legs=tuple(
            HedgeLeg(offer.market.key, offer.outcome, take(offer.ladder, best)[-1][0], best, paid)
            for offer, paid in zip(legs, spent, strict=True)
        ),
        covers=tuple(dict.fromkeys(holding.key for holding in own)),
        cost=total,
        before=before,
        after=after,
        rate=ceil_div(total * ONE, before - after),
    )


def _sizes(legs: tuple[Offer, ...], least: dict[int, int]) -> list[int]:
    """Sizes among which the best one is: ascending, in whole lots that the venues take.

    The worst profit is a concave chain of straight lines in the size: it bends where another
    state becomes the worst one, and where a level of a ladder ends; only the rounding of fees
    is not of that form, and may make another size better by as much as it takes.
    """
    lot = lcm(*(offer.market.lot for offer in legs))
    most = min(sum(size for _, size in offer.ladder) for offer in legs)
    bends = [most, *(offer.market.size_min for offer in legs)]
    for offer in legs:
        through = 0
        for _, size in offer.ladder:
            through += size
            bends.append(through)
    for (i, a), (j, b) in combinations(least.items(), 2):
        bends += [(a - b) // (j - i), ceil_div(a - b, j - i)]
    whole = {size // lot * lot for size in bends} | {ceil_div(size, lot) * lot for size in bends}
    return sorted(size for size in whole if 0 < size <= most and _orderable(legs, size))


def _orderable(legs: tuple[Offer, ...], qty: int) -> bool:
    return all(
        qty >= offer.market.size_min
        and sum(cost(px, size) for px, size in take(offer.ladder, qty)) >= offer.market.cost_min
        for offer in legs
    )


def _costs(legs: tuple[Offer, ...], qty: int) -> list[int]:
    return [order_total(offer.market.fees, take(offer.ladder, qty)) for offer in legs]


def _kind(legs: tuple[Offer, ...], own: Sequence[Holding], cluster: Cluster) -> Kind:
    if len(legs) > 1:
        return "basket"
    (offer,) = legs
    against = {(h.key, _other(h.outcome)) for h in own}
    if _name(offer) in against:
        return "complement"
    same = any(offer.pays == _pays(cluster, key, outcome) for key, outcome in against)
    return "equivalent" if same else "linked"


def ladder_of(view: Offers, key: str, outcome: Outcome, levels: int) -> list[tuple[int, int]]:
    """What of an outcome can be bought now: nothing of a stale book or a market not open."""
    try:
        market = view.instrument(key)
    except KeyError:
        return []
    if market.status != "open" or view.stale(key, outcome):
        return []
    return [
        (px, size)
        for px, size in view.offers(key, outcome, levels)
        if on_grid(market.grid, px if outcome == "yes" else ONE - px)
    ]


def _pays(cluster: Cluster, key: str, outcome: Outcome) -> tuple[int, ...]:
    at, wins = cluster.keys.index(key), int(outcome == "yes")
    return tuple(int(state[at] == wins) for state in cluster.states)


def _name(offer: Offer) -> tuple[str, Outcome]:
    return offer.market.key, offer.outcome


def _other(outcome: Outcome) -> Outcome:
    return "no" if outcome == "yes" else "yes"
