"""Joint end states: against plain enumeration, and against the states that prove baskets."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dutchbook.domain.candidate import Candidate
from dutchbook.domain.instrument import EventGroup
from dutchbook.domain.relations import Link
from dutchbook.domain.units import ONE
from dutchbook.optimize.joint import Rule, clusters, rules_of
from dutchbook.optimize.states import end_states

KEYS = "abcdefg"


def holds(rule, state):
    """A rule told a second time, of a whole state."""
    yes = [state[key] for key in rule.members]
    return {
        "exclusive": sum(yes) <= 1,
        "exhaustive": sum(yes) >= 1,
        "same": len(set(yes)) == 1,
        "opposite": sum(yes) == 1,
        "implies": yes[0] <= yes[-1],
    }[rule.kind]


def naive(keys, rules):
    """Every state of every market, struck out where a rule is broken."""
    named = (dict(zip(KEYS, bits, strict=True)) for bits in product((0, 1), repeat=len(KEYS)))
    return {
        tuple(state[key] for key in keys)
        for state in named
        if all(holds(rule, state) for rule in rules)
    }


@st.composite
def some_rules(draw):
    rules = []
    for _ in range(draw(st.integers(0, 5))):
        kind = draw(st.sampled_from(("same", "opposite", "implies", "exclusive", "exhaustive")))
        two = kind in ("same", "opposite", "implies")
        keys = st.lists(st.sampled_from(KEYS), min_size=2, max_size=2 if two else 5, unique=True)
        rules.append(Rule(kind, tuple(draw(keys))))
    return rules


@settings(max_examples=300)
@given(some_rules(), st.lists(st.sampled_from(KEYS), min_size=1, unique=True))
def test_the_states_are_those_that_break_no_rule(rules, keys):
    """The clusters' product is the plain enumeration, where none contradict."""
    found = clusters(keys, rules)
    order = [key for cluster in found for key in cluster.keys]
    assert sorted(order) == sorted(keys)
    joined = {sum(parts, ()) for parts in product(*(cluster.states for cluster in found))}
    expected = naive(order, rules)
    assert expected <= joined
    if expected and not any(cluster.loose for cluster in found):
        assert expected == joined


def test_what_was_not_asked_for_still_carries_knowledge():
    rules = [Rule("implies", ("a", "b")), Rule("implies", ("b", "c"))]
    (cluster,) = clusters(["a", "c"], rules)
    assert set(cluster.states) == {(0, 0), (0, 1), (1, 1)}


def test_a_large_event_has_as_many_states_as_outcomes():
    ours, theirs = [f"k{n}" for n in range(64)], [f"p{n}" for n in range(64)]
    rules = [Rule("exclusive", tuple(ours)), Rule("exhaustive", tuple(ours))]
    rules += [Rule("same", pair) for pair in zip(ours, theirs, strict=True)]
    (cluster,) = clusters(theirs, rules)
    assert len(cluster.states) == 64 and all(sum(state) == 1 for state in cluster.states)


def test_too_many_states_and_contradictions_set_the_links_aside():
    many = [Rule("exhaustive", tuple(KEYS))]
    found = clusters(list(KEYS), many, states_max=100)
    assert [c.states for c in found] == [((0,), (1,))] * 7
    assert {c.loose for c in found} == {"too many joint states"}
    against = [Rule("same", ("a", "b")), Rule("opposite", ("a", "b"))]
    assert {c.loose for c in clusters("ab", against)} == {"the links contradict each other"}
    (part,) = clusters("ab", [*many, Rule("implies", ("a", "b"))], states_max=10)
    assert set(part.states) == {(0, 0), (0, 1), (1, 1)} and part.loose


def test_rules_come_from_events_and_links():
    group = EventGroup("e", "v", "", ("a", "b"), exclusive=True, exhaustive=True)
    loose = EventGroup("f", "v", "", ("c", "d"))
    link = Link("l", "implies", ("a", "c"), 1)
    assert rules_of([group, loose], [link]) == [
        Rule("exclusive", ("a", "b")), Rule("exhaustive", ("a", "b")), Rule("implies", ("a", "c")),
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["same", "opposite", "implies", "complement"])
@pytest.mark.parametrize("outcomes", list(product(("yes", "no"), repeat=2)))
@pytest.mark.parametrize("venue", ["kalshi", "polymarket"])
def test_worst_payoffs_are_those_of_the_proved_states(kind, outcomes, venue):
    """Voids among the common terms change no worst case, for any long pair of contracts."""
    a, b = f"{venue}:a", f"{venue}:b"
    b = a if kind == "complement" else b
    named = {"implies": "implication", "complement": "complement"}.get(kind, "cross_venue")
    links = () if kind == "complement" else (Link("l", kind, (a, b), 1),)
    legs = tuple(zip((a, b), outcomes, strict=True))
    sure, _ = end_states(Candidate("x", named, legs, ONE, links))
    (cluster,) = clusters([a, b], rules_of((), links))

    def worst(ends):
        return min(
            sum(pays[key] if outcome == "yes" else ONE - pays[key] for key, outcome in legs)
            for pays in ends
        )

    ours = [dict(zip(cluster.keys, (ONE * y for y in s), strict=True)) for s in cluster.states]
    assert worst(ours) == worst([pays for _, pays in sure])
