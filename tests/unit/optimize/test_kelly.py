"""Kelly sizes: closed forms, brute force over grids, and what must never happen."""

from itertools import product
from math import log

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dutchbook.domain.fees import order_total
from dutchbook.domain.instrument import FeeSchedule
from dutchbook.domain.units import ONE
from dutchbook.optimize.barrier import maximise
from dutchbook.optimize.kelly import Bet, Scenario, exclusive, growth_of, kelly, single

FREE = FeeSchedule("none")
KALSHI = FeeSchedule("kalshi", taker=70_000, precision=10_000)
POLY = FeeSchedule("polymarket", taker=40_000)
CENTS = st.integers(1, 99).map(lambda cents: cents * 10_000)
CHANCES = st.integers(0, ONE)


def bet(px, name="a", fees=FREE, **more):
    return Bet(name, px, fees, **more)


def one(chance):
    return exclusive([chance])


def cost_of(found):
    return sum(found.cost)


def test_the_textbook_bet():
    """60 % at 50 cents: a fifth of the bankroll at full Kelly, a twentieth at a quarter."""
    assert single(bet(500_000), 600_000, 1_000 * ONE, ONE) == 400 * ONE
    assert single(bet(500_000), 600_000, 1_000 * ONE) == 100 * ONE
    assert single(bet(500_000), 500_000, 1_000 * ONE) == 0


def test_a_fee_is_part_of_the_price():
    """Kalshi at 50 cents takes 1.75: 60 % against 51.75."""
    found = single(bet(500_000, fees=KALSHI), 600_000, 10_000 * ONE, ONE)
    assert found == pytest.approx((0.6 - 0.5175) / 0.4825 / 0.5175 * 1e10, rel=1e-5)
    assert single(bet(500_000, fees=KALSHI), 515_000, 10_000 * ONE, ONE) == 0


@settings(max_examples=200)
@given(CENTS, CHANCES, st.integers(0, 10**11), st.sampled_from((FREE, KALSHI, POLY)))
def test_both_ways_to_size_one_bet_agree(px, chance, bankroll, fees):
    """The search finds the closed form's size, to a lot in a hundred thousand dollars."""
    offer = bet(px, fees=fees)
    closed = single(offer, chance, bankroll)
    (found,) = kelly([offer], one(chance), bankroll).qty
    if found and closed:
        assert abs(found - closed) <= 20_000 + closed // 10_000
    else:  # a lot less, and the rounding of fees may take all of a small edge
        size = max(found, closed)
        assert size * chance // ONE - order_total(fees, [(px, size)]) <= 20_000


@settings(max_examples=200)
@given(CENTS, CHANCES, st.integers(0, 10**10), st.integers(0, ONE), st.integers(-1, 10**9),
       st.integers(-1, 10**9), st.sampled_from((FREE, KALSHI, POLY)))  # fmt: skip
def test_what_a_single_bet_never_does(px, chance, bankroll, fraction, cap, depth, fees):
    """No edge, no bet; never more than the bankroll, the cap or the offer; whole lots."""
    offer = bet(px, fees=fees, cap=cap, qty_max=depth, size_min=50_000)
    for qty in (
        single(offer, chance, bankroll, fraction),
        kelly([offer], one(chance), bankroll, fraction).qty[0],
    ):
        assert qty == 0 or qty >= 50_000
        assert qty % 10_000 == 0
        if qty:
            total = order_total(fees, [(px, qty)])
            assert qty * chance > total * ONE and total <= bankroll
            assert (cap < 0 or total <= cap) and (depth < 0 or qty <= depth)


@settings(max_examples=100)
@given(st.lists(st.tuples(st.integers(5, 40), st.integers(1, 30)), min_size=1, max_size=3))
def test_an_exclusive_event_has_the_form_of_the_reserve_rate(lines):
    """With edges only: share = p - c x (1 - sum p) / (1 - sum c) (Smoczynski & Tomkins 2010)."""
    bets, chances = [], []
    for n, (cents, more) in enumerate(lines):
        bets.append(bet(cents * 7_500, f"b{n}"))
        chances.append(min(cents * 7_500 + more * 2_000, 330_000))
    found = kelly(bets, exclusive(chances), 10**12, ONE)
    good = [n for n in range(len(bets)) if chances[n] > bets[n].px]
    reserve = (ONE - sum(chances[n] for n in good)) / (ONE - sum(bets[n].px for n in good))
    for n, offer in enumerate(bets):
        share = (chances[n] - offer.px * reserve) / ONE if n in good else 0
        assert found.cost[n] / 10**12 == pytest.approx(share, abs=3e-6)


