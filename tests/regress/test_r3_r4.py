"""R3 a feed that freezes without a word; R4 refusals of funds that are there, and 500s."""

import pytest

from dutchbook.domain.account_events import OrderRejected
from dutchbook.domain.step import BasketBegun, BasketMoved
from dutchbook.domain.units import ONE
from regress.street import instead, refused

START = 100_000 * ONE
ALLOWANCE = b'{"error":"not enough balance / allowance"}'
EXECUTION = b'{"error":"could not run the execution"}'


async def test_r3_a_frozen_feed_is_not_traded_on_though_it_pongs(house):
    """F37: the exchange has moved on, its socket says nothing; an old price looks like a gift."""
    a, b = house.shop.kalshi[0], house.shop.poly[0]
    house.link(a, b)
    house.street.frozen = {"polymarket"}
    house.shop.offer(b, 40, 0, house.clock.now())
    house.shop.offer(b, 60, 100, house.clock.now())
    for n in range(22):
        house.shop.bid(a, 37, 100 + n, house.clock.now())
        await house.wait(500)
    assert house.refusal(b) == "fresh"
    house.shop.offer(a, 40, 0, house.clock.now())
    house.shop.offer(a, 50, 100, house.clock.now())
    house.shop.bid(a, 45, 100, house.clock.now())
    await house.wait(1_000)
    assert house.notes(BasketBegun) == [] and house.street.orders == []
    house.street.frozen = set()
    for n in range(22):
        house.shop.bid(a, 37, 200 + n, house.clock.now())
        house.shop.bid(b, 37, 200 + n, house.clock.now())
        await house.wait(500)
    assert house.engine.view.best(b, "yes")[0] == 600_000
    one = await house.order(b, px=600_000)
    assert house.life(one).filled == 10 * ONE
    assert house.notes(BasketBegun) == []
    house.whole()


async def test_r3_a_frozen_private_stream_costs_no_fill(house):
    """F81, F34: the venue's own word comes by REST, once, though the socket tells nothing."""
    key = house.shop.kalshi[0]
    house.street.frozen = {"kalshi"}
    one = await house.order(key, tif="gtc", px=390_000)
    assert house.life(one).state == "acked"
    house.floor.desks["kalshi"].crowd(house.shop.sale(key, 39, 10, house.clock.now()))
    assert house.placed("kalshi")[0].filled == 10 * ONE
    await house.wait(3_000)
    assert (house.life(one).state, house.life(one).filled) == ("filled", 10 * ONE)
    house.whole()


async def test_r4_a_refusal_for_funds_that_are_there_is_looked_into_and_not_repeated(house):
    """F51: refused for good, the venue is asked to look again, and no second order leaves."""
    key = house.shop.poly[0]
    house.street.fates["polymarket"] = [refused(400, ALLOWANCE)] * 9
    one = await house.order(key)
    life = house.life(one)
    assert (life.state, life.reason) == ("rejected", "funds")
    await house.wait(5_000)
    updates = [c.url for c in house.street.calls if "/balance-allowance/update" in c.url]
    assert len(updates) == 1 and len(house.street.orders) == 1
    assert house.account.cash("polymarket") == START
    house.whole()


async def test_r4_a_leg_that_is_refused_again_and_again_is_not_chased(house):
    """What was bought for it is sold back while that is cheap; the venue is not showered."""
    a, b = house.shop.kalshi[0], house.shop.poly[0]
    house.street.fates["polymarket"] = [refused(400, ALLOWANCE)] * 99
    house.link(a, b)
    house.shop.offer(b, 40, 0, house.clock.now())
    house.shop.offer(b, 55, 100, house.clock.now())
    house.shop.bid(b, 50, 100, house.clock.now())
    await house.wait(1_500)
    (basket,) = house.account.baskets.values()
    stages = [note.stage for note in house.notes(BasketMoved)]
    assert stages == ["complete", "unwind", "unwound"]
    assert basket.locked == -100 * 2 * 10_000  # bought at 40, sold at 38
    assert [venue for venue, _ in house.street.orders].count("polymarket") == 2
    assert house.placed("polymarket") == [] and house.truth()["held"] == {}
    house.whole()


async def test_r4_the_same_loss_is_made_ever_more_rarely(house):
    """The gift stays in the books and its leg stays refused: each failure doubles the rest."""
    a, b = house.shop.kalshi[0], house.shop.poly[0]
    house.street.fates["polymarket"] = [refused(400, ALLOWANCE)] * 99
    house.link(a, b)
    house.shop.offer(b, 40, 0, house.clock.now())
    house.shop.offer(b, 55, 100, house.clock.now())
    house.shop.bid(b, 50, 100, house.clock.now())
    for _ in range(60):
        await house.wait(250)
        house.shop.offer(a, 40, 0, house.clock.now())
        await house.wait(250)
        house.shop.offer(a, 40, 100, house.clock.now())
        house.shop.bid(a, 38, 100, house.clock.now())
    lost = [note.locked for note in house.notes(BasketMoved) if note.stage == "unwound"]
    assert 2 <= len(lost) <= 5 and all(cash < 0 for cash in lost)
    house.whole()


@pytest.mark.parametrize("acted", [True, False])
async def test_r4_could_not_run_the_execution_is_no_refusal(house, acted):
    """F28: a 500 says nothing. It is looked up, and what is found, or not, decides."""
    key = house.shop.poly[0]
    house.street.deaf = {"polymarket"}
    fate = instead(500, EXECUTION) if acted else refused(500, EXECUTION)
    house.street.fates["polymarket"] = [fate]
    one = await house.order(key)
    assert house.life(one).state == "unknown"
    assert not [s for s in house.steps if isinstance(s.envelope.event, OrderRejected)]
    await house.wait(9_000)
    assert house.life(one).state == ("filled" if acted else "never_arrived")
    assert house.account.held(key, "yes") == (10 * ONE if acted else 0)
    assert len(house.street.orders) == 1
    house.whole()
