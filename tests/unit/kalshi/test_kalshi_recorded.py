"""Kalshi's own recorded bytes through the real parser, against an independent reading of them."""

import json
from collections import Counter
from decimal import Decimal

import pytest

from dutchbook.domain.events import (
    ASK,
    BID,
    BodySeen,
    BookLevels,
    BookSeen,
    EventListed,
    InstrumentListed,
    MarketResolved,
    TradePrinted,
)
from dutchbook.venues.kalshi import Reader, bodies, decode
from recorded import DATA, recorded

SKIPPED = ("odds_", "summary", "coverage", "probe")
FILES = sorted(
    path.name
    for path in (DATA / "kalshi/recorded").glob("*.json")
    if not any(word in path.name for word in SKIPPED)
)


def frames():
    path = recorded("kalshi/recorded/ws_orderbook_stream.json")
    return [one["frame"] for one in json.loads(path.read_text())["frames"]]


def millionths(text: str) -> int:
    return int(Decimal(text) * 1_000_000)


def twin(raw):
    """Books by adding decimals in a dict: no line shared with the parser."""
    books: dict[str, dict[tuple[str, Decimal], Decimal]] = {}
    for frame in raw:
        msg = frame["msg"]
        if frame["type"] == "orderbook_snapshot":
            books[msg["market_ticker"]] = {
                (side, Decimal(px)): Decimal(size)
                for side in ("yes", "no")
                for px, size in msg.get(f"{side}_dollars_fp", [])
            }
        elif frame["type"] == "orderbook_delta":
            book = books[msg["market_ticker"]]
            at = (msg["side"], Decimal(msg["price_dollars"]))
            book[at] = book.get(at, Decimal(0)) + Decimal(msg["delta_fp"])
            if book[at] == 0:
                del book[at]
    return {
        f"kalshi:{name}": {
            (
                BID if side == "yes" else ASK,
                int((px if side == "yes" else 1 - px) * 1_000_000),
            ): int(size * 1_000_000)
            for (side, px), size in book.items()
        }
        for name, book in books.items()
    }


def test_the_recorded_stream_gives_its_snapshots_and_deltas_in_order_without_a_gap():
    reader, counts = Reader(), Counter()
    books: dict[str, dict[tuple[int, int], int]] = {}
    raw = frames()
    for frame in raw:
        for event in reader.read(json.dumps(frame).encode(), 0):
            if not isinstance(event, BookLevels):
                counts[type(event).__name__] += 1
                continue
            counts["snapshot" if event.snapshot else "delta"] += 1
            book = {} if event.snapshot else books[event.key]
            books[event.key] = book
            for side, px, size in event.levels:
                book[side, px] = (0 if event.snapshot else book.get((side, px), 0)) + size
                if book[side, px] == 0:
                    del book[side, px]
    assert counts == {"InstrumentListed": 12, "snapshot": 12, "delta": 245}
    assert Counter(frame["type"] for frame in raw)["ok"] == 11
    assert books == twin(raw)


def test_a_frame_left_out_of_the_recording_is_one_gap():
    reader, kinds = Reader(), Counter()
    raw = frames()
    del raw[100]
    for frame in raw:
        kinds.update(type(event).__name__ for event in reader.read(json.dumps(frame).encode(), 0))
    assert kinds["FeedGap"] == 1
    assert kinds["Duplicate"] == kinds["BadInput"] == 0


@pytest.mark.parametrize("name", FILES or ["absent"])
def test_every_recorded_body_comes_through(name):
    document = json.loads(recorded(f"kalshi/recorded/{name}").read_text())
    found = list(bodies(document))
    assert found
    for path, kind, body in found:
        events = decode("", body)
        assert events, (path, kind)
        assert decode(kind, body) == events


def test_nested_events_become_groups_and_instruments_with_the_venues_own_numbers():
    document = json.loads(recorded("kalshi/recorded/events_sports_nested.json").read_text())
    events = [event for _, _, body in bodies(document) for event in decode("", body)]
    groups = {one.group.key: one.group for one in events if isinstance(one, EventListed)}
    listed = {
        one.instrument.symbol: one.instrument for one in events if isinstance(one, InstrumentListed)
    }
    assert (len(groups), len(listed)) == (32, 245)
    for event in document:
        group = groups[f"kalshi:{event['event_ticker']}"]
        assert group.members == tuple(f"kalshi:{market['ticker']}" for market in event["markets"])
        assert (group.exclusive, group.exhaustive) == (event["mutually_exclusive"], False)
        for market in event["markets"]:
            made = listed[market["ticker"]]
            assert made.event == group.key
            assert made.volume == millionths(market["volume_fp"])
            assert [(b.start, b.end, b.step) for b in made.grid] == [
                tuple(millionths(band[name]) for name in ("start", "end", "step"))
                for band in market["price_ranges"]
            ]
            assert made.rules.startswith(market["rules_primary"])


def test_settled_markets_say_what_a_yes_paid():
    document = json.loads(recorded("kalshi/recorded/markets_settled.json").read_text())
    events = [event for _, _, body in bodies(document) for event in decode("", body)]
    paid = {one.key: one.yes_pays for one in events if isinstance(one, MarketResolved)}
    assert paid == {
        f"kalshi:{one['ticker']}": millionths(one["settlement_value_dollars"])
        for one in document["markets"]
        if one["status"] == "finalized"
    }


def test_order_books_and_trades_of_rest_are_in_yes_terms():
    books = json.loads(recorded("kalshi/recorded/combo_orderbooks.json").read_text())
    seen = [decode("", body)[0] for _, _, body in bodies(books)]
    assert [one.key for one in seen] == [f"kalshi:{book['ticker']}" for book in books]
    for one, book in zip(seen, books, strict=True):
        assert isinstance(one, BookSeen)
        assert one.levels == [
            (BID, millionths(px), millionths(size))
            for px, size in book["orderbook_fp"]["yes_dollars"]
        ] + [
            (ASK, 1_000_000 - millionths(px), millionths(size))
            for px, size in book["orderbook_fp"]["no_dollars"]
        ]
    trades = recorded("kalshi/recorded/rest_trades_sample_zane180.json").read_bytes()
    printed = decode("trades", trades)
    assert [(one.px, one.qty, one.buy_yes) for one in printed if isinstance(one, TradePrinted)] == [
        (
            millionths(one["yes_price_dollars"]),
            millionths(one["count_fp"]),
            one["taker_side"] == "yes",
        )
        for one in json.loads(trades)["trades"]
    ]


def test_series_are_recognised_by_name():
    document = json.loads(recorded("kalshi/recorded/series_fee_fields.json").read_text())
    seen = [event for _, _, body in bodies(document) for event in decode("", body)]
    assert seen == [BodySeen("kalshi", "series", 1, (name,)) for name in document["payloads"]]
