"""What a certificate proves, against every end state counted by brute force, and by hand."""

import json
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dutchbook import verifier
from dutchbook.domain.errors import CertificateError
from dutchbook.domain.fees import order_total
from dutchbook.domain.units import DAY, ONE
from dutchbook.optimize import prove as proving
from dutchbook.optimize.prove import certificate_decode, certificate_json, prove
from unit.proof.market import (
    NOW,
    A,
    B,
    World,
    basket,
    bundle,
    cents,
    document,
    kinds,
    market,
    pair,
    same,
)

RULE = {
    "same": lambda a, b: a == b,
    "opposite": lambda a, b: a != b,
    "implies": lambda a, b: b or not a,
}


def brute(proof):
    """Every way in which the markets can settle YES or NO that the claims allow: least profit."""
    keys = list(dict.fromkeys(leg["instrument"] for leg in proof["legs"]))
    spent = sum(
        order_total(leg.fees, [(f.px, f.qty) for f in leg.fills])
        for leg in certificate_decode(proof).legs
    )
    profits = []
    for ends in product((False, True), repeat=len(keys)):
        end = dict(zip(keys, ends, strict=True))
        if proof["group"] and sum(ends) != 1:
            continue
        links = [item["link"] for item in proof["links"] if not proof["group"]]
        if not all(RULE[link["kind"]](*(end[m] for m in link["members"])) for link in links):
            continue
        won = sum(
            leg["qty"]
            for leg in proof["legs"]
            if end[leg["instrument"]] == (leg["outcome"] == "yes")
        )
        profits.append(won - spent)
    return min(profits)


def test_proved_is_the_worst_of_all_end_states():
    for name, proof in kinds().items():
        assert proof["proved"] == brute(proof) > 0, name
        assert proof["residual_worst"] == min(s["profit"] for s in proof["residual"]), name


prices = st.lists(st.integers(3, 60), min_size=3, max_size=3)


@settings(max_examples=60)
@given(st.sampled_from(["yes", "no"]), prices)
def test_bundles_at_any_prices(side, pxs):
    payout = 100 if side == "yes" else 200
    if sum(pxs) > payout * 0.9:
        return
    proof = bundle(side, (), pxs)
    assert proof["proved"] == brute(proof)
    assert verifier.verify(proof) == []


def test_every_number_of_one_certificate_by_hand():
    """YES on Kalshi at 40 cents, NO on Polymarket at 50: ten of each, locked up for 30 days."""
    offers = {(A, "yes"): cents((40, 10)), (B, "no"): cents((50, 10))}
    world = World([market(A), market(B)], offers)
    proof = document(pair("cross_venue", ((A, "yes"), (B, "no")), same()), world)
    # Kalshi: $4 and 0.07 x 10 x .24 = $0.168, together $4.17 by the cent; Polymarket: $5 + $0.10
    assert [leg["total"] for leg in proof["legs"]] == [4_170_000, 5_100_000]
    assert (proof["capital"], proof["proved"], proof["edge"]) == (9_270_000, 730_000, 73_000)
    assert proof["annualised"] == 730_000 * ONE * 365 // (9_270_000 * 30) == 958_108
    assert (proof["lockup"], proof["confidence"], proof["at"]) == (30 * DAY, 990_000, NOW)
    assert [(s["name"], s["profit"]) for s in proof["states"]] == [
        (f"{A} YES, {B} YES", 730_000),
        (f"{A} NO, {B} NO", 730_000),
    ]
    assert [(s["name"], s["payoff"]) for s in proof["residual"]] == [
        (f"{A} YES, {B} NO", 20 * ONE),
        (f"{A} YES, {B} 50/50", 15 * ONE),
        (f"{A} NO, {B} YES", 0),
        (f"{A} NO, {B} 50/50", 5 * ONE),
        (f"{A} 50/50, {B} YES", 5 * ONE),
        (f"{A} 50/50, {B} NO", 15 * ONE),
        (f"{A} 50/50, {B} 50/50", 10 * ONE),
        (f"{A} last price, the other against us", 0),
        (f"{B} last price, the other against us", 0),
    ]
    assert proof["residual_worst"] == -9_270_000


def test_the_void_is_proved_where_the_terms_define_it_and_residual_elsewhere():
    documents = kinds()
    poly, kalshi = documents[f"complement {B}"], documents[f"complement {A}"]
    assert [s["name"] for s in poly["states"]] == [f"{B} YES", f"{B} NO", f"{B} 50/50"]
    assert [s["name"] for s in kalshi["residual"]] == [f"{A} 50/50", f"{A} last price"]
    inside = documents[f"implies {B} {B}2"]
    assert inside["states"][-1]["name"] == f"{B} 50/50, {B}2 50/50"


