"""The gate: a story for each reason to refuse, limits exact to the unit, people and breakers."""

import os

import msgspec
import pytest
from bench.orders_world import ACCOUNTS, NOW, basket, crowded

from dutchbook.domain.account_events import (
    AccountSeen,
    ClockSeen,
    OrderUnknown,
    RateSeen,
    VenueMode,
)
from dutchbook.domain.effects import Alert, SubmitOrder
from dutchbook.domain.events import OperatorAsked, RunStarted
from dutchbook.domain.orders import Holding, LegPlan
from dutchbook.domain.step import (
    BasketBegun,
    BasketMoved,
    HaltMoved,
    Marked,
    Reconciled,
    Refused,
)
from dutchbook.domain.units import DAY, MILLI, ONE, Ns, Px, Qty, Usd
from dutchbook.execution.config import Config
from dutchbook.execution.desk import Desk
from dutchbook.risk.exposure import cost_of
from dutchbook.risk.gate import SAME_MAX, Gate
from dutchbook.risk.halt import Overseer
from dutchbook.risk.limits import RiskLimits
from dutchbook.state.account import Account

ALL = bool(os.environ.get("DUTCHBOOK_TEST_ALL"))
LIMITS = RiskLimits(repeats_max=10_000)


def anything(kind, name):
    """Every venue, market and strategy is there."""
    return ""


class Story:
    """A gate over an empty account with $100,000 at Kalshi."""

    def __init__(self, **limits):
        self.gate, self.account, self.view, self.now = crowded(0)
        self.gate.limits = msgspec.structs.replace(LIMITS, **limits)
        self.desk = Desk(self.account, self.gate, Config(), ACCOUNTS)
        self.desk.at(NOW, 1)

    def order(self, key="kalshi:A000", qty=20, px=300_000, action="buy", outcome="yes", **more):
        market = self.view.instrument(key)
        return self.desk.order(market, outcome, action, px, qty * ONE, "leg", **more)

    def refused(self, *orders, **more):
        found = self.gate.check(orders, self.account, self.view, NOW, **more)
        return found.check if found else ""


def test_a_sound_order_passes_and_an_unknown_market_does_not():
    story = Story()
    assert story.refused(story.order()) == ""
    story.view.instrument = _missing
    assert story.refused(msgspec.structs.replace(Story().order(), key="kalshi:gone")) != ""


def _missing(key):
    raise KeyError(key)


@pytest.mark.parametrize(
    ("tell", "check"),
    [
        (HaltMoved("all", "pause", "x"), "not_halted"),
        (HaltMoved("venue:kalshi", "halt", "x"), "not_halted"),
        (HaltMoved("market:kalshi:A000", "kill", "x"), "not_halted"),
        (VenueMode("kalshi", "blocked", "geoblock"), "venue_allows"),
        (VenueMode("kalshi", "unauthorized", "401"), "venue_allows"),
        (VenueMode("kalshi", "post_only", "restart"), "venue_allows"),
        (Reconciled("kalshi", False, 0, 0, 0), "reconciled"),
        (ClockSeen("kalshi", Ns(6_000_000_000)), "clock_right"),
        (RateSeen("kalshi", 0, 1), "throttle"),
    ],
)
def test_what_stops_an_order(tell, check):
    story = Story()
    if isinstance(tell, HaltMoved | Reconciled):
        story.account.note(tell, NOW)
    else:
        story.account.apply(tell, NOW, 9)
    assert story.refused(story.order()) == check


def test_an_order_of_unknown_fate_blocks_its_market_only():
    story = Story()
    one = story.order()
    story.account.record(SubmitOrder(one), NOW)
    story.account.apply(OrderUnknown(one.id, "?"), NOW, 9)
    assert story.refused(story.order()) == "nothing_unknown"
    assert story.refused(story.order("kalshi:B000")) == ""


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ({"px": Px(305_000)}, "well_formed"), ({"px": Px(0)}, "well_formed"),
        ({"px": Px(ONE)}, "well_formed"), ({"qty": Qty(0)}, "well_formed"),
        ({"qty": Qty(-ONE)}, "well_formed"), ({"qty": Qty(5_000)}, "well_formed"),
        ({"px": Px(990_000)}, "within_collar"), ({"account": "paper"}, "right_account"),
        ({"reduce_only": True}, "only_reduces"), ({"action": "sell"}, "funds"),
        ({"venue": "nowhere"}, "right_account"),
    ],
)  # fmt: skip
def test_orders_that_cannot_be(change, check):
    story = Story()
    assert story.refused(msgspec.structs.replace(story.order(), **change)) == check


def test_i27_never_against_ourselves():
    """A bid for NO at 70 cents is an offer of YES at 30: it would meet our own bid for YES."""
    story = Story(collar=ONE)
    bid = story.order(px=300_000, tif="gtc")
    story.account.record(SubmitOrder(bid), NOW)
    assert story.refused(story.order(px=700_000, outcome="no")) == "no_self_trade"
    assert story.refused(story.order(px=690_000, outcome="no")) == ""


