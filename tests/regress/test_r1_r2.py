"""R1 one order that came back as three fills; R2 fills that never were, bought again."""

import pytest

from dutchbook.domain.account_events import FillVoided
from dutchbook.domain.effects import SubmitOrder
from dutchbook.domain.step import BasketMoved
from dutchbook.domain.units import ONE
from regress.street import instead, lost, swallowed

START = 100_000 * ONE
HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
FATES = {
    "no answer": lost, "408": instead(408, b'{"error":"request timeout"}'),
    "502": instead(502, HTML), "524": instead(524, HTML), "empty": instead(200, b"{}"),
}  # fmt: skip


@pytest.mark.parametrize("venue", ["kalshi", "polymarket"])
@pytest.mark.parametrize("fate", FATES)
async def test_r1_an_order_whose_answer_is_lost_is_one_order_and_is_found(house, venue, fate):
    """F27, F28, F29: unknown, reserved, its market shut, asked for, counted once; never re-sent."""
    key = (house.shop.kalshi if venue == "kalshi" else house.shop.poly)[0]
    house.street.deaf = {venue}
    house.street.fates[venue] = [FATES[fate]]
    one = await house.order(key)
    life = house.life(one)
    assert life.state == "unknown" and house.account.held(key, "yes") == 0
    assert house.account.reserved(venue) >= 4 * ONE
    assert house.refusal(key, qty=5 * ONE) == "nothing_unknown"
    await house.wait(3_000)
    assert (life.state, life.filled, len(life.fills)) == ("filled", 10 * ONE, 1)
    assert house.account.cash(venue) == START - 4 * ONE
    assert len(house.street.orders) == len(house.placed(venue)) == 1
    house.whole()


@pytest.mark.parametrize("venue", ["kalshi", "polymarket"])
async def test_r1_sent_three_times_after_lost_answers_it_fills_once(house, venue):
    """The same id and the same bytes: the venue knows the second and the third for the first."""
    key = (house.shop.kalshi if venue == "kalshi" else house.shop.poly)[0]
    house.street.deaf = {venue}
    house.street.fates[venue] = [lost, lost]
    one = await house.order(key)
    for _ in range(2):
        house.drivers[venue].do(SubmitOrder(one, again=True))
        await house.wait(50)
    await house.wait(3_000)
    first, second, third = [body for _, body in house.street.orders]
    assert first == second == third
    assert house.life(one).filled == 10 * ONE and len(house.placed(venue)) == 1
    assert house.account.cash(venue) == START - 4 * ONE
    house.whole()


@pytest.mark.parametrize("venue", ["kalshi", "polymarket"])
async def test_r1_what_never_arrived_is_given_up_late_and_with_evidence(house, venue):
    """The venue may sit on it for five seconds here: not a moment sooner, and then for good."""
    key = (house.shop.kalshi if venue == "kalshi" else house.shop.poly)[0]
    house.street.fates[venue] = [swallowed]
    one = await house.order(key)
    await house.wait(4_500)
    assert house.life(one).state == "unknown" and house.account.reserved(venue) >= 4 * ONE
    assert house.life(one).missing >= 3
    await house.wait(4_000)
    assert house.life(one).state == "never_arrived"
    assert house.account.cash(venue) == START and len(house.street.orders) == 1
    house.whole()


async def test_r2_a_ghost_fill_is_taken_back_and_not_bought_again(house):
    """MATCHED, RETRYING, FAILED: at risk but not to be sold, then gone to the unit."""
    key = house.shop.poly[0]
    house.exchanges["polymarket"].fails = lambda now: True
    one = await house.order(key)
    assert house.account.held(key, "yes") == 10 * ONE
    assert house.account.sellable(key, "yes") == 0
    assert house.account.cash("polymarket") == START - 4 * ONE
    await house.wait(3_000)
    (void,) = [s.envelope.event for s in house.steps if isinstance(s.envelope.event, FillVoided)]
    assert void.why == "the venue says FAILED"
    life = house.life(one)
    assert (life.state, life.filled, life.canceled, life.paid) == ("canceled", 0, 10 * ONE, 0)
    assert house.account.cash("polymarket") == START and house.account.realised() == 0
    assert len(house.street.orders) == 1
    house.whole()


async def test_r2_selective_failures_of_one_leg_leave_no_double_position(house):
    """F45 within a basket: after the void it is worked to equal shares, whatever that takes."""
    a, b = house.shop.kalshi[0], house.shop.poly[0]
    failing = [True]
    house.exchanges["polymarket"].fails = lambda now: bool(failing and failing.pop())
    house.link(a, b)
    house.shop.bid(b, 50, 100, house.clock.now())
    house.shop.offer(b, 55, 100, house.clock.now())
    house.shop.offer(b, 40, 0, house.clock.now())
    await house.wait(8_000)
    (basket,) = house.account.baskets.values()
    stages = [n.stage for n in house.notes(BasketMoved) if n.id == basket.begun.id]
    assert "unwind" in stages and stages[-1] in ("done", "unwound")
    held = set(house.truth()["held"].values())
    assert len(held) <= 1, "the legs are not equal"
    house.whole()
