"""What others do with our account at a venue: their fills, their orders, their money."""

import pytest

from dutchbook.domain.account_events import AccountSeen, FillVoided, OrderAcked, OrderSeen
from dutchbook.domain.orders import Holding
from dutchbook.domain.step import Drifted
from dutchbook.domain.units import ONE, SECOND, Ns, Px, Qty, Usd
from dutchbook.state import reports
from dutchbook.state.account import Account
from dutchbook.state.invariants import invariants
from unit.account.test_account import NOW, K, P, Story, fill, order

CASH = Usd(1_000 * ONE - 4 * ONE - 1_000)
"""What is left of $1,000 when somebody bought ten at 40 cents, with a fee of a tenth of a cent."""


def theirs(key=K, trade="t9", **more):
    return fill(order(key=key), trade, **{"order": "", "venue_order": "v9"} | more)


def report(story, *fills, key=K, orders=(), cash=CASH, held=10 * ONE):
    """A complete report of the venue, which holds ten YES that we did not order."""
    story.at = Ns(story.at + 30 * SECOND)
    holdings = (Holding(key, "yes", Qty(held)),) if held else ()
    since = Ns(story.at - 90 * SECOND)
    return AccountSeen(key.partition(":")[0], "us", story.at, since, cash, holdings, orders, fills)


def test_a_fill_that_is_not_ours_is_booked_once_however_many_reports_list_it():
    story = Story()
    for n in range(3):
        one = report(story, theirs())
        notes = story.tell(one)
        assert [type(note) for note in notes] == ([Drifted] if n == 0 else [])
        assert story.account.held(K, "yes") == 10 * ONE
        assert story.account.cash("kalshi") == CASH
        assert reports.differences(story.account, one) == []


def test_it_is_once_by_socket_and_by_report_which_word_it_differently():
    story = Story()
    story.tell(theirs(order="somebody", after=Qty(10 * ONE)), theirs())
    assert len(story.account.orphans) == 1
    story.tell(report(story, theirs()))
    story.tell(theirs(order="somebody", after=Qty(10 * ONE)), report(story))
    assert story.account.held(K, "yes") == 10 * ONE and story.account.orphans == []


def test_it_is_still_once_after_a_restart():
    story = Story()
    story.tell(report(story, theirs()))
    again = Account()
    again.restore(story.account.take())
    story.account = again
    story.tell(report(story, theirs()))
    assert again.held(K, "yes") == 10 * ONE and again.cash("kalshi") == CASH


def test_what_was_filled_before_the_first_report_is_in_its_numbers():
    """Told by the socket before that report, in it, and again in the next one: no difference."""
    account = Account()
    early = theirs()
    holdings = (Holding(K, "yes", Qty(10 * ONE)),)
    account.apply(early, NOW, 1)
    for n in range(2):
        asked = Ns(NOW + (1 + n) * 30 * SECOND)
        one = AccountSeen("kalshi", "us", asked, Ns(0), CASH, holdings, (), (early,))
        assert account.apply(one, asked, 2 + n) == []
        assert reports.differences(account, one) == []
    assert account.held(K, "yes") == 10 * ONE and account.orphans == []


def test_a_fill_that_turns_out_to_be_ours_is_not_booked_a_second_time():
    story = Story()
    story.tell(report(story, theirs(K)))
    one = order("late", K)
    life = story.place(one)
    story.tell(OrderAcked("late", "v9"), theirs(K))
    assert (life.state, life.filled) == ("filled", 10 * ONE)
    assert story.account.held(K, "yes") == 10 * ONE and story.account.cash("kalshi") == CASH


@pytest.mark.parametrize("when", ["waiting", "booked"])
def test_a_trade_of_others_that_fails_leaves_nothing(when):
    story = Story()
    ghost = theirs(P, provisional=True)
    story.tell(ghost, *([report(story, ghost, key=P)] if when == "booked" else []))
    story.tell(FillVoided("polymarket", "us", "t9", "failed"), ghost)
    story.tell(report(story, key=P, cash=Usd(1_000 * ONE), held=0))
    assert story.account.orphans == [] and story.account.keys_held() == []
    assert story.account.cash("polymarket") == 1_000 * ONE


