"""Combinatorial arbitrage: the portfolio whose worst joint end state earns the most.

One linear programme over ladder levels, with a row for each joint state, or, where there are too
many, for those that a search for the worst state has found so far. Solvers work in floats and
only propose: whole lots, what they cost, the worst case over listed states and the bound on every
other portfolio are exact. What rests on a solver's own bound is called `bounded`.
"""

from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

import msgspec
import numpy as np

from dutchbook.domain.candidate import Outcome
from dutchbook.domain.errors import SolverError
from dutchbook.domain.units import ONE, Px, Qty, Usd
from dutchbook.optimize.exact import SIDES, Bought, Levels, Market, capital, ceiling, sound, worst
from dutchbook.optimize.logic import Linear, States, least, parts, states_of
from dutchbook.optimize.lp import INF, Floats, Lp, Row, Solved
from dutchbook.optimize.opportunity import unit_cost
from dutchbook.optimize.oracle import Oracle

STATES_MAX: Final = 4_096
ROUNDS_MAX: Final = 2_000
WIDE: Final = 1e12
NEARLY: Final = 1e-7
SECONDS: Final = 5.0
WEIGHT: Final = 1 << 40
"""Shadow prices of states are rounded to parts of this, so that they are exact means."""

Label = Literal["proved", "bounded", "none"]
Reals = list[float]


class Portfolio(msgspec.Struct, frozen=True):
    """What to buy, and what is known of it; every figure in millionths.

    `profit` is the worst case, `proved` over all joint states; `bounded` where it rests on a
    solver's word; nothing is bought under "none". No portfolio has a worst case above `bound`.
    `prices` are means over end states: arbitrage-free where nothing is to be had. `state` is a
    worst one, 1 for YES.
    """

    bought: dict[tuple[str, Outcome], Qty]
    capital: Usd
    profit: Usd
    bound: Usd
    label: Label
    prices: dict[str, Px]
    state: dict[str, int]
    rounds: int = 0

    @property
    def gap(self) -> int:
        return self.bound - self.profit


class _Part(NamedTuple):
    """Markets that hang together: all their states, or who looks for the worst one."""

    keys: tuple[str, ...]
    states: States
    oracle: Oracle | None


class _Judged(NamedTuple):
    profit: int
    bought: dict[tuple[str, Outcome], Qty]
    label: Label
    state: dict[str, int]


