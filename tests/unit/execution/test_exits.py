"""Exits: which rule sells what, never more than is held, never while something is uncertain."""

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dutchbook.domain.account_events import FillSettled
from dutchbook.domain.step import BasketMoved, Refused
from dutchbook.domain.units import MILLI, ONE
from dutchbook.execution.config import Exits
from unit.execution.floor import NOW, Story

A, B = "polymarket:A", "polymarket:B"


def held(**rules):
    """A done basket of 20 A and 20 B, 45 cents each; bids 43."""
    story = Story(exits=Exits(**rules))
    story.offer((A, 45, 20), (B, 45, 20))
    assert [o[2:] for o in story.orders()] == [("buy", "ioc", 45, 20.0)] * 2
    assert story.stages() == [("done", "")]
    return story


def bought(qty=20, **rules):
    """A position by hand: 20 A for 45 cents each, without any basket."""
    story = Story(exits=Exits(**{"basket_take": 0} | rules))
    story.view.asks[A, "yes"], story.view.pays[A, "yes"] = [(45, 500)], [(43, 500)]
    place(story, qty)
    return story


def place(story, qty=20, key=A, px=450_000):
    request = {"key": key, "outcome": "yes", "qty": qty * ONE, "px": px, "tif": "ioc"}
    story.say("order", json.dumps(request))
    assert [o[0] for o in story.orders()] == ["manual"]


def bids(story, a, b=None):
    story.view.pays[A, "yes"] = a if isinstance(a, list) else [(a, 500)]
    if b is not None:
        story.view.pays[B, "yes"] = b if isinstance(b, list) else [(b, 500)]


def sale(key, px, qty):
    return ("exit", key, "sell", "ioc", px, float(qty))


def test_a_basket_is_sold_where_the_bids_pay_all_that_it_guarantees():
    """54 + 45 is not enough, 54 + 46 is: the whole is sold, and what it brought is told."""
    story = held()
    bids(story, 54, 45)
    story.wait(1_000)
    assert story.orders() == []
    bids(story, 54, 46)
    story.wait(250)
    assert story.orders() == [sale("A", 54, 20), sale("B", 46, 20)]
    (basket,) = story.account.baskets.values()
    assert (basket.stage, basket.why, basket.locked) == ("unwound", "sold early", 2 * ONE)
    assert (story.account.guaranteed, story.account.keys_held()) == ({}, [])
    assert [note.why for note in story.notes if isinstance(note, BasketMoved)] == [
        "", "exit: take", "sold early",
    ]  # fmt: skip
    story.wait(5_000)
    assert (story.orders(), story.wrong()) == ([], [])


def test_only_as_much_is_sold_as_pays_and_the_rest_stays_a_basket():
    """A is bid 60 for 8 and 40 for more: eight of each are sold, twelve stay."""
    story = held()
    bids(story, [(60, 8), (40, 500)], 45)
    story.wait(250)
    assert story.orders() == [sale("A", 60, 8), sale("B", 45, 8)]
    assert story.stages() == [("done", "")]
    assert list(story.account.guaranteed.values()) == [12 * ONE]
    assert story.wrong() == []


@pytest.mark.parametrize("rules", [{"basket_take": 0}, {"basket_take": 1_010_000}])
def test_what_is_off_or_asks_for_more_sells_nothing(rules):
    story = held(**rules)
    bids(story, 54, 46)
    story.wait(5_000)
    assert (story.orders(), story.wrong()) == ([], [])


