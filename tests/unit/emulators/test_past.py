"""Reads that lag: what is remembered, and for how long; switches that can't be."""

import pytest
from traders import kalshi, tell

from dutchbook.domain.units import ONE, SECOND
from dutchbook.emulators.past import LAG_MAX, Past
from dutchbook.emulators.source import generated
from dutchbook.sim.desk import Desk
from dutchbook.sim.words import Ticket


def desk():
    feed = generated(7)
    feed.ladder = lambda key, token, side: {}
    made = Desk(feed, "kalshi")
    made.bank.fund("us", 0, 100 * ONE)
    key = next(k for k in made.books if feed.markets[k].exchange_index == 0)
    return made, key


def test_an_order_is_shown_as_it_was_and_versions_are_forgotten_after_the_longest_lag():
    made, key = desk()
    past = Past(made)
    past.poll(0)
    made.place(Ticket("a", "us", key, 0, True, 400_000, 5 * ONE, "gtc", 1 * SECOND))
    made.place(Ticket("b", "us", key, 0, True, 390_000, 5 * ONE, "gtc", 2 * SECOND))
    made.amend("a", 400_000, 4 * ONE, 3 * SECOND)
    made.cancel("a", 4 * SECOND)
    past.lag = SECOND
    seen = [past.order("a", at * SECOND) for at in (1, 2, 4, 5)]
    assert [one and (one.left, one.ended) for one in seen] == [
        None, (5 * ONE, ""), (4 * ONE, ""), (0, "asked"),
    ]  # fmt: skip
    assert [one.ticket.id for one in past.of_owner("us", 2 * SECOND)] == ["a"]
    for turn in range(100):
        made.amend("b", 390_000, (90 - turn % 2) * ONE, (5 + turn) * SECOND)
    assert len(past._orders["b"]) == LAG_MAX // SECOND + 2
    assert len(past._accounts["us"]) <= LAG_MAX // SECOND + 2


def test_money_is_shown_as_it_was_before_the_fill():
    made, key = desk()
    made.bank.fund("them", 0, 100 * ONE)
    past = Past(made)
    past.poll(0)
    made.place(Ticket("a", "us", key, 0, True, 400_000, 5 * ONE, "gtc", 1 * SECOND))
    made.place(Ticket("b", "them", key, 1, True, 600_000, 5 * ONE, "gtc", 2 * SECOND))
    assert past.account("us", 2 * SECOND).held == {(key, 0): 5 * ONE}
    before = past.account("us", 2 * SECOND, SECOND)
    assert (before.held, before.cash) == ({}, {0: 100 * ONE})


@pytest.mark.parametrize(
    ("venue", "name", "value"),
    [("kalshi", "stale_ms", 10_001), ("kalshi", "tier", 1), ("polymarket", "tier", 8)],
)
async def test_a_switch_that_does_not_exist_is_refused(tmp_path, venue, name, value):
    async with kalshi(tmp_path) as at:
        with pytest.raises(AssertionError, match="no switch"):
            await tell(at.rig, at.client, "switch", venue=venue, name=name, value=value)