class Combiner:
    """The programme of one set of markets and rules; ladders may change, the set may not.

    `capital_max` limits what is spent; negative for no limit. Raises ValueError for rules that
    contradict each other.
    """

    def __init__(
        self,
        markets: Iterable[Market],
        rules: Sequence[Linear],
        *,
        capital_max: int = -1,
        states_max: int = STATES_MAX,
    ) -> None:
        self.markets = {market.key: market for market in markets}
        self.rules = tuple(rules)
        self._cap, self._most = capital_max, states_max
        self._parts = [self._part(group) for group in parts(self.markets, rules)]
        self._place = {key: n for n, key in enumerate(self.markets)}
        self._slots: list[tuple[str, Outcome, int]] = [
            (key, outcome, level)
            for key, market in self.markets.items()
            for outcome in SIDES
            for level in range(len(market.offers(outcome)))
        ]
        self._first: dict[tuple[str, Outcome], int] = {}
        for at, (key, outcome, _) in enumerate(self._slots):
            self._first.setdefault((key, outcome), at)
        self._many = {slot: len(self.markets[slot[0]].offers(slot[1])) for slot in self._first}
        self._net, self._worst = len(self._slots), len(self._slots) + len(self.markets)
        self._tellers = [(n, k) for n, p in enumerate(self._parts) for k in range(len(p.states))]
        self._lp = self._programme()

    def reprice(self, key: str, outcome: Outcome, levels: Levels) -> None:
        """A ladder changed. Levels beyond as many as it had at first are not used."""
        many = self._many.get((key, outcome), 0)
        self.markets[key] = msgspec.structs.replace(self.markets[key], **{outcome: levels[:many]})
        for level in range(many):
            at = self._first[key, outcome] + level
            cost, size = self._figures(self._slots[at])
            self._lp.price(at, (outcome == "no") - cost)
            self._lp.bound(at, 0.0, size)
            if self._cap >= 0:
                self._lp.entry(0, at, cost)

    def solve(self, starts: Iterable[Bought] = (), *, polish: int = 100_000) -> Portfolio:
        """The best portfolio in whole lots; never a worse one than any of `starts`.

        Where whole lots lose more than `polish` against the bound, they are searched for as such.
        """
        found, rounds = self._relaxed()
        prices, bound = self._dual(found)
        proposals = [self._lots(found.x, part) for part in (NEARLY, 0.5)]
        best = max(map(self._judge, [*proposals, *starts]), key=_rank)
        if bound - best.profit > polish and bound > 0:
            best = max(best, self._judge(self._polished(found.x)), key=_rank)
        profit, bought, label, state = best
        exact = {key: Px(top * ONE // bottom) for key, (top, bottom) in prices.items()}
        if profit <= 0:
            return Portfolio({}, Usd(0), Usd(0), Usd(bound), "none", exact, {}, rounds)
        spent = Usd(capital(self.markets, bought))
        return Portfolio(bought, spent, Usd(profit), Usd(bound), label, exact, state, rounds)

    def proposal(self) -> tuple[dict[tuple[str, Outcome], float], dict[str, Px]]:
        """What the programme alone would buy, in contracts, nothing rounded; and its prices."""
        found, _ = self._relaxed()
        totals: dict[tuple[str, Outcome], float] = {}
        for at in np.nonzero(found.x[: self._net] > NEARLY)[0].tolist():
            key, outcome, _ = self._slots[at]
            totals[key, outcome] = totals.get((key, outcome), 0.0) + float(found.x[at])
        means, _ = self._dual(found)
        return totals, {key: Px(top * ONE // bottom) for key, (top, bottom) in means.items()}

    def _relaxed(self) -> tuple[Solved, int]:
        """The programme's optimum over all joint states, and how many were looked for."""
        found, rounds = self._lp.solve(), 0
        while self._cut(found.x) and rounds < ROUNDS_MAX:
            found, rounds = self._lp.solve(), rounds + 1
        return found, rounds

    def _part(self, group: tuple[str, ...]) -> _Part:
        keys = tuple(key for key in group if key in self.markets)
        states = states_of(keys, group, self.rules, self._most)
        if states is not None:
            if not len(states):
                raise ValueError(f"the rules about {keys[0]} contradict each other")
            return _Part(keys, states, None)
        oracle = Oracle(keys, group, self.rules)
        return _Part(keys, np.array([oracle.worst({})[0]]), oracle)

    def _figures(self, slot: tuple[str, Outcome, int]) -> tuple[float, float]:
        key, outcome, level = slot
        market = self.markets[key]
        levels = market.offers(outcome)
        if level >= len(levels):
            return 0.0, 0.0
        px, size = levels[level]
        return unit_cost(market.fees, px), (size - size % market.lot) / ONE

    def _programme(self) -> Lp:
        gains, uppers, lowers, rows = self._parts_of([1.0] * self._net)
        return Lp(gains, uppers, rows, lowers=lowers)

    def _parts_of(self, units: list[float]) -> tuple[Reals, Reals, Reals, list[Row]]:
        """Columns: levels, in so many contracts each; each market's YES less NO; what each part
        pays at worst beside its NOs. Rows: capital, the second, then a state each."""
        figures = [self._figures(slot) for slot in self._slots]
        signs = [1.0 if outcome == "yes" else -1.0 for _, outcome, _ in self._slots]
        markets, count = len(self.markets), len(self._parts)
        costs = [cost * one for (cost, _), one in zip(figures, units, strict=True)]
        gains = [(s < 0) * one - c for s, c, one in zip(signs, costs, units, strict=True)]
        uppers = [size / one for (_, size), one in zip(figures, units, strict=True)]
        cap = self._cap / ONE if self._cap >= 0 else INF
        rows = [Row(-INF, cap, range(len(costs)), costs)]
        by_market: list[list[int]] = [[] for _ in self.markets]
        for at, (key, _, _) in enumerate(self._slots):
            by_market[self._place[key]].append(at)
        for n, levels in enumerate(by_market):
            values = [-1.0, *(signs[at] * units[at] for at in levels)]
            rows.append(Row(0.0, 0.0, [self._net + n, *levels], values))
        rows += [self._row(n, self._parts[n].states[number]) for n, number in self._tellers]
        free = markets + count
        gains += [0.0] * markets + [1.0] * count
        return gains, uppers + [WIDE] * free, [0.0] * self._net + [-WIDE] * free, rows

    def _row(self, n: int, state: States) -> Row:
        part = self._parts[n]
        places = [self._net + self._place[part.keys[k]] for k in np.nonzero(state)[0]]
        return Row(-INF, 0.0, [self._worst + n, *places], [1.0] + [-1.0] * len(places))

    def _cut(self, x: Floats) -> bool:
        """Add the worst state of each part that the programme has overlooked; whether any was."""
        added = False
        for n, part in enumerate(self._parts):
            if part.oracle is None:
                continue
            nets = {key: float(x[self._net + self._place[key]]) for key in part.keys}
            state, _ = part.oracle.worst(nets)
            paid = sum(nets[key] for key, bit in zip(part.keys, state, strict=True) if bit)
            if paid < x[self._worst + n] - NEARLY * max(1.0, abs(paid)):
                states = np.vstack([part.states, state])
                self._parts[n] = part._replace(states=states)
                self._tellers.append((n, len(states) - 1))
                self._lp.add(self._row(n, state))
                added = True
        return added

    def _dual(self, found: Solved) -> tuple[dict[str, tuple[int, int]], int]:
        """Means over states by the shadow prices of their rows, exact, and the bound they prove."""
        duals = np.maximum(found.duals[1 + len(self.markets) :], 0.0)
        weights = [np.zeros(len(part.states), np.int64) for part in self._parts]
        for (n, number), dual in zip(self._tellers, duals.tolist(), strict=True):
            weights[n][number] = int(dual * WEIGHT)
        prices: dict[str, tuple[int, int]] = {}
        for part, weight in zip(self._parts, weights, strict=True):
            weight[0] += not weight.any()
            bottom = int(weight.sum())
            for key, top in zip(part.keys, (weight @ part.states).tolist(), strict=True):
                prices[key] = (top, bottom)
        dear = int(max(found.duals[0], 0.0) * ONE) if self._cap >= 0 else 0
        return prices, ceiling(self.markets, prices, dear, max(self._cap, 0))

    def _lots(self, x: Floats, up: float) -> dict[tuple[str, Outcome], Qty]:
        """Whole lots of each outcome, rounded up where the rest is more than 1 - up."""
        totals: dict[tuple[str, Outcome], float] = {}
        for at in np.nonzero(x[: self._net] > NEARLY)[0].tolist():
            key, outcome, _ = self._slots[at]
            totals[key, outcome] = totals.get((key, outcome), 0.0) + float(x[at])
        found = {}
        for (key, outcome), total in totals.items():
            market = self.markets[key]
            depth = sum(size - size % market.lot for _, size in market.offers(outcome))
            qty = min(int(total * ONE / market.lot + up) * market.lot, depth)
            if qty and sound(market, outcome, qty):
                found[key, outcome] = Qty(qty)
        return found

    def _polished(self, x: Floats) -> dict[tuple[str, Outcome], Qty]:
        """Whole lots of what the programme bought, searched for as whole numbers."""
        units = [self.markets[key].lot / ONE for key, _, _ in self._slots]
        gains, uppers, lowers, rows = self._parts_of(units)
        bought = {self._slots[at][:2] for at in np.nonzero(x[: self._net] > NEARLY)[0].tolist()}
        for at, (key, outcome, _) in enumerate(self._slots):
            uppers[at] = float(round(uppers[at])) if (key, outcome) in bought else 0.0
        lp = Lp(gains, uppers, rows, lowers=lowers, whole=range(self._net), seconds=SECONDS)
        lp.option("mip_rel_gap", 1e-4)
        try:
            found = lp.solve().x
        except SolverError:
            return {}
        return self._lots(np.rint(found[: self._net]) * np.array(units), 0.5)

    def _judge(self, bought: Bought) -> _Judged:
        """The worst case of a portfolio: exact over all states wherever that can be had."""
        have = {leg: Qty(qty) for leg, qty in bought.items() if qty}
        spent = capital(self.markets, have)
        if 0 <= self._cap < spent:
            return _Judged(-spent, have, "none", {})
        paid, label = 0, "proved"
        state: dict[str, int] = {}
        for part in self._parts:
            if not any((key, outcome) in have for key in part.keys for outcome in SIDES):
                continue
            lowest, at = worst(part.keys, part.states, have)
            end = part.states[at]
            if part.oracle is not None:
                lowest, told, end = self._unlisted(part, part.oracle, have)
                label = label if told else "bounded"
            paid += lowest
            state |= dict(zip(part.keys, end.tolist(), strict=True))
        return _Judged(paid - spent, have, "proved" if label == "proved" else "bounded", state)

    def _unlisted(self, part: _Part, oracle: Oracle, have: Bought) -> tuple[int, bool, States]:
        """(the least paid, whether that is exact, a state): all states counted, or the solver."""
        yes = {key: have.get((key, "yes"), 0) for key in part.keys}
        no = {key: have.get((key, "no"), 0) for key in part.keys}
        nets = {key: yes[key] - no[key] for key in part.keys}
        state, bound = oracle.worst({key: net / ONE for key, net in nets.items()})
        exact = least(oracle.group, oracle.rules, nets, self._most)
        if exact is not None:
            return exact + sum(no.values()), True, state
        return int(bound * ONE) - ONE // 1_000 + sum(no.values()), False, state


def _rank(judged: _Judged) -> tuple[bool, int]:
    """What is proved comes before what is not."""
    return judged.label == "proved" and judged.profit > 0, judged.profit
