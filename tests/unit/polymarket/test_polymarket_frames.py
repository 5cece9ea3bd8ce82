"""The market socket as stories: what each message becomes, and what a bad one does."""

import json

import pytest

from dutchbook.domain.events import (
    ASK,
    BID,
    BadInput,
    BookLevels,
    EventListed,
    FeedGap,
    FeedUp,
    GridChanged,
    InstrumentListed,
    MarketResolved,
    TopSeen,
    TradePrinted,
)
from dutchbook.domain.instrument import MILL
from dutchbook.domain.units import MILLI, ONE
from dutchbook.venues.base import Send
from dutchbook.venues.polymarket import Config, build
from pm import CID, KEY, NO, NOW, STREAM, T0, YES, after, book, change, changes, opened, wire


def resubscribed(out, *tokens):
    """Whether the answer is: unsubscribe these, subscribe these."""
    sent = [json.loads(o.data) for o in out if isinstance(o, Send)]
    more = {"custom_feature_enabled": True}
    return sent == [
        {"operation": "unsubscribe", "assets_ids": list(tokens)},
        {"operation": "subscribe", "assets_ids": list(tokens), **more},
    ]


def test_a_book_of_each_token_is_shown_in_yes_terms():
    venue = opened()
    bids, asks = [("0.01", "5"), ("0.48", "30.5")], [("0.99", "7"), ("0.52", "25")]
    assert venue.on_frame(STREAM, book(YES, bids, asks, 5), NOW) == [
        BookLevels(
            KEY, 0, STREAM, True, False,
            [(BID, 10_000, 5_000_000), (BID, 480_000, 30_500_000),
             (ASK, 990_000, 7_000_000), (ASK, 520_000, 25_000_000)],
            venue_at=(T0 + 5) * MILLI,
        )
    ]  # fmt: skip
    (no,) = venue.on_frame(STREAM, book(NO, bids, asks, 5), NOW)
    assert no.levels == [
        (ASK, 990_000, 5_000_000), (ASK, 520_000, 30_500_000),
        (BID, 10_000, 7_000_000), (BID, 480_000, 25_000_000),
    ]  # fmt: skip
    assert (no.token, no.snapshot, no.bid, no.ask) == (1, True, -1, -1)


def test_a_hash_that_agrees_is_told_one_that_cannot_be_checked_too():
    venue = opened()
    (sure,) = venue.on_frame(STREAM, book(YES, [("0.4", "1")], [], 5, hashed=True), NOW)
    (unsure,) = venue.on_frame(STREAM, book(YES, [("0.4", "1")], [], 5), NOW)
    assert (sure.hashed, unsure.hashed) == (1, 0)


def test_the_hash_covers_the_compact_json_in_the_venues_order():
    """A golden value: `printf '%s' TEXT | sha1sum` over the text below."""
    text = (
        f'{{"market":"{CID}","asset_id":"{YES}","timestamp":"{T0}","hash":"",'
        '"bids":[{"price":"0.3","size":"100"}],"asks":[{"price":"0.6","size":"100"}],'
        '"min_order_size":"5","tick_size":"0.01","neg_risk":false,"last_trade_price":"0.5"}'
    )
    golden = "cb8fe570fb8df4ee2b314baee5998f1576d0c9ae"
    frame = '{"event_type":"book",' + text[1:].replace('"hash":""', f'"hash":"{golden}"')
    (seen,) = opened().on_frame(STREAM, frame.encode(), NOW)
    assert seen.hashed == 1


def test_a_wrong_hash_is_a_gap_of_the_market_and_asks_for_both_books():
    venue = opened()
    out = venue.on_frame(
        STREAM, book(NO, [("0.4", "1")], [], 5, hashed=True, last_trade_price="0.42"), after(300)
    )
    assert out[0] == FeedGap(STREAM, "hash", KEY, 0, 0, (KEY,))
    assert resubscribed(out, YES, NO)
    assert not any(isinstance(o, BookLevels) for o in out)


def test_changes_come_as_one_event_per_token_with_the_last_claim():
    venue = opened()
    best = {"best_bid": "0.41", "best_ask": "0.59"}
    frame = changes(
        7,
        change(YES, "0.41", "200", "BUY", best_bid="0.4", best_ask="0.6"),
        change(NO, "0.59", "200", "SELL", best_bid="0.41", best_ask="0.59"),
        change(YES, "0.59", "0", "SELL", **best),
    )
    at = (T0 + 7) * MILLI
    assert venue.on_frame(STREAM, frame, NOW) == [
        BookLevels(
            KEY, 0, STREAM, False, False,
            [(BID, 410_000, 200_000_000), (ASK, 590_000, 0)], 410_000, 590_000, at,
        ),
        BookLevels(
            KEY, 1, STREAM, False, False, [(BID, 410_000, 200_000_000)], 410_000, 590_000, at,
        ),
    ]  # fmt: skip


