"""Every message of the protocol notes, by hand: examples to decode, and seeds of mutation."""

import json
from typing import Any

T = "KXFED-26DEC-T4.00"
E = "KXFED-26DEC"

MARKET: dict[str, Any] = {
    "ticker": T, "event_ticker": E, "market_type": "binary", "title": "Fed above 4 %?",
    "yes_sub_title": "Above 4.00", "no_sub_title": "4.00 or less", "status": "active",
    "close_time": "2026-12-16T19:00:00Z", "expected_expiration_time": "2026-12-16T20:00:00Z",
    "latest_expiration_time": "2026-12-23T20:00:00Z", "settlement_timer_seconds": 3600,
    "price_level_structure": "linear_cent",
    "price_ranges": [{"start": "0.0000", "end": "1.0000", "step": "0.0100"}],
    "volume_fp": "1234.50", "open_interest_fp": "10.00", "yes_bid_dollars": "0.4400",
    "yes_ask_dollars": "0.4600", "notional_value_dollars": "1.0000", "floor_strike": 4.0,
    "result": "", "rules_primary": "If the upper bound is above 4.00.", "rules_secondary": "",
}  # fmt: skip
EVENT: dict[str, Any] = {
    "event_ticker": E, "series_ticker": "KXFED", "title": "Fed in December",
    "sub_title": "Dec 2026",
    "collateral_return_type": "MECNET", "mutually_exclusive": True, "category": "Economics",
    "markets": [MARKET],
}  # fmt: skip
SERIES = {
    "ticker": "KXFED", "title": "Fed", "category": "Economics",
    "fee_type": "quadratic_with_maker_fees", "fee_multiplier": 0.5,
}  # fmt: skip


def delta(
    seq: int,
    ticker: str = T,
    side: str = "yes",
    px: str = "0.4500",
    size: str = "10.00",
    sid: int = 1,
) -> bytes:
    """A change of one level."""
    msg = {"market_ticker": ticker, "market_id": "m", "price_dollars": px, "delta_fp": size}
    msg |= {"side": side, "ts": "2026-08-07T06:46:28.97871Z", "ts_ms": 1786085188978}
    return frame("orderbook_delta", msg, sid=sid, seq=seq)


def snapshot(seq: int, ticker: str = T, sid: int = 1, **sides: list[list[str]]) -> bytes:
    """A whole book: yes=[[price, size], ...], no=[...]."""
    msg = {"market_ticker": ticker, "market_id": "m"}
    msg |= {f"{side}_dollars_fp": levels for side, levels in sides.items()}
    return frame("orderbook_snapshot", msg, sid=sid, seq=seq)


def frame(kind: str, msg: Any, **envelope: Any) -> bytes:
    """Any WebSocket frame."""
    return json.dumps({"type": kind, **envelope, "msg": msg}).encode()


def subscribed(sid: int = 1, channel: str = "orderbook_delta") -> bytes:
    """The reply that names a sid."""
    return frame("subscribed", {"channel": channel, "sid": sid}, id=1)


def lifecycle(seq: int, kind: str, ticker: str = T, sid: int = 4, **fields: Any) -> bytes:
    """A message of market_lifecycle_v2."""
    return frame(
        "market_lifecycle_v2",
        {"event_type": kind, "market_ticker": ticker, **fields},
        sid=sid,
        seq=seq,
    )


WS: list[bytes] = [
    subscribed(),
    frame("ok", {"market_tickers": [T]}, id=2, sid=1, seq=1),
    frame("ok", [{"channel": "trade", "sid": 3}], id=3),
    b'{"id":4,"sid":1,"seq":2,"type":"unsubscribed"}',
    frame("error", {"code": 8, "msg": "unknown channel"}, id=5),
    frame("error", {"code": 25, "msg": "overflow", "market_ticker": T}, sid=1, seq=9),
    snapshot(1, yes=[["0.4400", "100.00"]], no=[["0.5400", "7.25"]]),
    snapshot(1),
    delta(1),
    delta(2, side="no", px="0.004", size="-3.50"),
    frame("ticker", {"market_id": "m", "market_ticker": T, "price_dollars": "0.4500",
        "yes_bid_dollars": "0.4400", "yes_ask_dollars": "0.4600", "yes_bid_size_fp": "1.00",
        "volume_fp": "5.00", "dollar_volume": 5, "ts": 1786085188, "ts_ms": 1786085188978}, sid=2),
    frame("trade", {"trade_id": "t1", "market_ticker": T, "yes_price_dollars": "0.4500",
        "no_price_dollars": "0.5500", "count_fp": "3.00", "taker_side": "no",
        "taker_outcome_side": "no", "ts": 1786085188, "ts_ms": 1786085188978}, sid=3, seq=1),
    frame("fill", {"trade_id": "t1", "order_id": "o1", "market_ticker": T, "is_taker": True,
        "side": "yes", "yes_price_dollars": "0.4500", "count_fp": "3.00", "fee_cost": "0.010000",
        "post_position_fp": "-3.00", "ts": 1786085188}, sid=5),
    frame("user_order", {"order_id": "o1", "ticker": T, "status": "resting",
        "yes_price_dollars": "0.4500", "initial_count_fp": "3.00", "is_yes": True}, sid=6),
    frame("market_position", {"user_id": "u", "market_ticker": T, "position_fp": "-3.00",
        "position_cost_dollars": "1.350000"}, sid=7),
    frame("order_group_updates", {"event_type": "created", "order_group_id": "g",
        "contracts_limit_fp": "10.00", "ts_ms": 1786085188978}, sid=8, seq=1),
    lifecycle(1, "created", open_ts=1786085188, close_ts=1796085188),
    lifecycle(2, "activated"),
    lifecycle(3, "deactivated", is_deactivated=True),
    lifecycle(4, "close_date_updated", close_ts=1796085188),
    lifecycle(5, "determined", result="yes", settlement_value="1.0000",
        determination_ts=1786085188),
    lifecycle(6, "settled", settled_ts=1786085189),
    lifecycle(7, "price_level_structure_updated", price_level_structure="deci_cent",
        price_ranges=[{"start": "0.0000", "end": "1.0000", "step": "0.0010"}]),
    lifecycle(8, "metadata_updated", additional_metadata={"title": "x"}),
    frame("event_lifecycle", {"event_ticker": E, "series_ticker": "KXFED", "title": "x"},
        sid=4, seq=9),
    frame("event_fee_update", {"event_ticker": E, "fee_type_override": "quadratic",
        "fee_multiplier_override": 0.5}, sid=4, seq=10),
]  # fmt: skip

