"""P7: somebody pulls the kill switch while orders rest, are under way, or can't be reached."""

import json

import pytest

from dutchbook.domain.units import ONE
from regress.street import unsent, zombie

EACH = 250


async def test_p7_five_hundred_orders_are_canceled_within_two_seconds(house):
    """In the exchanges' own books nothing of ours rests any more, and nothing new is taken."""
    keys = (house.shop.kalshi[0], house.shop.poly[0])
    for n in range(EACH):
        for key in keys:
            words = {"key": key, "outcome": "yes", "qty": (100 + n % 50) * ONE, "tif": "gtc",
                     "px": (1 + n % 3) * 10_000}  # fmt: skip
            house.ask("order", json.dumps(words))
        await house.wait(50)
    resting = [one for venue in ("kalshi", "polymarket") for one in house.placed(venue) if one.left]
    assert len(resting) == 2 * EACH
    house.ask("kill")
    await house.wait(2_000)
    assert [one.ticket.id for one in resting if one.left] == []
    assert house.refusal(keys[0], tif="gtc") == "not_halted"
    await house.wait(2_000)
    assert house.account.live == {} and house.account.reserved("kalshi") == 0
    house.whole()


@pytest.mark.parametrize("verb", ["kill", "halt"])
async def test_p7_what_rests_at_venues_that_are_down_is_canceled_when_they_are_back(house, verb):
    keys = (house.shop.kalshi[0], house.shop.poly[0])
    orders = [await house.order(key, tif="gtc", px=10_000, qty=100 * ONE) for key in keys]
    resting = [one for venue in ("kalshi", "polymarket") for one in house.placed(venue) if one.left]
    assert len(resting) == 2
    house.street.down = {"kalshi", "polymarket"}
    house.ask(verb)
    await house.wait(5_000)
    assert [house.life(order).alive for order in orders] == [True, True]
    assert all(one.left for one in resting)
    house.street.down = set()
    await house.wait(5_000)
    assert not any(one.left for one in resting)
    house.whole()


@pytest.mark.parametrize("venue", ["kalshi", "polymarket"])
async def test_p7_an_order_that_appears_after_the_kill_is_canceled_as_well(house, venue):
    """It was of unknown fate when everything was canceled, and arrives seconds later."""
    key = {"kalshi": house.shop.kalshi[0], "polymarket": house.shop.poly[0]}[venue]
    house.street.fates[venue] = [zombie(3_500)]
    order = await house.order(key, tif="gtc", px=10_000, qty=100 * ONE)
    house.ask("kill")
    await house.wait(1_000)
    assert house.life(order).state == "unknown" and house.placed(venue) == []
    await house.wait(10_000)
    (there,) = house.placed(venue)
    assert there.left == 0 and not house.life(order).alive
    house.whole()


async def test_p7_a_kill_that_sells_what_is_held_leaves_nothing_behind(house):
    """It rests at both venues and holds at both; a sale that never left is decided again."""
    for key in (house.shop.kalshi[0], house.shop.poly[0]):
        await house.order(key, tif="gtc", px=10_000, qty=100 * ONE)
        await house.order(key)
    await house.wait(5_000)
    assert len(house.truth()["held"]) == 2
    house.street.fates["kalshi"] = [unsent]
    house.ask("kill", "flatten")
    await house.wait(10_000)
    assert house.truth()["held"] == {}
    assert not [one for v in ("kalshi", "polymarket") for one in house.placed(v) if one.left]
    house.whole()
