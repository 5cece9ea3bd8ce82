"""Value at risk and expected shortfall: against plain enumeration, closed forms and invariances."""

from fractions import Fraction
from itertools import pairwise, product
from math import prod
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dutchbook.domain.units import ONE
from dutchbook.optimize.joint import Cluster, Holding, Rule
from dutchbook.risk.tails import merged, tails
from dutchbook.risk.var import joint_chances, measure

LEVELS = (500_000, 900_000, 950_000, 990_000)


def naive_tails(atoms, level):
    """VaR and ES of {profit: probability} in fractions, straight from the definitions."""
    tail = 1 - Fraction(level, ONE)
    left, worst, var = tail, Fraction(0), None
    for profit in sorted(atoms):
        taken = min(left, atoms[profit])
        worst += taken * profit
        left -= taken
        if var is None and sum(w for p, w in atoms.items() if p <= profit) > tail:
            var = -profit
    return var, -worst / tail


def events(draw):
    """Independent exclusive events: prices that sum to at most 1, some of them exhaustive."""
    found = []
    for n in range(draw(st.integers(1, 3))):
        count = draw(st.integers(1, 3))
        cuts = draw(st.lists(st.integers(1, 99), min_size=count, max_size=count, unique=True))
        edges = [0, *sorted(cuts)]
        prices = [(b - a) * 10_000 for a, b in pairwise(edges)]
        certain = draw(st.booleans()) and count > 1
        if certain:
            prices[-1] += ONE - sum(prices)
        found.append(({f"e{n}m{m}": p for m, p in enumerate(prices)}, certain))
    return found


@st.composite
def books(draw):
    """(events, holdings): a few lots of either outcome of some markets."""
    made = events(draw)
    keys = [key for prices, _ in made for key in prices]
    holdings = [
        Holding(key, draw(st.sampled_from(("yes", "no"))), draw(st.integers(1, 500)) * 10_000,
                draw(st.integers(0, 5_000_000)))
        for key in draw(st.lists(st.sampled_from(keys), min_size=1, max_size=5))
    ]  # fmt: skip
    return made, holdings


def rules_of(made):
    rules = [Rule("exclusive", tuple(prices)) for prices, _ in made]
    return rules + [Rule("exhaustive", tuple(prices)) for prices, certain in made if certain]


def naive_atoms(made, holdings):
    """Every joint outcome of every event, one by one."""
    ways = []
    for prices, certain in made:
        outcomes = [(key, Fraction(p, ONE)) for key, p in prices.items()]
        none = 1 - sum(p for _, p in outcomes)
        ways.append(outcomes if certain else [*outcomes, ("", none)])
    atoms = {}
    for way in product(*ways):
        won = {key for key, _ in way}
        profit = sum(
            (h.qty if (h.key in won) == (h.outcome == "yes") else 0) - h.cost for h in holdings
        )
        atoms[profit] = atoms.get(profit, 0) + prod(p for _, p in way)
    return atoms


@settings(max_examples=200)
@given(books())
def test_the_exact_number_is_that_of_plain_enumeration(book):
    made, holdings = book
    chances = {key: p for prices, _ in made for key, p in prices.items()}
    found = measure(holdings, chances, rules_of(made), levels=LEVELS)
    atoms = {profit: p for profit, p in naive_atoms(made, holdings).items() if p}
    for tail in found.tails:
        var, es = naive_tails(atoms, tail.level)
        assert tail.var == var and abs(tail.es - es) <= 1
        assert tail.es >= tail.var
    mean = sum(profit * p for profit, p in atoms.items())
    assert abs(found.mean - mean) <= len(found.parts)
    assert found.draws == 0 and found.worst <= min(atoms) and found.best >= max(atoms)


@settings(max_examples=60)
@given(books(), st.integers(1, 5), st.integers(-10, 10))
def test_invariances(book, times, more):
    """Twice the size, twice the loss; a sure cost shifts it; the order of holdings is nothing."""
    made, holdings = book
    chances = {key: p for prices, _ in made for key, p in prices.items()}
    rules = rules_of(made)
    base = measure(holdings, chances, rules)
    assert measure(holdings[::-1], chances, rules[::-1]).tails == base.tails
    scaled = [Holding(h.key, h.outcome, h.qty * times, h.cost * times) for h in holdings]
    first, *rest = holdings
    dearer = [Holding(first.key, first.outcome, first.qty, first.cost + more), *rest]
    for old, big, dear in zip(
        base.tails, measure(scaled, chances, rules).tails, measure(dearer, chances, rules).tails,
        strict=True,
    ):  # fmt: skip
        assert big.var == old.var * times and abs(big.es - old.es * times) <= times
        assert dear.var == old.var + more and abs(dear.es - old.es - more) <= 1


@settings(max_examples=60)
@given(books(), st.integers(0, 5))
def test_expected_shortfall_is_subadditive(book, cut):
    """Two books together never have more of it than each by itself (Acerbi & Tasche)."""
    made, holdings = book
    chances = {key: p for prices, _ in made for key, p in prices.items()}
    one, two = holdings[:cut], holdings[cut:]
    whole, a, b = (measure(part, chances, rules_of(made)) for part in (holdings, one, two))
    for w, x, y in zip(whole.tails, a.tails, b.tails, strict=True):
        assert w.es <= x.es + y.es + 2


def test_yes_and_no_of_one_market_carry_no_risk():
    pair = [Holding("a", "yes", 5 * ONE, 2 * ONE), Holding("a", "no", 5 * ONE, 2 * ONE)]
    found = measure(pair, {"a": 310_000})
    assert {(tail.var, tail.es) for tail in found.tails} == {(-ONE, -ONE)}
    assert (found.worst, found.best) == (ONE, ONE)


