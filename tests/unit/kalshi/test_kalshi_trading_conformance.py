"""Damage, and every bad input of the list: events come of it, nothing false, nothing else."""

import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kalshi_trading import (
    KEY,
    MS,
    NOW,
    PRIVATE,
    calls,
    created,
    facts,
    fill,
    fill_frame,
    frame,
    order,
    order_frame,
    page,
    record,
    reply,
    sent,
    trading,
)
from test_kalshi_inquiries import PARTS

from dutchbook.domain.account_events import (
    AccountSeen,
    AccountUnseen,
    CancelFailed,
    OrderAcked,
    OrderCanceled,
    OrderFilled,
    OrderMissing,
    OrderRejected,
    OrderSeen,
    OrderUnknown,
)
from dutchbook.domain.effects import AmendOrder, AskAccount, AskOrder, CancelAll, CancelOrder
from dutchbook.domain.events import BadInput, CheckFailed, FeedGap
from mutate import NUMBERS, TEXTS, cases

COUNT = 60_000 if os.environ.get("DUTCHBOOK_TEST_ALL") else 2_000
pytestmark = pytest.mark.timeout(60 + COUNT // 100)

FRAMES = [
    fill_frame(), order_frame(), order_frame(status="executed", last_update_reason="Trade"),
    frame("market_position", {"market_ticker": "KXB-1-X", "position_fp": "-3.00"}),
    frame("order_group_updates", {"event_type": "triggered", "order_group_id": "g"}, seq=1),
    frame("error", {"code": 8, "msg": "x"}), frame("error", {"code": 25, "msg": "x"}, seq=4),
    frame("subscribed", {"channel": "fill", "sid": 1}, id=1),
]  # fmt: skip
ANSWERS = [json.dumps(body).encode() for body in (
    created(), created("1.00", "0.00", average_fill_price="0.4400", client_order_id="e1:7-0"),
    {"orders": [created(), {"error": {"code": "x", "message": "y"}}]},
    {"order_id": "v1", "client_order_id": "e1:7-0", "reduced_by": "1.50", "ts_ms": MS},
    {"order_id": "v1", "fill_count": "1.00", "remaining_count": "2.00", "ts_ms": MS},
    {"order": record()}, page("orders", record(), record(order_id="v2", client_order_id=None)),
    page("fills", fill(), fill("t2")), *PARTS.values(), {"error": {"code": "x", "message": "y"}},
    {"exchange_active": True, "trading_active": True}, {"order_group_id": "g"},
    {"schedule": {"maintenance_windows": [
        {"start_datetime": "2026-08-13T07:00:00Z", "end_datetime": "2026-08-13T09:00:00Z"}]}},
    {"api_keys": [{"api_key_id": "me", "api_key_region_expiration_ts": 1}]},
    {"usage_tier": "x", "read": {"refill_rate": 1, "bucket_capacity": 1},
     "write": {"refill_rate": 100, "bucket_capacity": 100}},
    {"endpoint_costs": [{"method": "GET", "path": "/x", "cost": 1}], "default_cost": 10},
)]  # fmt: skip
EFFECTS = (
    AmendOrder(order(), "v1", 450_000, 3_000_000), CancelOrder(order(), "v1", ""),
    CancelOrder(order(), "", ""), CancelAll("kalshi", ""), AskOrder(order(), "v1", ""),
    AskOrder(order(), "", ""), AskAccount("kalshi", "", (order(),), MS * 1_000_000),
    AskAccount("kalshi", ""),
)  # fmt: skip


def test_a_damaged_private_frame_gives_events_and_nothing_else():
    """Cut, flipped, renamed, retyped: bad input is said, and the next message is read."""
    venue = trading()
    sent(venue, order())
    bad = 0
    for name, data in cases(FRAMES, COUNT, seed=3):
        events = facts(venue.on_frame(PRIVATE, data, NOW))
        bad += any(isinstance(e, BadInput) for e in events)
        allowed = (BadInput, OrderFilled, OrderSeen, FeedGap)
        assert all(isinstance(e, allowed) or type(e).__name__ in ("BodySeen", "VenueMode")
                   for e in events), (name, data)  # fmt: skip
    assert bad > COUNT // 3
    assert [type(e) for e in facts(venue.on_frame(PRIVATE, fill_frame(), NOW))] == [OrderFilled]


@pytest.mark.parametrize("status", [200, 201, 400, 404, 409, 429, 500])
def test_a_damaged_answer_to_an_order_is_one_of_the_three_endings(status):
    """A success is never a refusal, and a server's error is never an answer."""
    venue = trading()
    endings = (OrderAcked, OrderRejected, OrderUnknown)
    for n, (name, data) in enumerate(cases(ANSWERS, COUNT // 10, seed=5)):
        outs = reply(venue, sent(venue, order(f"e1.{n}-0")), status, data)
        (ending,) = [e for e in facts(outs) if isinstance(e, endings)]
        if status < 300:
            assert not isinstance(ending, OrderRejected), (name, data)
        elif status in (429, 500):
            refused = status == 429
            assert isinstance(ending, OrderRejected if refused else OrderUnknown), (name, data)
        else:
            assert not isinstance(ending, OrderAcked), (name, data)


def test_damaged_answers_to_everything_else_give_events_and_an_end():
    """Each question ends in an answer or in the words for none; nothing loops, nothing breaks."""
    ends = (AccountSeen, AccountUnseen, CheckFailed, OrderMissing, OrderSeen, OrderCanceled,
            CancelFailed, OrderUnknown)  # fmt: skip
    damaged = cases(ANSWERS, 10**9, seed=9)
    for n in range(COUNT // 10):
        venue = trading()
        effect = EFFECTS[n % len(EFFECTS)]
        waiting, told = calls(venue.do(effect, NOW)), []
        for _ in range(60):
            if not waiting:
                break
            _, data = next(damaged)
            outs = reply(venue, waiting.pop(), 200, data)
            told += facts(outs)
            waiting += calls(outs)
        assert not waiting, effect
        assert isinstance(effect, CancelAll) or any(isinstance(e, ends) for e in told), effect


def test_damaged_answers_at_the_start_leave_the_basic_budgets_or_sound_ones():
    for name, data in cases(ANSWERS, COUNT // 10, seed=11):
        venue = trading()
        for n in range(1, 6):
            facts(venue.on_reply(f"kalshi.own:{n}", 200, data, NOW))
        for bucket in venue.buckets()[1:]:
            assert bucket.rate > 0 and bucket.burst > 0, (name, data)


@settings(max_examples=COUNT // 20)
@given(st.binary(max_size=400), st.sampled_from((200, 201, 400, 409, 503)))
def test_any_bytes_at_all_are_no_evidence(data, status):
    venue = trading()
    assert not any(isinstance(e, OrderAcked | OrderFilled) for e in facts(
        reply(venue, sent(venue, order()), status, data)))  # fmt: skip
    assert all(isinstance(e, BadInput) for e in facts(venue.on_frame(PRIVATE, data, NOW)))


@settings(max_examples=COUNT // 20)
@given(st.data())
def test_every_cut_of_a_frame_or_an_answer_is_refused(data):
    """JSON4: what is cut off is nobody's word, wherever the cut is."""
    whole = data.draw(st.sampled_from(FRAMES))
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    (bad,) = facts(trading().on_frame(PRIVATE, cut, NOW))
    assert isinstance(bad, BadInput)
    whole = ANSWERS[0]
    venue = trading()
    asked = sent(venue, order())
    events = facts(reply(venue, asked, 201, whole[: data.draw(st.integers(0, len(whole) - 1))]))
    assert [type(e) for e in events] == [BadInput, OrderUnknown]


MONEY = ("count_fp", "yes_price_dollars", "fee_cost", "post_position_fp")
ORDERS = ("fill_count_fp", "remaining_count_fp", "initial_count_fp", "yes_price_dollars")


@pytest.mark.parametrize("value", NUMBERS, ids=lambda v: repr(v)[:24])
@pytest.mark.parametrize("name", MONEY)
def test_num_a_number_that_is_none_makes_no_fill(name, value):
    """NUM1-NUM28, for every number of a fill: refused, or exactly what its text says."""
    (event,) = facts(trading().on_frame(PRIVATE, fill_frame(**{name: value}), NOW))
    if isinstance(event, BadInput):
        return
    assert (value is None and name in ("fee_cost", "post_position_fp")) or isinstance(value, str)
    got = {"count_fp": event.qty, "yes_price_dollars": event.px, "fee_cost": event.fee,
           "post_position_fp": event.after}[name]  # fmt: skip
    exact = {"-0": 0, "-5.00": -5_000_000, "1.0001": 1_000_100, "45": 45_000_000,
             "0.005": 5_000, "0.0000": 0, "1.0000": 1_000_000, None: -1}  # fmt: skip
    if value is None and name == "post_position_fp":
        assert got is None
    else:
        assert got == exact[value]
    if name == "yes_price_dollars":
        assert 0 < got < 1_000_000
    if name in ("count_fp", "fee_cost"):
        assert got > (0 if name == "count_fp" else -2)


@pytest.mark.parametrize("value", NUMBERS, ids=lambda v: repr(v)[:24])
@pytest.mark.parametrize("name", ORDERS)
def test_num_a_number_that_is_none_makes_no_order(name, value):
    (event,) = facts(trading().on_frame(PRIVATE, order_frame(**{name: value}), NOW))
    assert isinstance(event, BadInput) or isinstance(value, str)
    if isinstance(event, OrderSeen):
        assert 0 < event.px < 1_000_000 and 0 <= event.filled <= event.qty <= 2 * 10**15


@pytest.mark.parametrize("value", [*TEXTS, *(n for n in NUMBERS if not isinstance(n, str))],
                         ids=lambda v: repr(v)[:24])  # fmt: skip
@pytest.mark.parametrize("name", ["market_ticker", "trade_id", "order_id", "client_order_id"])
def test_str_and_id_a_name_that_is_none_is_refused_or_kept_as_it_is(name, value):
    """STR1-STR18, ID1-ID8: a ticker must be one; other ids are opaque, bounded, never run."""
    (event,) = facts(trading().on_frame(PRIVATE, fill_frame(**{name: value}), NOW))
    if isinstance(event, BadInput):
        assert len(event.what) <= 300 and len(event.market) <= 200
        return
    assert isinstance(value, str) or (value is None and name == "client_order_id")
    assert name != "market_ticker" and event.key == KEY
    assert len(event.order) <= 40 and len(event.trade) <= 200 and len(event.venue_order) <= 200


@pytest.mark.parametrize("value", [
    0, -1, 1_969, 9_000_000_000_001, 8.64e15, MS // 1000, MS * 1_000_000, "2026-08-07T06:46:28",
    "2026-08-07T06:46:60Z", "2026-02-29T00:00:00Z", "9999-01-01T00:00:00Z", "275760-09-13T00:00Z",
    "1969-12-31T23:59:59Z", True, None, [], {},
])  # fmt: skip
@pytest.mark.parametrize("name", ["ts_ms", "ts", "created_time"])
def test_time_a_moment_that_is_none_is_refused_or_not_read(name, value):
    """TIME1-TIME10: by its declared unit; the year 9999 and other eras are not."""
    times = {"ts_ms": None, "ts": None, "created_time": None} | {name: value}
    (event,) = facts(trading().on_frame(PRIVATE, fill_frame(**times), NOW))
    if not isinstance(event, BadInput):
        assert 0 <= event.venue_at < 2**63
        assert isinstance(value, int | None) and value is not True


@pytest.mark.parametrize("data", [
    b"", b"\xef\xbb\xbf" + FRAMES[0], FRAMES[0].decode().encode("utf-16"), FRAMES[0] + b"{}",
    FRAMES[0] + b"\n" + FRAMES[0], b"[" * 10_000, b'{"type":"fill","msg":' + b"[" * 10_000,
    b'{"type":"fill","msg":[]}', b'{"type":"fill"}', b'{"type":"fill","msg":null}',
    b'{"type":"fill","msg":{"count_fp":NaN}}', b'{"type":"fill\\ud800","msg":{}}',
    b'{"type":' + b"9" * 5_000 + b"}", b"\x00", b'{"type":"nothing that is known","msg":{}}',
    FRAMES[0].replace(b"fill", b"fill\x00"),
], ids=range(16))  # fmt: skip
def test_json_what_is_no_frame_is_bad_input(data):
    """JSON2-JSON15."""
    (bad,) = facts(trading().on_frame(PRIVATE, data, NOW))
    assert isinstance(bad, BadInput) and bad.stream == PRIVATE
