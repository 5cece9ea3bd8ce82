"""The optimiser: capital over 200 opportunities, portfolios over linked markets, a knock-out."""

from importlib.util import find_spec
from itertools import cycle
from random import Random
from typing import Any, Final

import numpy as np
from msgspec import structs

from bench.harness import Context, Row, best
from bench.optimiser_worlds import (
    CAPS,
    FEES,
    Shelf,
    linked,
    linprog,
    milp,
    moved,
    opportunities,
    pair,
    question,
    scattered,
    shifted,
    tournament,
)
from dutchbook import verifier, verifier_joint
from dutchbook.domain.units import ONE, Px, Qty, Usd
from dutchbook.optimize.allocate import Allocator
from dutchbook.optimize.barrier import TOLERANCE, maximise
from dutchbook.optimize.bracket import Tournament, worst_of
from dutchbook.optimize.combine import Combiner, Portfolio
from dutchbook.optimize.exact import fills, unit
from dutchbook.optimize.kelly import Bet, Scenario, kelly
from dutchbook.optimize.planner import Planner
from dutchbook.optimize.portfolio import Basis, certify
from dutchbook.optimize.tree import Bracket

CENT: Final = 10_000


def run(context: Context) -> list[Row]:
    """Every target of the optimiser; each figure is the fastest pass, building included if cold."""
    many = 6 if context.quick else 40
    rows = _allocation(context, many)
    for count, states, goals in ((60, 500, (10, 60)), (200, 2_000, (250, None))):
        rows += _portfolio(f"combinatorial_{count}x{states}", linked(count, states), many, goals)
    rows += _portfolio("combinatorial_dense_60x500", scattered(60, 500), many, (None, None))
    rows += _wheel(many)
    return rows + _tournament(context, many) + _check(many) + _kelly(many)


def _row(name: str, seconds: float, goal_ms: float | None) -> Row:
    ms = seconds * 1_000
    goal = None if goal_ms is None else f"value <= {goal_ms}"
    return Row(name, round(ms, 3), "ms", goal, None if goal_ms is None else ms <= goal_ms)


