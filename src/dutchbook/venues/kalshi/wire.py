"""The shapes of Kalshi's WebSocket frames: what is not typed here is not used."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Raw, Struct

Seq = Annotated[int, Meta(ge=1, le=2**53)]
Sid = Annotated[int, Meta(ge=0, le=2**53)]
Millis = Annotated[int, Meta(ge=0, le=9_000_000_000_000)]
Seconds = Annotated[int, Meta(ge=0, le=9_000_000_000)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Text = Annotated[str, Meta(max_length=10_000)]
Side = Literal["yes", "no"]
Levels = list[tuple[str, str]]
ABSENT = Raw(b"null")


class DeltaMsg(Struct, gc=False):
    market_ticker: str
    price_dollars: str
    delta_fp: str
    side: Side
    ts_ms: Millis = 0


class Delta(Struct, gc=False, tag_field="type", tag="orderbook_delta"):
    """One level of one side of one book changed by a signed size."""

    sid: Sid
    seq: Seq
    msg: DeltaMsg


class SnapshotMsg(Struct):
    market_ticker: Name
    yes_dollars_fp: Levels = []
    no_dollars_fp: Levels = []
    ts_ms: Millis = 0


class Snapshot(Struct, tag_field="type", tag="orderbook_snapshot"):
    """A whole book; a side without orders is absent."""

    sid: Sid
    seq: Seq
    msg: SnapshotMsg


class TickerMsg(Struct, gc=False):
    market_ticker: Name
    price_dollars: str = ""
    yes_bid_dollars: str = "0"
    yes_ask_dollars: str = "1"
    volume_fp: str = ""
    ts_ms: Millis = 0


class Ticker(Struct, gc=False, tag_field="type", tag="ticker"):
    """The venue's own best prices; carries no seq."""

    sid: Sid
    msg: TickerMsg


class TradeMsg(Struct, gc=False):
    trade_id: Name
    market_ticker: Name
    yes_price_dollars: str
    count_fp: str
    taker_outcome_side: Side | None = None
    taker_side: Side | None = None
    ts_ms: Millis = 0


class Trade(Struct, gc=False, tag_field="type", tag="trade"):
    """A public trade."""

    sid: Sid
    seq: Seq
    msg: TradeMsg


class Range(Struct):
    start: str
    end: str
    step: str


class LifecycleMsg(Struct):
    event_type: Literal[
        "created",
        "activated",
        "deactivated",
        "close_date_updated",
        "determined",
        "settled",
        "price_level_structure_updated",
        "metadata_updated",
    ]
    market_ticker: Name
    close_ts: Seconds | None = None
    determination_ts: Seconds | None = None
    settled_ts: Seconds | None = None
    result: str | None = None
    settlement_value: str | None = None
    price_level_structure: str | None = None
    price_ranges: list[Range] | None = None


class Lifecycle(Struct, tag_field="type", tag="market_lifecycle_v2"):
    """A market came, opened, paused, closed, was decided, was paid, or changed its grid."""

    sid: Sid
    seq: Seq
    msg: LifecycleMsg


class EventLifecycleMsg(Struct):
    event_ticker: Name
    series_ticker: str = ""
    title: Text = ""


class EventLifecycle(Struct, tag_field="type", tag="event_lifecycle"):
    """An event came."""

    sid: Sid
    msg: EventLifecycleMsg
    seq: Seq | None = None


class EventFeeMsg(Struct):
    event_ticker: Name
    fee_type_override: str | None = None
    fee_multiplier_override: Raw = ABSENT


class EventFee(Struct, tag_field="type", tag="event_fee_update"):
    """An event's fees now differ from its series'."""

    sid: Sid
    msg: EventFeeMsg
    seq: Seq | None = None


class SubscribedMsg(Struct):
    channel: Name
    sid: Sid


class Subscribed(Struct, tag_field="type", tag="subscribed"):
    msg: SubscribedMsg
    id: int = 0


class Unsubscribed(Struct, tag_field="type", tag="unsubscribed"):
    sid: Sid
    seq: Seq | None = None
    id: int = 0


class OkMsg(Struct):
    market_tickers: list[str] | None = None


class Ok(Struct, tag_field="type", tag="ok"):
    """A command was done; it takes a number of its sid."""

    id: int = 0
    sid: Sid | None = None
    seq: Seq | None = None
    msg: OkMsg | list[Any] | None = None


class ErrorMsg(Struct):
    code: int
    msg: Text = ""
    market_ticker: str | None = None
    market_tickers: list[str] | None = None


class Error(Struct, tag_field="type", tag="error"):
    """A command failed, or (10, 25) the channel itself did."""

    msg: ErrorMsg
    id: int = 0
    sid: Sid | None = None
    seq: Seq | None = None


class Other(Struct):
    """A message of a channel that this program only recognises."""

    type: Name
    sid: Sid | None = None
    seq: Seq | None = None
    msg: dict[str, Any] = {}


Typed = (
    Delta
    | Snapshot
    | Ticker
    | Trade
    | Lifecycle
    | EventLifecycle
    | EventFee
    | Subscribed
    | Unsubscribed
    | Ok
    | Error
)
Frame = Typed | Other

RECOGNISED = frozenset(
    {
        "fill",
        "user_order",
        "user_orders",
        "market_position",
        "market_positions",
        "order_group_updates",
        "multivariate_market_lifecycle",
        "cfbenchmarks_value",
        "cfbenchmarks_value_5hz",
        "pyth_value",
        "rfq_created",
        "rfq_deleted",
        "quote_created",
        "quote_accepted",
        "quote_executed",
        "communications",
    }
)
