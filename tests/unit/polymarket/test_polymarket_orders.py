"""Orders and cancels as stories: what is sent, and what each answer proves."""

import json
from hashlib import blake2b

import pytest

from dutchbook.domain.account_events import (
    CancelFailed,
    OrderAcked,
    OrderCanceled,
    OrderMissing,
    OrderRejected,
    OrderUnknown,
    RateSeen,
    VenueMode,
)
from dutchbook.domain.effects import AmendOrder, CancelAll, CancelOrder, SubmitOrder, SubmitOrders
from dutchbook.domain.events import BadInput, CheckFailed
from dutchbook.domain.secret import Secret
from dutchbook.io.signer import Signer
from dutchbook.venues.base import Call, Drop
from dutchbook.venues.polymarket import build
from dutchbook.venues.polymarket.orders import ORDERS
from dutchbook.venues.polymarket.standing import Standing
from pm import CONFIG
from pm_trading import (
    ADDRESS,
    KEY,
    MINE,
    NO,
    NOW,
    SECOND,
    YES,
    admitted,
    asked,
    call,
    calls,
    facts,
    later,
    listed,
    name,
    order,
    pages,
    reply,
    sent,
    trade,
    wake,
)


def proof(body):
    data = body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode()
    return blake2b(data, digest_size=16).hexdigest()


def good(one, **changed):
    body = {"success": True, "errorMsg": "", "orderID": name(one), "status": "live",
            "makingAmount": "", "takingAmount": ""}  # fmt: skip
    return body | changed


def test_no_account_no_trading_half():
    """Without an account it is the venue that it was: no stream, no call, no effect."""
    venue = build(CONFIG)
    (only,) = venue.start(NOW)
    assert only.url.startswith("http://gamma")
    assert venue.streams() == ()
    assert [bucket.name for bucket in venue.buckets()] == [
        "clob.book", "clob.books", "clob", "gamma.events", "gamma",
    ]  # fmt: skip
    assert venue.do(SubmitOrder(order()), NOW) == []


