"""The hedge finder: stories, and every hedge against brute force over sizes and states."""

from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dutchbook.domain.fees import order_total
from dutchbook.domain.instrument import CENT, FeeSchedule, Instrument
from dutchbook.domain.units import ONE
from dutchbook.optimize.joint import Holding, Rule
from dutchbook.optimize.walk import take
from dutchbook.risk.hedge import find

FREE = FeeSchedule("none")
KALSHI = FeeSchedule("kalshi", taker=70_000, precision=10_000)
POLY = FeeSchedule("polymarket", taker=40_000)


class Books:
    """A View of markets with these offers: {(key, outcome): [(cents, contracts), ...]}."""

    def __init__(self, offers, fees=FREE, **market):
        self.ladders = {
            place: [(px * 10_000, qty * ONE) for px, qty in ladder]
            for place, ladder in offers.items()
        }
        self.fees, self.fields, self.old = fees, {"lot": ONE} | market, set()
        self.now, self.seq, self.run = 1, 1, "r1"

    def instrument(self, key):
        if key == "gone":
            raise KeyError(key)
        return Instrument(key, key[0], key, "e", key, "Yes", CENT, self.fees, **self.fields)

    def stale(self, key, outcome):
        return "gap" if (key, outcome) in self.old else ""

    def offers(self, key, outcome, levels):
        return self.ladders.get((key, outcome), [])[:levels]


def held(key, outcome="yes", qty=10, cents=50):
    return Holding(key, outcome, qty * ONE, qty * cents * 10_000)


