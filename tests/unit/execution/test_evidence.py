"""What is known grows old, and what is owed is asked for again: also after a restart."""

from dutchbook.domain.account_events import (
    AccountSeen,
    AccountUnseen,
    OrderAcked,
    OrderCanceled,
    OrderSeen,
)
from dutchbook.domain.effects import AskAccount, AskOrder, SubmitOrder
from dutchbook.domain.events import RunStarted
from dutchbook.domain.orders import Order
from dutchbook.domain.units import MILLI, ONE, SECOND, Ns, Px, Qty, Usd
from dutchbook.runtime.bootstrap import EngineSettings, trading_of
from unit.execution.floor import Story

NOW = Ns(1_790_000_000 * SECOND)
KEY = "polymarket:0xb"
ACCOUNTS = (("polymarket", "us"),)


NEVER = OrderSeen(
    "polymarket", "us", "o1", "0xname", KEY, "yes", "buy", Px(400_000), Qty(10 * ONE), "canceled",
    Qty(0),
)  # fmt: skip


class Nothing:
    """No market is listed yet."""

    def instrument(self, key):
        raise KeyError(key)


class Owed:
    """An order of which the venue once said that 6 were filled; then that trade failed."""

    def __init__(self):
        self.trading, self.at, self.seq = self._made(), NOW, 0
        self.hear(RunStarted("r1", "sim", 7, "0", "", "e1", ACCOUNTS))
        self.hear(self.report())
        order = Order("o1", "polymarket", "us", KEY, "yes", "buy", Px(400_000), Qty(10 * ONE),
                      "ioc", NOW, "leg", fee_max=Usd(50_000))  # fmt: skip
        self.account.record(SubmitOrder(order), self.at)
        self.hear(OrderAcked("o1", "0xname"))
        self.hear(OrderCanceled("o1", "0xname", "no_match", Qty(4 * ONE), Qty(6 * ONE)))

    @staticmethod
    def _made():
        return trading_of(EngineSettings(accounts=dict(ACCOUNTS)))

    @property
    def account(self):
        return self.trading.account

    def report(self):
        return AccountSeen("polymarket", "us", self.at, Ns(0), Usd(1_000 * ONE), (), (), ())

    def hear(self, event):
        self.at, self.seq = Ns(self.at + MILLI), self.seq + 1
        self.trading.hear(event, None, self.at, self.seq)
        return self.trading.drain()[0]

    def restart(self):
        state, self.trading = self.account.take(), self._made()
        self.account.restore(state)
        self.hear(RunStarted("r2", "sim", 7, "0", "", "e2", ACCOUNTS))

    def live_on(self, seconds):
        """The venue answers every question: nothing was filled after all."""
        asked = 0
        for _ in range(seconds * 10):
            self.at, self.seq = Ns(self.at + 100 * MILLI), self.seq + 1
            self.trading.trader.on_tick(Nothing(), self.at, self.seq)
            for effect in self.trading.drain()[0]:
                if isinstance(effect, AskOrder):
                    asked += 1
                    self.hear(NEVER)
                elif isinstance(effect, AskAccount):
                    self.hear(self.report())
        return asked


def test_a_fill_that_is_owed_is_asked_for_after_a_restart_too():
    for restart in (False, True):
        story = Owed()
        if restart:
            story.restart()
        assert story.live_on(60) >= 5
        life = story.account.orders["o1"]
        assert (life.owed, life.canceled) == (0, 10 * ONE)
        assert story.account.reserved("polymarket") == 0
        assert story.account.reconciled == {"polymarket": True}


def test_an_agreement_grows_old_without_reports():
    """F33, F34: no report for three periods, and nothing new is begun; one that agrees reopens."""
    story = Story()
    story.wait(1_500)
    honest = {venue: venue.do for venue in story.venues.values()}
    for venue in story.venues.values():
        venue.do = _silent(venue)
    story.wait(80_000)
    assert story.account.reconciled == {"kalshi": True, "polymarket": True}
    story.wait(20_000)
    assert story.account.reconciled == {"kalshi": False, "polymarket": False}
    assert "unseen:kalshi" in [alert.key for alert in story.alerts]
    story.sent = []
    story.offer(("polymarket:A", 30, 100), ("polymarket:B", 30, 100))
    assert story.sent == []
    for venue, do in honest.items():
        venue.do = do
    story.wait(3_000)
    assert story.account.reconciled == {"kalshi": True, "polymarket": True}


def _silent(venue):
    do = venue.do

    def answer(effect, now):
        if isinstance(effect, AskAccount):
            return [AccountUnseen(venue.name, "us", "503")]
        return do(effect, now)

    return answer
