"""Account state as a fold: every fill once, voids exact, the unknown reserved."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dutchbook.domain.account_events import (
    AccountSeen,
    FillSettled,
    FillVoided,
    OrderAcked,
    OrderCanceled,
    OrderFilled,
    OrderMissing,
    OrderRejected,
    OrderSeen,
    OrderUnknown,
    Paid,
)
from dutchbook.domain.effects import SubmitOrder
from dutchbook.domain.events import RunStarted
from dutchbook.domain.orders import Holding, Order
from dutchbook.domain.step import Quarantined
from dutchbook.domain.units import ONE, SECOND, Ns, Px, Qty, Usd
from dutchbook.state.account import Account
from dutchbook.state.invariants import invariants
from dutchbook.state.reports import differences

NOW = Ns(1_790_000_000 * SECOND)
ALL = bool(os.environ.get("DUTCHBOOK_TEST_ALL"))
P, K = "polymarket:0xb", "kalshi:A"


def order(name="a", key=P, action="buy", outcome="yes", px=400_000, qty=10 * ONE, **more):
    return Order(
        name, key.partition(":")[0], "us", key, outcome, action, Px(px), Qty(qty), "ioc", NOW,
        "leg", fee_max=Usd(50_000), **more,
    )  # fmt: skip


def fill(one, trade="t1", qty=10 * ONE, px=400_000, fee=1_000, **more):
    fields = {"order": one.id, "venue_order": f"v-{one.id}"} | more
    return OrderFilled(
        one.venue, "us", fields.pop("order"), fields.pop("venue_order"), trade, one.key,
        fields.pop("outcome", one.outcome), fields.pop("action", one.action), Px(px), Qty(qty),
        Usd(fee), False, NOW, **fields,
    )  # fmt: skip


class Story:
    """An account with $1,000 at both venues, told one thing after the other, a second apart."""

    def __init__(self):
        self.account = Account()
        self.seq, self.at = 0, NOW
        self.tell(RunStarted("r1", "sim", 7, "0", "", "e1"))
        for venue in ("kalshi", "polymarket"):
            self.tell(AccountSeen(venue, "us", NOW, Ns(0), Usd(1_000 * ONE), (), (), ()))

    def tell(self, *events):
        notes = []
        for event in events:
            self.seq, self.at = self.seq + 1, Ns(self.at + SECOND)
            notes += self.account.apply(event, self.at, self.seq)
            assert invariants(self.account) == []
        return notes

    def place(self, one):
        self.account.record(SubmitOrder(one), self.at)
        return self.account.orders[one.id]


def test_an_order_fills_and_its_reservation_becomes_cost():
    story = Story()
    one = order()
    life = story.place(one)
    assert story.account.reserved("polymarket") == 4 * ONE + 50_000
    story.tell(OrderAcked("a", "v-a"), fill(one, qty=4 * ONE))
    assert (life.state, life.left) == ("partial", 6 * ONE)
    story.tell(OrderCanceled("a", "v-a", "no_match", Qty(6 * ONE), Qty(4 * ONE)))
    assert (life.state, life.filled, life.canceled) == ("canceled", 4 * ONE, 6 * ONE)
    assert story.account.reserved("polymarket") == 0
    assert story.account.cash("polymarket") == 1_000 * ONE - 1_600_000 - 1_000
    assert story.account.cost(P, "yes") == 1_601_000 and story.account.held(P, "yes") == 4 * ONE


def test_f41_a_fill_before_the_ack_and_one_after_the_cancel_are_counted():
    story = Story()
    one = order()
    life = story.place(one)
    story.tell(fill(one, "t1", 3 * ONE, order="", venue_order="v-a"))
    assert life.filled == 0 and len(story.account.orphans) == 1
    story.tell(OrderAcked("a", "v-a"))
    assert life.filled == 3 * ONE and story.account.orphans == []
    story.tell(OrderCanceled("a", "v-a", "operator", Qty(7 * ONE), Qty(3 * ONE)))
    story.tell(fill(one, "t2", 2 * ONE))
    assert (life.state, life.filled, life.canceled) == ("canceled", 5 * ONE, 5 * ONE)


def test_a_sale_of_what_has_netted_since_buys_the_other_side():
    """A quote sells 10 NO that are held; before it fills, a basket's 36 YES net them away."""
    story = Story()
    bid, ask = (
        order(name, K, action, "no", px=px, strategy="maker")
        for name, action, px in (("a", "buy", 620_000), ("b", "sell", 640_000))
    )
    leg = order("c", K, px=370_000, qty=36 * ONE, strategy="bundle_yes")
    for one in (bid, ask, leg):
        story.place(one)
    story.tell(fill(bid, "t1", px=620_000, fee=0), fill(leg, "t2", 36 * ONE, 370_000, 590_000))
    account = story.account
    assert (account.held(K, "yes"), account.held(K, "no")) == (26 * ONE, 0)
    story.tell(fill(ask, "t3", px=640_000, fee=0))
    assert (account.held(K, "yes"), account.held(K, "no")) == (36 * ONE, 0)
    paid = 6_200_000 + 36 * 370_000 + 590_000 + 10 * 360_000 - 10 * ONE
    assert account.cash("kalshi") == 1_000 * ONE - paid
    stakes = account.stakes
    assert stakes.position("maker", K, "no").qty == stakes.position("maker", K, "yes").qty == 0
    assert stakes.position("bundle_yes", K, "yes").qty == 36 * ONE
    assert stakes.tally("maker").realised == 200_000


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["maker", "longshot"]), st.sampled_from(["buy", "sell"]),
            st.sampled_from(["yes", "no"]), st.integers(1, 99), st.integers(1, 3_000),
            st.integers(0, 900),
        ), max_size=25,
    )
)  # fmt: skip
def test_fills_of_one_market_that_nets_equal_a_naive_twin(rows):
    """Of YES and NO only the difference is there, and each contract is some strategy's."""
    story, net, cash = Story(), 0, 1_000 * ONE
    for n, (name, action, outcome, cents, hundredths, fee) in enumerate(rows):
        one = order(f"o{n}", K, action, outcome, cents * 10_000, hundredths * 10_000, strategy=name)
        story.place(one)
        story.tell(fill(one, f"t{n}", one.qty, one.px, fee))
        up = (action == "buy") == (outcome == "yes")
        price = cents if outcome == "yes" else 100 - cents
        net += hundredths * 10_000 * (1 if up else -1)
        cash -= price * hundredths * 100 * (1 if up else -1) + fee
        account = story.account
        yes, no = account.held(K, "yes"), account.held(K, "no")
        assert (yes - no, yes * no, min(yes, no)) == (net, 0, 0)
        assert account.cash("kalshi") + no == cash, "NO is a dollar, paid in advance, less YES"
        sides = {
            outcome: sum(
                account.stakes.position(who, K, outcome).qty for who in ("maker", "longshot")
            )
            for outcome in ("yes", "no")
        }
        assert sides["yes"] - sides["no"] == net


