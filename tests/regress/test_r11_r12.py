"""R11 fills that a status denies, cancels that race them; R12 what adapters made up or dropped."""

import json

import msgspec
import pytest

from dutchbook.domain.account_events import OrderFilled, OrderRejected
from dutchbook.domain.step import BasketMoved, Quarantined
from dutchbook.domain.units import ONE, Qty
from dutchbook.io.ports import Reply
from regress.street import instead, lost, refused

START = 100_000 * ONE
EXISTS = b'{"error":{"code":"order_already_exists","message":"exists","details":""}}'


def key_of(house, venue):
    return (house.shop.kalshi if venue == "kalshi" else house.shop.poly)[0]


def denied(call, reply):
    """Every record of an order says: canceled, nothing filled."""
    if ("/orders" not in call.url and "/data/order" not in call.url) or reply.status != 200:
        return reply
    body = json.loads(reply.body)
    rows = body.get("orders") or [body.get("order", body)]
    for row in rows:
        if "fill_count_fp" in row:
            row |= {"status": "canceled", "fill_count_fp": "0.00", "remaining_count_fp": "0.00"}
        elif "size_matched" in row:
            row |= {"status": "CANCELED", "size_matched": "0"}
    return Reply(200, json.dumps(body).encode())


@pytest.mark.parametrize("venue", ["kalshi", "polymarket"])
async def test_r11_canceled_with_nothing_filled_does_not_undo_a_fill(house, venue):
    """F44: the order's record denies it, the trades have it; the trades decide."""
    key = key_of(house, venue)
    house.street.deaf = {venue}
    house.street.fates[venue] = [lost]
    house.street.read = denied
    one = await house.order(key)
    await house.wait(3_000)
    assert house.life(one).filled == 10 * ONE and house.account.held(key, "yes") == 10 * ONE
    assert house.account.cash(venue) == START - 4 * ONE
    house.street.read = lambda call, reply: reply
    house.whole()


@pytest.mark.parametrize("venue", ["kalshi", "polymarket"])
@pytest.mark.parametrize("deaf", [True, False])
async def test_r11_a_fill_that_races_its_cancel_is_counted_once(house, venue, deaf):
    """F41: seven fill as the cancel is on its way; three are canceled, and nothing is twice."""
    key = key_of(house, venue)
    house.street.deaf = {venue} if deaf else set()
    one = await house.order(key, tif="gtc", px=390_000)
    house.floor.desks[venue].crowd(house.shop.sale(key, 39, 7, house.clock.now()))
    house.ask("cancel", one.id)
    await house.wait(5_000)
    life = house.life(one)
    assert (life.state, life.filled, life.canceled) == ("canceled", 7 * ONE, 3 * ONE)
    assert house.account.cash(venue) == START - 7 * 390_000
    house.whole()


@pytest.mark.parametrize("venue", ["kalshi", "polymarket"])
async def test_r11_an_answer_without_an_order_in_it_is_unknown_and_no_order_none(house, venue):
    """A 200 that names nothing: asked for by our own name, and found."""
    key = key_of(house, venue)
    house.street.fates[venue] = [instead(200, b'{"order_id":null,"orderID":null}')]
    house.street.deaf = {venue}
    one = await house.order(key)
    assert house.life(one).state == "unknown" and house.life(one).venue_order == ""
    await house.wait(3_000)
    assert (house.life(one).state, house.life(one).filled) == ("filled", 10 * ONE)
    house.whole()


async def test_r11_what_is_over_is_not_traded_again(house):
    """A basket that is done stays done: late words about its legs lead to no order."""
    a, b = house.shop.kalshi[0], house.shop.poly[0]
    house.link(a, b)
    house.shop.offer(b, 40, 0, house.clock.now())
    house.shop.offer(b, 55, 100, house.clock.now())
    house.shop.bid(b, 50, 100, house.clock.now())
    await house.wait(3_000)
    assert [note.stage for note in house.notes(BasketMoved)] == ["done"]
    told = [s.envelope.event for s in house.steps if getattr(s.envelope.event, "order", "")]
    before, ours = len(house.sent), house.ours()
    house.tell(*told)
    await house.wait(3_000)
    assert len(house.sent) == before and house.ours() == ours
    house.whole()


async def test_r12_order_already_exists_is_no_refusal(house):
    """A 409 to the first try: somebody on the way repeated it. It is there, and it filled."""
    key = house.shop.kalshi[0]
    house.street.deaf = {"kalshi"}
    house.street.fates["kalshi"] = [instead(409, EXISTS)]
    one = await house.order(key)
    assert not [s for s in house.steps if isinstance(s.envelope.event, OrderRejected)]
    await house.wait(3_000)
    assert (house.life(one).state, house.life(one).filled) == ("filled", 10 * ONE)
    house.whole()


