"""Examples of the OpenAPI file, by operation id; every one of them is a valid message."""

from typing import Any, Final

_AT: Final = "2026-11-20T15:04:05.123456Z"
_A: Final = {
    "platform": "kalshi", "market_id": "KXFED-26DEC-T4.00", "outcome": "no", "price": 0.44,
    "quantity": 180,
}  # fmt: skip
_B: Final = _A | {"platform": "polymarket", "market_id": "0x5f65177b", "outcome": "yes",
                  "price": 0.515}  # fmt: skip
OPPORTUNITY: Final[dict[str, Any]] = {
    "id": "o1042-0", "kind": "cross_venue", "market_a": _A, "market_b": _B, "legs": [_A, _B],
    "profit_pct": 3.1, "expected_profit": 5.58, "capital": 174.42, "quantity": 180,
    "confidence": 0.97, "annualised_pct": 234, "estimated_fill_time_ms": 500,
    "created_at": _AT, "closed_at": None, "status": "open",
}  # fmt: skip
MARKET: Final[dict[str, Any]] = {
    "id": "kalshi:KXFED-26DEC-T4.00", "platform": "kalshi", "market_id": "KXFED-26DEC-T4.00",
    "event": "kalshi:KXFED-26DEC", "title": "Fed funds rate above 4.00 %?", "outcome": "Yes",
    "category": "Economics", "status": "open", "closes": _AT, "bid": 0.42, "ask": 0.44,
    "bid_size": 100, "ask_size": 250, "mid_price": 0.43, "spread": 0.02, "last_update": _AT,
    "volume": 125000,
}  # fmt: skip
ORDER: Final[dict[str, Any]] = {
    "order_id": "3f1c9a2b-1042-0", "platform": "kalshi", "market_id": "KXFED-26DEC-T4.00",
    "outcome": "yes", "side": "buy", "price": 0.44, "quantity": 25, "filled": 0,
    "status": "OPEN", "time_in_force": "gtc", "purpose": "manual", "strategy": "", "why": "",
    "updated_at": _AT,
}  # fmt: skip
SENT: Final[dict[str, Any]] = {
    "submit_order_post": {
        "platform": "kalshi", "market_id": "KXFED-26DEC-T4.00", "outcome": "yes", "side": "buy",
        "amount": 25, "price": 0.44, "order_type": "limit", "time_in_force": "GTC",
    },
    "cancel_orders_post": {"order_id": "3f1c9a2b-1042-0"},
    "execute_post": {"opportunity_id": "o1042-0", "min_profit_pct": 2.2},
    "detect_post": {"min_profit_threshold": 1.5, "max_positions": 10,
                    "time_window_seconds": 10, "platforms": ["kalshi", "polymarket"]},
    "normalize_post": {
        "source": "polymarket",
        "raw_data": {"market": "0x5f65177b", "best_bid": "0.51", "best_ask": "0.52",
                     "timestamp": "1790000000000"},
    },
    "halt_post": {"scope": "venue:kalshi", "level": "pause"},
    "resume_post": {"scope": "venue:kalshi"},
    "kill_post": {"flatten": False},
    "ask_approval_post": {"action": "clear_kill", "reason": "the feed is whole again"},
    "login_post": {"name": "ann", "password": "correct horse battery"},
    "new_key_post": {"name": "grafana", "role": "viewer", "days": 30},
    "custom_metric_post": {"name": "model_drift", "value": "0.12"},
}  # fmt: skip
ANSWERED: Final[dict[str, Any]] = {
    "list_markets_get": {"items": [MARKET], "next": ""},
    "list_opportunities_get": {"items": [OPPORTUNITY], "next": ""},
    "list_orders_get": {"items": [ORDER], "next": ""},
    "order_get": ORDER,
    "submit_order_post": {
        "order_id": "3f1c9a2b-1042-0", "status": "SUBMITTED", "submitted_at": _AT,
        "estimated_fill_price": 0.44, "estimated_total": 11.0, "signal_id": "",
    },
    "detect_post": {"opportunities": [OPPORTUNITY], "scan_duration_ms": 1.8, "scanned": 812},
}  # fmt: skip