def test_claims_of_empty_sides_and_absent_claims():
    venue = opened()
    empty = change(NO, "0.5", "0", "BUY", best_bid="0", best_ask="1")
    (claimed,) = venue.on_frame(STREAM, changes(1, empty), NOW)
    (silent,) = venue.on_frame(STREAM, changes(2, change(NO, "0.5", "0", "BUY")), NOW)
    half = change(NO, "0.5", "0", "BUY", best_bid="0.3")
    (one,) = venue.on_frame(STREAM, changes(3, half), NOW)
    assert (claimed.bid, claimed.ask) == (0, ONE)
    assert (silent.bid, silent.ask) == (-1, -1)
    assert (one.bid, one.ask) == (-1, 700_000)


def test_an_older_message_is_a_gap_counted_once_per_market_and_not_applied():
    venue = opened()
    venue.on_frame(STREAM, changes(9, change(YES, "0.41", "1", "BUY")), NOW)
    venue.on_frame(STREAM, changes(9, change(NO, "0.41", "1", "BUY")), NOW)
    both = changes(8, change(YES, "0.42", "1", "BUY"), change(NO, "0.42", "1", "BUY"))
    out = venue.on_frame(STREAM, both, after(300))
    assert out[0] == FeedGap(STREAM, "time", KEY, T0 + 9, T0 + 8, (KEY,))
    assert [type(o) for o in out] == [FeedGap, Send, Send]
    assert resubscribed(out, YES, NO)


def test_a_stale_book_sets_no_time_mark():
    """What is not applied is not the last one applied: after a gap, only a whole book marks."""
    venue = opened()
    venue.on_frame(STREAM, b"{", NOW)
    venue.on_frame(STREAM, changes(9, change(YES, "0.41", "1", "BUY")), NOW)
    assert isinstance(venue.on_frame(STREAM, book(YES, [], [], 5), NOW)[0], BookLevels)


def test_notices():
    venue = opened()
    at = (T0 + 3) * MILLI
    common = {"market": CID, "timestamp": str(T0 + 3)}
    tick = {"old_tick_size": "0.01", "new_tick_size": "0.001", "event_type": "tick_size_change"}
    assert venue.on_frame(STREAM, wire(**common, asset_id=YES, **tick), NOW) == [
        GridChanged(KEY, MILL)
    ]
    assert venue.on_frame(STREAM, wire(**common, asset_id=NO, **tick), NOW) == []
    trade = {
        "price": "0.456",
        "size": "219.5",
        "fee_rate_bps": "0",
        "event_type": "last_trade_price",
    }
    for token, side, px, buys in (
        (YES, "BUY", 456_000, True),
        (YES, "SELL", 456_000, False),
        (NO, "BUY", 544_000, False),
        (NO, "SELL", 544_000, True),
    ):
        frame = wire(**common, asset_id=token, side=side, transaction_hash="0xee", **trade)
        assert venue.on_frame(STREAM, frame, NOW) == [
            TradePrinted(KEY, STREAM, px, 219_500_000, buys, "0xee", at)
        ]
    top = {"best_bid": "0.45", "best_ask": "0.47", "spread": "0.02", "event_type": "best_bid_ask"}
    assert venue.on_frame(STREAM, wire(**common, asset_id=NO, **top), NOW) == [
        TopSeen(KEY, 1, STREAM, 530_000, 550_000, at)
    ]
    done = {"id": "1", "assets_ids": [YES, NO], "event_type": "market_resolved"}
    for winner, pays in ((YES, ONE), (NO, 0)):
        frame = wire(**common, winning_asset_id=winner, winning_outcome="x", **done)
        assert venue.on_frame(STREAM, frame, NOW) == [MarketResolved(KEY, pays, at)]


def test_a_new_market_is_listed_subscribed_and_makes_its_event_incomplete():
    venue = opened()
    frame = wire(
        event_type="new_market", id="9", question="50 bps?", market="0xnew", slug="fed-50",
        description="d", assets_ids=["31", "32"], outcomes=["Yes", "No"], condition_id="0xnew",
        event_message={"id": "1", "slug": "fed-december", "title": "Fed in December"},
        active=True, clob_token_ids=["31", "32"], order_price_min_tick_size="0.01",
        group_item_title="50 bps", fees_enabled=True,
        fee_schedule={"rate": "0.04", "exponent": 1}, timestamp=str(T0 + 4), tags=["Economics"],
    )  # fmt: skip
    listed, sent, event = venue.on_frame(STREAM, frame, NOW)
    assert isinstance(listed, InstrumentListed)
    assert listed.instrument.tokens == ("31", "32")
    assert (listed.instrument.fees.taker, listed.instrument.event) == (
        40_000,
        "polymarket:fed-december",
    )
    assert json.loads(sent.data) == {
        "operation": "subscribe",
        "assets_ids": ["31", "32"],
        "custom_feature_enabled": True,
    }
    assert isinstance(event, EventListed)
    assert event.group.members == (KEY, "polymarket:0xnew")
    assert (event.group.exclusive, event.group.exhaustive) == (True, False)
    assert venue.on_frame(STREAM, frame, NOW) == []


