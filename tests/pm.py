"""Words for stories about Polymarket: markets, frames, and a venue that has discovered them."""

import hashlib
import json
from typing import Any

from dutchbook.domain.units import MILLI, SECOND, Ns
from dutchbook.venues.base import Call
from dutchbook.venues.polymarket import Config, Polymarket, build

YES, NO = "7132104567925221259462638553270691275033", "5211431950124591551605510604688420996992"
CID = "0x" + "5f" * 32
KEY = f"polymarket:{CID}"
STREAM = "polymarket.market.0"
T0 = 1_790_000_000_000
NOW = Ns((T0 + 1_000) * MILLI)
CONFIG = Config(clob_url="http://clob", gamma_url="http://gamma", ws_url="ws://market")


def market(**changed: Any) -> dict[str, Any]:
    """A Gamma market, JSON inside strings as the venue has it."""
    body: dict[str, Any] = {
        "conditionId": CID,
        "question": "Will the Fed cut?",
        "slug": "fed-cut",
        "description": "Resolves by the statement.",
        "groupItemTitle": "25 bps",
        "outcomes": '["Yes", "No"]',
        "clobTokenIds": json.dumps([YES, NO]),
        "orderPriceMinTickSize": 0.01,
        "orderMinSize": 5,
        "endDate": "2026-12-10T12:00:00Z",
        "active": True,
        "closed": False,
        "acceptingOrders": True,
        "enableOrderBook": True,
        "negRisk": True,
        "feesEnabled": True,
        "feeSchedule": {"exponent": 1, "rate": 0.04, "rebateRate": 0.25, "takerOnly": True},
        "volumeNum": 1234.56789012,
    }
    return body | changed


def event(*markets: dict[str, Any], **changed: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "slug": "fed-december",
        "title": "Fed in December",
        "negRisk": True,
        "negRiskAugmented": False,
        "tags": [{"label": "Economics"}],
        "markets": list(markets),
    }
    return body | changed


def page(*events: dict[str, Any], cursor: str | None = None) -> bytes:
    return json.dumps(
        {"events": list(events)} | ({"next_cursor": cursor} if cursor else {})
    ).encode()


def discovered(*events: dict[str, Any], config: Config = CONFIG) -> tuple[Polymarket, list[Any]]:
    """A venue that has read one page, and what it made of it."""
    venue = build(config)
    (call,) = venue.start(NOW)
    assert isinstance(call, Call)
    return venue, venue.on_reply(call.id, 200, page(*(events or (event(market()),))), NOW)


def opened() -> Polymarket:
    """A venue with one market, whose socket is open and whose two books have been seen."""
    venue, _ = discovered()
    venue.on_open(STREAM, NOW)
    for token in (YES, NO):
        venue.on_frame(STREAM, book(token, [("0.40", "10")], [("0.60", "10")], 0), NOW)
    return venue


def wire(**body: Any) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


def book(
    token: str,
    bids: list[tuple[str, str]],
    asks: list[tuple[str, str]],
    ms: int,
    *,
    hashed: bool = False,
    **changed: Any,
) -> bytes:
    """A book message; `hashed` adds the fields of the hash and the hash by its definition."""
    body: dict[str, Any] = {
        "market": CID,
        "asset_id": token,
        "timestamp": str(T0 + ms),
        "hash": "",
        "bids": [{"price": p, "size": s} for p, s in bids],
        "asks": [{"price": p, "size": s} for p, s in asks],
    }
    if hashed:
        body |= {"min_order_size": "5", "tick_size": "0.01", "neg_risk": True}
        body |= {"last_trade_price": "0.41"}
        text = json.dumps(body, separators=(",", ":"))
        body["hash"] = hashlib.sha1(text.encode()).hexdigest()
    return wire(**(body | changed), event_type="book")


def change(token: str, price: str, size: str, side: str, **more: Any) -> dict[str, Any]:
    return {"asset_id": token, "price": price, "size": size, "side": side, "hash": "ab"} | more


def changes(ms: int, *rows: dict[str, Any], **changed: Any) -> bytes:
    body = {"market": CID, "price_changes": list(rows), "timestamp": str(T0 + ms)}
    return wire(**(body | changed), event_type="price_change")


def after(ms: int) -> Ns:
    return Ns(NOW + ms * MILLI)


__all__ = ["CID", "CONFIG", "KEY", "NO", "NOW", "SECOND", "STREAM", "T0", "YES"]
