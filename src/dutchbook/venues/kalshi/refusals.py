"""What an answer that is no success means for an order: refused, unknown, or already there."""

import hashlib
from typing import Any, Final, Literal

import msgspec

from dutchbook.domain.orders import Reason
from dutchbook.venues.kalshi.errors import BROKEN

Verdict = Literal["refused", "unknown", "exists"]
TEXT_MAX: Final = 300

_REASONS: Final[dict[str, Reason]] = {
    "insufficient_balance": "funds",
    "user_not_found": "funds",  # a shard that was never funded
    "invalid_price": "price",
    "fill_or_kill_insufficient_resting_volume": "killed",
    "immediate_or_cancel_insufficient_resting_volume": "no_match",
    "market_not_found": "closed",
    "market_closed": "closed",
    "market_inactive": "closed",
    "market_paused": "closed",
    "trading_paused": "cancel_only",
    "trading_is_paused": "cancel_only",
    "exchange_paused": "cancel_only",
    "exchange_closed": "cancel_only",
    "deprecated_v1_order_endpoint": "disabled",
    "authentication_error": "unauthorized",
}
_WORDS: Final[tuple[tuple[str, Reason], ...]] = (
    ("post only", "post_only_cross"),
    ("post_only", "post_only_cross"),
    ("reduce only", "reduce_only"),
    ("reduce_only", "reduce_only"),
    ("self trade", "self_trade"),
    ("price", "price"),
    ("count", "size"),
    ("quantity", "size"),
    ("expir", "expired"),
)
_OF_STATUS: Final[dict[int, Reason]] = {
    401: "unauthorized",
    403: "unauthorized",
    410: "disabled",
    429: "throttled",
}
"""Refusals that need no words: the gate itself turned the request away."""
_REGION: Final = ("region", "geo", "location", "jurisdiction", "country")
_WORDED: Final = (400, 404, 409)
"""Refusals that are believed only in Kalshi's own words; anything else is nobody's evidence."""


class Refusal(msgspec.Struct, frozen=True):
    """An answer read: the verdict, the reason where refused, the venue's words."""

    verdict: Verdict
    reason: Reason
    code: str
    text: str
    status: int


class _Detail(msgspec.Struct):
    code: str = ""
    message: str = ""
    details: Any = None


class _Body(msgspec.Struct):
    error: _Detail | str | None = None
    code: str = ""
    message: str = ""
    details: Any = None
    msg: str = ""


_body = msgspec.json.Decoder(_Body)


def words(body: bytes) -> tuple[str, str]:
    """(code, text) of Kalshi's four ways to refuse; ("", "") for what is none of them."""
    try:
        read = _body.decode(body)
    except BROKEN:
        return "", ""
    if isinstance(read.error, str):
        return "", _plain(read.error)
    inner = read.error if isinstance(read.error, _Detail) else read
    details = inner.details if isinstance(inner.details, str) else ""
    text = ": ".join(part for part in (inner.message, details) if part)
    return _plain(inner.code), _plain(text or read.msg)


def refusal(status: int, body: bytes) -> Refusal:
    """What an answer other than the expected success means for a request to place an order."""
    code, text = words(body)
    said = _plain(f"{status} {code} {text}".strip())
    if code == "order_already_exists":
        return Refusal("exists", "duplicate", code, said, status)
    if status == 403 and any(word in said.lower() for word in _REGION):
        return Refusal("refused", "blocked", code, said, status)
    if status in _OF_STATUS:
        return Refusal("refused", _OF_STATUS[status], code, said, status)
    if status in _WORDED and (code or text):
        return Refusal("refused", _reason(code, text), code, said, status)
    return item(code, text, said, status)


def item(code: str, text: str, said: str, status: int) -> Refusal:
    """An answer that is no evidence either way: 2xx with other content, 408, 5xx, HTML, empty."""
    return Refusal("unknown", "other", code, said or f"status {status}", status)


def batch_item(code: str, message: str, details: str) -> Refusal:
    """One order's error inside the answer to a batch."""
    text = _plain(": ".join(part for part in (message, details) if part))
    said = _plain(f"{code} {text}")
    if code == "order_already_exists":
        return Refusal("exists", "duplicate", code, said, 409)
    if any(word in code for word in ("internal", "timeout", "unavailable")) or not code:
        return item(code, text, said, 500)
    return Refusal("refused", _reason(code, text), code, said, 400)


def evidence(body: bytes) -> str:
    """BLAKE2b-128 of the venue's own bytes, in hex; "" where there are none."""
    return hashlib.blake2b(body, digest_size=16).hexdigest() if body else ""


def _reason(code: str, text: str) -> Reason:
    if code in _REASONS:
        return _REASONS[code]
    lower = f"{code} {text}".lower()
    return next((reason for word, reason in _WORDS if word in lower), "other")


def _plain(text: str) -> str:
    """Untrusted words on one line: no control or direction characters, not too many."""
    return "".join(c if c.isprintable() else " " for c in text[:TEXT_MAX])
