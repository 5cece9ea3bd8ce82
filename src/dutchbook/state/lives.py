"""One order's life: which fact leads from which state to which, as a table."""

from typing import Final

import msgspec

from dutchbook.domain.account_events import (
    OrderAcked,
    OrderCanceled,
    OrderFilled,
    OrderMissing,
    OrderRejected,
    OrderSeen,
    OrderSent,
    OrderUnknown,
)
from dutchbook.domain.orders import LIVE, Order, State
from dutchbook.domain.units import ONE, Ns, Px, Qty, Usd, ceil_div

STAY: Final = ""
"""The fact is legal here and changes no state."""

_FLYING: Final[dict[type, str]] = {
    OrderSent: "sent",
    OrderAcked: "acked",
    OrderFilled: "partial",
    OrderRejected: "rejected",
    OrderUnknown: "unknown",
    OrderCanceled: "canceled",
    OrderSeen: "acked",
    OrderMissing: STAY,
}
_RESTING: Final[dict[type, str]] = {
    OrderSent: STAY,
    OrderAcked: STAY,
    OrderFilled: "partial",
    OrderUnknown: STAY,
    OrderCanceled: "canceled",
    OrderSeen: STAY,
    OrderMissing: STAY,
}
_OVER: Final[dict[type, str]] = {
    OrderSent: STAY,
    OrderAcked: STAY,
    OrderFilled: STAY,
    OrderUnknown: STAY,
    OrderCanceled: STAY,
    OrderSeen: STAY,
    OrderMissing: STAY,
}
NEXT: Final[dict[State, dict[type, str]]] = {
    "decided": _FLYING,
    "sent": {**_FLYING, OrderSent: STAY},
    "unknown": {**_FLYING, OrderSent: STAY, OrderUnknown: STAY},
    "acked": _RESTING,
    "partial": _RESTING,
    "filled": _OVER,
    "canceled": _OVER,
    "expired": _OVER,
    "rejected": {**_OVER, OrderRejected: STAY},
    "never_arrived": {**_OVER, OrderRejected: STAY, OrderAcked: "acked", OrderSeen: "acked"},
}


class Life:
    """One order's life. `since`: when it entered `state`; `decided_at`: when it was recorded.

    `filled` counts fills that were not voided, `canceled` what the venue ended, `claimed` what the
    venue says was filled in all. `paid` is what was paid (buy) or got (sell) without `fees`.
    `missing`: definite answers
    that the venue knows no such order, `missing_since` the first. `counted`: what of `reserved`
    is in the account's sums.
    """

    __slots__ = (
        "canceled", "claimed", "counted", "decided_at", "fees", "filled", "fills", "missing",
        "missing_since",
        "order", "paid", "reason", "since", "state", "venue_order", "why",
    )  # fmt: skip

    def __init__(self, order: Order, at: Ns) -> None:
        self.order = order
        self.state: State = "decided"
        self.venue_order = ""
        self.filled = Qty(0)
        self.canceled = Qty(0)
        self.claimed = Qty(0)
        self.fees = Usd(0)
        self.paid = Usd(0)
        self.decided_at = self.since = at
        self.why = ""
        self.reason = ""
        self.missing = 0
        self.missing_since = Ns(0)
        self.fills: list[OrderFilled] = []
        self.counted = 0

    @property
    def alive(self) -> bool:
        """Whether it may still fill: its state is one of LIVE."""
        return self.state in LIVE

    @property
    def owed(self) -> Qty:
        """Fills that the venue speaks of and that have not come yet."""
        return Qty(max(0, self.claimed - self.filled))

    @property
    def left(self) -> Qty:
        """What may still fill: of a terminal order only what is owed."""
        if self.alive:
            return Qty(max(0, self.order.qty - self.filled - self.canceled))
        return self.owed

    @property
    def reserved(self) -> Usd:
        """The cash that what is left may still cost, at the limit price with `fee_max`; sells 0."""
        order, left = self.order, self.left
        if order.action == "sell" or not left:
            return Usd(0)
        fee = ceil_div(order.fee_max * left, order.qty)
        return Usd(ceil_div(order.px * left, ONE) + fee)

    def move(self, state: State, at: Ns, why: str = "", reason: str = "") -> None:
        """Enter a state."""
        if state != self.state:
            self.state, self.since = state, at
        self.why, self.reason = why or self.why, reason or self.reason


def in_terms_of(fill: OrderFilled, order: Order) -> OrderFilled | None:
    """The fill as our order puts it: buying NO at p is selling YES at 1-p. None: another market."""
    if fill.key != order.key:
        return None
    same = (fill.outcome, fill.action) == (order.outcome, order.action)
    flipped = fill.outcome != order.outcome and fill.action != order.action
    if not same and not flipped:
        return None
    px = fill.px if same else Px(ONE - fill.px)
    return msgspec.structs.replace(
        fill, order=order.id, outcome=order.outcome, action=order.action, px=px
    )