def test_a_trade_of_others_that_is_final_keeps_nobody_waiting():
    """Matched by the socket, final in the next report: the venue comes to rest."""
    story = Story()
    story.tell(theirs(P, provisional=True))
    story.tell(report(story, theirs(P, provisional=True), key=P))
    assert story.account.provisional() == 1
    one = report(story, theirs(P), key=P)
    story.tell(one)
    assert story.account.provisional() == 0
    assert not reports.restless(story.account, "polymarket", one.asked)


def test_only_the_newest_are_remembered(monkeypatch):
    monkeypatch.setattr(reports, "ADOPTED_MAX", 2)
    story = Story()
    fills = [theirs(trade=f"t{n}") for n in range(3)]
    story.tell(report(story, *fills))
    assert [name[2] for name in story.account.adopted] == ["t1", "t2"]
    assert invariants(story.account) == []


def rests(name="x1", filled=0, key=P, action="buy", venue="polymarket"):
    """An open order of somebody else: ten at 40 cents."""
    return OrderSeen(
        venue, "us", "", name, key, "yes", action, Px(400_000), Qty(10 * ONE), "open", Qty(filled)
    )


WORST = 4 * ONE + 168_000
"""What such an order may cost, with the highest fee of 7% of 40 cents times 60."""


def test_an_open_order_that_is_not_ours_counts_at_its_worst_until_it_is_gone():
    story = Story()
    account = story.account
    for n in range(2):
        notes = story.tell(report(story, key=P, orders=(rests(),), cash=1_000 * ONE, held=0))
        told = [Drifted("polymarket", "order:x1", 0, 10 * ONE, "external")]
        assert notes == (told if n == 0 else [])
        assert len(account.newcomers) == (n == 0)
    assert account.reserved("polymarket") == WORST
    assert account.free("polymarket") == 1_000 * ONE - WORST
    assert account.stake_of[P] == account.stake_total == WORST
    again = Account()
    again.restore(account.take())
    assert again.reserved("polymarket") == WORST and again.take() == account.take()
    part = fill(order(), "t9", 5 * ONE, order="", venue_order="x1", fee=0)
    story.tell(rests(filled=5 * ONE), part)
    assert account.reserved("polymarket") == WORST  # what it bought is not in the books yet
    last = {"key": P, "cash": Usd(998 * ONE), "held": 5 * ONE}
    story.tell(report(story, part, orders=(rests(filled=5 * ONE),), **last))
    assert account.reserved("polymarket") == WORST // 2
    assert account.cost(P, "yes") == 2 * ONE
    story.tell(report(story, **last))
    assert account.reserved("polymarket") == account.stake_total == 0
    assert account.foreign == {} == account.external


def test_what_others_offer_is_not_ours_to_sell():
    story = Story()
    one = order()
    story.place(one)
    story.tell(OrderAcked("a", "v-a"), fill(one, fee=0))
    row = rests(action="sell", filled=4 * ONE)
    story.tell(report(story, key=P, orders=(row,), cash=Usd(996 * ONE)))
    assert story.account.sellable(P, "yes") == 4 * ONE
    assert story.account.reserved("polymarket") == 0
    story.tell(report(story, key=P, cash=Usd(996 * ONE)))
    assert story.account.sellable(P, "yes") == 10 * ONE


def test_while_an_order_of_ours_has_no_name_an_unknown_one_may_be_it():
    story = Story()
    life = story.place(order())
    notes = story.tell(report(story, key=P, orders=(rests("v-a"),), cash=1_000 * ONE, held=0))
    assert notes == [] and story.account.reserved("polymarket") == life.reserved
    story.tell(OrderAcked("a", "v-a"))
    assert story.account.reserved("polymarket") == life.reserved > 0
    assert story.account.external == {}


def test_an_order_that_proves_to_be_ours_counts_once():
    """Given up as never arrived, then in the books of the venue without our name on it."""
    story = Story()
    story.tell(report(story, key=P, orders=(rests("v-a"),), cash=1_000 * ONE, held=0))
    life = story.place(order())
    assert story.account.reserved("polymarket") == WORST + life.reserved
    story.tell(OrderAcked("a", "v-a"))
    assert story.account.reserved("polymarket") == life.reserved
