"""Carries effects through the last gate to the venues' drivers, and keeps the alerts."""

from collections.abc import Callable, Mapping
from typing import Protocol

from dutchbook.domain.account_events import CancelFailed, OrderRejected, OrderSent, OrderUnknown
from dutchbook.domain.effects import (
    Alert,
    AmendOrder,
    AskAccount,
    AskCheck,
    AskOrder,
    AskSnapshot,
    CancelAll,
    CancelOrder,
    Effect,
    SubmitOrder,
    SubmitOrders,
)
from dutchbook.domain.events import Event
from dutchbook.domain.orders import Order
from dutchbook.runtime.wiregate import WireGate

ALERTS_MAX = 200


class Doer(Protocol):
    def do(self, effect: Effect) -> None: ...


class Wire:
    """`put` gives the engine what became of an order that never left; `drivers` are by venue."""

    def __init__(
        self, gate: WireGate, drivers: Mapping[str, Doer], put: Callable[[Event], None]
    ) -> None:
        self.gate = gate
        self.drivers = drivers
        self.put = put
        self.alerts: list[Alert] = []

    def carry(self, effect: Effect) -> None:
        """Do what was decided, once its record is on disk."""
        if isinstance(effect, Alert):
            self.alerts = [*self.alerts[-ALERTS_MAX:], effect]
            return
        driver = self.drivers.get(venue_of(effect))
        orders = orders_of(effect)
        before = [order.id for order in orders if self.gate.left(order.id)]
        why = self.gate.why_not(effect) or ("" if driver else "its venue is not connected")
        if why:
            for order in orders:
                if order.id in before:  # what is held back now says nothing of what left before
                    self.put(OrderUnknown(order.id, f"not sent again: {why}"))
                else:
                    self.put(OrderRejected(order.id, "not_sent", why))
            if isinstance(effect, AmendOrder):
                self.put(CancelFailed(effect.order.id, why))
        elif driver is not None:
            for order in orders:
                self.put(OrderSent(order.id))
            driver.do(effect)


def orders_of(effect: Effect) -> tuple[Order, ...]:
    """The orders that an effect puts on the wire."""
    if isinstance(effect, SubmitOrder):
        return (effect.order,)
    return effect.orders if isinstance(effect, SubmitOrders) else ()


def venue_of(effect: Effect) -> str:
    """The venue that an effect concerns, "" if none."""
    if isinstance(effect, SubmitOrder | CancelOrder | AmendOrder | AskOrder):
        return effect.order.venue
    if isinstance(effect, SubmitOrders | CancelAll | AskAccount | AskSnapshot | AskCheck):
        return effect.venue
    return ""
