"""Which accounts a run trades: venues come, go and change hands without touching the others."""

from dutchbook.domain.account_events import (
    AccountSeen,
    OrderAcked,
    OrderCanceled,
    OrderSeen,
    OrderUnknown,
    Paid,
)
from dutchbook.domain.effects import AskAccount, AskOrder, SubmitOrder
from dutchbook.domain.events import RunStarted
from dutchbook.domain.orders import Holding, LegPlan
from dutchbook.domain.step import BasketBegun, BasketMoved, Marked
from dutchbook.domain.units import ONE, SECOND, Ns, Px, Qty, Usd
from dutchbook.runtime.bootstrap import EngineSettings, trading_of
from dutchbook.state.account import Account
from dutchbook.state.invariants import invariants
from dutchbook.state.reports import differences
from unit.account.test_account import NOW, K, P, fill, order
from unit.account.test_live_is_recovered import Dark

BOTH = {"kalshi": "us", "polymarket": "us"}


class Runs:
    """One run after the other, each in a process of its own that recovers from a snapshot."""

    def __init__(self):
        self.seq, self.at, self.effects = 0, NOW, []
        self.trading = None

    def run(self, **accounts):
        data = self.account.take() if self.trading else b""
        self.trading = trading_of(EngineSettings(accounts=accounts))
        if data:
            self.account.restore(data)
        self.tell(RunStarted("r", "live", 7, "0", "", f"e{self.seq}", tuple(accounts.items())))

    @property
    def account(self) -> Account:
        return self.trading.account

    def tell(self, *events):
        for event in events:
            self.seq, self.at = self.seq + 1, Ns(self.at + SECOND)
            self.trading.hear(event, Dark(), self.at, self.seq)
            self.effects += self.trading.drain()[0]
            assert invariants(self.account) == []

    def wait(self, seconds):
        for _ in range(seconds):
            self.seq, self.at = self.seq + 1, Ns(self.at + SECOND)
            self.trading.tick(Dark(), self.at, self.seq)
            self.effects += self.trading.drain()[0]

    def report(self, venue, cash=1_000 * ONE, **more):
        fields = {"holdings": (), "orders": (), "fills": ()} | more
        return AccountSeen(venue, "us", self.at, Ns(0), Usd(cash), **fields)

    def rest(self, one, filled):
        """An order that rests, some of it filled."""
        self.account.record(SubmitOrder(one), self.at)
        self.tell(OrderAcked(one.id, f"v-{one.id}"), fill(one, f"t-{one.id}", filled, fee=0))


def _both(runs):
    """$1,000 at both venues, and at each a resting order for ten of which four were filled."""
    runs.run(**BOTH)
    runs.tell(runs.report("kalshi"), runs.report("polymarket"))
    for one in (order("k1", K), order("p1", P)):
        runs.rest(one, 4 * ONE)


def test_a_venue_that_is_added_leaves_the_other_as_it_was():
    runs = Runs()
    runs.run(kalshi="us")
    runs.tell(runs.report("kalshi"))
    one = order("k1", K)
    runs.rest(one, 4 * ONE)
    runs.account.note(Marked("peak", Usd(1_010 * ONE)), runs.at)
    reserved, cost = runs.account.reserved("kalshi"), runs.account.cost(K, "yes")
    runs.run(**BOTH)
    rests = OrderSeen(
        "kalshi", "us", "k1", "v-k1", K, "yes", "buy", Px(400_000), Qty(10 * ONE), "open",
        Qty(4 * ONE),
    )  # fmt: skip
    held = (Holding(K, "yes", Qty(4 * ONE)),)
    report = runs.report("kalshi", 1_000 * ONE - 1_600_000, holdings=held, orders=(rests,))
    runs.tell(report, runs.report("polymarket", 500 * ONE))
    account = runs.account
    assert list(account.live) == ["k1"] and account.orders["k1"].state == "partial"
    assert (account.reserved("kalshi"), account.cost(K, "yes")) == (reserved, cost)
    assert account.external == {} and differences(account, report) == []
    assert account.marks == {"peak": 1_510 * ONE}  # what is new there is no profit


