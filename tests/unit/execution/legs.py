"""A basket of legs against one scripted venue: real Trading, gate and saga, time in jumps."""

from typing import Any

import msgspec

from crash.venue import Held, Venue
from dutchbook.domain.account_events import FillVoided, OrderAcked, OrderCanceled, OrderSent
from dutchbook.domain.candidate import Candidate
from dutchbook.domain.effects import Alert, SetTimer, SubmitOrder, SubmitOrders
from dutchbook.domain.events import Event, RunStarted, TimerFired
from dutchbook.domain.instrument import CENT, EventGroup, FeeSchedule, Instrument
from dutchbook.domain.orders import Order
from dutchbook.domain.step import Opened
from dutchbook.domain.units import DAY, MILLI, ONE, Ns, Px, Qty, Usd
from dutchbook.execution.config import Config
from dutchbook.optimize.prove import prove
from dutchbook.optimize.walk import Basket, Limits, evaluate
from dutchbook.runtime.bootstrap import EngineSettings, trading_of
from dutchbook.state.invariants import invariants

NOW = Ns(1_790_000_000_000_000_000)
LATE = 400 * MILLI
TICK = 250 * MILLI
END = 20_000 * MILLI
SIZE = Qty(20 * ONE)
UNWIND_MAX = ONE
PX = {2: 450_000, 3: 300_000, 4: 220_000}


class Legs(Venue):
    """Two fates more: `after_cancel` (canceled, it says, and the fill comes later) and `void`."""

    def _submit(self, order: Order, now: int) -> list[Event]:
        fate = self.fates[self.seen] if self.seen < len(self.fates) else "fill"
        if fate not in ("after_cancel", "void"):
            return super()._submit(order, now)
        self.seen += 1
        self.arrived[order.id] = self.arrived.get(order.id, 0) + 1
        held = self.orders[order.id] = Held(order, f"{self.name}-{len(self.orders) + 1}")
        fills = self._fill(held, order.qty, now)
        acked = OrderAcked(order.id, held.name)
        if fate == "after_cancel":
            self.later += [(now + LATE, fill) for fill in fills]
            return [acked, OrderCanceled(order.id, held.name, "no_match")]
        (fill,) = held.fills
        held.fills[0] = msgspec.structs.replace(fill, provisional=True)
        self.later.append((now + LATE, FillVoided(self.name, "us", fill.trade, "failed")))
        return [acked, *held.fills]

    def due(self, now: int) -> list[Event]:
        ready = super().due(now)
        for event in ready:
            if isinstance(event, FillVoided):
                self._undo(event.trade)
        return ready

    def _undo(self, trade: str) -> None:
        held = next(h for h in self.orders.values() if any(f.trade == trade for f in h.fills))
        (fill,) = held.fills
        self.cash += fill.px * fill.qty // ONE
        self.held[fill.key, fill.outcome] -= fill.qty
        held.fills, held.filled, held.canceled = [], 0, held.order.qty


