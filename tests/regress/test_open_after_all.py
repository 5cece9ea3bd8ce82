"""An order that is over in our books and open at the venue: the reports show it, and say so."""

import pytest

from dutchbook.domain.account_events import OrderCanceled
from dutchbook.domain.units import ONE


@pytest.mark.parametrize("venue", ["kalshi", "polymarket"])
async def test_i2_an_order_that_ended_only_here_shuts_its_venue(house, venue):
    """The answer to a cancel spoke of another order (Kalshi, 2026-05-21): ours still rests."""
    key = {"kalshi": house.shop.kalshi[0], "polymarket": house.shop.poly[0]}[venue]
    order = await house.order(key, tif="gtc", px=10_000, qty=100 * ONE)
    life = house.life(order)
    house.tell(OrderCanceled(order.id, life.venue_order, "operator", order.qty))
    assert not life.alive and house.placed(venue)[0].left
    await house.wait(60_000)
    assert not house.account.reconciled[venue]
    assert any(order.id in one.text for one in house.alerts())
    house.ask("cancel_all")
    await house.wait(60_000)
    assert house.account.reconciled[venue] and not house.placed(venue)[0].left
    house.whole()
