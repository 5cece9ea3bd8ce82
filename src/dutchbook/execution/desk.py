"""What every part of the executor shares: account, gate, and how decisions are handed on."""

from collections.abc import Sequence
from typing import Protocol

from dutchbook.domain.candidate import Outcome, View
from dutchbook.domain.certificate import Certificate
from dutchbook.domain.effects import (
    Alert,
    CancelOrder,
    Effect,
    SetTimer,
    SubmitOrder,
    SubmitOrders,
)
from dutchbook.domain.fees import fee_max
from dutchbook.domain.instrument import Instrument
from dutchbook.domain.orders import Action, Order, Purpose, Tif
from dutchbook.domain.step import Note, Refused
from dutchbook.domain.units import MILLI, ONE, SECOND, Ns, Px, Qty
from dutchbook.execution.config import Config
from dutchbook.state.account import Account, Life


class Gate(Protocol):
    """The last word before an order: `risk/gate.py`. `budgets`: $ millionths by strategy."""

    budgets: dict[str, int]

    def check(
        self, orders: tuple[Order, ...], account: Account, view: View, now: Ns, *,
        certificate: Certificate | None = None, confidence: int = ONE,
    ) -> Refused | None: ...  # fmt: skip

    def budget(self, strategy: str) -> int:
        """What a strategy may hold and offer, in millionths of a dollar."""
        ...

    def affordable(
        self, certificate: Certificate, account: Account, view: View, now: Ns
    ) -> Qty: ...

    def rooms(
        self, certificates: Sequence[Certificate], account: Account, view: View
    ) -> dict[str, int]: ...


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
        self._canceling: dict[str, tuple[int, Ns]] = {}
        self._yielding: dict[str, Ns] = {}

    def begin(self) -> None:
        """A run began: what was asked of sockets before may be lost, and is asked again."""
        self._canceling, self._yielding = {}, {}

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

    def cancel(self, life: Life, why: str) -> bool:
        """Ask for the end of an order, not twice in a row; True if it was asked now.

        Without an answer it is asked again after `leg_timeout_ms`, then at doubling spans.
        """
        name, config = life.order.id, self.config
        times, due = self._canceling.get(name, (0, Ns(0)))
        if self.now < due:
            return False
        live = self.account.live
        self._canceling = {one: at for one, at in self._canceling.items() if one in live}
        span = min(config.ask_most_ms, config.leg_timeout_ms * 2 ** min(times, 10))
        self._canceling[name] = (times + 1, Ns(self.now + span * MILLI))
        self.do(CancelOrder(life.order, life.venue_order, why))
        return True

    def clear(self, orders: Sequence[Order], refused: Refused) -> bool:
        """Where orders that repair or leave would trade with quotes of ours, these give way.

        True if so: the same can be tried again soon, when the quotes have ended.
        """
        if refused.check != "no_self_trade":
            return False
        for order in orders:
            self.make_way(order.key, ("quote",))
        return True

    def make_way(self, key: str, purposes: Sequence[Purpose]) -> None:
        """End what rests of ours in a market for these purposes; quotes stay out for a while."""
        self._yielding = {key: at for key, at in self._yielding.items() if at > self.now}
        self._yielding[key] = Ns(self.now + YIELDS)
        for life in list(self.account.live_of.get(key, {}).values()):
            if life.order.purpose in purposes and life.order.tif in ("gtc", "gtd"):
                self.cancel(life, "in the way")

    def yielding(self, key: str) -> bool:
        """Whether no quote may stand in a market for the moment."""
        return self.now < self._yielding.get(key, 0)

    def drain(self) -> tuple[list[Effect], list[Note]]:
        effects, notes = self._effects, self._notes
        self._effects, self._notes = [], []
        return effects, notes

    def order(
        self, market: Instrument, outcome: Outcome, action: Action, px: int, qty: int,
        purpose: Purpose, *, basket: str = "", strategy: str = "", tif: Tif = "ioc",
        expires: Ns = Ns(0), post_only: bool = False, reduce_only: bool = False,
        slot: str = "", edge: int = 0,
    ) -> Order:  # fmt: skip
        """An order for this step, with all that its bytes need."""
        known = self.account.baskets.get(basket)
        strategy = strategy or (known.begun.strategy if known is not None else "")
        token = ""
        if market.tokens:
            token = market.tokens[0 if outcome == "yes" else 1]
        name = self.accounts.get(market.venue, "")  # without one the gate lets nothing pass
        return Order(
            self.mint(), market.venue, name, market.key, outcome, action,
            Px(px), Qty(qty), tif, self.now, purpose, basket, strategy, expires, post_only,
            reduce_only, token, market.neg_risk, market.shard,
            fee_max(market.fees, px, qty, action, market.lot), "", slot, edge,
        )  # fmt: skip


YIELDS = Ns(2 * SECOND)
"""So long quotes keep out of a market in which they were in the way."""
BATCH_MAX = {"kalshi": 20, "polymarket": 15}
"""Orders of one request."""
