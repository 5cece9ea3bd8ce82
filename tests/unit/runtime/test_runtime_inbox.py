"""The inbox: numbers without holes, order, merging that leaves the same books, back-pressure."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dutchbook.domain.events import (
    ASK,
    BID,
    BookLevels,
    BookSeen,
    FeedDown,
    FeedGap,
    FeedUp,
    GridChanged,
    StatusChanged,
    TimerFired,
)
from dutchbook.domain.instrument import CENT
from dutchbook.domain.units import SECOND, Ns
from dutchbook.runtime.clock import SystemClock, VirtualClock
from dutchbook.runtime.conflate import merged
from dutchbook.runtime.inbox import Inbox

S = "kalshi.book"


def whole(key, *levels, stream=S, **more):
    return BookLevels(key, 0, stream, True, False, list(levels), **more)


def change(key, *levels, delta=True, stream=S, **more):
    return BookLevels(key, 0, stream, False, delta, list(levels), **more)


def inbox(over=0, **more):
    return Inbox(VirtualClock(), conflate_over=over, **more)


def taken(box):
    return [envelope.event for envelope in box.take()]


def test_numbers_go_on_and_time_never_goes_back():
    clock = VirtualClock(Ns(10 * SECOND))
    box = Inbox(clock, seq=41)
    box.put(S, [FeedUp(S), TimerFired("a")])
    first = box.take(1)
    clock._now = Ns(5 * SECOND)
    second = box.take()
    assert [(e.seq, e.at) for e in first + second] == [(42, 10 * SECOND), (43, 10 * SECOND)]
    assert box.take() == [] and box.seq == 43


def test_below_the_limit_nothing_is_merged():
    box = inbox(over=10)
    events = [whole("a", (BID, 1, 5)), change("a", (BID, 1, 1))]
    box.put(S, events)
    assert taken(box) == events and box.conflated == 0


def test_a_long_backlog_is_merged_and_leaves_no_hole():
    """Two books, three changes each, interleaved: two events remain, numbered 1 and 2."""
    box = inbox()
    for size in (1, 2, 3):
        box.put(S, [change("a", (BID, 10, size)), change("b", (ASK, 20, -size), bid=size)])
    envelopes = box.take()
    assert [e.seq for e in envelopes] == [1, 2]
    assert [e.event for e in envelopes] == [
        change("a", (BID, 10, 6)),
        change("b", (ASK, 20, -6), bid=3),
    ]
    assert (box.conflated, box.dropped) == (4, 0)


@pytest.mark.parametrize(
    "barrier",
    [
        FeedGap(S, "sequence", "sid:1", 2, 4),
        FeedUp(S),
        FeedDown(S, "cut"),
        GridChanged("a", CENT),
        StatusChanged("a", "paused"),
        BookSeen("a", 0, []),
    ],
)
def test_nothing_is_merged_across_a_barrier(barrier):
    box = inbox()
    events = [change("a", (BID, 1, 1)), barrier, change("a", (BID, 1, 2))]
    box.put(S, events)
    assert taken(box) == events and box.conflated == 0


def test_a_barrier_of_another_stream_or_market_holds_nothing_up():
    box = inbox()
    others = [FeedDown("polymarket.market.0", "cut"), StatusChanged("b", "paused")]
    box.put(S, [change("a", (BID, 1, 1)), *others, change("a", (BID, 1, 2))])
    assert taken(box) == [change("a", (BID, 1, 3)), *others]


def test_what_was_taken_is_merged_into_no_more():
    box = inbox()
    box.put(S, [change("a", (BID, 1, 1)), change("b", (BID, 1, 1))])
    assert [e.event for e in box.take(1)] == [change("a", (BID, 1, 1))]
    box.put(S, [change("a", (BID, 1, 7))])
    assert taken(box) == [change("b", (BID, 1, 1)), change("a", (BID, 1, 7))]


def test_a_size_below_zero_is_left_for_the_book_to_judge():
    first, then = whole("a", (BID, 1, 5)), change("a", (BID, 1, -6))
    assert merged(first, then) is None
    box = inbox()
    box.put(S, [first, then, whole("a", (BID, 2, 1))])
    assert taken(box) == [first, whole("a", (BID, 2, 1))]


def test_a_barrier_in_a_short_put_between_two_long_ones_holds():
    """Five changes shrink to one, so a gap alone is under the limit; it holds all the same."""
    box = inbox(over=3)
    gap = FeedGap(S, "sequence", "sid:1", 2, 4)
    changes = [change("a", (BID, 1, 1))] * 5
    box.put(S, changes)
    box.put(S, [gap])
    box.put(S, changes)
    assert taken(box) == [change("a", (BID, 1, 5)), gap, change("a", (BID, 1, 5))]


async def test_a_full_inbox_closes_the_door_and_drops_nothing():
    box = inbox(over=1_000, events_max=10)
    box.put(S, [TimerFired(str(n)) for n in range(15)])
    assert not box.room.is_set() and len(box) == 15
    box.take(9)
    assert not box.room.is_set()
    box.take(1)
    assert box.room.is_set()
    assert len(box.take()) == 5 and box.dropped == 0


async def test_the_engine_waits_without_turning():
    box = inbox()
    waiting = asyncio.ensure_future(box.ready())
    await asyncio.sleep(0)
    assert not waiting.done()
    box.put(S, [FeedUp(S)])
    await waiting
    box.take()
    assert not box._some.is_set()


def test_what_was_merged_is_as_late_as_its_first_part():
    """It is taken in that one's place, before all that the stream brought since."""
    early, late = (change("a", (BID, 1, n), venue_at=Ns(n)) for n in (5, 9))
    assert merged(early, late).venue_at == 5


