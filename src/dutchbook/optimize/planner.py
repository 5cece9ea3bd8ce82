"""Answers SolvePlan: models of linked markets kept warm, portfolios as whole multiples.

The programme asks for the most that a dollar brings back in the worst joint state. Its corner is a
basket with small whole multiples; that is taken off the ladders as far as it pays, and the rest is
asked about again. So what a deep book offers comes out as a few baskets, each of which the engine
can prove, watch and size by itself.
"""

from collections.abc import Sequence
from math import gcd
from typing import Final

from dutchbook.domain.candidate import Outcome
from dutchbook.domain.errors import SolverError
from dutchbook.domain.instrument import EventGroup
from dutchbook.domain.plans import Ladder, Offered, PlanReady, Shape, SolvePlan
from dutchbook.domain.relations import Link
from dutchbook.domain.units import ONE, Px, Qty, Usd, ceil_div
from dutchbook.optimize.combine import Combiner
from dutchbook.optimize.exact import SIDES, Market
from dutchbook.optimize.joint import rules_of
from dutchbook.optimize.logic import Linear, linears
from dutchbook.optimize.shape import worst
from dutchbook.optimize.walk import take, walk

SHAPES_MAX: Final = 8
"""Portfolios in one answer, at most."""
WEIGHT_MAX: Final = 60
"""Contracts of one leg in a share, at most."""
MODELS_MAX: Final = 512
"""Models kept warm; the one not asked for longest goes first."""
BUDGET: Final = 1_000 * ONE
WHOLE: Final = 1e-4
"""By so much of a contract a solver's multiple may miss a whole one."""
PLENTY: Final = Qty(10**13)
Leg = tuple[str, Outcome]


class Model:
    """The programmes of one set of markets and claims: the ladders change, the set does not."""

    def __init__(self, asked: SolvePlan, levels: int) -> None:
        self.links, self.groups = asked.links, asked.groups
        self.rules = linears(rules_of(asked.groups, asked.links))
        self.levels = levels
        self._known = {one.key: one for one in asked.markets}
        self._best = Combiner([_blank(one, 1) for one in asked.markets], self.rules,
                              capital_max=BUDGET)  # fmt: skip
        self._deep = Combiner([_blank(one, levels) for one in asked.markets], self.rules)
        for one in asked.markets:
            self._lay(one)

    def fits(self, asked: SolvePlan) -> bool:
        """Whether it is the model of this question."""
        if (asked.links, asked.groups) != (self.links, self.groups):
            return False
        if [one.key for one in asked.markets] != list(self._known):
            return False
        deepest = max(len(ladder) for one in asked.markets for ladder in (one.yes, one.no))
        same = all(
            (one.fees, one.lot) == (self._known[one.key].fees, self._known[one.key].lot)
            for one in asked.markets
        )
        return same and deepest <= self.levels

    def solve(self, asked: SolvePlan) -> PlanReady:
        """Shapes worth `edge_min`, best first, and what no portfolio can beat."""
        for one in asked.markets:
            if one != self._known[one.key]:
                self._known[one.key] = one
                self._lay(one)
        bound = self._deep.solve(polish=PLENTY).bound
        left = {(one.key, side): _side(one, side) for one in asked.markets for side in SIDES}
        shapes: list[Shape] = []
        moved: dict[Leg, None] = {}
        prices: dict[str, Px] = {}
        for turn in range(SHAPES_MAX + 1):
            sizes, means = self._best.proposal()
            prices = prices or means
            shape = self._shape(sizes) if turn < SHAPES_MAX else None
            if shape is None or not self._taken(shape, left, asked.edge_min):
                break
            shapes.append(shape)
            for key, side in shape.legs:
                moved[key, side] = None
                self._best.reprice(key, side, _top(left[key, side]))
        for key, side in moved:
            self._best.reprice(key, side, _top(_side(self._known[key], side)))
        told = tuple((one.key, prices[one.key]) for one in asked.markets)
        return PlanReady(asked.name, asked.number, tuple(shapes), Usd(bound), told)

    def _lay(self, one: Offered) -> None:
        for side in SIDES:
            ladder = _side(one, side)
            self._deep.reprice(one.key, side, ladder)
            self._best.reprice(one.key, side, _top(ladder))

    def _shape(self, sizes: dict[Leg, float]) -> Shape | None:
        """Whole multiples of what was proposed, with the claims that they need; None if none."""
        legs = tuple(sorted(sizes))
        weights = _whole([sizes[leg] for leg in legs])
        if not weights:
            return None
        back = worst(legs, weights, self.rules)
        if back is None or back <= 0:
            return None
        links, groups = _needed(legs, weights, back, self.links, self.groups)
        return Shape(legs, weights, tuple(one.id for one in links), tuple(g.key for g in groups))

    def _taken(self, shape: Shape, left: dict[Leg, Ladder], edge_min: int) -> bool:
        """Take a shape off the ladders as deep as it pays; whether any of it did."""
        back = worst(shape.legs, shape.weights, self.rules) or 0
        need = max(ceil_div(edge_min * back, ONE), 1)
        fees = [self._known[key].fees for key, _ in shape.legs]
        ladders = [left[leg] for leg in shape.legs]
        qty = walk(back, fees, ladders, need, shape.weights)
        if qty <= 0:
            return False
        for leg, weight in zip(shape.legs, shape.weights, strict=True):
            left[leg] = _less(left[leg], qty * weight)
        return True


