"""The executor as one object: opportunities in, orders out, and every order seen to its end."""

from typing import Final

from dutchbook.domain.account_events import (
    AccountSeen,
    AccountUnseen,
    FillVoided,
    OrderCanceled,
    OrderFilled,
    OrderSeen,
)
from dutchbook.domain.candidate import View
from dutchbook.domain.effects import Effect
from dutchbook.domain.events import (
    Event,
    FeedDown,
    FeedUp,
    OperatorAsked,
    RunStarted,
    TimerFired,
)
from dutchbook.domain.step import Improved, Note, Opened
from dutchbook.domain.units import Ns
from dutchbook.execution.basket import Baskets
from dutchbook.execution.config import Config
from dutchbook.execution.desk import Desk, Gate
from dutchbook.execution.lookup import Lookup
from dutchbook.execution.manual import Manual
from dutchbook.execution.reconcile import Reconcile
from dutchbook.state.account import Account

TIMER: Final = "trade"
SWEEP_MS: Final = 50
STOPPING: Final = ("halt", "kill")


class Trader:
    """`accounts`: venue -> name of the account there. Pure: told what happened, says what to do."""

    def __init__(
        self, account: Account, gate: Gate, config: Config, accounts: dict[str, str]
    ) -> None:
        self.account = account
        self.desk = Desk(account, gate, config, accounts)
        self.baskets = Baskets(self.desk)
        self.lookup = Lookup(self.desk)
        self.reconcile = Reconcile(self.desk)
        self.manual = Manual(self.desk)
        self._ticking = False
        self._stopped: dict[str, None] = {}

    @property
    def busy(self) -> bool:
        """Whether a basket is under way, the fate of an order is open, or a fill not final."""
        return bool(self.baskets.working or self.lookup.open or self.account.provisional())

    def on_opportunity(self, note: Opened | Improved, view: View, now: Ns, seq: int) -> None:
        """An opportunity was proved: take it if the gate lets us."""
        self.desk.at(now, seq)
        venues = {leg.instrument.partition(":")[0] for leg in note.certificate.legs}
        if venues <= set(self.desk.accounts):
            self.baskets.begin(note.id, note.certificate, view)
            self._tick_on()

    def on_event(self, event: Event, view: View, now: Ns, seq: int) -> None:
        """A fact that the account has folded already."""
        self.desk.at(now, seq)
        if isinstance(event, TimerFired):
            if event.name == TIMER:
                self._ticking = False
                self._sweep(view)
            return
        if isinstance(event, RunStarted):
            self._begin()
        elif isinstance(event, FeedUp | FeedDown):
            self.reconcile.feed(event.stream, isinstance(event, FeedUp))
        elif isinstance(event, AccountSeen):
            self.reconcile.seen(event)
            self._look_all(view)
        elif isinstance(event, AccountUnseen):
            self.reconcile.unseen(event)
        elif isinstance(event, OperatorAsked):
            self.manual.asked(event, view)
            self._obey_halts()
        elif isinstance(event, FillVoided):
            self._voided()
            self._look_all(view)
        else:
            self._of_order(getattr(event, "order", ""), event, view)
        self._tick_on()

    def on_tick(self, view: View, now: Ns, seq: int) -> None:
        """A quarter of a second passed."""
        self.desk.at(now, seq)
        self._obey_halts()
        self._sweep(view)

    def drain(self) -> tuple[list[Effect], list[Note]]:
        """What was decided since the last call; folded into the account already."""
        return self.desk.drain()

    def _begin(self) -> None:
        """Start is recovery: baskets that were under way are so again, and all venues are asked."""
        self.baskets.working = {n: None for n, b in self.account.baskets.items() if not b.over}
        self._ticking = False
        self._stopped = {}
        self.reconcile.start()

    def _of_order(self, order: str, event: Event, view: View) -> None:
        if isinstance(event, OrderFilled | OrderCanceled | OrderSeen) and not order:
            venue = getattr(event, "venue", "")
            life = self.account.life_of("", venue, event.venue_order)
            order = life.order.id if life else ""
        life = self.account.orders.get(order)
        if life is None:
            return
        self.lookup.heed(order)
        basket = life.order.basket
        if basket in self.baskets.working:
            self.baskets.look(basket, view)

    def _voided(self) -> None:
        """Baskets that counted on the trade are under way again."""
        for order in self.account.undone:
            self.baskets.reopen(self.account.orders[order].order.basket)

    def _look_all(self, view: View) -> None:
        for name in list(self.baskets.working):
            self.baskets.look(name, view)

    def _sweep(self, view: View) -> None:
        self.lookup.sweep()
        self.reconcile.sweep()
        self._look_all(view)
        self._tick_on()

    def _tick_on(self) -> None:
        if not self._ticking and (self.baskets.working or self.account.live or self.lookup.open):
            self._ticking = True
            self.desk.timer(TIMER, SWEEP_MS)

    def _obey_halts(self) -> None:
        """A halt or a kill that is new: nothing of ours stays in the books."""
        stopping = [s for s, halt in self.account.halts.items() if halt.level in STOPPING]
        for scope in stopping:
            if scope not in self._stopped:
                venue = scope.removeprefix("venue:") if scope.startswith("venue:") else ""
                self.manual.cancel_all("halt", venue)
        self._stopped = dict.fromkeys(stopping)
