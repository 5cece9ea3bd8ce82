"""Paper fed with a session, backtests of it and of its record, a replay: the same Steps."""

import asyncio
import random

import pytest

from dutchbook.backtest.generated import generated
from dutchbook.backtest.plan import Plan, session_of
from dutchbook.backtest.session import Session
from dutchbook.backtest.tape import record
from dutchbook.domain.events import RunStarted, RunStopped
from dutchbook.domain.units import MILLI, ONE, SECOND, Ns, Usd
from dutchbook.runtime.bootstrap import engine_of, engine_settings
from dutchbook.runtime.clock import VirtualClock
from dutchbook.runtime.inbox import Inbox
from dutchbook.runtime.paper import PaperDoor, PaperLoop, desk_of, exchange_of
from dutchbook.runtime.replay import Replay
from dutchbook.runtime.settings import PaperMoney, Settings
from dutchbook.runtime.wire import Wire
from dutchbook.sim.exchange import Constant
from dutchbook.storage.store import Store

ACCOUNTS = {"kalshi": "paper", "polymarket": "paper"}
SETTINGS = Settings(mode="paper", paper=PaperMoney(cash=2_000 * ONE, latency_ms=70))


@pytest.fixture(scope="module")
def tape():
    return generated(7, Ns(25 * SECOND))


@pytest.fixture
def started():
    accounts = tuple(sorted(ACCOUNTS.items()))
    return RunStarted("r1", "paper", 7, "0", engine_settings(SETTINGS, ACCOUNTS), "e0", accounts)


class Feed:
    """Stands where a driver would: questions about books stay unanswered."""

    def __init__(self, name):
        self.venue = self
        self.name = name

    def do(self, effect):
        pass


class NoGate:
    def left(self, order):
        return False

    def why_not(self, effect):
        return ""


async def in_paper(tape, started, folder, stumbles):
    """The loop of mode paper over a session; at `stumbles` it comes to look between two events."""
    clock = VirtualClock(tape.items[0][0])
    store = Store.open(folder)
    engine = engine_of(SETTINGS, accounts=ACCOUNTS)
    desk = desk_of(engine, ACCOUNTS, SETTINGS)
    inbox = Inbox(clock, seq=store.seq, at=store.at)
    doors = {venue: PaperDoor(desk, Feed(venue)) for venue in ACCOUNTS}
    wire = Wire(NoGate(), doors, desk.tell)
    loop = PaperLoop(desk, engine, inbox, store, clock, wire.carry, lambda step: None, Ns(SECOND))
    inbox.put("account", [started])
    loop.turn()
    chance = random.Random(stumbles)
    for at, event in tape.items:
        span = at - clock.now()
        if stumbles and span > MILLI and chance.random() < 0.3:
            await clock.advance(Ns(chance.randrange(span)), settle=1)
            loop.turn()
        await clock.advance(Ns(at - clock.now()), settle=1)
        inbox.put("stream", [event])
        if chance.random() < 0.7 or not stumbles:
            loop.turn()
    inbox.put("account", [RunStopped("r1", "time")])
    while loop.turn():
        pass
    loop.commit()
    store.close()
    return loop.digest.hex(), engine.trading.account


def in_backtest(items, settings, started=None):
    def begin(event, before):
        engine = engine_of(settings, event.settings)
        latency = Constant(Ns(settings.paper.latency_ms * MILLI))
        return engine, exchange_of(engine, ACCOUNTS, Usd(settings.paper.cash), latency)

    session = Session(begin)
    if started is not None:
        session.start(started, items[0][0])
    session.play(items)
    return session


def test_paper_backtest_and_replay_decide_the_same(tape, started, tmp_path):
    ended = (tape.items[-1][0], RunStopped("r1", "time"))
    live, account = asyncio.run(in_paper(tape, started, tmp_path / "a", stumbles=0))
    again = in_backtest([*tape.items, ended], SETTINGS, started)
    assert again.digest == live
    fills = [fill for life in account.orders.values() for fill in life.fills]
    assert len(fills) > 20, "a session in which nothing trades shows nothing"

    of_record = record(tmp_path / "a")
    assert of_record.record and in_backtest(of_record.items, SETTINGS).digest == live

    replay = Replay(SETTINGS, lambda step: None, lambda at: None)
    replay.record(tmp_path / "a")
    assert replay.differences == [] and replay.digest.hex() == live


def test_when_the_machine_gets_round_to_it_does_not_matter(tape, started, tmp_path):
    """Batches of several events are stamped when they are taken: so a paper run that lags decides
    other things, and a backtest of its record decides those same things."""
    live, _ = asyncio.run(in_paper(tape, started, tmp_path / "b", stumbles=3))
    assert in_backtest(record(tmp_path / "b").items, SETTINGS).digest == live


def test_another_latency_is_another_run(tape, started):
    """The digests above are equal because the runs are, not because nothing reaches them."""
    slow = Settings(mode="paper", paper=PaperMoney(cash=2_000 * ONE, latency_ms=900))
    first = in_backtest(tape.items, SETTINGS, started).digest
    assert in_backtest(tape.items, slow, started).digest != first


def test_the_venues_know_at_every_event_in_which_markets_something_rests(tape, started):
    """A change of a book is shown to them only where `markets` says so."""
    seen = []

    class Looks:
        def saw(self, step, session):
            resting = {key for one in session.exchange.papers.values() for key, _ in one.resting}
            seen.append((resting, set(session.exchange.markets)))

        def sample(self, at, session):
            pass

    plan = Plan("maker,bundle", settings={"execution.style": "hybrid"})
    session = session_of(plan, tape, Looks())
    session.play(tape.items)
    assert all(resting == known for resting, known in seen)
    assert any(resting for resting, _ in seen) and any(not resting for resting, _ in seen)
