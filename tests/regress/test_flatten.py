"""All that is held is sold, though orders of our own stand in the way when it is asked for."""

import pytest

from dutchbook.domain.units import ONE


@pytest.mark.parametrize("verb", [("kill", "flatten"), ("flatten",)])
@pytest.mark.parametrize(
    "words",
    [
        {"px": 390_000},  # the best bid is ours: to sell to it would be a trade with ourselves
        {"px": 500_000, "action": "sell"},  # what is held is offered already
    ],
)
async def test_what_our_own_orders_hold_back_is_sold_when_they_have_ended(house, words, verb):
    keys = (house.shop.kalshi[0], house.shop.poly[0])
    for key in keys:
        await house.order(key)
    await house.wait(5_000)
    for key in keys:
        await house.order(key, tif="gtc", **words)
    assert len(house.account.live) == 2
    house.ask(*verb)
    await house.wait(12_000)
    if verb == ("flatten",) and house.account.live:
        house.ask("cancel_all")
        await house.wait(3_000)
    assert house.truth()["held"] == {}
    house.whole()


async def test_what_can_not_be_sold_is_told_and_not_tried_for_ever(house):
    key = house.shop.kalshi[0]
    await house.order(key)
    house.shop.bid(key, 38, 0, house.clock.now())
    await house.wait(5_000)
    house.ask("kill", "flatten")
    await house.wait(30_000)
    assert house.account.held(key, "yes") == 10 * ONE
    told = [one for one in house.alerts() if one.key == f"flatten:{key}"]
    assert len(told) == 1
