"""Stories of the one socket: subscribing, numbering, gaps, and books asked for again."""

import json

from kalshi_messages import delta, frame, snapshot, subscribed

from dutchbook.domain.events import (
    ASK,
    BID,
    BadInput,
    BookLevels,
    Duplicate,
    FeedDown,
    FeedGap,
    FeedUp,
    TopSeen,
    TradePrinted,
)
from dutchbook.domain.units import MILLI, SECOND
from dutchbook.venues.base import Redial, Send, Wake
from dutchbook.venues.kalshi.feed import Feed

S = "kalshi.book"
ALL = ("orderbook_delta", "ticker", "trade", "market_lifecycle_v2")
A, B = "KXA-1", "KXB-1"
KEYS = {A: f"kalshi:{A}", B: f"kalshi:{B}"}


def sent(outs):
    return [json.loads(out.data) for out in outs if isinstance(out, Send)]


def connected(tickers=(A, B), **options):
    feed = Feed(S, keys=options.pop("keys", dict(KEYS)), **options)
    feed.on_open(list(tickers), 0)
    feed.on_frame(subscribed(), 0)
    return feed


def whole(feed, seq=0):
    for n, ticker in enumerate((A, B), seq + 1):
        (event,) = feed.on_frame(snapshot(n, ticker, yes=[["0.40", "5.00"]]), 0)
        assert event.snapshot
    return feed


def resync(*tickers, command):
    params = {"sid": 1, "action": "get_snapshot", "market_tickers": list(tickers)}
    return {"id": command, "cmd": "update_subscription", "params": params}


def test_opening_subscribes_every_channel_and_says_the_side_of_no_prices():
    feed = Feed(S, ALL, dict(KEYS))
    outs = feed.on_open([A, B], 0)
    assert outs[0] == FeedUp(S)
    assert sent(outs) == [
        {
            "id": 1,
            "cmd": "subscribe",
            "params": {
                "channels": ["orderbook_delta", "ticker", "trade"],
                "market_tickers": [A, B],
                "use_yes_price": False,
            },
        },
        {"id": 2, "cmd": "subscribe", "params": {"channels": ["market_lifecycle_v2"]}},
    ]


def test_more_markets_than_fit_one_command_follow_on_each_sid_once_it_is_known():
    names = [f"KX-{n}" for n in range(5)]
    feed = Feed(S, ALL, {name: f"kalshi:{name}" for name in names}, per_command=2)
    first, _ = sent(feed.on_open(names, 0))
    assert first["params"]["market_tickers"] == names[:2]
    added = sent(feed.on_frame(subscribed(9), 0))
    assert [one["params"]["market_tickers"] for one in added] == [names[2:4], names[4:]]
    assert {one["params"]["sid"] for one in added} == {9}
    assert {one["params"]["action"] for one in added} == {"add_markets"}
    assert sent(feed.on_frame(subscribed(4, "market_lifecycle_v2"), 0)) == []


def test_a_new_market_is_added_to_every_per_market_sid_once():
    feed = connected()
    feed.on_frame(subscribed(2, "ticker"), 0)
    feed.keys["KXC-1"] = "kalshi:KXC-1"
    added = sent(feed.add(["KXC-1", A]))
    assert [(one["params"]["sid"], one["params"]["market_tickers"]) for one in added] == [
        (1, ["KXC-1"]),
        (2, ["KXC-1"]),
    ]
    assert feed.add(["KXC-1"]) == []


def test_a_no_bid_is_a_yes_ask_from_the_other_side():
    feed = connected()
    levels = {"yes": [["0.4400", "100.00"]], "no": [["0.5400", "7.25"], ["0.0100", "1.00"]]}
    assert feed.on_frame(snapshot(1, A, **levels), 0) == [
        BookLevels(
            f"kalshi:{A}", 0, S, True, False,
            [(BID, 440_000, 100_000_000), (ASK, 460_000, 7_250_000), (ASK, 990_000, 1_000_000)],
        )
    ]  # fmt: skip
    assert feed.on_frame(delta(2, A, "no", "0.5400", "-7.25"), 0) == [
        BookLevels(
            f"kalshi:{A}", 0, S, False, True, [(ASK, 460_000, -7_250_000)],
            venue_at=1786085188978 * MILLI,
        )
    ]  # fmt: skip


def test_control_replies_take_a_number_and_ticker_does_not():
    feed = whole(connected())
    assert feed.on_frame(frame("ok", {"market_tickers": [A]}, id=3, sid=1, seq=3), 0) == []
    top = {"market_ticker": A, "yes_bid_dollars": "0.4000", "yes_ask_dollars": "1.0000"}
    assert feed.on_frame(frame("ticker", top, sid=2), 0) == [
        TopSeen(f"kalshi:{A}", 0, S, 400_000, 1_000_000)
    ]
    (event,) = feed.on_frame(delta(4, A), 0)
    assert isinstance(event, BookLevels)


def test_a_gap_makes_every_book_of_the_sid_stale_and_asks_for_all_once():
    feed = whole(connected())
    outs = feed.on_frame(delta(5, A), 10 * SECOND)
    assert outs[0] == FeedGap(S, "sequence", "sid:1", 3, 5)
    assert sent(outs) == [resync(A, B, command=2)]
    assert not any(isinstance(out, BookLevels) for out in outs)
    assert [type(out) for out in feed.on_frame(delta(6, A), 10 * SECOND)] == [BookLevels]
    assert feed.on_frame(snapshot(7, A), 10 * SECOND)[0].snapshot
    assert feed.on_frame(snapshot(8, B), 10 * SECOND)[0].snapshot
    assert feed.sids[1].awaiting == {}
    assert feed.on_wake("resync:1", 20 * SECOND) == []


