"""The bodies of requests about orders at the pretend Kalshi, and how a bad one is refused."""

from typing import Any, Literal

import msgspec

from dutchbook.emulators.wire.rest import Refusal


class Create(msgspec.Struct, kw_only=True):
    """A create body; a JSON number where a string is due is a decoding error."""

    ticker: str
    side: Literal["bid", "ask"]
    count: str
    price: str
    time_in_force: Literal["good_till_canceled", "immediate_or_cancel", "fill_or_kill"]
    self_trade_prevention_type: Literal["taker_at_cross", "maker"]
    client_order_id: str = ""
    expiration_time: int | None = None
    post_only: bool = False
    reduce_only: bool = False
    cancel_order_on_pause: bool = False
    order_group_id: str = ""
    subaccount: int | None = None
    exchange_index: int | None = None


class Batch(msgspec.Struct):
    orders: list[msgspec.Raw]


class Amend(msgspec.Struct, kw_only=True):
    ticker: str
    side: Literal["bid", "ask"]
    price: str
    count: str
    client_order_id: str = ""
    updated_client_order_id: str = ""
    exchange_index: int | None = None


class Decrease(msgspec.Struct, kw_only=True):
    reduce_by: str | None = None
    reduce_to: str | None = None
    exchange_index: int | None = None
    market_ticker: str = ""


class Undo(msgspec.Struct, kw_only=True):
    order_id: str
    subaccount: int | None = None
    exchange_index: int | None = None
    market_ticker: str = ""


class Undos(msgspec.Struct):
    orders: list[Undo]


def decoded(body: bytes, kind: Any) -> Any:
    """A request's body. Raises Refusal in the flat shape of decoding errors."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        words = {"code": "invalid_request", "message": "invalid request body"}
        raise Refusal(400, words | {"details": str(error)[:200]}) from None
