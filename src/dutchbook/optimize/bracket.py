"""Arbitrage over a knock-out: the best worst case over all its ends, in one linear programme.

The dynamic programme that finds the worst end is linear in what it adds up, so its steps are rows
of the programme itself (Martin, Rardin & Campbell 1990): thousands of rows speak for 2^63 ends,
and no end has to be searched for. The exact dynamic programme then judges whole lots, and the
shadow prices become an exact distribution over ends, which bounds every other portfolio.
"""

from collections.abc import Iterable
from typing import Final

import msgspec
import numpy as np

from dutchbook.domain.candidate import Outcome
from dutchbook.domain.units import ONE, Px, Qty, Usd
from dutchbook.optimize.combine import Portfolio
from dutchbook.optimize.exact import SIDES, Bought, Levels, Market, capital, ceiling, sound
from dutchbook.optimize.lp import INF, Floats, Lp, Row, Solved
from dutchbook.optimize.opportunity import unit_cost
from dutchbook.optimize.tree import Beats, Bracket, Reach, pays, rivals, worst

WIDE: Final = 1e12
NEARLY: Final = 1e-7
MASS: Final = 1 << 60
"""Chances of ends are whole parts of this."""


class Tournament:
    """The programme of one bracket's markets; ladders may change, contracts may not."""

    def __init__(self, bracket: Bracket, markets: Iterable[Market], capital_max: int = -1) -> None:
        bracket.check()
        self.bracket = bracket
        self.markets = {market.key: market for market in markets}
        if self.markets.keys() != bracket.contracts.keys():
            raise ValueError("each contract of the bracket is a market, and no other is")
        self._cap = capital_max
        self._slots = [
            (key, outcome, level)
            for key, market in self.markets.items()
            for outcome in SIDES
            for level in range(len(market.offers(outcome)))
        ]
        self._first: dict[tuple[str, Outcome], int] = {}
        for at, (key, outcome, _) in enumerate(self._slots):
            self._first.setdefault((key, outcome), at)
        self._many = {slot: len(self.markets[slot[0]].offers(slot[1])) for slot in self._first}
        self._net = {key: len(self._slots) + n for n, key in enumerate(self.markets)}
        self._games: dict[tuple[int, int], int] = {}
        self._tops: list[int] = []
        self._lp = self._programme()

    def reprice(self, key: str, outcome: Outcome, levels: Levels) -> None:
        """A ladder changed. Levels beyond as many as it had at first are not used."""
        many = self._many.get((key, outcome), 0)
        self.markets[key] = msgspec.structs.replace(self.markets[key], **{outcome: levels[:many]})
        for level in range(many):
            at = self._first[key, outcome] + level
            cost, size = self._figures(key, outcome, level)
            self._lp.price(at, (outcome == "no") - cost)
            self._lp.bound(at, 0.0, size)
            if self._cap >= 0:
                self._lp.entry(0, at, cost)

    def solve(self) -> Portfolio:
        """The best portfolio in whole lots, its worst case exact, and no other's above `bound`."""
        found = self._lp.solve()
        prices = self._prices(found)
        dear = int(max(found.duals[0], 0.0) * ONE) if self._cap >= 0 else 0
        bound = ceiling(self.markets, prices, dear, max(self._cap, 0))
        judged = [self._judge(self._lots(found.x, up)) for up in (NEARLY, 0.5)]
        profit, bought, state = max(judged, key=lambda one: one[0])
        exact = {key: Px(top * ONE // bottom) for key, (top, bottom) in prices.items()}
        if profit <= 0:
            return Portfolio({}, Usd(0), Usd(0), Usd(bound), "none", exact, {})
        spent = Usd(capital(self.markets, bought))
        return Portfolio(bought, spent, Usd(profit), Usd(bound), "proved", exact, state)

    def _figures(self, key: str, outcome: Outcome, level: int) -> tuple[float, float]:
        market = self.markets[key]
        levels = market.offers(outcome)
        if level >= len(levels):
            return 0.0, 0.0
        px, size = levels[level]
        return unit_cost(market.fees, px), (size - size % market.lot) / ONE

    def _programme(self) -> Lp:
        """Columns: levels, nets, what each team is worth having won each round, what its rivals
        are worth to it before, and the worst end."""
        count, rounds = len(self.bracket.teams), self.bracket.rounds
        won = len(self._slots) + len(self.markets)
        met = won + rounds * count
        last = met + rounds * count
        figures = [self._figures(*slot) for slot in self._slots]
        costs = [cost for cost, _ in figures]
        gains = [(slot[1] == "no") - c for slot, c in zip(self._slots, costs, strict=True)]
        gains += [0.0] * (last - len(costs)) + [1.0]
        rows = [Row(-INF, self._cap / ONE if self._cap >= 0 else INF, range(len(costs)), costs)]
        levels: dict[str, list[int]] = {key: [] for key in self.markets}
        for at, (key, _, _) in enumerate(self._slots):
            levels[key].append(at)
        for key, mine in levels.items():
            signs = [-1.0 if self._slots[at][1] == "yes" else 1.0 for at in mine]
            rows.append(Row(0.0, 0.0, [self._net[key], *mine], [1.0, *signs]))
        reach: dict[tuple[int, int], list[int]] = {}
        pair: dict[tuple[int, int], list[tuple[int, float]]] = {}
        for key, contract in self.bracket.contracts.items():
            if isinstance(contract, Reach):
                reach.setdefault((contract.wins, contract.team), []).append(self._net[key])
            else:
                a, b, unmet = contract
                gains[self._net[key]] = unmet / ONE
                pair.setdefault((a, b), []).append((self._net[key], 1 - unmet / ONE))
                pair.setdefault((b, a), []).append((self._net[key], -unmet / ONE))
        for played in range(1, rounds + 1):
            start, before = (played - 1) * count, (played - 2) * count
            for team in range(count):
                on = [won + start + team, met + start + team, *reach.get((played, team), ())]
                on += [won + before + team] if played > 1 else []
                rows.append(Row(-INF, 0.0, on, [1.0] + [-1.0] * (len(on) - 1)))
                for foe in rivals(team, played):
                    extra = pair.get((team, foe), ())
                    on = [met + start + team, *(net for net, _ in extra)]
                    on += [won + before + foe] if played > 1 else []
                    values = [1.0, *(-part for _, part in extra)] + [-1.0] * (played > 1)
                    self._games[team, foe] = len(rows)
                    rows.append(Row(-INF, 0.0, on, values))
        for team in range(count):
            self._tops.append(len(rows))
            rows.append(Row(-INF, 0.0, [last, won + (rounds - 1) * count + team], [1.0, -1.0]))
        free = last + 1 - len(costs)
        uppers = [size for _, size in figures] + [WIDE] * free
        lp = Lp(gains, uppers, rows, lowers=[0.0] * len(costs) + [-WIDE] * free)
        lp.option("presolve", "choose")
        return lp

    def _prices(self, found: Solved) -> dict[str, tuple[int, int]]:
        """What a YES pays on average, exactly, over ends with the shadow prices' chances.

        Who wins, then whom it beat, and so on downwards: each time whole parts of the mass, so
        that it is a distribution whatever the solver said.
        """
        duals = np.maximum(found.duals, 0.0)
        count, rounds = len(self.bracket.teams), self.bracket.rounds
        masses = [[0] * count for _ in range(rounds)]
        masses.append(_split(MASS, duals[self._tops].tolist()))
        games: dict[tuple[int, int], int] = {}
        for played in range(rounds, 0, -1):
            for team, mass in enumerate(masses[played]):
                if not mass:
                    continue
                masses[played - 1][team] += mass
                foes = rivals(team, played)
                chances = duals[[self._games[team, foe] for foe in foes]].tolist()
                for foe, part in zip(foes, _split(mass, chances), strict=True):
                    games[team, foe] = part
                    masses[played - 1][foe] += part
        prices = {}
        for key, contract in self.bracket.contracts.items():
            if isinstance(contract, Beats):
                a, b, unmet = contract
                first, second = games.get((a, b), 0), games.get((b, a), 0)
                prices[key] = (unmet * (MASS - first - second) + ONE * first, MASS * ONE)
            else:
                prices[key] = (masses[contract.wins][contract.team], MASS)
        return prices

    def _lots(self, x: Floats, up: float) -> dict[tuple[str, Outcome], Qty]:
        """Whole lots of each outcome, rounded up where the rest is more than 1 - up."""
        totals: dict[tuple[str, Outcome], float] = {}
        for at in np.nonzero(x[: len(self._slots)] > NEARLY)[0].tolist():
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

    def _judge(
        self, bought: dict[tuple[str, Outcome], Qty]
    ) -> tuple[int, dict[tuple[str, Outcome], Qty], dict[str, int]]:
        """(worst profit, the portfolio, what each YES pays in a worst end), by whole numbers."""
        spent = capital(self.markets, bought)
        if 0 <= self._cap < spent:
            return -spent, bought, {}
        paid, wins = worst_of(self.bracket, bought)
        state = {key: pays(self.bracket, key, wins) for key in self.markets}
        return paid - spent, bought, state


def worst_of(bracket: Bracket, bought: Bought) -> tuple[int, tuple[tuple[int, ...], ...]]:
    """(the least that a portfolio pays, rounded down, an end in which it does)."""
    nets: dict[str, int] = {}
    for (key, outcome), qty in bought.items():
        nets[key] = nets.get(key, 0) + (qty if outcome == "yes" else -qty)
    paid, wins = worst(bracket, nets)
    return paid // ONE + sum(qty for (_, outcome), qty in bought.items() if outcome == "no"), wins


def _split(mass: int, chances: list[float]) -> list[int]:
    """A mass in whole parts about as these chances are; the first takes what is left over."""
    total = sum(chances)
    if total <= 0:
        return [mass] + [0] * (len(chances) - 1)
    parts = [mass * int(chance / total * (1 << 40)) >> 40 for chance in chances]
    parts[parts.index(max(parts))] += mass - sum(parts)
    return parts
