"""A portfolio that nobody planted is judged by what it rests on: outside, and by the run itself."""

import json
import sys
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "checker"))

from check_portfolios import Portfolio

from dutchbook.domain.candidate import Candidate
from dutchbook.domain.instrument import EventGroup
from dutchbook.domain.units import ONE
from dutchbook.optimize.prove import prove
from dutchbook.optimize.walk import Basket, Limits, evaluate
from dutchbook.runtime.simulate import row
from dutchbook.runtime.vouching import doubts, untrue
from unit.execution.floor_books import Books

KEYS = ("kalshi:A", "kalshi:B", "kalshi:C")
GROUP = EventGroup("kalshi:E", "kalshi", "E", KEYS, True, False)
RELATIONS = {"e": ("exclusive", list(KEYS))}
MARKETS = {key: {"market": key, "fee_rate": 0, "rounds_to": 0} for key in KEYS}


def certificate(px: int = 60):
    """NO of three outcomes of which one comes true at most: pays $2 at least."""
    view = Books()
    for key in KEYS:
        view.asks[key, "no"] = [(px, 100)]
    legs = tuple((key, "no") for key in KEYS)
    candidate = Candidate("combinatorial:x", "combinatorial", legs, 2 * ONE, (), None, (), (GROUP,))
    found = evaluate(candidate, view, Limits(edge_min=10_000))
    assert isinstance(found, Basket), found
    return prove(found, view)


class Wire:
    """Books as delivered: `offers` of an outcome, price -> size."""

    touched = frozenset(KEYS)

    def __init__(self, size: int = 100 * ONE) -> None:
        self.size = size

    def offers(self, key: str, outcome: int) -> dict[int, int]:
        assert outcome == 1
        return {600_000: self.size}


def judged(relations=RELATIONS, wire=None, at=0, **changes) -> str:
    proof = certificate()
    opp = row("o1", proof, proof.at) | changes
    one = Portfolio(opp)
    one.look(wire or Wire(), opp["at"] + at)
    return one.why(MARKETS, relations)


def test_one_that_stands():
    assert judged() == ""


def test_what_was_not_on_offer_is_false():
    assert judged(wire=Wire(99 * ONE)) == "its fills were not on offer"
    assert judged(at=-3_000_000_000) == "its fills were not on offer", "too long ago"
    assert judged(at=1) == "its fills were not on offer", "too late"


def test_what_rests_on_nothing_true_is_false():
    untold = "a link or an event that it rests on is not true"
    assert judged(relations={}) == untold
    assert judged(relations={"e": ("exclusive", list(KEYS[:2]))}) == untold
    assert judged(relations={"e": ("exhaustive", list(KEYS))}) == untold
    assert judged(links=["same-1"]) == untold


def test_what_can_lose_is_false():
    """Without the event all three may come true; and nothing pays more than the worst end."""
    assert judged(groups=[]).endswith("pays 0")
    assert judged(proved=certificate().proved + 1).startswith("it costs ")


def test_the_run_itself_finds_a_changed_sum_and_an_untrue_event(tmp_path):
    truth = tmp_path / "truth.jsonl"
    told = {"what": "relation", "kind": "exclusive", "members": KEYS, "true": True}
    truth.write_text(json.dumps(told) + "\n")
    proof = certificate()
    assert untrue(proof, {"exclusive": {KEYS}}) == []
    [only] = doubts([("o1", proof)], [], truth)["o1"]
    assert only == f"the record does not reach seq {proof.seq}"
    changed = msgspec.structs.replace(proof, proved=proof.proved + 1)
    assert any("proved should be" in one for one in doubts([("o1", changed)], [], truth)["o1"])
    truth.write_text(json.dumps(told | {"true": False}) + "\n")
    assert any("is not true" in one for one in doubts([("o1", proof)], [], truth)["o1"])