def test_f43_the_same_trade_with_other_numbers_is_set_aside():
    story = Story()
    one = order()
    life = story.place(one)
    story.tell(OrderAcked("a", "v-a"), fill(one, "t1", 3 * ONE), fill(one, "t1", 3 * ONE))
    (note,) = story.tell(fill(one, "t1", 4 * ONE))
    assert isinstance(note, Quarantined) and note.code == "fill_changed"
    assert life.filled == 3 * ONE


@pytest.mark.parametrize("before", [True, False])
def test_f45_r2_a_ghost_fill_is_taken_back_exactly(before):
    """MATCHED, then FAILED; also where the failure comes before the fill."""
    story = Story()
    one = order()
    story.place(one)
    story.tell(OrderAcked("a", "v-a"))
    ghost, void = fill(one, provisional=True), FillVoided("polymarket", "us", "t1", "failed")
    if before:
        story.tell(void, ghost)
    else:
        story.tell(ghost)
        assert story.account.held(P, "yes") == 10 * ONE and story.account.sellable(P, "yes") == 0
        story.tell(void)
    assert story.account.cash("polymarket") == 1_000 * ONE
    assert story.account.held(P, "yes") == 0 and story.account.realised() == 0


@pytest.mark.parametrize("fate", ["confirmed", "voided before", "voided after"])
def test_a_fee_that_is_told_late_replaces_the_worst(fate):
    """After a restart a fill may come before the market's fee schedule is known."""
    story, whole = Story(), 1_000 * ONE
    one = order()
    life = story.place(one)
    story.tell(OrderAcked("a", "v-a"), fill(one, fee=-1, provisional=True))
    assert life.fees == one.fee_max == 50_000
    assert story.account.cash("polymarket") == whole - 4 * ONE - 50_000
    void = FillVoided("polymarket", "us", "t1", "failed")
    if fate == "voided before":
        story.tell(void)
    story.tell(fill(one, fee=1_000, provisional=True), fill(one, fee=1_000, provisional=True))
    if fate == "voided after":
        story.tell(void)
    if fate == "confirmed":
        story.tell(FillSettled("polymarket", "us", "t1", "confirmed"), fill(one, fee=-1))
        assert life.fees == life.fills[0].fee == 1_000
        assert story.account.cash("polymarket") == whole - 4 * ONE - 1_000
        assert story.account.ledger.total("fees:polymarket", "FEE") == 1_000
        assert story.account.realised() == 49_000, "what was too much is a gain"
    else:
        assert life.fees == story.account.realised() == 0 and life.fills == []
        assert story.account.cash("polymarket") == whole
    assert story.account.stakes.tally("").fees == life.fees


