"""The optimiser asked, answered, and believed only as far as what it says is proved."""

import msgspec
import pytest

from dutchbook import verifier_joint
from dutchbook.domain.events import Envelope, OperatorAsked, RunStarted
from dutchbook.domain.plans import PlanReady, Shape, SolvePlan
from dutchbook.domain.step import Closed, Found, Opened
from dutchbook.domain.units import ONE, SECOND
from dutchbook.engine.engine import Engine
from dutchbook.engine.plans import Rules
from dutchbook.optimize.planner import Planner
from dutchbook.optimize.prove import certificate_decode, certificate_json
from dutchbook.optimize.walk import Limits
from dutchbook.strategies.complement import Complement
from unit.engine.story import Story, book, effects, kalshi, notes

RIM = [f"kalshi:R{n}" for n in range(5)]
HUB = "kalshi:HUB"


def wheel(**rules):
    """Five markets in a ring, each excluding its neighbours, and one that excludes all."""
    story = Story(Engine([Complement()], Limits(), plans=Rules(**rules)))
    story.markets(*(kalshi(name.partition(":")[2]) for name in (*RIM, HUB)))
    for n, key in enumerate(RIM):
        story.link("exclusive", key, RIM[(n + 1) % 5])
        story.link("exclusive", HUB, key)
    story.tell(*(book(key, 39, 45) for key in RIM), book(HUB, 10, 14))  # NO at 61 and 90 cents
    return story


def asked(steps):
    return effects(steps, SolvePlan)


def answer(story, question):
    return story.tell(Planner().solve(question))


def test_a_portfolio_that_no_pattern_names_is_found_and_proved():
    story = wheel()
    (question,) = asked(story.wait(1_100))
    assert len(question.markets) == 6 and len(question.links) == 10
    (opened,) = notes(answer(story, question), Opened)
    proof = opened.certificate
    assert proof.kind == "combinatorial" and proof.payout == 5 * ONE
    assert dict(zip((leg.instrument for leg in proof.legs), proof.weights, strict=True)) == {
        HUB: 2, **dict.fromkeys(RIM, 1),
    }  # fmt: skip
    assert (proof.qty, proof.capital, proof.proved) == (50 * ONE, 242_500_000, 7_500_000)
    document = certificate_json(proof)
    assert verifier_joint.verify(document) == []
    read = certificate_decode(document)
    assert (read.qty, read.weights, read.payout) == (proof.qty, proof.weights, proof.payout)
    # If no link holds, everything may be lost but what no state can take.
    assert proof.residual_worst == -proof.capital == proof.residual[0].profit
    # It is watched like any other: a dearer leg ends it, without a question.
    steps = story.tell(book(HUB, 4, 14))
    assert [note.why for note in notes(steps, Closed)] == ["fees eat the edge"]


def test_nothing_is_asked_while_no_offer_is_cheaper_than_the_prices():
    """After an answer of "nothing", moves that make nothing cheap cause no question."""
    story = wheel()
    story.tell(book(HUB, 2, 14))
    (question,) = asked(story.wait(1_100))
    reply = Planner().solve(question)
    assert reply.shapes == () and reply.prices
    story.tell(reply)
    story.tell(*(book(key, 39, 46) for key in RIM), book(HUB, 2, 15))
    assert asked(story.wait(5_000)) == []
    story.tell(book(HUB, 12, 15))
    assert len(asked(story.wait(1_100))) == 1


def test_lost_and_failed_answers_are_asked_for_again_and_counted():
    story = wheel(wait=2 * SECOND)
    plans = story.engine.plans
    (first,) = asked(story.wait(1_100))
    assert asked(story.wait(1_000)) == []
    (second,) = asked(story.wait(500))
    assert second.number == first.number + 1 and plans.counts["failed"] == 1
    assert answer(story, first)[0].notes == () and plans.counts["late"] == 1
    steps = story.tell(PlanReady(second.name, second.number, why="the worker ended"))
    assert "the worker ended" in notes(steps, Found)[0].detail
    (third,) = asked(story.wait(4_000))
    assert notes(answer(story, third), Opened) and plans.counts["failed"] == 2


def shapes(question):
    (shape,) = Planner().solve(question).shapes
    replace = msgspec.structs.replace
    yield "pay nothing", replace(shape, links=())
    yield "complement", Shape(((HUB, "yes"), (HUB, "no")), (1, 1), (), ())
    yield "another set", Shape(((HUB, "no"), ("kalshi:X", "no")), (1, 1), (), ())
    yield "not a portfolio", replace(shape, weights=(0,) * 6)
    yield "not a portfolio", replace(shape, weights=(1,))


@pytest.mark.parametrize("which", range(5))
def test_a_wrong_proposal_is_refused(which):
    story = wheel()
    (question,) = asked(story.wait(1_100))
    why, shape = list(shapes(question))[which]
    steps = story.tell(PlanReady(question.name, question.number, (shape,)))
    assert notes(steps, Opened) == [] and why in notes(steps, Found)[0].detail
    assert story.engine.plans.counts["refused"] == 1


def test_a_bold_proposal_gets_what_it_proves_and_no_more():
    """Fewer claims than it needs, other weights: the payoff is worked out, not taken over."""
    story = wheel()
    (question,) = asked(story.wait(1_100))
    pair = Shape(((HUB, "no"), (RIM[0], "no")), (1, 1), (f"exclusive:{HUB}:{RIM[0]}",), ())
    story.tell(PlanReady(question.name, question.number, (pair,)))
    (candidate,) = story.engine.plans.candidates()
    assert candidate.payout == ONE and candidate.times() == (1, 1)
    rejected = story.engine.why()["rejected"]
    assert not any(row["key"] == candidate.key for row in rejected)  # 151 cents for 100: no edge


def test_a_revoked_link_withdraws_what_rests_on_it():
    story = wheel()
    (question,) = asked(story.wait(1_100))
    assert notes(answer(story, question), Opened)
    story.tell(OperatorAsked("ann", "revoke", (f"exclusive:{HUB}:{RIM[0]}", "1")))
    steps = story.wait(300)
    assert [note.why for note in notes(steps, Closed)] == ["withdrawn"]
    assert story.engine.plans.candidates() == []


def test_replay_decides_alike_from_the_recorded_answer():
    """The same envelopes in a fresh engine, with no optimiser at hand: the same steps."""
    story = wheel()
    (question,) = asked(story.wait(1_100))
    answer(story, question)
    story.tell(book(HUB, 4, 14))
    story.wait(2_000)
    again = Engine([Complement()], Limits(), plans=Rules())
    for step in story.steps:
        envelope = step.envelope
        assert again.step(Envelope(envelope.seq, envelope.at, envelope.event)) == step


def test_off_is_off():
    story = Story(Engine([Complement()], Limits()))
    story.markets(*(kalshi(name.partition(":")[2]) for name in RIM))
    for n, key in enumerate(RIM):
        story.link("exclusive", key, RIM[(n + 1) % 5])
    story.tell(*(book(key, 60, 65) for key in RIM))
    assert asked(story.wait(3_000)) == []
    assert story.tell(PlanReady("kalshi:R0", 1), RunStarted("r2", "sim", 7, "0", "{}"))
