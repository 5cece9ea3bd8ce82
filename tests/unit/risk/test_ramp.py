"""The live ramp: small trades first, up after clean days, one step back on a breach."""

import msgspec
from bench.orders_world import ACCOUNTS, NOW, basket, crowded

from dutchbook.domain.account_events import ClockSeen, OrderUnknown
from dutchbook.domain.effects import Alert, SubmitOrder
from dutchbook.domain.events import RunStarted
from dutchbook.domain.step import BasketBegun, BasketMoved, HaltMoved, RampMoved
from dutchbook.domain.units import DAY, ONE, Ns, Usd
from dutchbook.execution.config import Config
from dutchbook.execution.desk import Desk
from dutchbook.risk.halt import Overseer
from dutchbook.risk.limits import RiskLimits
from dutchbook.risk.ramp import STEPS, cap
from dutchbook.state.account import Account


class Days:
    """A live account that is watched once a day."""

    def __init__(self, mode="live", **limits):
        self.gate, self.account, self.view, _ = crowded(0)
        self.limits = RiskLimits(**limits)
        self.gate.limits = self.limits
        self.overseer = Overseer(self.limits)
        self.now = NOW
        self.account.mode = mode
        self.look()

    def look(self):
        outs = self.overseer.watch(self.account, self.view, self.now)
        for out in outs:
            if not isinstance(out, Alert):
                self.account.note(out, self.now)
        return [out for out in outs if isinstance(out, RampMoved | Alert)]

    def pass_(self, days):
        found = []
        for _ in range(days):
            self.now = Ns(self.now + DAY)
            found += self.look()
        return found

    @property
    def cap(self):
        return cap(self.account, self.limits)


def test_fourteen_clean_days_lead_to_the_configured_limits():
    live = Days()
    caps = [live.cap] + [(live.pass_(1) and live.cap) or live.cap for _ in range(14)]
    assert caps == [20 * ONE] * 3 + [50 * ONE] * 4 + [100 * ONE] * 7 + [None]
    assert live.pass_(10) == []


def test_the_gate_holds_every_trade_to_the_step():
    live = Days()
    desk = Desk(live.account, live.gate, Config(), ACCOUNTS)
    desk.at(NOW, 1)
    market = live.view.instrument("kalshi:A000")
    one = desk.order(market, "yes", "buy", 300_000, ONE, "leg")
    found = live.gate.check((one,), live.account, live.view, NOW)
    assert found is not None and found.check == "clock_right", "its time was not told yet"
    live.account.apply(ClockSeen("kalshi", Ns(0)), NOW, 9)
    for qty, check in ((66, ""), (67, "ramped")):  # at 30 cents: $19.80 and $20.10
        one = desk.order(market, "yes", "buy", 300_000, qty * ONE, "leg")
        found = live.gate.check((one,), live.account, live.view, NOW)
        assert (found.check if found else "") == check
    live.account.mode = "paper"
    one = desk.order(market, "yes", "buy", 300_000, 67 * ONE, "leg")
    assert live.gate.check((one,), live.account, live.view, NOW) is None


def test_a_basket_is_sized_down_to_the_step():
    live = Days()
    _, certificate = basket(live.view, NOW)
    live.account.mode = "paper"
    whole = live.gate.affordable(certificate, live.account, live.view, NOW)
    live.account.mode = "live"
    less = live.gate.affordable(certificate, live.account, live.view, NOW)
    assert 0 < less * 90 <= 20 * 100 * ONE < whole * 90


def test_a_breach_goes_one_step_back_and_begins_its_days_anew():
    live = Days()
    live.pass_(8)
    assert live.cap == 100 * ONE
    begun = BasketBegun("b1", "o1", "bundle_yes", ONE, ONE, Usd(1), Usd(1), (), NOW, Usd(0))
    live.account.note(begun, live.now)
    live.account.note(BasketMoved("b1", "stuck", "no way", numbers={}), Ns(live.now + 1))
    (back, alert) = live.pass_(1)
    assert back == RampMoved(1, "a breach") and alert.level == "critical"
    assert live.cap == 50 * ONE
    assert live.pass_(3) == [] and live.pass_(1) == [RampMoved(2, "4 days without a breach")]
    live.account.note(HaltMoved("all", "halve", "down"), Ns(live.now + 1))
    assert live.pass_(1)[0] == RampMoved(1, "a breach")


def test_nothing_is_gone_up_while_an_order_is_of_unknown_fate_or_a_venue_unreconciled():
    live = Days()
    live.pass_(2)
    desk = Desk(live.account, live.gate, Config(), ACCOUNTS)
    desk.at(NOW, 1)
    one = desk.order(live.view.instrument("kalshi:A000"), "yes", "buy", 300_000, ONE, "leg")
    live.account.record(SubmitOrder(one), live.now)
    live.account.apply(OrderUnknown(one.id, "no answer"), live.now, 1)
    assert live.pass_(3) == []
    live.account.live.clear()
    live.account.reconciled["kalshi"] = False
    assert live.pass_(3) == []
    live.account.reconciled["kalshi"] = True
    assert live.pass_(1) == [RampMoved(1, "3 days without a breach")]


def test_the_step_survives_a_restart():
    live = Days()
    live.pass_(4)
    again = Account()
    again.restore(live.account.take())
    assert again.ramp == live.account.ramp == (1, NOW + 3 * DAY)
    again.apply(RunStarted("r2", "live", 7, "0", "", "e2"), live.now, 2)
    assert cap(again, live.limits) == STEPS[1][0]


def test_it_can_be_switched_off_and_holds_for_live_only():
    assert Days(ramp=False).cap is None
    assert Days(mode="sim").cap is None
    assert msgspec.structs.replace(RiskLimits()).ramp is True
