"""An honest venue that outlives the process that trades on it; it keeps count of what arrived."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from dutchbook.domain.account_events import (
    AccountSeen,
    CancelFailed,
    OrderAcked,
    OrderCanceled,
    OrderFilled,
    OrderMissing,
    OrderRejected,
    OrderSeen,
    OrderUnknown,
)
from dutchbook.domain.effects import (
    AskAccount,
    AskOrder,
    CancelAll,
    CancelOrder,
    Effect,
    SubmitOrder,
    SubmitOrders,
)
from dutchbook.domain.events import Event
from dutchbook.domain.orders import Holding, Order
from dutchbook.domain.units import ONE, Ns, Px, Qty, Usd
from dutchbook.state.stakes import NETTING

OPENING = 10_000 * ONE


@dataclass
class Held:
    """An order that arrived."""

    order: Order
    name: str
    filled: int = 0
    canceled: int = 0
    fills: list[OrderFilled] = field(default_factory=list)

    @property
    def left(self) -> int:
        return self.order.qty - self.filled - self.canceled


class Venue:
    """One venue. `fates[n]` is what happens to the n-th order that is sent; then "fill".

    fill, half, none (IOC without a match), reject, mute (filled, the answer is lost), mute_half,
    lost (it never arrives and nobody says so), late (the answer comes, the fill much later),
    twice (every message comes twice).
    """

    def __init__(self, name: str, fates: Iterable[str]) -> None:
        self.name = name
        self.fates = list(fates)
        self.orders: dict[str, Held] = {}
        self.arrived: dict[str, int] = {}
        self.later: list[tuple[int, Event]] = []
        self.cash = OPENING
        self.held: dict[tuple[str, str], int] = {}
        self.seen = 0

    def do(self, effect: Effect, now: int) -> list[Event]:
        """What the venue says at once to a request."""
        if isinstance(effect, SubmitOrder):
            return self._submit(effect.order, now)
        if isinstance(effect, SubmitOrders):
            return [event for order in effect.orders for event in self._submit(order, now)]
        if isinstance(effect, CancelOrder):
            return self._cancel(effect.order, now)
        if isinstance(effect, AskOrder):
            return self._tell(effect.order)
        if isinstance(effect, AskAccount):
            return [self._report(now, effect.since)]
        assert isinstance(effect, CancelAll) or True
        return []

    def due(self, now: int) -> list[Event]:
        """What the venue says later, of its own accord."""
        ready = [event for at, event in self.later if at <= now]
        self.later = [(at, event) for at, event in self.later if at > now]
        return ready

    def _submit(self, order: Order, now: int) -> list[Event]:
        fate = self.fates[self.seen] if self.seen < len(self.fates) else "fill"
        self.seen += 1
        if fate == "lost":
            return [OrderUnknown(order.id, "no answer")]
        if order.id in self.orders:  # the same bytes again: nothing new comes of it
            return self._tell(order)
        self.arrived[order.id] = self.arrived.get(order.id, 0) + 1
        if fate == "reject":
            return [OrderRejected(order.id, "closed", "market closed", "e" * 32)]
        held = self.orders[order.id] = Held(order, f"{self.name}-{len(self.orders) + 1}")
        share = {"half": 2, "mute_half": 2, "none": 0}.get(fate, 1)
        fills = self._fill(held, order.qty // share // 10_000 * 10_000 if share else 0, now)
        ended: list[Event] = []
        if held.left and order.tif == "ioc":
            held.canceled = held.left
            ended = [self._ended(held)]
        if fate.startswith("mute"):
            return [OrderUnknown(order.id, "no answer")]
        acked: list[Event] = [OrderAcked(order.id, held.name)]
        if fate == "late":
            self.later += [(now + 400_000_000, event) for event in [*fills, *ended]]
            return acked
        told = [*acked, *fills, *ended]
        return [*told, *told] if fate == "twice" else told

    def _fill(self, held: Held, qty: int, now: int) -> list[Event]:
        if not qty:
            return []
        order = held.order
        cost = order.px * qty // ONE
        buy = order.action == "buy"
        self.cash += -cost if buy else cost
        place = (order.key, order.outcome)
        self.held[place] = self.held.get(place, 0) + (qty if buy else -qty)
        if self.name in NETTING:
            self._net(order.key)
        assert self.held[place] >= 0, "sold what was not held"
        held.filled += qty
        fill = OrderFilled(
            self.name, order.account, order.id, held.name, f"t{held.name}.{len(held.fills)}",
            order.key, order.outcome, order.action, Px(order.px), Qty(qty), Usd(0), False, Ns(now),
        )  # fmt: skip
        held.fills.append(fill)
        return [fill]

    def _net(self, key: str) -> None:
        """YES and NO are one position there: a pair is a dollar, and what is sold beyond what is
        held is the other side, bought (venues.md, A)."""
        yes, no = (self.held.get((key, outcome), 0) for outcome in ("yes", "no"))
        pairs = min(yes, no)
        self.held |= {(key, "yes"): yes - pairs, (key, "no"): no - pairs}
        self.cash += pairs

    def _ended(self, held: Held) -> OrderCanceled:
        return OrderCanceled(
            held.order.id, held.name, "no_match", Qty(held.canceled), Qty(held.filled)
        )

    def _cancel(self, order: Order, now: int) -> list[Event]:
        held = self.orders.get(order.id)
        if held is None or not held.left:
            return [CancelFailed(order.id, "no such order", gone=True)]
        held.canceled = held.left
        return [self._ended(held)]

    def _tell(self, order: Order) -> list[Event]:
        held = self.orders.get(order.id)
        if held is None:
            return [OrderMissing(order.id, "m" * 32)]
        return [*held.fills, self._row(held)]

    def _row(self, held: Held) -> OrderSeen:
        order = held.order
        status = "open" if held.left else ("canceled" if held.canceled else "filled")
        return OrderSeen(
            self.name, order.account, order.id, held.name, order.key, order.outcome, order.action,
            order.px, order.qty, status, Qty(held.filled),
        )  # fmt: skip

    def _report(self, now: int, since: int) -> AccountSeen:
        return AccountSeen(
            self.name, "us", Ns(now), Ns(since), Usd(self.cash),
            tuple(Holding(k, o, Qty(q)) for (k, o), q in sorted(self.held.items()) if q),  # type: ignore[arg-type]
            tuple(self._row(held) for held in self.orders.values() if held.left),
            tuple(f for held in self.orders.values() for f in held.fills if f.venue_at >= since),
        )  # fmt: skip
