"""What the deciding tower asks the world to do: imperative, recorded before it is done."""

from typing import Literal

import msgspec

from dutchbook.domain.orders import Order
from dutchbook.domain.plans import SolvePlan
from dutchbook.domain.units import Ns, Px, Qty


class SetTimer(msgspec.Struct, frozen=True, array_like=True, tag="SetTimer"):
    """Send TimerFired(name) at the given time; the same name set again replaces it."""

    name: str
    at: Ns


class AskSnapshot(msgspec.Struct, frozen=True, array_like=True, tag="AskSnapshot"):
    """Ask a venue to send these books whole again, in stream order."""

    venue: str
    stream: str
    keys: tuple[str, ...]
    why: str


class AskCheck(msgspec.Struct, frozen=True, array_like=True, tag="AskCheck"):
    """Ask a venue's REST for a copy of these books, to compare with ours."""

    venue: str
    keys: tuple[str, ...]


class SubmitOrder(msgspec.Struct, frozen=True, array_like=True, tag="SubmitOrder"):
    """Send this order. Sent again (`again`) it gives the same bytes and the same id."""

    order: Order
    again: bool = False


class SubmitOrders(msgspec.Struct, frozen=True, array_like=True, tag="SubmitOrders"):
    """Send these orders of one venue in one request; each is answered for itself."""

    venue: str
    orders: tuple[Order, ...]


class CancelOrder(msgspec.Struct, frozen=True, array_like=True, tag="CancelOrder"):
    """Ask the venue to end what is left of an order. `venue_order` "" where it is not known."""

    order: Order
    venue_order: str
    why: str


class CancelAll(msgspec.Struct, frozen=True, array_like=True, tag="CancelAll"):
    """Ask a venue to end every open order of the account."""

    venue: str
    why: str


class AmendOrder(msgspec.Struct, frozen=True, array_like=True, tag="AmendOrder"):
    """Change a resting order in place, where the venue can: new price, new total size.

    `qty` counts what has filled already. Answered by OrderSeen, CancelFailed or OrderUnknown.
    """

    order: Order
    venue_order: str
    px: Px
    qty: Qty


class AskOrder(msgspec.Struct, frozen=True, array_like=True, tag="AskOrder"):
    """Find out what became of an order: by its id, its trades, the open orders.

    Answered by OrderSeen with its fills before it, or OrderMissing; CheckFailed is no answer.
    """

    order: Order
    venue_order: str
    why: str


class AskAccount(msgspec.Struct, frozen=True, array_like=True, tag="AskAccount"):
    """Ask for a complete report; `orders` are ours that may still live, so that it knows them.

    Fills since `since` (ns). Answered by AccountSeen or AccountUnseen.
    """

    venue: str
    why: str
    orders: tuple[Order, ...] = ()
    since: Ns = Ns(0)


class Alert(msgspec.Struct, frozen=True, array_like=True, tag="Alert"):
    """Tell a person. `key` names the matter: the same key again is the same alert."""

    level: Literal["info", "warning", "critical"]
    key: str
    text: str


Effect = (
    SetTimer
    | AskSnapshot
    | AskCheck
    | SubmitOrder
    | SubmitOrders
    | CancelOrder
    | CancelAll
    | AmendOrder
    | AskOrder
    | AskAccount
    | SolvePlan
    | Alert
)