def test_the_bytes_of_an_order_and_its_proofs():
    asked_ = sent(admitted(), order())
    assert (asked_.method, asked_.url, asked_.bucket) == ("POST", "http://clob/order", ORDERS)
    signer = Signer()
    signer.add_secret("polymarket.wallet", Secret("ac" * 32))
    signer.add_secret("polymarket.api_key", Secret("the-key"))
    signer.add_secret("polymarket.api_secret", Secret("c2VjcmV0"))
    signer.add_secret("polymarket.api_passphrase", Secret("word"))
    headers, body = signer.prepare(asked_, NOW)
    assert signer.prepare(asked_, NOW) == (headers, body)
    assert b"@" not in body
    read = json.loads(body)
    assert list(read) == ["order", "owner", "orderType", "deferExec", "postOnly"]
    assert list(read["order"]) == [
        "salt", "maker", "signer", "tokenId", "makerAmount", "takerAmount", "side", "expiration",
        "signatureType", "timestamp", "metadata", "builder", "signature",
    ]  # fmt: skip
    assert read["owner"] == "the-key"
    assert read["order"]["makerAmount"] == "4000000"
    assert read["order"]["takerAmount"] == "10000000"
    assert headers == {
        "POLY_ADDRESS": ADDRESS, "Content-Type": "application/json", "POLY_API_KEY": "the-key",
        "POLY_PASSPHRASE": "word", "POLY_TIMESTAMP": str(NOW // SECOND),
        "POLY_SIGNATURE": headers["POLY_SIGNATURE"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "kind", "post_only", "expiration"),
    [
        ({}, "GTC", False, "0"),
        ({"post_only": True}, "GTC", True, "0"),
        ({"tif": "ioc"}, "FAK", False, "0"),
        ({"tif": "fok"}, "FOK", False, "0"),
        ({"tif": "gtd", "expires": later(30)}, "GTD", False, str(NOW // SECOND + 90)),
    ],
)
def test_kinds_of_orders(changed, kind, post_only, expiration):
    """A GTD order is told a minute more than it has: the venue ends it a minute early."""
    body = json.loads(sent(admitted(), order(**changed)).body)
    assert (body["orderType"], body["postOnly"], body["deferExec"]) == (kind, post_only, False)
    assert body["order"]["expiration"] == expiration


@pytest.mark.parametrize(
    ("status", "delayed"),
    [("live", False), ("matched", False), ("delayed", True), ("unmatched", False)],
)
def test_r6_an_order_that_is_there_is_acked_whatever_it_matched(status, delayed):
    """Also a FAK order that is `live` with nothing filled: it is open until told otherwise."""
    venue, one = admitted(), order(tif="ioc")
    body = good(one, status=status)
    out = reply(venue, sent(venue, one), 200, body)
    assert facts(out) == [OrderAcked("o-1", name(one), delayed, evidence=proof(body))]
    assert [one.url for one in calls(out)] == (
        [f"http://clob/data/order/{name(one)}"] if status == "matched" else []
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("the market is not yet ready to process new orders", "disabled"),
        ("invalid nonce", "other"),
        ("invalid expiration", "expired"),
        ("invalid post-only order: order crosses book", "post_only_cross"),
        ("order couldn't be fully filled. FOK orders are fully filled or killed.", "killed"),
        ("no orders found to match with FAK order. FAK orders are partially filled or killed "
         "if no match is found.", "no_match"),
        ("not enough balance / allowance: the balance is not enough", "funds"),
    ],
)  # fmt: skip
def test_every_text_of_a_refusal_has_its_reason(text, reason):
    venue, one = admitted(), order()
    body = {"success": False, "errorMsg": text, "orderID": ""}
    assert facts(reply(venue, sent(venue, one), 200, body)) == [
        OrderRejected("o-1", reason, text, proof(body))
    ]
    body = {"error": text}
    assert facts(reply(venue, sent(venue, order(2)), 400, body)) == [
        OrderRejected("o-2", reason, f"HTTP 400: {text}", proof(body))
    ]


def test_r4_no_allowance_is_funds_and_a_failed_execution_is_unknown():
    venue = admitted()
    out = reply(venue, sent(venue, order()), 400, {"error": "allowance is not enough"})
    assert (out[0].order, out[0].reason) == ("o-1", "funds")
    (refresh,) = calls(out)  # the venue looks at the chain again; nothing is sent again
    path = "http://clob/balance-allowance/update"
    assert refresh.url == f"{path}?asset_type=COLLATERAL&signature_type=0"
    out = reply(venue, sent(venue, order(3, action="sell")), 400, {"error": "not enough balance"})
    assert calls(out)[0].url == (f"{path}?asset_type=CONDITIONAL&signature_type=0&token_id={YES}")
    out = reply(venue, sent(venue, order(2)), 500, {"error": "could not run the execution"})
    assert out == [
        OrderUnknown("o-2", "HTTP 500: could not run the execution",
                     proof({"error": "could not run the execution"}))
    ]  # fmt: skip


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 520, 524, 302, 201])
def test_r1_what_may_have_landed_is_unknown(status):
    """F27, F28: no answer, a time-out, a 5xx of a proxy after the engine took it."""
    venue = admitted()
    assert reply(venue, sent(venue, order()), status, b"<html>") == [
        OrderUnknown("o-1", f"HTTP {status}", proof(b"<html>"))
    ]
    assert venue.on_lost(sent(venue, order(2)).id, True, NOW) == [OrderUnknown("o-2", "no answer")]


def test_r1_what_never_left_is_rejected_but_not_when_it_was_sent_before():
    venue, one = admitted(), order()
    assert venue.on_lost(sent(venue, one).id, False, NOW) == [
        OrderRejected("o-1", "not_sent", "it never left us")
    ]
    assert venue.on_lost(sent(venue, one, again=True).id, False, NOW) == [
        OrderUnknown("o-1", "refused when sent again: it never left us")
    ]


def test_r1_three_lost_answers_are_one_order():
    """The same bytes again; "Duplicated" proves that it landed, and its trades are asked for."""
    venue, one = admitted(), order(tif="fok")
    bodies = []
    for again in (False, True, True):
        asked_ = sent(venue, one, again=again)
        bodies.append((asked_.body, asked_.sign[0].text))
        if not again:
            venue.on_lost(asked_.id, True, NOW)
    assert len(set(bodies)) == 1
    error = {"error": f"order {name(one)} is invalid. Duplicated."}
    out = reply(venue, asked_, 400, error)
    assert facts(out) == [OrderAcked("o-1", name(one), evidence=proof(error))]
    assert call(out, "/data/order/").url == f"http://clob/data/order/{name(one)}"


