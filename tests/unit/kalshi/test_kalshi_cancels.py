"""Cancels and changes: done when the venue says how much, and never evidence by silence."""

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
    CancelFailed,
    OrderCanceled,
    OrderMissing,
    OrderSeen,
    OrderUnknown,
    VenueMode,
)
from dutchbook.domain.effects import AmendOrder, CancelAll, CancelOrder, SubmitOrder, SubmitOrders
from dutchbook.domain.events import BadInput
from dutchbook.venues.base import Wake

O1 = "e1.7-0"
AT = MS * 1_000_000


def canceling(venue=None, venue_order="v1", **words):
    venue = venue or trading()
    return venue, venue.do(CancelOrder(order(**words), venue_order, "done"), NOW)


def test_a_cancel_is_done_when_the_venue_says_how_much():
    venue, outs = canceling()
    assert (call(outs).bucket, call(outs).cost) == ("kalshi.cancel", 2)
    body = {"order_id": "v1", "client_order_id": "e1:7-0", "reduced_by": "1.50", "ts_ms": MS}
    outs = reply(venue, call(outs), 200, body)
    words = ("operator", 1_500_000, 500_000, "canceled as asked")
    assert bare(facts(outs)) == [OrderCanceled(O1, "v1", *words)]
    # F41: what was not taken away has filled, and is fetched, though no fill has shown yet.
    assert call(outs).url.endswith("/portfolio/fills?order_id=v1&limit=1000")


@pytest.mark.parametrize(
    ("words", "answered", "by", "filled"),
    [
        ({}, None, "2.00", 0),
        ({"reduce_only": True}, None, "1.00", -1),
        ({}, 200, "2.50", 500_000),
        ({}, 500, "2.50", -1),
        ({}, 400, "1.50", 500_000),
    ],
)
def test_what_a_canceled_order_has_filled_is_told_where_its_size_is_known(
    words, answered, by, filled
):
    """A change to three may stand, may be refused, or nobody knows."""
    venue = trading()
    if answered is not None:
        body = {"order_id": "v1", "fill_count": "0", "remaining_count": "3.00", "ts_ms": MS}
        error = {"error": {"code": "invalid_price", "message": "no"}}
        reply(venue, call(amending(venue)), answered, body if answered == 200 else error)
    _, outs = canceling(venue, **words)
    body = {"order_id": "v1", "reduced_by": by, "ts_ms": MS}
    (ended,) = bare(facts(reply(venue, call(outs), 200, body)))
    assert (ended.filled, isinstance(ended, OrderCanceled)) == (filled, True)


def test_r8_a_cancel_that_reduced_nothing_is_no_cancel():
    """It had filled, or was gone: the order is asked for, and its fills decide."""
    venue, outs = canceling()
    body = {"order_id": "v1", "reduced_by": "0.00", "ts_ms": MS}
    outs = reply(venue, call(outs), 200, body)
    assert bare(facts(outs)) == [CancelFailed(O1, "nothing was left to cancel", gone=True)]
    assert call(outs).url.endswith("/portfolio/orders/v1")


@pytest.mark.parametrize("body", [
    {"order_id": "v2", "reduced_by": "2.00", "ts_ms": MS},
    {"order_id": "v1", "client_order_id": "e1:9-9", "reduced_by": "2.00", "ts_ms": MS},
    {"order_id": "v1", "reduced_by": "3.00", "ts_ms": MS},
    {"order_id": "v1", "reduced_by": 2, "ts_ms": MS},
    {},
])  # fmt: skip
def test_a_cancel_answer_that_speaks_of_something_else_proves_nothing(body):
    """The venue's known defect: an answer that describes the wrong order. We ask."""
    venue, outs = canceling()
    outs = reply(venue, call(outs), 200, body)
    assert [type(e) for e in facts(outs)] == [BadInput, CancelFailed]
    assert call(outs).url.endswith("/portfolio/orders/v1")