@pytest.mark.parametrize(
    "name", ["per_order", "per_market", "per_event", "per_venue", "per_account"]
)
def test_i20_a_limit_met_exactly_passes_and_one_unit_more_does_not(name):
    """MUT6: a limit that is lowered holds for the very next order."""
    story = Story()
    one = story.order(qty=20)
    story.account.record(SubmitOrder(story.order("kalshi:A001", qty=20)), NOW)
    used = cost_of(one)
    if name in ("per_event", "per_venue", "per_account"):
        used += story.account.stake_total
    story.gate.limits = msgspec.structs.replace(LIMITS, **{name: used})
    assert story.refused(one) == ""
    story.gate.limits = msgspec.structs.replace(LIMITS, **{name: used - 1})
    assert story.refused(one) == "within_limits"


def test_funds_to_the_unit():
    story = Story()
    one = story.order(qty=20)
    seen = AccountSeen("kalshi", "us", NOW, Ns(0), Usd(0), (), (), ())
    for spare, check in ((0, ""), (-1, "funds")):
        account = Account()
        account.apply(RunStarted("r", "sim", 7, "0", "", "e", tuple(ACCOUNTS.items())), NOW, 1)
        cash = Usd(cost_of(one) + spare)
        account.apply(msgspec.structs.replace(seen, cash=cash), NOW, 2)
        account.note(Reconciled("kalshi", True, 0, 0, 0), NOW)
        gate = Gate(RiskLimits(position_share=ONE, heat_share=ONE), ACCOUNTS)
        found = gate.check((one,), account, story.view, NOW)
        assert (found.check if found else "") == check


def test_i29_i31_a_basket_is_equal_in_shares_and_its_edge_still_there():
    gate, account, view, now = crowded(0)
    orders, certificate = basket(view, now)
    unequal = (*orders[:2], msgspec.structs.replace(orders[2], qty=Qty(10 * ONE)))
    assert gate.check(unequal, account, view, now, certificate=certificate).check == "equal_shares"
    view.offers = lambda key, outcome, levels: [(Px(310_000), Qty(ONE))]
    assert gate.check(orders, account, view, now, certificate=certificate).check == "edge_stands"


def test_f65_the_same_order_again_and_again_is_stopped():
    story = Story(repeats_max=3)
    found = [story.refused(story.order()) for _ in range(4)]
    assert found == ["", "", "", "throttle"]


def test_what_is_remembered_of_repeats_does_not_grow_for_ever():
    """Quotes come by the hundred thousand a day, each at another price or size."""
    story = Story(orders_per_second=100_000)
    gate, now = story.gate, NOW
    order = story.order()
    for n in range(3 * SAME_MAX):
        now += MILLI
        gate._pass((msgspec.structs.replace(order, qty=Qty(n)),), Ns(now))
    assert len(gate._same) <= 2 * SAME_MAX


def test_a_deeper_drawdown_does_not_make_baskets_larger_again():
    """5 % down halves, 10 % down lets only certified arbitrage through, and no more of it."""
    sizes = []
    for level in ("", "halve", "reduce"):
        gate, account, view, now = crowded(0)
        orders, certificate = basket(view, now)
        capital = sum(order.px * order.qty for order in orders) // ONE
        gate.limits = msgspec.structs.replace(LIMITS, per_basket=capital)
        if level:
            account.note(HaltMoved("all", level, "down"), now)
        sizes.append(gate.affordable(certificate, account, view, now))
        check = gate.check(orders, account, view, now, certificate=certificate)
        assert (check.check if check else "") == ("basket_limit" if level else "")
    assert 0 < sizes[1] == sizes[2] <= sizes[0] // 2 + ONE


def test_after_a_halt_only_sales_that_end_at_once_go_on():
    for level, rests in (("pause", ""), ("halt", "not_halted"), ("kill", "not_halted")):
        story = Story()
        seen = story.account.seen["kalshi"]
        held = Holding("kalshi:A000", "yes", Qty(20 * ONE))
        story.account.seen.clear()
        story.account.apply(msgspec.structs.replace(seen, holdings=(held,)), NOW, 2)
        story.account.note(Reconciled("kalshi", True, 0, 0, 0), NOW)
        story.account.note(HaltMoved("all", level, "x"), NOW)
        best = story.view.bids("kalshi:A000", "yes", 1)[0][0]
        sale = story.order(px=best, action="sell", reduce_only=True)
        assert story.refused(sale) == ""
        assert story.refused(msgspec.structs.replace(sale, id="b", tif="gtc")) == rests


def test_too_many_unknown_orders_stop_what_is_new_and_no_sale():
    story = Story(unknown_max=0)
    lost = story.order(key="kalshi:A001")
    story.account.record(SubmitOrder(lost), NOW)
    story.account.apply(OrderUnknown(lost.id, "no answer"), NOW, 3)
    assert story.refused(story.order()) == "nothing_unknown"
    sale = story.order(action="sell", reduce_only=True)
    assert story.refused(sale) == "funds"  # further on: nothing is held


