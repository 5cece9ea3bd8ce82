"""Discovery, refresh, resubscription and cross-checks as stories of calls and answers."""

import json

import pytest

from dutchbook.domain.effects import AskCheck, AskSnapshot, SetTimer
from dutchbook.domain.events import (
    ASK,
    BID,
    BadInput,
    BookSeen,
    CheckFailed,
    EventListed,
    FeedDown,
    FeedUp,
    InstrumentListed,
    StatusChanged,
)
from dutchbook.domain.instrument import CENT, FeeSchedule, Instrument
from dutchbook.domain.units import DAY, MILLI, Ns
from dutchbook.venues.base import Call, Send, Wake
from dutchbook.venues.polymarket import Config, build
from pm import (
    CID,
    CONFIG,
    KEY,
    NO,
    NOW,
    SECOND,
    STREAM,
    T0,
    YES,
    after,
    book,
    discovered,
    event,
    market,
    opened,
    page,
)

ENDS = 1_796_904_000 * SECOND


def test_a_market_and_its_event_as_they_are_listed():
    venue, out = discovered()
    assert out == [
        InstrumentListed(
            Instrument(
                key=KEY, venue="polymarket", symbol=CID, event="polymarket:fed-december",
                title="Will the Fed cut?", outcome="25 bps", grid=CENT,
                fees=FeeSchedule("polymarket", taker=40_000, exponent=1), lot=10_000,
                size_min=5_000_000, cost_min=1_000_000, status="open", closes=ENDS,
                settles=ENDS + 7_200 * SECOND, tokens=(YES, NO),
                rules="Resolves by the statement.", category="Economics", volume=1_234_567_890,
                neg_risk=True,
            )
        ),
        EventListed(out[1].group),
        Wake("refresh", Ns(NOW + DAY // 2)),
    ]  # fmt: skip
    group = out[1].group
    assert (group.key, group.members) == ("polymarket:fed-december", (KEY,))
    assert (group.exclusive, group.exhaustive, group.why) == (True, True, "negative risk, complete")
    assert venue.ready()
    assert venue.streams() == (STREAM,)


@pytest.mark.parametrize(
    ("body", "exclusive", "why"),
    [
        (event(market(), negRisk=False), False, "not a negative-risk event"),
        (event(market(), negRiskAugmented=True), True, "augmented"),
        (event(market(), market(conditionId="0xo", groupItemTitle=" Other ",
               clobTokenIds='["1","2"]')), True, '"Other"'),
        (event(market(), market(conditionId="0xo", negRiskOther=True,
               clobTokenIds='["1","2"]')), True, '"Other"'),
        (event(market(), market(clobTokenIds="[1,2]")), True, "1 of its markets"),
    ],
)  # fmt: skip
def test_what_is_not_exhaustive_says_why(body, exclusive, why):
    _, out = discovered(body)
    (group,) = [o.group for o in out if isinstance(o, EventListed)]
    assert (group.exclusive, group.exhaustive) == (exclusive, False)
    assert why in group.why


def test_a_closed_other_leaves_an_event_exhaustive():
    other = market(conditionId="0xo", groupItemTitle="Other", closed=True, clobTokenIds='["1","2"]')
    _, out = discovered(event(market(), other))
    assert [o.group.exhaustive for o in out if isinstance(o, EventListed)] == [True]


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"conditionId": ""}, "conditionId"),
        ({"outcomes": '["Yes"]'}, "outcomes"),
        ({"outcomes": "[[["}, "outcomes"),
        ({"clobTokenIds": '["1","1"]'}, "clobTokenIds"),
        ({"clobTokenIds": '["1","a b"]'}, "clobTokenIds"),
        ({"orderPriceMinTickSize": 0.02}, "orderPriceMinTickSize"),
        ({"orderPriceMinTickSize": "NaN"}, "orderPriceMinTickSize"),
        ({"orderMinSize": -5}, "orderMinSize"),
        ({"feeSchedule": {"rate": 2, "exponent": 1}}, "feeSchedule"),
        ({"feeSchedule": {"rate": 0.05, "exponent": 1.5}}, "feeSchedule"),
        ({"endDate": "2026-12-10T12:00:00"}, "endDate"),
        ({"endDate": "1969-12-10"}, "endDate"),
        ({"conditionId": 7}, ""),
    ],
)
def test_a_bad_market_is_named_and_spoils_no_other(changed, where):
    good = market(conditionId="0xgood", clobTokenIds='["1","2"]')
    _, out = discovered(event(market(**changed), good))
    (bad,) = [o for o in out if isinstance(o, BadInput)]
    assert bad.where == f"events[0].markets[0]{'.' + where if where else ''}"
    assert [o.instrument.key for o in out if isinstance(o, InstrumentListed)] == [
        "polymarket:0xgood"
    ]


