"""Stories of the driver on the scripted transport and the virtual clock."""

import asyncio
import json
import logging

from hypothesis import given, settings
from hypothesis import strategies as st

from dutchbook.domain.account_events import ClockSeen
from dutchbook.domain.effects import AskCheck
from dutchbook.domain.events import BadInput, FeedDown, FeedUp
from dutchbook.domain.units import MILLI, SECOND, Ns
from dutchbook.io import budget
from dutchbook.io.backoff import CAP, FIRST, STEADY, Backoff
from dutchbook.io.driver import Driver
from dutchbook.io.fake import Cut, FakeTransport, Frames, Refuse
from dutchbook.io.http import written_at
from dutchbook.io.ports import Lost, Reply
from dutchbook.io.signer import Signer
from dutchbook.runtime.clock import VirtualClock
from dutchbook.venues.base import Bucket, Call
from toy_venue import URL, Toy, book

START = Ns(1_000 * SECOND)


def px(*prices):
    return Frames(tuple(json.dumps({"px": p}).encode() for p in prices))


def do(wish, **more):
    return Frames((json.dumps({"do": wish, **more}).encode(),))


class Run:
    """A driver, its transport and everything that it said."""

    def __init__(self, acts=(), venue=None, answer=None, story=None, **more):
        self.clock = VirtualClock(START)
        answer = answer or (lambda call, headers: Reply(200, call.id.encode()))
        self.transport = FakeTransport(self.clock, story or {URL: [list(a) for a in acts]}, answer)
        self.venue = venue or Toy()
        self.events = []
        self.driver = Driver(
            self.venue,
            lambda stream, events: self.events.extend(events),
            clock=self.clock,
            signer=more.pop("signer", Signer()),
            transport=self.transport,
            **more,
        )

    async def play(self, seconds=0.0):
        self.driver.start()
        await self.clock.advance(Ns(int(seconds * SECOND)))
        return self


async def test_frames_become_events_in_order():
    run = await Run([[px(1, 2), px(3)]]).play()
    assert run.events == [FeedUp("toy.a"), book(1), book(2), book(3)]
    assert [(url, data) for _, url, data in run.transport.sent] == [(URL, b"subscribe")]
    assert run.driver.streams() == {"toy.a": True}
    assert run.driver.counts["frames"] == 3


async def test_a_cut_stream_comes_back():
    """Down is told once, the protocol hears of it, and the new connection subscribes again."""
    run = await Run([[px(1), Cut("reset")], [Refuse("no")], [Refuse("no")], [px(2)]]).play(60)
    assert run.events == [
        FeedUp("toy.a"),
        book(1),
        FeedDown("toy.a", "reset"),
        FeedUp("toy.a"),
        book(2),
    ]
    assert run.venue.heard == [("open", "toy.a"), ("down", "toy.a", "reset"), ("open", "toy.a")]
    assert len(run.transport.dialled) == 4
    assert run.driver.streams() == {"toy.a": True}


async def test_a_stream_that_never_opened_is_told_down_once():
    run = await Run([[Refuse("refused")]] * 3).play(60)
    assert run.events == [FeedDown("toy.a", "refused"), FeedUp("toy.a")]


async def test_each_dial_is_signed_anew():
    run = await Run([[Cut()], []]).play(5)
    times = [headers["X-TIME"] for _, _, headers in run.transport.dialled]
    assert times == [str(at) for at, _, _ in run.transport.dialled]
    assert len(set(times)) == 2


async def test_redial_drops_the_rest_of_the_read():
    frames = Frames((b'{"px":1}', b'{"do":"redial"}', b'{"px":9}'))
    run = await Run([[frames, px(9)], [px(2)]]).play(5)
    assert run.events == [
        FeedUp("toy.a"),
        book(1),
        FeedDown("toy.a", "told to"),
        FeedUp("toy.a"),
        book(2),
    ]
    assert run.transport.links[0].closed


async def test_a_defect_in_the_protocol_costs_one_connection(caplog):
    """An exception that is no protocol error is logged with its trace; the stream starts anew."""
    with caplog.at_level(logging.ERROR):
        run = await Run([[px(1), Frames((b"not json", b'{"px":5}'))], [px(2)]]).play(5)
    down = run.events[2]
    assert isinstance(down, FeedDown) and down.why.startswith("defect: JSONDecodeError")
    assert [e for e in run.events if e != down] == [
        FeedUp("toy.a"),
        book(1),
        FeedUp("toy.a"),
        book(2),
    ]
    assert run.driver.counts["defects"] == 1
    assert caplog.records[0].exc_info


async def test_a_defect_on_every_frame_is_no_crash_loop():
    """Ten seconds of a broken protocol: the back-off keeps the dials few."""
    run = await Run([[Frames((b"not json",))]] * 1_000).play(30)
    assert 5 <= len(run.transport.dialled) <= 60


