"""R9 voids at a half, retired endpoints, dollars for shares; R10 orders lost, doubled, too late."""

import json

import pytest

from dutchbook.domain.account_events import OrderMissing
from dutchbook.domain.step import BasketBegun, BasketMoved, Quarantined
from dutchbook.domain.units import ONE
from dutchbook.io.ports import Reply
from regress.street import refused, slow, swallowed

START = 100_000 * ONE
GONE = b'{"error":{"code":"deprecated_v1_order_endpoint","message":"removed","details":""}}'


def key_of(house, venue):
    return (house.shop.kalshi if venue == "kalshi" else house.shop.poly)[0]


def report_due(house, *venues):
    for venue in venues:
        house.engine.trading.trader.reconcile.due[venue] = house.clock.now()


@pytest.mark.parametrize("pays", [500_000, 260_000, 0, ONE])
async def test_r9_a_market_pays_whatever_it_pays_and_once(house, pays):
    """F56: a void at a half is money like any other; nothing stays stuck, nothing comes twice."""
    key = house.shop.kalshi[0]
    await house.order(key)
    house.floor.desks["kalshi"].settle(key, pays, house.clock.now())
    for _ in range(3):
        report_due(house, "kalshi")
        await house.wait(1_500)
    assert house.account.keys_held() == [] and house.account.cost(key, "yes") == 0
    assert house.account.cash("kalshi") == START - 4 * ONE + 10 * pays
    assert house.account.realised() == 10 * pays - 4 * ONE
    assert house.account.reconciled["kalshi"]
    house.whole()


async def test_r9_orders_go_to_the_endpoint_that_is_there_and_a_410_is_a_refusal(house):
    """F53: a retired endpoint is no answer to trade on: typed, nothing held, nothing repeated."""
    key = house.shop.kalshi[0]
    house.street.fates["kalshi"] = [refused(410, GONE)]
    one = await house.order(key)
    await house.wait(2_000)
    paths = {c.url.partition("trade-api")[2] for c in house.street.calls if c.method == "POST"}
    assert {path for path in paths if "orders" in path} == {"/v2/portfolio/events/orders"}
    assert (house.life(one).state, house.life(one).reason) == ("rejected", "disabled")
    assert len(house.street.orders) == 1
    house.whole()


async def test_r9_legs_are_equal_in_shares_and_each_names_its_own_token(house):
    """YES at 40 here and NO at 50 there: the same number of contracts, not of dollars."""
    a, b = house.shop.kalshi[0], house.shop.poly[0]
    house.link(a, b)
    house.shop.offer(b, 40, 0, house.clock.now())
    house.shop.offer(b, 55, 100, house.clock.now())
    house.shop.bid(b, 50, 100, house.clock.now())
    await house.wait(4_000)
    (basket,) = house.notes(BasketBegun)
    assert {leg.qty for leg in basket.legs} == {basket.qty}
    bodies = {venue: json.loads(body) for venue, body in house.street.orders}
    assert bodies["polymarket"]["order"]["tokenId"] == house.shop.markets[b].tokens[1]
    assert bodies["kalshi"]["side"] == "bid"
    assert house.truth()["held"] == {(a, "yes"): basket.qty, (b, "no"): basket.qty}
    assert [note.stage for note in house.notes(BasketMoved)] == ["done"]
    house.whole()


@pytest.mark.parametrize("venue", ["kalshi", "polymarket"])
@pytest.mark.parametrize("reply", [Reply(502, b"<html>"), Reply(200, b"[]"), Reply(429, b"")])
async def test_r10_what_is_no_answer_never_becomes_not_found(house, venue, reply):
    """F32, I6: for a long time every question fails; the order stays unknown and reserved."""
    key = key_of(house, venue)
    house.street.deaf = {venue}
    house.street.fates[venue] = [swallowed]
    house.street.read = lambda call, good: reply if reads_orders(call) else good
    one = await house.order(key)
    await house.wait(20_000)
    assert house.life(one).state == "unknown" and house.life(one).missing == 0
    assert not [s for s in house.steps if isinstance(s.envelope.event, OrderMissing)]
    assert house.account.reserved(venue) >= 4 * ONE
    house.street.read = lambda call, good: good
    await house.wait(30_000)
    assert house.life(one).state == "never_arrived"
    house.whole()


def reads_orders(call):
    parts = ("/portfolio/orders", "/portfolio/fills", "/data/order", "/data/trades")
    return call.method == "GET" and any(part in call.url for part in parts)


@pytest.mark.parametrize("venue", ["kalshi", "polymarket"])
async def test_r10_an_order_that_does_not_show_for_some_seconds_is_not_lost(house, venue):
    """F42: it rests, and reads do not show it yet; it is neither given up nor sent again."""
    key = key_of(house, venue)
    house.street.deaf = {venue}
    house.street.fates[venue] = [slow(4_500)]
    one = await house.order(key, tif="gtc", px=390_000)
    await house.wait(4_300)
    assert house.life(one).alive and house.account.reserved(venue) >= 3_900_000
    await house.wait(3_000)
    assert (house.life(one).state, house.life(one).filled) == ("acked", 0)
    assert len(house.placed(venue)) == len(house.street.orders) == 1
    house.ask("cancel", one.id)
    await house.wait(2_000)
    assert house.life(one).state == "canceled"
    house.whole()


@pytest.mark.parametrize("verb", ["kill", "halt", "pause"])
async def test_r10_nothing_is_sent_after_a_stop(house, verb):
    """A gift in the books and an order by hand: none leaves, until a person lets it."""
    a, b = house.shop.kalshi[0], house.shop.poly[0]
    house.ask(verb)
    await house.wait(300)
    house.link(a, b)
    house.shop.offer(b, 40, 0, house.clock.now())
    house.shop.offer(b, 55, 100, house.clock.now())
    house.shop.bid(b, 50, 100, house.clock.now())
    await house.wait(3_000)
    assert house.refusal(a) == "not_halted"
    assert house.street.orders == [] and house.notes(BasketBegun) == []
    house.whole()


async def test_r10_a_run_that_winds_down_begins_nothing(house):
    a, b = house.shop.kalshi[0], house.shop.poly[0]
    house.ask("wind_down")
    house.link(a, b)
    house.shop.offer(b, 40, 0, house.clock.now())
    house.shop.offer(b, 55, 100, house.clock.now())
    house.shop.bid(b, 50, 100, house.clock.now())
    await house.wait(3_000)
    assert house.street.orders == [] and house.notes(BasketBegun) == []
    house.whole()


@pytest.mark.parametrize("venue", ["kalshi", "polymarket"])
async def test_r10_what_lands_after_it_was_given_up_is_ours_again(house, venue):
    """The venue broke its own bound: the order is followed, reserved and ended like any other."""
    key = key_of(house, venue)
    house.street.deaf = {venue}
    house.street.fates[venue] = [slow(8_000)]
    one = await house.order(key, tif="gtc", px=390_000)
    await house.wait(7_500)
    assert house.life(one).state == "never_arrived"
    await house.wait(1_500)
    assert house.life(one).state == "acked" and house.account.reserved(venue) >= 3_900_000
    odd = [note.code for note in house.notes(Quarantined)]
    assert odd == ["arrived_after_all"]
    house.floor.desks[venue].crowd(house.shop.sale(key, 39, 4, house.clock.now()))
    house.ask("cancel", one.id)
    await house.wait(6_000)
    assert (house.life(one).state, house.life(one).filled) == ("canceled", 4 * ONE)
    house.whole()
