"""Somebody else uses our account at a venue: their orders and fills are seen, counted, told."""

from types import SimpleNamespace

import pytest

from dutchbook.domain.effects import Alert
from dutchbook.domain.step import Accepted, HaltMoved, Reconciled, Refused
from dutchbook.domain.units import ONE
from dutchbook.emulators.floor import US
from dutchbook.sim.words import Ticket
from dutchbook.storage.sql import tables
from dutchbook.storage.sql.projection import Projection


def place(house, venue, key, qty, px=390_000, tif="gtc"):
    """An order that a person places on the venue's own page, for YES."""
    desk = house.floor.desks[venue]
    return desk.place(Ticket("theirs", US, key, 0, True, px, qty * ONE, tif, house.clock.now()))


def external(house):
    return [one for one in house.alerts() if one.key.startswith("external:")]


@pytest.mark.parametrize("venue", ["kalshi", "polymarket"])
async def test_an_order_by_hand_at_the_venue_is_told_once_and_limits_what_we_may_do(house, venue):
    """I2, F58: what it may cost is not free, and not room within the limits."""
    key = (house.shop.kalshi if venue == "kalshi" else house.shop.poly)[0]
    place(house, venue, key, 30_000)
    await house.wait(65_000)
    (alert,) = external(house)
    assert isinstance(alert, Alert) and key in alert.text
    account = house.account
    assert 11_700 * ONE <= account.reserved(venue) == account.stake_of[key] <= 12_300 * ONE
    assert account.reconciled[venue]
    assert house.refusal(key, px=400_000) == "within_limits"
    house.floor.desks[venue].cancel("theirs", house.clock.now())
    await house.wait(35_000)
    assert account.reserved(venue) == 0 and len(external(house)) == 1
    for n in range(2):  # a feed that says nothing is not traded on
        house.shop.bid(key, 37, 200 + n, house.clock.now())
        await house.wait(500)
    await house.order(key)
    assert house.ours() == house.truth()


def move(house, venue, cash):
    """A deposit, or a withdrawal, on the venue's own page."""
    house.floor.desks[venue].bank.owners[US].cash[0] += cash


def refused(house, *args, who="ann"):
    (note,) = [
        note
        for step in house.ask("accept", *args, who=who)
        for note in step.notes
        if isinstance(note, Refused)
    ]
    return note.reason, note.numbers


def projected(house):
    """The tables as they are made from the record."""
    made = Projection()
    for step in house.steps:
        one = step.envelope
        made.fold(
            SimpleNamespace(
                seq=one.seq, at=one.at, event=one.event, effects=step.effects, notes=step.notes
            )
        )
    return made


@pytest.mark.parametrize("venue", ["kalshi", "polymarket"])
@pytest.mark.parametrize("cash", [250 * ONE, -30_000 * ONE])
async def test_money_that_came_or_went_is_accepted_in_a_persons_name(house, venue, cash):
    """It shuts the venue until somebody says what it is; it is neither profit nor loss."""
    account, before = house.account, house.account.equity()
    move(house, venue, cash)
    await house.wait(40_000)
    assert account.reconciled[venue] is False
    marks = account.marks
    house.ask("accept", venue, "from the bank")
    await house.wait(3_000)
    assert account.reconciled[venue] and house.ours() == house.truth()
    assert account.equity() == before + cash and account.realised() == 0
    assert account.marks == {name: value + cash for name, value in marks.items()}
    assert house.notes(HaltMoved) == [] and account.halts == {}
    assert refused(house, venue, "again") == ("nothing differs", {})
    made = projected(house)
    assert made.account.take() == account.take()
    said = [(row["who"], row["what"]) for row in made.rows[tables.audit].values()]
    assert said[-3:] == [("ann", "accept"), ("ann", f"accept {venue}"), ("ann", "accept")]
    booked = [row for row in made.rows[tables.ledger].values() if row["what"] == "transfer"]
    assert [(row["account"], row["amount"], row["ref"]) for row in booked] == [
        (f"cash:{venue}", cash, "ann: from the bank"),
        (f"capital:{venue}", -cash, "ann: from the bank"),
    ]


async def test_only_cash_that_stays_the_same_is_accepted_from_a_named_person(house):
    venue, key = "kalshi", house.shop.kalshi[0]
    assert refused(house, "nowhere", "x") == ("there is no report of an account there", {})
    assert refused(house, venue, "x") == ("nothing differs", {})
    assert refused(house, venue, " ") == ("it needs a name and a reason", {})
    assert refused(house, venue, "x", who="") == ("it needs a name and a reason", {})
    seen = len(house.notes(Reconciled))
    move(house, venue, 5 * ONE)
    house.engine.trading.trader.reconcile.due[venue] = house.clock.now()
    await house.wait(600)
    once = ("two reports in a row must tell the same: try again in a moment", {"cash": 5 * ONE})
    assert refused(house, venue, "a reward") == once
    house.floor.desks[venue].bank.owners[US].held[key, 0] = 10 * ONE
    await house.wait(10_000)
    more = {f"position:{key}:yes": 10 * ONE, "cash": 5 * ONE}
    assert refused(house, venue, "a reward") == ("more than cash differs", more)
    assert house.notes(Accepted) == [] and len(house.notes(Reconciled)) == seen + 1
    assert house.account.cash(venue) == 100_000 * ONE