async def test_bad_input_is_an_event_and_the_rest_goes_on():
    frames = Frames((b'{"do":"bad"}', b'{"px":4}'))
    run = await Run([[frames]]).play()
    assert run.events[1] == BadInput("toy.a", "do", "toy: do (toy:M): is bad", "toy:M")
    assert run.events[2] == book(4)


async def test_a_defect_in_an_answer_is_counted_and_named():
    venue = Toy(calls=1)
    venue.on_reply = None
    run = await Run(venue=venue).play(1)
    assert [type(e) for e in run.events] == [BadInput]
    assert run.events[0].what.startswith("defect: TypeError")


async def test_one_broken_stream_leaves_the_other_alone():
    venue = Toy(streams=("toy.a", "toy.b"))
    story = {URL: [[Frames((b"not json",))]] * 50, "ws://toy/b": [[px(1), px(2)]]}
    run = await Run(venue=venue, story=story).play(20)
    assert [e for e in run.events if getattr(e, "stream", "") == "toy.b"] == [
        FeedUp("toy.b"),
        book(1, "toy.b"),
        book(2, "toy.b"),
    ]


async def test_a_stream_that_is_wanted_later_is_dialled_later():
    """A frame tells of new markets, and the venue asks for one more socket."""
    story = {URL: [[do("grow", stream="toy.b"), px(1)]], "ws://toy/b": [[px(2)]]}
    run = await Run(story=story).play(1)
    assert run.driver.streams() == {"toy.a": True, "toy.b": True}
    assert book(2, "toy.b") in run.events


async def test_a_wake_asked_again_replaces_the_earlier():
    acts = [do("wake", s=1), do("wake", s=3)]
    run = await Run([acts]).play(10)
    assert [w for w in run.venue.heard if w[0] == "wake"] == [("wake", "t", START + 3 * SECOND)]


