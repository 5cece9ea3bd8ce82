"""The kinds of Polymarket bodies: how each is told by its shape, and what must be sound in it."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, Literal

import msgspec


class ClobTokenRow(msgspec.Struct):
    token_id: str
    outcome: str
    price: Decimal | None = None
    winner: bool | None = None


class ClobMarketRow(msgspec.Struct):
    condition_id: str
    tokens: list[ClobTokenRow]
    minimum_tick_size: Decimal | None = None
    minimum_order_size: Decimal | None = None
    active: bool | None = None
    closed: bool | None = None
    accepting_orders: bool | None = None
    neg_risk: bool | None = None


class TokenInfo(msgspec.Struct):
    t: str
    o: str


class FeeInfo(msgspec.Struct):
    r: Decimal
    e: Decimal = Decimal(1)
    to: bool = True


class MarketInfo(msgspec.Struct):
    t: list[TokenInfo]
    mts: Decimal
    mos: Decimal | None = None
    nr: bool | None = None
    fd: FeeInfo | None = None
    c: str = ""


class Tokens(msgspec.Struct):
    condition_id: str
    primary_token_id: str
    secondary_token_id: str


class Price(msgspec.Struct):
    price: Decimal
    side: str | None = None
    token_id: str | None = None


class Mid(msgspec.Struct):
    mid: Decimal


class Spread(msgspec.Struct):
    spread: Decimal


class TickSize(msgspec.Struct):
    minimum_tick_size: Decimal


class NegRisk(msgspec.Struct):
    neg_risk: bool


class FeeRate(msgspec.Struct):
    base_fee: int


class Point(msgspec.Struct):
    t: int
    p: Decimal


class History(msgspec.Struct):
    history: list[Point]


class Fault(msgspec.Struct):
    error: str


class Version(msgspec.Struct):
    version: int | str


class Order(msgspec.Struct):
    id: str
    market: str
    asset_id: str
    side: Literal["BUY", "SELL"]
    original_size: Decimal
    size_matched: Decimal
    price: Decimal


class Trade(msgspec.Struct):
    id: str
    market: str
    asset_id: str
    side: Literal["BUY", "SELL"]
    size: Decimal
    price: Decimal
    status: str
    taker_order_id: str


class DataRow(msgspec.Struct, rename="camel"):
    """A trade or position of the data service."""

    condition_id: str
    asset: str
    size: Decimal


class Subscription(msgspec.Struct):
    """What a client sends; it stands in recordings of both directions."""

    assets_ids: list[str]
    type: str = ""
    operation: str = ""


class Geoblock(msgspec.Struct):
    blocked: bool
    country: str


class ClosedOnly(msgspec.Struct):
    closed_only: bool


def _one(_: Any) -> int:
    return 1


def _none(_: Any) -> tuple[str, ...]:
    return ()


Kind = tuple[Any, Callable[[Any], int], Callable[[Any], tuple[str, ...]]]
KINDS: Final[dict[str, Kind]] = {
    "clob.market": (ClobMarketRow, _one, lambda m: (m.condition_id,)),
    "clob.simplified_market": (ClobMarketRow, _one, lambda m: (m.condition_id,)),
    "clob.market_info": (MarketInfo, _one, lambda m: (m.c,) if m.c else ()),
    "clob.market_by_token": (Tokens, _one, lambda m: (m.condition_id,)),
    "clob.price": (Price, _one, _none),
    "clob.midpoint": (Mid, _one, _none),
    "clob.spread": (Spread, _one, _none),
    "clob.tick_size": (TickSize, _one, _none),
    "clob.neg_risk": (NegRisk, _one, _none),
    "clob.fee_rate": (FeeRate, _one, _none),
    "clob.prices_history": (History, lambda h: len(h.history), _none),
    "clob.prices": (dict[str, dict[Literal["BUY", "SELL"], Decimal]], len, _none),
    "clob.amounts": (dict[str, Decimal], len, _none),
    "clob.error": (Fault, _one, _none),
    "clob.version": (Version, _one, _none),
    "clob.order": (Order, _one, lambda o: (o.market,)),
    "clob.trade": (Trade, _one, lambda t: (t.market,)),
    "clob.time": (int, _one, _none),
    "clob.ok": (str, _one, _none),
    "data.row": (DataRow, _one, lambda d: (d.condition_id,)),
    "ws.subscription": (Subscription, lambda s: len(s.assets_ids), _none),
    "site.geoblock": (Geoblock, _one, _none),
    "clob.closed_only": (ClosedOnly, _one, _none),
}
STRONG: Final = frozenset(
    (
        "clob.book",
        "gamma.event",
        "gamma.events",
        "gamma.market",
        "gamma.markets",
        "page",
        "clob.market",
        "clob.simplified_market",
        "clob.market_info",
        "clob.market_by_token",
        "clob.prices_history",
        "clob.order",
        "clob.trade",
        "data.row",
        "ws.subscription",
    )
)
"""Kinds whose shape can't be taken for anything else, wherever it stands."""
WEAK: Final = frozenset(KINDS) - STRONG

_SHAPES: Final = (
    ("frame", ("event_type",)),
    ("clob.book", ("asset_id", "bids", "asks")),
    ("gamma.events", ("events", "next_cursor")),
    ("gamma.event", ("slug", "markets")),
    ("data.row", ("conditionId", "asset", "size")),
    ("gamma.market", ("conditionId", "clobTokenIds")),
    ("clob.market", ("condition_id", "tokens", "minimum_tick_size")),
    ("clob.simplified_market", ("condition_id", "tokens")),
    ("clob.market_by_token", ("condition_id", "primary_token_id")),
    ("clob.market_info", ("t", "mts")),
    ("clob.prices_history", ("history",)),
    ("clob.order", ("original_size", "size_matched", "asset_id")),
    ("clob.trade", ("taker_order_id", "asset_id")),
    ("ws.subscription", ("assets_ids",)),
    ("site.geoblock", ("blocked", "country")),
    ("clob.closed_only", ("closed_only",)),
    ("clob.tick_size", ("minimum_tick_size",)),
    ("clob.neg_risk", ("neg_risk",)),
    ("clob.fee_rate", ("base_fee",)),
    ("clob.midpoint", ("mid",)),
    ("clob.spread", ("spread",)),
    ("clob.price", ("price",)),
    ("clob.error", ("error",)),
    ("clob.version", ("version",)),
)


def kind_of(found: Any) -> str:
    """The kind of a parsed body, "" if no kind has that shape."""
    if isinstance(found, dict):
        for kind, names in _SHAPES:
            if all(name in found for name in names):
                return kind
        if isinstance(found.get("events"), list):
            return "gamma.events"
        if isinstance(found.get("markets"), list):
            return "gamma.markets"
        if isinstance(found.get("data"), list) and "next_cursor" in found:
            return "page"
        if found and all(name.isdigit() for name in found):
            nested = all(isinstance(value, dict) for value in found.values())
            return "clob.prices" if nested else "clob.amounts"
        return ""
    if isinstance(found, int) and not isinstance(found, bool):
        return "clob.time"
    return "clob.ok" if found in ("OK", "ok") else ""
