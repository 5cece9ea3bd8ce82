"""R5 ticks that change and decimals that do not fit; R6 orders that live on unseen."""

import json

import pytest

from dutchbook.domain.effects import CancelAll
from dutchbook.domain.units import ONE
from regress.street import slow, worded, zombie

START = 100_000 * ONE


def key_of(house, venue):
    return (house.shop.kalshi if venue == "kalshi" else house.shop.poly)[0]


@pytest.mark.parametrize("venue", ["kalshi", "polymarket"])
async def test_r5_the_grid_of_this_moment_decides_not_one_that_was_read_once(house, venue):
    """F52: 0.01 becomes 0.001 and 0.01 again; what is off it never leaves."""
    key = key_of(house, venue)
    assert house.refusal(key, px=405_000) == "well_formed"
    house.shop.bid(key, 37, 100, house.clock.now())
    await house.wait(50)
    house.exchanges[venue].flip_tick(house.clock.now())
    await house.wait(50)
    one = await house.order(key, px=405_000)
    assert house.life(one).filled == 10 * ONE
    assert house.account.cash(venue) == START - 4 * ONE
    house.exchanges[venue].flip_tick(house.clock.now())
    await house.wait(50)
    assert house.refusal(key, px=405_000) == "well_formed"
    await house.wait(2_000)
    assert len(house.street.orders) == 1
    house.whole()


@pytest.mark.parametrize("qty", [5_010_000, 7_770_000, 33_330_000, 99_990_000])
async def test_r5_amounts_are_the_exact_product_and_no_float(house, qty):
    """Shares with two decimals, dollars with no more than the venue takes, nothing rounded away."""
    key = house.shop.poly[0]
    for n, px in enumerate((400_000, 410_000, 570_000)):
        one = await house.order(key, qty=qty, px=px, tif="gtc" if n else "ioc")
        sent = json.loads(house.street.orders[-1][1])["order"]
        assert int(sent["takerAmount"]) == qty
        assert int(sent["makerAmount"]) * ONE == px * qty
        assert house.life(one).state != "rejected"
        house.shop.offer(key, 40, 100, house.clock.now())
        await house.wait(50)
    await house.wait(2_000)
    assert house.account.held(key, "yes") == 3 * qty
    assert house.account.cash("polymarket") == START - 3 * qty * 400_000 // ONE
    house.whole()


async def test_r6_a_fak_called_live_with_nothing_filled_is_asked_for_and_not_sent_again(house):
    """F48: the answer says live, nothing matched; the trades say what is true."""
    key = house.shop.poly[0]
    house.street.deaf = {"polymarket"}
    house.street.fates["polymarket"] = [
        worded(status="live", tradeIDs=[], makingAmount="", takingAmount="")
    ]
    one = await house.order(key)
    assert (house.life(one).state, house.life(one).filled) == ("acked", 0)
    assert house.account.reserved("polymarket") >= 4 * ONE
    await house.wait(3_000)
    assert (house.life(one).state, house.life(one).filled) == ("filled", 10 * ONE)
    assert len(house.street.orders) == 1
    house.whole()


@pytest.mark.parametrize("venue", ["kalshi", "polymarket"])
async def test_r6_an_order_that_lands_long_after_its_timeout_is_counted(house, venue):
    """F29, F30: it was queued for three seconds; definite answers before that end nothing."""
    key = key_of(house, venue)
    house.street.deaf = {venue}
    house.street.fates[venue] = [zombie(3_000)]
    one = await house.order(key)
    await house.wait(2_500)
    assert house.life(one).state == "unknown" and house.life(one).missing >= 2
    assert house.account.reserved(venue) >= 4 * ONE
    await house.wait(5_000)
    assert (house.life(one).state, house.life(one).filled) == ("filled", 10 * ONE)
    assert house.account.cash(venue) == START - 4 * ONE
    house.whole()


@pytest.mark.parametrize("venue", ["kalshi", "polymarket"])
async def test_r6_cancel_all_also_ends_what_was_not_on_the_book_yet(house, venue):
    """The sweep finds nothing, the order lands after it: it must not stay."""
    key = key_of(house, venue)
    house.street.fates[venue] = [slow(800)]
    one = await house.order(key, tif="gtc", px=390_000)
    swept = house.ask("cancel_all")
    assert CancelAll(venue, "operator") in [e for step in swept for e in step.effects]
    await house.wait(700)
    assert house.placed(venue) == []
    await house.wait(9_000)
    (there,) = house.placed(venue)
    assert (there.left, there.canceled) == (0, 10 * ONE)
    assert (house.life(one).state, house.life(one).filled) == ("canceled", 0)
    assert house.account.cash(venue) == START
    house.whole()


async def test_r6_a_cancel_that_comes_too_late_is_no_cancel(house):
    """The order has filled while the cancel was under way; nothing is taken for canceled."""
    key = house.shop.poly[0]
    house.street.deaf = {"polymarket"}
    one = await house.order(key, tif="gtc", px=390_000)
    house.floor.desks["polymarket"].crowd(house.shop.sale(key, 39, 10, house.clock.now()))
    house.ask("cancel", one.id)
    await house.wait(4_000)
    life = house.life(one)
    assert (life.state, life.filled, life.canceled) == ("filled", 10 * ONE, 0)
    house.whole()
