"""Combinatorial arbitrage: against brute force over all states, and against every pattern."""

import os
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dutchbook.domain.instrument import EventGroup, FeeSchedule
from dutchbook.domain.relations import Link
from dutchbook.domain.units import ONE
from dutchbook.optimize.combine import Combiner
from dutchbook.optimize.exact import Market, capital
from dutchbook.optimize.joint import Rule, rules_of
from dutchbook.optimize.logic import Linear, least, linears, parts, ranges, states_of
from dutchbook.optimize.prove import prove
from dutchbook.optimize.walk import Basket, Limits, evaluate
from dutchbook.strategies.bundle import Bundle
from dutchbook.strategies.complement import Complement
from dutchbook.strategies.cross_venue import CrossVenue
from dutchbook.strategies.implication import Implication
from unit.proof.market import KALSHI, POLY, World, market

FREE = FeeSchedule("none")
MOST = 14 if os.environ.get("DUTCHBOOK_TEST_ALL") else 10
KEYS = tuple("abcdefghijklmn"[:MOST])


def naive(keys, rules):
    """Every state of every market in which all inequalities hold, as {key: 0 or 1}."""
    named = dict.fromkeys([*keys, *(key for rule in rules for key in rule.members)])
    for bits in product((0, 1), repeat=len(named)):
        state = dict(zip(named, bits, strict=True))
        if all(
            sum(w * state[k] for k, w in zip(r.members, r.weights, strict=True)) >= r.least
            for r in rules
        ):
            yield state


def worst(keys, rules, bought):
    """The least that is paid over all states, told a second time."""
    return min(
        sum(qty for (key, outcome), qty in bought.items() if state[key] == (outcome == "yes"))
        for state in naive(keys, rules)
    )


@st.composite
def some_rules(draw, keys):
    rules = []
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(("same", "opposite", "implies", "exclusive", "exhaustive")))
        two = kind in ("same", "opposite", "implies")
        members = st.lists(st.sampled_from(keys), min_size=2, max_size=2 if two else 6, unique=True)
        rules.append(Rule(kind, tuple(draw(members))))
    made = linears(rules)
    if draw(st.booleans()):
        members = tuple(draw(st.lists(st.sampled_from(keys), min_size=3, max_size=4, unique=True)))
        weights = tuple(draw(st.sampled_from((-2, -1, 1, 2))) for _ in members)
        made.append(Linear(members, weights, draw(st.integers(-2, 1))))
    return made


@st.composite
def worlds(draw):
    keys = KEYS[: draw(st.integers(3, MOST))]
    rules = draw(some_rules(keys))
    markets = []
    for key in keys:
        sides = []
        for _ in range(2):
            pxs = sorted(draw(st.lists(st.integers(15, 80), max_size=2, unique=True)))
            sides.append(tuple((px * 10_000, draw(st.integers(1, 9)) * ONE) for px in pxs))
        fees = draw(st.sampled_from((KALSHI, POLY, FREE)))
        markets.append(Market(key, *sides, fees))
    return markets, rules


@settings(max_examples=60)
@given(worlds())
def test_what_is_proved_is_the_worst_of_all_states(world):
    """The figure, the cost and the state are exact; the bound holds; prices explain it."""
    markets, rules = world
    keys = [one.key for one in markets]
    if not any(True for _ in naive(keys, rules)):
        with pytest.raises(ValueError, match="contradict"):
            Combiner(*world)
        return
    found = Combiner(*world).solve()
    assert found.profit <= found.bound
    if found.bought:
        assert found.label == "proved"
        named = {one.key: one for one in markets}
        assert found.capital == capital(named, found.bought)
        assert found.profit == worst(keys, rules, found.bought) - found.capital > 0
    else:
        assert found.label == "none" and found.profit == 0


@settings(max_examples=40)
@given(worlds())
def test_cutting_planes_end_where_the_list_of_states_ends(world):
    """Found states give the same bound as all of them, and the same exact worst case."""
    markets, rules = world
    keys = [one.key for one in markets]
    if not any(True for _ in naive(keys, rules)):
        return
    listed = Combiner(*world).solve()
    found = Combiner(*world, states_max=1).solve()
    assert abs(found.bound - listed.bound) <= 2_000
    assert found.label in ("proved", "bounded", "none")
    if found.bought:
        exact = worst(keys, rules, found.bought) - found.capital
        assert found.profit == exact if found.label == "proved" else found.profit <= exact
    more = Combiner(*world, states_max=1)
    more._most = 4_096
    again = more.solve()
    assert again.label in ("proved", "none")
    assert not again.bought or again.profit == worst(keys, rules, again.bought) - again.capital


@settings(max_examples=60)
@given(some_rules(KEYS[:7]), st.lists(st.integers(-50, 50), min_size=7, max_size=7))
def test_the_exact_least_is_that_of_all_states(rules, worths):
    keys, total = KEYS[:7], 0
    worth = dict(zip(keys, worths, strict=True))
    expected = [sum(worth[key] * state[key] for key in keys) for state in naive(keys, rules)]
    for group in parts(keys, rules):
        states = states_of(group, group, rules, 1_000)
        if not expected and not len(states):
            with pytest.raises(ValueError, match="contradict"):
                least(group, rules, worth, 1_000)
            return
        total += least(group, rules, worth, 1_000)
    assert total == min(expected)