class Books:
    """A View: 20 offered at `px` and 200 a cent above, 200 bid two cents below; less the `gone`."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self.now, self.seq, self.run = NOW, 1, "r1"
        self.px = PX[len(keys)]
        self.gone: tuple[str, ...] = ()
        self._markets = {key: self._market(key) for key in keys}

    def _market(self, key: str) -> Instrument:
        name = key.partition(":")[2]
        return Instrument(
            key, "polymarket", name, "polymarket:E", name, "Yes", CENT, FeeSchedule("none"),
            size_min=Qty(5 * ONE), closes=Ns(NOW + 30 * DAY), tokens=(f"{name}y", f"{name}n"),
        )  # fmt: skip

    def instrument(self, key: str) -> Instrument:
        return self._markets[key]

    def stale(self, key: str, outcome: str) -> str:
        return ""

    def best(self, key: str, outcome: str) -> tuple[Px, Qty]:
        return Px(self.px), SIZE

    def offers(self, key: str, outcome: str, levels: int) -> list[tuple[Px, Qty]]:
        if "offers" in self.gone:
            return []
        return [(Px(self.px), SIZE), (Px(self.px + 10_000), Qty(200 * ONE))][:levels]

    def bids(self, key: str, outcome: str, levels: int) -> list[tuple[Px, Qty]]:
        if "bids" in self.gone:
            return []
        return [(Px(self.px - 20_000), Qty(200 * ONE))][:levels]

    def book(self, key: str, outcome: str) -> tuple[int, int, int]:
        return 0, 1, 1


class Story:
    """One basket whose legs meet these fates; repairs fill."""

    def __init__(self, fates: tuple[str, ...], gone: tuple[str, ...] = ()) -> None:
        keys = tuple(f"polymarket:N{n}" for n in range(len(fates)))
        self.view: Any = Books(keys)
        self.venue = Legs("polymarket", fates)
        execution = Config(queue_bound_ms=2_000, unwind_max=UNWIND_MAX)
        self.trading = trading_of(
            EngineSettings(execution=execution, accounts={"polymarket": "us"})
        )
        self.account = self.trading.account
        self.now, self.seq = int(NOW), 0
        self.sent: list[Order] = []
        self.alerts: list[Alert] = []
        self.timers: dict[str, int] = {}
        self.hear(RunStarted("r1", "sim", 7, "0", "", "e1", (("polymarket", "us"),)))
        assert self.account.reconciled == {"polymarket": True}
        self._begin(keys, gone)

    def _begin(self, keys: tuple[str, ...], gone: tuple[str, ...]) -> None:
        group = EventGroup("polymarket:E", "polymarket", "an event", keys, True, True)
        legs: Any = tuple((key, "yes") for key in keys)
        candidate = Candidate("bundle_yes:polymarket:E", "bundle_yes", legs, Usd(ONE), (), group)
        found = evaluate(candidate, self.view, Limits(edge_min=90_000))
        assert isinstance(found, Basket), found
        self._next()
        notes = [Opened("o1", prove(found, self.view))]
        self.trading.found(notes, self.view, Ns(self.now), self.seq)
        self.view.gone = gone
        self._drain()

    def _next(self) -> None:
        self.seq += 1
        self.view.now, self.view.seq = Ns(self.now), self.seq

    def hear(self, *events: Event) -> None:
        for event in events:
            self._next()
            self.trading.hear(event, self.view, Ns(self.now), self.seq)
            self._drain()

    def _drain(self) -> None:
        """Carry out what was decided, and hear what the venue says to it."""
        effects, _ = self.trading.drain()
        assert invariants(self.account) == []
        for effect in effects:
            if isinstance(effect, SetTimer):
                self.timers[effect.name] = effect.at
            elif isinstance(effect, Alert):
                self.alerts.append(effect)
            else:
                orders = getattr(effect, "orders", ()) if isinstance(effect, SubmitOrders) else ()
                orders = (effect.order,) if isinstance(effect, SubmitOrder) else orders
                self.sent += orders
                self.hear(*(OrderSent(order.id) for order in orders))
                self.hear(*self.venue.do(effect, self.now))

    def go(self) -> None:
        """Jump from one due thing to the next until nothing is under way."""
        tick = self.now + TICK
        while self.now < NOW + END:
            if not (self.venue.later or self.trading.trader.busy or self.account.live):
                return
            due = [tick, *self.timers.values(), *(at for at, _ in self.venue.later)]
            self.now = max(self.now, min(due))
            for name in [name for name, at in self.timers.items() if at <= self.now]:
                del self.timers[name]
                self.hear(TimerFired(name))
            self.hear(*self.venue.due(self.now))
            if self.now >= tick:
                tick = self.now + TICK
                self._next()
                self.trading.tick(self.view, Ns(self.now), self.seq)
                self._drain()


__all__ = ["SIZE", "UNWIND_MAX", "Story"]