def test_a_refusal_of_an_order_that_was_sent_before_is_no_evidence_of_the_first_time():
    """The first may have used up the very balance that the second lacks."""
    venue = admitted()
    out = reply(venue, sent(venue, order(), again=True), 400, {"error": "not enough balance"})
    assert isinstance(out[0], OrderUnknown)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{}", b"null", b"[]", b"<html>", b'{"success":true,"success":false}',
        b'{"success":"yes"}', b"\xff", b'{"success":true}',
    ],
)  # fmt: skip
def test_f53_success_that_says_nothing_is_unknown(body):
    venue = admitted()
    out = reply(venue, sent(venue, order()), 200, body)
    assert [one for one in out if not isinstance(one, BadInput)] == [
        OrderUnknown("o-1", out[-1].why, proof(body) if body else "")
    ]


@pytest.mark.parametrize("changed", [{"status": "weird"}, {"orderID": "0x12"},
                                     {"errorMsg": "odd"}, {"success": False}])  # fmt: skip
def test_f53_an_answer_in_two_minds_is_unknown(changed):
    venue, one = admitted(), order()
    (out,) = reply(venue, sent(venue, one), 200, good(one, **changed))
    assert isinstance(out, OrderUnknown)


def test_a_batch_is_answered_one_by_one():
    """A failed leg may have success true, an empty orderID and an errorMsg."""
    venue = admitted()
    orders = [order(n) for n in (1, 2, 3)]
    asked_ = sent(venue, *orders)
    assert (asked_.url, asked_.cost, len(json.loads(asked_.body))) == ("http://clob/orders", 3, 3)
    body = [
        good(orders[0]),
        {"success": True, "errorMsg": "not enough balance / allowance", "orderID": ""},
        good(orders[2], status="delayed"),
    ]
    assert facts(reply(venue, asked_, 200, body)) == [
        OrderAcked("o-1", name(orders[0]), evidence=proof(body)),
        OrderRejected("o-2", "funds", "not enough balance / allowance", proof(body)),
        OrderAcked("o-3", name(orders[2]), True, evidence=proof(body)),
    ]


def test_a_batch_whose_answers_are_too_few_leaves_the_others_unknown():
    venue, orders = admitted(), [order(1), order(2)]
    body = [good(orders[1])]
    out = reply(venue, sent(venue, *orders), 200, body)
    assert out == [
        OrderUnknown("o-1", "the answer says nothing of it", proof(body)),
        OrderAcked("o-2", name(orders[1]), evidence=proof(body)),
    ]


def test_more_than_fifteen_go_in_two_requests():
    out = admitted().do(SubmitOrders("polymarket", tuple(order(n) for n in range(17))), NOW)
    assert [one.cost for one in calls(out, "/order")] == [15, 2]


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"px": 405_000}, "grid"), ({"qty": 5}, "hundredths"), ({"token": NO}, "token"),
        ({"neg_risk": False}, "exchange"), ({"token": ""}, "token"),
        ({"post_only": True, "tif": "fok"}, "post-only"),
    ],
)  # fmt: skip
def test_r5_what_the_market_cant_take_never_leaves(changed, why):
    (out,) = facts(admitted().do(SubmitOrder(order(**changed)), NOW))
    assert (out.order, out.reason) == ("o-1", "not_sent")
    assert why in out.text


def test_f31_a_restart_of_the_engine_pauses_then_takes_only_post_only_orders():
    venue = admitted()
    out = reply(venue, sent(venue, order()), 425, {"error": "restarting"})
    assert facts(out) == [
        VenueMode("polymarket", "paused", "it restarts: restarting", later(90)),
        OrderRejected("o-1", "disabled", "HTTP 425: restarting", proof({"error": "restarting"})),
    ]
    (refused,) = facts(venue.do(SubmitOrder(order(2)), NOW))
    assert (refused.reason, calls([refused])) == ("disabled", [])
    out = venue.on_wake(wake(out, "engine").token, later(90))
    assert facts(out) == [VenueMode("polymarket", "post_only", "it has just restarted", later(210))]
    assert facts(venue.do(SubmitOrder(order(3)), NOW))[0].reason == "post_only_mode"
    assert sent(venue, order(4, post_only=True))
    assert venue.on_wake(wake(out, "engine").token, later(210)) == [
        VenueMode("polymarket", "open", "")
    ]