def test_a_snapshot_that_shows_a_gap_is_applied_and_not_asked_for():
    feed = whole(connected())
    outs = feed.on_frame(snapshot(5, B, yes=[["0.41", "1.00"]]), 10 * SECOND)
    assert [type(out) for out in outs] == [FeedGap, Send, Wake, BookLevels]
    assert sent(outs) == [resync(A, command=2)]


def test_a_newer_gap_soon_after_waits_and_then_asks_once_more():
    feed = whole(connected())
    feed.on_frame(delta(5, A), 10 * SECOND)
    feed.on_frame(snapshot(6, A), 10 * SECOND)
    outs = feed.on_frame(delta(8, A), 10 * SECOND + 1)
    assert outs == [
        FeedGap(S, "sequence", "sid:1", 7, 8),
        Wake("resync:1", 10 * SECOND + 500 * MILLI),
    ]
    again = feed.on_wake("resync:1", 10 * SECOND + 500 * MILLI)
    assert sent(again) == [resync(A, B, command=3)]


def test_a_book_that_does_not_come_is_asked_for_again_with_growing_patience():
    feed = whole(connected())
    now, waits = 10 * SECOND, []
    (wake,) = (out for out in feed.on_frame(delta(9, A), now) if isinstance(out, Wake))
    feed.on_frame(snapshot(10, A), now)
    for _ in range(7):
        waits.append((wake.at - now) // SECOND)
        now = wake.at
        outs = feed.on_wake(wake.token, now)
        assert sent(outs)[0]["params"]["market_tickers"] == [B]
        wake = outs[-1]
    assert waits == [5, 5, 5, 8, 16, 32, 60]


def test_what_came_before_or_twice_is_a_duplicate_and_not_applied():
    feed = whole(connected())
    for old in (delta(2, A), snapshot(1, A), frame("ok", None, sid=1, seq=2)):
        (event,) = feed.on_frame(old, 0)
        assert isinstance(event, Duplicate)
    assert feed.sids[1].last == 2


def test_a_malformed_frame_is_no_gap_but_the_next_number_shows_the_hole():
    feed = whole(connected())
    (event,) = feed.on_frame(delta(3, A)[:-9], 0)
    assert isinstance(event, BadInput)
    assert feed.on_frame(delta(4, A), 10 * SECOND)[0] == FeedGap(S, "sequence", "sid:1", 3, 4)


def test_a_frame_for_a_market_that_nobody_listed_takes_its_number_and_is_counted():
    feed = whole(connected())
    assert feed.on_frame(delta(3, "KXNOBODY"), 0) == [
        BadInput(S, "msg.market_ticker", "an unknown market", "KXNOBODY")
    ]
    assert [type(out) for out in feed.on_frame(delta(4, A), 0)] == [BookLevels]


def test_a_gap_in_a_sid_without_books_makes_no_book_stale():
    feed = whole(connected())
    feed.on_frame(subscribed(3, "trade"), 0)
    trade = {"trade_id": "t", "market_ticker": A, "yes_price_dollars": "0.40", "count_fp": "2.00"}
    trade["taker_outcome_side"] = "no"
    assert feed.on_frame(frame("trade", trade, sid=3, seq=2), 0) == [
        FeedGap(S, "sequence", "sid:3", 1, 2, (), False),
        TradePrinted(f"kalshi:{A}", S, 400_000, 2_000_000, False, "t", 0),
    ]


def test_with_two_sids_of_books_a_gap_names_the_books_that_are_stale():
    feed = connected(tickers=(A,))
    feed.on_frame(snapshot(1, A), 0)
    feed.on_frame(subscribed(2), 0)
    feed.on_frame(snapshot(1, B, sid=2), 0)
    assert feed.on_frame(delta(3, A), 0)[0] == FeedGap(
        S, "sequence", "sid:1", 2, 3, (f"kalshi:{A}",)
    )


def test_terminal_errors_lose_everything_and_dial_anew():
    for code in (10, 25):
        feed = whole(connected())
        outs = feed.on_frame(frame("error", {"code": code, "msg": "x"}, sid=1, seq=3), 0)
        assert outs[0] == FeedGap(S, "overflow", "sid:1", 3, 3)
        assert isinstance(outs[1], Redial)
        assert feed.on_frame(frame("error", {"code": code, "msg": "x"}, sid=2), 0) == []
    feed = whole(connected())
    (event,) = feed.on_frame(frame("error", {"code": 8, "msg": "unknown channel"}, id=1), 0)
    assert event == BadInput(S, "msg.code", "error 8: unknown channel")


def test_after_a_reconnect_sids_and_numbers_start_anew():
    feed = whole(connected())
    assert feed.on_down("closed") == [FeedDown(S, "closed")]
    feed.on_open([A, B], SECOND)
    feed.on_frame(subscribed(7), SECOND)
    (event,) = feed.on_frame(snapshot(1, A, sid=7), SECOND)
    assert event.snapshot


def test_a_lost_reply_to_subscribe_does_not_lose_the_stream():
    feed = Feed(S, keys=dict(KEYS))
    feed.on_open([A, B], 0)
    assert [type(out) for out in feed.on_frame(snapshot(1, A), 0)] == [BookLevels]
    outs = feed.on_frame(delta(3, A), 10 * SECOND)
    assert sent(outs)[0]["params"]["market_tickers"] == [A, B]


def test_asking_for_books_twice_sends_one_request():
    feed = whole(connected())
    assert sent(feed.ask([A], 0)) == [resync(A, command=2)]
    assert sent(feed.ask([A, B], 1)) == [resync(B, command=3)]
