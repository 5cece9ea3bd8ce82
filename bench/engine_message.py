"""One message through all of it: protocol, inbox, engine with every strategy, record, digest."""

from collections.abc import Iterator
from pathlib import Path
from time import monotonic_ns, perf_counter_ns
from typing import Final

from bench.harness import Context, Row, best
from bench.plain_engine import PlainEngine
from bench.session import ACTIONS, Item, Session
from dutchbook.domain.units import MILLI, Ns
from dutchbook.runtime.collector import frozen
from dutchbook.runtime.inbox import Inbox
from dutchbook.runtime.loop import Loop
from dutchbook.storage.store import Fsync, Store

GOAL: Final = 60_000
GOAL_US: Final = 50
SECONDS: Final = 100
READ: Final = 8
"""Messages of one read in the pass that measures throughput; spans are of one at a time."""
COMMIT_EVERY: Final = Ns(20 * MILLI)
PEER: Final = "json, sorted lists, all touched baskets repriced, json log"


def run(context: Context) -> list[Row]:
    """Frames of a session of both pretend exchanges, one at a time, each decided at once."""
    session = Session(context.size(SECONDS), context.scratch)
    messages = [item for item in session.items if item.data]
    context.say(f"bench: {len(messages)} messages, {len(session.engine.candidates)} baskets")
    repeats = 1 if context.quick else 3
    fresh: Iterator[Whole] = iter(
        [Whole(session, context.scratch / f"run{n}", "promises") for n in range(repeats)]
    )
    with frozen():
        spent, whole = best(lambda: next(fresh).all(session.items), repeats)
        assert whole.loop.digest.hex() and whole.engine.opened == session.engine.opened
        plain_spent, plain = best(lambda: _plain(session, messages, context.scratch), 1)
    for one in session.instruments:
        ours = tuple(whole.engine.view.best(one.key, side)[0] for side in ("yes", "no"))
        assert ours == plain.best(one.key), f"{one.key}: ours {ours}, plain {plain.best(one.key)}"
    with frozen():
        timed = Whole(session, context.scratch / "timed", "never")
        spans, ticks = timed.spans(session.items)
    whole.close()
    timed.close()
    rate, ratio = len(messages) / spent, plain_spent / spent
    p50, p99 = spans[len(spans) // 2] / 1_000, spans[int(len(spans) * 0.99)] / 1_000
    return [
        Row("engine_message", round(rate), "messages/s", f"value >= {GOAL}", rate >= GOAL,
            PEER, round(ratio, 2)),
        Row("engine_message_p50", round(p50, 2), "us"),
        Row("engine_message_p99", round(p99, 2), "us", f"value <= {GOAL_US}", p99 <= GOAL_US),
        Row("engine_message_tick_p50", round(ticks[len(ticks) // 2] / 1_000, 1), "us"),
    ]  # fmt: skip


class Whole:
    """A run without sockets: everything else is what `dutchbook run` has."""

    def __init__(self, session: Session, root: Path, fsync: Fsync) -> None:
        self.clock = SessionClock()
        self.venues = session.new_venues()
        self.engine = session.new_engine()
        self.inbox = Inbox(self.clock)
        self.store = Store.open(root, fsync=fsync)
        self.loop = Loop(
            self.engine, self.inbox, self.store, self.clock, lambda effect: None,
            lambda step: None, COMMIT_EVERY,
        )  # fmt: skip

    def one(self, item: Item) -> None:
        """One message, from its bytes to the record of what was decided."""
        self.read(item)
        self.loop.turn()

    def read(self, item: Item) -> None:
        """One message, from its bytes to the inbox."""
        self.clock.at = item.at
        events = item.events
        if item.data:
            outs = self.venues.read(item.stream, item.data, item.at)
            events = [out for out in outs if type(out) not in ACTIONS]
        self.inbox.put(item.stream, events)

    def all(self, items: list[Item]) -> "Whole":
        """Under load a read of a socket brings several messages before the engine has its turn."""
        for n, item in enumerate(items, 1):
            self.read(item)
            if n % READ == 0:
                self.loop.turn()
        self.drain()
        return self

    def drain(self) -> None:
        while self.loop.turn():
            pass
        self.loop.commit()

    def spans(self, items: list[Item]) -> tuple[list[int], list[int]]:
        """How long messages and timers took, in ns, sorted; in a pass of its own."""
        spans: list[int] = []
        ticks: list[int] = []
        for item in items:
            started = perf_counter_ns()
            self.one(item)
            spent = perf_counter_ns() - started
            if item.data:
                spans.append(spent)
            elif item.stream == "timer":
                ticks.append(spent)
        self.drain()
        return sorted(spans), sorted(ticks) or [0]

    def close(self) -> None:
        self.store.close()


class SessionClock:
    """Market time from the session, so that decisions repeat; real time between commits."""

    def __init__(self) -> None:
        self.at = Ns(0)

    def now(self) -> Ns:
        return self.at

    def mono(self) -> Ns:
        return Ns(monotonic_ns())

    def after(self, span: Ns, call: object) -> "SessionClock":
        """Timers ring as the session says."""
        return self

    def cancel(self) -> None:
        pass


def _plain(session: Session, messages: list[Item], scratch: Path) -> PlainEngine:
    baskets = list(session.engine.candidates.values())
    plain = PlainEngine(session.instruments, baskets, scratch / "plain.jsonl")
    for item in messages:
        plain.frame(item.stream, item.data, item.at)
    plain.close()
    return plain
