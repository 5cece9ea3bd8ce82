"""What every part of the executor shares: account, gate, and how decisions are handed on."""

from typing import Protocol

from dutchbook.domain.candidate import Outcome, View
from dutchbook.domain.certificate import Certificate
from dutchbook.domain.effects import Alert, Effect, SetTimer, SubmitOrder, SubmitOrders
from dutchbook.domain.fees import fee_max
from dutchbook.domain.instrument import Instrument
from dutchbook.domain.orders import Action, Order, Purpose, Tif
from dutchbook.domain.step import Note, Refused
from dutchbook.domain.units import MILLI, Ns, Px, Qty
from dutchbook.execution.config import Config
from dutchbook.state.account import Account


class Gate(Protocol):
    """The last word before an order: `risk/gate.py`."""

    def check(
        self, orders: tuple[Order, ...], account: Account, view: View, now: Ns, *,
        certificate: Certificate | None = None,
    ) -> Refused | None: ...  # fmt: skip

    def affordable(
        self, certificate: Certificate, account: Account, view: View, now: Ns
    ) -> Qty: ...


class Desk:
    """One instant of deciding. `do` and `say` fold what is decided into the account at once."""

    def __init__(
        self, account: Account, gate: Gate, config: Config, accounts: dict[str, str]
    ) -> None:
        self.account = account
        self.gate = gate
        self.config = config
        self.accounts = accounts
        self.now = Ns(0)
        self.seq = 0
        self._made = 0
        self._effects: list[Effect] = []
        self._notes: list[Note] = []

    def at(self, now: Ns, seq: int) -> None:
        """A new step begins."""
        if seq != self.seq:
            self._made = 0
        self.now, self.seq = now, seq

    def mint(self) -> str:
        """An id that no order ever had: the run's epoch, the step, and a number within it."""
        self._made += 1
        return f"{self.account.epoch}-{self.seq}-{self._made}"

    def do(self, effect: Effect) -> None:
        self.account.record(effect, self.now)
        self._effects.append(effect)

    def say(self, note: Note) -> None:
        self.account.note(note, self.now)
        self._notes.append(note)

    def timer(self, name: str, millis: int) -> None:
        self.do(SetTimer(name, Ns(self.now + millis * MILLI)))

    def alert(self, key: str, text: str) -> None:
        self.do(Alert("critical", key, text))

    def send(self, orders: list[Order]) -> None:
        """One request for each venue: what goes to one venue together is answered together."""
        by_venue: dict[str, list[Order]] = {}
        for order in orders:
            by_venue.setdefault(order.venue, []).append(order)
        for venue, group in by_venue.items():
            if len(group) == 1:
                self.do(SubmitOrder(group[0]))
                continue
            most = BATCH_MAX.get(venue, 10)
            for start in range(0, len(group), most):
                self.do(SubmitOrders(venue, tuple(group[start : start + most])))

    def drain(self) -> tuple[list[Effect], list[Note]]:
        effects, notes = self._effects, self._notes
        self._effects, self._notes = [], []
        return effects, notes

    def order(
        self, market: Instrument, outcome: Outcome, action: Action, px: int, qty: int,
        purpose: Purpose, *, basket: str = "", strategy: str = "", tif: Tif = "ioc",
        expires: Ns = Ns(0), post_only: bool = False, reduce_only: bool = False,
    ) -> Order:  # fmt: skip
        """An order for this step, with all that its bytes need."""
        token = ""
        if market.tokens:
            token = market.tokens[0 if outcome == "yes" else 1]
        return Order(
            self.mint(), market.venue, self.accounts[market.venue], market.key, outcome, action,
            Px(px), Qty(qty), tif, self.now, purpose, basket, strategy, expires, post_only,
            reduce_only, token, market.neg_risk, market.shard,
            fee_max(market.fees, px, qty, action, market.lot),
        )  # fmt: skip


BATCH_MAX = {"kalshi": 20, "polymarket": 15}
"""Orders of one request."""