def test_a_bundle_of_no_pays_one_less_than_it_has_outcomes():
    proof = bundle("no")
    assert {s["payoff"] for s in proof["states"]} == {2 * proof["qty"]}
    assert [s["payoff"] * 2 // proof["qty"] for s in proof["residual"]] == [6, 3, 2]
    assert proof["edge"] == proof["proved"] * ONE // (2 * proof["qty"])


def test_lockup_is_the_latest_settling_or_closing_or_the_default():
    offers = {(A, "yes"): cents((40, 10)), (B, "no"): cents((50, 10))}
    candidate = pair("cross_venue", ((A, "yes"), (B, "no")), same())
    cases = [
        ({"closes": NOW + DAY}, {"closes": NOW + DAY, "settles": NOW + 9 * DAY}, 9 * DAY),
        ({"closes": NOW + DAY}, {"closes": 0}, proving.LOCKUP_DEFAULT),
        ({"closes": NOW - DAY}, {"closes": NOW - DAY}, proving.LOCKUP_MIN),
    ]
    for first, second, lockup in cases:
        world = World([market(A, **first), market(B, **second)], offers)
        proof = document(candidate, world)
        assert proof["lockup"] == lockup and verifier.verify(proof) == []


def test_confidence_multiplies_links_and_the_chance_to_fill():
    offers = {(A, "yes"): cents((40, 10)), (B, "no"): cents((50, 10))}
    world = World([market(A), market(B)], offers)
    bought = basket(pair("cross_venue", ((A, "yes"), (B, "no")), same()), world)
    proof = prove(bought, world, fill_chance=900_000)
    assert (proof.confidence, proof.fill_chance) == (891_000, 900_000)
    assert verifier.verify(certificate_json(proof)) == []


def test_a_candidate_that_promises_too_much_is_not_proved():
    """NO of every outcome pays n-1; a strategy that said n would be stopped here."""
    offers = {(A, "yes"): cents((40, 10)), (B, "no"): cents((50, 10))}
    world = World([market(A), market(B)], offers)
    wrong = pair("cross_venue", ((A, "yes"), (B, "no")), same(), payout=2 * ONE)
    with pytest.raises(CertificateError, match="less than was promised"):
        prove(basket(wrong, world), world)


def test_the_same_basket_gives_the_same_bytes():
    """The golden checksum changes only when the schema or a rule of proof does."""
    first, second = kinds(), kinds()
    assert json.dumps(first) == json.dumps(second)
    sums = verifier.digest([first[name]["checksum"] for name in sorted(first)])
    assert sums == "cfcf45d683d63298a84604e637e0321cc869147cfeac93294a9f0345325830a5"


@pytest.mark.parametrize("junk", [{}, {"legs": [], "links": [], "group": None}, {"legs": 5}])
def test_junk_is_no_certificate(junk):
    with pytest.raises(CertificateError, match="not a certificate"):
        certificate_decode(junk)


MUTANTS = {
    "a fee rounded down": (
        "dutchbook.optimize.walk.fill_fee",
        lambda f, p, q: f.taker * q * p * (ONE - p) // ONE**3,
    ),
    "a total not rounded up": (
        "dutchbook.optimize.walk.order_total",
        lambda f, x: sum(p * q // ONE for p, q in x),
    ),
    "a cost rounded down": ("dutchbook.optimize.walk.cost", lambda p, q: p * q // ONE - 1),
    "a state left out": ("dutchbook.optimize.prove.end_states", None),
    "a year of 360 days": ("dutchbook.optimize.prove.YEAR", 360 * DAY),
    "a lock-up default of 29 days": ("dutchbook.optimize.prove.LOCKUP_DEFAULT", 29 * DAY),
    "inputs that are not all digested": ("dutchbook.optimize.prove.INPUTS", proving.INPUTS[:-1]),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_the_verifier_sees_a_mistake_of_the_prover(name, monkeypatch):
    """Mutants of our own code: each makes certificates that the verifier refuses."""
    target, wrong = MUTANTS[name]
    real = proving.end_states
    if wrong is None:
        wrong = lambda c: (real(c)[0][:-1], real(c)[1])  # noqa: E731
    monkeypatch.setattr(target, wrong)
    refused = [name for name, proof in kinds().items() if verifier.verify(proof)]
    assert refused
