"""What people type wrongly is refused, in a whole house: no step of the engine fails."""

import json

import msgspec
import pytest

from dutchbook.domain.step import Refused
from dutchbook.domain.units import ONE

ORDER = {"outcome": "yes", "qty": 10 * ONE, "px": 400_000}


def refusals(house, verb, *args):
    """The checks that turned it away; each note can be written down, and nothing left."""
    before = len(house.sent)
    notes = [note for step in house.ask(verb, *args) for note in step.notes]
    assert len(house.sent) == before
    for note in notes:
        msgspec.msgpack.encode(note)
    return [note.check for note in notes if isinstance(note, Refused)]


@pytest.mark.parametrize(
    ("words", "check"),
    [
        ({"qty": -5}, "request"), ({"px": -3}, "request"), ({"qty": 10**30}, "request"),
        ({"px": 10**25}, "request"), ({"px": 0.4}, "request"), ({"seconds": -1}, "request"),
        ({"outcome": "maybe"}, "request"), ({"nope": 1}, "request"), ({"qty": 0}, "well_formed"),
        ({"px": 0}, "well_formed"), ({"px": ONE}, "well_formed"), ({"tif": "gtd"}, "expiry"),
        ({"key": "nowhere:X"}, "market"), ({"key": ""}, "market"),
    ],
)  # fmt: skip
async def test_an_order_that_can_not_be_is_refused_and_the_run_goes_on(house, words, check):
    key = house.shop.kalshi[0]
    assert refusals(house, "order", json.dumps({"key": key} | ORDER | words)) == [check]
    assert house.life(await house.order(key, tif="gtc", px=10_000)).alive


async def test_what_is_no_order_at_all_is_refused(house):
    for text in ("", "{", "null", "[]", "not json", "[" * 20_000, '{"qty":' * 9_000):
        assert refusals(house, "order", text) == ["request"]
    assert refusals(house, "order") == ["request"]


async def test_scopes_orders_and_venues_that_do_not_exist_are_refused(house):
    for scope in ("kalshi", "", "venue:", "market", "everything:x"):
        assert refusals(house, "pause", scope) == ["scope"]
    assert refusals(house, "cancel_all", "nowhere") == ["account"]
    assert refusals(house, "cancel", "nothing") == ["order"]
    assert refusals(house, "exit", "nothing") == ["request"]
    assert house.account.halts == {}
