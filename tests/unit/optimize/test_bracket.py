"""A knock-out: the dynamic programme and the best portfolio against all ends, one by one."""

from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dutchbook.domain.instrument import FeeSchedule
from dutchbook.domain.units import ONE
from dutchbook.optimize.bracket import Tournament, worst_of
from dutchbook.optimize.exact import Market
from dutchbook.optimize.tree import Beats, Bracket, Reach, pays, worst
from unit.proof.market import KALSHI, POLY

FREE = FeeSchedule("none")


def ends(count):
    """All ways a knock-out can end: the winners of each round."""
    if count == 1:
        yield ()
        return
    for bits in product((0, 1), repeat=count // 2):
        alive = [2 * n + bit for n, bit in enumerate(bits)]
        for rest in ends(count // 2):
            yield (tuple(alive), *(tuple(alive[n] for n in won) for won in rest))


def paid(contract, wins, count):
    """What a YES pays, told a second time, from the games that were played."""
    alive = [tuple(range(count)), *wins]
    if isinstance(contract, Reach):
        return ONE if contract.team in alive[contract.wins] else 0
    for before, after in pairwise(alive):
        for n in range(0, len(before), 2):
            if {contract.a, contract.b} == set(before[n : n + 2]):
                return ONE if contract.a in after else 0
    return contract.unmet


@st.composite
def brackets(draw):
    count = draw(st.sampled_from((2, 4, 8)))
    team = st.integers(0, count - 1)
    contracts = {}
    for n in range(draw(st.integers(1, 7))):
        if draw(st.booleans()):
            contracts[f"k{n}"] = Reach(draw(team), draw(st.integers(1, count.bit_length() - 1)))
        else:
            a, b = draw(st.lists(team, min_size=2, max_size=2, unique=True))
            contracts[f"k{n}"] = Beats(a, b, draw(st.sampled_from((0, ONE // 2, ONE))))
    return Bracket(tuple(f"t{n}" for n in range(count)), contracts)


@settings(max_examples=100)
@given(brackets(), st.data())
def test_the_worst_end_is_the_worst_of_all(bracket, data):
    nets = {key: data.draw(st.integers(-9, 9)) * ONE for key in bracket.contracts}
    count = len(bracket.teams)
    sums = {
        wins: sum(net * paid(bracket.contracts[key], wins, count) for key, net in nets.items())
        for wins in ends(count)
    }
    found, wins = worst(bracket, nets)
    assert found == min(sums.values()) == sums[wins]
    assert all(
        pays(bracket, key, wins) == paid(contract, wins, count)
        for key, contract in bracket.contracts.items()
    )


def some_market(draw, key):
    sides = []
    for _ in range(2):
        pxs = sorted(draw(st.lists(st.integers(15, 80), max_size=2, unique=True)))
        sides.append(tuple((px * 10_000, draw(st.integers(1, 9)) * ONE) for px in pxs))
    return Market(key, *sides, draw(st.sampled_from((KALSHI, POLY, FREE))))


@settings(max_examples=60)
@given(brackets(), st.data())
def test_what_is_proved_is_the_worst_of_all_ends_and_the_bound_holds(bracket, data):
    """Exact by enumeration; and the bound is that of a programme over all ends."""
    markets = [some_market(data.draw, key) for key in bracket.contracts]
    model = Tournament(bracket, markets)
    found, count = model.solve(), len(bracket.teams)
    assert found.profit <= found.bound
    if found.bought:
        low = min(
            sum(
                qty * (pay if outcome == "yes" else ONE - pay)
                for (key, outcome), qty in found.bought.items()
                for pay in [paid(bracket.contracts[key], wins, count)]
            )
            for wins in ends(count)
        )
        assert found.profit == low // ONE - found.capital and found.label == "proved"
        assert worst_of(bracket, found.bought)[0] == low // ONE
    assert found.bound - round(model._lp.solve().value * ONE) <= 1_000


def test_a_changed_price_gives_what_a_fresh_model_gives():
    contracts = {"a": Reach(0, 1), "b": Reach(1, 1), "c": Beats(0, 1)}
    bracket = Bracket(("x", "y", "z", "w"), contracts)
    markets = [Market(key, ((480_000, 5 * ONE),), ((560_000, 5 * ONE),), FREE) for key in contracts]
    model = Tournament(bracket, markets, capital_max=4 * ONE)
    first = model.solve()
    assert first.profit > 0 and first.gap <= 1_000 and first.capital <= 4 * ONE
    model.reprice("a", "yes", ((600_000, 5 * ONE),))
    model.reprice("c", "yes", ())
    warm = model.solve()
    cold = Tournament(bracket, model.markets.values(), capital_max=4 * ONE).solve()
    assert (warm.label, warm.bought) == (cold.label, cold.bought) == ("none", {})
    assert warm.bound <= 1 and cold.bound <= 1 and set(warm.prices) == set(contracts)


@pytest.mark.parametrize(
    "teams, contract",
    [("abc", Reach(0, 1)), ("abcd", Reach(4, 1)), ("abcd", Reach(0, 3)), ("abcd", Beats(1, 1)),
     ("aacd", Reach(0, 1)), ("abcd", Beats(0, 1, 2 * ONE))],
)  # fmt: skip
def test_a_tree_that_can_not_be_is_refused(teams, contract):
    with pytest.raises(ValueError, match=r"power of two|no such"):
        Tournament(Bracket(tuple(teams), {"k": contract}), [Market("k", (), (), FREE)])


def test_all_of_a_round_is_a_bundle():
    """Who wins the cup: one of four, each for 20 cents."""
    contracts = {f"k{n}": Reach(n, 2) for n in range(4)}
    markets = [Market(key, ((200_000, 7 * ONE),), (), FREE) for key in contracts]
    found = Tournament(Bracket(tuple("abcd"), contracts), markets).solve()
    assert found.bought == {(key, "yes"): 7 * ONE for key in contracts}
    assert found.profit == 1_400_000 and found.gap <= 1