def test_links_make_a_cross_venue_pair_riskless_and_say_how_prices_differ():
    pair = [Holding("k:a", "yes", ONE, 400_000), Holding("p:a", "no", ONE, 500_000)]
    chances = {"k:a": 420_000, "p:a": 480_000}
    linked = measure(pair, chances, [Rule("same", ("k:a", "p:a"))])
    assert linked.worst == linked.best == 100_000
    assert 25_000 < linked.parts[0].misfit < 35_000
    apart = measure(pair, chances)
    assert apart.worst == -900_000 and apart.tails[0].var == 900_000


def test_implication_has_the_distribution_that_prices_leave():
    """With A at 30 and B at 70: both 30 %, B alone 40 %, neither 30 %."""
    cluster = Cluster(("a", "b"), ((0, 0), (0, 1), (1, 1)))
    weights, misfit = joint_chances(cluster, {"a": 300_000, "b": 700_000})
    assert weights == pytest.approx([0.3, 0.4, 0.3], abs=1e-6) and misfit == 0
    weights, misfit = joint_chances(cluster, {"a": 700_000, "b": 300_000})
    assert weights[1] < 0.01 and misfit > 150_000


@settings(max_examples=60)
@given(st.lists(st.integers(0, 1_000_000), min_size=3, max_size=3), st.data())
def test_joint_chances_give_each_market_its_price_where_they_can(weights, data):
    """Prices made from a real distribution over the states are met by the fitted one."""
    assume(sum(weights) > 0)
    states = data.draw(st.lists(
        st.tuples(*[st.integers(0, 1)] * 3), min_size=3, max_size=3, unique=True,
    ))  # fmt: skip
    prices = {
        key: sum(w for w, s in zip(weights, states, strict=True) if s[n]) * ONE // sum(weights)
        for n, key in enumerate("abc")
    }
    found, misfit = joint_chances(Cluster(tuple("abc"), tuple(states)), prices)
    assert found.sum() == pytest.approx(1) and (found >= 0).all()
    assert misfit < 20_000  # slow where the distribution lies on an edge


def test_prices_of_an_event_that_sum_to_more_than_one_are_scaled():
    cluster = Cluster(("a", "b"), ((0, 1), (1, 0)))
    weights, misfit = joint_chances(cluster, {"a": 630_000, "b": 420_000})
    assert weights == pytest.approx([0.4, 0.6]) and misfit == 30_000


def many(count):
    keys = [f"m{n}" for n in range(count)]
    chances = {key: 200_000 + 7_000 * n for n, key in enumerate(keys)}
    return [Holding(k, "yes", ONE + n * 12_347, 300_000) for n, k in enumerate(keys)], chances


def test_monte_carlo_is_near_the_exact_number_and_repeats_itself():
    holdings, chances = many(15)
    exact = measure(holdings, chances)
    drawn = measure(holdings, chances, atoms_max=100, seed=5)
    assert exact.draws == 0 and drawn.draws == 1 << 16
    assert drawn == measure(holdings, chances, atoms_max=100, seed=5)
    assert drawn.tails != measure(holdings, chances, atoms_max=100, seed=6).tails
    for a, b in zip(exact.tails, drawn.tails, strict=True):
        assert abs(a.var - b.var) < 100_000 and abs(a.es - b.es) < 60_000


def test_a_normal_profit_alone_has_the_textbook_numbers():
    found = measure([], {}, sigma=1_000_000_000)
    for tail in found.tails:
        z = NormalDist().inv_cdf(tail.level / ONE)
        assert tail.var == pytest.approx(z * 1e9, abs=2)
        es = NormalDist().pdf(z) / (1 - tail.level / ONE) * 1e9
        assert tail.es == pytest.approx(es, rel=1e-8)


def test_contracts_and_linear_assets_make_one_number():
    """Against a million draws of the sum."""
    holdings, chances = many(6)
    found = measure(holdings, chances, sigma=700_000)
    chance = np.random.default_rng(1)
    total = chance.normal(0, 700_000, 1_000_000)
    for h in holdings:
        total += np.where(chance.random(1_000_000) < chances[h.key] / ONE, h.qty, 0) - h.cost
    total.sort()
    for tail in found.tails:
        at = round((1 - tail.level / ONE) * 1_000_000)
        assert tail.var == pytest.approx(-total[at], abs=15_000)
        assert tail.es == pytest.approx(-total[:at].mean(), abs=15_000)


def test_a_tiny_normal_changes_nothing():
    holdings, chances = many(6)
    plain, noisy = measure(holdings, chances), measure(holdings, chances, sigma=1)
    for a, b in zip(plain.tails, noisy.tails, strict=True):
        assert abs(a.var - b.var) < 10 and abs(a.es - b.es) < 10


def test_a_loss_whose_chance_is_the_tail_exactly_is_not_the_value_at_risk():
    """P(L <= 0) is 95 %: the quantile is 0, the shortfall the whole loss."""
    found = tails(merged(np.array([-100, 0]), np.array([0.05, 0.95])), (950_000,))[0]
    assert (found.var, found.es) == (0, 100)


def test_what_cannot_be_added_up_or_asked_for_is_refused():
    with pytest.raises(ValueError, match="too large"):
        measure([Holding("a", "yes", 1 << 62, 0)], {"a": 1})
    with pytest.raises(ValueError, match="level"):
        measure([], {}, levels=(ONE,))
