"""The executor as one object: opportunities in, orders out, and every order seen to its end."""

from collections.abc import Sequence
from typing import Final

from dutchbook.domain.account_events import (
    AccountSeen,
    AccountUnseen,
    CancelFailed,
    FillSettled,
    FillVoided,
    OrderAcked,
    OrderCanceled,
    OrderFilled,
    OrderRejected,
    OrderSeen,
    OrderSent,
    VenueMode,
)
from dutchbook.domain.candidate import View
from dutchbook.domain.certificate import Certificate
from dutchbook.domain.effects import Effect
from dutchbook.domain.events import (
    CheckFailed,
    Event,
    FeedDown,
    FeedUp,
    MarketResolved,
    OperatorAsked,
    RunStarted,
    StatusChanged,
    TimerFired,
)
from dutchbook.domain.step import Improved, Note, Opened, Passed, Refused
from dutchbook.domain.units import Ns
from dutchbook.execution.basket import Baskets
from dutchbook.execution.config import Config
from dutchbook.execution.config import Exits as ExitRules
from dutchbook.execution.desk import Desk, Gate
from dutchbook.execution.exits import Exits
from dutchbook.execution.lookup import Lookup
from dutchbook.execution.manager import Build, Manager, Plan
from dutchbook.execution.manual import Manual
from dutchbook.execution.quoting import Books, Quoting
from dutchbook.execution.reconcile import Reconcile
from dutchbook.execution.sharing import Sharing, Wanted
from dutchbook.state.account import Account

TIMER: Final = "trade"
SWEEP_MS: Final = 50
STOPPING: Final = ("halt", "kill")
RESTS: Final = ("acked", "partial")
QUIET: Final = frozenset((OrderSent, OrderAcked, FillSettled))
"""Facts about an order that change nothing of what it is or holds."""
RULES: Final = frozenset((FeedUp, FeedDown, AccountSeen, AccountUnseen, VenueMode, StatusChanged))
"""Facts that may forbid quotes."""


