"""Halts and kills on the trading floor: what rests goes, and is asked for until it has gone."""

import json

import msgspec
import pytest

from dutchbook.domain.account_events import OrderRejected
from dutchbook.domain.effects import CancelAll, SubmitOrder
from dutchbook.domain.units import ONE
from unit.execution.floor import Story

A, B, C = "polymarket:A", "polymarket:B", "polymarket:C"


def resting(story, key):
    """An order by hand that nobody takes."""
    words = {"key": key, "outcome": "yes", "qty": 10 * ONE, "px": 200_000, "tif": "gtc"}
    story.say("order", json.dumps(words))
    return story.last()


def floor(**words):
    story = Story(**words)
    story.wait(1_500)
    for key in (A, B, C):
        story.view.asks[key, "yes"] = [(30, 500)]
        story.view.pays[key, "yes"] = [(28, 500)]
    return story


def test_a_cancel_that_a_venue_does_not_hear_is_asked_for_again_and_again():
    story = floor()
    order = resting(story, A)
    story.cancels.clear()
    story.venues["polymarket"].deaf = True
    story.say("kill")
    story.wait(5_000)
    assert 4 <= story.cancels.count((order, "halt")) <= 8
    assert [one for one in story.cancels if one[0] == "polymarket"] == [("polymarket", "halt")]
    story.venues["polymarket"].deaf = False
    story.wait(5_000)
    assert story.wrong() == []


@pytest.mark.parametrize(
    ("scope", "left"),
    [("all", []), ("venue:polymarket", []), ("venue:kalshi", [A, B]), (f"market:{A}", [B])],
)
def test_a_halt_ends_what_rests_in_its_scope_and_nothing_else(scope, left):
    story = floor()
    resting(story, A)
    resting(story, B)
    story.say("halt", scope)
    story.wait(5_000)
    assert [life.order.key for life in story.account.live.values()] == left
    story.say("resume", scope)
    resting(story, C)
    story.wait(5_000)
    assert [life.order.key for life in story.account.live.values()] == [*left, C]


def test_a_halt_that_stands_ends_what_rests_after_a_restart():
    story = floor()
    resting(story, A)
    story.venues["polymarket"].deaf = True
    story.say("halt")
    story.venues["polymarket"].deaf = False
    story.crash()
    story.wait(5_000)
    assert story.wrong() == []


def holding(*keys):
    """A floor where ten contracts of each market were bought by hand."""
    story = floor()
    for key in keys:
        words = {"key": key, "outcome": "yes", "qty": 10 * ONE, "px": 300_000, "tif": "ioc"}
        story.say("order", json.dumps(words))
    story.orders()
    return story


def stuck(story, times, reason="not_sent"):
    """The next sales never leave; the list of them."""
    venue, tried = story.venues["polymarket"], []
    honest = venue.do

    def do(effect, now):
        if isinstance(effect, SubmitOrder) and len(tried) < times:
            tried.append(effect.order.id)
            return [OrderRejected(effect.order.id, reason, "it never left us")]
        return honest(effect, now)

    venue.do = do
    return tried


def test_a_kill_that_sells_what_is_held_cancels_first():
    """The other way round its own sales would be taken back with everything else."""
    story = holding(A, B)
    done = []
    story._carry = lambda effect: done.append(type(effect))
    story.say("kill", "flatten")
    assert done == [CancelAll, CancelAll, SubmitOrder, SubmitOrder]


def test_a_sale_of_a_kill_that_never_left_is_decided_again():
    story = holding(A, B)
    tried = stuck(story, 3)
    story.say("kill", "flatten")
    story.wait(5_000)
    assert len(set(tried)) == 3 and story.account.keys_held() == []
    assert [o[:3] for o in story.orders()].count(("exit", "A", "sell")) == 3
    assert story.alerts[-1].key == "kill" and story.wrong() == []


def test_a_sale_that_does_not_leave_at_all_is_told_in_the_end():
    story = holding(A)
    tried = stuck(story, 100)
    story.say("flatten")
    story.wait(60_000)
    assert len(tried) == 10 and len(story.account.keys_held()) == 1
    assert [alert.key for alert in story.alerts] == [f"exit:{A}"]


@pytest.mark.parametrize("verb", ["flatten", "exit"])
def test_a_sale_that_the_venue_refuses_is_told_at_once(verb):
    story = holding(A)
    stuck(story, 100, "closed")
    story.say(verb, *([f"{A} yes"] if verb == "exit" else []))
    assert [alert.key for alert in story.alerts if alert.level == "critical"] == [f"exit:{A}"]


def test_a_position_of_more_markets_than_orders_may_leave_in_a_second_is_sold_in_turns():
    story = holding(A, B, C)
    story.wait(2_000)
    gate = story.trading.trader.desk.gate
    gate.limits = msgspec.structs.replace(gate.limits, orders_per_second=1)
    story.say("flatten")
    assert len(story.sent) == 1
    story.wait(5_000)
    assert story.account.keys_held() == [] and story.wrong() == []
