"""The user channel, trades and reports as stories; damage of any kind raises nothing."""

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dutchbook.domain.account_events import (
    AccountSeen,
    AccountUnseen,
    FillSettled,
    FillVoided,
    OrderCanceled,
    OrderFilled,
    OrderSeen,
    Paid,
)
from dutchbook.domain.effects import AskAccount
from dutchbook.domain.events import BadInput, FeedDown, FeedUp
from dutchbook.domain.orders import Holding
from dutchbook.domain.units import SECOND, Ns
from dutchbook.venues.base import Call, Sign
from dutchbook.venues.polymarket.user import STREAM
from pm_trading import (
    ADDRESS,
    CID,
    KEY,
    NO,
    NOW,
    T0,
    USER,
    YES,
    admitted,
    asked,
    call,
    calls,
    facts,
    frame,
    later,
    listed,
    maker,
    name,
    order,
    pages,
    reply,
    report,
    sent,
    trade,
)

FILL = OrderFilled(
    "polymarket", "main", "o-1", name(order()), "t-1", KEY, "yes", "buy", 400_000, 10_000_000,
    96_000, False, Ns(T0 // 1000 * SECOND), provisional=True,
)  # fmt: skip
"""10 at 40 cents as the taker: 10 x 0.04 x 0.4 x 0.6 = 9.6 cents."""


def trading(*orders):
    """A venue that knows these orders and whose user channel is open."""
    venue = admitted()
    for one in orders or (order(),):
        sent(venue, one)
    venue.on_open(USER, NOW)
    return venue


def told(venue, body, at=NOW, kind="trade"):
    return facts(venue.on_frame(USER, frame(kind, **body), at))


def test_the_channel_opens_with_the_credentials_that_io_fills_in():
    venue = admitted()
    assert venue.streams()[0] == STREAM
    dial = venue.dial(USER, NOW)
    assert (dial.url, dial.heartbeat, dial.heartbeat_every) == ("ws://user", "PING", 10 * SECOND)
    assert {sign.key for sign in dial.sign} == {
        "polymarket.api_key", "polymarket.api_secret", "polymarket.api_passphrase",
    }  # fmt: skip
    assert all(isinstance(sign, Sign) and sign.kind == "reveal" for sign in dial.sign)
    first = json.loads(dial.first)
    assert (first["type"], set(first["auth"])) == ("user", {"apiKey", "secret", "passphrase"})
    assert venue.on_open(USER, NOW) == [FeedUp(USER)]
    assert venue.on_frame(USER, b"PONG", NOW) == []
    assert venue.on_down(USER, NOW, "lost") == [FeedDown(USER, "lost")]


def test_a_trade_is_a_provisional_fill_and_then_settled_each_word_once():
    venue, body = trading(), trade(name(order()))
    assert told(venue, body) == [FILL]
    assert told(venue, body) == []
    for status, word in (("MINED", "mined"), ("CONFIRMED", "confirmed")):
        settled = [FillSettled("polymarket", "main", "t-1", word)]
        assert told(venue, {**body, "status": status}) == settled
        assert told(venue, {**body, "status": status}) == []
    assert told(venue, {**body, "status": "MINED"}) == []  # late: it is confirmed


def test_r2_a_ghost_fill_is_void():
    """MATCHED, RETRYING, FAILED (F45): the fill is told, and then that it never was."""
    venue, body = trading(), trade(name(order()))
    assert told(venue, body) == [FILL]
    assert told(venue, {**body, "status": "RETRYING"}) == [
        FillSettled("polymarket", "main", "t-1", "retrying")
    ]
    assert told(venue, {**body, "status": "FAILED"}) == [
        FillVoided("polymarket", "main", "t-1", "the venue says FAILED")
    ]
    assert told(venue, {**body, "status": "MATCHED"}) == []


def test_r2_a_trade_that_failed_before_it_was_seen_is_no_fill():
    assert told(trading(), trade(name(order()), status="FAILED")) == [
        FillVoided("polymarket", "main", "t-1", "the venue says FAILED")
    ]


def test_r2_a_fill_that_nobody_told_is_made_up_for_by_a_later_word():
    (fill, settled) = told(trading(), trade(name(order()), status="TRADE_STATUS_CONFIRMED"))
    assert fill == msgspec.structs.replace(FILL, provisional=False)
    assert settled == FillSettled("polymarket", "main", "t-1", "confirmed")


def test_f43_the_same_trade_with_another_size_is_told_for_the_books_to_judge():
    venue = trading()
    told(venue, trade(name(order())))
    (again,) = told(venue, trade(name(order()), size="7", maker_orders=[]))
    assert (again.trade, again.qty) == ("t-1", 7_000_000)


def test_each_of_our_makers_in_a_trade_is_a_fill_of_its_own_without_a_fee():
    one, two = order(1, action="sell"), order(2, token=NO, outcome="no", px=600_000)
    body = trade(
        "0xtaker", trader_side="MAKER", maker_address="", size="9",
        maker_orders=[
            maker("0xelse", "2", "0.4"),
            maker(name(one), "3", "0.4", maker_address=ADDRESS),
            maker(name(two), "4", "0.6", asset_id=NO, outcome="No", side="BUY"),
        ],
    )  # fmt: skip
    fills = told(trading(one, two), body)
    assert [(f.order, f.outcome, f.action, f.px, f.qty, f.fee, f.maker, f.leg) for f in fills] == [
        ("o-1", "yes", "sell", 400_000, 3_000_000, 0, True, 1),
        ("o-2", "no", "buy", 600_000, 4_000_000, 0, True, 2),
    ]


def test_a_taker_who_met_several_prices_has_a_fill_for_each():
    """One of them across the tokens: who buys NO at 65 cents gives YES at 35."""
    body = trade(
        name(order()),
        price="0.38",
        maker_orders=[
            maker("0xa", "6", "0.40"),
            maker("0xb", "4", "0.65", asset_id=NO, outcome="No", side="BUY"),
        ],
    )
    fills = told(trading(), body)
    assert [(f.px, f.qty, f.fee, f.leg) for f in fills] == [
        (400_000, 6_000_000, 57_600, 0), (350_000, 4_000_000, 36_400, 1),
    ]  # fmt: skip


def test_r6_a_fak_that_is_live_with_nothing_filled_stays_open_until_told():
    venue, one = trading(order(tif="ioc")), order(tif="ioc")
    body = {**listed(one), "type": "PLACEMENT", "timestamp": str(T0)}
    (seen,) = told(venue, body, kind="order")
    assert (seen.order, seen.status, seen.filled) == ("o-1", "open", 0)
    end = {**body, "type": "CANCELLATION", "status": "CANCELED"}
    assert told(venue, end, kind="order") == [
        OrderCanceled("o-1", name(one), "no_match", 10_000_000, 0, "CANCELED")
    ]


@pytest.mark.parametrize(
    ("status", "matched", "word"),
    [("LIVE", "4", "open"), ("MATCHED", "4", "open"), ("MATCHED", "10", "filled"),
     ("", "10", "filled"), ("DELAYED", "0", "delayed"), ("UNMATCHED", "0", "open")],
)  # fmt: skip
def test_an_order_with_something_left_is_open_whatever_it_matched(status, matched, word):
    body = {**listed(order(), status=status, size_matched=matched), "type": "UPDATE"}
    (seen,) = told(trading(), body, kind="order")
    assert (seen.order, seen.status) == ("o-1", word)


@pytest.mark.parametrize(
    ("changed", "status", "at", "reason"),
    [
        ({}, "CANCELED", NOW, "operator"),
        ({}, "CANCELED_NOT_ENOUGH_BALANCE", NOW, "funds"),
        ({}, "CANCELED_MARKET_RESOLVED", NOW, "closed"),
        ({}, "CANCELED_EXPIRED_ORDER", NOW, "expired"),
        ({"tif": "gtd", "expires": later(60)}, "CANCELED", later(60), "expired"),
        ({"tif": "fok"}, "CANCELED", NOW, "killed"),
    ],
)
def test_why_an_order_ended(changed, status, at, reason):
    one = order(**changed)
    body = {**listed(one, size_matched="4", status=status), "type": "CANCELLATION"}
    (end,) = told(trading(one), body, at, kind="order")
    assert (end.reason, end.canceled, end.filled) == (reason, 6_000_000, 4_000_000)


def test_trades_that_an_answer_names_are_asked_for_until_they_are_final():
    venue, one = admitted(), order()
    body = {"success": True, "errorMsg": "", "orderID": name(one), "status": "matched",
            "tradeIDs": ["t-1"]}  # fmt: skip
    out = reply(venue, sent(venue, one), 200, body)
    spans = []
    for status in ("none", "MATCHED", "MINED", "CONFIRMED"):
        (wake,) = [w for w in out if not isinstance(w, Call) and hasattr(w, "token")]
        spans.append(wake.at - NOW)
        out = venue.on_wake(wake.token, wake.at)
        found = call(out, "/data/trades?id=t-1")
        rows = [] if status == "none" else [trade(name(one), status=status)]
        reply(venue, found, 200, pages(*rows), wake.at)
    assert spans == [250_000_000, 750_000_000, 1_750_000_000, 3_750_000_000]
    (wake,) = [w for w in out if not isinstance(w, Call)]
    assert venue.on_wake(wake.token, wake.at) == []


def test_f41_a_fill_before_the_answer_to_the_order_is_ours():
    """The order's name follows from itself, so the channel may be faster than the answer."""
    venue = admitted()
    sent(venue, order())
    assert told(venue, trade(name(order())))[0].order == "o-1"


ROW = {"type": "MERGE", "timestamp": T0 // 1000, "conditionId": CID, "size": 4, "usdcSize": 4,
       "transactionHash": "0xAB"}  # fmt: skip


def answers(venue, out, **changed):
    """Answer every question of a report; `changed` by part of the URL."""
    body = {
        "COLLATERAL": (200, {"balance": "123456789", "allowances": {"0xE111180000d2663C0091e4f400237545B87B996B": "5000000", "0xelse": "0"}}),  # noqa: E501
        "/data/orders": (200, pages(listed(order()))),
        "/data/trades": (200, pages(trade(name(order()), status="CONFIRMED"))),
        "/positions": (200, [{"asset": NO, "conditionId": CID, "size": 2.5, "outcomeIndex": 1}]),
        "/activity": (200, []),
        f"token_id={YES}": (200, {"balance": "10000000"}),
        f"token_id={NO}": (200, {"balance": "2500000"}),
    } | changed  # fmt: skip
    said = []
    queue = calls(out)
    while queue:
        one = queue.pop(0)
        (status, text) = next(value for part, value in body.items() if part in one.url)
        more = reply(venue, one, status, text)
        queue += calls(more)
        said += facts(more)
    return said


def test_a_complete_report():
    venue = admitted()
    sent(venue, order())
    settled, seen = answers(venue, report(venue, Ns(T0 * 1_000_000)))
    assert settled == FillSettled("polymarket", "main", "t-1", "confirmed")
    assert seen == AccountSeen(
        "polymarket", "main", NOW, Ns(T0 * 1_000_000), 123_456_789,
        (Holding(KEY, "no", 2_500_000), Holding(KEY, "yes", 10_000_000)),
        (OrderSeen("polymarket", "main", "o-1", name(order()), KEY, "yes", "buy", 400_000,
                   10_000_000, "open", 0, Ns(T0 // 1000 * SECOND)),),
        (msgspec.structs.replace(FILL, provisional=False),),
        5_000_000,
    )  # fmt: skip


def test_after_a_restart_the_orders_in_the_question_are_known_by_their_names():
    venue = admitted()
    out = venue.do(AskAccount("polymarket", "story", (order(),)), NOW)
    seen = answers(venue, out)[-1]
    assert (seen.orders[0].order, seen.fills[0].order) == ("o-1", "o-1")


@pytest.mark.parametrize(
    ("part", "answer"),
    [
        ("COLLATERAL", (500, {})), ("COLLATERAL", (200, {"balance": 5})),
        ("COLLATERAL", (200, {"balance": "-5"})), ("COLLATERAL", (200, {"balance": "1e9"})),
        ("/data/orders", (502, {})), ("/data/orders", (200, [])),
        ("/data/orders", (200, {"data": []})),
        ("/data/orders", (200, pages(listed(order()), cursor="MA=="))),
        ("/data/orders", (200, pages(listed(order()), cursor="AA"))),
        ("/data/orders", (200, pages(listed(order()), listed(order())))),
        ("/data/orders", (200, pages(listed(order(), price="NaN")))),
        ("/data/orders", (200, pages(listed(order(), side="HOLD")))),
        ("/data/orders", (200, {**pages(), "count": 3})),
        ("/data/trades", (429, {})), ("/data/trades", (200, pages(trade("0x1", status="NEW")))),
        ("/data/trades", (200, pages({"id": "t"}))),
        ("/positions", (200, {})), ("/positions", (500, [])),
        ("/positions", (200, [{"asset": "9", "conditionId": CID, "size": 1}])),
        ("/positions", (200, [{"asset": YES, "conditionId": CID, "size": -1}])),
        ("/activity", (500, [])), ("/activity", (200, [{**ROW, "size": -4}])),
        ("/activity", (200, [{**ROW, "transactionHash": ""}])),
        (f"token_id={NO}", (404, {"error": "x"})), (f"token_id={NO}", (200, {"balance": ""})),
    ],
)  # fmt: skip
def test_f61_what_is_not_complete_is_no_report(part, answer):
    """F57: an empty list is never taken to mean flat without proof of success."""
    venue = admitted()
    sent(venue, order())
    said = answers(venue, report(venue), **{part: answer})
    assert [one for one in said if isinstance(one, AccountSeen)] == []
    (unseen,) = [one for one in said if isinstance(one, AccountUnseen)]
    assert unseen.why


def test_pages_are_read_to_the_last():
    venue = admitted()
    out = report(venue)
    more = reply(venue, call(out, "/data/orders"), 200, pages(listed(order(1)), cursor="AB="))
    (second,) = calls(more)
    assert second.url == "http://clob/data/orders?next_cursor=AB%3D"


def test_positions_of_more_than_a_page():
    venue = admitted()
    row = {"asset": YES, "conditionId": CID, "size": 1, "outcomeIndex": 0}
    found = call(report(venue), "/positions")
    (second,) = calls(reply(venue, found, 200, [row] * 500))
    assert "offset=500" in second.url


def test_no_answer_is_no_report():
    venue = admitted()
    out = report(venue)
    assert venue.on_lost(call(out, "/data/orders").id, True, NOW) == [
        AccountUnseen("polymarket", "main", "no answer")
    ]
    assert venue.on_lost(call(out, "COLLATERAL").id, True, NOW) == []


def test_merges_splits_and_redemptions_are_paid_once():
    """A redemption burns both sides: what they were, the report before it said."""
    venue, at = admitted(), Ns(T0 // 1000 * SECOND)
    sent(venue, order())
    answers(venue, report(venue))  # 10 YES and 2.5 NO
    rows = [
        ROW, {**ROW, "type": "SPLIT", "size": 1.5}, {**ROW, "type": "TRADE"},
        {**ROW, "type": "REDEEM", "size": 10, "usdcSize": 10.0, "transactionHash": "0xCD"},
    ]  # fmt: skip
    said = answers(venue, report(venue), **{"/activity": (200, rows)})
    assert [one for one in said if isinstance(one, Paid)] == [
        Paid("polymarket", "main", "merge", f"merge:0xab:{CID}", 4_000_000, at, KEY, 4_000_000),
        Paid("polymarket", "main", "split", f"split:0xab:{CID}", -1_500_000, at, KEY, 1_500_000),
        Paid("polymarket", "main", "redeem", f"redeem:0xcd:{CID}", 10_000_000, at, KEY,
             10_000_000, 2_500_000, 1_000_000),
    ]  # fmt: skip
    said = answers(venue, report(venue), **{"/activity": (200, rows)})
    assert [one for one in said if isinstance(one, Paid)] == []


BAD_NUMBERS = ["", "-1", "NaN", "Infinity", "1e3", " 1", "1 ", "+1", "0x10", "1_0", "١", "1.",
               "0.0000001", "9" * 40, "-0"]  # fmt: skip


@pytest.mark.parametrize("text", BAD_NUMBERS)
@pytest.mark.parametrize("field", ["price", "size"])
def test_a_bad_number_is_bad_input_and_no_fill(field, text):
    venue = trading()
    out = told(venue, trade(name(order()), **{field: text}))
    assert [type(one) for one in out] == [BadInput]
    assert told(venue, trade(name(order()))) == [FILL]


@pytest.mark.parametrize(
    "changed",
    [
        {"id": ""}, {"id": "x" * 300}, {"side": "buy"}, {"status": "DONE"}, {"match_time": "soon"},
        {"taker_order_id": ""}, {"maker_orders": {}}, {"size": 10}, {"price": 0.4},
        {"asset_id": int(YES)}, {"asset_id": "5" * 77, "outcome": "Lakers"}, {"id": "a\nb"},
    ],
)  # fmt: skip
def test_a_bad_trade_is_bad_input_and_no_fill(changed):
    assert [type(one) for one in told(trading(), trade(name(order()), **changed))] == [BadInput]


def test_ids_of_77_digits_stay_text():
    token = "7" * 77
    one = order(token=token, key="polymarket:0xother")
    body = trade(name(one), asset_id=token, market="0xother", maker_orders=[])
    (fill,) = told(trading(one), body)
    assert (fill.key, fill.outcome, fill.fee) == ("polymarket:0xother", "yes", -1)


def test_one_bad_message_in_a_list_spoils_no_other():
    venue, body = trading(), trade(name(order()))
    parts = [b'{"event_type":"weird"}', frame("trade", **body)]
    bad, fill = facts(venue.on_frame(USER, b"[" + b",".join(parts) + b"]", NOW))
    assert (bad.stream, bad.where) == (USER, "[0]")
    assert fill == FILL


@settings(max_examples=150)
@given(st.data())
def test_cut_and_flipped_bytes_never_raise_and_never_move_the_books(data):
    """Frames and answers: whatever comes, events or BadInput, and no fill that was not there."""
    venue, one = trading(), order()
    whole = [
        frame("trade", **trade(name(one))),
        frame("order", **listed(one), type="UPDATE"),
        json.dumps(pages(trade(name(one)))).encode(),
        json.dumps(listed(one)).encode(),
    ]
    raw = bytearray(data.draw(st.sampled_from(whole)))
    cut = data.draw(st.booleans())
    at = data.draw(st.integers(0, len(raw) - 1))
    if cut:
        raw = raw[:at]
    else:
        raw[at] ^= data.draw(st.integers(1, 255))
    out = facts(venue.on_frame(USER, bytes(raw), NOW))
    if cut:
        assert not [e for e in out if not isinstance(e, BadInput)]
    (look,) = asked(venue, one)
    for again in calls(venue.on_reply(look.id, 200, bytes(raw), NOW)):
        venue.on_reply(again.id, 200, bytes(raw), NOW)
    for question in calls(report(venue)):
        said = venue.on_reply(question.id, 200, bytes(raw), NOW)
        assert not [e for e in said if isinstance(e, AccountSeen)]
    out = venue.on_reply(sent(venue, order(9)).id, 200, bytes(raw), NOW)
    assert {type(e).__name__ for e in facts(out)} <= {"OrderUnknown", "BadInput"}


@settings(max_examples=60)
@given(st.permutations(["MATCHED", "MINED", "RETRYING", "CONFIRMED"]), st.integers(0, 3))
def test_in_whatever_order_the_words_of_a_trade_come_it_is_filled_once_and_ends_confirmed(
    words, twice
):
    venue = trading()
    out = []
    for word in [*words, words[twice]]:
        out += told(venue, trade(name(order()), status=word))
    assert len([e for e in out if isinstance(e, OrderFilled)]) == 1
    settled = [e.status for e in out if isinstance(e, FillSettled)]
    assert settled.count("confirmed") == 1
    assert settled[-1] == "confirmed"
