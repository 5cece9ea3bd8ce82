"""A person presses Execute under an alert: it trades once, on today's prices, or not at all."""

import pytest

from dutchbook.domain.step import BasketBegun, Opened, Refused
from dutchbook.domain.units import SECOND
from regress.house import living

BY_HAND = {"auto": False}


@pytest.fixture
async def shown(tmp_path, monkeypatch):
    """An opportunity of 6 cents that nobody has taken: (house, its id, its certificate)."""
    async with living(tmp_path, monkeypatch, BY_HAND) as house:
        a, b = house.shop.kalshi[0], house.shop.poly[0]
        house.link(a, b)
        house.shop.bid(b, 46, 100, house.clock.now())
        house.shop.offer(b, 55, 100, house.clock.now())
        house.shop.offer(b, 40, 0, house.clock.now())
        await house.wait(1_500)
        opened = house.notes(Opened)[-1]
        assert opened.certificate.edge >= 50_000 and not house.notes(BasketBegun)
        yield house, opened


def press(house, opened, alert="a1", seconds=40):
    until = house.clock.now() + seconds * SECOND
    return house.ask("execute", alert, opened.id, str(opened.certificate.edge), str(until))


async def test_pressed_ten_times_it_trades_once(shown):
    house, opened = shown
    for _ in range(10):
        press(house, opened)
    await house.wait(1_000)
    (begun,) = house.notes(BasketBegun)
    assert begun.opportunity == opened.id
    refusals = [note for note in house.notes(Refused) if note.what == "a1"]
    assert [note.check for note in refusals] == ["repeat"] * 9
    assert len(house.sent) == 2
    house.whole()


async def test_another_alert_of_the_same_opportunity_does_not_take_it_again(shown):
    house, opened = shown
    press(house, opened)
    press(house, opened, alert="a2")
    assert len(house.notes(BasketBegun)) == 1 and house.notes(Refused)[-1].check == "repeat"
    # After a restart the basket in the record says the same, though nothing is remembered.
    house.engine.presses.__init__()
    press(house, opened)
    assert len(house.notes(BasketBegun)) == 1 and house.notes(Refused)[-1].check == "repeat"


async def test_after_its_time_nothing_is_sent(shown):
    house, opened = shown
    press(house, opened, seconds=-1)
    (no,) = house.notes(Refused)
    assert (no.what, no.check, no.numbers) == ("a1", "ttl", {"late_ns": SECOND})
    assert house.sent == []


@pytest.mark.parametrize(("bid", "goes"), [(45, True), (44, False), (41, False), (38, False)])
async def test_less_than_seventy_percent_of_the_edge_is_refused(shown, bid, goes):
    house, opened = shown
    b = house.shop.poly[0]
    now = house.clock.now()
    house.shop.bid(b, 46, 0, now)
    if bid > 38:
        house.shop.bid(b, bid, 100, now)
    await house.wait(200)
    press(house, opened)
    refusals = [(note.what, note.check, note.numbers["edge"]) for note in house.notes(Refused)]
    if goes:
        assert refusals == [] and len(house.notes(BasketBegun)) == 1
    else:
        assert refusals == [("a1", "edge", (bid - 40) * 10_000)] and house.sent == []


async def test_the_gate_has_the_last_word(shown):
    house, opened = shown
    house.ask("pause")
    press(house, opened)
    assert house.notes(Refused)[-1].check == "not_halted" and house.sent == []


@pytest.mark.parametrize("args", [(), ("a1",), ("a1", "o9", "x", "1"), ("a1", "o9", "1", "9" * 20)])
async def test_what_is_no_press_changes_nothing(house, args):
    house.ask("execute", *args)
    (no,) = house.notes(Refused)
    assert no.check in ("request", "gone") and house.sent == []
