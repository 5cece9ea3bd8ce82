"""Kalshi rounds every fill to the cent and gives whole cents back: more than a small fill's fee."""

from dutchbook.domain.instrument import FeeSchedule
from dutchbook.domain.units import ONE


async def test_i16_a_fill_that_costs_less_than_nothing_is_counted_like_every_other(house):
    """A sale of 1.02 in two fills: the second, of 0.02, gets a cent of the first one's rounding."""
    key = house.shop.kalshi[0]
    house.shop.markets[key].fees = FeeSchedule("kalshi", 70_000, 0, 1, 10_000)
    await house.order(key, qty=1_020_000)
    now = house.clock.now()
    house.shop.bid(key, 38, 1, now)
    house.shop.bid(key, 37, 50, now)
    await house.wait(5_000)
    sale = await house.order(key, qty=1_020_000, px=370_000, action="sell", reduce_only=True)
    await house.wait(5_000)
    life = house.life(sale)
    assert [(fill.qty, fill.fee) for fill in life.fills] == [(ONE, 20_000), (20_000, -2_600)]
    assert life.state == "filled"
    assert house.account.reconciled["kalshi"]
    house.whole()
