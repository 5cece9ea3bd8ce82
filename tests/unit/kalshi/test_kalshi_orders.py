"""From an order to what became of it: yes, no, or unknown, and nothing in between."""

import pytest
from kalshi_trading import (
    KEY,
    MS,
    NOW,
    bare,
    call,
    calls,
    created,
    facts,
    fill,
    order,
    page,
    record,
    reply,
    sent,
    trading,
)

from dutchbook.domain.account_events import (
    ClockSeen,
    OrderAcked,
    OrderCanceled,
    OrderFilled,
    OrderMissing,
    OrderRejected,
    OrderUnknown,
    VenueMode,
)
from dutchbook.domain.effects import SubmitOrder, SubmitOrders
from dutchbook.domain.events import BadInput
from dutchbook.venues.base import Wake
from dutchbook.venues.kalshi.refusals import evidence

O1 = "e1.7-0"
AT = MS * 1_000_000
ACK = OrderAcked(O1, "v1", False, AT)
FILLED = OrderFilled(
    "kalshi", "main", O1, "v1", "t1", KEY, "yes", "buy", 440_000, 1_000_000, 17_248, False, AT
)


def after(status, body, **words):
    """What an order gives when its request is answered so."""
    venue = trading()
    one = order(**words)
    return bare(facts(reply(venue, sent(venue, one), status, body)))


def test_a_resting_order_is_sent_and_acknowledged():
    venue = trading()
    outs = venue.do(SubmitOrder(order()), NOW)
    assert facts(outs) == []
    body = b'{"order_id":"v1","fill_count":"0.00","remaining_count":"2.00","ts_ms":%d}' % (MS - 40)
    outs = reply(venue, call(outs), 201, body)
    at = AT - 40_000_000
    assert facts(outs) == [
        OrderAcked(O1, "v1", False, at, evidence(body)), ClockSeen("kalshi", 40_000_000),
    ]  # fmt: skip
    assert calls(outs) == []


def test_an_immediate_order_ends_at_once_and_its_fills_are_fetched_with_the_venues_fee():
    """F28: the create answer has no exact fee; the fills have, and may show a moment later."""
    venue = trading()
    outs = reply(venue, sent(venue, order(tif="ioc")), 201, created("1.00", "0.00"))
    ended = OrderCanceled(O1, "v1", "no_match", 1_000_000, 1_000_000)
    assert bare(facts(outs)) == [ACK, ended]
    asked = call(outs)
    assert asked.url.endswith("/portfolio/fills?order_id=v1&limit=1000")
    outs = reply(venue, asked, 200, page("fills"))
    (wake,) = outs
    assert isinstance(wake, Wake) and 0 < wake.at - NOW <= 100_000_000
    outs = reply(venue, call(venue.on_wake(wake.token, wake.at)), 200, page("fills", fill()))
    assert outs == [FILLED]


def test_fills_that_never_show_are_not_asked_for_for_ever():
    venue = trading()
    outs = reply(venue, sent(venue, order(tif="ioc")), 201, created("1.00", "0.00"))
    turns = 0
    while calls(outs):
        outs = reply(venue, calls(outs)[0], 200, page("fills"))
        for wake in outs:
            outs = venue.on_wake(wake.token, wake.at)
        turns += 1
    assert turns == 7


@pytest.mark.parametrize(
    ("tif", "filled", "ends"),
    [
        ("ioc", "2.00", []),
        ("ioc", "0.00", [OrderCanceled(O1, "v1", "no_match", 2_000_000, 0)]),
        ("fok", "2.00", []),
        ("fok", "0.00", [OrderCanceled(O1, "v1", "killed", 2_000_000, 0)]),
        ("gtc", "2.00", []),
    ],
)
def test_what_an_acknowledgement_says_of_the_rest(tif, filled, ends):
    assert after(201, created(filled, "0.00"), tif=tif) == [ACK, *ends]


