"""Damaged Kalshi messages give events or typed errors, and nothing else. Ever."""

import os

import msgspec
import pytest
from kalshi_messages import ERRORS, EVENT, REST, SERIES, WS, E, T, delta, rest, snapshot, subscribed

from dutchbook.domain.errors import RemoteProtocolError
from dutchbook.domain.events import BadInput, Duplicate, Event, FeedGap
from dutchbook.venues.base import Call, Redial, Send, Wake
from dutchbook.venues.kalshi import Config, Kalshi, Reader, bodies, decode
from dutchbook.venues.kalshi.feed import Feed
from mutate import cases

COUNT = int(os.environ.get("DUTCHBOOK_MUTATIONS", "20000"))
BODIES = [rest(kind) for kind in REST] + [msgspec.json.encode(error) for error in ERRORS]
pytestmark = pytest.mark.timeout(120 + COUNT // 1_000)
encode = msgspec.msgpack.Encoder().encode
read_back = msgspec.msgpack.Decoder(list[Event]).decode


def test_damaged_frames_and_bodies_decode_to_events_or_a_typed_error():
    good = bad = 0
    for name, data in cases(WS + BODIES, COUNT * 6 // 10, seed=7):
        try:
            events = decode("", data, market=T)
        except RemoteProtocolError as error:
            assert error.venue == "kalshi", name
            assert error.what
            bad += 1
        else:
            # Whatever came out can be written to the tape and read again as it is.
            assert read_back(encode(events)) == events, (name, data)
            good += 1
    assert good > COUNT // 50
    assert bad > COUNT // 50


def test_a_damaged_frame_in_a_live_stream_is_counted_and_disturbs_no_later_one():
    """After any damage the next snapshot in sequence applies, and the books are whole again."""
    feed = Feed("kalshi.book", keys={T: f"kalshi:{T}"})
    feed.on_open([T], 0)
    feed.on_frame(subscribed(), 0)
    for name, data in cases(WS, COUNT * 3 // 10, seed=11):
        outs = feed.on_frame(data, 0)
        events = [out for out in outs if not isinstance(out, Send | Call | Wake | Redial)]
        assert read_back(encode(events)) == events, (name, data)
        for sid in list(feed.sids):
            if sid != 1:
                del feed.sids[sid]
        if 1 not in feed.sids or feed.sids[1].last > 2**52:
            feed.on_open([T], 0)
            feed.on_frame(subscribed(), 0)
        last = feed.sids[1].last
        after = feed.on_frame(snapshot(last + 1, yes=[["0.4400", "1.00"]]), 0)
        assert [type(out).__name__ for out in after] == ["BookLevels"], (name, data)


def test_damaged_frames_never_break_a_venue_that_knows_its_markets():
    """The life-cycle half: listings, grids, fees and look-ups under damage."""
    venue = Kalshi(Config(key_id="k", key="f"))
    venue.catalogue.event(msgspec.json.encode(EVENT), "event")
    for n, (_, data) in enumerate(cases(WS, COUNT // 10, seed=17)):
        if n % 50 == 0:
            venue.on_open("kalshi.book", 0)
        outs = venue.on_frame("kalshi.book", data, 0)
        events = [out for out in outs if not isinstance(out, Send | Call | Wake | Redial)]
        assert read_back(encode(events)) == events, data


def test_damaged_answers_never_stop_discovery():
    """Every answer of a catalogue is damaged in turn; the sound one afterwards is still taken."""
    answers = {
        "limits": rest("account_limits"),
        "series": msgspec.json.encode({"series": [SERIES]}),
        "events": rest("events"),
        "book": rest("orderbook"),
        "books": rest("orderbooks"),
        "market": rest("market"),
        "event": rest("event"),
    }
    for name, data in cases(list(answers.values()), COUNT // 10, seed=13):
        venue = Kalshi(Config(key_id="k", key="f"))
        (call,) = venue.start(0)
        for _ in range(8):
            outs = venue.on_reply(call.id, 200, data, 0)
            wakes = [out for out in outs if isinstance(out, Wake) and out.token != "refresh"]
            calls = [out for out in outs if isinstance(out, Call)]
            calls += [out for wake in wakes for out in venue.on_wake(wake.token, wake.at)]
            if venue.ready():
                break
            (call,) = calls
            kind = call.id.rpartition(":")[2]
            outs = venue.on_reply(call.id, 200, answers[kind], 0)
            calls = [out for out in outs if isinstance(out, Call)]
            if calls:
                (call,) = calls
        assert venue.ready(), (name, data)


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (delta(1, px="NaN"), "msg.price_dollars"),
        (delta(1, px="1.0000"), "msg.price_dollars"),
        (delta(1, px="0.0000"), "msg.price_dollars"),
        (delta(1, px="-0.4500"), "msg.price_dollars"),
        (delta(1, px="45"), "msg.price_dollars"),
        (delta(1, px="0.1234567"), "msg.price_dollars"),
        (delta(1, px="１２"), "msg.price_dollars"),
        (delta(1, size="1e3"), "msg.delta_fp"),
        (delta(1, size="1_000.00"), "msg.delta_fp"),
        (delta(1, size="99999999999999"), "msg.delta_fp"),
        (delta(1, size=" 1.00"), "msg.delta_fp"),
        (delta(1, size="９.00"), "msg.delta_fp"),
        (delta(1).replace(b'"0.4500"', b"0.45"), "msg.price_dollars"),
        (delta(1).replace(b'"yes"', b'"YES"'), "msg.side"),
        (delta(1).replace(b"1786085188978", b"-1"), "msg.ts_ms"),
        (delta(1).replace(b"1786085188978", b"true"), "msg.ts_ms"),
        (delta(0), "seq"),
        (delta(2**63), "seq"),
        (snapshot(1, yes=[["0.44", "1.00"], ["0.4400", "2.00"]]), "msg.yes_dollars_fp[1]"),
        (snapshot(1, no=[["0.44", "0.00"]]), "msg.no_dollars_fp[0]"),
        (snapshot(1, no=[["0.44", "-1.00"]]), "msg.no_dollars_fp[0]"),
        (snapshot(1, no=[["0.44", "1.00"], ["0.43", "1e3"]]), "msg.no_dollars_fp[1][1]"),
        (snapshot(1, no=[["0.44", "1.00", "x"]]), "msg.no_dollars_fp[0]"),
    ],
)
def test_a_bad_field_is_named_by_its_path_and_its_market(data, where):
    with pytest.raises(RemoteProtocolError) as caught:
        decode("ws", data)
    assert (caught.value.where, caught.value.market) == (where, T)
    (event,) = Reader().read(data, 0)
    assert isinstance(event, BadInput)
    assert (event.where, event.market) == (where, T)


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 100_000,
        b'{"type":"orderbook_delta","sid":1,"seq":1,"msg":' + b'{"a":' * 50_000,
        b"\xef\xbb\xbf" + delta(1),
        delta(1) + b" {}",
        delta(1) + b"\n" + delta(2),
        delta(1).decode().encode("utf-16"),
        delta(1).replace(b"KXFED", b"KX\xff"),
        delta(1).replace(b"KXFED", b"KX\\ud800"),
        delta(1).replace(b'"seq": 1', b'"seq": NaN'),
        delta(1).replace(b'"seq": 1', b'"seq": 1e400'),
        delta(1).replace(b'"seq": 1', b'"seq": ' + b"9" * 5_000),
        b"",
        b"\x00\x01\x02",
        b'{"type":"no_such_thing","sid":1,"seq":1,"msg":{}}',
    ],
)
def test_bombs_and_foreign_bytes_are_typed_errors_and_take_no_number(data):
    feed = Feed("kalshi.book")
    feed.on_frame(snapshot(1), 0)
    (event,) = feed.on_frame(data, 0)
    assert isinstance(event, BadInput)
    assert feed.sids[1].last == 1
    with pytest.raises(RemoteProtocolError):
        decode("", data)


def test_duplicate_keys_are_the_last_ones_value():
    """The decoder keeps the last of two equal keys and does not say so: known, harmless here."""
    twice = delta(1).replace(b'"seq": 1', b'"seq": 7, "seq": 1')
    assert decode("ws", twice) == decode("ws", delta(1))


def test_a_document_nested_beyond_reason_is_refused_by_the_walk():
    deep: object = {"ticker": E}
    for _ in range(500):
        deep = [deep]
    with pytest.raises(RemoteProtocolError):
        list(bodies(deep))


def test_a_duplicate_and_a_gap_are_not_bad_input():
    feed = Feed("kalshi.book")
    feed.on_frame(snapshot(1), 0)
    assert feed.on_frame(snapshot(1), 0) == [Duplicate("kalshi.book", 1)]
    gap = feed.on_frame(delta(3), 0)[0]
    assert gap == FeedGap("kalshi.book", "sequence", "sid:1", 2, 3)
