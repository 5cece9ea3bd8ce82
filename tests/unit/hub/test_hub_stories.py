"""The protocol told in stories: who hears what, in which frames, and what is refused."""

import msgspec
import pytest

from dutchbook.hub import wire
from dutchbook.hub.session import Limits
from unit.hub.rig import NOW, Rig, book, signal


def test_a_client_says_who_it_is_subscribes_and_hears_what_passes_its_filter():
    rig = Rig(seq=40)
    peer = rig.peer()
    assert peer.read() == [
        {"type": "welcome", "client_id": "alice", "seq": 40, "server_time": NOW // 1_000,
         "version": 1, "key": ""},
    ]  # fmt: skip
    [answer] = peer.say(
        type="subscribe", channel="signals", filters={"min_confidence": "0.7"}, id="q"
    )
    name = answer["subscription"]
    assert answer == {
        "type": "subscribed", "subscription": name, "channel": "signals", "seq": 40, "id": "q",
    }  # fmt: skip
    rig.publish(signal(41, confidence=699_999))
    rig.publish(signal(42, confidence=700_000))
    [heard] = peer.read()[2:]
    assert heard == {
        "subscription": name, "prev": 40, "type": "signal", "seq": 42, "n": 0,
        "at": NOW // 1_000 + 42, "publisher": "desk", "id": "s42-0", "kind": "news",
        "confidence": "0.7", "title": "Story 42", "markets": [], "venues": ["kalshi"],
        "categories": [], "edge": None, "lockup": None, "probability": None, "px": None,
        "priority": 0, "expires": None, "body": None, "receipt": None,
    }  # fmt: skip
    assert peer.say(type="unsubscribe", subscription=name, id="z") == [
        {"type": "unsubscribed", "subscription": name, "id": "z"}
    ]
    rig.publish(signal(43, confidence=900_000))
    assert peer.got() == [(42, 0)]


def test_equal_filters_share_one_group_and_the_very_same_frame():
    """However they are written; JSON and MessagePack differ in bytes, not in content."""
    rig = Rig()
    one, two, packed = rig.peer(), rig.peer("reader"), rig.peer(format="msgpack")
    one.say(type="subscribe", channel="signals", filters={"kinds": ["NEWS", "whale"]})
    two.say(type="subscribe", channel="signals", filters={"kinds": ["whale", "news", "news"]})
    packed.say(
        binary=True, type="subscribe", channel="signals", filters={"kinds": ["whale", "news"]}
    )
    rig.publish(signal(1), signal(1, 1), signal(2))
    assert one.frames[-1] is two.frames[-1]
    assert one.frames[-1].count == 3
    assert packed.frames[-1].binary
    assert one.read()[-3:] == packed.read()[-3:]
    assert [m["prev"] for m in one.read()[-3:]] == [0, 0, 1]
    assert len(rig.hub.groups["signals"]) == 2
    for peer in (one, two, packed):
        peer.leave()
    assert rig.hub.groups["signals"] == {} and rig.hub._filters == {}


def test_a_resume_brings_what_was_missed_then_says_that_it_is_live():
    rig = Rig()
    rig.publish(*(signal(seq) for seq in range(1, 8)))
    peer = rig.peer()
    heard = peer.say(type="subscribe", channel="signals", after=4)
    assert [m["type"] for m in heard] == ["subscribed", "signal", "signal", "signal", "live"]
    assert heard[0]["seq"] == 4
    assert heard[-1] == {"type": "live", "subscription": heard[0]["subscription"], "seq": 7}
    rig.publish(signal(8))
    assert peer.got() == [(5, 0), (6, 0), (7, 0), (8, 0)]
    part = rig.peer()
    rig.publish(signal(9), signal(9, 1), signal(9, 2))
    part.say(type="subscribe", channel="signals", after=9, after_n=0)
    assert part.got() == [(9, 1), (9, 2)]


def test_what_is_no_longer_kept_and_what_never_was_is_refused_with_a_code():
    rig = Rig()
    rig.publish(*(signal(seq) for seq in range(1, 8)))
    rig.hub.histories["signals"].oldest = 3
    peer = rig.peer()
    [gone] = peer.say(type="subscribe", channel="signals", after=2, id="g")
    assert (gone["type"], gone["code"], gone["id"], gone["seq"]) == ("error", "gone", "g", 3)
    [ahead] = peer.say(type="subscribe", channel="signals", after=8)
    assert (ahead["code"], ahead["seq"]) == ("ahead", 7)
    assert peer.closed is None and peer.session.members == {}


def test_a_slow_reader_of_signals_loses_nothing_until_it_is_told_to_resume():
    rig = Rig(Limits(queue_bytes=2_000))
    slow, quick = rig.peer(), rig.peer("reader")
    for peer in (slow, quick):
        peer.say(type="subscribe", channel="signals")
    slow.room = 1
    for seq in range(1, 4):
        rig.publish(signal(seq))
    assert slow.got() == [(1, 0)] and slow.session.queued > 0
    slow.drain(1)
    assert slow.got() == [(1, 0), (2, 0)]
    slow.drain(None)
    assert slow.got() == [(1, 0), (2, 0), (3, 0)]
    rig.publish(signal(4))
    assert slow.got()[-1] == (4, 0)
    slow.room = 0
    slow.rig.hub.paused(slow.session, rig.now)
    for seq in range(5, 20):
        rig.publish(signal(seq))
    assert slow.closed == wire.SLOW
    assert [seq for seq, _ in quick.got()] == list(range(1, 20))
    again = rig.peer()
    again.say(type="subscribe", channel="signals", after=slow.got()[-1][0])
    assert slow.got() + again.got() == quick.got()