@settings(max_examples=40)
@given(worlds(), st.integers(0, 1), st.lists(st.integers(10, 85), max_size=2, unique=True))
def test_a_changed_price_gives_what_a_fresh_model_gives(world, side, pxs):
    markets, rules = world
    if not any(True for _ in naive([one.key for one in markets], rules)):
        return
    model = Combiner(*world, capital_max=5 * ONE)
    model.solve()
    one, outcome = markets[0], ("yes", "no")[side]
    levels = tuple((px * 10_000, 4 * ONE) for px in sorted(pxs))[: len(one.offers(outcome))]
    model.reprice(one.key, outcome, levels)
    warm = model.solve()
    cold = Combiner(model.markets.values(), rules, capital_max=5 * ONE).solve()
    assert abs(warm.bound - cold.bound) <= 2_000 and warm.capital <= 5 * ONE


@st.composite
def pattern_worlds(draw):
    """Two venues, an event on one, links of every kind between them."""
    keys = [f"polymarket:0x{n}" for n in range(4)] + [f"kalshi:K{n}" for n in range(4)]
    offers = {}
    for key in keys:
        for side in ("yes", "no"):
            pxs = sorted(draw(st.lists(st.integers(12, 75), min_size=1, max_size=3, unique=True)))
            offers[key, side] = [(px * 10_000, draw(st.integers(6, 40)) * ONE) for px in pxs]
    group = EventGroup("e", "polymarket", "", tuple(keys[:3]), exclusive=True, exhaustive=True)
    links = [Link("s", "same", (keys[0], keys[4]), 1), Link("i", "implies", (keys[5], keys[6]), 1)]
    if draw(st.booleans()):
        links.append(Link("o", "opposite", (keys[3], keys[7]), 1))
    return World([market(key) for key in keys], offers, [group], links)


@settings(max_examples=40)
@given(pattern_worlds())
def test_the_optimum_beats_or_equals_every_pattern(world):
    """On the same books; each basket as its own funnel sizes and proves it."""
    baskets = [
        (basket, prove(basket, world))
        for strategy in (Complement(), Bundle(), CrossVenue(), Implication())
        for candidate in strategy.candidates(world)
        if isinstance(
            basket := evaluate(candidate, world, Limits(edge_min=0, capital_max=10**12)), Basket
        )
    ]
    markets = [
        Market(one.key, tuple(world.ladders[one.key, "yes"]), tuple(world.ladders[one.key, "no"]),
               one.fees, one.lot, one.size_min)
        for one in world.instruments()
    ]  # fmt: skip
    rules = linears(rules_of(world.groups(), world.approved()))
    starts = [{(leg.instrument, leg.outcome): leg.qty for leg in b.legs} for b, _ in baskets]
    alone = Combiner(markets, rules).solve()
    assert all(certificate.proved <= alone.bound for _, certificate in baskets)
    found = Combiner(markets, rules).solve(starts)
    assert all(certificate.proved <= found.profit for _, certificate in baskets)
    assert found.profit >= alone.profit and found.label in ("proved", "none")


def test_a_portfolio_that_no_pattern_names():
    """A implies B, B implies C, at most one of C and D: NO of A with something of each."""
    rules = linears([Rule("implies", ("a", "b")), Rule("implies", ("b", "c")),
                     Rule("exclusive", ("c", "d"))])  # fmt: skip
    markets = [
        Market("a", (), ((400_000, 10 * ONE),), FREE),
        Market("c", ((500_000, 10 * ONE),), (), FREE),
        Market("b", (), (), FREE), Market("d", (), (), FREE),
    ]  # fmt: skip
    found = Combiner(markets, rules).solve()
    assert found.bought == {("a", "no"): 10 * ONE, ("c", "yes"): 10 * ONE}
    assert (found.profit, found.gap, found.label) == (ONE, 0, "proved")


def test_without_arbitrage_there_are_prices_between_the_offers():
    rules = linears([Rule("exclusive", ("a", "b", "c")), Rule("exhaustive", ("a", "b", "c"))])
    markets = [
        Market(key, ((yes * 10_000, ONE),), ((no * 10_000, ONE),), FREE)
        for key, yes, no in (("a", 52, 50), ("b", 31, 72), ("c", 20, 82))
    ]
    found = Combiner(markets, rules).solve()
    assert (found.label, found.profit, found.bound) == ("none", 0, 0)
    assert sum(found.prices.values()) in range(ONE - 3, ONE + 1)
    for one in markets:
        assert ONE - one.no[0][0] - 1 <= found.prices[one.key] <= one.yes[0][0]


def test_ranges_of_one_number():
    """Below 3, 3 to 5, 4 or more: the last two overlap, and one of the three is always true."""
    rules = ranges("cpi", {"low": (0, 3), "mid": (3, 5), "high": (4, 9)})
    (group,) = parts(("low", "mid", "high"), rules)
    states = states_of(("low", "mid", "high"), group, rules, 100)
    assert {tuple(s) for s in states.tolist()} == {
        (0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 1, 1), (0, 0, 1),
    }  # fmt: skip


def test_more_states_than_can_be_listed_are_still_proved():
    """30 independent pairs of implications in one chain of rules: 2^30 states and more."""
    rules = linears([Rule("exhaustive", (f"a{n}", f"b{n}", f"a{n + 1}")) for n in range(30)])
    markets = [
        Market(f"b{n}", ((200_000, 5 * ONE),), ((700_000, 5 * ONE),), FREE) for n in range(30)
    ]
    markets += [
        Market(f"a{n}", ((250_000, 5 * ONE),), ((800_000, 5 * ONE),), FREE) for n in range(31)
    ]
    found = Combiner(markets, rules).solve()
    assert found.label == "proved" and found.profit > 0 and found.gap < 10_000
