"""What a basket earns: ladders walked level by level, both venues' fees and roundings taken off."""

from collections.abc import Callable

from dutchbook.domain.fees import order_total
from dutchbook.domain.instrument import FeeSchedule
from dutchbook.domain.units import ONE
from dutchbook.emulators.market.relations import Leg

Offers = Callable[[Leg], dict[int, int]]
"""What a buyer of a leg finds: price of that outcome -> size."""
Fees = Callable[[str], FeeSchedule]
LOOK = 12
"""So many price levels deep are sizes tried; deeper ones only cost more."""


def take(offers: dict[int, int], qty: int) -> list[tuple[int, int]] | None:
    """The (price, size) fills that buy `qty`, cheapest first; None if there is not so much."""
    fills = []
    for px in sorted(offers):
        part = min(qty, offers[px])
        fills.append((px, part))
        qty -= part
        if not qty:
            return fills
    return None


def edge_at(legs: tuple[Leg, ...], payout: int, qty: int, offers: Offers, fees: Fees) -> int | None:
    """Net profit in millionths per $1 of payout at that size; None if a leg has not so much."""
    total = 0
    for leg in legs:
        fills = take(offers(leg), qty)
        if fills is None:
            return None
        total += order_total(fees(leg[0]), fills)
    pays = payout * qty // ONE
    return (pays - total) * ONE // pays


def best_edge(
    legs: tuple[Leg, ...], payout: int, least: int, offers: Offers, fees: Fees
) -> int | None:
    """The highest net edge at any size from `least` on; None if so much can't be had."""
    best: int | None = None
    for qty in sizes(legs, least, offers):
        edge = edge_at(legs, payout, qty, offers, fees)
        if edge is not None and (best is None or edge > best):
            best = edge
    return best


def sizes(legs: tuple[Leg, ...], least: int, offers: Offers) -> list[int]:
    """The sizes at which the edge can peak: `least`, and wherever a level of a leg is used up."""
    found = {least}
    for leg in legs:
        ladder = offers(leg)
        sofar = 0
        for px in sorted(ladder)[:LOOK]:
            sofar += ladder[px]
            if sofar > least:
                found.add(sofar)
    return sorted(found)[:LOOK]


def gross(legs: tuple[Leg, ...], payout: int, offers: Offers) -> int | None:
    """Payout less the best offers, per contract before fees; None if a leg has no offer."""
    total = 0
    for leg in legs:
        ladder = offers(leg)
        if not ladder:
            return None
        total += min(ladder)
    return payout - total
