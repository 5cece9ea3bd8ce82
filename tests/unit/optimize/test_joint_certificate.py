"""Certificates of portfolios: the second checker proves them alone, and refuses any change."""

import copy
import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dutchbook import verifier, verifier_joint
from dutchbook.domain.errors import CertificateError
from dutchbook.domain.instrument import EventGroup
from dutchbook.domain.relations import Link
from dutchbook.domain.units import ONE
from dutchbook.optimize.bracket import Tournament
from dutchbook.optimize.combine import Combiner, Portfolio
from dutchbook.optimize.exact import Market
from dutchbook.optimize.joint import Rule, rules_of
from dutchbook.optimize.logic import Linear, least, linears, parts
from dutchbook.optimize.portfolio import Basis, certify
from dutchbook.optimize.tree import Beats, Bracket, Reach
from unit.proof.market import World, market

KEYS = [f"kalshi:{name}" for name in "abcdef"]


def stock(world):
    return [
        Market(one.key, tuple(world.ladders.get((one.key, "yes"), ())),
               tuple(world.ladders.get((one.key, "no"), ())), one.fees, one.lot, one.size_min)
        for one in world.instruments()
    ]  # fmt: skip


def linked():
    """Two links, an event and a claim, and a portfolio over all of them."""
    links = (Link("l1", "implies", (KEYS[0], KEYS[1]), 2), Link("l2", "same", KEYS[4:], 1))
    group = EventGroup("kalshi:E", "kalshi", "Who?", (KEYS[1], KEYS[2], KEYS[3]), True, False)
    claims = (Linear((KEYS[2], KEYS[3], KEYS[4]), (1, 1, -1), 0),)
    offers = {(KEYS[0], "yes"): [(400_000, 60 * ONE)], (KEYS[1], "no"): [(350_000, 50 * ONE)],
              (KEYS[1], "yes"): [(250_000, 9 * ONE)], (KEYS[0], "no"): [(600_000, 30 * ONE)],
              (KEYS[4], "no"): [(450_000, 30 * ONE)], (KEYS[5], "yes"): [(350_000, 44 * ONE)],
    }  # fmt: skip
    world = World([market(key) for key in KEYS], offers, [group], links)
    rules = linears(rules_of([group], links)) + list(claims)
    found = Combiner(stock(world), rules).solve()
    assert found.label == "proved"
    markets = {one.key: one for one in stock(world)}
    return found, certify(found, markets, Basis(links, (group,), claims), world)


def knocked_out():
    """A cup of four, with half a meeting in it."""
    contracts = {KEYS[n]: Reach(n, 2) for n in range(4)} | {
        KEYS[4]: Beats(0, 1),
        KEYS[5]: Reach(0, 1),
    }
    bracket = Bracket(("w", "x", "y", "z"), contracts)
    offers = {(key, "yes"): [(200_000, 40 * ONE)] for key in KEYS[:4]}
    offers |= {(KEYS[4], "yes"): [(300_000, 20 * ONE)], (KEYS[5], "no"): [(500_000, 20 * ONE)]}
    world = World([market(key) for key in KEYS], offers)
    markets = stock(world)
    found = Tournament(bracket, markets).solve()
    basis = Basis(bracket=bracket)
    return found, certify(found, {one.key: one for one in markets}, basis, world)


MADE = {"links": linked(), "tree": knocked_out()}


@pytest.mark.parametrize("name", MADE)
def test_a_portfolio_is_proved_by_its_certificate_alone(name):
    found, document = MADE[name]
    assert verifier_joint.verify(document) == []
    assert document["proved"] == found.profit > 0 > document["residual_worst"]
    assert verifier.verify(document) != []


def places(data, path=()):
    """Every number and text in a document, by its path."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from places(value, (*path, key))
    elif isinstance(data, list):
        for n, value in enumerate(data):
            yield from places(value, (*path, n))
    elif data is not None:
        yield path


@settings(max_examples=300)
@given(st.sampled_from(sorted(MADE)), st.data())
def test_any_change_is_refused(name, data):
    """Also where the checksum is made to fit again, if it changes what is proved."""
    document = copy.deepcopy(MADE[name][1])
    path = data.draw(st.sampled_from(list(places(document))))
    at = document
    for step in path[:-1]:
        at = at[step]
    old = at[path[-1]]
    at[path[-1]] = not old if isinstance(old, bool) else old + (1 if isinstance(old, int) else "x")
    assert verifier_joint.verify(document) != []
    money = {"px", "qty", "cost", "fee", "total", "capital", "proved", "residual_worst", "label",
             "edge", "kind", "schema", "outcome", "lot"}  # fmt: skip
    if path[-1] in money:
        del document["checksum"]
        document["checksum"] = verifier.digest(document)
        assert verifier_joint.verify(document) != []


def test_what_is_bounded_is_never_taken_for_proved():
    """The label alone refuses it; and the label alone makes nothing proved."""
    found, document = MADE["links"]
    for label in ("bounded", "none", "PROVED"):
        changed = document | {"label": label}
        del changed["checksum"]
        changed["checksum"] = verifier.digest(changed)
        assert any("not proved" in problem for problem in verifier_joint.verify(changed))
    worse = {name: value for name, value in document.items() if name != "checksum"}
    worse["proved"] += 1
    worse["checksum"] = verifier.digest(worse)
    assert any("proved should be" in problem for problem in verifier_joint.verify(worse))
    empty = msgspec.structs.replace(found, bought={})
    with pytest.raises(CertificateError, match="nothing to certify"):
        certify(empty, {}, Basis(), World([]))
    assert isinstance(empty, Portfolio)


@settings(max_examples=100)
@given(st.data())
def test_the_checker_counts_states_as_the_optimiser_does(data):
    """Two tellings of one dynamic programme, over any rules."""
    rules = []
    for _ in range(data.draw(st.integers(0, 4))):
        kind = data.draw(
            st.sampled_from(("same", "opposite", "implies", "exclusive", "exhaustive"))
        )
        most = 4 if kind in ("exclusive", "exhaustive", "same") else 2
        names = st.lists(st.sampled_from("abcdef"), min_size=2, max_size=most, unique=True)
        rules.append(Rule(kind, tuple(data.draw(names))))
    nets = {key: data.draw(st.integers(-9, 9)) for key in "abcdef"}
    links = [{"link": {"kind": rule.kind, "members": list(rule.members)}} for rule in rules]
    said = verifier_joint._rules({"links": links, "groups": [], "claims": []})
    try:
        wanted = sum(
            least(group, linears(rules), nets, 9_999) for group in parts(nets, linears(rules))
        )
    except ValueError:
        with pytest.raises(ValueError, match="contradict"):
            verifier_joint._worst(list(nets), said, nets)
        return
    assert verifier_joint._worst(list(nets), said, nets) == wanted


def test_the_second_checker_is_small_and_needs_nothing():
    text = Path(verifier_joint.__file__).read_text()
    assert len(text.splitlines()) < 200
    found = set(re.findall(r"^(?:from|import) (\S+)", text, re.MULTILINE))
    assert found == {"typing", "dutchbook.verifier"}


@pytest.mark.parametrize("junk", [None, [], {}, {"kind": "combinatorial"}, 3, "x"])
def test_junk_is_malformed_not_a_crash(junk):
    assert verifier_joint.verify(junk) != []
