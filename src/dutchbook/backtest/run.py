"""One backtest from a plan and a tape to its record."""

from collections.abc import Callable

from dutchbook.backtest import facts
from dutchbook.backtest.observer import Observer
from dutchbook.backtest.plan import Plan, prepared, session_of
from dutchbook.backtest.session import Session
from dutchbook.backtest.tape import Tape
from dutchbook.domain.units import SECOND, Ns
from dutchbook.domain.wish import Quoter
from dutchbook.report.record import Record
from dutchbook.runtime.collector import frozen

SAMPLES = 1_000
Tick = Callable[[int, int], None]
"""Told how many events of how many are done."""
BATCH = 2_000


class Played:
    """A run: its session as it ended, and its record."""

    def __init__(self, session: Session, record: Record) -> None:
        self.session = session
        self.record = record
        self.digest = session.digest


def play(
    plan: Plan, tape: Tape, *, name: str = "backtest", command: str = "", digest: bool = True,
    made: dict[str, Quoter] | None = None, tick: Tick | None = None,
) -> Played:  # fmt: skip
    """Play a tape under a plan. Raises UsageError and ConfigError for what the plan can't be."""
    first, last = tape.span
    every = Ns(max(SECOND // 10, min(60 * SECOND, (last - first) // SAMPLES)))
    observer = Observer(0)
    session = session_of(plan, tape, observer, digest=digest, every=every, made=made)
    items = prepared(plan, tape)
    with frozen():
        if tape.record:
            session.play(items)
            observer.capital = plan.cash * len(session.exchange.papers)
        else:
            observer.capital = plan.cash * len(session.exchange.papers)
            session.play(items if tick is None else _told(items, len(tape.items), tick))
        session.until(Ns(session.at + SECOND))  # what is under way arrives
    observer.sample(session.at, session)
    return Played(session, facts.record_of(plan, tape, session, observer, name, command))


def _told(items, total: int, tick: Tick):  # type: ignore[no-untyped-def]
    for n, item in enumerate(items):
        if n % BATCH == 0:
            tick(n, total)
        yield item
    tick(total, total)