@pytest.mark.parametrize(
    ("status", "body", "gone"),
    [
        (404, {"error": {"code": "not_found", "message": "no"}}, True),
        (404, b"<html>no such page</html>", False),
        (429, {"error": "too many requests"}, False),
        (408, b"", False),
        (502, b"<html>", False),
    ],
)
def test_a_cancel_that_failed_says_nothing_of_the_order(status, body, gone):
    venue, outs = canceling()
    (failed,) = facts(reply(venue, call(outs), status, body))
    assert isinstance(failed, CancelFailed) and (failed.order, failed.gone) == (O1, gone)


@pytest.mark.parametrize("was_sent", [True, False])
def test_a_cancel_without_an_answer_has_failed_too(was_sent):
    venue, outs = canceling()
    (failed,) = facts(venue.on_lost(call(outs).id, was_sent, NOW))
    assert (failed.order, failed.gone) == (O1, False)


def test_an_order_whose_venue_id_nobody_knows_is_found_first_and_then_canceled():
    venue, outs = canceling(venue_order="")
    outs = reply(venue, call(outs), 200, page("orders", record()))
    outs = reply(venue, call(outs), 200, page("fills"))
    assert [type(e) for e in facts(outs)] == [OrderSeen]
    assert (call(outs).method, call(outs).url.partition("?")[0][-3:]) == ("DELETE", "/v1")


def test_a_cancel_of_an_order_that_is_not_there_or_not_open_fails_for_good():
    venue, outs = canceling(venue_order="")
    outs = reply(venue, call(outs), 200, page("orders"))
    missing, failed = facts(reply(venue, call(outs), 200, page("fills")))
    assert isinstance(missing, OrderMissing) and failed.gone
    venue, outs = canceling(venue_order="")
    full = record(status="executed", fill_count_fp="2.00", remaining_count_fp="0.00")
    outs = reply(venue, call(outs), 200, page("orders", full))
    outs = reply(venue, call(outs), 200, page("fills", fill(count_fp="2.00")))
    assert facts(outs)[-1] == CancelFailed(O1, "it is filled", gone=True) and calls(outs) == []


def test_a_known_orders_cancel_needs_no_question():
    venue = trading()
    reply(venue, sent(venue, order()), 201, created())
    _, outs = canceling(venue, venue_order="")
    assert call(outs).method == "DELETE"


def amending(venue, **words):
    return venue.do(AmendOrder(order(**words), "v1", 450_000, 3_000_000), NOW)


def test_a_change_is_answered_with_the_order_as_it_is_now():
    venue = trading()
    body = {"order_id": "v1", "fill_count": "1.00", "remaining_count": "2.00", "ts_ms": MS}
    (seen,) = bare(facts(reply(venue, call(amending(venue)), 200, body)))
    assert seen == OrderSeen("kalshi", "main", O1, "v1", KEY, "yes", "buy", 450_000, 3_000_000,
                             "open", 1_000_000, AT)  # fmt: skip


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"error": {"code": "invalid_price", "message": "no"}}, CancelFailed),
        (404, {"error": {"code": "not_found", "message": "no"}}, CancelFailed),
        (429, b"", CancelFailed),
        (408, b"", OrderUnknown),
        (500, b"", OrderUnknown),
        (200, b"{}", OrderUnknown),
        (200, {"order_id": "v1", "ts_ms": MS}, OrderUnknown),
        (200, {"order_id": "v2", "fill_count": "0", "remaining_count": "3"}, OrderUnknown),
    ],
)
def test_a_change_that_was_refused_or_that_nobody_knows_of(status, body, kind):
    venue = trading()
    events = facts(reply(venue, call(amending(venue)), status, body))
    assert [type(e) for e in events if not isinstance(e, BadInput | VenueMode)] == [kind]


def test_a_change_without_an_answer_is_unknown_and_one_that_never_left_has_failed():
    venue = trading()
    (unknown,) = facts(venue.on_lost(call(amending(venue)).id, True, NOW))
    (failed,) = facts(venue.on_lost(call(amending(venue)).id, False, NOW))
    assert isinstance(unknown, OrderUnknown) and isinstance(failed, CancelFailed)
    (failed,) = venue.do(AmendOrder(order("e1.9-0"), "", 450_000, 3_000_000), NOW)
    assert isinstance(failed, CancelFailed)