async def test_heartbeats_go_out_while_connected():
    venue = Toy()
    venue.heartbeat = 10 * SECOND
    run = await Run([[Cut(after=Ns(35 * SECOND))], [Refuse()] * 1], venue=venue).play(36)
    beats = [(at - START) // SECOND for at, _, data in run.transport.sent if data == b"PING"]
    assert beats == [10, 20, 30]


async def test_streams_wait_for_discovery():
    venue = Toy(calls=1)
    run = Run([[px(1)]], venue=venue)
    run.driver.start()
    assert run.transport.dialled == []
    await run.clock.advance(Ns(0))
    assert venue.heard[0] == ("reply", "c0", 200, b"c0")
    assert run.events == [FeedUp("toy.a"), book(1)]


async def test_the_budget_is_never_exceeded():
    """In every span of time at most burst + rate x span are sent, and all of them in the end."""
    venue = Toy(calls=60, bucket=Bucket("read", 10, 5))
    run = await Run(venue=venue).play(30)
    times = [at for at, _, _ in run.transport.called]
    assert len(times) == 60
    for first in range(60):
        for last in range(first, 60):
            span = times[last] - times[first]
            assert (last - first + 1) <= 5 + 10 * span / SECOND


async def test_checks_overtake_discovery():
    venue = Toy(calls=20, bucket=Bucket("read", 10, 5))
    run = Run(venue=venue)
    run.driver.start()
    run.driver.do(AskCheck("toy", ("toy:M",)))
    await run.clock.advance(Ns(10 * SECOND))
    ids = [call.id for _, call, _ in run.transport.called]
    assert ids.index("urgent:toy:M") == 4
    assert len(ids) == 21


async def test_a_429_empties_the_budget():
    """What the venue says is used up is used up, whatever we counted."""
    venue = Toy(calls=8, bucket=Bucket("read", 1, 8))
    status = iter([429] + [200] * 7)
    run = await Run(venue=venue, answer=lambda call, headers: Reply(next(status))).play(0)
    run.driver._calls.add(venue.call("after"))
    await run.clock.advance(Ns(1 * SECOND))
    assert run.driver.counts["throttled"] == 1
    assert "after" not in [call.id for _, call, _ in run.transport.called]


async def test_a_lost_call_says_whether_it_left():
    venue = Toy(calls=2)
    answers = iter([Lost("cut", sent=True), Lost("no route", sent=False)])
    await Run(venue=venue, answer=lambda call, headers: next(answers)).play(1)
    assert venue.heard == [("lost", "c0", True), ("lost", "c1", False)]


async def test_a_call_that_can_not_be_signed_never_leaves():
    venue = Toy(calls=1, signed=True)
    run = await Run(venue=venue).play(1)
    assert run.transport.called == []
    assert venue.heard == [("lost", "c0", False)]


async def test_a_full_inbox_stops_the_reading():
    room = asyncio.Event()
    room.set()
    run = Run([[px(1), px(2), px(3)]], room=room)
    sink = run.driver.sink

    def fill(stream, events):
        sink(stream, events)
        if book(1) in events:
            room.clear()

    run.driver.sink = fill
    await run.play(1)
    assert run.events == [FeedUp("toy.a"), book(1)]
    assert run.transport.paused == {URL}
    room.set()
    await run.clock.advance(Ns(SECOND))
    assert run.events == [FeedUp("toy.a"), book(1), book(2), book(3)]


async def test_stop_ends_everything():
    venue = Toy(calls=200)
    run = await Run([[px(1), do("wake", s=5), Cut(after=Ns(SECOND))]], venue=venue).play(0.5)
    await run.driver.stop()
    told, called = list(run.events), len(run.transport.called)
    await run.clock.advance(Ns(60 * SECOND))
    assert all(link.closed for link in run.transport.links)
    assert run.driver.waiting() == 0
    assert (run.events, len(run.transport.called)) == (told, called)
    assert not [h for h in venue.heard if h[0] == "wake"]


async def test_raw_frames_are_recorded_as_they_came():
    kept = []
    await Run([[px(1, 2)]], record=lambda *frame: kept.append(frame)).play()
    assert kept == [("toy.a", START, b'{"px": 1}'), ("toy.a", START, b'{"px": 2}')]


@given(st.text(), st.lists(st.integers(0, 100 * SECOND), max_size=40))
def test_back_off_stays_within_its_bounds(seed, lives):
    """The n-th wait in a row is at most 0.1 s x 2^n and never over 10 s; same seed, same waits."""
    one, two, failures = Backoff(seed), Backoff(seed), 0
    for lived in lives:
        failures = 0 if lived >= STEADY else failures
        wait = one.wait(Ns(lived))
        assert 0 <= wait <= min(CAP, FIRST * 2**failures)
        assert wait == two.wait(Ns(lived))
        failures += 1


def test_back_off_spreads_over_its_whole_range():
    waits = [Backoff(str(seed)) for seed in range(500)]
    firsts = [one.wait(Ns(0)) for one in waits]
    assert min(firsts) < 5 * MILLI and max(firsts) > 95 * MILLI


@settings(max_examples=200)
@given(
    rate=st.integers(1, 1_000),
    burst=st.integers(1, 1_000),
    wants=st.lists(st.tuples(st.integers(1, 50), st.integers(0, SECOND)), max_size=50),
)
def test_a_budget_by_its_naive_twin(rate, burst, wants):
    """A venue's own bucket (filled at the full rate) never runs dry under what we allow."""
    bucket, now = Bucket("b", rate, burst), 0
    left = budget.full(bucket, Ns(0))
    theirs, at = float(burst), 0
    for cost, pause in wants:
        cost = min(cost, burst)
        now += pause
        left, wait = budget.spend(bucket, left, cost, Ns(now))
        if wait:
            now += wait
            left, wait = budget.spend(bucket, left, cost, Ns(now))
        assert wait == 0
        theirs = min(burst, theirs + (now - at) * rate / SECOND) - cost
        at = now
        assert theirs >= -1e-6


async def test_a_call_without_a_known_budget_is_lost_unsent():
    venue = Toy(bucket=Bucket("other", 1, 1))
    run = await Run([[do("call")]], venue=venue).play(1)
    assert run.transport.called == []
    assert venue.heard[-1] == ("lost", "asked", False)


async def test_what_takes_on_risk_is_asked_for_when_its_bytes_are_ready():
    """A kill after the order was queued: its request never leaves, a cancel does."""
    why = [""]
    run = await Run([[]], barred=lambda: why[0]).play()
    go = [Call("a", "POST", URL, risk=True), Call("b", "DELETE", URL)]
    run.driver.carry_out([], go)
    why[0] = "killed"
    await run.clock.advance(Ns(SECOND))
    assert [call.id for _, call, _ in run.transport.called] == ["b"]
    assert ("lost", "a", False) in run.venue.heard


async def test_what_an_answer_shows_of_our_clock_is_told_now_and_then():
    """F13: its Date names a whole second, so only what can't be explained by it is skew."""
    for off, skew in ((0, 0), (30, 29), (-30, -30)):
        written = Ns(START - off * SECOND)
        run = await Run([[]], answer=lambda call, headers, at=written: Reply(200, b"", at)).play()
        for name in ("a", "b"):
            run.driver.carry_out([], [Call(name, "GET", URL)])
            await run.clock.advance(Ns(MILLI))
        told = [event for event in run.events if isinstance(event, ClockSeen)]
        assert told == [ClockSeen("toy", Ns(skew * SECOND))], off


def test_a_date_header_is_read_or_it_says_nothing():
    assert written_at("Sat, 21 Nov 2026 07:15:49 GMT") == 1_795_245_349 * SECOND
    for bad in ("", "soon", "Sat, 99 Nov 2026 07:15:49 GMT", "\0", "Sat, 21 Nov 99999999 0:0:0"):
        assert written_at(bad) == 0