def test_the_profit_of_a_basket_is_a_share_of_its_promise():
    """It promised 10 cents a contract; half of it is 95 cents for what cost 90."""
    story = held(basket_take=0, profit=ONE // 2)
    bids(story, 47, 47)
    story.wait(500)
    assert story.orders() == []
    bids(story, 48, 47)
    story.wait(250)
    assert story.orders() == [sale("A", 48, 20), sale("B", 47, 20)]
    assert story.wrong() == []


@pytest.mark.parametrize("fate", ["none", "half", "mute", "lost", "reject"])
def test_a_leg_that_is_not_sold_is_repaired(fate):
    story = held()
    story.venues["polymarket"].next.extend(["fill", fate])
    bids(story, 54, 46)
    story.wait(60_000)
    assert story.orders()[:2] == [sale("A", 54, 20), sale("B", 46, 20)]
    assert story.stages()[0][0] in ("done", "unwound")
    assert story.wrong() == []


def test_nothing_is_sold_while_anything_is_uncertain():
    """A provisional trade, an unknown order, a halt, a run that ends: each waits."""
    story = held()
    one = story.account.orders[story.account.baskets[next(iter(story.account.baskets))].orders[0]]
    trade = one.fills[0].trade
    provisional = msgspec.structs.replace(one.fills[0], trade="late", provisional=True)
    story.account.money.pend(provisional, ())
    story.account.money.provisional[A, "yes"] = 1
    bids(story, 54, 46)
    story.wait(1_000)
    assert story.orders() == []
    story.account.money.provisional.clear()
    story.account.money.pending.clear()
    story.hear(FillSettled("polymarket", "us", trade, "confirmed"))
    story.say("halt")
    story.wait(1_000)
    assert story.orders() == []
    story.say("resume")
    story.say("wind_down")
    story.wait(1_000)
    assert story.orders() == []


def test_an_order_of_unknown_fate_in_its_market_holds_a_sale_back():
    story = held()
    story.venues["polymarket"].next.append("lost")
    place(story, 10, px=450_000)
    assert story.account.unknown(A)
    bids(story, 54, 46)
    story.wait(1_500)
    assert story.orders() == []


@pytest.mark.parametrize(
    ("rules", "bid", "sold"),
    [
        ({"profit": 100_000}, 49, False), ({"profit": 100_000}, 50, True),
        ({"stop": 200_000}, 37, False), ({"stop": 200_000}, 36, True),
        ({"end_minutes": 60}, 43, False), ({}, 99, False),
    ],
)  # fmt: skip
def test_positions_by_hand_end_by_their_cost(rules, bid, sold):
    story = bought(**rules)
    bids(story, bid)
    story.wait(300)
    assert story.orders() == ([sale("A", bid, 20)] if sold else [])
    story.wait(2_000)
    assert (story.orders(), story.wrong()) == ([], [])


def test_a_position_ends_by_its_age_counted_from_when_it_was_opened():
    """More of it later makes it no younger; a position that was closed is another one."""
    story = bought(age_s=5)
    story.wait(3_000)
    place(story, 10)
    story.wait(1_900)
    assert story.orders() == []
    story.wait(400)
    assert story.orders() == [sale("A", 43, 30)]
    place(story, 10)
    story.wait(4_000)
    assert story.orders() == []
    story.wait(1_500)
    assert story.orders() == [sale("A", 43, 10)]


def test_positions_and_baskets_end_before_their_market_closes():
    story = held(basket_take=0, end_minutes=10)
    place(story, 7)
    story.view.closes = NOW + 600_400 * MILLI
    story.wait(250)
    assert story.orders() == []
    story.wait(250)
    assert story.orders() == [sale("A", 43, 20), sale("B", 43, 20)]
    story.wait(250)  # not while another sale of the same contracts is open
    assert story.orders() == [sale("A", 43, 7)]
    assert story.wrong() == []


def test_by_hand_is_only_what_no_basket_holds():
    """Twenty of A belong to a basket: the stop sells the other ten."""
    story = held(basket_take=0, stop=100_000)
    place(story, 10)
    bids(story, 30, 30)
    story.wait(3_000)
    assert story.orders() == [sale("A", 30, 10)]
    assert (story.stages(), story.wrong()) == ([("done", "")], [])


def test_what_was_tried_rests_for_a_while():
    story = bought(stop=100_000, again_ms=1_000)
    bids(story, 30)
    story.venues["polymarket"].next.extend(["none", "none", "fill"])
    story.wait(900)
    assert story.orders() == [sale("A", 30, 20)]
    story.wait(2_500)
    assert story.orders() == [sale("A", 30, 20)] * 2


def test_by_command_a_position_and_the_baskets_with_it_end():
    story = held(basket_take=0)
    place(story, 10)
    story.say("exit", A, "yes")
    assert story.orders() == [sale("A", 43, 20), sale("B", 43, 20)]
    story.say("exit", f"{A} yes")
    assert story.orders() == [sale("A", 43, 10)]
    assert story.wrong() == []


def test_by_command_one_basket_ends_by_its_name():
    """As /forceexit of the messengers names it; a second time there is nothing to sell."""
    story = held(basket_take=0)
    place(story, 10)
    (name,) = story.account.baskets
    story.say("exit", name)
    assert story.orders() == [sale("A", 43, 20), sale("B", 43, 20)]
    story.say("exit", name)
    assert story.orders() == [] and [n.what for n in story.notes if isinstance(n, Refused)]
    assert story.wrong() == []


@pytest.mark.parametrize("words", [(), (A,), (A, "maybe"), ("kalshi:none", "yes")])
def test_a_command_that_means_nothing_is_refused(words):
    story = held()
    story.say("exit", *words)
    assert [n.what for n in story.notes if isinstance(n, Refused)] == ["exit"]
    assert story.orders() == []


def test_a_restart_in_the_middle_of_an_exit_goes_on():
    story = held()
    story.venues["polymarket"].next.extend(["late", "late"])
    bids(story, 54, 46)
    story.wait(250)
    assert story.stages() == [("unwind", "exit: take")]
    story.crash(100)
    story.wait(10_000)
    assert (story.stages(), story.wrong()) == ([("unwound", "sold early")], [])
    assert len(story.orders()) == 2


def test_a_restart_before_the_markets_are_listed_sells_nothing_yet():
    story = held(age_s=1)
    place(story, 10)
    story.view.gone = {A, B}
    story.crash(5_000)
    story.wait(1_000)
    assert story.orders() == []
    story.view.gone = set()
    story.wait(5_000)
    assert sorted(story.orders()) == [sale("A", 43, 10), sale("A", 43, 20), sale("B", 43, 20)]
    assert story.wrong() == []


@settings(max_examples=40, derandomize=True)
@given(
    st.lists(
        st.tuples(
            st.integers(20, 70), st.integers(20, 70), st.integers(1, 30),
            st.sampled_from(["fill", "fill", "none", "half", "mute", "reject", "late"]),
            st.sampled_from(["", "", "", "crash", "buy", "exit"]),
        ),
        min_size=1, max_size=8,
    ),
    st.sampled_from([{}, {"profit": 50_000, "stop": 50_000}, {"age_s": 2, "profit": 10_000}]),
)  # fmt: skip
def test_whatever_the_bids_do_no_more_is_sold_than_is_held(turns, rules):
    """The venue itself asserts that nothing is sold short; books stay equal and legs even."""
    story = held(**rules)
    for a, b, size, fate, then in turns:
        bids(story, [(a, size), (a - 5, 500)], [(b, size), (b - 5, 500)])
        story.venues["polymarket"].next.append(fate)
        story.wait(700)
        story.orders()
        if then == "crash":
            story.crash(50)
        elif then == "buy":
            place_any(story)
        elif then == "exit":
            story.say("exit", A, "yes")
    story.venues["polymarket"].next.clear()
    story.wait(60_000)
    assert story.wrong() == []


def place_any(story):
    request = {"key": A, "outcome": "yes", "qty": 5 * ONE, "px": 450_000, "tif": "ioc"}
    story.say("order", json.dumps(request))
