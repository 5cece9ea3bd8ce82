"""Styles: what rests, what crosses, and how a deadline, a halt and a restart end it."""

import pytest

from dutchbook.domain.account_events import OrderUnknown
from dutchbook.domain.step import BasketBegun
from dutchbook.domain.units import MILLI, ONE, SECOND
from unit.execution.floor import CENTS, NOW, Story

A, B, K = "polymarket:A", "polymarket:B", "kalshi:K"
LEAD = ("leg", "A", "buy", "gtd", 45, 20.0)


def begun(style, *legs, **more):
    """A basket of 20 at 45 cents a leg; A is offered least."""
    story = Story(style=style, **more)
    story.offer(*(legs or ((A, 45, 20), (B, 45, 90))))
    return story


def cross(key, qty, purpose="leg", px=45):
    return (purpose, key, "buy", "ioc", px, float(qty))


def test_limit_rests_every_leg_until_it_is_whole():
    story = begun("limit")
    a, b = (order.id for order in story.sent)
    assert [o.expires for o in story.sent] == [NOW + 3 * SECOND] * 2
    assert story.orders() == [LEAD, ("leg", "B", "buy", "gtd", 45, 20.0)]
    for name, qty in ((a, 7), (b, 20), (a, 13)):
        assert story.stages() == [("legs", "")]
        story.hit(name, qty)
    assert story.stages() == [("done", "")]
    story.wait(5_000)
    assert (story.orders(), story.cancels, story.alerts, story.wrong()) == ([], [], [], [])


def test_limit_at_its_deadline_ends_what_rests_and_repairs():
    """A filled whole, B half: first the cancel, then what is missing for a cent more."""
    story = begun("limit")
    a, b = (order.id for order in story.sent)
    story.hit(a, 20)
    story.hit(b, 10)
    story.orders()
    story.wait(1_900)
    assert (story.cancels, story.orders()) == ([], [])
    story.view.asks[B, "yes"] = [(46, 500)]
    story.wait(200)
    assert story.cancels == [(b, "deadline")]
    assert story.orders() == [cross("B", 10, "complete", 46)]
    assert (story.stages(), story.wrong()) == ([("done", "")], [])


def test_limit_that_nobody_takes_costs_nothing():
    story = begun("limit")
    both = [order.id for order in story.sent]
    story.wait(3_000)
    assert story.cancels == [(name, "deadline") for name in both]
    assert (story.stages(), story.alerts, story.wrong()) == (
        [("unwound", "nothing filled")],
        [],
        [],
    )


def test_limit_ends_at_once_where_one_leg_is_refused():
    story = Story(style="limit")
    story.venues["kalshi"].next.append("reject")
    story.offer((A, 45, 20), (K, 45, 90))
    assert story.cancels == [(story.sent[0].id, "another leg failed")]
    assert (story.stages(), story.wrong()) == ([("unwound", "nothing filled")], [])


