"""Every message of the protocol notes becomes events, its kind found by its shape."""

import json
from collections import Counter

import pytest
from kalshi_messages import ERRORS, EVENT, MARKET, REST, WS, E, T, delta, rest, snapshot

from dutchbook.domain.errors import RemoteProtocolError
from dutchbook.domain.events import BodySeen, BookLevels, BookSeen, InstrumentListed
from dutchbook.venues.kalshi import Reader, bodies, decode, kind_of

REAL = {
    "events": ["EventListed", "InstrumentListed"],
    "event": ["EventListed", "InstrumentListed"],
    "bare_event": ["EventListed", "InstrumentListed"],
    "markets": ["InstrumentListed"],
    "market": ["InstrumentListed", "MarketResolved"],
    "bare_market": ["InstrumentListed"],
    "orderbook": ["BookSeen"],
    "orderbooks": ["BookSeen"],
    "trades": ["TradePrinted"],
}


@pytest.mark.parametrize("kind", list(REST))
def test_a_rest_body_is_known_by_its_shape(kind):
    assert kind_of(REST[kind]) == kind
    events = decode("", rest(kind), market=T)
    assert [type(one).__name__ for one in events] == REAL.get(kind, ["BodySeen"])
    if isinstance(events[0], BodySeen):
        assert events[0].kind == kind
    assert decode(kind, rest(kind), market=T) == events


def test_every_websocket_message_is_known():
    names = Counter(
        one.kind if isinstance(one, BodySeen) else type(one).__name__
        for data in WS
        for one in decode("", data)
    )
    assert names == {
        "BookLevels": 4, "TopSeen": 1, "TradePrinted": 1, "StatusChanged": 4, "MarketResolved": 1,
        "GridChanged": 1, "subscribed": 1, "ok": 2, "unsubscribed": 1, "error": 2, "fill": 1,
        "user_order": 1, "market_position": 1, "order_group_updates": 1, "market_lifecycle_v2": 3,
        "event_lifecycle": 1, "event_fee_update": 1,
    }  # fmt: skip


def test_kalshis_four_ways_to_refuse_are_recognised():
    for error in ERRORS:
        assert decode("", json.dumps(error).encode()) == [BodySeen("kalshi", "error", 1)]


def test_a_single_book_takes_its_name_from_the_question():
    (book,) = decode("orderbook", rest("orderbook"), market=T)
    assert isinstance(book, BookSeen)
    assert book.key == f"kalshi:{T}"


def test_bodies_are_found_in_any_envelope_with_their_paths():
    capture = {
        "captured_at": "2026-08-07", "note": "x", "answers": [{"count": 1}],
        "payloads": {"a": REST["series"], "b": [{"received_ms": 1, "frame": json.loads(WS[6])}]},
        "events": [EVENT],
    }  # fmt: skip
    assert [(path, kind) for path, kind, _ in bodies(capture)] == [
        ("payloads.a", "series"),
        ("payloads.b[0].frame", "ws"),
        ("events[0]", "bare_event"),
    ]
    assert len(decode("", json.dumps(capture).encode())) == 4


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"events": [{**EVENT, "markets": [MARKET, {**MARKET, "volume_fp": 1.5}]}]},
         "events[0].markets[1].volume_fp"),
        ({"market": {**MARKET, "yes_bid_dollars": 0.44}}, "market.yes_bid_dollars"),
        ({"market": {**MARKET, "open_interest_fp": "NaN"}}, "market.open_interest_fp"),
        ({"market": {**MARKET, "ticker": "x" * 300}}, "market.ticker"),
        ({"candlesticks": [{"price": {"open_dollars": "0,3"}}]},
         "candlesticks[0].price.open_dollars"),
        ({"orderbooks": [{"ticker": T, "orderbook_fp": {"yes_dollars": [["1.5", "1.00"]]}}]},
         "orderbooks[0].orderbook_fp.yes_dollars[0][0]"),
        ({"trades": [{**REST["trades"]["trades"][0], "created_time": "yesterday"}]},
         "trades[0].created_time"),
        ({"series": {"ticker": "KXFED", "fee_type": "flat", "fee_multiplier": 1}},
         "series.fee_type"),
        ({"event_ticker": E, "unknown": 1}, ""),
        ([1, 2, 3], ""),
    ],
)  # fmt: skip
def test_a_bad_body_is_a_typed_error_with_the_place(body, where):
    with pytest.raises(RemoteProtocolError) as caught:
        decode("", json.dumps(body).encode())
    assert caught.value.where == where


def test_a_kind_that_is_none_is_refused():
    with pytest.raises(RemoteProtocolError):
        decode("no_such_kind", b"{}")
    with pytest.raises(RemoteProtocolError):
        decode("balance", b"[]")


def test_a_replay_lists_a_market_before_its_first_book_and_numbers_start_anew_when_reopened():
    reader = Reader()
    first = reader.read(snapshot(1), 0)
    assert [type(one) for one in first] == [InstrumentListed, BookLevels]
    assert [type(one) for one in reader.read(delta(2), 0)] == [BookLevels]
    assert [type(one).__name__ for one in reader.open()] == ["FeedUp"]
    assert [type(one) for one in reader.read(snapshot(1), 0)] == [BookLevels]