def test_a_resting_order_of_which_part_has_vanished_is_looked_up():
    """Post-only that crossed, or a self-cross: created, then canceled. Its record says why."""
    venue = trading()
    outs = reply(venue, sent(venue, order(post_only=True)), 201, created("0.00", "0.00"))
    assert bare(facts(outs)) == [ACK]
    body = record(status="canceled", remaining_count_fp="0.00",
                  last_update_reason="PostOnlyCrossCancel")  # fmt: skip
    outs = reply(venue, call(outs), 200, {"order": body})
    (seen,) = facts(reply(venue, call(outs), 200, page("fills")))
    assert (seen.order, seen.status, seen.filled) == (O1, "canceled", 0)


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (400, {"error": {"code": "insufficient_balance", "message": "no"}}, "funds"),
        (400, {"error": {"code": "invalid_price", "message": "no"}}, "price"),
        (400, {"error": {"code": "invalid_order", "message": "x", "details": "post only cross"}},
         "post_only_cross"),
        (400, {"error": {"code": "invalid_order", "message": "reduce only"}}, "reduce_only"),
        (400, {"code": "invalid_order", "message": "bad count", "details": ""}, "size"),
        (400, {"msg": "limit too high"}, "other"),
        (404, {"error": {"code": "market_not_found", "message": "no"}}, "closed"),
        (404, {"error": {"code": "user_not_found", "message": "no"}}, "funds"),
        (409, {"error": {"code": "fill_or_kill_insufficient_resting_volume"}}, "killed"),
        (409, {"error": {"code": "something_new", "message": "never seen"}}, "other"),
        (410, {"error": {"code": "deprecated_v1_order_endpoint", "message": "gone"}}, "disabled"),
        (410, b"<html>gone</html>", "disabled"),
        (429, {"error": "too many requests"}, "throttled"),
        (429, b"<html>slow down</html>", "throttled"),
        (429, b"", "throttled"),
    ],
)  # fmt: skip
def test_a_refusal_is_believed_in_the_venues_words_or_by_the_gates_status(status, body, reason):
    """F30, F53: four shapes of error, HTML, nothing; what is refused can't fill, ever."""
    (rejected,) = after(status, body)
    assert isinstance(rejected, OrderRejected)
    assert (rejected.order, rejected.reason) == (O1, reason)
    assert str(status) in rejected.text


@pytest.mark.parametrize("body", [
    b"", b"<html>502</html>", b"{}", b"null", b"[]", b'{"error":null}', b"\xff\xfe", b"{" * 5_000,
    b'{"order_id":""}', b'{"order":{"order_id":"v1"}}', b'{"error":{"code":"","message":""}}',
])  # fmt: skip
@pytest.mark.parametrize(
    "status", [200, 201, 202, 204, 301, 400, 404, 408, 409, 500, 502, 504, 520]
)
def test_an_answer_that_proves_nothing_leaves_the_order_unknown(status, body):
    """F27-F29, F53: neither a 2xx without an order nor an error without words is evidence."""
    events = after(status, body)
    assert isinstance(events[-1], OrderUnknown) and events[-1].order == O1
    assert [e for e in events if not isinstance(e, BadInput | OrderUnknown)] == []


@pytest.mark.parametrize("status", [408, 500, 503, 599])
def test_not_even_the_venues_words_make_a_server_error_a_refusal(status):
    (unknown,) = after(status, {"error": {"code": "invalid_price", "message": "no"}})
    assert isinstance(unknown, OrderUnknown)


def test_a_lost_answer_is_unknown_and_a_request_that_never_left_is_refused():
    venue = trading()
    for was_sent, kind in ((True, OrderUnknown), (False, OrderRejected)):
        one = order("e1.8-0")
        (event,) = facts(venue.on_lost(sent(venue, one).id, was_sent, NOW))
        assert isinstance(event, kind) and event.order == one.id
        assert (not was_sent and event.reason == "not_sent") or was_sent


@pytest.mark.parametrize("status", [400, 401, 429])
def test_a_second_try_that_is_refused_says_nothing_of_the_first(status):
    """It may rest at the venue, and have used up the very money that is missing now."""
    venue = trading()
    venue.on_lost(sent(venue, order()).id, True, NOW)
    error = {"error": {"code": "insufficient_balance", "message": "no"}}
    for was_sent in (True, False):
        outs = venue.do(SubmitOrder(order(), again=True), NOW)
        (unknown,) = facts(venue.on_lost(call(outs).id, was_sent, NOW))
        assert isinstance(unknown, OrderUnknown)
    outs = reply(venue, call(venue.do(SubmitOrder(order(), again=True), NOW)), status, error)
    assert isinstance(facts(outs)[0], OrderUnknown)
    assert not any(isinstance(e, OrderRejected) for e in facts(outs))
    assert "/portfolio/orders?" in call(outs).url


def test_a_second_answer_to_the_same_request_changes_nothing():
    """F29: the late answer after the client gave up: whoever asked has been told."""
    venue = trading()
    asked = sent(venue, order())
    venue.on_lost(asked.id, True, NOW)
    assert reply(venue, asked, 201, created()) == []


@pytest.mark.parametrize(
    "more",
    [
        {"client_order_id": "e1:9-9"},
        {"fill_count": "2.01"},
        {"remaining_count": "9"},
        {"fill_count": "-1"},
        {"fill_count": 1},
        {"ts_ms": -1},
        {"order_id": 7},
    ],
)
def test_an_answer_about_another_order_or_a_larger_one_is_not_ours(more):
    bad, unknown = after(201, created() | more)
    assert isinstance(bad, BadInput) and isinstance(unknown, OrderUnknown)


