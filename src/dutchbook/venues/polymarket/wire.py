"""The messages of the market socket as they are on the wire, typed; unknown fields are skipped."""

import json
from decimal import Decimal
from typing import Any, Final, Literal

import msgspec

FRAME_MAX: Final = 16_000_000
"""Bytes; a longer frame is refused before it is read."""


class Change(msgspec.Struct, gc=False):
    asset_id: str
    price: str
    size: str
    side: Literal["BUY", "SELL"]
    best_bid: str | None = None
    best_ask: str | None = None
    hash: str | None = None


class WireLevel(msgspec.Struct, gc=False):
    """One ladder level; the field order is that of the book's hash."""

    price: str
    size: str


class Message(msgspec.Struct, tag_field="event_type"):
    """What all messages share: the market and the venue's clock in ms, as text."""

    market: str
    timestamp: str


class PriceChange(Message, tag="price_change"):
    price_changes: list[Change]


class BookBody(msgspec.Struct):
    """A whole book of one token, as the socket and REST both send it."""

    market: str
    asset_id: str
    timestamp: str
    bids: list[WireLevel]
    asks: list[WireLevel]
    hash: str = ""
    min_order_size: str | None = None
    tick_size: str | None = None
    neg_risk: bool | None = None
    last_trade_price: str | None = None


class Book(BookBody, tag_field="event_type", tag="book"):
    """A whole book on the socket."""


class TickSizeChange(Message, tag="tick_size_change"):
    asset_id: str
    new_tick_size: str
    old_tick_size: str | None = None


class LastTradePrice(Message, tag="last_trade_price"):
    asset_id: str
    price: str
    size: str
    side: Literal["BUY", "SELL"]
    transaction_hash: str | None = None


class BestBidAsk(Message, tag="best_bid_ask"):
    asset_id: str
    best_bid: str
    best_ask: str


class Parent(msgspec.Struct):
    """The event that a new market belongs to."""

    slug: str | None = None
    title: str | None = None


class NewFees(msgspec.Struct):
    rate: Decimal
    exponent: Decimal = Decimal(1)


class NewMarket(msgspec.Struct, tag_field="event_type", tag="new_market"):
    """A market that was just made; read further by `gamma.from_new_market`."""

    market: str
    timestamp: str
    condition_id: str | None = None
    question: str | None = None
    slug: str | None = None
    description: str | None = None
    assets_ids: list[str] | None = None
    clob_token_ids: list[str] | str | None = None
    outcomes: list[str] | str | None = None
    event_message: Parent | None = None
    tags: list[str] | None = None
    active: bool | None = None
    order_price_min_tick_size: Decimal | None = None
    group_item_title: str | None = None
    fees_enabled: bool | None = None
    fee_schedule: NewFees | None = None


class MarketResolvedMessage(Message, tag="market_resolved"):
    winning_asset_id: str
    assets_ids: list[str] | None = None
    winning_outcome: str | None = None


class UserOrder(msgspec.Struct, tag_field="event_type", tag="order"):
    """An order of one's own on the user channel: recognised, not yet used."""

    market: str
    asset_id: str
    id: str


class UserTrade(msgspec.Struct, tag_field="event_type", tag="trade"):
    """A trade of one's own on the user channel: recognised, not yet used."""

    market: str
    asset_id: str
    id: str
    status: str


Frame = (
    PriceChange
    | Book
    | TickSizeChange
    | LastTradePrice
    | BestBidAsk
    | NewMarket
    | MarketResolvedMessage
    | UserOrder
    | UserTrade
)
frame: Final = msgspec.json.Decoder(Frame)
items: Final = msgspec.json.Decoder(list[msgspec.Raw])

UNREADABLE: Final = (msgspec.MsgspecError, ValueError, RecursionError)
"""What reading untrusted JSON can raise."""


def keys_of(message: Frame) -> int:
    """How many JSON keys a message of the known shape has; -1 where it is not worth counting."""
    if type(message) is PriceChange:
        count = 4
        for change in message.price_changes:
            count += 4 + (change.best_bid is not None) + (change.best_ask is not None)
            count += change.hash is not None
        return count
    if type(message) is Book:
        count = 6 + 2 * (len(message.bids) + len(message.asks)) + (message.hash != "")
        count += (message.min_order_size is not None) + (message.tick_size is not None)
        return count + (message.neg_risk is not None) + (message.last_trade_price is not None)
    return -1


def no_key_twice(data: bytes) -> None:
    """ValueError if an object names a key twice: readers differ in which of the two they take."""
    json.loads(data, object_pairs_hook=_unique)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {twice[:40]!r} stands twice in one object")
    return found


def loads(data: bytes) -> Any:
    """Any JSON, numbers with a point as Decimal; ValueError or RecursionError if it is unsound."""
    if len(data) > FRAME_MAX:
        raise ValueError(f"{len(data)} bytes, more than {FRAME_MAX}")
    text = data.decode("utf-8")
    found = json.loads(
        text, parse_float=Decimal, object_pairs_hook=_unique, parse_constant=_not_json
    )
    if "\\u" in text:
        msgspec.json.decode(data)  # it refuses lone surrogates, which the other lets pass
    return found


def _not_json(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")
