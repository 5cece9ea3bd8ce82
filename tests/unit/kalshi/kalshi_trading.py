"""A trading Kalshi in a few words: orders, answers, and the venue's own records of them."""

import json
from typing import Any

import msgspec

from dutchbook.domain.account_events import ClockSeen
from dutchbook.domain.effects import SubmitOrder
from dutchbook.domain.events import Event
from dutchbook.domain.orders import Order
from dutchbook.venues.base import Call, Drop, Out, Redial, Send, Wake
from dutchbook.venues.kalshi import Config, Kalshi

NOW = 1_786_085_188_978_000_000
MS = 1_786_085_188_978
T = "KXFED-26DEC-T4.00"
KEY = f"kalshi:{T}"
CONFIG = Config(key_id="me", key="keys/me.pem", account="main")
PRIVATE = "kalshi.account"
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Event]).decode


def order(name: str = "e1.7-0", **words: Any) -> Order:
    """Buy two YES at 0.44, resting, unless said otherwise."""
    plain: dict[str, Any] = {
        "id": name, "venue": "kalshi", "account": "main", "key": KEY, "outcome": "yes",
        "action": "buy", "px": 440_000, "qty": 2_000_000, "tif": "gtc", "made_at": NOW,
        "purpose": "leg",
    }  # fmt: skip
    return Order(**(plain | words))


def trading(**words: Any) -> Kalshi:
    """The venue with an account, started; its first questions are still out."""
    venue = Kalshi(msgspec.structs.replace(CONFIG, **words))
    venue.start(NOW)
    return venue


def sent(venue: Kalshi, one: Order) -> Call:
    """The request that an order becomes."""
    return call(venue.do(SubmitOrder(one), NOW))


def call(outs: list[Out]) -> Call:
    """The one request among these."""
    (only,) = calls(outs)
    return only


def calls(outs: list[Out]) -> list[Call]:
    return [out for out in outs if isinstance(out, Call)]


def facts(outs: list[Out]) -> list[Any]:
    """What is no request: the events; each of them can be written down and read again."""
    events: list[Any] = [
        out for out in outs if not isinstance(out, Call | Drop | Wake | Send | Redial)
    ]
    assert _decode(_encode(events)) == events
    return events


def reply(venue: Kalshi, asked: Call, status: int, body: Any, now: int = NOW) -> list[Out]:
    """Answer a request; a body that is not bytes becomes JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return venue.on_reply(asked.id, status, data, now)


def created(filled: str = "0.00", left: str = "2.00", **more: Any) -> dict[str, Any]:
    return {"order_id": "v1", "fill_count": filled, "remaining_count": left, "ts_ms": MS} | more


def record(**words: Any) -> dict[str, Any]:
    """The venue's record of order(): over REST, and in user_order alike."""
    plain = {
        "order_id": "v1", "user_id": "u", "client_order_id": "e1:7-0", "ticker": T,
        "status": "resting", "outcome_side": "yes", "book_side": "bid",
        "yes_price_dollars": "0.4400", "no_price_dollars": "0.5600", "initial_count_fp": "2.00",
        "fill_count_fp": "0.00", "remaining_count_fp": "2.00",
        "created_time": "2026-08-07T06:46:28.978Z", "exchange_index": 0,
    }  # fmt: skip
    return plain | words


def fill(trade: str = "t1", **words: Any) -> dict[str, Any]:
    """A fill of one contract of order(), over REST."""
    plain = {
        "fill_id": trade, "trade_id": trade, "order_id": "v1", "ticker": T, "market_ticker": T,
        "outcome_side": "yes", "book_side": "bid", "count_fp": "1.00",
        "yes_price_dollars": "0.4400", "no_price_dollars": "0.5600", "is_taker": True,
        "fee_cost": "0.017248", "created_time": "2026-08-07T06:46:28.978Z",
    }  # fmt: skip
    return plain | words


def fill_frame(**words: Any) -> bytes:
    """The same as a message of the private stream."""
    msg = {
        "trade_id": "t1", "order_id": "v1", "client_order_id": "e1:7-0", "market_ticker": T,
        "exchange_index": 0, "is_taker": True, "side": "yes", "action": "buy",
        "outcome_side": "yes", "book_side": "bid", "purchased_side": "yes",
        "yes_price_dollars": "0.4400", "count_fp": "1.00", "fee_cost": "0.017248",
        "post_position_fp": "1.00", "ts": MS // 1000, "ts_ms": MS,
    }  # fmt: skip
    return frame("fill", msg | words)


def order_frame(**words: Any) -> bytes:
    return frame("user_order", record(created_ts_ms=MS, is_yes=True, **words))


def frame(kind: str, msg: Any, **envelope: Any) -> bytes:
    return json.dumps({"type": kind, "sid": 1, **envelope, "msg": msg}).encode()


def bare(events):
    """Without the hashes of the venue's bytes, of which only that they are there is said."""
    out = []
    for event in events:
        if getattr(event, "evidence", ""):
            assert len(event.evidence) == 32
            event = type(event)(
                **{**{f: getattr(event, f) for f in event.__struct_fields__}, "evidence": ""}
            )
        if not isinstance(event, ClockSeen):
            out.append(event)
    return out


def page(name: str, *items: Any, cursor: Any = "") -> dict[str, Any]:
    """A page of a list."""
    return {name: list(items), "cursor": cursor}
