"""A busy account for the gate: fifty baskets of three legs alive, and one more to be judged."""

from typing import Any

from dutchbook.domain.account_events import AccountSeen
from dutchbook.domain.candidate import Candidate, Outcome
from dutchbook.domain.certificate import Certificate
from dutchbook.domain.effects import SubmitOrder
from dutchbook.domain.events import RunStarted
from dutchbook.domain.instrument import CENT, EventGroup, FeeSchedule, Instrument
from dutchbook.domain.orders import Order
from dutchbook.domain.step import Reconciled
from dutchbook.domain.units import DAY, ONE, Ns, Px, Qty, Usd
from dutchbook.execution.config import Config
from dutchbook.execution.desk import Desk
from dutchbook.optimize.prove import prove
from dutchbook.optimize.walk import Basket, Limits, evaluate
from dutchbook.risk.gate import Gate
from dutchbook.risk.limits import RiskLimits
from dutchbook.state.account import Account

NOW = Ns(1_790_000_000_000_000_000)
FEES = FeeSchedule("kalshi", taker=70_000, precision=Usd(10_000))
ACCOUNTS = {"kalshi": "us"}


class Books:
    """A View in which every market offers 200 at 30 cents and bids 28."""

    def __init__(self) -> None:
        self.now, self.seq, self.run = NOW, 1, "r1"
        self._known: dict[str, Instrument] = {}

    def instrument(self, key: str) -> Instrument:
        if key not in self._known:
            self._known[key] = self._made(key)
        return self._known[key]

    def _made(self, key: str) -> Instrument:
        return Instrument(
            key, "kalshi", key.partition(":")[2], f"kalshi:E{key[-3:-1]}", "a market", "Yes", CENT,
            FEES, closes=Ns(NOW + 30 * DAY), category="Economics",
        )  # fmt: skip

    def stale(self, key: str, outcome: Outcome) -> str:
        return ""

    def best(self, key: str, outcome: Outcome) -> tuple[Px, Qty]:
        return Px(300_000), Qty(200 * ONE)

    def offers(self, key: str, outcome: Outcome, levels: int) -> list[tuple[Px, Qty]]:
        return [(Px(300_000), Qty(200 * ONE)), (Px(310_000), Qty(200 * ONE))][:levels]

    def bids(self, key: str, outcome: Outcome, levels: int) -> list[tuple[Px, Qty]]:
        return [(Px(280_000), Qty(200 * ONE))][:levels]

    def book(self, key: str, outcome: Outcome) -> tuple[int, int, int]:
        return 0, 1, 1


def crowded(baskets: int) -> tuple[Gate, Account, Any, Ns]:
    """Gate, account with so many baskets of three orders alive, books, and the moment."""
    account, view = Account(), Books()
    start = RunStarted("r1", "sim", 7, "0", "", "e", tuple(ACCOUNTS.items()))
    account.apply(start, NOW, 1)
    seen = AccountSeen("kalshi", "us", NOW, Ns(0), Usd(100_000 * ONE), (), (), ())
    account.apply(seen, NOW, 2)
    account.note(Reconciled("kalshi", True, 0, 0, 0), NOW)
    desk = Desk(account, Gate(RiskLimits(), ACCOUNTS), Config(), ACCOUNTS)
    for n in range(baskets):
        desk.at(NOW, 10 + n)
        for leg in range(3):
            market = view.instrument(f"kalshi:M{n:02d}{leg}")
            order = desk.order(
                market, "yes", "buy", 300_000, 20 * ONE, "leg", basket=f"b{n}", tif="gtc"
            )
            account.record(SubmitOrder(order), NOW)
    return Gate(RiskLimits(), ACCOUNTS), account, view, NOW


def basket(view: Any, now: Ns) -> tuple[tuple[Order, ...], Certificate]:
    """Three legs that pay a dollar for 90 cents and fees."""
    keys = tuple(f"kalshi:N99{leg}" for leg in range(3))
    group = EventGroup("kalshi:E99", "kalshi", "an event", keys, True, True)
    legs: tuple[tuple[str, Outcome], ...] = tuple((key, "yes") for key in keys)
    candidate = Candidate("bundle_yes:kalshi:E99", "bundle_yes", legs, Usd(ONE), (), group)
    found = evaluate(candidate, view, Limits(edge_min=10_000))
    assert isinstance(found, Basket), found
    certificate = prove(found, view)
    account = Account()
    account.epoch = "x"
    desk = Desk(account, Gate(RiskLimits(), ACCOUNTS), Config(), ACCOUNTS)
    desk.at(now, 1)
    orders = tuple(
        desk.order(view.instrument(key), "yes", "buy", 310_000, 20 * ONE, "leg", basket="b")
        for key in keys
    )
    return orders, certificate


def unthrottled(limits: RiskLimits) -> RiskLimits:
    """The limits with the throttles out of the way: the same basket is judged again and again."""
    import msgspec

    return msgspec.structs.replace(limits, orders_per_second=100_000, repeats_max=10_000)
