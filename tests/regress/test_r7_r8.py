"""R7 a new name for the same order, a position closed in our books only; R8 Kalshi's own words."""

import json

import pytest

from dutchbook.domain.effects import SubmitOrder
from dutchbook.domain.events import RunStarted
from dutchbook.domain.units import ONE, SECOND
from regress.house import ACCOUNTS
from regress.street import lost, refused, swallowed

START = 100_000 * ONE
INACTIVE = b'{"error":{"code":"market_inactive","message":"market is not active","details":""}}'


def key_of(house, venue):
    return (house.shop.kalshi if venue == "kalshi" else house.shop.poly)[0]


@pytest.mark.parametrize("venue", ["kalshi", "polymarket"])
@pytest.mark.parametrize("fate", [lost, swallowed])
async def test_r7_a_second_try_has_the_name_and_the_bytes_of_the_first(house, venue, fate):
    """F2: whether or not the first arrived, there is one order and its id was never another."""
    key = key_of(house, venue)
    house.street.deaf = {venue}
    house.street.fates[venue] = [fate]
    one = await house.order(key)
    house.drivers[venue].do(SubmitOrder(one, again=True))
    await house.wait(3_000)
    bodies = [body for _, body in house.street.orders]
    assert len(bodies) == 2 and bodies[0] == bodies[1]
    assert len(house.placed(venue)) == 1 and len(house.sent) == 1
    assert (house.life(one).state, house.life(one).filled) == ("filled", 10 * ONE)
    house.whole()


@pytest.mark.parametrize("venue", ["kalshi", "polymarket"])
async def test_r7_a_new_run_asks_for_old_orders_and_makes_none_anew(house, venue):
    """I4: what was sent before the restart is unknown, looked up, and never decided again."""
    key = key_of(house, venue)
    house.street.deaf = {venue}
    house.street.fates[venue] = [lost]
    one = await house.order(key)
    house.tell(RunStarted("r2", "sim", 7, "0", "", "e2", tuple(ACCOUNTS.items())))
    assert house.life(one).state == "unknown"
    await house.wait(3_000)
    assert (house.life(one).state, house.life(one).filled) == ("filled", 10 * ONE)
    assert one.id.startswith("e1-")
    assert house.engine.trading.trader.desk.mint().startswith("e2-")
    assert len(house.street.orders) == len(house.placed(venue)) == len(house.sent) == 1
    house.whole()


@pytest.mark.parametrize("venue", ["kalshi", "polymarket"])
async def test_r7_a_position_is_closed_when_the_venue_sold_it_and_not_before(house, venue):
    """A refused sale, then one whose fate is unknown: it is ours until its fill is known."""
    key = key_of(house, venue)
    await house.order(key)
    await house.wait(2_500)
    body = INACTIVE if venue == "kalshi" else b'{"error":"Trading is currently disabled"}'
    house.street.fates[venue] = [refused(409 if venue == "kalshi" else 400, body), lost]
    sale = {"action": "sell", "px": 380_000}
    first = await house.order(key, **sale)
    assert house.life(first).state == "rejected"
    assert house.account.held(key, "yes") == house.account.sellable(key, "yes") == 10 * ONE
    house.street.deaf = {venue}
    second = await house.order(key, **sale)
    assert house.life(second).state == "unknown"
    assert house.account.held(key, "yes") == 10 * ONE and house.account.sellable(key, "yes") == 0
    assert house.refusal(key, **sale) != ""
    await house.wait(3_000)
    assert house.account.held(key, "yes") == 0
    assert house.account.realised() == -10 * 20_000
    house.whole()


async def test_r8_a_purchase_of_no_is_an_offer_of_yes_and_comes_back_as_no(house):
    """One book: NO at 62 is sold YES at 38; position, cost and cash are in the order's words."""
    key = house.shop.kalshi[0]
    one = await house.order(key, outcome="no", px=620_000)
    body = json.loads(house.street.orders[0][1])
    assert (body["side"], body["price"], body["count"]) == ("ask", "0.3800", "10.00")
    life = house.life(one)
    assert [(f.outcome, f.action, f.px, f.qty) for f in life.fills] == [
        ("no", "buy", 620_000, 10 * ONE)
    ]
    assert house.account.held(key, "no") == 10 * ONE and house.account.held(key, "yes") == 0
    assert house.account.cost(key, "no") == START - house.account.cash("kalshi") == 6_200_000
    house.whole()


async def test_r8_what_is_sold_again_is_shown_on_the_other_side_and_still_nets_to_nothing(house):
    key = house.shop.kalshi[0]
    await house.order(key, outcome="no", px=620_000)
    house.ask("flatten")
    await house.wait(2_000)
    sale = json.loads(house.street.orders[1][1])
    assert (sale["side"], sale["price"]) == ("bid", "0.4000")
    assert house.truth()["held"] == {} and house.account.keys_held() == []
    assert house.account.realised() == -10 * 20_000
    house.whole()


async def test_r8_a_cancel_takes_away_what_is_left_and_the_rest_has_filled(house):
    """reduced_by 7.75 of 10: fractions are exact, and 2.25 are ours whether or not fills show."""
    key = house.shop.kalshi[0]
    house.street.deaf = {"kalshi"}
    one = await house.order(key, tif="gtc", px=390_000)
    sale = house.shop.sale(key, 39, 0, house.clock.now())
    sale.trade.qty = 2_250_000
    house.floor.desks["kalshi"].crowd(sale)
    house.ask("cancel", one.id)
    await house.wait(2_000)
    life = house.life(one)
    assert (life.state, life.filled, life.canceled) == ("canceled", 2_250_000, 7_750_000)
    assert house.account.cash("kalshi") == START - 877_500
    house.whole()


async def test_r8_reads_that_lag_behind_are_no_difference_and_nothing_is_overwritten(house):
    """F42, F57: positions a second old, then an empty list; our books stay as the fills are."""
    key = house.shop.kalshi[0]
    house.exchanges["kalshi"].portfolio.lag = SECOND
    await house.order(key)
    trader = house.engine.trading.trader
    for _ in range(8):
        trader.reconcile.due["kalshi"] = house.clock.now()
        await house.wait(250)
        assert house.account.held(key, "yes") == 10 * ONE
    assert [alert for alert in house.alerts() if "drift" in alert.key] == []
    await house.wait(3_000)
    assert house.account.reconciled["kalshi"]
    house.whole()
