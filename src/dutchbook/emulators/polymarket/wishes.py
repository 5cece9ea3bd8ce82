"""The bodies of requests about orders at the pretend Polymarket."""

from typing import Any, Literal

import msgspec

from dutchbook.emulators.wire.rest import Refusal


class Order(msgspec.Struct, rename="camel"):
    """The signed part, and the expiration that is not signed."""

    salt: int
    maker: str
    signer: str
    token_id: str
    maker_amount: str
    taker_amount: str
    side: Literal["BUY", "SELL"]
    expiration: str
    signature_type: int
    timestamp: str
    metadata: str
    builder: str
    signature: str


class Post(msgspec.Struct, rename="camel"):
    order: Order
    owner: str
    order_type: Literal["GTC", "GTD", "FOK", "FAK"]
    defer_exec: bool = False
    post_only: bool = False


def decoded(body: bytes, kind: Any) -> Any:
    """A request's body. Raises Refusal."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refusal(400, {"error": "Invalid payload"}) from None