def _allocation(context: Context, many: int) -> list[Row]:
    """200 opportunities of 4 levels; and of two legs with 4 levels each, which makes it 7."""
    rows = []
    for name, deep, goals in (("", False, (1.5, 10)), ("_two_deep_legs", True, (None, None))):
        made, ladders = opportunities(deep=deep)
        cold, model = best(lambda m=made, n=ladders: _solved(Allocator(m, n, CAPS, 300)), many // 4)
        turns = cycle([(one, by) for one in ladders[::7] for by in (CENT, 0)])

        def change(model: Allocator = model, turns: Any = turns) -> None:
            one, by = next(turns)
            model.reprice(one.key, moved(one.levels, by))
            model.solve()

        warm, _ = best(change, 3 * many)
        rows.append(_row(f"allocation_200x4{name}_warm", warm, goals[0]))
        rows.append(_row(f"allocation_200x4{name}_cold", cold, goals[1]))
        if deep:
            continue
        if find_spec("scipy") is None:
            context.say("bench: scipy is not here (extra lab): nothing to compare with")
            rows += _whole(made, ladders, peer=False)
            continue
        theirs, value = best(linprog(made, ladders, CAPS, 300), 5)
        model = _solved(Allocator(made, ladders, CAPS, 300))
        assert abs(value - model.solve().bound / ONE) < 0.05, "the peer found another optimum"
        ratio = round(theirs / warm, 1)
        rows.append(Row("allocation_200x4_peer", round(theirs * 1_000, 3), "ms",
                        "ratio >= 5", ratio >= 5, "scipy linprog (HiGHS)", ratio))  # fmt: skip
        rows += _whole(made, ladders, peer=True)
    return rows


def _whole(made: list[Any], ladders: list[Any], *, peer: bool) -> list[Row]:
    """The same where each is had with 50 contracts at least or not at all: yes or no for each."""
    least = [structs.replace(one, size_min=Qty(50 * ONE)) for one in made]
    ours, model = best(lambda: _solved(Allocator(least, ladders, CAPS, 300)), 2)
    row = _row("allocation_200x4_whole", ours, None)
    if not peer:
        return [structs.replace(row, peer="scipy is not here (extra lab)")]
    theirs, value = best(milp(least, ladders, CAPS, 300), 1)
    bound = model.solve().bound / ONE
    assert bound > value - 0.05, "the peer found a better plan than our bound allows"
    return [structs.replace(row, peer="scipy milp (HiGHS)", ratio=round(theirs / ours, 2))]


def _wheel(many: int) -> list[Row]:
    """What the engine asks and is answered: shapes of the 60 linked markets, after a change."""
    asked = question(linked(60, 500)[0])
    planner = Planner()
    cold, _ = best(lambda: Planner().solve(asked), 2)
    turns = cycle([structs.replace(asked, markets=shifted(asked.markets, n)) for n in range(4)])
    planner.solve(asked)
    warm, answer = best(lambda: planner.solve(next(turns)), many)
    assert not answer.why, answer.why
    return [_row("plan_60_warm", warm, None), _row("plan_60_cold", cold, None)]


def _kelly(many: int) -> list[Row]:
    """30 bets under 500 joint scenarios, to a growth within the stated gap of the best one."""
    chance = Random(3)
    yes = [[chance.random() < 0.5 for _ in range(30)] for _ in range(500)]
    bets = [Bet(f"b{n}", Px(450_000), FEES["kalshi"], cap=200 * ONE) for n in range(30)]
    scenarios = [Scenario(ONE // 500, tuple(Usd(ONE if one else 0) for one in row)) for row in yes]
    took, found = best(lambda: kelly(bets, scenarios, 10_000 * ONE), max(many // 8, 2))
    assert found.growth > 0
    # No share of the bankroll grows faster than this: the tangent's best point is above the curve.
    returns, room = np.where(np.array(yes), 1.2, -1.0), np.full(30, 0.2)
    weights = np.full(500, 1 / 500)
    shares = maximise(returns, weights, room).shares
    slope = returns.T @ (weights / (1 + returns @ shares))
    left, most = 1.0, 0.0
    for at in np.argsort(-slope):
        part = min(room[at], left) if slope[at] > 0 else 0.0
        most, left = most + slope[at] * part, left - part
    gap = float(most - slope @ shares)
    return [
        _row("kelly_30x500", took, None),
        Row("kelly_gap_at_most", gap, "growth", f"value <= {TOLERANCE}", gap <= TOLERANCE),
    ]


def _solved(model: Any) -> Any:
    model.solve()
    return model


def _portfolio(name: str, world: Any, many: int, goals: Any) -> list[Row]:
    cold, model = best(lambda: _solved(Combiner(*world)), max(many // 8, 2))
    turns = cycle([(one, by) for one in world[0][::5] for by in (-CENT, 0)])

    def change() -> Portfolio:
        one, by = next(turns)
        model.reprice(one.key, "yes", moved(one.yes, by))
        return model.solve()  # type: ignore[no-any-return]

    warm, _ = best(change, many)
    return [_row(f"{name}_warm", warm, goals[0]), _row(f"{name}_cold", cold, goals[1])]


def _tournament(context: Context, many: int) -> list[Row]:
    """64 teams, 1,084 contracts: solved, certified and checked; then after one price change."""
    bracket, markets = tournament()
    shelf = Shelf(markets)

    def whole() -> tuple[Tournament, Portfolio, Any]:
        model = Tournament(bracket, markets)
        found = model.solve()
        document = certify(found, model.markets, Basis(bracket=bracket), shelf)
        assert verifier_joint.verify(document) == [], "the certificate was refused"
        return model, found, document

    cold, (model, found, document) = best(whole, 2 if context.quick else 4)
    gap = _gap(bracket, model, found)
    context.say(f"bench: {len(markets)} contracts, {len(found.bought)} legs, ${found.profit / ONE}")
    turns = cycle([(one, by) for one in markets[::37] for by in (-CENT, 0)])

    def change() -> None:
        one, by = next(turns)
        model.reprice(one.key, "yes", moved(one.yes, by))
        model.solve()

    warm, _ = best(change, many)
    check, _ = best(lambda: verifier_joint.verify(document), 5)
    return [
        _row("tournament_64_proved", cold, 5_000),
        _row("tournament_64_warm", warm, 500),
        Row("tournament_64_gap", gap / ONE, "$", "value <= 0", gap <= 0),
        Row("tournament_64_gap_after_rounding_of_orders", found.gap / ONE, "$"),
        _row(f"tournament_64_certificate_check_{len(found.bought)}_legs", check, None),
    ]


def _gap(bracket: Bracket, model: Tournament, found: Portfolio) -> int:
    """The bound less the worst case, before any cost or fee is rounded; whole millionths."""
    paid, _ = worst_of(bracket, found.bought)
    spent = sum(
        unit(market.fees, px) * qty
        for (key, outcome), total in found.bought.items()
        for market in (model.markets[key],)
        for px, qty in fills(market, outcome, total)
    )
    return found.bound - (paid + -spent // (ONE * ONE)) - 1  # each side was rounded by less than 1


def _check(many: int) -> list[Row]:
    """A certificate of two legs, and one of a portfolio over the 60 linked markets."""
    document = pair()
    assert verifier.verify(document) == []
    two, _ = best(lambda: verifier.verify(document), 5 * many)
    markets, rules = linked(60, 500)
    model = Combiner(markets, rules)
    small = certify(model.solve(), model.markets, Basis(claims=rules), Shelf(markets))
    assert verifier_joint.verify(small) == []
    joint, _ = best(lambda: verifier_joint.verify(small), many)
    return [_row("certificate_check", two, 1), _row("certificate_check_60x500", joint, None)]
