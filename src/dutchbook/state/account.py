"""Account state: orders, fills, ledger, baskets, halts; nothing but a fold of the record.

`apply` takes facts, `record` our own effects, `note` our own decisions, in the order of the
journal. Live and in recovery the same three are called with the same values, so the state after
a crash is the state before it. It decides nothing and asks for nothing.
"""

from collections.abc import Callable
from typing import Any, Final

from dutchbook.domain.account_events import (
    NOT_TOLD,
    AccountSeen,
    AccountUnseen,
    CancelFailed,
    ClockSeen,
    FillSettled,
    FillVoided,
    OrderAcked,
    OrderCanceled,
    OrderFilled,
    OrderMissing,
    OrderRejected,
    OrderSeen,
    OrderSent,
    OrderUnknown,
    Paid,
    RateSeen,
    VenueMode,
)
from dutchbook.domain.candidate import Outcome
from dutchbook.domain.effects import Effect, SubmitOrder, SubmitOrders
from dutchbook.domain.events import Event, RunStarted
from dutchbook.domain.orders import Order
from dutchbook.domain.step import (
    Accepted,
    BasketBegun,
    BasketMoved,
    Crossed,
    Determined,
    Drifted,
    HaltMoved,
    Marked,
    Note,
    Quarantined,
    RampMoved,
    Reconciled,
    StrategyMoved,
)
from dutchbook.domain.units import SECOND, Ns, Qty, Usd
from dutchbook.state import account_codec as codec
from dutchbook.state import accounts, guarantees, reports, strangers
from dutchbook.state.baskets import BasketLife
from dutchbook.state.ledger import Ledger
from dutchbook.state.lives import NEXT, Life, in_terms_of
from dutchbook.state.money import Money, fee_of, value
from dutchbook.state.reading import Reading
from dutchbook.state.stakes import Stakes
from dutchbook.state.trouble import Trouble

__all__ = ["Account", "BasketLife", "Life"]

ITSELF: Final = "dutchbook"
"""Who moved a halt, where nobody asked for it."""