def test_i15_what_is_confirmed_can_be_sold():
    story = Story()
    one = order()
    story.place(one)
    story.tell(OrderAcked("a", "v-a"), fill(one, provisional=True))
    story.tell(FillSettled("polymarket", "us", "t1", "mined"))
    assert story.account.sellable(P, "yes") == 0
    story.tell(FillSettled("polymarket", "us", "t1", "confirmed"))
    assert story.account.sellable(P, "yes") == 10 * ONE


def test_unknown_stays_reserved_until_there_is_evidence():
    """Five definite answers over the venue's queue bound, not one sooner; a fill ends it, too."""
    story = Story()
    life = story.place(order())
    story.tell(OrderUnknown("a", "no answer"), OrderRejected("a", "not_sent", "second try"))
    assert life.state == "unknown" and story.account.reserved("polymarket") > 0
    for _ in range(20):
        story.tell(OrderMissing("a"))
    assert life.state == "unknown"  # twenty answers, but not yet a minute
    for _ in range(60):
        story.tell(OrderMissing("a"))
    assert life.state == "never_arrived" and story.account.reserved("polymarket") == 0


def test_f44_what_the_venue_says_was_filled_is_owed_until_the_fills_come():
    story = Story()
    one = order()
    life = story.place(one)
    story.tell(OrderCanceled("a", "v-a", "other", Qty(-1), Qty(10 * ONE)))
    assert (life.state, life.owed, life.left) == ("canceled", 10 * ONE, 10 * ONE)
    assert story.account.reserved("polymarket") == 4 * ONE + 50_000
    story.tell(fill(one))
    assert (life.owed, story.account.reserved("polymarket")) == (0, 0)


def test_f3_a_process_that_ended_knows_nothing_of_what_it_sent():
    story = Story()
    life = story.place(order())
    story.tell(RunStarted("r2", "sim", 7, "0", "", "e2"))
    assert life.state == "unknown" and story.account.epoch == "e2"
    seen = OrderSeen(
        "polymarket", "us", "a", "v-a", P, "yes", "buy", Px(400_000), Qty(10 * ONE), "open", Qty(0)
    )
    story.tell(seen)
    assert life.state == "acked"


def test_kalshi_holds_one_position_a_market():
    """Buying NO against YES that is held gives a dollar a pair, as the venue does."""
    story = Story()
    yes, no = order("a", K), order("b", K, outcome="no", px=500_000)
    for one in (yes, no):
        story.place(one)
    story.tell(fill(yes, "t1", fee=0), fill(no, "t2", px=500_000, fee=0))
    assert story.account.keys_held() == []
    assert story.account.cash("kalshi") == 1_000 * ONE + 10 * ONE - 4 * ONE - 5 * ONE
    assert story.account.realised() == ONE


def test_i17_a_market_pays_once_and_a_changed_resolution_reverses():
    story = Story()
    one = order()
    story.place(one)
    story.tell(fill(one, fee=0))
    paid = Paid(
        "polymarket", "us", "settle", "s1", Usd(2_600_000), NOW, P, Qty(10 * ONE), Qty(0),
        Px(260_000),
    )  # fmt: skip
    story.tell(paid, paid)
    assert story.account.cash("polymarket") == 1_000 * ONE - 4 * ONE + 2_600_000
    again = Paid(
        "polymarket", "us", "settle", "s1", Usd(10 * ONE), NOW, P, Qty(10 * ONE), Qty(0), Px(ONE),
        version=2,
    )  # fmt: skip
    story.tell(again)
    assert story.account.cash("polymarket") == 1_006 * ONE and story.account.realised() == 6 * ONE


