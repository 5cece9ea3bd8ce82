"""A person presses Execute under an alert: it trades once, on today's prices, or not at all."""

import re

import pytest

from dutchbook.domain.step import BasketBegun, Opened, Refused
from dutchbook.domain.units import MILLI, SECOND
from dutchbook.emulators.messengers import telegram
from regress.house import living
from unit.alerts.desk import VALID, Desk

BY_HAND = {"auto": False}


@pytest.fixture
async def shown(tmp_path, monkeypatch):
    """An opportunity of 6 cents that nobody has taken: (house, its id, its certificate)."""
    async with living(tmp_path, monkeypatch, BY_HAND) as house:
        yield house, await opened_in(house)


async def opened_in(house):
    a, b = house.shop.kalshi[0], house.shop.poly[0]
    house.link(a, b)
    house.shop.bid(b, 46, 100, house.clock.now())
    house.shop.offer(b, 55, 100, house.clock.now())
    house.shop.offer(b, 40, 0, house.clock.now())
    await house.wait(1_500)
    opened = house.notes(Opened)[-1]
    assert opened.certificate.edge >= 50_000 and not house.notes(BasketBegun)
    return opened


class Phone:
    """The alert of that opportunity on a pretend Telegram whose buttons reach the engine."""

    def __init__(self, house, desk):
        self.house, self.desk, self.bot = house, desk, desk.bot
        cross = [n for (_, n), m in self.bot.messages.items() if "Kalshi" in m["text"]]
        self.number = cross[-1]

    async def tap(self, times=1, user=9, name="ann"):
        for _ in range(times):
            self.bot.press(self.number, "✅ Execute", user, name)
        await self.house.wait(1_500)

    @property
    def last_line(self):
        return telegram.shown(self.bot.messages["1", self.number]["text"]).split("\n")[-1]


@pytest.fixture
async def phone(tmp_path, monkeypatch):
    async with living(tmp_path, monkeypatch, BY_HAND) as house:
        desk = Desk(tmp_path, house)
        house.hears.append(desk.alerting.saw)
        desk.alerting.start()
        await opened_in(house)
        await house.wait(200)
        yield Phone(house, desk)
        await desk.stop()


async def test_the_button_pressed_ten_times_trades_once(phone):
    await phone.tap(times=10)
    (begun,) = phone.house.notes(BasketBegun)
    assert len(phone.house.sent) == 2 and len(phone.desk.told) == 1
    answers = [text for _, text in phone.bot.answers]
    assert answers == ["Sending …"] + ["Already pressed by @ann."] * 9
    assert phone.last_line.startswith("✅ Executed by @ann")
    assert phone.last_line.endswith(f"#{begun.opportunity}")
    phone.house.whole()


async def test_the_button_of_a_stranger_or_after_its_time_sends_nothing(phone):
    await phone.tap(user=66, name="eve")
    assert phone.bot.answers[-1][1] == "You are not allowed to do this."
    await phone.house.wait(VALID // MILLI)
    await phone.tap()
    assert phone.last_line == "⌛ Not sent: its time is over."
    assert phone.desk.told == [] and phone.house.sent == []


async def test_the_button_after_the_edge_fell_sends_nothing_and_says_so(phone):
    house = phone.house
    house.shop.bid(house.shop.poly[0], 46, 0, house.clock.now())
    house.shop.bid(house.shop.poly[0], 41, 100, house.clock.now())
    await house.wait(200)
    await phone.tap()
    said = r"⌛ Not sent: edge now 1\.\d¢ \(< 70 % of [56]\.\d¢\)\."
    assert re.fullmatch(said, phone.last_line)
    assert len(phone.desk.told) == 1 and house.sent == []


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