def test_post_only_waits_one_step_below_the_best_offer():
    story = begun("limit", post_only=True)
    assert [(o.px // CENTS, o.post_only) for o in story.sent] == [(44, True)] * 2


def test_hybrid_rests_on_the_thinnest_leg_and_follows_its_fills():
    """Less than the least order (5) waits for more; nothing is bought before it is filled."""
    story = begun("hybrid")
    lead = story.last()
    (note,) = [n for n in story.notes if isinstance(n, BasketBegun)]
    assert (note.style, [leg.order for leg in note.legs]) == ("hybrid", [lead, ""])
    assert note.deadline == NOW + 2_000 * MILLI
    assert story.orders() == [LEAD]
    for fill, then in ((3, []), (4, [cross("B", 7)]), (4, []), (9, [cross("B", 13)])):
        story.hit(lead, fill)
        assert story.orders() == then
    assert (story.stages(), story.cancels, story.wrong()) == ([("done", "")], [], [])


def test_hybrid_takes_the_first_of_equally_thin_legs():
    story = begun("hybrid", (B, 45, 20), (A, 45, 20))
    assert story.orders() == [("leg", "B", "buy", "gtd", 45, 20.0)]


def test_hybrid_ends_its_rest_when_a_cross_misses():
    """The price has gone: no more is gained of what can't be matched, and the saga repairs."""
    story = begun("hybrid")
    lead = story.last()
    story.orders()
    story.venues["polymarket"].next.append(2 * ONE)
    story.hit(lead, 8)
    assert story.cancels == [(lead, "another leg failed")]
    assert story.orders() == [cross("B", 8), cross("B", 6, "complete")]
    assert (story.stages(), story.wrong()) == ([("done", "")], [])


def test_hybrid_at_its_deadline_keeps_what_it_has():
    story = begun("hybrid")
    lead = story.last()
    story.hit(lead, 12)
    story.wait(2_100)
    assert story.cancels == [(lead, "deadline")]
    assert story.orders() == [LEAD, cross("B", 12)]
    (basket,) = story.account.baskets.values()
    assert (basket.stage, basket.locked) == ("done", 12 * ONE - 12 * 900_000)
    assert story.wrong() == []


@pytest.mark.parametrize(
    ("fills", "then"),
    [
        ((8, 3), [cross("A", 5, "complete", 46), cross("B", 8, "complete")]),  # up to 16 each
        (
            (14, 3),
            [("unwind", "A", "sell", "ioc", 43, 8.0), ("unwind", "B", "sell", "ioc", 43, 5.0)],
        ),
    ],
)
def test_a_rest_too_small_for_any_order_is_evened_out_with_more(fills, then):
    """Three contracts of A alone can be neither matched nor sold; both legs together can move."""
    story = begun("hybrid")
    lead = story.last()
    for contracts in fills:
        story.hit(lead, contracts)
    assert story.orders() == [LEAD, cross("B", fills[0])]
    story.view.asks[A, "yes"] = [(46, 500)]
    story.wait(2_100)
    assert story.orders() == then
    assert (story.stages(), story.wrong()) == ([("done", "")], [])


def test_a_rest_that_nothing_can_even_out_is_told():
    """Two contracts of A, and A and B together would be more than was decided."""
    story = begun("hybrid", (A, 45, 6), (B, 45, 90))
    lead = story.last()
    story.hit(lead, 2)
    story.wait(20_000)
    assert story.orders() == [("leg", "A", "buy", "gtd", 45, 6.0)]
    assert story.stages() == [("stuck", "no repair within bounds")]
    assert story.wrong() == []


@pytest.mark.parametrize(
    ("a", "b", "then"),
    [
        (46, 45, [cross("A", 10, px=46), cross("B", 10)]),  # 91 cents: it still pays
        (55, 45, []),  # exactly a dollar: it does not
    ],
)
def test_hybrid_may_cross_at_its_deadline_while_it_pays(a, b, then):
    story = begun("hybrid", at_deadline="cross")
    lead = story.last()
    story.hit(lead, 10)
    assert story.orders() == [LEAD, cross("B", 10)]
    story.view.asks[A, "yes"], story.view.asks[B, "yes"] = [(a, 500)], [(b, 500)]
    story.wait(2_100)
    assert story.orders() == then
    (basket,) = story.account.baskets.values()
    assert basket.stage == "done"
    assert story.account.guaranteed == {basket.begun.id: (20 if then else 10) * ONE}
    assert story.wrong() == []


def test_hybrid_crosses_once_at_its_deadline():
    """A miss there is repaired, not crossed again."""
    story = begun("hybrid", at_deadline="cross")
    lead = story.last()
    story.hit(lead, 10)
    story.orders()
    story.venues["polymarket"].next.extend(["fill", "none"])
    story.wait(2_100)
    assert story.orders()[:2] == [cross("A", 10), cross("B", 10)]
    story.wait(5_000)
    assert [o for o in story.orders() if o[0] == "leg"] == []
    assert story.wrong() == []


@pytest.mark.parametrize("style", ["limit", "hybrid"])
@pytest.mark.parametrize("verb", ["pause", "halt", "kill"])
def test_a_halt_ends_what_rests_once_and_only_reduces(style, verb):
    story = begun(style)
    resting = [order.id for order in story.sent]
    story.hit(resting[0], 3)
    story.orders()
    story.say(verb)
    story.wait(100)
    assert [c[0] for c in story.cancels if c[0] in resting] == resting
    story.wait(15_000)
    assert [o for o in story.orders() if o[2] == "buy" and o[0] != "complete"] == []
    assert len([c for c in story.cancels if c[0] in resting]) == len(resting)
    assert story.wrong() == []


def test_a_cross_that_the_gate_refuses_ends_the_rest():
    """The other market has an order of unknown fate: what rests is canceled, then repaired."""
    story = begun("hybrid")
    lead = story.last()
    story.venues["polymarket"].next.append("lost")
    story.hit(lead, 6)
    story.hit(lead, 6)
    assert story.cancels == [(lead, "nothing_unknown")]
    story.wait(30_000)
    assert story.stages()[0][0] in ("done", "unwound")
    assert story.wrong() == []


def test_a_cancel_without_an_answer_is_asked_again_at_growing_spans():
    story = begun("limit")
    story.orders()
    for venue in story.venues.values():
        venue.deaf = True
    story.wait(2_900)
    asked = [name for name, _ in story.cancels]
    assert len(asked) == 2 * 3  # at the deadline, 300 and 900 ms after it
    story.wait(1_000)  # the venue ends them by itself
    assert (story.stages(), story.wrong()) == ([("unwound", "nothing filled")], [])


@pytest.mark.parametrize("hits", [0, 3, 11, 20])
@pytest.mark.parametrize("down", [100, 2_500, 6_000])
@pytest.mark.parametrize("style", ["limit", "hybrid"])
def test_a_restart_goes_on_where_the_basket_was(style, down, hits):
    """Fills that come while nobody listens are found; no order goes out a second time."""
    story = begun(style)
    lead = story.sent[0].id
    story.hit(lead, 6)
    story.orders()
    story.crash(down, ((lead, hits * ONE),) if hits else ())
    story.wait(30_000)
    assert story.stages()[0][0] in ("done", "unwound")
    assert story.wrong() == []


def test_a_restart_before_the_markets_are_listed_waits_for_them():
    story = begun("hybrid")
    lead = story.last()
    story.hit(lead, 6)
    story.view.gone = {A, B}
    story.crash(3_000, ((lead, 2 * ONE),))
    story.wait(1_000)
    story.view.gone = set()
    story.wait(10_000)
    assert (story.stages(), story.wrong()) == ([("done", "")], [])


def test_a_lead_of_unknown_fate_is_found_and_followed():
    """Its answer was lost: it rests or it filled; nothing is bought before that is known."""
    story = Story(style="hybrid")
    story.venues["polymarket"].next.append("mute")
    story.offer((A, 45, 20), (B, 45, 90))
    assert story.orders() == [LEAD]
    story.wait(1_000)
    assert story.orders() == [cross("B", 20)]
    assert (story.stages(), story.wrong()) == ([("done", "")], [])


def test_an_answer_that_comes_twice_buys_nothing_twice():
    story = begun("hybrid")
    lead = story.last()
    events = story.venues["polymarket"].hit(lead, 10 * ONE, story.now)
    story.hear(*events, *events, OrderUnknown(lead, "?"), *events)
    assert story.orders() == [LEAD, cross("B", 10)]
    story.wait(5_000)
    assert story.wrong() == []
