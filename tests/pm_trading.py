"""Words for stories about trading on Polymarket: a venue that may trade, orders, answers."""

import json
from typing import Any

import msgspec

from dutchbook.domain.effects import AskAccount, AskOrder, SubmitOrder
from dutchbook.domain.orders import Order
from dutchbook.domain.units import MILLI, SECOND, Ns
from dutchbook.venues.base import Call, Wake
from dutchbook.venues.polymarket import Polymarket, build
from dutchbook.venues.polymarket.signed import name_of, wallet
from pm import CID, CONFIG, KEY, NO, NOW, T0, YES, event, market, page

ADDRESS = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
OTHER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
MINE = msgspec.structs.replace(
    CONFIG, account="main", address=ADDRESS, data_url="http://data", geoblock_url="http://geo",
    user_ws="ws://user",
)  # fmt: skip
PAYER = wallet(ADDRESS, "", 0, 137)
USER = "polymarket.user"


def order(n: int = 1, **changed: Any) -> Order:
    """Buys 10 YES at 40 cents, unless told otherwise."""
    made = Order(
        f"o-{n}", "polymarket", "main", KEY, "yes", "buy", 400_000, 10_000_000, "gtc", NOW, "leg",
        token=YES, neg_risk=True,
    )  # fmt: skip
    return msgspec.structs.replace(made, **changed)


def name(one: Order) -> str:
    return name_of(one, PAYER)


def calls(out: list[Any], part: str = "") -> list[Call]:
    return [one for one in out if isinstance(one, Call) and part in one.url]


def call(out: list[Any], part: str) -> Call:
    (found,) = calls(out, part)
    return found


def facts(out: list[Any]) -> list[Any]:
    """What is said, without what is wanted done."""
    return [one for one in out if not isinstance(one, Call | Wake)]


def wake(out: list[Any], token: str) -> Wake:
    (found,) = [one for one in out if isinstance(one, Wake) and one.token == f"account:{token}"]
    return found


def reply(venue: Polymarket, asked: Call, status: int, body: Any, at: Ns = NOW) -> list[Any]:
    data = body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode()
    return venue.on_reply(asked.id, status, data, at)


def admitted(**changed: Any) -> Polymarket:
    """A venue with one market that has said that we may trade."""
    venue = build(msgspec.structs.replace(MINE, **changed))
    out = venue.start(NOW)
    reply(venue, call(out, "geo"), 200, {"blocked": False, "country": "PT"})
    reply(venue, call(out, "closed-only"), 200, {"closed_only": False})
    reply(venue, call(out, "/version"), 200, {"version": 2})
    venue.on_reply(call(out, "keyset").id, 200, page(event(market())), NOW)
    return venue


def sent(venue: Polymarket, *orders: Order, again: bool = False) -> Call:
    """Send orders one by one or, if there are several, together; return the request."""
    from dutchbook.domain.effects import SubmitOrders

    if len(orders) == 1:
        out = venue.do(SubmitOrder(orders[0], again), NOW)
    else:
        out = venue.do(SubmitOrders("polymarket", orders), NOW)
    assert facts(out) == []
    return call(out, "/order")


def trade(taken: str, **changed: Any) -> dict[str, Any]:
    """A match of a taker's order for 10 YES at 40 cents against one maker of another's."""
    body = {
        "id": "t-1", "taker_order_id": taken, "market": CID, "asset_id": YES, "side": "BUY",
        "size": "10", "fee_rate_bps": "0", "price": "0.4", "status": "MATCHED",
        "match_time": str(T0 // 1000), "last_update": str(T0 // 1000), "outcome": "Yes",
        "bucket_index": 0, "owner": "k", "maker_address": ADDRESS, "transaction_hash": "",
        "trader_side": "TAKER",
        "maker_orders": [maker("0xother", "10", "0.4")],
    }  # fmt: skip
    return body | changed


def maker(made: str, size: str, price: str, **changed: Any) -> dict[str, Any]:
    body = {
        "order_id": made, "owner": "x", "maker_address": OTHER, "matched_amount": size,
        "price": price, "fee_rate_bps": "0", "asset_id": YES, "outcome": "Yes", "side": "SELL",
        "outcome_index": 0,
    }  # fmt: skip
    return body | changed


def listed(one: Order, **changed: Any) -> dict[str, Any]:
    """An order as `/data/orders` has it."""
    body = {
        "id": name(one), "status": "LIVE", "owner": "k", "maker_address": ADDRESS, "market": CID,
        "asset_id": one.token, "side": one.action.upper(), "original_size": "10",
        "size_matched": "0", "price": "0.4", "outcome": "Yes", "expiration": "0",
        "order_type": "GTC", "associate_trades": [], "created_at": T0 // 1000,
    }  # fmt: skip
    return body | changed


def pages(*rows: Any, cursor: str = "LTE=") -> dict[str, Any]:
    return {"data": list(rows), "next_cursor": cursor, "limit": 100, "count": len(rows)}


def asked(venue: Polymarket, one: Order) -> list[Any]:
    return venue.do(AskOrder(one, "", "story"), NOW)


def report(venue: Polymarket, since: Ns = Ns(0), *orders: Order) -> list[Any]:
    return venue.do(AskAccount("polymarket", "story", orders, since), NOW)


def frame(kind: str, **body: Any) -> bytes:
    return json.dumps({"event_type": kind, **body}, separators=(",", ":")).encode()


def later(seconds: float) -> Ns:
    return Ns(NOW + int(seconds * 1_000) * MILLI)


__all__ = [
    "ADDRESS", "CID", "KEY", "MINE", "NO", "NOW", "OTHER", "PAYER", "SECOND", "T0", "USER", "YES",
    "admitted", "asked", "call", "calls", "facts", "frame", "later", "listed", "maker", "name",
    "order", "pages", "reply", "report", "sent", "trade", "wake",
]  # fmt: skip
