"""Stories of the venue: discovery in pages, refusals, life cycle, cross-checks, signatures."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from kalshi_messages import EVENT, LEVELS, MARKET, SERIES, E, T, frame, lifecycle, rest, subscribed

from dutchbook.domain.effects import AskCheck, AskSnapshot, SetTimer
from dutchbook.domain.errors import ConfigError
from dutchbook.domain.events import (
    ASK,
    BID,
    BadInput,
    BodySeen,
    BookSeen,
    CheckFailed,
    EventListed,
    FeedGap,
    GridChanged,
    InstrumentListed,
    MarketResolved,
    StatusChanged,
)
from dutchbook.domain.instrument import CENT, MILL, FeeSchedule
from dutchbook.domain.units import SECOND
from dutchbook.venues.base import Bucket, Call, Send, Sign, Wake
from dutchbook.venues.base import build as build_any
from dutchbook.venues.kalshi import Config, Kalshi, build

NOW = 1_786_085_188_978_000_000
KEYED = Config(key_id="me", key="keys/me.pem")


def body(value) -> bytes:
    return json.dumps(value).encode()


def market(ticker: str, **fields):
    return {**MARKET, "ticker": ticker, "event_ticker": ticker.rpartition("-")[0], **fields}


def event(ticker: str, *markets, **fields):
    return {**EVENT, "event_ticker": ticker, "markets": list(markets), **fields}


def calls(outs) -> list[Call]:
    return [out for out in outs if isinstance(out, Call)]


def answer(venue, outs, value, status=200, now=NOW):
    (call,) = calls(outs)
    return venue.on_reply(call.id, status, value if isinstance(value, bytes) else body(value), now)


def discovered(config=KEYED, events=(EVENT,), series=(SERIES,)) -> Kalshi:
    venue = Kalshi(config)
    outs = venue.start(NOW)
    if config.key_id:
        outs = answer(venue, outs, rest("account_limits"))
    outs = answer(venue, outs, {"series": list(series)})
    answer(venue, outs, {"events": list(events), "cursor": ""})
    assert venue.ready()
    return venue


def connected(**options) -> Kalshi:
    venue = discovered(**options)
    venue.on_open("kalshi.book", NOW)
    venue.on_frame("kalshi.book", subscribed(), NOW)
    venue.on_frame("kalshi.book", subscribed(4, "market_lifecycle_v2"), NOW)
    return venue


def test_the_catalogue_is_limits_then_series_then_every_page_of_events():
    venue = Kalshi(KEYED)
    first = venue.start(NOW)
    assert calls(first)[0].url.endswith("/trade-api/v2/account/limits")
    limits = {"usage_tier": "x", "read": {"refill_rate": 300, "bucket_capacity": 600}}
    limits["write"] = limits["read"]
    assert venue.buckets() == (Bucket("kalshi.read", 200, 200),)
    second = answer(venue, first, limits)
    assert venue.buckets() == (Bucket("kalshi.read", 300, 600),)
    third = answer(venue, second, {"series": [SERIES]})
    query = parse_qs(urlsplit(calls(third)[0].url).query)
    assert query == {"limit": ["200"], "with_nested_markets": ["true"], "status": ["open"]}
    assert not venue.ready()
    fourth = answer(venue, third, {"events": [EVENT], "cursor": "next"})
    assert parse_qs(urlsplit(calls(fourth)[0].url).query)["cursor"] == ["next"]
    listed = [out for out in fourth if not isinstance(out, Call)]
    assert [type(out) for out in listed] == [EventListed, InstrumentListed]
    fifth = answer(venue, fourth, {"events": [event("KXB-1", market("KXB-1-X"))], "cursor": ""})
    assert fifth[-1] == Wake("refresh", NOW + KEYED.refresh)
    assert venue.ready()
    assert all(call.bucket == "kalshi.read" and call.cost == 10 for call in calls(first + fourth))


def test_without_an_answer_about_limits_the_basic_tier_holds():
    venue = Kalshi(KEYED)
    (wake,) = answer(venue, venue.start(NOW), b"", status=503)
    outs = answer(venue, venue.on_wake(wake.token, wake.at), b"", status=503)
    assert calls(outs)[0].url.endswith("/series")
    assert venue.buckets() == (Bucket("kalshi.read", 200, 200),)


def test_an_instrument_has_the_venues_grid_fees_and_times():
    made = discovered().catalogue.instruments[T]
    assert (made.key, made.event, made.title) == (f"kalshi:{T}", f"kalshi:{E}", MARKET["title"])
    assert made.grid == CENT
    assert made.fees == FeeSchedule("kalshi", 35_000, 8_750, 1, 10_000)
    assert made.closes == 1_797_447_600 * SECOND
    assert made.settles == (1_797_451_200 + 3_600) * SECOND
    assert (made.status, made.category, made.lot) == ("open", "Economics", 10_000)
    assert made.rules == MARKET["rules_primary"]


@pytest.mark.parametrize(("told", "shard"), [(None, 0), (0, 0), (3, 3)])
def test_an_instrument_knows_the_shard_that_it_trades_on(told, shard):
    there = {**EVENT, "markets": [{**MARKET, "exchange_index": told}]}
    assert discovered(events=[there]).catalogue.instruments[T].shard == shard


@pytest.mark.parametrize("told", [-1, "2", 1.5, 10**9])
def test_a_shard_that_is_none_lists_no_instrument(told):
    there = {**EVENT, "markets": [{**MARKET, "exchange_index": told}]}
    assert discovered(events=[there]).catalogue.instruments == {}


def test_an_event_override_wins_over_its_series_and_an_unknown_series_is_dearest():
    override = {**EVENT, "fee_type_override": "quadratic", "fee_multiplier_override": 2}
    fees = discovered(events=[override]).catalogue.instruments[T].fees
    assert (fees.taker, fees.maker) == (140_000, 0)
    fees = discovered(series=[]).catalogue.instruments[T].fees
    assert (fees.taker, fees.maker) == (70_000, 35_000)


@pytest.mark.parametrize("times", ['"1_0"', '" 1"', '"1"', "1e2", "1e-300000", "-1", "101", "true"])
def test_a_multiplier_that_is_no_plain_number_is_refused(times):
    venue = Kalshi(Config())
    raw = b'{"series":[{"ticker":"KXFED","fee_multiplier":' + times.encode() + b"}]}"
    bad = answer(venue, venue.start(NOW), raw)[0]
    assert isinstance(bad, BadInput)
    assert bad.where in ("series[0].fee_multiplier", "series[0].fee_type")


def test_markets_of_a_series_whose_fees_nobody_knows_are_not_listed():
    venue = discovered(series=[{**SERIES, "fee_type": "flat"}])
    assert venue.catalogue.instruments == {}


def test_one_bad_market_is_counted_by_its_path_and_its_neighbours_stand():
    bad = market("KXA-1-BAD", price_ranges=[{"start": "0", "end": "1", "step": "0.3"}])
    venue = Kalshi(Config())
    outs = answer(venue, answer(venue, venue.start(NOW), {"series": []}), {
        "events": [event("KXA-1", market("KXA-1-X"), bad, market("KXA-1-Y"))], "cursor": "",
    })  # fmt: skip
    where = "events[0].markets[1].price_ranges[0]"
    assert BadInput("kalshi.rest", where, "not a band of whole steps", "KXA-1-BAD") in outs
    assert list(venue.catalogue.instruments) == ["KXA-1-X", "KXA-1-Y"]
    (group,) = (out.group for out in outs if isinstance(out, EventListed))
    assert group.members == ("kalshi:KXA-1-X", "kalshi:KXA-1-Y")
    assert (group.exclusive, group.exhaustive) == (True, False)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ticker", "kxa-1-x"),
        ("ticker", "../KXA"),
        ("ticker", ""),
        ("ticker", "KXA-1-X\n"),
        ("status", "open"),
        ("notional_value_dollars", "2.0000"),
        ("close_time", "2026-12-16T19:00:00"),
        ("close_time", "2026-12-16T23:59:60Z"),
        ("close_time", "1969-12-31T00:00:00Z"),
        ("close_time", "9999-12-31T00:00:00Z"),
        ("close_time", 1_786_085_188),
        ("volume_fp", 12),
        ("volume_fp", "-1.00"),
        ("title", "A" * 10_001),
        ("price_ranges", []),
        ("price_ranges", [{"start": "0", "end": "100", "step": "1"}]),
        ("settlement_timer_seconds", 1.5),
        ("settlement_timer_seconds", 2**63),
    ],
)
def test_a_market_that_breaks_the_protocol_is_not_listed(field, value):
    broken = market("KXA-1-X", price_level_structure="?") | {field: value}
    venue = discovered(events=[event("KXA-1", broken)])
    assert venue.catalogue.instruments == {}


def test_a_refusal_waits_twice_as_long_every_time_and_is_counted():
    venue = Kalshi(Config())
    outs, now, waits = venue.start(NOW), NOW, []
    for _ in range(8):
        (wake,) = answer(venue, outs, b'{"error":"too many requests"}', status=429, now=now)
        waits.append((wake.at - now) // SECOND)
        now = wake.at
        outs = venue.on_wake(wake.token, now)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    assert venue.counts["refused"] == 8
    assert [type(out) for out in answer(venue, outs, {"series": []})] == [Call]


def test_a_lost_page_and_a_torn_page_are_asked_for_again():
    venue = Kalshi(Config())
    outs = answer(venue, venue.start(NOW), {"series": []})
    (call,) = calls(outs)
    (wake,) = venue.on_lost(call.id, True, NOW)
    outs = venue.on_wake(wake.token, wake.at)
    assert calls(outs)[0].url == call.url
    torn = answer(venue, outs, rest("events")[:-40])
    assert isinstance(torn[0], BadInput)
    outs = venue.on_wake(torn[-1].token, torn[-1].at)
    answer(venue, outs, rest("events"))
    assert venue.ready()
    assert venue.on_reply("kalshi:999:events", 200, b"{}", NOW) == []


def test_a_refresh_lists_only_what_changed_and_asks_about_what_is_gone():
    venue = discovered(events=[EVENT, event("KXB-1", market("KXB-1-X"))])
    outs = answer(venue, venue.on_wake("refresh", NOW), {"series": [SERIES]})
    changed = {**EVENT, "markets": [{**MARKET, "status": "inactive"}]}
    outs = answer(venue, outs, {"events": [changed], "cursor": ""})
    assert [out.instrument.status for out in outs if isinstance(out, InstrumentListed)] == [
        "paused"
    ]
    assert not any(isinstance(out, EventListed) for out in outs)
    (lookup,) = calls(outs)
    assert lookup.url.endswith("/markets/KXB-1-X")
    settled = market("KXB-1-X", status="finalized", result="no", settlement_value_dollars="0.0000")
    outs = answer(venue, [lookup], {"market": settled})
    assert [type(out) for out in outs] == [InstrumentListed, MarketResolved]
    assert outs[0].instrument.status == "settled"


def test_a_series_filter_asks_only_for_that_series():
    venue = Kalshi(Config(series=("KXFED", "KXCPI")))
    outs = venue.start(NOW)
    assert calls(outs)[0].url.endswith("/series/KXFED")
    outs = answer(venue, outs, {"series": SERIES})
    outs = answer(venue, outs, b"{}", status=404)
    assert "series_ticker=KXFED" in calls(outs)[0].url
    outs = answer(venue, outs, {"events": [EVENT], "cursor": ""})
    assert "series_ticker=KXCPI" in calls(outs)[0].url
    answer(venue, outs, {"events": [], "cursor": ""})
    assert venue.ready()


def test_life_cycle_words_become_events_and_are_remembered():
    venue = connected()
    key = f"kalshi:{T}"
    ranges = [{"start": "0.0000", "end": "1.0000", "step": "0.0010"}]
    told = [
        venue.on_frame("kalshi.book", data, NOW)
        for data in (
            lifecycle(1, "deactivated"),
            lifecycle(2, "activated"),
            lifecycle(3, "price_level_structure_updated", price_ranges=ranges),
            lifecycle(4, "determined", result="yes", determination_ts=7),
            lifecycle(5, "settled"),
        )
    ]
    assert told == [
        [StatusChanged(key, "paused")],
        [StatusChanged(key, "open")],
        [GridChanged(key, MILL)],
        [StatusChanged(key, "closed"), MarketResolved(key, 1_000_000, 7 * SECOND)],
        [StatusChanged(key, "settled")],
    ]
    made = venue.catalogue.instruments[T]
    assert (made.grid, made.status) == (MILL, "settled")
    assert venue.catalogue.live() == []


def test_a_closing_time_that_is_past_closes_the_market():
    venue = connected()
    ahead = lifecycle(1, "close_date_updated", close_ts=NOW // SECOND + 60)
    past = lifecycle(2, "close_date_updated", close_ts=NOW // SECOND)
    moved = [out for out in venue.on_frame("kalshi.book", ahead, NOW) if not _seen(out)]
    assert [type(out) for out in moved] == [InstrumentListed]
    assert moved[0].instrument.closes == (NOW // SECOND + 60) * SECOND
    closed = [out for out in venue.on_frame("kalshi.book", past, NOW) if not _seen(out)]
    assert closed[-1] == StatusChanged(f"kalshi:{T}", "closed")
    assert venue.catalogue.live() == []


def _seen(out) -> bool:
    return isinstance(out, BodySeen)


def test_a_new_market_is_looked_up_listed_and_subscribed():
    venue = connected()
    outs = venue.on_frame("kalshi.book", lifecycle(1, "created", ticker="KXCPI-26DEC-T3"), NOW)
    assert calls(outs)[0].url.endswith("/markets/KXCPI-26DEC-T3")
    new = market("KXCPI-26DEC-T3")
    outs = answer(venue, outs, {"market": new})
    assert calls(outs)[0].url.endswith("/events/KXCPI-26DEC?with_nested_markets=true")
    outs = answer(venue, outs, {"event": event("KXCPI-26DEC", new, series_ticker="KXCPI")})
    assert [type(out) for out in outs] == [EventListed, InstrumentListed, Send]
    assert json.loads(outs[-1].data)["params"] == {
        "sid": 1, "action": "add_markets", "market_tickers": ["KXCPI-26DEC-T3"],
    }  # fmt: skip


def test_missed_life_cycle_messages_lead_to_a_new_look_at_the_catalogue():
    venue = connected()
    outs = venue.on_frame("kalshi.book", lifecycle(2, "deactivated"), NOW)
    assert FeedGap("kalshi.book", "sequence", "sid:4", 1, 2, (), False) in outs
    assert Wake("catch_up", NOW + 5 * SECOND) in outs
    assert calls(venue.on_wake("catch_up", NOW))[0].url.endswith("/series")
    again = connected()
    again.on_down("kalshi.book", NOW, "closed")
    assert again.on_open("kalshi.book", NOW)[-1] == Wake("catch_up", NOW + 5 * SECOND)


def test_a_new_combo_or_a_market_outside_the_filter_is_left_alone():
    venue = connected(config=Config(key_id="me", key="f", tickers=(T,)), series=[])
    for seq, name in enumerate(("KXMVESPORTS-1", "KXCPI-26DEC-T3"), 1):
        assert venue.on_frame("kalshi.book", lifecycle(seq, "created", ticker=name), NOW) == []


def test_a_fee_change_lists_the_events_markets_anew():
    venue = connected()
    msg = {"event_ticker": E, "fee_type_override": "quadratic", "fee_multiplier_override": 1}
    outs = venue.on_frame("kalshi.book", frame("event_fee_update", msg, sid=4, seq=1), NOW)
    (listed,) = (out for out in outs if isinstance(out, InstrumentListed))
    assert listed.instrument.fees == FeeSchedule("kalshi", 70_000, 0, 1, 10_000)


def test_the_dial_signs_time_method_and_path_without_query():
    dial = discovered().dial("kalshi.book", NOW)
    assert dial.url == "wss://external-api-ws.kalshi.com/trade-api/ws/v2"
    assert dial.headers == {"KALSHI-ACCESS-KEY": "me"}
    text, stamp = "{ms}GET/trade-api/ws/v2", "KALSHI-ACCESS-TIMESTAMP"
    assert dial.sign == (Sign("keys/me.pem", text, "KALSHI-ACCESS-SIGNATURE", stamp=stamp),)
    outs = discovered().do(AskCheck("kalshi", (f"kalshi:{T}", "kalshi:KXB-1-X")), NOW)
    (call,) = calls(outs)
    assert parse_qs(urlsplit(call.url).query) == {"tickers": [f"{T},KXB-1-X"]}
    assert call.sign[0].text == "{ms}GET/trade-api/v2/markets/orderbooks"


def test_without_a_key_nothing_is_signed_and_no_stream_is_dialled():
    venue = Kalshi(Config())
    (call,) = venue.start(NOW)
    assert (call.sign, call.headers, venue.streams()) == ((), {}, ())
    assert Kalshi(KEYED).streams() == ("kalshi.book",)


def test_a_check_is_a_copy_of_the_book_or_a_reason_and_never_a_guess():
    venue = discovered()
    one = AskCheck("kalshi", (f"kalshi:{T}",))
    outs = answer(venue, venue.do(one, NOW), {"orderbook_fp": LEVELS})
    levels = [(BID, 440_000, 100_000_000), (ASK, 460_000, 7_250_000)]
    assert outs == [BookSeen(f"kalshi:{T}", 0, levels)]
    for status in (429, 500, 503):
        outs = answer(venue, venue.do(one, NOW), b"x", status=status)
        assert outs == [CheckFailed(f"kalshi:{T}", f"status {status}")]
    (call,) = calls(venue.do(one, NOW))
    assert venue.on_lost(call.id, True, NOW) == [CheckFailed(f"kalshi:{T}", "no answer")]
    outs = answer(venue, venue.do(one, NOW), b'{"orderbook_fp":{"yes_dollars":[["x","1"]]}}')
    assert [type(out) for out in outs] == [BadInput, CheckFailed]
    both = AskCheck("kalshi", (f"kalshi:{T}", "kalshi:KXB-1-X"))
    outs = answer(venue, venue.do(both, NOW), rest("orderbooks"))
    assert outs == [
        BookSeen(f"kalshi:{T}", 0, levels),
        CheckFailed("kalshi:KXB-1-X", "not in the answer"),
    ]


def test_an_effect_asks_for_the_snapshots_it_names_and_others_do_nothing():
    venue = connected()
    (send, _) = venue.do(AskSnapshot("kalshi", "kalshi.book", (f"kalshi:{T}",), "stale"), NOW)
    assert json.loads(send.data)["params"]["action"] == "get_snapshot"
    assert venue.do(SetTimer("x", NOW), NOW) == []
    assert venue.do(AskCheck("polymarket", ("polymarket:1",)), NOW) == []


def test_settings_that_cannot_be_are_named():
    for wrong in (
        {"rest": "ftp://x"},
        {"key_id": "only"},
        {"series": ["kxfed"]},
        {"channels": ["ticker"]},
        {"events_per_page": 201},
        {"refresh": 1},
        {"no_such_setting": 1},
        {"rest": 5},
    ):
        with pytest.raises(ConfigError) as caught:
            build(wrong)
        assert str(caught.value)
    assert isinstance(build_any("kalshi", {"series": ["KXFED"]}), Kalshi)