@pytest.mark.parametrize(
    ("body", "reason", "mode", "until"),
    [
        ({"error": "Trading is currently disabled. Check back later"}, "disabled", "paused", 60),
        ({"error": "Trading is currently cancel-only"}, "cancel_only", "cancel_only", 60),
        ({"error": "post-only mode: only post-only orders and cancels are allowed",
          "code": "post_only_mode", "retry_after_seconds": 7}, "post_only_mode", "post_only", 7),
    ],
)  # fmt: skip
def test_f31_503_that_says_why_is_a_refusal(body, reason, mode, until):
    venue = admitted()
    told, refused = facts(reply(venue, sent(venue, order()), 503, body))
    assert (told.mode, told.until) == (mode, later(until))
    assert (refused.order, refused.reason) == ("o-1", reason)


def test_f60_unauthorized_stops_everything_until_the_venue_takes_the_key_again():
    venue = admitted()
    out = reply(venue, sent(venue, order()), 401, {"error": "Unauthorized/Invalid api key"})
    assert [type(one) for one in facts(out)] == [VenueMode, OrderRejected]
    assert (out[0].mode, out[1].reason) == ("unauthorized", "unauthorized")
    (refused,) = facts(venue.do(SubmitOrder(order(2)), NOW))
    assert refused.reason == "unauthorized"


def test_f30_throttled_is_refused():
    venue = admitted()
    (out,) = facts(reply(venue, sent(venue, order()), 429, b""))
    assert (out.order, out.reason) == ("o-1", "throttled")


def test_an_outdated_order_is_rejected_and_never_signed_anew():
    venue = admitted()
    out = reply(venue, sent(venue, order()), 400, {"error": "order_version_mismatch"})
    assert facts(out)[0].reason == "other"
    (version,) = calls(out)
    assert version.url == "http://clob/version"
    told = facts(reply(venue, version, 200, {"version": 4}))
    assert (told[0].mode, "version 4" in told[0].why) == ("paused", True)


GONE = "order can't be found - already canceled or matched"


def test_a_cancel_names_the_order_even_before_the_venue_answered_for_it():
    venue, one = admitted(), order()
    sent(venue, one)
    (asked_,) = venue.do(CancelOrder(one, "", "story"), NOW)
    assert (asked_.method, asked_.url) == ("DELETE", "http://clob/order")
    assert json.loads(asked_.body) == {"orderID": name(one)}
    body = {"canceled": [name(one)], "not_canceled": {}}
    (ended, look) = reply(venue, asked_, 200, body)
    assert ended == OrderCanceled("o-1", name(one), "operator", evidence=proof(body))
    assert look.url.endswith(f"/data/order/{name(one)}")  # what had filled before, its trades say


@pytest.mark.parametrize(
    ("status", "body", "gone"),
    [
        (200, {"canceled": [], "not_canceled": {"ID": GONE}}, True),
        (200, {"canceled": [], "not_canceled": {"ID": "the order is delayed"}}, False),
        (200, {"canceled": [], "not_canceled": {}}, False),
        (200, {"canceled": "all"}, False), (404, {"error": "not found"}, True),
        (404, "page", False),
        (500, {"error": "x"}, False), (0, None, False),
    ],
)  # fmt: skip
def test_a_cancel_that_failed_is_no_evidence_about_the_order(status, body, gone):
    venue, one = admitted(), order()
    (asked_,) = venue.do(CancelOrder(one, "", "story"), NOW)
    if status == 0:
        out = venue.on_lost(asked_.id, True, NOW)
    else:
        text = json.dumps(body).replace("ID", name(one)) if body != "page" else "<html>"
        out = venue.on_reply(asked_.id, status, text.encode(), NOW)
    assert [(one.order, one.gone) for one in out if isinstance(one, CancelFailed)] == [
        ("o-1", gone)
    ]
    assert not [one for one in out if isinstance(one, OrderCanceled)]


def test_r6_a_sweep_takes_back_what_waits_and_cancels_what_was_under_way():
    """Cancel-all misses orders that are not on the book yet: those are canceled by their names."""
    venue, one, two = admitted(), order(1), order(2)
    first, second = sent(venue, one), sent(venue, two)
    drop, sweep = venue.do(CancelAll("polymarket", "story"), NOW)
    assert drop == Drop((first.id, second.id))
    assert (sweep.method, sweep.url, sweep.body) == ("DELETE", "http://clob/cancel-all", b"")
    assert reply(venue, sweep, 200, {"canceled": [], "not_canceled": {}}) == []
    assert venue.on_lost(second.id, False, NOW) == [
        OrderRejected("o-2", "not_sent", "it never left us")
    ]
    acked, end = reply(venue, first, 200, good(one))
    assert isinstance(acked, OrderAcked)
    assert (end.method, json.loads(end.body)) == ("DELETE", {"orderID": name(one)})


