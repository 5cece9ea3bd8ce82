"""What the CLOB and the Data API say of our own account, as on the wire; all of it untrusted."""

from decimal import Decimal
from hashlib import blake2b
from typing import Final, TypeVar

import msgspec

from dutchbook.domain.units import MILLI, SECOND, Ns
from dutchbook.venues.polymarket.numbers import millis
from dutchbook.venues.polymarket.wire import FRAME_MAX, no_key_twice

T = TypeVar("T")
ID_MAX: Final = 128


class Posted(msgspec.Struct, rename="camel"):
    """The answer to one order; `making_amount` and the like are left to the trades."""

    success: bool
    error_msg: str = ""
    order_id: str = msgspec.field(default="", name="orderID")
    status: str = ""
    trade_ids: list[str] | None = msgspec.field(default=None, name="tradeIDs")


class Canceled(msgspec.Struct):
    canceled: list[str]
    not_canceled: dict[str, str] = {}


class Refusal(msgspec.Struct):
    """An error's body; `heartbeat_id` is the expected one, where it was a heartbeat."""

    error: str = ""
    error_msg: str = ""
    code: str = ""
    retry_after_seconds: int = 0
    heartbeat_id: str = ""


class Beat(msgspec.Struct):
    heartbeat_id: str


class OpenOrder(msgspec.Struct):
    """An order in `/data/orders`, and with a few more fields on the user channel."""

    id: str
    market: str
    asset_id: str
    side: str
    original_size: str
    size_matched: str
    price: str
    status: str = ""
    outcome: str = ""
    type: str = ""
    order_type: str = ""
    created_at: int | str = ""
    timestamp: int | str = ""
    associate_trades: list[str] | None = None


class MakerOrder(msgspec.Struct):
    order_id: str
    matched_amount: str
    price: str
    asset_id: str
    maker_address: str = ""
    outcome: str = ""
    side: str = ""


class Trade(msgspec.Struct):
    """One match: a taker's order against one or more makers'."""

    id: str
    taker_order_id: str
    market: str
    asset_id: str
    side: str
    size: str
    price: str
    status: str
    outcome: str = ""
    maker_address: str = ""
    trader_side: str = ""
    match_time: int | str = ""
    matchtime: int | str = ""
    maker_orders: list[MakerOrder] = []


class Page(msgspec.Struct):
    """A page; the cursor has to be there: a list that may go on is not complete."""

    data: list[msgspec.Raw]
    next_cursor: str
    count: int | None = None


class Balance(msgspec.Struct):
    balance: str
    allowances: dict[str, str] = {}


class Position(msgspec.Struct, rename="camel"):
    """A position of the Data API (v1)."""

    asset: str
    condition_id: str
    size: Decimal
    outcome: str = ""
    outcome_index: int = -1


class Activity(msgspec.Struct, rename="camel"):
    """What the Data API (v1) lists as done with shares: a split, a merge, a redemption."""

    type: str
    timestamp: int
    condition_id: str = ""
    size: Decimal = Decimal(0)
    usdc_size: Decimal = Decimal(0)
    transaction_hash: str = ""


class Geoblock(msgspec.Struct):
    blocked: bool
    country: str = ""
    region: str = ""


class ClosedOnly(msgspec.Struct):
    closed_only: bool


class Version(msgspec.Struct):
    version: int | str


def read(data: bytes, kind: type[T]) -> T:
    """One body of this kind, no key of it twice; else one of wire.UNREADABLE."""
    if len(data) > FRAME_MAX:
        raise ValueError(f"{len(data)} bytes, more than {FRAME_MAX}")
    no_key_twice(data)
    return msgspec.json.decode(data, type=kind)


def refusal(data: bytes) -> Refusal | None:
    """What an error's body says; None if it isn't the venue's (a proxy's page, nothing)."""
    try:
        found = read(data, Refusal)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return found if found.error or found.error_msg or found.code else None


def evidence(body: bytes) -> str:
    """The mark that an answer leaves in the record."""
    return blake2b(body, digest_size=16).hexdigest() if body else ""


def named(text: str) -> str:
    """An id of the venue, its hex in lower case; ValueError for an empty or a monstrous one."""
    if not 0 < len(text) <= ID_MAX or not (text.isascii() and text.isprintable()):
        raise ValueError(f"not an id: {text[:40]!r}")
    return text.lower() if text[:2] in ("0x", "0X") else text


def moment(given: int | str) -> Ns:
    """Seconds or milliseconds since 1970, as text or number; 0 where there is none."""
    text = str(given)
    if text in ("", "0"):
        return Ns(0)
    if len(text) == 10 and text.isascii() and text.isdigit():
        return Ns(int(text) * SECOND)
    return Ns(millis(text) * MILLI)