@pytest.mark.parametrize(
    ("frame", "where", "what"),
    [
        (b"", "", "truncated"),
        (b'{"event_type":"book"', "", "truncated"),
        (b"\xff\xfe\x00\xc1", "", ""),
        (b'{"event_type":"boook","market":"0x1"}', "event_type", "boook"),
        (b"[1]", "[0]", "Expected"),
        (b"[" * 20_000 + b"]" * 20_000, "", "deep"),
        (changes(1, change(YES, "NaN", "1", "BUY")), "price_changes[0].price", "NaN"),
        (changes(1, change(YES, "0.4", "-1", "BUY")), "price_changes[0].size", "below zero"),
        (changes(1, change(YES, "0.4", "-0", "BUY")), "price_changes[0].size", "below zero"),
        (changes(1, change(YES, "1", "1", "BUY")), "price_changes[0].price", "between"),
        (changes(1, change(YES, "0.4", "1.2345678", "BUY")), "price_changes[0].size", "6 places"),
        (changes(1, change(YES, "０.４", "1", "BUY")), "price_changes[0].price", "decimal"),
        (changes(1, change(YES, "0.4", "1", "buy")), "price_changes[0].side", "buy"),
        (changes(1, change(YES, "0.4", 1, "BUY")), "price_changes[0].size", "Expected `str`"),
        (changes(1, change("99", "0.4", "1", "BUY")), "asset_id", "not known"),
        (changes(1, change(YES, "0.4", "1", "BUY"), market="0xother"), "asset_id", "token is of"),
        (changes(1, change(YES, "0.4", "1", "BUY"), timestamp="0"), "timestamp", "milliseconds"),
        (
            changes(1, change(YES, "0.4", "1", "BUY"), timestamp=str(T0 + 90_000_000)),
            "timestamp",
            "out of range",
        ),
        (book(YES, [("0.4", "1"), ("0.40", "2")], [], 1), "bids, asks", "twice"),
        (book(YES, [("0.4", "0")], [], 1), "bids, asks", "size 0"),
        (book(YES, [("0.4", "1"), ("40", "1")], [], 1), "bids[1].price", "between"),
        (
            changes(1, change(YES, "0.4", "1", "BUY")).replace(b'"size":', b'"size":"9","size":'),
            "",
            "stands twice",
        ),
    ],
)
def test_a_bad_frame_changes_nothing_and_is_one_gap_of_the_whole_socket(frame, where, what):
    venue = opened()
    out = venue.on_frame(STREAM, frame, after(300))
    assert isinstance(out[0], BadInput)
    assert (out[0].stream, out[0].where) == (STREAM, where)
    assert what in out[0].what
    assert out[1] == FeedGap(STREAM, "malformed", STREAM, 0, 0, ())
    assert resubscribed(out[2:], YES, NO)
    assert not any(isinstance(o, BookLevels | FeedGap) for o in out[2:])


def test_a_bad_trade_loses_no_book():
    frame = wire(
        event_type="last_trade_price", market=CID, asset_id=YES, price="0.5", size="1e3",
        side="BUY", timestamp=str(T0),
    )  # fmt: skip
    (bad,) = opened().on_frame(STREAM, frame, NOW)
    assert (bad.where, bad.market) == ("size", CID)


def test_an_array_applies_its_good_part_and_counts_one_gap():
    venue = opened()
    good, bad = book(YES, [], [], 5), book(NO, [("2", "1")], [], 5)
    out = venue.on_frame(STREAM, b"[" + b",".join([bad, good, bad]) + b"]", after(300))
    kinds = [type(o).__name__ for o in out]
    assert kinds == ["BadInput", "BookLevels", "BadInput", "FeedGap", "Send", "Send"]
    assert [o.where for o in out if isinstance(o, BadInput)] == [
        "[0].bids[0].price",
        "[2].bids[0].price",
    ]
    assert venue.on_frame(STREAM, b"[]", NOW) == []


def test_heartbeats_say_nothing():
    venue = opened()
    assert venue.on_frame(STREAM, b"PONG", NOW) == []
    dial = venue.dial(STREAM, NOW)
    assert (dial.url, dial.heartbeat, dial.heartbeat_every) == ("ws://market", "PING", 10 * 10**9)


def test_without_discovery_markets_are_learnt_yes_first():
    venue = build(Config(learn=True))
    assert venue.on_open("s", NOW) == [FeedUp("s")]
    first = venue.on_frame("s", changes(1, change("11", "0.5", "1", "BUY")), NOW)
    assert [type(o) for o in first] == [InstrumentListed, BookLevels]
    assert first[0].instrument.tokens == ("11", "")
    second = venue.on_frame("s", changes(2, change("22", "0.525", "1", "BUY")), NOW)
    assert [type(o) for o in second] == [InstrumentListed, GridChanged, BookLevels]
    assert second[0].instrument.tokens == ("11", "22")
    assert second[1] == GridChanged(KEY, MILL)
    assert second[2].levels == [(ASK, 475_000, 1_000_000)]
    third = venue.on_frame("s", changes(3, change("33", "0.5", "1", "BUY")), NOW)
    assert third[0] == BadInput("s", "asset_id", "a third token of one market", CID)
    nothing = venue.on_frame("s", changes(3, change("44", "9", "1", "BUY"), market="0xz"), NOW)
    assert [type(o) for o in nothing] == [BadInput, FeedGap]
