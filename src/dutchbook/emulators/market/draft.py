"""Books as they would be: copies of the involved ladders on which a plant is tried out."""

from collections.abc import Mapping

from dutchbook.domain.events import ASK, BID
from dutchbook.domain.units import ONE
from dutchbook.emulators.market.flow import Flow
from dutchbook.emulators.market.ladders import Ladders
from dutchbook.emulators.market.relations import Leg
from dutchbook.emulators.market.shapes import Change


class Draft:
    """Shifts offers on copies; `changes` per market, in an order that never crosses a book."""

    def __init__(self, flows: Mapping[str, Flow]) -> None:
        self._flows = flows
        self._copies: dict[str, Ladders] = {}
        self.changes: dict[str, list[Change]] = {}
        self.planted: dict[str, list[tuple[int, int]]] = {}

    def offers(self, leg: Leg) -> dict[int, int]:
        """What a buyer of the leg would find."""
        key, outcome = leg
        ladders = self._copies.get(key) or self._flows[key].ladders
        return ladders.offers(outcome)

    def shift(self, leg: Leg, levels: list[tuple[int, int]], *, alone: bool = False) -> None:
        """Offer (price, size) levels of a leg, taking away first what they would cross.

        `alone`: in the outcome's own book only, so that the token pair's mirror breaks.
        """
        key, outcome = leg
        ladders = self._copy(key)
        changes = self.changes.setdefault(key, [])
        best = min(px for px, _ in levels)
        if alone:
            for bid in [px for px in ladders.sides[outcome * 2 + BID] if px >= best]:
                ladders.put_one(outcome, BID, bid, 0, changes)
        else:
            other = 1 - outcome
            for px in [px for px in ladders.offers(other) if px + best <= ONE]:
                ladders.put(other, px, 0, changes)
        for px, size in levels:
            if alone:
                ladders.put_one(outcome, ASK, px, size, changes)
            else:
                ladders.put(outcome, px, size, changes)
            self.planted.setdefault(key, []).append((outcome, px))

    def _copy(self, key: str) -> Ladders:
        if key not in self._copies:
            real = self._flows[key].ladders
            copy = Ladders(key, real.two)
            copy.sides = tuple(dict(side) for side in real.sides)
            self._copies[key] = copy
        return self._copies[key]