def test_a_sweep_spares_what_only_sells_and_is_made_again_beside_it():
    """A kill that sells what is held must not take back its own sales, nor be stopped by them."""
    words = {"action": "sell", "purpose": "exit", "tif": "ioc", "reduce_only": True}
    venue, exits = admitted(), order(2, **words)
    first, sale = sent(venue, order(1)), sent(venue, exits)
    drop, sweep = venue.do(CancelAll("polymarket", "story"), NOW)
    assert drop == Drop((first.id,)) and (first.risk, sale.risk) == (True, False)
    out = venue.on_lost(sweep.id, True, NOW)
    sent(venue, order(3, **words))
    drop, sweep = venue.on_wake(wake(out, "sweep").token, later(1))
    assert drop == Drop((first.id,)) and sweep.url == "http://clob/cancel-all"
    assert [type(one) for one in reply(venue, sale, 200, good(exits))] == [OrderAcked]


def test_a_sweep_without_an_answer_is_told_and_made_again():
    venue = admitted()
    (sweep,) = venue.do(CancelAll("polymarket", "story"), NOW)
    out = venue.on_lost(sweep.id, True, NOW)
    assert facts(out) == [CheckFailed("polymarket:orders", "not everything is canceled: no answer")]
    (sweep,) = venue.on_wake(wake(out, "sweep").token, later(1))
    body = {"canceled": [name(order())], "not_canceled": {}}
    assert reply(venue, sweep, 200, body) == [
        OrderCanceled("", name(order()), "operator", evidence=proof(body))
    ]


def test_polymarket_cant_amend():
    assert admitted().do(AmendOrder(order(), "", 410_000, 10_000_000), NOW) == [
        CancelFailed("o-1", "Polymarket can't change an order: cancel it and send another")
    ]


def test_the_venues_word_on_where_we_are_is_respected():
    """Until the geoblock and the account have answered nothing is sent; blocked stays blocked."""
    venue = build(MINE)
    out = venue.start(NOW)
    rate, standing = facts(out)
    assert rate == RateSeen("polymarket", 60, 40) and standing.mode == "paused"
    assert facts(venue.do(SubmitOrder(order()), NOW))[0].reason == "disabled"
    assert facts(venue.on_lost(call(out, "geo").id, True, NOW)) == []
    (geo,) = venue.on_wake("account:geoblock", later(1))
    assert facts(reply(venue, call(out, "closed-only"), 200, {"closed_only": True})) == []
    told = facts(reply(venue, geo, 200, {"blocked": True, "country": "US", "region": "NY"}))
    assert told == [VenueMode("polymarket", "blocked", "the venue's geoblock: US NY")]
    assert facts(venue.do(SubmitOrder(order()), NOW))[0].reason == "blocked"
    (geo,) = venue.on_wake("account:geoblock", later(600))
    told = facts(reply(venue, geo, 200, {"blocked": False}))
    assert told == [VenueMode("polymarket", "closing_only", "the account may only close positions")]
    assert facts(venue.do(SubmitOrder(order()), NOW))[0].reason == "blocked"
    assert sent(venue, order(action="sell"))


@pytest.mark.parametrize("body", [b"", b"{}", b'{"blocked":"no"}', b'{"blocked":0}', b"<html>"])
def test_a_geoblock_that_cant_be_read_is_no_permission(body):
    venue = build(MINE)
    out = venue.start(NOW)
    reply(venue, call(out, "closed-only"), 200, {"closed_only": False})
    assert [type(one) for one in facts(reply(venue, call(out, "geo"), 200, body))] == [BadInput]
    assert facts(venue.do(SubmitOrder(order()), NOW))[0].reason == "disabled"


def test_the_heartbeat_begins_with_the_first_order_and_follows_the_venues_ids():
    venue = admitted()
    out = venue.do(SubmitOrder(order()), NOW)
    beat = call(out, "heartbeats")
    assert (beat.url, json.loads(beat.body)) == ("http://clob/v1/heartbeats", {"heartbeat_id": ""})
    reply(venue, beat, 200, {"heartbeat_id": "h1"})
    out = venue.on_wake("account:heartbeat", later(5))
    beat = call(out, "heartbeats")
    assert json.loads(beat.body) == {"heartbeat_id": "h1"}
    out = reply(venue, beat, 400, {"error_msg": "Invalid Heartbeat ID", "heartbeat_id": "h7"})
    assert json.loads(call(out, "heartbeats").body) == {"heartbeat_id": "h7"}
    assert calls(venue.do(SubmitOrder(order(2)), NOW), "heartbeats") == []


