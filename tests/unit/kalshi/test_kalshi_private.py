"""The private stream: no numbers, so every message must be able to come twice, late, or never."""

import json

import pytest
from kalshi_trading import (
    CONFIG,
    KEY,
    MS,
    NOW,
    PRIVATE,
    created,
    facts,
    fill_frame,
    frame,
    order,
    order_frame,
    reply,
    sent,
    trading,
)

from dutchbook.domain.account_events import OrderFilled, OrderSeen, VenueMode
from dutchbook.domain.events import BadInput, BodySeen, FeedDown, FeedGap, FeedUp
from dutchbook.venues.base import Redial, Send
from dutchbook.venues.kalshi import Config, Kalshi

AT = MS * 1_000_000
FILLED = OrderFilled(
    "kalshi", "main", "e1.7-0", "v1", "t1", KEY, "yes", "buy", 440_000, 1_000_000, 17_248, False,
    AT, after=1_000_000,
)  # fmt: skip


def told(venue, data):
    return facts(venue.on_frame(PRIVATE, data, NOW))


def test_the_stream_is_dialled_like_the_books_and_subscribes_to_what_is_ours():
    venue = trading()
    assert venue.streams() == ("kalshi.book", PRIVATE)
    assert venue.dial(PRIVATE, NOW) == venue.dial("kalshi.book", NOW)
    up, send = venue.on_open(PRIVATE, NOW)
    assert up == FeedUp(PRIVATE) and isinstance(send, Send) and send.stream == PRIVATE
    assert json.loads(send.data) == {"id": 1, "cmd": "subscribe", "params": {"channels": [
        "fill", "user_orders", "market_positions", "order_group_updates"]}}  # fmt: skip
    assert venue.on_down(PRIVATE, NOW, "cut") == [FeedDown(PRIVATE, "cut")]
    assert venue.on_open(PRIVATE, NOW)[0] == FeedUp(PRIVATE)
    assert venue.feed.up is False  # the books' own socket is another matter


def test_without_an_account_there_is_no_trading_half():
    for config in (Config(), Config(key_id="me", key="k"), Config(learn=True, account="")):
        venue = Kalshi(config)
        assert PRIVATE not in venue.streams() and [b.name for b in venue.buckets()] == [
            "kalshi.read"]  # fmt: skip
        assert len(venue.start(NOW)) <= 1


def test_a_fill_is_a_fact_with_the_venues_fee_and_our_position():
    assert told(trading(), fill_frame()) == [FILLED]


def test_a_fill_may_come_before_the_answer_that_names_its_order():
    """F41: by its client id it is ours; without one, the answer that comes later tells."""
    venue = trading()
    asked = sent(venue, order())
    (early,) = told(venue, fill_frame(client_order_id=None))
    assert (early.order, early.venue_order) == ("", "v1")
    reply(venue, asked, 201, created("1.00", "1.00"))
    assert told(venue, fill_frame(client_order_id=None)) == [FILLED]


def test_a_message_that_comes_twice_is_the_same_fact_twice():
    venue = trading()
    for data in (fill_frame(), order_frame()):
        assert told(venue, data) == told(venue, data)


@pytest.mark.parametrize(
    ("words", "status", "filled"),
    [
        ({}, "open", 0),
        ({"fill_count_fp": "1.00", "remaining_count_fp": "1.00"}, "open", 1_000_000),
        ({"status": "executed", "fill_count_fp": "2.00", "remaining_count_fp": "0.00"}, "filled",
         2_000_000),
        ({"status": "canceled", "remaining_count_fp": "0.00"}, "canceled", 0),
        ({"status": "canceled", "remaining_count_fp": "0.00",
          "last_update_reason": "ExpiryCancel"}, "expired", 0),
    ],
)  # fmt: skip
def test_an_order_message_is_the_venues_record_of_it(words, status, filled):
    (seen,) = told(trading(), order_frame(**words))
    assert seen == OrderSeen("kalshi", "main", "e1.7-0", "v1", KEY, "yes", "buy", 440_000,
                             2_000_000, status, filled, AT)  # fmt: skip


@pytest.mark.parametrize(
    ("outcome", "action", "book_side", "px"),
    [("yes", "buy", "bid", 440_000), ("no", "buy", "ask", 560_000),
     ("yes", "sell", "ask", 440_000), ("no", "sell", "bid", 560_000)],
)  # fmt: skip
def test_r8_the_side_of_the_book_decides_and_the_orders_own_words_are_kept(
    outcome, action, book_side, px
):
    venue = trading()
    sent(venue, order(outcome=outcome, action=action, px=px))
    side = {"book_side": book_side, "outcome_side": "yes" if book_side == "bid" else "no"}
    wrong = {"side": "no", "action": "sell"}
    for data in (fill_frame(**side, **wrong), order_frame(**side, **wrong)):
        (event,) = told(venue, data)
        assert (event.outcome, event.action, event.px) == (outcome, action, px)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"book_side": "bid", "outcome_side": None}, ("yes", "buy", 440_000)),
        ({"book_side": None, "outcome_side": "no"}, ("no", "buy", 560_000)),
        ({"book_side": "ask", "outcome_side": "no"}, ("no", "buy", 560_000)),
    ],
)
def test_r8_an_order_that_we_do_not_know_is_told_by_the_side_of_the_book(words, said):
    (event,) = told(trading(), fill_frame(client_order_id="e0:1", **words))
    assert (event.order, event.outcome, event.action, event.px) == ("e0.1", *said)


