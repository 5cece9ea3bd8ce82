"""What became of an order, and the report of the account: whole and true, or no answer."""

import pytest
from kalshi_trading import (
    KEY,
    MS,
    NOW,
    T,
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
    AccountSeen,
    AccountUnseen,
    OrderFilled,
    OrderMissing,
    OrderSeen,
    Paid,
)
from dutchbook.domain.effects import AskAccount, AskOrder
from dutchbook.domain.events import BadInput, CheckFailed
from dutchbook.domain.orders import Holding
from dutchbook.domain.units import DAY, SECOND

O1 = "e1.7-0"
AT = MS * 1_000_000
FILLED = OrderFilled(
    "kalshi", "main", O1, "v1", "t1", KEY, "yes", "buy", 440_000, 1_000_000, 17_248, False, AT
)


def seen(**words) -> OrderSeen:
    plain = {
        "venue": "kalshi", "account": "main", "order": O1, "venue_order": "v1", "key": KEY,
        "outcome": "yes", "action": "buy", "px": 440_000, "qty": 2_000_000, "status": "open",
        "filled": 0, "venue_at": AT,
    }  # fmt: skip
    return OrderSeen(**(plain | words))


def asking(venue, venue_order="", **words):
    return venue.do(AskOrder(order(**words), venue_order, "why"), NOW)


# One order


def test_an_order_is_found_by_its_venue_id_and_its_fills_come_before_it():
    venue = trading()
    outs = asking(venue, "v1")
    assert (call(outs).cost, call(outs).url.rpartition("/")[2]) == (2, "v1")
    body = record(fill_count_fp="1.00", remaining_count_fp="1.00")
    outs = reply(venue, call(outs), 200, {"order": body})
    assert facts(reply(venue, call(outs), 200, page("fills", fill()))) == [
        FILLED, seen(filled=1_000_000),
    ]  # fmt: skip


def test_an_order_without_a_venue_id_is_looked_for_among_all_of_its_market():
    """Resting, executed and canceled ones, page after page."""
    venue = trading()
    outs = asking(venue)
    assert call(outs).url.endswith(f"/portfolio/orders?ticker={T}&limit=1000")
    stranger = record(order_id="v0", client_order_id=None)
    outs = reply(venue, call(outs), 200, page("orders", stranger, cursor="c1"))
    assert call(outs).url.endswith("&limit=1000&cursor=c1")
    outs = reply(venue, call(outs), 200, page("orders", record(status="executed",
                 fill_count_fp="2.00", remaining_count_fp="0.00")))  # fmt: skip
    fills = [fill(), fill("t2")]
    *_, last = facts(reply(venue, call(outs), 200, page("fills", *fills)))
    assert last == seen(status="filled", filled=2_000_000)


def test_where_order_and_fills_differ_the_fills_are_right():
    """F44: an order that says canceled and nothing filled, though it had filled."""
    venue = trading()
    body = {"order": record(status="canceled", remaining_count_fp="0.00")}
    outs = reply(venue, call(asking(venue, "v1")), 200, body)
    assert facts(reply(venue, call(outs), 200, page("fills", fill()))) == [
        FILLED, seen(status="canceled", filled=1_000_000),
    ]  # fmt: skip
    outs = reply(venue, call(asking(venue, "v1")), 200, body)
    events = facts(reply(venue, call(outs), 200, page("fills", fill(), fill("t2"))))
    assert events[-1] == seen(status="filled", filled=2_000_000)


def test_nothing_at_all_is_missing_only_when_every_list_is_complete():
    venue = trading()
    outs = reply(venue, call(asking(venue)), 200, page("orders", record(client_order_id="e1:9-9")))
    assert call(outs).url.endswith(f"?ticker={T}&min_ts={MS // 1000 - 3600}&limit=1000")
    (missing,) = facts(reply(venue, call(outs), 200, page("fills", fill())))
    assert isinstance(missing, OrderMissing) and len(missing.evidence) == 32


def test_a_fill_of_an_order_that_no_list_has_is_no_proof_that_ours_is_missing():
    """F42: reading lags behind writing."""
    venue = trading()
    outs = reply(venue, call(asking(venue)), 200, page("orders"))
    (failed,) = facts(reply(venue, call(outs), 200, page("fills", fill(order_id="v7"))))
    assert isinstance(failed, CheckFailed) and failed.key == KEY