def test_cancel_all_is_one_request_and_then_what_still_rests_by_name():
    """An order on its way may escape the one request; one decided later is spared."""
    venue = trading()
    later = order("e1.9-0", made_at=NOW + 1)
    outs = venue.do(CancelAll("kalshi", "kill"), NOW)
    assert (call(outs).method, call(outs).bucket) == ("DELETE", "kalshi.cancel")
    (wake,) = reply(venue, call(outs), 200, {})
    sent(venue, later)
    asked = call(venue.on_wake(wake.token, wake.at))
    assert asked.url.endswith("/portfolio/orders?status=resting&limit=1000")
    resting = page("orders", record(), record(order_id="v9", client_order_id="e1:9-0"),
                   record(order_id="v3", client_order_id=None))  # fmt: skip
    outs = reply(venue, asked, 200, resting)
    assert call(outs).body == (
        b'{"orders":[{"order_id":"v1","market_ticker":"KXFED-26DEC-T4.00"},'
        b'{"order_id":"v3","market_ticker":"KXFED-26DEC-T4.00"}]}'
    )
    assert call(outs).cost == 4
    items = [{"order_id": "v3", "reduced_by": "2.00"}, {"order_id": "v1", "reduced_by": "1.50"}]
    (event,) = bare(facts(reply(venue, call(outs), 200, {"orders": items})))
    words = ("operator", 1_500_000, 500_000, "canceled with all others")
    assert event == OrderCanceled(O1, "v1", *words)  # v3 is nobody's of ours


@pytest.mark.parametrize("status", [400, 403, 404, 405, 429, 500])
def test_an_account_that_may_not_cancel_all_has_its_orders_canceled_by_name(status):
    venue = trading()
    outs = reply(venue, call(venue.do(CancelAll("kalshi", "kill"), NOW)), status, b"")
    outs = reply(venue, call(outs), 200, page("orders", record()))
    error = {"order_id": "v1", "reduced_by": "0", "error": {"code": "not_found", "message": "no"}}
    events = facts(reply(venue, call(outs), 200, {"orders": [error]}))
    assert events == [CancelFailed(O1, "not_found", gone=True)]


@pytest.mark.parametrize("body", [b"", b"{}", b'{"orders":[]}', b'{"orders":[{"order_id":"v9"}]}'])
def test_a_batch_of_cancels_without_its_answers_has_failed(body):
    venue = trading()
    outs = reply(venue, call(venue.do(CancelAll("kalshi", "kill"), NOW)), 404, b"")
    outs = reply(venue, call(outs), 200, page("orders", record()))
    events = facts(reply(venue, call(outs), 200, body))
    assert [e.order for e in events if isinstance(e, CancelFailed)] == [O1]
    assert not any(isinstance(e, OrderCanceled) for e in events)


def test_what_rests_and_cannot_be_listed_is_asked_for_again_a_few_times():
    venue = trading()
    outs = reply(venue, call(venue.do(CancelAll("kalshi", "kill"), NOW)), 500, b"")
    turns = 0
    while outs and calls(outs):
        asked = [c for c in calls(outs) if "orders" in c.url]
        outs = reply(venue, asked[0], 503, b"")
        wakes = [out for out in outs if isinstance(out, Wake)]
        outs = venue.on_wake(wakes[0].token, wakes[0].at) if wakes else []
        turns += 1
    assert turns == 3


def test_effects_of_other_venues_do_nothing_here():
    venue = trading()
    other = order(venue="polymarket")
    for effect in (SubmitOrder(other), SubmitOrders("polymarket", (other,)),
                   CancelOrder(other, "", ""), CancelAll("polymarket", "")):  # fmt: skip
        assert venue.do(effect, NOW) == []
