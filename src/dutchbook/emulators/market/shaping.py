"""Finds prices that make exactly one basket cheap, or nearly so, and proves it by brute force."""

from collections.abc import Callable, Mapping
from random import Random

import msgspec

from dutchbook.domain.fees import order_total
from dutchbook.domain.instrument import FeeSchedule
from dutchbook.domain.units import ONE
from dutchbook.emulators.market.draft import Draft
from dutchbook.emulators.market.edges import best_edge, edge_at, gross
from dutchbook.emulators.market.flow import Flow
from dutchbook.emulators.market.grids import index_up, prices
from dutchbook.emulators.market.relations import Basket, Leg

CLEAR = 30_000
"""Plants earn at least this, so that no threshold of 2 % is ever a matter of rounding."""
SLIGHT = 10_000
"""Near misses that must not pay stay below this."""
LEAST_ORDER = {"polymarket": ONE}
"""The least cost of an order that takes, by venue, in millionths of a dollar."""
LEAST = 5 * ONE
"""Opportunities below five contracts do not count."""


class Wish(msgspec.Struct, frozen=True):
    """What a plant shall be: net edge in millionths at `size`; `miss` is the near miss or ""."""

    edge: int
    size: int
    miss: str = ""
    exact: bool = False


class Shape(msgspec.Struct):
    """A plant that can be put in place: the changed books and what they are worth."""

    draft: Draft
    legs: tuple[Leg, ...]
    limits: list[int]
    edge: int
    size: int
    collateral: list[tuple[Leg, ...]]


class Shaper:
    """Tries out plants on the current books of a world."""

    def __init__(
        self,
        flows: Mapping[str, Flow],
        near: Callable[[str], list[Basket]],
        fees: Callable[[str], FeeSchedule],
    ) -> None:
        self._flows = flows
        self._near = near
        self._fees = fees

    def shape(self, basket: Basket, wish: Wish, rng: Random) -> Shape | None:
        """Prices at which the basket is what is wished; None if none were found.

        Unless `wish.exact`, nothing else may be brought about; then `collateral` tells it.
        """
        limits = self._prices(basket, wish, rng)
        if limits is None or (not wish.miss and not self._orderable(basket, limits, wish.size)):
            return None
        draft = Draft(self._flows)
        for leg, px in zip(basket.legs, limits, strict=True):
            if _movable(leg, wish):
                levels = self._levels(leg, px, wish, rng)
                draft.shift(leg, levels, alone=basket.kind == "complement")
        edge = edge_at(basket.legs, basket.payout, wish.size, draft.offers, self._fees)
        if edge is None or not self._fits(basket, wish, draft, edge):
            return None
        collateral = self._collateral(basket, wish, draft)
        if collateral and (wish.miss or not wish.exact):
            return None
        return Shape(draft, basket.legs, limits, edge, wish.size, collateral)

    def _prices(self, basket: Basket, wish: Wish, rng: Random) -> list[int] | None:
        """Lower the legs in turns, by seed, until the basket earns what it should."""
        places = [self._start(leg) for leg in basket.legs]
        limits = [self._px(leg, at) for leg, at in zip(basket.legs, places, strict=True)]
        costs = [self._cost(n, basket, limits, wish.size) for n in range(len(places))]
        pull = [rng.uniform(0.1, 1.0) for _ in places]
        moved = [0.0] * len(places)
        pays = basket.payout * wish.size // ONE
        for _ in range(2_000):
            if (pays - sum(costs)) * ONE // pays >= wish.edge:
                return limits
            free = [n for n, at in enumerate(places) if at > 1 and _movable(basket.legs[n], wish)]
            if not free:
                return None
            n = min(free, key=lambda n: moved[n] / pull[n])
            places[n] -= 1
            lower = self._px(basket.legs[n], places[n])
            moved[n] += limits[n] - lower
            limits[n] = lower
            costs[n] = self._cost(n, basket, limits, wish.size)
        return None

    def _orderable(self, basket: Basket, limits: list[int], size: int) -> bool:
        """Whether every leg is as large as its venue's least order, a tenth above it."""
        return all(
            px * size // ONE * 10 >= LEAST_ORDER.get(leg[0].partition(":")[0], 0) * 11
            for leg, px in zip(basket.legs, limits, strict=True)
        )

    def _start(self, leg: Leg) -> int:
        flow = self._flows[leg[0]]
        grid = flow.market.grid
        first = index_up(grid, flow.floor(leg[1]))
        return min(first, len(prices(grid)) - 1)

    def _px(self, leg: Leg, place: int) -> int:
        return prices(self._flows[leg[0]].market.grid)[place]

    def _cost(self, n: int, basket: Basket, limits: list[int], size: int) -> int:
        return order_total(self._fees(basket.legs[n][0]), [(limits[n], size)])

    def _levels(self, leg: Leg, px: int, wish: Wish, rng: Random) -> list[tuple[int, int]]:
        """One level, or two with the better part one tick cheaper; more than asked at times."""
        if wish.miss == "thin":
            return [(px, wish.size)]
        place = index_up(self._flows[leg[0]].market.grid, px)
        if wish.miss or wish.exact or rng.random() < 0.6 or place < 2:
            return [(px, wish.size * rng.choice((1, 1, 2, 5)))]
        part = wish.size * 2 // 5 // 10_000 * 10_000
        return [(self._px(leg, place - 1), part), (px, wish.size - part)]

    def _fits(self, basket: Basket, wish: Wish, draft: Draft, edge: int) -> bool:
        best = best_edge(basket.legs, basket.payout, LEAST, draft.offers, self._fees)
        if wish.miss == "fees":
            raw = gross(basket.legs, basket.payout, draft.offers)
            return raw is not None and raw > 0 and (best is None or best < SLIGHT)
        if wish.miss == "thin":
            return edge >= CLEAR and (best is None or best < SLIGHT)
        if wish.exact:
            return edge >= wish.edge
        small = edge_at(basket.legs, basket.payout, LEAST, draft.offers, self._fees)
        return edge >= CLEAR and small is not None and small >= CLEAR

    def _collateral(self, basket: Basket, wish: Wish, draft: Draft) -> list[tuple[Leg, ...]]:
        """Every other basket on these books that would earn anything, at one contract or more."""
        own = frozenset(basket.legs)
        found: dict[frozenset[Leg], tuple[Leg, ...]] = {}
        for key in dict.fromkeys(key for key, _ in basket.legs):
            for other in self._near(key):
                legs = frozenset(other.legs)
                if legs == own or legs in found:
                    continue
                raw = gross(other.legs, other.payout, draft.offers)
                if raw is None or raw <= 0:
                    continue
                best = best_edge(other.legs, other.payout, ONE, draft.offers, self._fees)
                if best is not None and best > 0:
                    found[legs] = other.legs
        return list(found.values())


def _movable(leg: Leg, wish: Wish) -> bool:
    """A stale near miss moves prices on Kalshi only: on the socket that tells of the pause.

    Else the price could reach a client before the pause does, and would be no near miss.
    """
    return wish.miss != "stale" or leg[0].startswith("kalshi:")