BROKEN_LISTS = [
    (500, b""), (408, b""), (429, b""), (401, b""), (404, b""), (200, b""), (200, b"<html>"),
    (200, b"{}"), (200, b"[]"), (200, b'{"orders":[],"fills":[]}'), (200, b'{"cursor":""}'),
    (200, b'{"orders":null,"fills":null,"cursor":""}'),
    (200, b'{"error":{"code":"x"}}'), (200, b'{"orders":[{}],"fills":[{}],"cursor":""}'),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body"), BROKEN_LISTS)
@pytest.mark.parametrize("at", [0, 1])
def test_a_list_that_is_not_whole_is_no_answer(status, body, at):
    """F32, F53, F61: neither an error nor an empty object says that an order is not there."""
    venue = trading()
    outs = asking(venue)
    if at:
        outs = reply(venue, call(outs), 200, page("orders"))
    events = facts(reply(venue, call(outs), status, body))
    assert [type(e) for e in events] == [CheckFailed]


@pytest.mark.parametrize("was_sent", [True, False])
def test_a_question_without_an_answer_is_no_answer(was_sent):
    venue = trading()
    for outs in (asking(venue), asking(venue, "v1")):
        (failed,) = facts(venue.on_lost(call(outs).id, was_sent, NOW))
        assert isinstance(failed, CheckFailed)


def test_a_page_size_that_is_refused_is_asked_for_smaller_once():
    venue = trading()
    outs = reply(venue, call(asking(venue)), 400, {"msg": "limit too high"})
    assert call(outs).url.endswith(f"/portfolio/orders?ticker={T}&limit=100")
    (failed,) = facts(reply(venue, call(outs), 400, {"msg": "limit too high"}))
    assert isinstance(failed, CheckFailed)


def test_a_cursor_that_repeats_or_an_item_that_moved_breaks_the_list():
    """F61."""
    venue = trading()
    outs = reply(venue, call(asking(venue)), 200, page("orders", cursor="c"))
    (failed,) = facts(reply(venue, call(outs), 200, page("orders", cursor="c")))
    assert isinstance(failed, CheckFailed) and "cursor" in failed.why
    outs = reply(venue, call(asking(venue)), 200, page("orders", record(), cursor="c"))
    (failed,) = facts(reply(venue, call(outs), 200, page("orders", record())))
    assert isinstance(failed, CheckFailed) and "twice" in failed.why


def test_an_order_that_its_id_does_not_lead_to_is_scanned_for():
    """404 by id may be a wrong shard, or read lag: the list decides."""
    venue = trading()
    error = {"error": {"code": "not_found", "message": "no"}}
    outs = reply(venue, call(asking(venue, "v1")), 404, error)
    assert "/portfolio/orders?" in call(outs).url


@pytest.mark.parametrize("words", [
    {"order_id": "v2"}, {"client_order_id": "e1:9-9"}, {"ticker": "KXB-1-X"}, {"ticker": "../x"},
    {"status": "unknown"}, {"yes_price_dollars": 0.44}, {"yes_price_dollars": "1.0001"},
    {"fill_count_fp": "-1.00"}, {"fill_count_fp": None}, {"book_side": "yes"},
    {"book_side": "ask"}, {"initial_count_fp": "1e3"},
])  # fmt: skip
def test_an_answer_about_something_else_or_with_broken_fields_is_no_answer(words):
    venue = trading()
    outs = reply(venue, call(asking(venue, "v1")), 200, {"order": record(**words)})
    if calls(outs):
        outs = reply(venue, call(outs), 200, page("fills"))
    assert [type(e) for e in facts(outs)] == [BadInput, CheckFailed]


def test_a_fill_of_another_order_among_the_fills_is_refused():
    venue = trading()
    outs = reply(venue, call(asking(venue, "v1")), 200, {"order": record()})
    events = facts(reply(venue, call(outs), 200, page("fills", fill(order_id="v2"))))
    assert [type(e) for e in events] == [BadInput, CheckFailed]


@pytest.mark.parametrize(
    ("outcome", "action", "book_side", "px"),
    [("yes", "buy", "bid", 440_000), ("no", "buy", "ask", 560_000),
     ("yes", "sell", "ask", 440_000), ("no", "sell", "bid", 560_000)],
)  # fmt: skip
def test_r8_a_fill_is_told_in_the_words_of_its_order(outcome, action, book_side, px):
    """A sale shows on the opposite side in the deprecated fields, which nobody reads."""
    venue = trading()
    one = order(outcome=outcome, action=action, px=px)
    reply(venue, sent(venue, one), 201, created())
    told = {"outcome_side": "yes" if book_side == "bid" else "no", "book_side": book_side}
    wrong = {"side": "no" if outcome == "yes" else "yes", "action": "buy"}
    outs = reply(venue, call(asking(venue, "v1", outcome=outcome, action=action, px=px)), 200,
                 {"order": record(**told)})  # fmt: skip
    first, last = facts(reply(venue, call(outs), 200, page("fills", fill(**told, **wrong))))
    assert (first.outcome, first.action, first.px) == (outcome, action, px)
    assert (last.outcome, last.action, last.px) == (outcome, action, px)


# The account

BALANCE = {"balance": 9_900, "balance_dollars": "99.0050", "portfolio_value": 88,
           "balance_breakdown": [{"exchange_index": 0, "balance": "70.0000"},
                                 {"exchange_index": 2, "balance": "29.0050"}]}  # fmt: skip
POSITIONS = [{"ticker": T, "position_fp": "1.00"}, {"ticker": "KXB-1-X", "position_fp": "-3.50"},
             {"ticker": "KXB-1-Y", "position_fp": "0.00"}]  # fmt: skip
SETTLED = {"ticker": "KXC-1-X", "market_result": "yes", "yes_count_fp": "2.00", "revenue": 200,
           "no_count_fp": "0.00", "value": 100, "fee_cost": "0.0100",
           "settled_time": "2026-08-07T06:00:00Z"}  # fmt: skip
PARTS = {
    "balance": BALANCE,
    "positions": {"market_positions": POSITIONS, "event_positions": [], "cursor": ""},
    "orders": page("orders", record()),
    "fills": page("fills", fill()),
    "settlements": page("settlements", SETTLED),
}


def part(asked) -> str:
    return asked.url.partition("?")[0].rpartition("/")[2]


def reported(venue=None, since=AT - SECOND, **changed):
    """A report of which these parts are answered otherwise; a status in place of a body."""
    venue = venue or trading()
    outs = venue.do(AskAccount("kalshi", "start", (order(),), since), NOW)
    told = []
    for asked in calls(outs):
        body = (PARTS | changed)[part(asked)]
        status, body = (body, b"") if isinstance(body, int) else (200, body)
        told += reply(venue, asked, status, body, NOW + 1)
    return told


def test_a_report_has_cash_of_all_shards_holdings_orders_fills_and_what_was_settled():
    paid, report = facts(reported())
    at = 1_786_082_400 * SECOND
    assert paid == Paid("kalshi", "main", "settle", "settle:KXC-1-X", 2_000_000, at,
                        "kalshi:KXC-1-X", 2_000_000, 0, 1_000_000, 0, at // SECOND)  # fmt: skip
    holdings = (Holding(KEY, "yes", 1_000_000), Holding("kalshi:KXB-1-X", "no", 3_500_000))
    assert report == AccountSeen("kalshi", "main", NOW, AT - SECOND, 99_005_000, holdings,
                                 (seen(),), (FILLED,))  # fmt: skip


def test_lists_are_asked_for_since_a_moment_and_for_one_subaccount():
    venue = trading(subaccount=3)
    asked = {
        part(c): c.url.partition("?")[2]
        for c in calls(
            venue.do(AskAccount("kalshi", "x", (), 100 * SECOND + NOW - NOW % SECOND), NOW)
        )
    }
    since = MS // 1000 + 100
    assert asked == {
        "balance": "subaccount=3",
        "positions": "subaccount=3&count_filter=position&limit=1000",
        "orders": "subaccount=3&status=resting&limit=1000",
        "fills": f"subaccount=3&min_ts={since}&limit=1000",
        "settlements": f"subaccount=3&min_ts={since}&limit=1000",
    }


@pytest.mark.parametrize("name", list(PARTS))
@pytest.mark.parametrize("body", [
    500, 429, 401, 404, b"", b"<html>", b"{}", b"[]", b"null", {"cursor": ""}, {"error": "x"},
    {"market_positions": [], "event_positions": []}, {"balance": "9900"}, {"balance": 1.5},
])  # fmt: skip
def test_a_part_that_is_not_whole_makes_no_report_least_of_all_a_flat_one(name, body):
    """F57, F61: nothing in an answer without proof of success is a position of zero."""
    events = [e for e in facts(reported(**{name: body})) if not isinstance(e, BadInput)]
    assert [type(e) for e in events] == [AccountUnseen]
    assert events[0].account == "main" and events[0].why


@pytest.mark.parametrize("changed", [
    {"orders": page("orders", record(status="canceled"))},
    {"orders": page("orders", record(yes_price_dollars="1.0001"))},
    {"positions": {"market_positions": [POSITIONS[0]] * 2, "cursor": ""}},
    {"positions": {"market_positions": [{"ticker": T, "position_fp": "1e2"}], "cursor": ""}},
    {"positions": {"market_positions": [{"ticker": T}], "cursor": ""}},
    {"fills": page("fills", fill(), fill())},
    {"fills": page("fills", fill(fee_cost="-1"))},
    {"balance": BALANCE | {"balance_breakdown": [{"exchange_index": 0, "balance": 70}]}},
    {"balance": {"balance": 1, "balance_dollars": "NaN"}},
])  # fmt: skip
def test_a_part_with_something_that_cannot_be_makes_no_report(changed):
    events = facts(reported(**changed))
    assert [type(e) for e in events if not isinstance(e, BadInput)] == [AccountUnseen]


@pytest.mark.parametrize("words", [
    {"value": 101}, {"value": None, "market_result": "scalar"}, {"revenue": -1},
    {"settled_time": "yesterday"}, {"settled_time": ""}, {"ticker": "kx"}, {"yes_count_fp": "-1"},
])  # fmt: skip
def test_a_settlement_that_cannot_be_is_counted_and_spoils_no_other(words):
    other = SETTLED | {"ticker": "KXC-1-Y"}
    events = facts(reported(settlements=page("settlements", SETTLED | words, other)))
    assert [type(e) for e in events] == [BadInput, Paid, AccountSeen]
    assert events[1].id == "settle:KXC-1-Y"


@pytest.mark.parametrize(
    ("words", "px", "cash"),
    [
        ({"value": 26, "market_result": "scalar", "revenue": 52}, 260_000, 520_000),
        ({"value": 50, "market_result": "scalar", "revenue": 100}, 500_000, 1_000_000),
        ({"value": None, "market_result": "no", "revenue": 0}, 0, 0),
    ],
)
def test_a_settlement_pays_anything_from_nothing_to_one(words, px, cash):
    """F56: 0.26, and a void at one half; a later one of the same market states it anew."""
    paid, _ = facts(reported(settlements=page("settlements", SETTLED | words)))
    assert (paid.px, paid.cash, paid.fee) == (px, cash, 0)
    later = SETTLED | words | {"settled_time": "2026-08-08T06:00:00Z"}
    again, _ = facts(reported(settlements=page("settlements", later)))
    assert again.id == paid.id and again.version > paid.version


def test_pages_of_a_report_are_all_read():
    venue = trading()
    outs = venue.do(AskAccount("kalshi", "x", (), AT), NOW)
    told = []
    for asked in calls(outs):
        name = part(asked)
        if name == "positions":
            first = {"market_positions": POSITIONS[:1], "cursor": "c"}
            asked = call(reply(venue, asked, 200, first))
            told += reply(venue, asked, 200, {"market_positions": POSITIONS[1:], "cursor": None})
        else:
            told += reply(venue, asked, 200, PARTS[name])
    assert len(facts(told)[-1].holdings) == 2


def test_the_history_that_the_live_lists_no_longer_have_is_not_claimed():
    venue = trading()
    outs = venue.do(AskAccount("kalshi", "x", ()), NOW)
    assert "cutoff" in [part(c) for c in calls(outs)]
    for cutoff, since in ((1_700_000_000, 1_700_000_000 * SECOND), (404, 0)):
        body = cutoff if cutoff == 404 else {"trades_created_ts": cutoff}
        *_, report = facts(reported(since=0, cutoff=body))
        assert isinstance(report, AccountSeen) and report.since == since
    (unseen,) = facts(reported(since=0, cutoff=500))
    assert isinstance(unseen, AccountUnseen)
    assert "cutoff" not in [
        part(c) for c in calls(venue.do(AskAccount("kalshi", "x", (), NOW - DAY), NOW))
    ]


def test_a_flat_account_is_flat_with_proof():
    empty = {"positions": {"market_positions": [], "cursor": ""}, "orders": page("orders"),
             "fills": page("fills"), "settlements": page("settlements"),
             "balance": {"balance": 500, "portfolio_value": 0}}  # fmt: skip
    (report,) = facts(reported(**empty))
    assert (report.cash, report.holdings, report.orders, report.fills) == (5_000_000, (), (), ())


def test_a_balance_of_what_is_free_gets_back_what_rests():
    """Two YES at 0.44 rest: 0.88 of the cash is only set aside."""
    venue = trading(balance_is_free=True)
    assert facts(reported(venue))[-1].cash == 99_005_000 + 880_000


def test_too_many_reports_at_a_time_are_refused_and_a_finished_one_makes_room():
    venue = trading()
    begun = [venue.do(AskAccount("kalshi", "x", (), AT), NOW) for _ in range(4)]
    (unseen,) = venue.do(AskAccount("kalshi", "x", (), AT), NOW)
    assert isinstance(unseen, AccountUnseen)
    for asked in calls(begun[0]):
        reply(venue, asked, 500, b"")
    assert len(calls(venue.do(AskAccount("kalshi", "x", (), AT), NOW))) == 5
