"""Made-up opportunities for the bench of the optimiser: many, with limits that bind."""

from collections.abc import Callable
from math import exp
from random import Random
from typing import Any

from dutchbook.domain.candidate import Candidate, Outcome
from dutchbook.domain.instrument import MILL, EventGroup, FeeSchedule, Instrument
from dutchbook.domain.plans import Offered, SolvePlan
from dutchbook.domain.relations import Link
from dutchbook.domain.units import DAY, ONE, Ns, Px, Qty, Usd
from dutchbook.optimize.exact import Market
from dutchbook.optimize.joint import Rule
from dutchbook.optimize.logic import Linear, linears
from dutchbook.optimize.opportunity import Ladder, Levels, Opportunity, unit_cost
from dutchbook.optimize.prove import certificate_json, prove
from dutchbook.optimize.settle import merged
from dutchbook.optimize.tree import Beats, Bracket, Contract, Reach, meeting, rivals
from dutchbook.optimize.walk import Basket, Limits, evaluate

FEES = {
    "kalshi": FeeSchedule("kalshi", taker=70_000, precision=Usd(10_000)),
    "polymarket": FeeSchedule("polymarket", taker=40_000),
}
CAPS = {
    "capital": 20_000 * ONE, "venue kalshi": 9_000 * ONE, "venue polymarket": 12_000 * ONE,
    "event *": 1_500 * ONE, "category *": 6_000 * ONE, "strategy *": 12_000 * ONE,
    "group *": 5_000 * ONE, "market *": 1_000 * ONE,
}  # fmt: skip


def opportunities(
    count: int = 200, levels: int = 4, seed: int = 3, *, deep: bool = False
) -> tuple[list[Opportunity], list[Ladder]]:
    """Pairs over two venues, each with an edge on its first levels and less on the others.

    The second leg is one level, or as many as the first if `deep`.
    """
    chance = Random(seed)
    ladders, found = [], []
    for n in range(count):
        yes = chance.randrange(200, 800)
        first = {"kalshi": yes, "polymarket": 1_000 - yes - chance.randrange(30, 120)}
        for venue, mills in first.items():
            made = tuple(
                (Px((mills + 10 * level) * 1_000), Qty(chance.randrange(20, 400) * ONE))
                for level in range(levels if deep or venue == "kalshi" else 1)
            )
            if len(made) == 1:
                made = ((made[0][0], Qty(1_600 * ONE)),)
            name = {"event": f"e{n % 40}", "category": f"c{n % 6}", "market": f"{venue}:{n}"}
            ladders.append(Ladder(f"{venue}:{n}", venue, made, FEES[venue], **name))
        legs = (f"kalshi:{n}", f"polymarket:{n}")
        found.append(
            Opportunity(
                f"o{n}", legs, Usd(ONE), f"s{n % 4}", (f"g{n % 10}",),
                Ns(chance.randrange(1, 90) * DAY),
            )
        )  # fmt: skip
    return found, ladders


def moved(levels: Levels, by: int) -> Levels:
    """The same ladder with every price moved."""
    return tuple((Px(px + by), qty) for px, qty in levels if 0 < px + by < ONE)


def tournament(
    teams: int = 64, meetings: int = 700, seed: int = 5, noise: int = 20
) -> tuple[Bracket, list[Market]]:
    """A knock-out of teams of known strength, every "reaches", many "beats", all priced with
    `noise` (thousandths), so that there is arbitrage in hundreds of them."""
    chance = Random(seed)
    strength = [chance.gauss(0, 1) for _ in range(teams)]
    rounds = teams.bit_length() - 1
    reach = [[1.0] * teams]
    for played in range(1, rounds + 1):
        reach.append([
            sum(reach[-1][team] * reach[-1][foe] / (1 + exp(strength[foe] - strength[team]))
                for foe in rivals(team, played))
            for team in range(teams)
        ])  # fmt: skip
    contracts: dict[str, Contract] = {}
    fair: dict[str, float] = {}
    for played in range(1, rounds + 1):
        for team in range(teams):
            contracts[f"kalshi:{team}R{played}"] = Reach(team, played)
            fair[f"kalshi:{team}R{played}"] = reach[played][team]
    pairs = [(a, b) for a in range(teams) for b in range(a + 1, teams)]
    for a, b in chance.sample(pairs, min(meetings, len(pairs))):
        key, before = f"kalshi:{a}B{b}", meeting(a, b) - 1
        met = reach[before][a] * reach[before][b]
        contracts[key] = Beats(a, b)
        fair[key] = met / (1 + exp(strength[b] - strength[a])) + (1 - met) / 2
    markets = [Market(key, *_sides(chance, px, noise), FEES["kalshi"]) for key, px in fair.items()]
    return Bracket(tuple(f"t{n}" for n in range(teams)), contracts), markets


