"""A venue that has become slow is not asked so much that it stays slow."""

from collections import Counter, deque

import pytest

from dutchbook.domain.account_events import AccountSeen, OrderSeen, OrderUnknown
from dutchbook.domain.effects import AskAccount, AskOrder, SubmitOrder
from dutchbook.domain.events import CheckFailed, RunStarted
from dutchbook.domain.orders import Order
from dutchbook.domain.units import MILLI, ONE, SECOND, Ns, Px, Qty, Usd
from dutchbook.execution.lookup import ASKS_MAX, SILENT
from dutchbook.execution.trader import SWEEP_MS
from dutchbook.runtime.bootstrap import EngineSettings, trading_of
from unit.execution.test_evidence import Nothing

ORDERS = 200


class Slow:
    """Orders whose answers were lost, and a venue that answers one question each `span` sweeps:
    by `how`, what became of the order or a failure, or with silence."""

    def __init__(self, span: int, how: str = "seen") -> None:
        self.trading = trading_of(EngineSettings(accounts={"polymarket": "us"}))
        self.at, self.seq, self.span, self.how = Ns(1_790_000_000 * SECOND), 0, span, how
        self.waiting: deque[Order] = deque()
        self.asked: Counter[str] = Counter()
        self.twice = self.most = 0
        self.hear(RunStarted("r1", "sim", 7, "0", "", "e1", (("polymarket", "us"),)))
        self.hear(self.report())
        for n in range(ORDERS):
            order = Order(f"o{n}", "polymarket", "us", f"polymarket:0x{n % 7}", "yes", "buy",
                          Px(400_000), Qty(10 * ONE), "ioc", self.at, "leg",
                          fee_max=Usd(50_000))  # fmt: skip
            self.trading.account.record(SubmitOrder(order), self.at)
            self.hear(OrderUnknown(order.id, "no answer within 5 s"))

    def report(self) -> AccountSeen:
        return AccountSeen("polymarket", "us", self.at, Ns(0), Usd(10**12), (), (), ())

    def hear(self, event: object) -> None:
        self.seq += 1
        self.trading.hear(event, Nothing(), self.at, self.seq)
        self.take()

    def take(self) -> None:
        for effect in self.trading.drain()[0]:
            if isinstance(effect, AskOrder):
                self.twice += effect.order in self.waiting
                self.asked[effect.order.id] += 1
                self.waiting.append(effect.order)
            elif isinstance(effect, AskAccount):
                self.hear(self.report())

    def live_on(self, seconds: int) -> None:
        for n in range(seconds * 1_000 // SWEEP_MS):
            self.at, self.seq = Ns(self.at + SWEEP_MS * MILLI), self.seq + 1
            self.trading.trader.on_tick(Nothing(), self.at, self.seq)
            self.take()
            self.most = max(self.most, len(self.waiting))
            if self.waiting and n % self.span == 0 and self.how != "silent":
                self.answer(self.waiting.popleft())

    def answer(self, order: Order) -> None:
        if self.how == "failed":
            self.hear(CheckFailed(order.key, "no answer"))
        else:
            self.hear(OrderSeen("polymarket", "us", order.id, f"v-{order.id}", order.key, "yes",
                                "buy", order.px, order.qty, "canceled", Qty(0)))  # fmt: skip


def test_a_slow_venue_is_asked_as_fast_as_it_answers_until_all_is_known() -> None:
    """Four answers a second, for 200 orders that would be asked for every two seconds each."""
    slow = Slow(span=5)
    slow.live_on(60)
    assert (slow.most, slow.twice) == (ASKS_MAX, 0)
    assert slow.asked == dict.fromkeys((f"o{n}" for n in range(ORDERS)), 1), "each once, in 50 s"
    assert not slow.trading.account.unknown() and not slow.trading.account.owing


def test_an_answer_that_failed_is_asked_for_again_and_all_have_their_turn() -> None:
    slow = Slow(span=2, how="failed")
    slow.live_on(60)
    assert slow.most == ASKS_MAX and slow.asked.total() <= 600 + ASKS_MAX
    assert set(slow.asked.values()) <= {2, 3, 4}, "600 questions, a fair share for each"
    slow.how = "seen"
    slow.live_on(60)
    assert not slow.trading.account.unknown()


@pytest.mark.parametrize("seconds", [9, 29])
def test_what_nobody_answers_at_all_is_asked_for_again_after_a_while(seconds: int) -> None:
    slow = Slow(span=1, how="silent")
    slow.live_on(seconds)
    assert slow.asked.total() == (1 + seconds * SECOND // SILENT) * ASKS_MAX
    assert set(slow.asked.values()) == {1}, "others first"