@st.composite
def problems(draw):
    """Two bets under a few joint scenarios with chances of a tenth at least."""
    count = draw(st.integers(2, 4))
    parts = draw(st.lists(st.integers(1, 5), min_size=count, max_size=count))
    chances = [part * ONE // sum(parts) for part in parts]
    chances[0] += ONE - sum(chances)
    pays = [draw(st.tuples(*[st.sampled_from((0, ONE, ONE, ONE // 2))] * 2)) for _ in parts]
    bets = [bet(draw(st.integers(10, 90)) * 10_000, name) for name in "ab"]
    return bets, [Scenario(c, p) for c, p in zip(chances, pays, strict=True)]


@settings(max_examples=100)
@given(problems())
def test_no_grid_point_grows_faster(problem):
    """Brute force over shares of both bets that have an edge, two percent apart."""
    bets, scenarios = problem
    bankroll = 10**10
    found = kelly(bets, scenarios, bankroll, ONE)
    edges = [
        sum(s.chance * s.pays[n] for s in scenarios) > offer.px * ONE
        for n, offer in enumerate(bets)
    ]
    best = 0.0
    for shares in product(*(np.arange(0, 1.001, 0.02) if edge else (0.0,) for edge in edges)):
        if sum(shares) > 1:
            continue
        growth = 0.0
        for s in scenarios:
            gains = (x * (y / o.px - 1) for x, y, o in zip(shares, s.pays, bets, strict=True))
            after = 1 + sum(gains)
            growth += s.chance / ONE * log(after) if after > 1e-12 else -1e9
        best = max(best, growth)
    assert found.growth >= best - 1e-5
    assert growth_of(found.qty, found.cost, scenarios, bankroll) == found.growth


@settings(max_examples=100)
@given(problems(), st.integers(0, 10**9), st.integers(0, ONE), st.integers(-1, 10**8),
       st.sampled_from((FREE, KALSHI, POLY)))  # fmt: skip
def test_what_several_bets_never_do(problem, bankroll, fraction, cap, fees):
    """No bet without an edge of its own; nothing lost beyond the bankroll in any scenario."""
    bets, scenarios = problem
    bets = [msgspec.structs.replace(b, fees=fees, cap=cap) for b in bets]
    found = kelly(bets, scenarios, bankroll, fraction)
    assert cost_of(found) <= bankroll and found.growth >= 0
    for n, (offer, qty, cost) in enumerate(zip(bets, found.qty, found.cost, strict=True)):
        assert qty >= 0 and qty % 10_000 == 0
        assert cost == (order_total(fees, [(offer.px, qty)]) if qty else 0)
        assert cap < 0 or cost <= cap
        if qty:
            assert sum(s.chance * s.pays[n] for s in scenarios) * qty > cost * ONE * ONE


@settings(max_examples=50)
@given(problems(), st.integers(1, 20))
def test_invariances(problem, times):
    """Sizes grow with the bankroll; order of bets, splitting of a scenario change nothing."""
    bets, scenarios = problem
    base = kelly(bets, scenarios, 10**9)
    more = kelly(bets, scenarios, 10**9 * times)
    swapped = kelly(bets[::-1], [Scenario(s.chance, s.pays[::-1]) for s in scenarios], 10**9)
    first, *rest = scenarios
    halves = [Scenario(first.chance // 2, first.pays),
              Scenario(first.chance - first.chance // 2, first.pays)]  # fmt: skip
    split = kelly(bets, [*halves, *rest], 10**9)
    assert more.growth == pytest.approx(base.growth, abs=2e-4)
    assert swapped.growth == pytest.approx(base.growth, abs=2e-5)
    assert split.growth == pytest.approx(base.growth, abs=2e-5)


def test_fraction_scales_and_caps_bind_with_a_price():
    bets = [bet(400_000, "a"), bet(500_000, "b", cap=20 * ONE)]
    both = [(ONE, ONE), (ONE, 0), (0, ONE), (0, 0)]
    chances = (250_000, 250_000, 300_000, 200_000)
    scenarios = [Scenario(c, p) for c, p in zip(chances, both, strict=True)]
    full, part = (kelly(bets, scenarios, 1_000 * ONE, f) for f in (ONE, 250_000))
    assert full.cost[1] == pytest.approx(20 * ONE, abs=10_000)
    assert list(full.prices) == ["cap b"] and full.prices["cap b"] > 0.01
    assert part.cost[0] == pytest.approx(full.cost[0] / 4, rel=0.1)
    shallow = kelly([bet(400_000, "a", qty_max=5 * ONE)], one(500_000), 1_000 * ONE)
    assert shallow.qty == (5 * ONE,) and list(shallow.prices) == ["depth a"]
    sure = kelly([bet(400_000, "a")], one(ONE), 1_000 * ONE, ONE)
    assert 999 * ONE < sure.cost[0] <= 1_000 * ONE and list(sure.prices) == ["bankroll"]


def test_levels_of_a_ladder_are_bets_that_pay_together():
    levels = [bet(400_000, "l1", qty_max=20 * ONE), bet(420_000, "l2", qty_max=20 * ONE),
              bet(480_000, "l3", qty_max=900 * ONE)]  # fmt: skip
    scenarios = [Scenario(500_000, (ONE,) * 3), Scenario(500_000, (0,) * 3)]
    found = kelly(levels, scenarios, 1_000 * ONE, ONE)
    assert found.qty[:2] == (20 * ONE, 20 * ONE) and 0 < found.qty[2] < 900 * ONE


def test_the_search_ends_within_its_gap_for_many_bets_and_scenarios():
    chance = np.random.default_rng(3)
    yes = chance.random((500, 30)) < 0.5
    returns = np.where(yes, 1.2, -1.0)
    found = maximise(returns, np.full(500, 1 / 500), np.full(30, 0.2))
    slope = returns.T @ (1 / 500 / (1 + returns @ found.shares))
    # Stationary: what growth gains is what the bounds and the bankroll charge.
    charge = found.prices[:-1] + found.prices[-1]
    assert ((slope - charge)[found.shares > 1e-6] < 1e-6).all()
    assert (slope - charge < 1e-6).all() and found.shares.sum() <= 1


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: kelly([bet(500_000)], [Scenario(1, (ONE,))], ONE),
        lambda: kelly([bet(500_000)], [Scenario(ONE, (2 * ONE,))], ONE),
        lambda: kelly([bet(500_000)], [Scenario(ONE, ())], ONE),
        lambda: kelly([bet(0)], one(ONE), ONE),
        lambda: single(bet(500_000), ONE + 1, ONE),
        lambda: single(bet(500_000), ONE, -1),
        lambda: single(bet(500_000), ONE, 1, ONE + 1),
        lambda: exclusive([600_000, 600_000]),
    ],
)
def test_nonsense_is_refused(wrong):
    with pytest.raises(ValueError):
        wrong()