class Account(Reading):
    """`orders` are all, `live` those that may still fill, both by our id, in order of decision;

    `queue_bound`: how long a venue may sit on a request; `missing_least`: how many definite answers
    it takes to believe that an order never arrived. `undone`: the orders whose fills the last
    FillVoided took back, `late`: those that the last event filled after their end. `moved`: when
    an order of a venue last changed its state. `owing`: orders of which the venue says that more
    was filled than has come. `guaranteed`: what done baskets pay back at least, as far as held.
    `accounts`: (venue, name) of this run's, and of venues that were traded before and are not now.
    `ramp`: step of the live ramp, and since when; `breached`: when books last drifted, a basket
    got stuck or a breaker tripped. `adopted`: fills in the books that are of no order of ours.
    `stakes`: whose the contracts are; `switches`: what people changed of strategies, by name.
    `external`: open orders that may not be ours, `foreign` those that surely are not and count in
    the sums, `selling` what they sell; `newcomers`: those that the last event made known.
    """

    def __init__(self, queue_bound: Ns = Ns(60 * SECOND), missing_least: int = 5) -> None:
        self.queue_bound = queue_bound
        self.missing_least = missing_least
        self.orders: dict[str, Life] = {}
        self.live: dict[str, Life] = {}
        self.baskets: dict[str, BasketLife] = {}
        self.halts: dict[str, HaltMoved] = {}
        self.modes: dict[str, VenueMode] = {}
        self.reconciled: dict[str, bool] = {}
        self.skews: dict[str, Ns] = {}
        self.rates: dict[str, RateSeen] = {}
        self.seen: dict[str, AccountSeen] = {}
        self.external: dict[str, OrderSeen] = {}
        self.epoch = ""
        self.accounts: tuple[tuple[str, str], ...] = ()
        self.marks: dict[str, Usd] = {}
        self.mode = ""
        self.ramp: tuple[int, Ns] | None = None
        self.breached = Ns(0)
        self.trouble = Trouble()
        self.ledger = Ledger()
        self.stakes = Stakes()
        self.money = Money(self.ledger, self.stakes)
        self.switches: dict[str, StrategyMoved] = {}
        self.by_venue: dict[tuple[str, str], str] = {}
        self.by_basket: dict[str, list[str]] = {}
        self.orphans: list[OrderFilled] = []
        self.adopted: dict[reports.Fill, None] = {}
        self.foreign: dict[str, OrderSeen] = {}
        self.selling: dict[tuple[str, Outcome], int] = {}
        self.newcomers: list[OrderSeen] = []
        self.live_of: dict[str, dict[str, Life]] = {}
        self.stake_of: dict[str, int] = {}
        self.stake_at: dict[str, int] = {}
        self.stake_by: dict[str, int] = {}
        self.stake_total = 0
        self.guaranteed: dict[str, int] = {}
        self.undone: list[str] = []
        self.late: list[str] = []
        self.moved: dict[str, Ns] = {}
        self.owing: dict[str, Life] = {}
        self._notes: list[Note] = []

    # -- folding ---------------------------------------------------------------------------------

    def apply(self, event: Event, at: Ns, seq: int) -> list[Note]:
        """Fold a fact; returns what could not be (Quarantined) or differs (Drifted)."""
        handler = _HANDLERS.get(type(event))
        if handler is None:
            return []
        self.version += 1
        self.ledger.seq, self.ledger.at = seq, at
        self.late, self.newcomers = [], []
        handler(self, event, at)
        if self.ledger.shrunk:
            guarantees.trim(self)
        notes, self._notes = self._notes, []
        return notes

    def record(self, effect: Effect, at: Ns) -> None:
        """Fold one of our own effects: SubmitOrder makes an order `decided` and reserves it."""
        if isinstance(effect, SubmitOrder):
            self._decided(effect.order, at)
        elif isinstance(effect, SubmitOrders):
            for order in effect.orders:
                self._decided(order, at)

    def note(self, note: Note, at: Ns) -> None:
        """Fold one of our own decisions: baskets, halts, reconciliation."""
        self.version += 1
        if isinstance(note, BasketBegun):
            self.baskets[note.id] = BasketLife(note, at, self.by_basket.setdefault(note.id, []))
        elif isinstance(note, BasketMoved) and note.id in self.baskets:
            basket = self.baskets[note.id]
            basket.move(note, at)
            self.breached = at if note.stage == "stuck" else self.breached
            self.guaranteed.pop(note.id, None)
            if note.stage == "done":
                guarantees.hold(self, note.id, note.numbers["qty"])
        elif isinstance(note, HaltMoved):
            if note.level:
                self.halts[note.scope] = note
                self.breached = at if note.by == ITSELF else self.breached
            else:
                self.halts.pop(note.scope, None)
                self.trouble.forgive(note.scope.removeprefix("market:"))
        elif isinstance(note, Marked):
            self.marks[note.name] = note.value
        elif isinstance(note, Reconciled):
            self.reconciled[note.venue] = note.ok
        elif isinstance(note, RampMoved):
            self.ramp = (note.step, at)
        elif isinstance(note, Drifted):
            self.breached = at
        elif isinstance(note, Accepted):
            accounts.accepted(self, note, at)
        elif isinstance(note, Crossed):
            self.stakes.crossed(note, at)
        elif isinstance(note, Determined):
            self.stakes.settled(note.key, note.px, at)
        elif isinstance(note, StrategyMoved):
            self.switches[note.name] = note

    def _decided(self, order: Order, at: Ns) -> None:
        if order.id in self.orders:
            return  # sent again: the same order, and still one
        self.version += 1
        life = self.orders[order.id] = self.live[order.id] = Life(order, at)
        self.weigh(life)
        if order.basket:
            self.by_basket.setdefault(order.basket, []).append(order.id)

    def weigh(self, life: Life) -> None:
        """Keep the sums of what live orders may cost: by market, venue, strategy, and in all."""
        order, now = life.order, life.reserved
        delta, life.counted = now - life.counted, now
        if delta:
            for sums, name in ((self.stake_of, order.key), (self.stake_at, order.venue),
                               (self.stake_by, order.strategy)):  # fmt: skip
                sums[name] = sums.get(name, 0) + delta
            self.stake_total += delta
        self.moved[order.venue] = max(self.moved.get(order.venue, Ns(0)), life.since)
        if life.owed:
            self.owing[order.id] = life
        else:
            self.owing.pop(order.id, None)
        if life.alive:
            self.live_of.setdefault(order.key, {})[order.id] = life
        elif order.id in self.live_of.get(order.key, {}):
            del self.live_of[order.key][order.id]

    # -- orders ----------------------------------------------------------------------------------

    def _find(self, event: Any, at: Ns) -> Life | None:
        """The life that an event speaks of, where the event is legal in its state."""
        life = self.orders.get(event.order)
        if life is None:
            life = self.life_of("", getattr(event, "venue", ""), getattr(event, "venue_order", ""))
        if life is None:
            self._strange("unknown_order", event.order or getattr(event, "venue_order", ""), event)
            return None
        if type(event) not in NEXT[life.state]:
            self._strange("illegal", life.order.id, event, life.state)
            return None
        return life

    def _strange(self, code: str, what: str, event: object, state: str = "") -> None:
        detail = f"{type(event).__name__} in state {state}" if state else type(event).__name__
        self._notes.append(Quarantined(code, what, detail))

    def _on_sent(self, event: OrderSent, at: Ns) -> None:
        life = self._find(event, at)
        if life is not None and life.state == "decided":
            life.move("sent", at)

    def _on_acked(self, event: OrderAcked, at: Ns) -> None:
        life = self._find(event, at)
        if life is not None:
            self._named(life, event.venue_order, at)
            self._revive(life, at)
            if life.state in ("decided", "sent", "unknown"):
                life.move("partial" if life.filled else "acked", at)

    def _revive(self, life: Life, at: Ns) -> None:
        """The venue has an order that was given up: it broke its bound, and the order lives."""
        if life.state == "never_arrived":
            self._notes.append(Quarantined("arrived_after_all", life.order.id, life.order.key))
            life.move("unknown", at, "it arrived after all")
            self.live[life.order.id] = life
            self.weigh(life)

    def _named(self, life: Life, venue_order: str, at: Ns) -> None:
        """The venue's name of one of our orders: fills that came before it find their home."""
        if not venue_order or life.venue_order == venue_order:
            return
        life.venue_order = venue_order
        self.by_venue[life.order.venue, venue_order] = life.order.id
        self.external.pop(venue_order, None)
        strangers.gone(self, venue_order)
        homeless, self.orphans = self.orphans, []
        for fill in homeless:
            if (fill.venue, fill.venue_order) == (life.order.venue, venue_order):
                self._count(life, fill, at)
            else:
                self.orphans.append(fill)

    def _on_rejected(self, event: OrderRejected, at: Ns) -> None:
        life = self._find(event, at)
        if life is None or life.state in ("rejected", "never_arrived"):
            return
        if life.state == "unknown" and event.reason == "not_sent":
            return  # that a second try did not leave says nothing about the first
        if life.filled:
            self._strange("rejected_with_fills", life.order.id, event, life.state)
            return
        if event.reason == "funds":
            self.trouble.refused(life.order.key)
        self.over(life, "rejected", at, event.text, event.reason)

    def _on_unknown(self, event: OrderUnknown, at: Ns) -> None:
        life = self._find(event, at)
        if life is not None and life.state in ("decided", "sent"):
            life.move("unknown", at, event.why)

    def _on_canceled(self, event: OrderCanceled, at: Ns) -> None:
        life = self._find(event, at)
        if life is None:
            return
        self._named(life, event.venue_order, at)
        life.claimed = Qty(max(life.claimed, event.filled))
        if not life.alive:
            self.weigh(life)
            return
        self._finish(life, at, event.reason, event.text)

    def _finish(self, life: Life, at: Ns, reason: str, text: str) -> None:
        """The venue ended it: what is neither filled nor owed is canceled."""
        life.canceled = Qty(max(0, life.order.qty - max(life.filled, life.claimed)))
        state = "expired" if reason == "expired" else "canceled"
        if life.filled >= life.order.qty:
            state = "filled"
        self.over(life, state, at, text, reason)

    def over(self, life: Life, state: Any, at: Ns, why: str = "", reason: str = "") -> None:
        """An order ended."""
        life.move(state, at, why, reason)
        life.missing = 0
        self.live.pop(life.order.id, None)
        self.weigh(life)

    def _on_cancel_failed(self, event: CancelFailed, at: Ns) -> None:
        if event.order and event.order not in self.orders:
            self._strange("unknown_order", event.order, event)

    def order_seen(self, event: OrderSeen, at: Ns) -> None:
        life = self.orders.get(event.order) or self.life_of("", event.venue, event.venue_order)
        if life is None:
            if event.status in ("open", "delayed"):
                self.external[event.venue_order] = event
            else:
                self.external.pop(event.venue_order, None)
            return
        self._named(life, event.venue_order, at)
        if event.status in ("open", "delayed"):
            self._revive(life, at)
        if not life.alive:
            self._seen_after(life, event)
            return
        life.claimed = Qty(max(life.claimed, event.filled))
        if event.status in ("open", "delayed", "filled"):
            if life.state in ("decided", "sent", "unknown"):
                life.move("partial" if life.filled else "acked", at)
        else:
            self._finish(life, at, "expired" if event.status == "expired" else "other", "seen")

    def _seen_after(self, life: Life, event: OrderSeen) -> None:
        """An answer about an ended order. One that names less than was claimed may lag behind; when
        it is all that the venue says, time after time, what it once claimed has failed since."""
        less = event.filled < life.claimed and event.status not in ("open", "delayed")
        life.missing = life.missing + 1 if less else 0
        if life.missing >= self.missing_least:
            life.claimed = Qty(max(event.filled, life.filled))
            life.canceled = Qty(max(0, life.order.qty - life.claimed))
            life.missing = 0
        life.claimed = Qty(max(life.claimed, event.filled))
        self.weigh(life)

    def _on_missing(self, event: OrderMissing, at: Ns) -> None:
        life = self._find(event, at)
        if life is None or life.state not in ("decided", "sent", "unknown"):
            return
        life.missing += 1
        life.missing_since = life.missing_since or at
        waited = at - life.decided_at >= self.queue_bound and life.missing >= self.missing_least
        if waited and at > life.order.expires and not life.filled:
            self.over(life, "never_arrived", at, "the venue never had it", "never_arrived")

    # -- fills and money -------------------------------------------------------------------------

    def filled(self, event: OrderFilled, at: Ns) -> None:
        life = self.orders.get(event.order) or self.life_of("", event.venue, event.venue_order)
        if life is None:
            reports.stray(self, event)
            return
        self._named(life, event.venue_order, at)
        self._count(life, event, at)

    def _count(self, life: Life, event: OrderFilled, at: Ns) -> None:
        """Count a fill of one of our orders, once."""
        order = life.order
        fill = in_terms_of(event, order)
        if fill is None:
            self._strange("fill_of_another_market", order.id, event, life.state)
            return
        for known in life.fills:
            if (known.trade, known.leg) == (fill.trade, fill.leg):
                self._again(life, known, fill)
                return
        trade = (fill.venue, fill.account, fill.trade)
        if trade in self.money.voided:
            return
        fee = fee_of(fill, order.fee_max, order.qty)
        life.fills.append(fill)
        life.filled = Qty(life.filled + fill.qty)
        life.fees = Usd(life.fees + fee)
        life.paid = Usd(life.paid + value(fill))
        if reports.fill_of(fill) not in self.adopted:  # else it is in the books, as not ours
            self.money.fill(fill, fee)
        self.stakes.filled(order, fill, value(fill), fee, at)
        self.trouble.filled(order.key)
        if not life.alive:
            self.late.append(order.id)
            life.canceled = Qty(max(0, min(life.canceled, order.qty - life.filled)))
        elif life.filled + life.canceled >= order.qty:
            self.over(life, "filled", at)
        else:
            life.move("partial", at)
        self.weigh(life)

    def _again(self, life: Life, known: OrderFilled, fill: OrderFilled) -> None:
        """A fill that is known: the same twice is nothing; other numbers are for people."""
        if (known.px, known.qty, known.outcome) != (fill.px, fill.qty, fill.outcome):
            detail = f"trade {fill.trade}: {known.qty} at {known.px}, now {fill.qty} at {fill.px}"
            self._notes.append(Quarantined("fill_changed", life.order.id, detail))
            return
        if known.fee == NOT_TOLD != fill.fee:
            reports.charged(self, life, known, fill)
        if known.provisional and not fill.provisional:
            self.money.final((fill.venue, fill.account, fill.trade))

    def _on_settled(self, event: FillSettled, at: Ns) -> None:
        if event.status == "confirmed":
            self.money.final((event.venue, event.account, event.trade))

    def _on_voided(self, event: FillVoided, at: Ns) -> None:
        trade = (event.venue, event.account, event.trade)
        self.undone = []
        self.orphans = [f for f in self.orphans if (f.venue, f.account, f.trade) != trade]
        for back in self.money.void(trade):
            life = self.orders.get(back.order) or self.life_of("", back.venue, back.venue_order)
            if life is None:
                continue
            self.undone.append(life.order.id)
            self.trouble.voided(life.order.key)
            fill = next(f for f in life.fills if (f.trade, f.leg) == (back.trade, back.leg))
            life.fills.remove(fill)
            self.stakes.undone(life.order, fill, value(fill))
            life.filled = Qty(life.filled - fill.qty)
            life.claimed = Qty(min(life.claimed, life.filled))
            life.fees = Usd(life.fees - fee_of(fill, life.order.fee_max, life.order.qty))
            life.paid = Usd(life.paid - value(fill))
            if life.alive:
                life.move("partial" if life.filled else "acked", at)
            else:  # what was taken back is not open again
                life.canceled = Qty(life.order.qty - life.filled)
                life.move("canceled", at, f"a trade failed: {event.why}", "other")
            self.weigh(life)

    def _on_paid(self, event: Paid, at: Ns) -> None:
        self.money.payment(event)
        for name in list(self.guaranteed) if event.key else ():
            if any(leg.key == event.key for leg in self.baskets[name].begun.legs):
                del self.guaranteed[name]  # what one leg paid, the others need not pay again

    # -- the venue's word ------------------------------------------------------------------------

    def _on_seen(self, event: AccountSeen, at: Ns) -> None:
        reports.take(self, event, at)

    def tell(self, note: Note) -> None:
        """Something odd for the notes of this step."""
        self._notes.append(note)

    def _on_mode(self, event: VenueMode, at: Ns) -> None:
        if event.mode == "open":
            self.modes.pop(event.venue, None)
        else:
            self.modes[event.venue] = event

    def _on_clock(self, event: ClockSeen, at: Ns) -> None:
        self.skews[event.venue] = event.skew

    def _on_rate(self, event: RateSeen, at: Ns) -> None:
        self.rates[event.venue] = event

    def _on_unseen(self, event: AccountUnseen, at: Ns) -> None:
        """It says nothing."""

    def take(self) -> bytes:
        """The state as canonical bytes, the same for equal states."""
        return codec.encode(self)

    def restore(self, data: bytes) -> None:
        """Become the state of a snapshot. Raises JournalError."""
        self.version += 1
        codec.decode_into(self, data)


_HANDLERS: dict[type, Callable[[Account, Any, Ns], None]] = {
    RunStarted: accounts.begun,
    OrderSent: Account._on_sent,
    OrderAcked: Account._on_acked,
    OrderRejected: Account._on_rejected,
    OrderUnknown: Account._on_unknown,
    OrderFilled: Account.filled,
    FillSettled: Account._on_settled,
    FillVoided: Account._on_voided,
    OrderCanceled: Account._on_canceled,
    CancelFailed: Account._on_cancel_failed,
    OrderSeen: Account.order_seen,
    OrderMissing: Account._on_missing,
    AccountSeen: Account._on_seen,
    AccountUnseen: Account._on_unseen,
    VenueMode: Account._on_mode,
    Paid: Account._on_paid,
    ClockSeen: Account._on_clock,
    RateSeen: Account._on_rate,
}