def test_f54_a_heartbeat_that_fails_is_told_and_stops_new_orders_until_it_beats_again():
    venue = admitted()
    beat = call(venue.do(SubmitOrder(order()), NOW), "heartbeats")
    out = venue.on_lost(beat.id, True, later(3))
    assert wake(out, "heartbeat").at == later(4)
    (told,) = facts(venue.on_wake("account:heartbeat.late", later(10)))
    assert (told.mode, "cancels our open orders" in told.why) == ("paused", True)
    assert facts(venue.do(SubmitOrder(order(2)), NOW))[0].reason == "disabled"
    (beat,) = calls(venue.on_wake("account:heartbeat", later(11)))
    told = facts(reply(venue, beat, 200, {"heartbeat_id": "h"}))
    assert told == [VenueMode("polymarket", "open", "")]


def test_what_became_of_an_order_its_fills_before_its_record():
    venue, one = admitted(), order()
    (look,) = asked(venue, one)
    assert look.url == f"http://clob/data/order/{name(one)}"
    (found,) = reply(venue, look, 200, listed(one, status="MATCHED", size_matched="10"))
    assert found.url.startswith("http://clob/data/trades?market=0x5f5f")
    fill, seen = reply(venue, found, 200, pages(trade(name(one)), trade("0xelse", id="t-2")))
    assert (fill.order, fill.trade, fill.qty, fill.provisional) == ("o-1", "t-1", 10_000_000, True)
    assert (seen.order, seen.status, seen.filled, seen.px) == ("o-1", "filled", 10_000_000, 400_000)


def test_f42_only_a_definite_answer_makes_an_order_missing():
    venue, one = admitted(), order()
    for status, body in ((404, b"<html>"), (500, b""), (429, b""), (200, b"{}"), (200, b"[]")):
        (look,) = asked(venue, one)
        out = facts(reply(venue, look, status, body))
        assert isinstance(out[-1], CheckFailed)
        assert out[-1].key == KEY
    (look,) = asked(venue, one)
    assert isinstance(venue.on_lost(look.id, True, NOW)[0], CheckFailed)
    (look,) = asked(venue, one)
    (trades,) = reply(venue, look, 404, {"error": "not found"})
    assert isinstance(reply(venue, trades, 502, b"")[0], CheckFailed)
    (look,) = asked(venue, one)
    (trades,) = reply(venue, look, 404, {"error": "not found"})
    assert reply(venue, trades, 200, pages()) == [OrderMissing("o-1")]


def test_an_order_without_a_record_that_traded_is_not_missing():
    """While the lists may lag it is no answer; later its trades say what it was."""
    venue, one = admitted(), order()
    for at, last in ((NOW, CheckFailed), (later(61), "canceled")):
        (look,) = asked(venue, one)
        (trades,) = reply(venue, look, 404, {"error": "not found"}, at)
        fill, end = reply(venue, trades, 200, pages(trade(name(one), size="4")), at)
        assert fill.qty == 4_000_000
        assert isinstance(end, last) if last is CheckFailed else end.status == last


def test_queued_orders_die_after_a_second_and_cancels_have_a_budget_of_their_own():
    venue = admitted()
    assert sent(venue, order()).until == later(1)
    (cancel,) = venue.do(CancelOrder(order(), "", "story"), NOW)
    assert isinstance(cancel, Call)
    assert cancel.bucket != ORDERS
    assert {cancel.bucket, ORDERS} <= {bucket.name for bucket in venue.buckets()}
    assert YES != NO


def test_of_all_that_the_venue_says_the_strictest_word_counts():
    """Each condition is told when it becomes the strictest, and again when a stricter one ends."""
    standing, said = Standing(), []
    worse = ["post_only", "closing_only", "cancel_only", "paused", "unauthorized", "blocked"]
    for mode in worse:
        said += [one.mode for one in standing.set(mode, mode, "story")]
    assert said == worse
    assert standing.set("again", "paused", "less strict than what is known") == []
    standing.clear("again")
    for mode in reversed(worse):
        said += [one.mode for one in standing.clear(mode)]
    assert said == [*worse, *reversed(worse[:-1]), "open"]
