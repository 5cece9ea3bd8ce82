"""A trading floor for stories: scripted venues where orders rest, the whole trader, and time."""

from collections import deque
from typing import Any

from crash.venue import Held, Venue
from dutchbook.domain.account_events import CancelFailed, OrderAcked, OrderSent
from dutchbook.domain.candidate import Candidate
from dutchbook.domain.effects import (
    Alert,
    CancelAll,
    CancelOrder,
    SetTimer,
    SubmitOrder,
    SubmitOrders,
)
from dutchbook.domain.events import Event, OperatorAsked, RunStarted, TimerFired
from dutchbook.domain.instrument import EventGroup
from dutchbook.domain.orders import Order
from dutchbook.domain.step import Opened
from dutchbook.domain.units import MILLI, ONE, Ns, Usd
from dutchbook.execution.config import Config, Exits
from dutchbook.optimize.prove import prove
from dutchbook.optimize.walk import Basket, Limits, evaluate
from dutchbook.runtime.bootstrap import EngineSettings, trading_of
from dutchbook.state.invariants import invariants
from unit.execution.floor_books import CENTS, NOW, Books

TICK = 250 * MILLI
ACCOUNTS = {"kalshi": "us", "polymarket": "us"}


class Floor(Venue):
    """A venue where gtd orders rest until somebody hits them. `fates`: of the next orders.

    Besides those of its parent: `rest` (what gtd orders do by themselves), and a number of
    contracts: so many are filled at once. `deaf`: cancels get no answer.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name, ())
        self.next: deque[Any] = deque()
        self.deaf = False

    def _submit(self, order: Order, now: int) -> list[Event]:
        rests = order.tif in ("gtc", "gtd")
        fate = self.next.popleft() if self.next else ("rest" if rests else "fill")
        if isinstance(fate, str) and fate != "rest":
            self.fates = [*self.fates[: self.seen], fate]
            return super()._submit(order, now)
        self.fates = [*self.fates[: self.seen], "fill"]
        self.seen += 1
        self.arrived[order.id] = self.arrived.get(order.id, 0) + 1
        held = self.orders[order.id] = Held(order, f"{self.name}-{len(self.orders) + 1}")
        told: list[Event] = [OrderAcked(order.id, held.name)]
        if fate != "rest":
            told += self._fill(held, min(fate, order.qty), now)
        if not rests and held.left:
            held.canceled = held.left
            told.append(self._ended(held))
        return told

    def hit(self, name: str, qty: int, now: int) -> list[Event]:
        """Somebody takes so much of what an order still offers."""
        held = self.orders[name]
        return self._fill(held, min(qty, held.left), now)

    def _cancel(self, order: Order, now: int) -> list[Event]:
        if self.deaf:
            return [CancelFailed(order.id, "no answer")]
        return super()._cancel(order, now)

    def due(self, now: int) -> list[Event]:
        out = super().due(now)
        for held in self.orders.values():
            if held.left and 0 < held.order.expires <= now:
                held.canceled = held.left
                out.append(self._ended(held))
        return out


class Story:
    """A trader with money at both venues; `told` is all that it asked for since the last look."""

    def __init__(self, exits: Exits | None = None, **execution: Any) -> None:
        self.view: Any = Books()
        self.venues = {name: Floor(name) for name in ACCOUNTS}
        execution = {"queue_bound_ms": 2_000} | execution
        self.settings = EngineSettings(
            execution=Config(**execution), exits=exits or Exits(basket_take=0), accounts=ACCOUNTS
        )
        self.now, self.seq, self.lives = int(NOW), 0, 0
        self.sent: list[Order] = []
        self.cancels: list[tuple[str, str]] = []
        self.alerts: list[Alert] = []
        self.notes: list[Any] = []
        self.start(b"")

    def start(self, state: bytes) -> None:
        """A process begins, with the state that the record gives it."""
        self.lives += 1
        self.trading: Any = trading_of(self.settings)
        self.account = self.trading.account
        if state:
            self.account.restore(state)
        self.timers: dict[str, int] = {}
        accounts = tuple(ACCOUNTS.items())
        self.hear(RunStarted(f"r{self.lives}", "sim", 7, "0", "", f"e{self.lives}", accounts))

    def crash(self, down: int = 0, hits: tuple[tuple[str, int], ...] = ()) -> None:
        """The process dies and another begins `down` ms later; meanwhile orders are hit."""
        state = self.account.take()
        for name, qty in hits:
            self.venue_of(name).hit(name, qty, self.now)
        self.now += down * MILLI
        for venue in self.venues.values():
            venue.due(self.now)
        self.start(state)

    def venue_of(self, name: str) -> Floor:
        return next(v for v in self.venues.values() if name in v.orders)

    # -- what happens ------------------------------------------------------------------------------

    def offer(self, *legs: tuple[str, int, int], anew: bool = True) -> None:
        """An opportunity of YES legs: (key, cents, contracts offered); bids two cents below.

        `anew`: the books have just changed; else they show what they showed.
        """
        if anew:
            self.view.changed = self.seq + 1
        keys = tuple(key for key, _, _ in legs)
        for key, px, size in legs:
            self.view.asks[key, "yes"] = [(px, size), (px + 1, 500)]
            self.view.pays[key, "yes"] = [(px - 2, 500)]
        group = EventGroup("polymarket:E", "polymarket", "an event", keys, True, True)
        wanted: Any = tuple((key, "yes") for key in keys)
        self.take(Candidate("bundle_yes:polymarket:E", "bundle_yes", wanted, Usd(ONE), (), group))

    def take(self, candidate: Candidate) -> None:
        """An opportunity, by the offers as they were set."""
        found = evaluate(candidate, self.view, Limits(edge_min=95_000))
        assert isinstance(found, Basket), found
        self._next()
        opened = [Opened(f"o{self.seq}", prove(found, self.view))]
        self.trading.found(opened, self.view, Ns(self.now), self.seq)
        self._drain()

    def hear(self, *events: Event) -> None:
        for event in events:
            self._next()
            self.trading.hear(event, self.view, Ns(self.now), self.seq)
            self._drain()

    def hit(self, name: str, contracts: int) -> None:
        """A resting order of ours is filled with so many contracts."""
        self.hear(*self.venue_of(name).hit(name, contracts * ONE, self.now))

    def say(self, verb: str, *args: str) -> None:
        self.hear(OperatorAsked("ann", verb, args))

    def wait(self, millis: int) -> None:
        """Time passes in jumps from one due thing to the next."""
        end = self.now + millis * MILLI
        tick = self.now - self.now % TICK + TICK
        while self.now < end:
            due = [tick, *self.timers.values(), *(a for v in self.venues.values() for a in _due(v))]
            self.now = min(end, max(self.now, min(due)))
            for name in [name for name, at in self.timers.items() if at <= self.now]:
                del self.timers[name]
                self.hear(TimerFired(name))
            for venue in self.venues.values():
                self.hear(*venue.due(self.now))
            if self.now >= tick:
                tick += TICK
                self._next()
                self.trading.tick(self.view, Ns(self.now), self.seq)
                self._drain()

    def _next(self) -> None:
        self.seq += 1
        self.view.now, self.view.seq = Ns(self.now), self.seq

    def _drain(self) -> None:
        """Carry out what was decided, and hear what the venues say to it."""
        effects, notes = self.trading.drain()
        self.notes += notes
        assert invariants(self.account) == []
        for effect in effects:
            if isinstance(effect, SetTimer):
                self.timers[effect.name] = effect.at
            elif isinstance(effect, Alert):
                self.alerts.append(effect)
            else:
                self._carry(effect)

    def _carry(self, effect: Any) -> None:
        orders = effect.orders if isinstance(effect, SubmitOrders) else ()
        orders = (effect.order,) if isinstance(effect, SubmitOrder) else orders
        venue = effect.order.venue if hasattr(effect, "order") else effect.venue
        if isinstance(effect, CancelOrder):
            self.cancels.append((effect.order.id, effect.why))
        elif isinstance(effect, CancelAll):
            self.cancels.append((effect.venue, effect.why))
        self.sent += orders
        self.hear(*(OrderSent(order.id) for order in orders))
        self.hear(*self.venues[venue].do(effect, self.now))

    # -- what came of it ---------------------------------------------------------------------------

    def orders(self) -> list[tuple[Any, ...]]:
        """All orders since the last call: (purpose, key, action, tif, cents, contracts)."""
        out = [
            (o.purpose, o.key.partition(":")[2], o.action, o.tif, o.px // CENTS, o.qty / ONE)
            for o in self.sent
        ]
        self._told, self.sent = [*getattr(self, "_told", []), *self.sent], []
        return out

    def stages(self) -> list[tuple[str, str]]:
        return [(b.stage, b.why) for b in self.account.baskets.values()]

    def last(self) -> str:
        """The id of the order that was sent last."""
        return (self.sent or self._told)[-1].id

    def wrong(self) -> list[str]:
        """What no end may be; [] when nothing is."""
        found = []
        for name, venue in self.venues.items():
            if any(count > 1 for count in venue.arrived.values()):
                found.append("an intent arrived twice")
            if self.account.cash(name) != venue.cash or self.account.reserved(name):
                found.append(f"cash {self.account.cash(name)}, the venue's {venue.cash}")
        held = {place: q for v in self.venues.values() for place, q in v.held.items() if q}
        if {place: self.account.held(*place) for place in self.account.keys_held()} != held:
            found.append(f"held {held}")
        every = [*getattr(self, "_told", []), *self.sent]
        if len({order.id for order in every}) != len(every):
            found.append("an intent was sent twice")
        if self.account.live or self.account.owing:
            found.append(f"left open: {[*self.account.live, *self.account.owing]}")
        for basket in self.account.baskets.values():
            found += self._unequal(basket)
        return found

    def _unequal(self, basket: Any) -> list[str]:
        lives = [self.account.orders[name] for name in basket.orders]
        nets = [
            sum(
                o.filled if o.order.action == "buy" else -o.filled
                for o in lives
                if o.order.key == leg.key
            )
            / leg.weight
            for leg in basket.begun.legs
        ]
        alerts = [alert.key for alert in self.alerts]
        if not basket.over:
            return [f"{basket.begun.id} is left in {basket.stage} with {nets}"]
        if max(nets) != min(nets) and (
            basket.stage != "stuck" or f"stuck:{basket.begun.id}" not in alerts
        ):
            return [f"naked without a word: {nets}"]
        if (basket.stage == "done" and not min(nets)) or (basket.stage == "unwound" and any(nets)):
            return [f"{basket.stage} with {nets}"]
        if max(nets) > basket.begun.qty:
            return [f"bought too much: {nets}"]
        return []


def _due(venue: Floor) -> list[int]:
    expiries = [h.order.expires for h in venue.orders.values() if h.left and h.order.expires]
    return [*(at for at, _ in venue.later), *expiries]


__all__ = ["CENTS", "NOW", "Story"]