def test_a_report_that_agrees_says_nothing_and_one_that_differs_says_where():
    story = Story()
    one = order()
    story.place(one)
    story.tell(OrderAcked("a", "v-a"), fill(one, fee=0))
    later = Ns(story.at + 10 * SECOND)
    good = AccountSeen(
        "polymarket", "us", later, Ns(0), Usd(996 * ONE),
        (Holding(P, "yes", Qty(10 * ONE)),), (), (),
    )  # fmt: skip
    assert differences(story.account, good) == []
    bad = AccountSeen("polymarket", "us", later, Ns(0), Usd(996 * ONE - 1), (), (), ())
    found = [(d.what, d.ours, d.theirs) for d in differences(story.account, bad)]
    assert found == [
        (f"position:{P}:yes", 10 * ONE, 0), ("cash", 996 * ONE, 996 * ONE - 1),
    ]  # fmt: skip


def test_other_accounts_leave_everything_behind():
    story = Story()
    one = order()
    story.place(one)
    story.account.accounts = (("polymarket", "old"),)
    story.tell(fill(one, qty=4 * ONE))
    story.tell(RunStarted("r2", "sim", 7, "0", "", "e2", (("polymarket", "new"),)))
    assert story.account.keys_held() == [] and story.account.cash("polymarket") == 0
    assert story.account.equity() == story.account.cash("kalshi") == 1_000 * ONE
    assert story.account.live == {} and story.account.reserved("polymarket") == 0


EVENTS = st.lists(
    st.one_of(
        st.builds(lambda n: ("place", n), st.integers(0, 4)),
        st.builds(lambda n: ("ack", n), st.integers(0, 4)),
        st.builds(lambda n: ("unknown", n), st.integers(0, 4)),
        st.tuples(
            st.just("fill"), st.integers(0, 4), st.integers(0, 6), st.integers(1, 5), st.booleans()
        ),
        st.builds(lambda t: ("void", t), st.integers(0, 6)),
        st.builds(lambda t: ("confirm", t), st.integers(0, 6)),
        st.builds(lambda n: ("cancel", n), st.integers(0, 4)),
        st.builds(lambda n: ("missing", n), st.integers(0, 4)),
        st.just(("run",)),
    ),
    max_size=40,
)  # fmt: skip


def play(account, steps, start=0):
    for n, step in enumerate(steps, start + 1):
        at = Ns(NOW + n * SECOND)
        one = order(f"o{step[1]}") if len(step) > 1 else None
        if step[0] == "place":
            account.record(SubmitOrder(one), at)
            continue
        account.apply(_event(step, one), at, n)


def _event(step, one):
    made = {
        "ack": lambda: OrderAcked(one.id, f"v-{one.id}"),
        "unknown": lambda: OrderUnknown(one.id, "?"),
        "fill": lambda: fill(
            one, f"t{step[2]}", step[3] * ONE, fee=1_000 if step[4] else -1, provisional=True
        ),
        "void": lambda: FillVoided("polymarket", "us", f"t{step[1]}", "x"),
        "confirm": lambda: FillSettled("polymarket", "us", f"t{step[1]}", "confirmed"),
        "cancel": lambda: OrderCanceled(one.id, f"v-{one.id}", "other"),
        "missing": lambda: OrderMissing(one.id),
        "run": lambda: RunStarted("r", "sim", 7, "0", "", "e"),
    }
    return made[step[0]]()


@given(EVENTS, st.integers(0, 40))
def test_a_snapshot_and_the_tail_make_the_whole(steps, cut):
    """P9: recovery from any snapshot ends in the state of the fold from the beginning."""
    whole, half, again = Account(), Account(), Account()
    play(whole, steps)
    play(half, steps[:cut])
    again.restore(half.take())
    assert again.take() == half.take()
    play(again, steps[cut:], len(steps[:cut]))
    assert again.take() == whole.take()
    assert invariants(again) == invariants(whole) == []
    assert {n: v for n, v in again.stake_of.items() if v} == {
        n: v for n, v in whole.stake_of.items() if v
    }
