"""Shares that somebody redeemed for us at the venue, by hand, while no process was there to see."""

from decimal import Decimal
from types import SimpleNamespace

import pytest

from dutchbook.domain.account_events import AccountSeen
from dutchbook.domain.units import ONE, SECOND, Ns, Qty, Usd
from dutchbook.state.reports import differences
from dutchbook.venues.polymarket import moves
from dutchbook.venues.polymarket.account_wire import Activity
from unit.account.test_account import NOW, P, Story, fill, order


@pytest.mark.parametrize("told", [True, False])
def test_a_redemption_made_while_we_were_down_burns_what_the_books_hold(told):
    """A process that has just begun has no report yet, and can't say how many contracts it was."""
    story = Story()
    yes, no = order("a"), order("b", outcome="no", px=500_000, qty=3 * ONE)
    for one in (yes, no):
        story.place(one)
    story.tell(fill(yes, "t1", fee=0), fill(no, "t2", 3 * ONE, 500_000, fee=0))
    ten = Decimal(10)
    row = Activity("REDEEM", NOW // SECOND, "0x" + "ab" * 32, ten, ten, "0x" + "cd" * 32)
    held = {(P, "yes"): Qty(10 * ONE), (P, "no"): Qty(3 * ONE)} if told else {}
    known = SimpleNamespace(account="us", balances=held, paid=set(), key_of=lambda _: P)
    (paid,) = moves.paid([row], known)
    story.tell(paid, paid)
    cash = 1_000 * ONE - 4 * ONE - 1_500_000 + 10 * ONE
    assert story.account.keys_held() == [] and story.account.cost(P, "yes") == 0
    assert story.account.cash("polymarket") == cash and story.account.realised() == 4_500_000
    report = AccountSeen("polymarket", "us", story.at, Ns(0), Usd(cash), (), (), ())
    assert differences(story.account, report) == []