def _sides(chance: Random, fair: float, noise: int, count: int = 3) -> tuple[Levels, Levels]:
    """Offers of YES and NO around a price that is a little off."""
    middle = min(max(round(fair * 1_000 + chance.gauss(0, noise)), 15), 985)
    yes = tuple((Px((middle + 5 + 10 * n) * 1_000), _size(chance)) for n in range(count))
    no = tuple((Px((1_000 - middle + 5 + 10 * n) * 1_000), _size(chance)) for n in range(count))
    return tuple(one for one in yes if one[0] < ONE), tuple(one for one in no if one[0] < ONE)


def _size(chance: Random) -> Qty:
    return Qty(chance.randrange(1, 500) * ONE)


def linked(count: int, states: int, seed: int = 11) -> tuple[list[Market], list[Linear]]:
    """Two events whose outcomes pair up to about so many joint states, and copies of their
    outcomes on another venue until there are `count` markets."""
    chance = Random(seed)
    first = round(states**0.5)
    sizes = {"a": first, "b": states // first}
    rules: list[Rule] = []
    fair: dict[str, float] = {}
    for name, size in sizes.items():
        keys = tuple(f"kalshi:{name}{n}" for n in range(size))
        rules += [Rule("exclusive", keys), Rule("exhaustive", keys)]
        parts = [chance.random() + 0.2 for _ in keys]
        fair |= {key: part / sum(parts) for key, part in zip(keys, parts, strict=True)}
    whole = list(fair)
    # One outcome of the first forbids one of the second, so that they hang together.
    rules.append(Rule("exclusive", ("kalshi:a0", "kalshi:b0")))
    for n in range(count - len(whole)):
        key, twin = whole[n % len(whole)], f"polymarket:{n}"
        rules.append(Rule("same", (key, twin)))
        fair[twin] = fair[key]
    markets = []
    for key, px in fair.items():
        yes, no = _sides(chance, px, 8)
        markets.append(Market(key, yes, no, FEES[key.split(":")[0]]))
    return markets, linears(rules)


def scattered(count: int, states: int, seed: int = 13) -> tuple[list[Market], list[Linear]]:
    """As many scenarios as there are states, each with outcomes at random: nothing is sparse."""
    chance = Random(seed)
    cells = tuple(f"s{n}" for n in range(states))
    rules = [Linear(cells, (1,) * states, 1), Linear(cells, (-1,) * states, -1)]
    markets = []
    for n in range(count):
        mine = tuple(cell for cell in cells if chance.random() < 0.5)
        rules.append(Linear((f"kalshi:{n}", *mine), (1, *(-1 for _ in mine)), 0))
        rules.append(Linear((f"kalshi:{n}", *mine), (-1, *(1 for _ in mine)), 0))
        yes, no = _sides(chance, len(mine) / states, 25)
        markets.append(Market(f"kalshi:{n}", yes, no, FEES["kalshi"]))
    return markets, rules


def question(markets: list[Market]) -> SolvePlan:
    """What the engine would ask about the markets of `linked`: events, and who copies whom."""
    keys = [one.key for one in markets]
    groups = tuple(
        EventGroup(f"kalshi:{name}", "kalshi", name, members, True, True)
        for name in "ab"
        for members in (tuple(key for key in keys if key.startswith(f"kalshi:{name}")),)
    )
    whole = [key for key in keys if key.startswith("kalshi:")]
    twins = [key for key in keys if key.startswith("polymarket:")]
    same = [Link(f"l{n}", "same", (whole[n % len(whole)], twin), 1) for n, twin in enumerate(twins)]
    links = (*same, Link("x", "exclusive", ("kalshi:a0", "kalshi:b0"), 1))
    offered = tuple(Offered(one.key, one.yes, one.no, one.fees, one.lot) for one in markets)
    return SolvePlan("s", 1, 20_000, offered, links, groups)


def shifted(markets: tuple[Offered, ...], turn: int) -> tuple[Offered, ...]:
    """One market's offers of YES a cent cheaper, another one each turn."""
    at = 7 * turn % len(markets)
    one = markets[at]
    cheaper = Offered(one.key, moved(one.yes, -10_000), one.no, one.fees, one.lot)
    return (*markets[:at], cheaper, *markets[at + 1 :])


class Shelf:
    """A View of markets, for certificates."""

    now, seq, run = Ns(1_700_000_000_000_000_000), 1, "bench"

    def __init__(self, markets: list[Market]) -> None:
        self._markets = {market.key: market for market in markets}

    def instrument(self, key: str) -> Instrument:
        venue, symbol = key.split(":")
        fees, tokens = self._markets[key].fees, ("y", "n") if venue == "polymarket" else ()
        return Instrument(key, venue, symbol, "e", "t", "o", MILL, fees, tokens=tokens)

    def stale(self, key: str, outcome: Outcome) -> str:
        return ""

    def best(self, key: str, outcome: Outcome) -> tuple[Px, Qty]:
        return self._markets[key].offers(outcome)[0]

    def offers(self, key: str, outcome: Outcome, levels: int) -> list[tuple[Px, Qty]]:
        return list(self._markets[key].offers(outcome)[:levels])

    def bids(self, key: str, outcome: Outcome, levels: int) -> list[tuple[Px, Qty]]:
        return []

    def book(self, key: str, outcome: Outcome) -> tuple[int, int, int]:
        return int(outcome == "no" and key.startswith("polymarket")), 1, 1


def pair() -> dict[str, Any]:
    """A certificate of two linked markets."""
    keys = ("kalshi:x", "polymarket:x")
    level = ((Px(440_000), Qty(50 * ONE)), (Px(450_000), Qty(50 * ONE)))
    markets = [Market(key, level, level, FEES[key.split(":")[0]]) for key in keys]
    link = Link("l", "same", keys, 1)
    legs: tuple[tuple[str, Outcome], ...] = ((keys[0], "yes"), (keys[1], "no"))
    candidate = Candidate("cross_venue:l", "cross_venue", legs, Usd(ONE), (link,))
    shelf = Shelf(markets)
    basket = evaluate(candidate, shelf, Limits())
    assert isinstance(basket, Basket), basket
    return certificate_json(prove(basket, shelf))


def linprog(
    made: list[Opportunity], ladders: list[Ladder], caps: dict[str, int], rate: int
) -> Callable[[], float]:
    """The same allocation as scipy is given it: arrays made beforehand, solved from nothing."""
    import numpy as np
    from scipy.optimize import linprog as solve

    gains, uppers, matrix, room, _ = _arrays(made, ladders, caps, rate)
    bounds = [(0.0, upper) for upper in uppers]
    costs = -np.array(gains)

    def work() -> float:
        found = solve(costs, A_ub=matrix, b_ub=room, bounds=bounds, method="highs")
        return float(-found.fun)

    return work


def milp(
    made: list[Opportunity], ladders: list[Ladder], caps: dict[str, int], rate: int
) -> Callable[[], float]:
    """With a yes or no for each opportunity, as scipy is given it."""
    import numpy as np
    from scipy.optimize import Bounds, LinearConstraint
    from scipy.optimize import milp as solve

    gains, uppers, matrix, room, owners = _arrays(made, ladders, caps, rate)
    count, extra = len(gains), len(made)
    sizes = [sum(u for u, owner in zip(uppers, owners, strict=True) if owner == n)
             for n in range(extra)]  # fmt: skip
    rows = np.zeros((len(room) + 2 * extra, count + extra))
    rows[: len(room), :count] = matrix
    for at, owner in enumerate(owners):
        rows[len(room) + owner, at] = 1.0
        rows[len(room) + extra + owner, at] = -1.0
    for n, one in enumerate(made):
        rows[len(room) + n, count + n] = -sizes[n]
        rows[len(room) + extra + n, count + n] = one.size_min / ONE
    most = np.concatenate([room, np.zeros(2 * extra)])
    costs = -np.concatenate([gains, np.zeros(extra)])
    whole = np.concatenate([np.zeros(count), np.ones(extra)])
    bounds = Bounds(0.0, np.concatenate([uppers, np.ones(extra)]))

    def work() -> float:
        found = solve(
            costs, integrality=whole, bounds=bounds, constraints=LinearConstraint(rows, ub=most),
            options={"mip_rel_gap": 1e-4},
        )  # fmt: skip
        return float(-found.fun)

    return work


def _arrays(
    made: list[Opportunity], ladders: list[Ladder], caps: dict[str, int], rate: int
) -> tuple[list[float], list[float], Any, list[float], list[int]]:
    """Gains, uppers, rows of limits with their room, and whose column each is."""
    import numpy as np

    by_key = {one.key: one for one in ladders}
    gains: list[float] = []
    uppers: list[float] = []
    owners: list[int] = []
    entries: dict[str, dict[int, float]] = {}
    for n, one in enumerate(made):
        legs = [by_key[key] for key in one.legs]
        away = 1 + rate / ONE * one.lockup / DAY
        for size, places in merged([leg.levels for leg in legs], ONE**3):
            at = len(gains)
            costs = [
                unit_cost(leg.fees, leg.levels[k][0]) for leg, k in zip(legs, places, strict=True)
            ]
            gains.append(one.payout / ONE - away * sum(costs))
            uppers.append(size / ONE)
            owners.append(n)
            names = [("capital", sum(costs)), (f"strategy {one.strategy}", sum(costs))]
            names += [(f"group {group}", sum(costs)) for group in one.groups]
            for leg, cost in zip(legs, costs, strict=True):
                names += [(f"venue {leg.venue}", cost), (f"market {leg.market}", cost)]
                names += [(f"event {leg.event}", cost), (f"category {leg.category}", cost)]
            for name, cost in names:
                if name in caps or f"{name.partition(' ')[0]} *" in caps:
                    row = entries.setdefault(name, {})
                    row[at] = row.get(at, 0.0) + cost
    matrix = np.zeros((len(entries), len(gains)))
    for at, row in enumerate(entries.values()):
        matrix[at, list(row)] = list(row.values())
    room = [caps.get(name, caps.get(f"{name.partition(' ')[0]} *", 0)) / ONE for name in entries]
    return gains, uppers, matrix, room, owners
