"""All pretend venues of a run and what is under way to and from them, in the order of its times.

Paper, backtest and replay of one recorded session give the same Steps because of one rule, kept
here: before an event of the world is decided, everything of our own that is due by then (timers,
orders arriving, answers) has its turn, stamped with the time when it was due.

The pretend venue reads the engine's own books. They are as old as the feed is slow, so an order
meets at `now + order + feed` the book that it would have met at the venue after `order`, and its
answer is told at that moment: no answer can know a book that we have not seen.
"""

from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from dutchbook.domain.account_events import OrderSent
from dutchbook.domain.effects import (
    AmendOrder,
    AskAccount,
    AskOrder,
    CancelAll,
    CancelOrder,
    Effect,
    SetTimer,
    SubmitOrder,
    SubmitOrders,
)
from dutchbook.domain.events import (
    BookLevels,
    Event,
    MarketResolved,
    RunStarted,
    StatusChanged,
    TimerFired,
    TradePrinted,
)
from dutchbook.domain.orders import Order
from dutchbook.domain.step import Step
from dutchbook.domain.units import Ns, Usd
from dutchbook.sim.agenda import Agenda
from dutchbook.sim.paper import Books, Paper
from dutchbook.sim.queue import Rule
from dutchbook.state.account import Account

OF_AN_ORDER: Final = (SubmitOrder, CancelOrder, AmendOrder, AskOrder)


class Delays(Protocol):
    """How long a request is under way until its answer is seen; asked once for each, in order."""

    def order(self, venue: str, now: Ns) -> Ns: ...


class Constant:
    """Always the same span."""

    def __init__(self, span: Ns) -> None:
        self.span = span

    def order(self, venue: str, now: Ns) -> Ns:
        return self.span


class Arrival(NamedTuple):
    """An effect reaches a venue."""

    venue: str
    effect: Effect


class Expiry(NamedTuple):
    """The time of an order comes."""

    venue: str
    order: str


class Payment(NamedTuple):
    """A settled market pays, so long after its end as the venue locks the money up."""

    venue: str
    event: MarketResolved


Due = Event | Arrival | Expiry | Payment


class Exchange:
    """`view` gives the engine's present books; `lockup` by venue: ns from resolution to payment.

    `markets`: those in which any order of ours rests; a change of another's book concerns nobody.
    """

    def __init__(
        self,
        view: Callable[[], Books],
        money: dict[str, tuple[str, Usd]],
        delays: Delays,
        *,
        rule: Rule = "back",
        lockup: dict[str, Ns] | None = None,
    ) -> None:
        self._view = view
        self._delays = delays
        self._lockup = lockup or {}
        self.agenda: Agenda[Due] = Agenda()
        self.now = Ns(0)
        self.markets: dict[str, None] = {}
        self.papers = {
            venue: Paper(venue, account, view(), cash, self.tell, rule, self.markets)
            for venue, (account, cash) in money.items()
        }
        self._all = tuple(self.papers.values())

    def take_over(self, account: Account) -> None:
        """What an earlier run of this account held."""
        for key, outcome in account.keys_held():
            paper = self.papers.get(key.partition(":")[0])
            if paper is not None:
                paper.held[key, outcome] = account.held(key, outcome)

    def tell(self, event: Event) -> None:
        """An event of our own, of this moment."""
        self.agenda.put(self.now, event)

    def due(self, upto: Ns) -> tuple[Ns, Event] | None:
        """The next event of ours that is due by `upto`, and when; what arrives does so now."""
        agenda = self.agenda
        while agenda.at <= upto:
            at, what = agenda.pop()
            self.now = max(self.now, at)
            if isinstance(what, Arrival):
                self.papers[what.venue].do(what.effect, self.now)
            elif isinstance(what, Expiry):
                self.papers[what.venue].expire(what.order)
            elif isinstance(what, Payment):
                self.papers[what.venue].settle(what.event, self.now)
            else:
                return self.now, what
        return None

    def saw(self, step: Step) -> None:
        """What a step did: timers are set, the market may fill what rests. Effects: `carry`."""
        envelope = step.envelope
        event, self.now = envelope.event, envelope.at
        if type(event) is BookLevels or type(event) is TradePrinted:
            self.changed(event, envelope.at)
        elif type(event) is MarketResolved or type(event) is StatusChanged:
            self._market(event)
        elif type(event) is RunStarted:
            for paper in self._all:
                paper.view = self._view()
        for effect in step.effects:
            if type(effect) is SetTimer:
                self.agenda.put(effect.at, TimerFired(effect.name), effect.name)

    def changed(self, event: BookLevels | TradePrinted, at: Ns) -> None:
        """As `saw`, for a step that did no more than change a book or tell of a trade."""
        if event.key not in self.markets:
            return
        self.now = at
        if type(event) is TradePrinted:
            self._market(event)
        elif type(event) is BookLevels:
            for paper in self._all:
                paper.on_book(event, at)

    def _market(self, event: TradePrinted | MarketResolved | StatusChanged) -> None:
        venue = event.key.partition(":")[0]
        paper = self.papers.get(venue)
        if paper is None:
            return
        paper.on_event(event, self.now)
        if isinstance(event, MarketResolved):
            paid = Ns(self.now + self._lockup.get(venue, Ns(0)))
            self.agenda.put(paid, Payment(venue, event))

    def carry(self, effect: Effect) -> None:
        """Send an effect of the step that was just seen; what is no matter of ours is let go."""
        venue = venue_of(effect)
        if venue in self.papers:
            for order in orders_of(effect):
                self.tell(OrderSent(order.id))
            self.send(venue, effect)

    def send(self, venue: str, effect: Effect) -> None:
        """An effect leaves for its venue now."""
        at = Ns(self.now + self._delays.order(venue, self.now))
        self.agenda.put(at, Arrival(venue, effect))
        for order in orders_of(effect):
            if order.expires:
                self.agenda.put(Ns(max(at, order.expires)), Expiry(venue, order.id))


def orders_of(effect: Effect) -> tuple[Order, ...]:
    """The orders that an effect puts on the wire."""
    if isinstance(effect, SubmitOrder):
        return (effect.order,)
    return effect.orders if isinstance(effect, SubmitOrders) else ()


def venue_of(effect: Effect) -> str:
    """The venue whose orders or account an effect concerns, "" if none."""
    if isinstance(effect, OF_AN_ORDER):
        return effect.order.venue
    if isinstance(effect, SubmitOrders | CancelAll | AskAccount):
        return effect.venue
    return ""