@pytest.mark.parametrize("words", [
    {"book_side": None, "outcome_side": None}, {"book_side": "ask"}, {"outcome_side": "maybe"},
])  # fmt: skip
def test_r8_without_a_side_or_with_two_nothing_is_guessed(words):
    (bad,) = told(trading(), fill_frame(**words))
    assert isinstance(bad, BadInput)


def test_r8_a_fill_under_our_id_in_another_market_is_refused():
    venue = trading()
    sent(venue, order())
    (bad,) = told(venue, fill_frame(market_ticker="KXB-1-X"))
    assert isinstance(bad, BadInput) and bad.market == "KXB-1-X"


def test_r8_fractions_of_a_contract_are_exact():
    (event,) = told(trading(), fill_frame(count_fp="74.77", post_position_fp="-74.77"))
    assert (event.qty, event.after) == (74_770_000, -74_770_000)


def test_a_fill_without_a_fee_says_that_none_was_told():
    for words in ({"fee_cost": None}, {"post_position_fp": None}):
        (event,) = told(trading(), fill_frame(**words))
        assert event.fee == (-1 if "fee_cost" in words else 17_248)


@pytest.mark.parametrize("code", [10, 25])
def test_a_terminal_error_is_a_gap_and_a_new_connection(code):
    """F81: what was lost no number shows; the new connection makes everyone ask."""
    venue = trading()
    data = frame("error", {"code": code, "msg": "overflow"}, seq=9)
    gap, redial = venue.on_frame(PRIVATE, data, NOW)
    assert gap == FeedGap(PRIVATE, "overflow", "sid:1", 9, 9, (), False)
    assert isinstance(redial, Redial) and redial.stream == PRIVATE
    assert venue.on_frame(PRIVATE, data, NOW) == []
    venue.on_open(PRIVATE, NOW)
    assert len(venue.on_frame(PRIVATE, data, NOW)) == 2


def test_other_errors_are_counted_and_a_refused_key_stops_the_venue():
    venue = trading()
    (bad,) = told(venue, frame("error", {"code": 8, "msg": "unknown channel"}))
    assert isinstance(bad, BadInput)
    bad, mode = told(venue, frame("error", {"code": 9, "msg": "auth required"}))
    assert isinstance(mode, VenueMode) and mode.mode == "unauthorized"


def test_positions_and_acknowledgements_change_nothing():
    venue = trading()
    msg = {"user_id": "u", "market_ticker": "KXB-1-X", "position_fp": "-3.00"}
    assert told(venue, frame("market_position", msg)) == [
        BodySeen("kalshi", "market_position", 1, ("kalshi:KXB-1-X",))]  # fmt: skip
    assert told(venue, frame("subscribed", {"channel": "fill", "sid": 1}, id=1)) == []
    assert told(venue, b'{"id":2,"sid":1,"seq":2,"type":"unsubscribed"}') == []


def grouped(shards=(0,)):
    """A venue whose order groups have been created: shard n has group g<n>."""
    venue = Kalshi(CONFIG.__class__(key_id="me", key="k", account="main", group_contracts=50,
                                    group_shards=shards))  # fmt: skip
    asked = [out for out in venue.start(NOW) if out.url.endswith("/order_groups/create")]
    for shard, one in zip(shards, asked, strict=True):
        body = {"contracts_limit_fp": "50.00", "exchange_index": shard}
        assert json.loads(one.body) == body
        assert reply(venue, one, 201, {"order_group_id": f"g{shard}"}) == []
    return venue


def test_a_group_that_went_over_its_limit_pauses_the_venue_until_it_is_reset():
    venue = grouped()
    assert json.loads(sent(venue, order()).body)["order_group_id"] == "g0"
    msg = {"event_type": "triggered", "order_group_id": "g0", "ts_ms": MS}
    (mode,) = told(venue, frame("order_group_updates", msg, seq=1))
    assert (mode.mode, "g0" in mode.why) == ("paused", True)
    assert told(venue, frame("order_group_updates", msg, seq=1)) == []
    (mode,) = told(venue, frame("order_group_updates", msg | {"event_type": "reset"}, seq=2))
    assert mode.mode == "open"
    (other,) = told(venue, frame("order_group_updates", msg | {"order_group_id": "x"}, seq=3))
    assert isinstance(other, BodySeen)