LEVELS = {"yes_dollars": [["0.4400", "100.00"]], "no_dollars": [["0.5400", "7.25"]]}
REST: dict[str, Any] = {
    "events": {"events": [EVENT], "cursor": ""},
    "event": {"event": {**EVENT, "markets": None}, "markets": [MARKET]},
    "bare_event": EVENT,
    "markets": {"markets": [MARKET], "cursor": "abc"},
    "market": {"market": {**MARKET, "status": "finalized", "result": "yes"}},
    "bare_market": MARKET,
    "series": {"series": SERIES},
    "series_list": {"series": [SERIES]},
    "orderbook": {"orderbook_fp": LEVELS},
    "orderbooks": {"orderbooks": [{"ticker": T, "orderbook_fp": LEVELS}]},
    "trades": {"cursor": "", "trades": [{"trade_id": "t", "ticker": T, "count_fp": "1.00",
        "yes_price_dollars": "0.4500", "no_price_dollars": "0.5500", "taker_side": "yes",
        "created_time": "2026-06-14T03:30:45.993203Z"}]},
    "candlesticks": {"ticker": T, "candlesticks": [{"end_period_ts": 1786137900,
        "price": {"open_dollars": None}, "yes_bid": {"open_dollars": "0.3300"},
        "volume_fp": "0.00"}]},
    "exchange_status": {"exchange_active": True, "trading_active": False},
    "schedule": {"schedule": {"standard_hours": [], "maintenance_windows": []}},
    "account_limits": {"usage_tier": "basic", "read": {"refill_rate": 200, "bucket_capacity": 200},
        "write": {"refill_rate": 100, "bucket_capacity": 100}, "grants": []},
    "balance": {"balance": 1000, "portfolio_value": 5, "updated_ts": 1786085188},
    "positions": {"market_positions": [{"ticker": T, "position_fp": "-3.00"}],
        "event_positions": [], "cursor": ""},
    "fills": {"fills": [{"fill_id": "f", "order_id": "o", "ticker": T, "count_fp": "1.00",
        "fee_cost": "0.003639"}], "cursor": ""},
    "settlements": {"settlements": [{"ticker": T, "market_result": "yes", "revenue": 100,
        "fee_cost": "0.0100"}], "cursor": ""},
    "orders": {"orders": [{"order_id": "o", "ticker": T, "status": "resting"}], "cursor": ""},
    "order_reply": {"order_id": "o", "client_order_id": "c", "fill_count": "0.00",
        "remaining_count": "3.00", "ts_ms": 1786085188978},
    "queue_positions": {"queue_positions": [{"order_id": "o", "queue_position_fp": "1.00"}]},
    "order_groups": {"order_groups": [{"id": "g", "contracts_limit_fp": "10.00"}]},
    "user_data_timestamp": {"as_of_time": "2026-08-07T06:46:28Z"},
    "cutoff": {"market_settled_ts": 1, "trades_created_ts": 2, "orders_updated_ts": 3},
    "error": {"error": {"code": "not_found", "message": "no"}},
}  # fmt: skip
ERRORS: list[Any] = [
    {"error": {"code": "x", "message": "y", "details": "z"}},
    {"code": "x", "message": "y", "details": "z"},
    {"msg": "limit too high"},
    {"error": "too many requests"},
]


def rest(kind: str) -> bytes:
    """A REST body of this kind."""
    return json.dumps(REST[kind]).encode()
