"""F46, F51: a market whose trades fail, or where funded orders are refused, is paused."""

import msgspec
from bench.orders_world import ACCOUNTS, NOW, crowded

from dutchbook.domain.account_events import FillVoided, OrderFilled, OrderRejected
from dutchbook.domain.effects import Alert, SubmitOrder
from dutchbook.domain.events import OperatorAsked
from dutchbook.domain.step import HaltMoved
from dutchbook.domain.units import ONE, Qty, Usd
from dutchbook.execution.config import Config
from dutchbook.execution.desk import Desk
from dutchbook.risk.halt import Overseer
from dutchbook.risk.limits import RiskLimits
from dutchbook.state.account import Account

KEY = "kalshi:A000"
SCOPE = f"market:{KEY}"


def anything(kind, name):
    """Every venue, market and strategy is there."""
    return ""


class Market:
    """One market, its orders told one after the other."""

    def __init__(self, **limits):
        self.gate, self.account, self.view, _ = crowded(0)
        self.overseer = Overseer(RiskLimits(**limits))
        self.desk = Desk(self.account, self.gate, Config(), ACCOUNTS)
        self.n = 10

    def order(self):
        self.n += 1
        self.desk.at(NOW, self.n)
        one = self.desk.order(self.view.instrument(KEY), "yes", "buy", 300_000, ONE, "leg")
        self.account.record(SubmitOrder(one), NOW)
        return one

    def fill(self, void=False):
        one = self.order()
        fill = OrderFilled(
            "kalshi", "us", one.id, f"v{self.n}", f"t{self.n}", KEY, "yes", "buy", one.px,
            Qty(ONE), Usd(0), False, NOW, provisional=True,
        )  # fmt: skip
        self.account.apply(fill, NOW, self.n)
        if void:
            self.account.apply(FillVoided("kalshi", "us", fill.trade, "reverted"), NOW, self.n)

    def refuse(self):
        self.account.apply(OrderRejected(self.order().id, "funds", "no"), NOW, self.n)

    def look(self):
        outs = self.overseer.watch(self.account, self.view, NOW)
        for out in outs:
            if not isinstance(out, Alert):
                self.account.note(out, NOW)
        return [out for out in outs if isinstance(out, HaltMoved)]


def test_a_third_failed_trade_pauses_the_market_and_nothing_else():
    market = Market()
    for _ in range(2):
        market.fill(void=True)
        assert market.look() == []
    market.fill(void=True)
    assert market.look() == [HaltMoved(SCOPE, "pause", "3 of 3 trades failed")]
    assert market.look() == []
    refused = market.gate.check((market.order(),), market.account, market.view, NOW)
    assert refused is not None and refused.check == "not_halted"
    other = market.desk.order(market.view.instrument("kalshi:B000"), "yes", "buy", 300_000, ONE,
                              "leg")  # fmt: skip
    assert market.gate.check((other,), market.account, market.view, NOW) is None


def test_few_among_many_do_not():
    market = Market()
    for n in range(40):
        market.fill(void=n % 13 == 0)
    assert market.account.trouble.by_key[KEY] == (40, 4, 0)
    assert market.look() == [HaltMoved(SCOPE, "pause", "4 of 40 trades failed")]
    market = Market(void_share=150_000)
    for n in range(40):
        market.fill(void=n % 13 == 0)
    assert market.look() == []


def test_refusals_for_funds_in_a_row_pause_it_and_a_fill_begins_the_row_anew():
    market = Market(refusals_max=3)
    for _ in range(2):
        market.refuse()
    market.fill()
    for _ in range(2):
        market.refuse()
    assert market.look() == []
    market.refuse()
    assert market.look() == [HaltMoved(SCOPE, "pause", "3 orders in a row refused for funds")]


def test_a_person_lets_it_go_on_and_a_restart_changes_nothing():
    market = Market(refusals_max=1)
    market.refuse()
    market.look()
    again = Account()
    again.restore(market.account.take())
    assert again.halts[SCOPE].level == "pause" and again.trouble.by_key[KEY].refusals == 1
    asked = OperatorAsked("ann", "resume", (SCOPE,))
    for out in market.overseer.operator(asked, market.account, NOW, anything):
        market.account.note(out, NOW)
    assert market.look() == [] and KEY not in market.account.trouble.by_key
    market.refuse()
    assert msgspec.to_builtins(market.look()[0])[1] == SCOPE