def test_a_reader_that_stands_still_is_cut_after_its_time():
    rig = Rig()
    peer = rig.peer()
    peer.say(type="subscribe", channel="signals")
    peer.room = 1
    rig.publish(signal(1))
    rig.publish(signal(2))
    rig.tick(4)
    assert peer.closed is None
    rig.tick(2)
    assert peer.closed == wire.SLOW and not rig.hub.sessions


def test_books_conflate_to_the_newest_of_each_market():
    rig = Rig()
    peer = rig.peer()
    peer.say(type="subscribe", channel="books", filters={"tickers": ["A", "kalshi:B"]})
    peer.room = 1
    rig.publish(book(1, "kalshi:A", "0.1"))
    for seq in range(2, 9):
        rig.publish(book(seq, "kalshi:A", f"0.{seq}"), book(seq, "kalshi:B", f"0.{seq}"))
    rig.publish(book(9, "kalshi:C", "0.9"))
    peer.drain(None)
    told = [(m["market"], m["bid"]) for m in peer.read()[2:]]
    assert told == [("kalshi:A", "0.1"), ("kalshi:A", "0.8"), ("kalshi:B", "0.8")]
    assert peer.closed is None


def test_saved_subscriptions_come_back():
    rig = Rig()
    peer = rig.peer()
    asked = {"channel": "signals", "filters": {"kinds": ["news"]}}
    first = peer.say(type="subscribe", save=True, **asked)[0]["subscription"]
    peer.say(type="subscribe", save=True, channel="alerts")
    assert len(rig.saved["alice"]) == 2
    rig.publish(signal(1))
    peer.leave()
    rig.publish(signal(2))
    again = rig.peer(restore=True, after=1)
    kinds = [(m["type"], m.get("channel")) for m in again.read()]
    assert kinds[:3] == [("welcome", None), ("subscribed", "signals"), ("subscribed", "alerts")]
    assert again.got() == [(2, 0)]
    again.say(type="unsubscribe", subscription=first)
    assert [item.channel for item in rig.saved["alice"]] == ["alerts"]


def test_rights_end():
    rig = Rig()
    mute, brief, bob = rig.peer("wrong"), rig.peer("brief"), rig.peer("reader")
    assert mute.read()[-1]["code"] == "bad_token" and mute.closed == wire.UNAUTHENTICATED
    [no] = bob.say(type="subscribe", channel="fills")
    assert no["code"] == "forbidden"
    rig.tick(59)
    assert brief.closed is None
    rig.tick(2)
    assert brief.closed == wire.EXPIRED
    [(session, close)] = rig.hub.revoke("bob", rig.now)
    assert (session, close.code) == (bob.session, wire.EXPIRED)
    late = rig.hub.connected(None, rig.now)[0]
    late.peer = bob
    rig.tick(11)
    assert late not in rig.hub.sessions


def test_the_delivery_log_says_who_got_how_much_of_what():
    rig = Rig()
    peer = rig.peer()
    name = peer.say(type="subscribe", channel="signals")[0]["subscription"]
    rig.publish(signal(1), signal(2))
    peer.say(type="ack", subscription=name, seq=2, acted=1)
    [row] = rig.hub.log(rig.now)
    assert (row.client_id, row.channel, row.first, row.last, row.count) == (
        "alice", "signals", 0, 2, 2,
    )  # fmt: skip
    peer.room = 1
    rig.publish(signal(3))
    rig.publish(signal(4))
    [row] = rig.hub.log(rig.now)
    assert (row.first, row.last, row.count, row.acked) == (2, 3, 1, 2)
    peer.leave()
    assert rig.hub.log(rig.now) == []
    other = rig.peer()
    other.say(type="subscribe", channel="signals", filters={"kinds": ["whale"]})
    rig.publish(signal(5))
    [figures] = rig.hub.figures()
    assert (figures["delivered"], figures["hit_rate"]) == (0, 0.0)


@pytest.mark.parametrize("binary", [False, True])
def test_every_error_code_that_is_used_is_documented(binary: bool):
    rig = Rig(Limits(subscriptions=1, patience=100))
    peer = rig.peer(format="msgpack" if binary else "json")
    said = [
        ({"type": "auth", "token": "good"}, "authenticated"),
        ({"type": "nothing"}, "bad_message"),
        ({"type": "subscribe", "channel": "weather"}, "unknown_channel"),
        ({"type": "subscribe", "channel": "signals", "filters": {"min_edge": "x"}}, "bad_filter"),
        ({"type": "subscribe", "channel": "signals", "filters": {"what": 1}}, "bad_filter"),
        ({"type": "unsubscribe", "subscription": "s"}, "not_subscribed"),
        ({"type": "subscribe", "channel": "signals"}, None),
        ({"type": "subscribe", "channel": "alerts"}, "too_many"),
        ({"type": "ping", "id": "p"}, None),
    ]
    for what, code in said:
        [answer] = peer.say(binary=binary, **what)
        assert answer.get("code") == code, (what, answer)
        assert code is None or code in wire.ERRORS
    assert msgspec.convert(answer, wire.Pong).id == "p"