def test_what_is_affordable_passes_the_gate():
    for share in (1_000, 50_000, 100_000):
        gate, account, view, now = crowded(10)
        gate.limits = RiskLimits(position_share=share)
        orders, certificate = basket(view, now)
        qty = gate.affordable(certificate, account, view, now)
        assert 0 <= qty <= certificate.qty
        if qty:
            sized = tuple(msgspec.structs.replace(order, qty=qty) for order in orders)
            found = gate.check(sized, account, view, now, certificate=certificate)
            assert found is None or found.check not in ("within_limits", "funds", "basket_limit")


def test_breakers_stop_harder_and_release_nothing_on_that_day():
    """5 % lost in a day pauses, 10 % halts; nothing goes back by itself."""
    _, account, view, _ = crowded(0)
    watch = Overseer(RiskLimits())
    for out in watch.watch(account, view, NOW):
        if isinstance(out, Marked):
            account.note(out, NOW)
    levels = []
    for lost in (1_000, 4_000, 5_000, 1_000):
        account.ledger.earned("loss", "kalshi", -lost * ONE, "x")
        for out in watch.watch(account, view, NOW):
            if isinstance(out, HaltMoved):
                account.note(out, NOW)
                levels.append(out.level)
            assert isinstance(out, HaltMoved | Alert | Marked)
    assert levels == ["pause", "halt"]
    assert account.halts["all"].level == "halt"


def test_an_account_that_stands_still_is_looked_at_anew_when_it_changes_or_a_day_begins():
    _, account, view, _ = crowded(0)
    watch = Overseer(RiskLimits())
    for out in watch.watch(account, view, NOW):
        account.note(out, NOW)
    assert watch.watch(account, view, NOW) == watch.watch(account, view, NOW) == []
    account.note(HaltMoved("all", "pause", "asked", "ann"), NOW)
    assert watch.watch(account, view, NOW) == []
    morrow = Ns(NOW + DAY)
    assert watch.watch(account, view, morrow) == [Marked(f"day:{morrow // DAY}", account.equity())]
    assert not [o for o in watch.watch(account, view, Ns(NOW + DAY)) if isinstance(o, HaltMoved)]


def test_i24_a_kill_is_cleared_by_a_named_admin_with_a_reason_only():
    _, account, _, _ = crowded(0)
    people = Overseer(RiskLimits())

    def said(who, verb, *args):
        outs = people.operator(OperatorAsked(who, verb, args), account, NOW, anything)
        for out in outs:
            if isinstance(out, HaltMoved):
                account.note(out, NOW)
        return [type(out) for out in outs]

    assert said("ann", "kill") == [HaltMoved, Alert]
    assert said("ann", "resume") == [Refused]
    assert said("ann", "clear_kill", "trader", "all is well") == [Refused]
    assert said("ann", "clear_kill", "admin", " ") == [Refused]
    assert said("", "clear_kill", "admin", "all is well") == [Refused]
    assert account.halts["all"].level == "kill"
    assert said("ann", "clear_kill", "admin", "all is well") == [HaltMoved]
    assert account.halts == {}


def test_nothing_is_risked_before_every_account_was_seen_once():
    """Breakers measure from what there is in all."""
    story = Story()
    story.account.accounts = (("kalshi", "us"), ("polymarket", "us"))
    assert story.refused(story.order()) == "reconciled"
    seen = AccountSeen("polymarket", "us", NOW, Ns(0), Usd(ONE), (), (), ())
    story.account.apply(seen, NOW, 9)
    assert story.refused(story.order()) == ""


def test_a_strategy_counts_what_its_done_baskets_cost():
    """I20: a limit that only counted what is open would be none for arbitrage."""
    story = Story(per_strategy=120 * ONE)
    leg = LegPlan("kalshi:B000", "yes", Px(900_000), Qty(100 * ONE), "x")
    begun = BasketBegun(
        "b1", "o1", "bundle_yes", Qty(100 * ONE), Usd(ONE), Usd(90 * ONE), Usd(10 * ONE), (leg,),
        NOW, Usd(0), strategy="bundle_yes",
    )  # fmt: skip
    story.account.ledger.found("kalshi:B000", "yes", Qty(100 * ONE), "x")
    story.account.note(begun, NOW)
    story.account.note(BasketMoved("b1", "done", "", numbers={"qty": 100 * ONE}), NOW)
    story.account.ledger.held_total = 100 * ONE
    more = {"qty": 100, "strategy": "bundle_yes"}
    found = story.gate.check((story.order(**more),), story.account, story.view, NOW)
    assert found is not None and found.reason == "per_strategy"
    other = story.order(qty=100, strategy="implication")
    assert story.refused(other) == ""