# Property: whatever was merged, and whenever it was taken, the books are the same in the end, and
# at every barrier; the naive twin applies every event to plain dicts.


def fold(events):
    """The books after all events, what was seen at each barrier, and each book's last claim."""
    books, seen, claims = {}, [], {}
    for event in events:
        if not isinstance(event, BookLevels):
            seen.append((event, {key: dict(book) for key, book in books.items()}))
            continue
        book = books.setdefault((event.stream, event.key, event.token), {})
        claims[event.key, event.token] = (event.bid, event.ask)
        if event.snapshot:
            book.clear()
        for side, px, size in event.levels:
            total = book.get((side, px), 0) + size if event.delta else size
            book[side, px] = total
            if not total:
                del book[side, px]
    return books, seen, claims


@st.composite
def feeds(draw):
    """A legal feed: signed changes on stream 1 (book a, b), new totals on stream 2 (book c)."""
    out, now = [], {"a": {}, "b": {}, "c": {}}
    for n in range(draw(st.integers(0, 60))):
        key = draw(st.sampled_from("abc"))
        stream = "two" if key == "c" else "one"
        what = draw(st.sampled_from(["change"] * 8 + ["whole", "barrier"]))
        at = (draw(st.sampled_from([BID, ASK])), draw(st.integers(1, 4)))
        size = draw(st.integers(0, 5))
        book, claim = now[key], {"bid": n, "ask": n + 1, "venue_at": n}
        if what == "barrier":
            out.append(draw(st.sampled_from([FeedUp(stream), FeedDown(stream, str(n))])))
        elif what == "whole":
            book.clear()
            book[at] = size + 1
            out.append(whole(key, (*at, size + 1), stream=stream, **claim))
        else:
            old, book[at] = book.get(at, 0), size
            given_size = size if key == "c" else size - old
            levels = (*at, given_size)
            out.append(change(key, levels, delta=key != "c", stream=stream, **claim))
    return out


def per_stream(seen, stream):
    """What each barrier of a stream saw of the books of its own stream (those are promised)."""
    return [
        (event, {key: book for key, book in books.items() if key[0] == stream and book})
        for event, books in seen
        if event.stream == stream
    ]


@settings(max_examples=120)
@given(
    feeds(),
    st.lists(st.tuples(st.integers(1, 6), st.integers(0, 5)), max_size=60),
    st.integers(0, 5),
)
def test_merged_or_not_the_books_are_the_same(events, turns, over):
    """`turns`: how many events are put at once, and how many are then taken."""
    box, got, at = inbox(over=over), [], 0
    for put, take in [*turns, (len(events), 0)]:
        box.put("any", events[at : at + put])
        at += put
        got += [envelope.event for envelope in box.take(take)]
    while more := taken(box):
        got += more
    books, seen, claims = fold(events)
    books_got, seen_got, claims_got = fold(got)
    assert {k: b for k, b in books_got.items() if b} == {k: b for k, b in books.items() if b}
    assert claims_got == claims
    for stream in ("one", "two"):
        assert per_stream(seen_got, stream) == per_stream(seen, stream)
    assert len(got) + box.conflated == len(events) and box.seq == len(got)


def test_time_goes_on_evenly_whatever_is_done_to_the_wall_clock(monkeypatch):
    """P21: set 300 s ahead, then back: ages and deadlines stay right."""
    from dutchbook.runtime import clock as module

    walls, machine = [1_000], [0]
    monkeypatch.setattr(module.time, "time_ns", lambda: walls[0])
    monkeypatch.setattr(module.time, "clock_gettime_ns", lambda which: machine[0])
    clock, seen = SystemClock(), []
    for wall, passed in ((1_010, 10), (300_020, 10), (1_030, 10)):
        walls[0], machine[0] = wall, machine[0] + passed
        seen.append(clock.now())
    assert seen == [1_010, 1_020, 1_030]


async def test_the_virtual_clock_rings_in_order_and_once():
    clock, rung = VirtualClock(Ns(0)), []
    clock.after(Ns(5), lambda: rung.append(("b", clock.now())))
    clock.after(Ns(3), lambda: clock.after(Ns(1), lambda: rung.append(("a", clock.now()))))
    clock.after(Ns(4), lambda: rung.append("never")).cancel()
    clock.after(Ns(99), lambda: rung.append("later"))
    await clock.advance(Ns(10))
    assert rung == [("a", 4), ("b", 5)] and clock.now() == 10
