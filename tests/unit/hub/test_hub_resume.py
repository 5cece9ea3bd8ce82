"""Whatever is cut and wherever: filtered messages of the journal, each exactly once, in order."""

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from dutchbook.hub.filters import Filter, compile_filter
from dutchbook.hub.session import Limits
from unit.hub.rig import Rig, signal

FILTERS: list[dict[str, Any]] = [
    {},
    {"min_confidence": "0.5"},
    {"venues": ["polymarket"]},
    {"or": [{"venues": ["kalshi"], "min_confidence": 0.4}, {"not": {"max_lockup": 5}}]},
]
acts = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.integers(1, 4), st.integers(1, 3)),
        st.tuples(st.just("drop"), st.integers(0, 3), st.just(0)),
        st.tuples(st.just("room"), st.integers(0, 3), st.integers(0, 4)),
        st.tuples(st.just("time"), st.integers(0, 7), st.just(0)),
    ),
    max_size=60,
)


class Reader:
    """A client that resumes; it keeps what the protocol lets it know, no more."""

    def __init__(self, rig: Rig, filters: dict[str, Any], after: int) -> None:
        self.rig, self.filters, self.after = rig, filters, after
        self.heard: list[tuple[int, int]] = []
        self.dial()

    def dial(self) -> None:
        self.peer = self.rig.peer()
        self.seen = 1
        self.peer.say(type="subscribe", channel="signals", filters=self.filters, after=self.after)

    def take(self) -> None:
        """Read frames; the promise of `prev` is checked with each."""
        for message in self.peer.read(self.seen):
            if message["type"] == "signal":
                assert message["prev"] <= self.after
                self.heard.append((message["seq"], message["n"]))
            if message["type"] in ("signal", "live"):
                self.after = max(self.after, message["seq"])
        self.seen = len(self.peer.frames)
        if self.peer.closed is not None:
            self.dial()


@settings(max_examples=150)
@given(acts, st.data())
def test_a_resume_from_anywhere_is_the_filtered_journal_once(plan: list[Any], data: Any):
    rig = Rig(Limits(queue_bytes=3_000, page_messages=3, page_bytes=900), room=15)
    seq = 0
    readers = [Reader(rig, filters, 0) for filters in FILTERS]
    for act, a, b in plan:
        if act == "publish":
            batch = []
            for _ in range(a):
                seq += data.draw(st.integers(1, 3))
                batch += [
                    signal(
                        seq, n, confidence=data.draw(st.integers(0, 10)) * 100_000,
                        venue=data.draw(st.sampled_from(("kalshi", "polymarket"))),
                    )
                    for n in range(b)
                ]  # fmt: skip
            rig.publish(*batch)
        elif act == "drop":
            readers[a].take()
            readers[a].peer.leave()
            readers[a].dial()
        elif act == "room":
            readers[a].peer.drain(b or None)
        else:
            rig.tick(a)
        for reader in readers:
            reader.take()
    for reader in readers:
        reader.peer.drain(None)
        reader.take()
        reader.peer.drain(None)
        reader.take()
        test = compile_filter(_filter(reader.filters)).test
        assert reader.heard == [(m.seq, m.n) for m in rig.kept if test(m.facets)]


def _filter(plain: dict[str, Any]) -> Filter:

    return msgspec.convert(plain, Filter)


def test_the_store_serves_what_memory_has_forgotten():
    rig = Rig(room=10)
    for seq in range(1, 6_001):
        rig.publish(signal(seq))
    assert rig.hub.histories["signals"].floor[0] > 3_000
    late = rig.peer()
    late.say(type="subscribe", channel="signals", after=0)
    assert late.got() == [(seq, 0) for seq in range(1, 6_001)]
    assert max(frame.count for frame in late.frames) <= 501


def test_no_page_ever_cuts_a_step():
    """Else a client that is cut between two pages would resume behind a step it saw half of."""
    for limits in (Limits(page_messages=2), Limits(page_bytes=10), Limits(page_messages=4)):
        for room in (100, 5):
            rig = Rig(limits, room=room)
            for seq in range(1, 2_101):
                rig.publish(*(signal(seq, n) for n in range(3)))
            peer = rig.peer()
            peer.say(type="subscribe", channel="signals", after=1_000)
            peer.frames = [frame for frame in peer.frames if frame.count]
            seen: set[int] = set()
            for frame in peer.frames:
                rows = [m["seq"] for m in msgspec.json.decode(frame.data)]
                assert all(rows.count(seq) == 3 for seq in rows) and not seen & set(rows)
                seen |= set(rows)
            assert seen == set(range(1_001, 2_101))


def test_the_promise_of_prev_is_exact():
    """It names the step of the message before, in pages and live alike."""
    rig = Rig()
    rig.publish(signal(2), signal(5, confidence=0), signal(9))
    peer = rig.peer()
    filters = {"min_confidence": "0.1"}
    peer.say(type="subscribe", channel="signals", filters=filters, after=0)
    rig.publish(signal(12, confidence=0))
    rig.publish(signal(14), signal(15))
    rig.publish(signal(16))
    told = [(m["prev"], m["seq"]) for m in peer.read() if m["type"] == "signal"]
    assert told == [(0, 2), (2, 9), (9, 14), (14, 15), (15, 16)]