def test_an_id_that_exists_already_is_looked_up_until_it_shows():
    """R1: our own request, sent again: the first one landed. Not a rejection, never a new id."""
    venue = trading()
    exists = {"error": {"code": "order_already_exists", "message": "no"}}
    outs = reply(venue, sent(venue, order()), 409, exists)
    assert [type(e) for e in facts(outs)] == [OrderUnknown]
    outs = reply(venue, call(outs), 200, page("orders"))
    (wake,) = reply(venue, call(outs), 200, page("fills"))
    outs = venue.on_wake(wake.token, wake.at)
    outs = reply(
        venue, call(outs), 200, page("orders", record(order_id="v0", client_order_id="x"), record())
    )
    outs = reply(venue, call(outs), 200, page("fills", fill()))
    assert facts(outs)[0] == FILLED
    assert (facts(outs)[1].status, facts(outs)[1].filled) == ("open", 1_000_000)


def test_a_killed_order_that_has_used_up_its_id_is_missing_in_the_end():
    venue = trading()
    exists = {"error": {"code": "order_already_exists", "message": "no"}}
    outs = reply(venue, sent(venue, order(tif="fok")), 409, exists)
    for _ in range(20):
        outs = reply(venue, call(outs), 200, page("orders"))
        outs = reply(venue, call(outs), 200, page("fills"))
        if not isinstance(outs[0], Wake):
            break
        outs = venue.on_wake(outs[0].token, outs[0].at)
    (missing,) = facts(outs)
    assert isinstance(missing, OrderMissing) and missing.order == O1 and missing.evidence


@pytest.mark.parametrize(
    ("status", "text", "mode", "reason"),
    [
        (401, "INCORRECT_API_KEY_SIGNATURE", "unauthorized", "unauthorized"),
        (403, "no scope", "unauthorized", "unauthorized"),
        (403, "not available in your region", "blocked", "blocked"),
    ],
)
def test_a_key_that_is_refused_stops_the_venue_once(status, text, mode, reason):
    """F60: one event, no retry; the region's word is respected and not worked around."""
    venue = trading()
    error = {"error": {"code": "authentication_error", "message": "no", "details": text}}
    rejected, stands = facts(reply(venue, sent(venue, order()), status, error))
    assert (rejected.reason, stands.mode) == (reason, mode)
    assert isinstance(stands, VenueMode) and text in stands.why
    again = facts(reply(venue, sent(venue, order("e1.8-0")), status, error))
    assert [type(e) for e in again] == [OrderRejected]


def test_a_server_error_makes_us_ask_whether_the_exchange_is_open():
    venue = trading()
    for asked in ("own:1", "own:2", "own:3", "own:4", "own:5"):
        venue.on_reply(f"kalshi.{asked}", 404, b"", NOW)
    outs = reply(venue, sent(venue, order()), 503, b"<html>")
    assert call(outs).url.endswith("/exchange/status")


def test_several_orders_go_in_one_request_and_are_answered_one_by_one():
    venue = trading()
    four = tuple(order(f"e1.7-{n}") for n in range(4))
    outs = venue.do(SubmitOrders("kalshi", four), NOW)
    asked = call(outs)
    assert (asked.cost, asked.bucket) == (40, "kalshi.write")
    items = [
        created(client_order_id="e1:7-0"),
        {"client_order_id": "e1:7-1", "error": {"code": "insufficient_balance", "message": "no"}},
        {"error": {"code": "internal_error", "message": "oops"}},
        {"client_order_id": "e1:9-9", "order_id": "v4", "fill_count": "0", "remaining_count": "2"},
    ]
    events = bare(facts(reply(venue, asked, 201, {"orders": items})))
    assert events[0] == ACK
    assert (events[1].order, events[1].reason) == ("e1.7-1", "funds")
    assert [type(e) for e in events[2:]] == [OrderUnknown, BadInput, OrderUnknown]
    assert (events[2].order, events[4].order) == ("e1.7-2", "e1.7-3")


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"orders":[]}', b'{"orders":[{}]}', b'{"orders":7}']
)
def test_a_batch_that_is_not_answered_in_full_is_unknown_in_full(body):
    venue = trading()
    two = (order(), order("e1.7-1"))
    events = facts(reply(venue, call(venue.do(SubmitOrders("kalshi", two), NOW)), 201, body))
    assert [e.order for e in events if isinstance(e, OrderUnknown)] == [one.id for one in two]
    assert {type(e) for e in events} <= {BadInput, OrderUnknown}


def test_a_batch_is_no_larger_than_the_write_budget():
    """At the Basic tier 100 tokens, a quarter of them kept for cancels: six orders at a time."""
    venue = trading()
    outs = venue.do(SubmitOrders("kalshi", tuple(order(f"e1.7-{n}") for n in range(14))), NOW)
    assert [c.cost for c in calls(outs)] == [60, 60, 20]