def test_outcomes_named_the_other_way_round_turn_the_tokens():
    _, out = discovered(event(market(outcomes='["No","Yes"]')))
    assert out[0].instrument.tokens == (NO, YES)


def test_pages_follow_the_cursor_and_errors_wait_longer_each_time():
    venue = build(CONFIG)
    (first,) = venue.start(NOW)
    assert first.url == "http://gamma/events/keyset?limit=100&closed=false"
    assert first.bucket == "gamma.events"
    assert venue.on_reply(first.id, 429, b"", NOW) == [Wake("discovery", Ns(NOW + SECOND))]
    (again,) = venue.on_wake("discovery", NOW)
    assert again == first
    assert venue.on_lost(again.id, True, NOW) == [Wake("discovery", Ns(NOW + 2 * SECOND))]
    venue.on_wake("discovery", NOW)
    bad, wait = venue.on_reply(first.id, 200, b'{"events":', NOW)
    assert (bad.stream, wait) == ("polymarket.gamma", Wake("discovery", Ns(NOW + 4 * SECOND)))
    venue.on_wake("discovery", NOW)
    (second,) = venue.on_reply(first.id, 200, page(event(market()), cursor="a/b="), NOW)
    assert second.url.endswith("&after_cursor=a%2Fb%3D")
    assert not venue.ready()
    other = event(market(conditionId="0x2", clobTokenIds='["1","2"]'), slug="other")
    out = venue.on_reply(second.id, 200, page(other), NOW)
    assert [type(o).__name__ for o in out] == ["InstrumentListed"] * 2 + ["EventListed"] * 2 + [
        "Wake"
    ]
    assert venue.ready()


def test_fees_that_gamma_does_not_state_come_from_the_clob():
    silent = market(feeSchedule=None, feesEnabled=True)
    venue, out = discovered(event(silent))
    (call,) = out
    assert (call.url, call.bucket) == (f"http://clob/clob-markets/{CID}", "clob")
    assert not venue.ready()
    body = {"t": [{"t": YES, "o": "Yes"}, {"t": NO, "o": "No"}], "mts": 0.01, "mos": 5}
    body |= {"fd": {"r": 0.05, "e": 1, "to": True}, "c": CID}
    out = venue.on_reply(call.id, 200, json.dumps(body).encode(), NOW)
    assert out[0].instrument.fees == FeeSchedule("polymarket", taker=50_000)
    assert out[1].group.exhaustive
    assert venue.ready()


def test_a_market_whose_fees_nobody_states_is_left_out():
    venue, (call,) = discovered(event(market(feeSchedule=None, feesEnabled=None)))
    bad, listed, _ = venue.on_reply(call.id, 404, b'{"error":"no"}', NOW)
    assert (bad.market, listed.group.members, listed.group.exhaustive) == (CID, (), False)
    assert "fees are unknown" in bad.what
    assert venue.ready()
    _, out = discovered(event(market(feeSchedule=None, feesEnabled=False)))
    assert out[0].instrument.fees.taker == 0


def test_markets_fill_sockets_and_a_socket_opens_with_all_its_tokens():
    rows = [market(conditionId=f"0x{n}", clobTokenIds=f'["1{n}","2{n}"]') for n in range(5)]
    config = Config(clob_url="c", gamma_url="g", ws_url="w", tokens_per_socket=4)
    venue, _ = discovered(event(*rows), config=config)
    assert venue.streams() == tuple(f"polymarket.market.{n}" for n in range(3))
    up, sent, wake = venue.on_open("polymarket.market.1", NOW)
    assert up == FeedUp("polymarket.market.1")
    assert json.loads(sent.data) == {
        "type": "market",
        "assets_ids": ["12", "22", "13", "23"],
        "custom_feature_enabled": True,
    }
    assert wake == Wake("resync:polymarket.market.1", after(3_000))
    assert venue.on_down("polymarket.market.1", NOW, "gone") == [
        FeedDown("polymarket.market.1", "gone")
    ]


def test_a_refresh_lists_what_is_new_and_closes_what_is_gone():
    venue = opened()
    (call,) = venue.on_wake("refresh", NOW)
    fresh = market(conditionId="0x2", clobTokenIds='["1","2"]')
    out = venue.on_reply(call.id, 200, page(event(fresh)), NOW)
    kinds = [type(o).__name__ for o in out]
    assert kinds == ["InstrumentListed", "Send", "EventListed", "StatusChanged", "Wake"]
    assert out[3] == StatusChanged(KEY, "closed")
    (call,) = venue.on_wake("refresh", NOW)
    assert [type(o) for o in venue.on_reply(call.id, 200, page(event(fresh)), NOW)] == [Wake]