def told(hedge):
    return (
        hedge.kind,
        [(leg.key, leg.outcome, leg.px // 10_000, leg.qty // ONE) for leg in hedge.legs],
        hedge.cost // 10_000,
        hedge.reduced // 10_000,
    )


def test_the_other_outcome_is_bought_up_to_what_is_held():
    books = Books({("a", "no"): [(40, 6), (45, 20)], ("a", "yes"): [(56, 100)]})
    (hedge,) = find([held("a")], [], books)
    assert told(hedge) == ("complement", [("a", "no", 45, 10)], 420, 580)
    assert (hedge.before, hedge.after, hedge.rate) == (5 * ONE, -800_000, 724_138)
    assert hedge.covers == ("a",)


def test_an_equal_market_of_the_other_venue_is_listed_by_its_price():
    books = Books({("k", "no"): [(48, 50)], ("p", "no"): [(44, 50)], ("o", "yes"): [(46, 5)]})
    rules = [Rule("same", ("k", "p")), Rule("opposite", ("p", "o"))]
    found = [told(hedge) for hedge in find([held("k")], rules, books)]
    assert found == [
        ("equivalent", [("p", "no", 44, 10)], 440, 560),
        ("equivalent", [("o", "yes", 46, 5)], 230, 270),
        ("complement", [("k", "no", 48, 10)], 480, 520),
    ]


def test_an_implied_market_covers_what_implies_it():
    """YES of A is lost when A fails, with B or without: NO of B covers only half of that."""
    books = Books({("b", "yes"): [(70, 50)], ("b", "no"): [(35, 50)]})
    rules = [Rule("implies", ("a", "b"))]
    assert find([held("a")], rules, books) == []
    (hedge,) = find([held("a", "no")], rules, books)  # loses where A comes true: then B does
    assert told(hedge) == ("linked", [("b", "yes", 70, 10)], 700, 300)


def test_all_other_outcomes_of_an_event_cover_one():
    keys = ("a", "b", "c", "d")
    books = Books({(key, "yes"): [(10, 30)] for key in keys[1:]})
    rules = [Rule("exclusive", keys), Rule("exhaustive", keys)]
    (hedge,) = find([held("a")], rules, books)
    assert told(hedge)[0] == "basket" and len(hedge.legs) == 3
    assert told(hedge)[2:] == (300, 700)
    assert find([held("a")], rules[:1], books) == []


def test_a_pair_of_which_neither_helps_alone():
    """NO of A and of B: the worst is either coming true, and both must be covered."""
    keys = ("a", "b", "c")
    books = Books({("a", "yes"): [(20, 30)], ("b", "yes"): [(25, 30)]})
    rules = [Rule("exclusive", keys), Rule("exhaustive", keys)]
    (hedge,) = find([held("a", "no", cents=80), held("b", "no", cents=80)], rules, books)
    assert told(hedge)[:2] == ("basket", [("a", "yes", 20, 10), ("b", "yes", 25, 10)])
    assert hedge.before == 6 * ONE and hedge.after == 6 * ONE - hedge.reduced


@pytest.mark.parametrize("what", ["stale", "closed", "gone", "small", "poor", "dear", "safe"])
def test_what_is_not_listed(what):
    """Stale books, closed and unknown markets, sizes below the least, no gain, nothing to lose."""
    more = {"closed": {"status": "closed"}, "small": {"size_min": 50 * ONE},
            "poor": {"cost_min": 50 * ONE}}.get(what, {})  # fmt: skip
    books = Books({("a", "no"): [(99 if what == "dear" else 40, 20)]}, KALSHI, **more)
    if what == "stale":
        books.old.add(("a", "no"))
    key = "gone" if what == "gone" else "a"
    book = [held(key, qty=1 if what == "dear" else 10)] + (
        [held(key, "no", cents=40)] if what == "safe" else []
    )
    assert find(book, [], books) == []


def naive_states(keys, rules):
    for bits in product((0, 1), repeat=len(keys)):
        state = dict(zip(keys, bits, strict=True))
        yes = {rule: [state[key] for key in rule.members] for rule in rules}
        if all(
            {
                "exclusive": sum(y) <= 1,
                "exhaustive": sum(y) >= 1,
                "same": y[0] == y[-1],
                "implies": y[0] <= y[-1],
            }[rule.kind]
            for rule, y in yes.items()
        ):
            yield state


def loss(holdings, legs, spent, qty, keys, rules):
    """The worst-case loss after a purchase, from nothing but the definition."""
    return -min(
        sum(h.qty for h in holdings if state[h.key] == (h.outcome == "yes"))
        + sum(qty for key, outcome in legs if state[key] == (outcome == "yes"))
        - sum(h.cost for h in holdings)
        - spent
        for state in naive_states(keys, rules)
    )


def pays_always(legs, rules):
    return all(
        any(state[key] == (outcome == "yes") for key, outcome in legs)
        for state in naive_states(KEYS, rules)
    )


KEYS = ("a", "b", "c")
WEBS = [
    [Rule("exclusive", KEYS)],
    [Rule("exclusive", KEYS), Rule("exhaustive", KEYS)],
    [Rule("implies", ("a", "b")), Rule("implies", ("b", "c"))],
    [Rule("same", ("a", "b")), Rule("implies", ("a", "c"))],
]
LADDERS = st.lists(st.tuples(st.integers(2, 98), st.integers(1, 5)), max_size=3).map(sorted)


@settings(max_examples=150)
@given(
    st.sampled_from(WEBS),
    st.dictionaries(st.sampled_from(list(product(KEYS, ("yes", "no")))), LADDERS, max_size=6),
    st.lists(
        st.builds(held, st.sampled_from(KEYS), st.sampled_from(("yes", "no")), st.integers(1, 8),
                  st.integers(1, 99)),
        min_size=1, max_size=3,
    ),
    st.sampled_from((FREE, POLY, KALSHI)),
)  # fmt: skip
def test_hedges_are_those_of_brute_force(rules, offers, holdings, fees):
    """Every single and pair at every size: none that helps is left out, no number is wrong."""
    books = Books(offers, fees)
    found = {
        frozenset((leg.key, leg.outcome) for leg in h.legs): h for h in find(holdings, rules, books)
    }
    before = loss(holdings, (), 0, 0, KEYS, rules)
    noise = {FREE: 0, POLY: 100, KALSHI: 30_000}[fees]
    helps = set()
    for legs in (c for n in (1, 2) for c in combinations(books.ladders, n)):
        ladders = [books.ladders[leg] for leg in legs]
        depth = min(sum(size for _, size in ladder) for ladder in ladders) if ladders else 0
        best = before
        for qty in range(ONE, depth + 1, ONE):
            spent = sum(order_total(fees, take(ladder, qty)) for ladder in ladders)
            best = min(best, loss(holdings, legs, spent, qty, KEYS, rules))
        hedge = found.get(frozenset(legs))
        if pays_always(legs, rules):
            assert hedge is None
        elif hedge is not None:
            assert best <= hedge.after <= best + noise
            assert before > 0
        elif len(legs) == 1:
            assert before <= 0 or best >= before - noise
            helps |= {legs[0]} if best < before else set()
        elif not any(frozenset([leg]) in found for leg in legs) and not helps & set(legs):
            assert before <= 0 or best >= before - noise
    for legs, hedge in found.items():
        qty = hedge.legs[0].qty
        spent = [order_total(fees, take(books.ladders[k, o], qty)) for k, o in legs]
        assert hedge.before == before and sum(spent) == hedge.cost
        assert hedge.after == loss(holdings, legs, hedge.cost, qty, KEYS, rules)
        assert hedge.reduced > 0 and {leg.qty for leg in hedge.legs} == {qty}


@settings(max_examples=50)
@given(st.lists(st.integers(2, 98), min_size=3, max_size=6))
def test_cheapest_per_unit_of_reduction_comes_first(prices):
    keys = [f"m{n}" for n in range(len(prices))]
    books = Books({(key, "no"): [(px, 20)] for key, px in zip(keys, prices, strict=True)})
    found = find([held("h")], [Rule("same", ("h", key)) for key in keys], books)
    assert [hedge.legs[0].px // 10_000 for hedge in found] == sorted(prices)
    rates = [hedge.rate for hedge in found]
    assert rates == sorted(rates)
