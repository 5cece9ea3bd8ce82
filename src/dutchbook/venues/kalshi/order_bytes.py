"""Orders as Kalshi's V2 bodies: one YES book, sides bid and ask, numbers as text."""

from typing import Any, Final, Literal

import msgspec

from dutchbook.domain.candidate import Outcome
from dutchbook.domain.orders import Action, Order
from dutchbook.domain.units import ONE, SECOND, Px, Qty
from dutchbook.venues.kalshi.config import Config

ORDERS: Final = "/portfolio/events/orders"
Side = Literal["bid", "ask"]
TICK: Final = 100
LOT: Final = 10_000
_TIF: Final = {
    "gtc": "good_till_canceled",
    "gtd": "good_till_canceled",  # with expiration_time
    "ioc": "immediate_or_cancel",
    "fok": "fill_or_kill",
}


def side_of(outcome: Outcome, action: Action) -> Side:
    """The side of the YES book: who buys NO sells YES."""
    return "bid" if (outcome == "yes") == (action == "buy") else "ask"


def yes_px(outcome: Outcome, px: int) -> Px:
    """A price of an outcome in YES terms, and back."""
    return Px(px if outcome == "yes" else ONE - px)


def client_id(order: str) -> str:
    """Our id in Kalshi's alphabet, which has no full stop; ours has no colon."""
    return order.replace(".", ":")


def order_id(client: str) -> str:
    """Our id again, "" for one that we can't have made."""
    made = client.replace(":", ".")
    ours = 0 < len(made) <= 40 and all(c in _OURS for c in made) and "." not in client
    return made if ours else ""


_OURS: Final = frozenset("0123456789abcdefghijklmnopqrstuvwxyz.-")


def fault(order: Order, config: Config) -> str:
    """What keeps an order from being written exactly, "" if nothing does."""
    if order.account != config.account:
        return f"account {order.account[:60]!r} is not {config.account[:60]!r}"
    if not order.key.startswith("kalshi:"):
        return f"market {order.key[:60]!r} is not Kalshi's"
    if not order.id or order_id(client_id(order.id)) != order.id:
        return f"id {order.id[:60]!r} is not 1 to 40 of [0-9a-z.-]"
    if not 0 < order.px < ONE or order.px % TICK:
        return f"price {order.px} is not between 0 and 1 in ten-thousandths"
    if order.qty <= 0 or order.qty % LOT:
        return f"size {order.qty} is not a number of hundredths above 0"
    if (order.tif == "gtd") != (order.expires > 0):
        return "gtd and an expiry belong together"
    return ""


def create(order: Order, config: Config, group: str = "") -> dict[str, Any]:
    """The body of a new order; the same order and group give the same body."""
    body: dict[str, Any] = {
        "ticker": order.key.removeprefix("kalshi:"),
        "client_order_id": client_id(order.id),
        "side": side_of(order.outcome, order.action),
        "count": count_text(order.qty),
        "price": price_text(yes_px(order.outcome, order.px)),
        "time_in_force": _TIF[order.tif],
        "self_trade_prevention_type": "taker_at_cross",
        "cancel_order_on_pause": True,
    }
    if order.tif == "gtd":
        body["expiration_time"] = order.expires // SECOND  # rather too early than too late
    if order.post_only:
        body["post_only"] = True
    if order.reduce_only:
        body["reduce_only"] = True
    if group:
        body["order_group_id"] = group
    return body | _place(order, config)


def amend(order: Order, px: Px, qty: Qty) -> dict[str, Any]:
    """The body of a change; `count` is the new total, so that sent twice it means the same.

    Nothing is ever sent as `decrease`: what it takes away depends on what has filled meanwhile.
    An amend to a smaller size at the same price keeps the place in the queue just as well.
    """
    body: dict[str, Any] = {
        "ticker": order.key.removeprefix("kalshi:"),
        "client_order_id": client_id(order.id),
        "side": side_of(order.outcome, order.action),
        "price": price_text(yes_px(order.outcome, px)),
        "count": count_text(qty),
    }
    if order.shard:
        body["exchange_index"] = order.shard
    return body


def cancel(order: Order, venue_order: str, config: Config) -> dict[str, Any]:
    """One item of a batch of cancels."""
    return {"order_id": venue_order} | _routed(order, config)


def cancel_query(order: Order, config: Config) -> tuple[tuple[str, str], ...]:
    """The query of a cancel: without the route, one that is on another shard is not found."""
    return tuple((name, str(value)) for name, value in _routed(order, config).items())


def account_query(config: Config) -> tuple[tuple[str, str], ...]:
    """What names the subaccount in a query, where there is one."""
    return () if config.subaccount is None else (("subaccount", str(config.subaccount)),)


def _routed(order: Order, config: Config) -> dict[str, Any]:
    return _place(order, config) | {"market_ticker": order.key.removeprefix("kalshi:")}


def _place(order: Order, config: Config) -> dict[str, Any]:
    place: dict[str, Any] = {}
    if config.subaccount is not None:
        place["subaccount"] = config.subaccount
    if order.shard:
        place["exchange_index"] = order.shard  # left out, the venue finds the shard by the ticker
    return place


def price_text(px: int) -> str:
    """Four places, as requests take them: 425_000 -> "0.4250"."""
    return f"0.{px // TICK:04d}"


def count_text(qty: int) -> str:
    """Two places: 1_500_000 -> "1.50"."""
    whole, part = divmod(qty // LOT, 100)
    return f"{whole}.{part:02d}"


def encode(body: dict[str, Any]) -> bytes:
    """The bytes on the wire."""
    return msgspec.json.encode(body)