def test_a_venue_that_has_no_part_in_a_run_stays_as_it_is():
    """Its orders count in every limit, nobody asks there, and it is whole when it comes back."""
    runs = Runs()
    _both(runs)
    runs.account.record(SubmitOrder(order("p2", P)), runs.at)
    runs.tell(OrderUnknown("p2", "no answer"))
    before = runs.account.reserved("polymarket")
    runs.effects = []
    runs.run(kalshi="us")
    runs.tell(runs.report("kalshi", 1_000 * ONE - 1_600_000))
    runs.wait(60)
    account = runs.account
    asked = [e for e in runs.effects if isinstance(e, AskAccount | AskOrder)]
    assert {e.order.venue if isinstance(e, AskOrder) else e.venue for e in asked} == {"kalshi"}
    assert list(account.live) == ["k1", "p1", "p2"] and not runs.trading.trader.busy
    assert account.reserved("polymarket") == before == account.stake_at["polymarket"]
    assert account.accounts == tuple(sorted(BOTH.items()))
    assert list(account.reconciled) == ["kalshi"]
    runs.run(**BOTH)
    assert list(runs.account.live) == ["k1", "p1", "p2"]
    assert runs.account.cash("polymarket") == 1_000 * ONE - 1_600_000


def test_its_baskets_wait_for_it():
    runs = Runs()
    _both(runs)
    _basket(runs, "b1")
    runs.run(kalshi="us")
    runs.wait(10)
    assert runs.account.baskets["b1"].stage == "legs"
    assert runs.trading.trader.baskets.working == {}


def _basket(runs, name):
    legs = tuple(LegPlan(key, "yes", Px(400_000), Qty(10 * ONE), "") for key in (K, P))
    begun = BasketBegun(
        name, "o1", "same", Qty(10 * ONE), Usd(ONE), Usd(8 * ONE), Usd(2 * ONE), legs, runs.at,
        Usd(ONE),
    )  # fmt: skip
    runs.account.note(begun, runs.at)


def test_a_venue_with_another_account_is_left_and_only_that_one():
    runs = Runs()
    _both(runs)
    account = runs.account
    runs.tell(OrderCanceled("p1", "v-p1", "other", Qty(0), Qty(10 * ONE)))  # six are owed
    for name in ("done", "open"):
        _basket(runs, name)
    done = BasketMoved("done", "done", "", numbers={"qty": 10 * ONE})
    account.note(done, runs.at)
    for venue in BOTH:
        bonus = Paid(venue, "us", "rebate", f"{venue}-1", Usd(ONE), runs.at)
        runs.tell(bonus)
    # four of each leg are in the books, and no basket pays for what is not
    assert account.guaranteed == {"done": 4 * ONE} and account.reserved("polymarket") > 0
    kalshi = (account.cash("kalshi"), account.reserved("kalshi"), account.cost(K, "yes"))
    runs.run(kalshi="us", polymarket="new")
    account = runs.account
    assert account.cash("polymarket") == account.reserved("polymarket") == 0
    assert account.keys_held() == [(K, "yes")] and list(account.live) == ["k1"]
    assert (account.cash("kalshi"), account.reserved("kalshi"), account.cost(K, "yes")) == kalshi
    assert account.realised() == ONE and list(account.seen) == ["kalshi"]
    assert account.guaranteed == {} and account.owing == {}
    stages = {name: basket.stage for name, basket in account.baskets.items()}
    assert stages == {"done": "done", "open": "stuck"}
    for venue in BOTH:  # what the other account was paid is news; the rest is not
        runs.tell(Paid(venue, "us", "rebate", f"{venue}-1", Usd(ONE), runs.at))
    assert account.cash("polymarket") == ONE and account.cash("kalshi") == kalshi[0]


def test_a_venue_that_was_away_and_comes_back_with_another_account_is_left():
    runs = Runs()
    _both(runs)
    runs.run(kalshi="us")
    runs.run(kalshi="us", polymarket="new")
    assert list(runs.account.live) == ["k1"] and runs.account.keys_held() == [(K, "yes")]
    assert runs.account.accounts == (("kalshi", "us"), ("polymarket", "new"))
