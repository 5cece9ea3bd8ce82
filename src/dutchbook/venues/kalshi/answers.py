"""The bodies of successful order requests, checked against what was asked."""

from typing import Any

import msgspec
from msgspec import Struct

from dutchbook.domain.account_events import (
    CancelFailed,
    OrderAcked,
    OrderCanceled,
    OrderRejected,
    OrderUnknown,
)
from dutchbook.domain.errors import RemoteProtocolError
from dutchbook.domain.orders import Order, Reason
from dutchbook.domain.units import MILLI, Ns, Qty
from dutchbook.venues.base import Out
from dutchbook.venues.kalshi.errors import BROKEN, broken
from dutchbook.venues.kalshi.numbers import count, read
from dutchbook.venues.kalshi.order_bytes import order_id
from dutchbook.venues.kalshi.refusals import Refusal
from dutchbook.venues.kalshi.wire import Millis, Name


class Fault(Struct):
    """An error of one item of a batch."""

    code: str = ""
    message: str = ""
    details: Any = None

    def words(self) -> str:
        """The details, where they are text."""
        return self.details if isinstance(self.details, str) else ""


class Created(Struct):
    order_id: Name
    fill_count: str
    remaining_count: str
    client_order_id: str | None = None
    ts_ms: Millis = 0


class Canceled(Struct):
    order_id: Name
    reduced_by: str
    client_order_id: str | None = None
    ts_ms: Millis = 0


class Amended(Struct):
    order_id: Name
    client_order_id: str | None = None
    fill_count: str | None = None
    remaining_count: str | None = None
    ts_ms: Millis = 0


class CreateItem(Struct):
    """One order's part of the answer to a batch."""

    order_id: str | None = None
    client_order_id: str | None = None
    fill_count: str | None = None
    remaining_count: str | None = None
    ts_ms: Millis | None = None
    error: Fault | None = None


class CancelItem(Struct):
    order_id: str | None = None
    client_order_id: str | None = None
    reduced_by: str | None = None
    ts_ms: Millis | None = None
    error: Fault | None = None


class CreateItems(Struct):
    orders: list[CreateItem]


class CancelItems(Struct):
    orders: list[CancelItem]


def decoded(body: bytes, kind: type[Any]) -> Any:
    """A body as its type. Raises RemoteProtocolError."""
    try:
        return msgspec.json.decode(body, type=kind)
    except BROKEN as error:
        raise broken(error, body) from None


class Placed(Struct, frozen=True):
    """A create answer as it concerns one order; sizes in millionths."""

    venue_order: str
    filled: int
    left: int
    at: Ns


def placed(order: Order, body: Created) -> Placed:
    """Check that an answer can be this order's. Raises RemoteProtocolError."""
    name = order.key.removeprefix("kalshi:")
    if body.client_order_id and order_id(body.client_order_id) != order.id:
        raise RemoteProtocolError("kalshi", "client_order_id", "another order's", market=name)
    filled = read("fill_count", name, count, body.fill_count)
    left = read("remaining_count", name, count, body.remaining_count)
    if filled + left > order.qty:
        raise RemoteProtocolError("kalshi", "fill_count", "more than was ordered", market=name)
    return Placed(body.order_id, filled, left, Ns(body.ts_ms * MILLI))


def acked(order: Order, got: Placed, proof: str) -> list[Out]:
    """The venue has it; an immediate order has ended besides, filled or not."""
    out: list[Out] = [OrderAcked(order.id, got.venue_order, False, got.at, proof)]
    if order.tif in ("ioc", "fok") and got.filled < order.qty:
        reason: Reason = "killed" if order.tif == "fok" else "no_match"
        rest = Qty(order.qty - got.filled)
        filled = Qty(got.filled)
        out.append(OrderCanceled(order.id, got.venue_order, reason, rest, filled, "", proof))
    return out


def refused(order: Order, read: Refusal, proof: str) -> list[Out]:
    """A refusal or no evidence, as an event."""
    if read.verdict == "refused":
        return [OrderRejected(order.id, read.reason, read.text, proof)]
    return [OrderUnknown(order.id, read.text, proof)]


def reduced(
    order: Order, venue_order: str, size: int, body: Canceled, proof: str
) -> list[OrderCanceled | CancelFailed]:
    """What a cancel took away; nothing means that it had ended before. RemoteProtocolError.

    `size`: the total that the order has at the venue, -1 if a change of it is in doubt. What was
    not taken away from it has filled, whether or not the fills show yet.
    """
    name = order.key.removeprefix("kalshi:")
    told = order_id(body.client_order_id or "")
    if body.order_id != venue_order or told not in ("", order.id):
        raise RemoteProtocolError("kalshi", "order_id", "another order's", market=name)
    by = read("reduced_by", name, count, body.reduced_by)
    if by > size >= 0:
        raise RemoteProtocolError("kalshi", "reduced_by", "more than was ordered", market=name)
    if by == 0:
        return [CancelFailed(order.id, "nothing was left to cancel", gone=True)]
    # The venue takes a reduce-only order back by itself as the position goes: that is no fill.
    filled = Qty(-1 if size < 0 or order.reduce_only else size - by)
    text = "canceled as asked"
    return [OrderCanceled(order.id, venue_order, "operator", Qty(by), filled, text, proof)]
