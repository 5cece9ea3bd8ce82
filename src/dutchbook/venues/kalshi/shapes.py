"""Which keys tell the kinds of Kalshi's REST bodies apart."""

from typing import Any, Final

import msgspec

from dutchbook.venues.kalshi.errors import BROKEN

EXACT: Final[tuple[tuple[str, str, type, tuple[str, ...]], ...]] = (
    ("events", "events", list, ("cursor", "milestones")),
    ("event", "event", dict, ("markets",)),
    ("markets", "markets", list, ("cursor",)),
    ("market", "market", dict, ()),
    ("series_list", "series", list, ("cursor",)),
    ("series", "series", dict, ()),
    ("orderbooks", "orderbooks", list, ()),
    ("trades", "trades", list, ("cursor",)),
    ("fills", "fills", list, ("cursor",)),
    ("orders", "orders", list, ("cursor",)),
    ("order", "order", dict, ("reduced_by_fp", "old_order")),
    ("positions", "market_positions", list, ("event_positions", "cursor")),
    ("settlements", "settlements", list, ("cursor",)),
    ("queue_positions", "queue_positions", list, ()),
    ("order_groups", "order_groups", list, ("cursor",)),
    ("schedule", "schedule", dict, ()),
    ("user_data_timestamp", "as_of_time", str, ()),
    ("fee_changes", "series_fee_change_arr", list, ("cursor",)),
    ("fee_changes", "series_fee_changes", list, ("cursor",)),
    ("fee_changes", "event_fee_changes", list, ("cursor",)),
    ("fee_changes", "fee_changes", list, ("cursor",)),
    ("collections", "multivariate_contracts", list, ("cursor",)),
    ("collections", "multivariate_event_collections", list, ("cursor",)),
    ("api_keys", "api_keys", list, ()),
    ("endpoint_costs", "endpoint_costs", list, ("default_cost",)),
    ("milestones", "milestones", list, ("cursor",)),
)
"""(kind, the key that makes it, that key's type, what else may stand beside it)."""

HOLDING: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("candlesticks", ("candlesticks",)),
    ("orderbook", ("orderbook_fp",)),
    ("exchange_status", ("exchange_active", "trading_active")),
    ("account_limits", ("usage_tier", "read", "write")),
    ("balance", ("balance", "portfolio_value")),
    ("bare_market", ("ticker", "event_ticker", "status", "market_type")),
    ("bare_event", ("event_ticker", "series_ticker", "title", "mutually_exclusive")),
    ("bare_series", ("ticker", "fee_type", "fee_multiplier")),
    ("collection", ("collection_ticker", "associated_events")),
    ("cutoff", ("market_settled_ts", "trades_created_ts")),
    ("order_reply", ("order_id", "ts_ms", "fill_count")),
    ("order_reply", ("order_id", "ts_ms", "remaining_count")),
    ("order_reply", ("order_id", "reduced_by")),
    ("order_group", ("order_group_id",)),
    ("order_group", ("is_auto_cancel_enabled",)),
    ("api_key", ("api_key_id", "private_key")),
    ("bare_order", ("order_id", "ticker", "status", "remaining_count_fp")),
    ("bare_fill", ("fill_id", "order_id", "count_fp")),
    ("queue_position", ("queue_position_fp",)),
    ("resting_value", ("total_resting_order_value",)),
    ("grid", ("price_ranges", "price_level_structure")),
)
"""(kind, keys that must all be there)."""

KINDS: Final = frozenset(
    [kind for kind, *_ in EXACT] + [kind for kind, _ in HOLDING] + ["error", "metadata"]
)
_METADATA = ("market_details", "image_url")
_NAMES = (
    "ticker",
    "market_ticker",
    "event_ticker",
    "series_ticker",
    "collection_ticker",
    "order_id",
    "trade_id",
    "id",
)


def kind_of(body: Any) -> str:
    """The kind of a parsed body by its keys, "" if it is none of Kalshi's."""
    if not isinstance(body, dict):
        return ""
    if isinstance(body.get("type"), str) and ("msg" in body or "sid" in body):
        return "ws"
    for kind, name, form, beside in EXACT:
        if isinstance(body.get(name), form) and all(k == name or k in beside for k in body):
            return kind
    for kind, names in HOLDING:
        if all(name in body for name in names):
            return kind
    if _is_error(body):
        return "error"
    return "metadata" if all(name in body for name in _METADATA) else ""


def _is_error(body: dict[str, Any]) -> bool:
    """Kalshi's four ways to refuse."""
    if isinstance(body.get("error"), dict | str):
        return len(body) == 1
    if isinstance(body.get("code"), str) and isinstance(body.get("message"), str):
        return all(name in ("code", "message", "details", "service") for name in body)
    return list(body) == ["msg"] and isinstance(body["msg"], str)


def name_of(body: dict[str, Any]) -> str:
    """What a thing is called, by whichever of its ids stands first, "" if it has none."""
    got = (body.get(name) for name in _NAMES)
    return next((name[:200] for name in got if isinstance(name, str) and name), "")


def name_in(data: bytes | msgspec.Raw) -> str:
    """The same for bytes."""
    try:
        body = msgspec.json.decode(data)
    except BROKEN:
        return ""
    return name_of(body) if isinstance(body, dict) else ""
