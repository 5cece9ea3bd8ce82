"""Baskets whose legs differ in size: had in whole shares, or repaired, or told exactly."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dutchbook.domain.candidate import Candidate
from dutchbook.domain.effects import SubmitOrder, SubmitOrders
from dutchbook.domain.instrument import EventGroup
from dutchbook.domain.units import ONE
from unit.execution.floor import Story

A, B, C = "polymarket:a", "kalshi:b", "polymarket:c"


def offered(weights=(1, 2, 3), sizes=(60, 120, 180), **settings_):
    """At least one of three comes true: a share of unequal legs pays its smallest leg."""
    story = Story(**settings_)
    for key, size, px in zip((A, B, C), sizes, (4, 5, 6), strict=True):
        story.view.asks[key, "yes"] = [(px, size), (px + 30, 500)]
        story.view.pays[key, "yes"] = [(px - 2, 500)]
    group = EventGroup("polymarket:E", "polymarket", "an event", (A, B, C), False, True)
    legs = tuple((key, "yes") for key in (A, B, C))
    story.plan = Candidate(
        "combinatorial:x", "combinatorial", legs, ONE, (), None, weights, (group,)
    )
    return story


def then(story, *gone):
    """Once the first order has left, these sides of the books are empty."""
    carry = story._carry

    def once(effect):
        if isinstance(effect, SubmitOrder | SubmitOrders):
            for side in gone:
                setattr(story.view, side, {})
            story._carry = carry
        carry(effect)

    story._carry = once


def sizes_of(story):
    return {key: qty for _, key, _, _, _, qty in story.orders()}


def test_each_leg_is_bought_in_its_part():
    story = offered()
    story.take(story.plan)
    assert sizes_of(story) == {"a": 60, "b": 120, "c": 180}
    story.wait(1_000)
    assert story.stages() == [("done", "")] and story.wrong() == []
    (basket,) = story.account.baskets.values()
    # A share costs 4 + 2 x 5 + 3 x 6 = 32 cents and pays a dollar at least.
    assert (basket.begun.qty, basket.locked) == (60 * ONE, 60 * 680_000)
    assert story.account.guaranteed == {basket.begun.id: 60 * ONE}


@pytest.mark.parametrize("style", ["limit", "hybrid"])
def test_whatever_the_style_they_are_crossed_at_once(style):
    story = offered(style=style)
    story.take(story.plan)
    assert {tif for _, _, _, tif, _, _ in story.orders()} == {"ioc"}
    story.wait(1_000)
    assert story.stages() == [("done", "")] and story.wrong() == []


def test_what_is_missing_is_bought_in_proportion():
    """30 of 120 of one leg: that is 15 shares of it, where the others have 60."""
    story = offered()
    story.venues["kalshi"].next.append(30 * ONE)
    story.take(story.plan)
    story.wait(3_000)
    orders = story.orders()
    assert ("complete", "b", "buy", "ioc", 5, 90.0) in orders
    assert story.stages() == [("done", "")] and story.wrong() == []


def test_what_can_not_be_bought_is_sold_in_proportion():
    """The same with no offers left: 15 shares remain, the rest of the other legs is sold."""
    story = offered()
    story.venues["kalshi"].next.append(30 * ONE)
    then(story, "asks")
    story.take(story.plan)
    story.wait(3_000)
    sold = {(key, qty) for purpose, key, *_, qty in story.orders() if purpose == "unwind"}
    assert sold == {("a", 45.0), ("c", 135.0)}
    assert story.stages()[0][0] == "done" and story.wrong() == []
    assert list(story.account.guaranteed.values()) == [15 * ONE]


@settings(max_examples=60)
@given(
    st.tuples(st.just(1), st.integers(2, 5), st.integers(1, 5)),
    st.lists(st.integers(0, 130), max_size=8),
    st.lists(st.integers(0, 130), max_size=8),
    st.sampled_from(("as they were", "no offers", "nothing")),
)
def test_however_legs_fill_no_share_is_left_uneven_without_a_word(weights, poly, kalshi, books):
    story = offered(weights, tuple(40 * weight for weight in weights))
    story.venues["polymarket"].next.extend(qty * ONE for qty in poly)
    story.venues["kalshi"].next.extend(qty * ONE for qty in kalshi)
    then(story, *{"no offers": ["asks"], "nothing": ["asks", "pays"]}.get(books, ()))
    story.take(story.plan)
    story.wait(60_000)
    assert story.wrong() == []