class Trader:
    """`accounts`: venue -> name of the account there. Pure: told what happened, says what to do."""

    def __init__(
        self, account: Account, gate: Gate, config: Config, accounts: dict[str, str],
        exits: ExitRules, kinds: dict[str, Build] | None = None, plan: Plan | None = None,
    ) -> None:  # fmt: skip
        self.account = account
        self.desk = Desk(account, gate, config, accounts)
        self.baskets = Baskets(self.desk)
        self.sharing = Sharing(self.desk)
        self.lookup = Lookup(self.desk)
        self.reconcile = Reconcile(self.desk)
        self.manual = Manual(self.desk)
        self.exits = Exits(self.desk, self.baskets, exits)
        self.quoting = Quoting(self.desk, Manager(self.desk, kinds or {}, plan or Plan()))
        self._ticking, self._hurry = False, (-1, False)
        self._stopped: dict[str, None] = {}

    @property
    def busy(self) -> bool:
        """Whether a basket is under way, the fate of an order is open, or a fill not final."""
        return bool(self.baskets.working or self.lookup.open or self.account.provisional())

    def on_opportunity(self, note: Opened | Improved, view: View, now: Ns, seq: int) -> None:
        """An opportunity was proved: take it if the gate lets us."""
        self.on_opportunities([note], view, now, seq)

    def on_opportunities(
        self, notes: Sequence[Opened | Improved], view: View, now: Ns, seq: int
    ) -> None:
        """Several in one step compete: what each may have is decided for all of them together."""
        self.desk.at(now, seq)
        fresh = [
            Wanted(note.id, note.certificate, now)
            for note in notes
            if self.desk.config.auto and self._reaches(note.certificate)
        ]
        fresh = self._switched_on(fresh)
        if not fresh:
            return
        told = {one.name for one in fresh}
        for share in self.sharing.split(fresh, view):
            name, proof = share.wanted.name, share.wanted.certificate
            if share.qty <= 0 and len(told) > 1 and share.binding:
                numbers = {"of": int(proof.qty)} | share.binding
                self.desk.say(Passed(name, "sent", "others use the money better", numbers))
                continue
            if name not in told and share.qty <= 0:
                continue
            if 0 < share.qty < proof.qty and share.binding:
                numbers = {"qty": int(share.qty), "of": int(proof.qty)} | share.binding
                self.desk.say(Passed(name, "sent", "less than was on offer", numbers))
            if self.baskets.begin(name, proof, view, share.qty or -1):
                self.sharing.served(name)
        self._tick_on()

    def take(self, name: str, certificate: Certificate, view: View, now: Ns, seq: int) -> None:
        """Begin a basket for an opportunity, or say why not."""
        self.desk.at(now, seq)
        if self._reaches(certificate):
            self.baskets.begin(name, certificate, view)
            self._tick_on()
        else:
            self.desk.say(Refused(name, "account", "no account trades on one of its venues", {}))

    def _reaches(self, certificate: Certificate) -> bool:
        venues = {leg.instrument.partition(":")[0] for leg in certificate.legs}
        return venues <= set(self.desk.accounts)

    def _switched_on(self, fresh: list[Wanted]) -> list[Wanted]:
        """Those whose kind works; of the others it is told, and none waits for money any more."""
        passes, found = self.quoting.manager.passes, []
        for one in fresh:
            why, numbers = passes(one.certificate.kind, one.certificate.edge)
            if why:
                self.desk.say(Passed(one.name, "sent", why, numbers))
            else:
                found.append(one)
        self.sharing.short = {
            name: one
            for name, one in self.sharing.short.items()
            if not passes(one.certificate.kind, one.certificate.edge)[0]
        }
        return found

    def on_event(self, event: Event, view: View, now: Ns, seq: int) -> None:
        """A fact that the account has folded already."""
        self.desk.at(now, seq)
        if type(event) is TimerFired:
            if event.name == TIMER:
                self._ticking = False
                self._sweep(view)
            return
        if type(event) is RunStarted:
            self._begin()
        elif type(event) is FeedUp or type(event) is FeedDown:
            self.reconcile.feed(event.stream, type(event) is FeedUp)
        elif type(event) is AccountSeen:
            self.reconcile.seen(event)
            self._look_all(view)
        elif type(event) is AccountUnseen:
            self.reconcile.unseen(event)
        elif type(event) is CheckFailed:
            self.lookup.failed(event.key)
        elif type(event) is OperatorAsked:
            self._obey_halts()  # before what is sold now, or that would be canceled, too
            self.manual.asked(event, view)
            self.reconcile.asked(event)
            self._of_exits(event, view)
            self.quoting.asked(event, view)
        elif type(event) is FillVoided:
            self._voided()
            self._look_all(view)
        elif type(event) is MarketResolved:
            self.quoting.resolved(event)
            self.quoting.look(view)
        else:
            self._of_order(getattr(event, "order", ""), event, view)
        if type(event) in RULES:
            self.quoting.look(view)
        self._late(view)
        self._tick_on()

    def on_moved(self, key: str, view: View, now: Ns, seq: int) -> None:
        """A best price of a watched market changed."""
        self.desk.at(now, seq)
        self.quoting.moved(key, view)
        self._tick_on()

    def on_fault(self, view: View, now: Ns, seq: int) -> None:
        """Something happened to books that may make some of them stale."""
        self.desk.at(now, seq)
        self.quoting.look(view)

    def on_tick(self, view: Books, now: Ns, seq: int) -> None:
        """A quarter of a second passed."""
        self.desk.at(now, seq)
        self._obey_halts()
        self.manual.sweep(view)
        self._sweep(view)
        self.exits.sweep(view)
        self.quoting.tick(view)
        self._tick_on()

    def drain(self) -> tuple[list[Effect], list[Note]]:
        """What was decided since the last call; folded into the account already."""
        return self.desk.drain()

    def _begin(self) -> None:
        """Start is recovery: baskets that were under way are so again, and all venues are asked."""
        self.baskets.working = {n: None for n, b in self.account.baskets.items() if not b.over}
        self.desk.begin()
        self.lookup.begin()
        self.exits.begin()
        self.manual.begin()
        self.sharing.short = {}
        self.quoting.begin()
        self._ticking, self._stopped = False, {}
        self.reconcile.start()

    def _of_exits(self, event: OperatorAsked, view: View) -> None:
        if event.verb == "exit":
            self.exits.asked(event.args, view)
        elif event.verb == "wind_down":
            self.exits.closing = True  # nothing new is begun, and no sale either

    def _of_order(self, order: str, event: Event, view: View) -> None:
        if not order and isinstance(event, OrderFilled | OrderCanceled | OrderSeen):
            venue = getattr(event, "venue", "")
            life = self.account.life_of("", venue, event.venue_order)
            order = life.order.id if life else ""
        life = self.account.orders.get(order)
        if life is None:
            return
        self.lookup.heed(order)
        if type(event) is OrderRejected:
            self.manual.refused(life)
        if type(event) is CancelFailed and event.gone:
            self.lookup.soon(order)
        basket = life.order.basket
        if basket in self.baskets.working:
            self.baskets.look(basket, view)
        seen = type(event) is OrderSeen and life.alive
        if life.order.purpose == "quote" and type(event) not in QUIET and not seen:
            self.quoting.ended(life, view)

    def _voided(self) -> None:
        """Baskets that counted on the trade are under way again."""
        for order in self.account.undone:
            self.baskets.reopen(self.account.orders[order].order.basket, "a trade of it failed")

    def _late(self, view: View) -> None:
        """A fill came of an order that was over: its basket is, too, only if the legs are equal."""
        late, self.account.late = self.account.late, []
        for order in late:
            name = self.account.orders[order].order.basket
            if name and name not in self.baskets.working:
                self.baskets.reopen(name, "a fill of it came late")
                self.baskets.look(name, view)

    def _look_all(self, view: View) -> None:
        for name in list(self.baskets.working):
            self.baskets.look(name, view)

    def _sweep(self, view: View) -> None:
        self.lookup.sweep()
        self.reconcile.sweep()
        self._look_all(view)
        self._tick_on()

    def _tick_on(self) -> None:
        if not self._ticking and (self.baskets.working or self._hurries() or self.lookup.open):
            self._ticking = True
            self.desk.timer(TIMER, SWEEP_MS)

    def _hurries(self) -> bool:
        """Whether any live order is more than a quote that rests, which the tick looks after."""
        version, lives = self.account.version, self.account.live.values()
        if self._hurry[0] != version:
            hurry = any(x.order.purpose != "quote" or x.state not in RESTS for x in lives)
            self._hurry = (version, hurry)
        return self._hurry[1]

    def _obey_halts(self) -> None:
        """Nothing of ours stays in the books of what is halted or killed.

        A new halt of a venue, or of all, asks for everything at once. Each order is asked for by
        name until it has ended: a venue may have been down, an order not known to be there yet.
        """
        halts = self.account.halts
        stopping = [s for s, halt in halts.items() if halt.level in STOPPING] if halts else []
        for scope in stopping:
            if scope not in self._stopped and (scope == "all" or scope.startswith("venue:")):
                self.manual.cancel_all("halt", "" if scope == "all" else scope[6:])
        self._stopped = dict.fromkeys(stopping)
        for life in list(self.account.live.values()) if stopping else ():
            order = life.order
            ours = order.venue in self.desk.accounts and order.tif in ("gtc", "gtd")
            if ours and any(
                scope in stopping
                for scope in ("all", f"venue:{order.venue}", f"market:{order.key}",
                              f"strategy:{order.strategy}")
            ):  # fmt: skip
                self.desk.cancel(life, "halt")
