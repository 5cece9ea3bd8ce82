"""What done baskets pay back lowers the risk counted, only while their contracts are there."""

import json

from dutchbook.domain.units import ONE
from dutchbook.risk.exposure import heat
from unit.execution.floor import Story

A, B, C = "polymarket:A", "polymarket:B", "polymarket:C"


def done(*keys):
    """A basket of 100 of each leg at 30 cents, done."""
    story = Story()
    story.wait(1_500)
    story.view.pays[C, "yes"], story.view.asks[C, "yes"] = [(48, 500)], [(50, 500)]
    story.offer(*((key, 30, 100) for key in keys))
    story.wait(500)
    return story


def by_hand(story, action, key, contracts, cents, outcome="yes"):
    words = {"key": key, "outcome": outcome, "qty": contracts * ONE, "px": cents * 10_000,
             "tif": "ioc", "action": action}  # fmt: skip
    story.say("order", json.dumps(words))
    story.wait(500)


def promised(story):
    return [amount // ONE for amount in story.account.guaranteed.values()]


def test_a_leg_that_was_sold_by_hand_takes_its_part_of_the_guarantee():
    story = done(A, B)
    (whole,) = promised(story)
    by_hand(story, "sell", A, 40, 28)
    assert promised(story) == [whole - 40]
    state = story.account.take()
    by_hand(story, "buy", A, 40, 31)  # bought again, it is nobody's: the guarantee stays low
    assert promised(story) == [whole - 40]
    story.start(state)
    assert promised(story) == [whole - 40]


def test_what_was_sold_as_a_whole_guarantees_nothing_for_what_is_bought_next():
    story = done(A, B)
    for key in (A, B):
        story.view.pays[key, "yes"] = [(28, 10_000)]
    story.say("flatten")
    story.wait(3_000)
    assert promised(story) == [] and heat(story.account) == story.account.ledger.held_total
    by_hand(story, "buy", C, 100, 50)
    assert heat(story.account) >= 50 * ONE


def test_what_is_held_beside_the_basket_is_sold_without_a_loss_of_guarantee():
    story = done(A, B)
    (whole,) = promised(story)
    by_hand(story, "buy", A, 20, 31)
    by_hand(story, "sell", A, 20, 28)
    assert promised(story) == [whole]
    by_hand(story, "sell", A, 10, 28)
    assert promised(story) == [whole - 10]


def test_two_baskets_that_share_a_leg_promise_what_is_held_of_it_once():
    story = done(A, B)
    story.now += 60 * 1_000_000_000
    story.offer((A, 30, 100), (C, 30, 100))
    story.wait(500)
    first, second = promised(story)
    by_hand(story, "sell", A, 50, 28)
    assert sum(promised(story)) == first + second - 50
    by_hand(story, "sell", B, 10, 28)
    assert sum(promised(story)) == first + second - 60


def test_legs_that_became_cash_with_a_purchase_of_the_other_side_promise_nothing_more():
    """Kalshi nets YES and NO at once."""
    story = done("kalshi:A", "kalshi:B")
    (whole,) = promised(story)
    story.view.asks["kalshi:A", "no"] = [(60, 500)]
    by_hand(story, "buy", "kalshi:A", 30, 60, outcome="no")
    assert promised(story) == [whole - 30]