def asked(out):
    return [json.loads(o.data) for o in out if isinstance(o, Send)]


def test_a_demand_is_outstanding_once_and_repeated_after_a_quarter_second():
    venue = opened()
    ask = AskSnapshot("polymarket", STREAM, (KEY,), "gap")
    assert [a["operation"] for a in asked(venue.do(ask, after(300)))] == [
        "unsubscribe",
        "subscribe",
    ]
    assert venue.do(ask, after(310)) == [Wake(f"resync:{STREAM}", after(550))]
    assert asked(venue.do(ask, after(320))) == []
    venue.on_frame(STREAM, book(YES, [], [], 5), after(330))
    out = venue.on_wake(f"resync:{STREAM}", after(550))
    assert [a["assets_ids"] for a in asked(out)] == [[NO], [NO]]
    venue.on_frame(STREAM, book(NO, [], [], 5), after(560))
    assert asked(venue.on_wake(f"resync:{STREAM}", after(9_000))) == []


def test_a_book_that_does_not_come_is_asked_for_again_with_more_patience():
    venue, _ = discovered()
    venue.on_open(STREAM, NOW)
    venue.on_frame(STREAM, book(YES, [], [], 0), NOW)
    times, at = [], 3_000
    for _ in range(4):
        out = venue.on_wake(f"resync:{STREAM}", after(at))
        assert [a["assets_ids"] for a in asked(out)] == [[NO], [NO]]
        (wake,) = [o for o in out if isinstance(o, Wake)]
        times.append((wake.at - after(at)) // SECOND)
        at = (wake.at - NOW) // MILLI
    assert times == [6, 12, 24, 48]


def test_effects_of_others_and_unknown_markets_ask_for_nothing():
    venue = opened()
    assert venue.do(AskSnapshot("kalshi", "kalshi.book", (KEY,), ""), NOW) == []
    assert venue.do(AskSnapshot("polymarket", STREAM, ("polymarket:0x9",), ""), NOW) == []
    assert venue.do(SetTimer("x", NOW), NOW) == []


def body(token, bids, asks):
    frame = json.loads(book(token, bids, asks, 0, hashed=True))
    del frame["event_type"]
    return frame


def test_a_cross_check_brings_both_books_and_names_what_is_missing():
    venue = opened()
    (call,) = venue.do(AskCheck("polymarket", (KEY,)), NOW)
    assert (call.method, call.url, call.bucket) == ("POST", "http://clob/books", "clob.books")
    assert json.loads(call.body) == [{"token_id": YES}, {"token_id": NO}]
    rows = [body(YES, [("0.4", "10")], []), body(NO, [("0.6", "10")], [])]
    assert venue.on_reply(call.id, 200, json.dumps(rows).encode(), NOW) == [
        BookSeen(KEY, 0, [(BID, 400_000, 10_000_000)], T0 * MILLI),
        BookSeen(KEY, 1, [(ASK, 400_000, 10_000_000)], T0 * MILLI),
    ]
    (call,) = venue.do(AskCheck("polymarket", (KEY,)), NOW)
    rows[1]["hash"] = "0" * 40
    seen, bad, failed = venue.on_reply(call.id, 200, json.dumps(rows).encode(), NOW)
    assert (seen.token, bad.where) == (0, "books[1]")
    assert failed == CheckFailed(KEY, "absent from the answer")
    assert venue.do(AskCheck("polymarket", ("polymarket:0x9",)), NOW) == [
        CheckFailed("polymarket:0x9", "not a market with two tokens")
    ]


def test_a_failed_check_says_nothing_about_the_book_and_backs_off():
    venue = opened()
    (call,) = venue.do(AskCheck("polymarket", (KEY,)), NOW)
    assert venue.on_reply(call.id, 429, b"", NOW) == [
        CheckFailed(KEY, "HTTP 429"),
        Wake("checks", Ns(NOW + SECOND)),
    ]
    quiet = venue.do(AskCheck("polymarket", (KEY,)), NOW)
    assert quiet == [CheckFailed(KEY, "backing off after an error of the venue")]
    assert venue.on_wake("checks", after(1_000)) == []
    (call,) = venue.do(AskCheck("polymarket", (KEY,)), after(1_000))
    assert isinstance(call, Call)
    assert venue.on_lost(call.id, True, after(1_000))[0] == CheckFailed(KEY, "no answer")


def test_no_ten_seconds_of_a_bucket_hold_more_than_the_venues_window():
    limits = {"clob.book": 1_500, "clob.books": 500, "gamma.events": 500}
    for bucket in build(CONFIG).buckets():
        if bucket.name in limits:
            assert bucket.burst + 10 * bucket.rate <= limits[bucket.name]
