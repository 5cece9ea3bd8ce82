"""What the gateway answers with: plain structs. Money and prices are exact decimals, times UTC."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import msgspec

from dutchbook.domain.units import plain

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
encode = _ENCODER.encode
"""Structs as JSON; decimals are JSON numbers, written exactly."""


def dec(micros: int) -> Decimal:
    """Millionths as an exact decimal."""
    return Decimal(plain(micros))


def when(ns: int) -> datetime | None:
    """Ns since 1970 as a time, None for 0 (unknown)."""
    return _EPOCH + timedelta(microseconds=ns // 1_000) if ns else None


class Feed(msgspec.Struct):
    stream: str
    up: bool
    last_update: datetime | None
    age_ms: int
    open_gaps: int


class Health(msgspec.Struct):
    """`status`: healthy, degraded (a part does not do its work) or down (no run is followed)."""

    status: str
    mode: str
    run: str
    version: str
    gateway: dict[str, Any]
    feeds: list[Feed]
    analyser: dict[str, Any]
    executor: dict[str, Any]


class Ready(msgspec.Struct):
    ready: bool
    missing: list[str]


class Market(msgspec.Struct):
    id: str
    platform: str
    market_id: str
    event: str
    title: str
    outcome: str
    category: str
    status: str
    closes: datetime | None
    bid: Decimal | None
    ask: Decimal | None
    bid_size: Decimal
    ask_size: Decimal
    mid_price: Decimal | None
    spread: Decimal | None
    last_update: datetime | None
    volume: Decimal


class MarketFull(Market, kw_only=True):
    rules: str
    ticks: list[list[Decimal]]
    size_min: Decimal
    settles: datetime | None
    fees: dict[str, Any]
    tokens: list[str]


class Page(msgspec.Struct):
    """A page of rows; `next` is the cursor of the page after it, "" at the end."""

    items: list[Any]
    next: str


class Book(msgspec.Struct):
    """Levels as [price, size], best first, for buying (`asks`) and selling (`bids`) YES."""

    id: str
    bids: list[list[Decimal]]
    asks: list[list[Decimal]]
    stale: str
    at: datetime | None


class Moment(msgspec.Struct):
    at: datetime | None
    bid: Decimal | None
    ask: Decimal | None


class OpportunityLeg(msgspec.Struct):
    platform: str
    market_id: str
    outcome: str
    price: Decimal
    quantity: Decimal


class Opportunity(msgspec.Struct):
    """`profit_pct` is net profit in per cent of the payout; `market_a` and `market_b` are legs
    one and two of `legs` (the same one twice where the basket is of one market)."""

    id: str
    kind: str
    market_a: OpportunityLeg
    market_b: OpportunityLeg
    legs: list[OpportunityLeg]
    profit_pct: Decimal
    expected_profit: Decimal
    capital: Decimal
    quantity: Decimal
    confidence: Decimal
    annualised_pct: Decimal
    estimated_fill_time_ms: int
    created_at: datetime | None
    closed_at: datetime | None
    status: str


class OpportunityFull(Opportunity, kw_only=True):
    certificate: dict[str, Any]


class WhyNot(msgspec.Struct):
    key: str
    kind: str
    stage: str
    reason: str
    numbers: dict[str, int]


class Detected(msgspec.Struct):
    opportunities: list[Opportunity]
    scan_duration_ms: float
    scanned: int


class Done(msgspec.Struct):
    """What a command brought about: the journal's number of its step, and what it decided."""

    seq: int
    status: str
    notes: list[dict[str, Any]]
    orders: list[str]


class Submitted(msgspec.Struct):
    order_id: str
    status: str
    submitted_at: datetime | None
    estimated_fill_price: Decimal | None
    estimated_total: Decimal | None
    signal_id: str = ""


class Order(msgspec.Struct):
    order_id: str
    platform: str
    market_id: str
    outcome: str
    side: str
    price: Decimal
    quantity: Decimal
    filled: Decimal
    status: str
    time_in_force: str
    purpose: str
    strategy: str
    why: str
    updated_at: datetime | None


class Position(msgspec.Struct):
    platform: str
    market_id: str
    title: str
    outcome: str
    quantity: Decimal
    sellable: Decimal
    cost: Decimal
    avg_entry_price: Decimal
    current_price: Decimal
    unrealized_pnl: Decimal


class Summary(msgspec.Struct):
    mode: str
    equity: Decimal
    realized_pnl: Decimal
    unrealized_pnl: Decimal
    cash: dict[str, Decimal]
    reserved: dict[str, Decimal]
    open_orders: int
    open_positions: int
    halted: list[dict[str, str]]
    at: datetime | None


class Normalized(msgspec.Struct):
    normalized: dict[str, Any]


class Tokens(msgspec.Struct):
    access_token: str
    token_type: str
    expires_in: int
    refresh_token: str
    role: str
    name: str


class Key(msgspec.Struct):
    id: str
    name: str
    role: str
    scopes: list[str]
    addresses: list[str]
    rate: int
    made_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None
    status: str


class NewKey(Key, kw_only=True):
    """`key` is shown this once and kept nowhere."""

    key: str


class Person(msgspec.Struct):
    name: str
    role: str
    disabled: bool
    made_at: datetime | None


class Approval(msgspec.Struct):
    id: str
    action: str
    args: list[str]
    reason: str
    asked_by: str
    asked_at: datetime | None
    expires_at: datetime | None
    decided_by: str
    status: str


class AuditRow(msgspec.Struct):
    n: int
    at: datetime | None
    who: str
    address: str
    what: str
    result: str
    before: Any
    after: Any
    hash: str


class Simple(msgspec.Struct):
    """Where there is nothing to tell but that it was done."""

    status: str


def schemas(*kinds: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """JSON Schemas of answers with their components; decimals are numbers there, too."""
    found, parts = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    return [_numbers(one) for one in found], _numbers(parts)


def _numbers(node: Any) -> Any:
    if isinstance(node, dict):
        if node.get("format") == "decimal":
            return {"type": "number"}
        return {key: _numbers(value) for key, value in node.items()}
    return [_numbers(part) for part in node] if isinstance(node, list) else node