class Planner:
    """Keeps a model for each set of markets that was asked about."""

    def __init__(self) -> None:
        self._models: dict[str, Model] = {}

    def solve(self, asked: SolvePlan) -> PlanReady:
        """The answer; what can't be solved is answered with why, and its model is forgotten."""
        model = self._models.pop(asked.name, None)
        try:
            if model is None or not model.fits(asked):
                deepest = max(len(ladder) for one in asked.markets for ladder in (one.yes, one.no))
                model = Model(asked, max(deepest, 1))
            found = model.solve(asked)
        except (SolverError, ValueError) as error:
            return PlanReady(asked.name, asked.number, why=str(error))
        self._models[asked.name] = model
        while len(self._models) > MODELS_MAX:
            del self._models[next(iter(self._models))]
        return found


def _needed(
    legs: Sequence[Leg], weights: Sequence[int], back: int,
    links: Sequence[Link], groups: Sequence[EventGroup],
) -> tuple[list[Link], list[EventGroup]]:  # fmt: skip
    """The claims without any one of which the worst state would pay less."""
    kept_links, kept_groups = list(links), list(groups)
    mine = {key for key, _ in legs}
    # Nearly always what is said of the legs among themselves is enough.
    near_links = [one for one in links if len(mine.intersection(one.members)) > 1]
    near_groups = [one for one in groups if len(mine.intersection(one.members)) > 1]
    if worst(legs, weights, _rules(near_links, near_groups)) == back:
        kept_links, kept_groups = near_links, near_groups
    for link in list(kept_links):
        fewer = [one for one in kept_links if one is not link]
        if worst(legs, weights, _rules(fewer, kept_groups)) == back:
            kept_links = fewer
    for group in list(kept_groups):
        less = [one for one in kept_groups if one is not group]
        if worst(legs, weights, _rules(kept_links, less)) == back:
            kept_groups = less
    return kept_links, kept_groups


def _rules(links: Sequence[Link], groups: Sequence[EventGroup]) -> list[Linear]:
    return linears(rules_of(groups, links))


def _whole(sizes: Sequence[float]) -> tuple[int, ...]:
    """The smallest whole multiples in these proportions; () where there are none that small."""
    least = min(sizes, default=0.0)
    if least <= 0:
        return ()
    for scale in range(1, WEIGHT_MAX + 1):
        parts = [size / least * scale for size in sizes]
        if max(parts) > WEIGHT_MAX:
            return ()
        if all(abs(part - round(part)) < WHOLE * scale for part in parts):
            whole = [round(part) for part in parts]
            return tuple(part // gcd(*whole) for part in whole)
    return ()


def _blank(one: Offered, levels: int) -> Market:
    """A market with room for so many levels of each side, none of them filled."""
    none = ((Px(ONE - 1), Qty(0)),) * levels
    return Market(one.key, none, none, one.fees, one.lot)


def _side(one: Offered, side: Outcome) -> Ladder:
    return one.yes if side == "yes" else one.no


def _top(ladder: Ladder) -> Ladder:
    """The best price, without end: what a share costs is asked, not how many there are."""
    return ((ladder[0][0], PLENTY),) if ladder else ()


def _less(ladder: Ladder, qty: int) -> Ladder:
    """A ladder after so many contracts were bought; less than a contract of a level is dust."""
    sizes = dict(take(ladder, qty))
    rest = ((px, Qty(size - sizes.get(px, 0))) for px, size in ladder)
    return tuple((px, size) for px, size in rest if size >= ONE)