async def test_r12_duplicated_is_the_proof_that_it_landed(house):
    key = house.shop.poly[0]
    house.street.deaf = {"polymarket"}
    house.street.fates["polymarket"] = [
        instead(400, b'{"error":"order 0x is invalid. Duplicated."}')
    ]
    one = await house.order(key)
    assert house.life(one).state != "rejected"
    await house.wait(3_000)
    assert (house.life(one).state, house.life(one).filled) == ("filled", 10 * ONE)
    house.whole()


@pytest.mark.parametrize("venue", ["kalshi", "polymarket"])
async def test_r12_a_cancel_that_failed_leaves_the_order_and_its_reservation(house, venue):
    """A phantom cancel would let us quote twice: without the venue's word the order lives."""
    key = key_of(house, venue)
    one = await house.order(key, tif="gtc", px=390_000)
    held = house.account.reserved(venue)
    reach = house.street.reach

    async def broken(call, headers):
        return Reply(502, b"<html>") if call.method == "DELETE" else await reach(call, headers)

    house.street.reach = broken
    house.ask("cancel", one.id)
    await house.wait(1_000)
    assert house.life(one).alive and house.account.reserved(venue) == held > 0
    assert house.placed(venue)[0].left == 10 * ONE
    house.street.reach = reach
    house.ask("cancel", one.id)
    await house.wait(3_000)
    assert house.life(one).state == "canceled"
    house.whole()


async def test_r12_the_same_trade_by_socket_rest_and_report_is_one_fill(house):
    """F43: told again with other numbers it is set aside for people and changes nothing."""
    key = house.shop.kalshi[0]
    one = await house.order(key)
    await house.wait(2_000)
    fills = [s.envelope.event for s in house.steps if isinstance(s.envelope.event, OrderFilled)]
    assert len(fills) >= 2 and len({fill.trade for fill in fills}) == 1
    assert len(house.life(one).fills) == 1
    house.tell(msgspec.structs.replace(fills[0], qty=Qty(11 * ONE)))
    assert [note.code for note in house.notes(Quarantined)] == ["fill_changed"]
    assert house.life(one).filled == 10 * ONE
    house.whole()


async def test_r12_a_fill_above_the_order_is_counted_as_it_is(house):
    """F47: dust above what was ordered: position and cash as the venue has them, no crash."""
    key = house.shop.poly[0]
    one = await house.order(key)
    (fill,) = house.life(one).fills
    dust = msgspec.structs.replace(fill, trade="dust", qty=Qty(12_345), provisional=False)
    house.tell(dust)
    life = house.life(one)
    assert (life.state, life.filled, life.left, life.reserved) == ("filled", 10_012_345, 0, 0)
    assert house.account.held(key, "yes") == 10_012_345


async def test_r12_a_fill_of_a_market_that_nobody_listed_is_not_dropped(house):
    """It waits without a home, and a complete report gives it to the books as not ours."""
    key = house.shop.kalshi[1]
    one = await house.order(house.shop.kalshi[0])
    (fill,) = house.life(one).fills
    stray = msgspec.structs.replace(fill, order="", venue_order="elsewhere", trade="x", key=key)
    house.tell(stray)
    assert house.account.orphans == [stray] and house.account.held(key, "yes") == 0
    house.floor.desks["kalshi"].bank.owners["us"].held[key, 0] = 10 * ONE
    house.floor.desks["kalshi"].bank.owners["us"].cash[0] -= 4 * ONE
    house.engine.trading.trader.reconcile.due["kalshi"] = house.clock.now()
    await house.wait(3_000)
    assert house.account.orphans == [] and house.account.held(key, "yes") == 10 * ONE
    house.whole()


async def test_r12_a_refusal_of_another_kind_of_amount_is_told_and_ends_the_order(house):
    """Shares, not dollars: what the venue calls a wrong amount is refused once, in its words."""
    key = house.shop.poly[0]
    body = b'{"error":"invalid amount for a marketable BUY order, min size: $1"}'
    house.street.fates["polymarket"] = [refused(400, body)]
    one = await house.order(key)
    await house.wait(2_000)
    assert (house.life(one).state, house.life(one).reason) == ("rejected", "size")
    assert len(house.street.orders) == 1
    house.whole()
