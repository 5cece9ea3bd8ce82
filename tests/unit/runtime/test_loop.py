"""The loop around the engine: nothing is asked of the world before it is on record."""

import asyncio
from pathlib import Path
from typing import Any

from dutchbook.domain.effects import Alert, AskSnapshot, Effect, SetTimer, SubmitOrder
from dutchbook.domain.events import (
    BID,
    BookLevels,
    Envelope,
    FeedUp,
    InstrumentListed,
    OperatorAsked,
    RunStarted,
)
from dutchbook.domain.orders import Order
from dutchbook.domain.step import Step
from dutchbook.domain.units import MILLI, Ns, Px, Qty
from dutchbook.engine.engine import Engine
from dutchbook.runtime.clock import VirtualClock
from dutchbook.runtime.inbox import Inbox
from dutchbook.runtime.loop import Loop
from dutchbook.storage.reader import read_account
from dutchbook.storage.store import Store
from unit.engine.story import CENTS, KALSHI, LOT, book, kalshi


async def test_an_effect_leaves_only_after_its_record_is_there(tmp_path: Path) -> None:
    """When the venue is asked for a book again, the journal on disk already says so."""
    clock, store = VirtualClock(), Store.open(tmp_path, background=False)
    carried: list[Effect] = []

    def carry(effect: Effect) -> None:
        recorded = [one for row in read_account(tmp_path) for one in row.effects]
        assert effect in recorded
        carried.append(effect)

    inbox = Inbox(clock)
    loop = Loop(Engine([]), inbox, store, clock, carry, lambda step: None, Ns(20 * MILLI))
    wrong = BookLevels("kalshi:A", 0, KALSHI, False, False, [(BID, CENTS, LOT)], bid=5, ask=6)
    start = [RunStarted("r1", "sim", 7, "0", "{}"), FeedUp(KALSHI), InstrumentListed(kalshi("A"))]
    inbox.put("story", [*start, book("kalshi:A", 49, 51), wrong])
    assert loop.turn() == 5
    store.close()
    assert carried == [AskSnapshot("kalshi", KALSHI, ("kalshi:A",), "asked")]
    effects = [one for row in read_account(tmp_path) for one in row.effects]
    assert [type(one) for one in effects] == [SetTimer, AskSnapshot]


async def test_tables_are_told_of_a_step_only_after_its_record_is_there(tmp_path: Path) -> None:
    """Else a crash leaves rows of steps that never were, under numbers that come again."""
    clock, store = VirtualClock(), Store.open(tmp_path, background=False)
    told: list[int] = []

    def project(step: Step) -> None:
        assert step.envelope.seq in [row.seq for row in read_account(tmp_path)]
        told.append(step.envelope.seq)

    inbox = Inbox(clock)
    parts = (Engine([]), inbox, store, clock, lambda e: None, lambda s: None, Ns(20 * MILLI))
    loop = Loop(*parts)
    loop.project = project
    inbox.put("story", [RunStarted("r1", "sim", 7, "0", "{}")])
    loop.turn()
    await clock.advance(Ns(MILLI))
    inbox.put("story", [OperatorAsked("ann", "journal", ("x",))])
    loop.turn()
    loop.commit()
    store.close()
    assert told == [1, 2]


async def test_a_command_is_answered_only_after_its_record_is_there(tmp_path: Path) -> None:
    """Also where nobody else listens and nothing is asked of the world: "halted" is a promise."""
    clock, store = VirtualClock(), Store.open(tmp_path, background=False)
    answered: list[int] = []

    def watch(step: Step) -> None:
        if isinstance(step.envelope.event, OperatorAsked):
            assert step.envelope.seq in [row.seq for row in read_account(tmp_path)]
            answered.append(step.envelope.seq)

    inbox = Inbox(clock)
    loop = Loop(Engine([]), inbox, store, clock, lambda e: None, watch, Ns(20 * MILLI))
    halt = OperatorAsked("ann", "halt", ("market:kalshi:A",))
    inbox.put("story", [RunStarted("r1", "sim", 7, "0", "{}"), halt, FeedUp(KALSHI)])
    assert [loop.turn(), loop.turn()] == [2, 1]
    loop.commit()
    store.close()
    assert answered == [2]


async def test_a_timer_that_the_engine_asked_for_comes_back_as_an_event(tmp_path: Path) -> None:
    clock, store = VirtualClock(), Store.open(tmp_path, background=False)
    inbox = Inbox(clock)
    loop = Loop(Engine([]), inbox, store, clock, lambda e: None, lambda s: None, Ns(MILLI))
    inbox.put("story", [RunStarted("r1", "sim", 7, "0", "{}")])
    for _ in range(3):
        loop.turn()
        await clock.advance(Ns(250 * MILLI))
    loop.turn()
    loop.stop_timers()
    store.close()
    names = [type(row.event).__name__ for row in read_account(tmp_path)]
    assert names == ["RunStarted", "TimerFired", "TimerFired", "TimerFired"]


class Buyer:
    """Decides an order on each event, as an engine would."""

    def step(self, envelope: Envelope) -> Step:
        order = Order(
            f"o{envelope.seq}", "kalshi", "us", "kalshi:A", "yes", "buy", Px(500_000), Qty(LOT),
            "ioc", envelope.at, "leg",
        )  # fmt: skip
        effects = (Alert("info", "k", "text"), SubmitOrder(order))
        return Step(envelope, effects)


async def test_an_order_is_with_its_venue_before_anyone_is_told_of_it(tmp_path: Path) -> None:
    """Watchers, listeners and tables cost milliseconds; the request is written first, turn by
    turn of the event loop, and each step is told once and in order."""
    clock, store = VirtualClock(), Store.open(tmp_path, background=False)
    story: list[tuple[str, int]] = []
    steps: dict[str, int] = {}

    def carry(effect: Effect) -> None:
        if isinstance(effect, SubmitOrder):
            asyncio.get_running_loop().create_task(sign_and_send(int(effect.order.id[1:])))
        else:
            story.append(("alert", len(steps)))

    async def sign_and_send(seq: int) -> None:
        for _ in range(4):
            await asyncio.sleep(0)
        story.append(("sent", seq))

    def watch(step: Step) -> None:
        steps[str(step.envelope.seq)] = step.envelope.seq
        story.append(("watched", step.envelope.seq))

    def heed(step: Step) -> bool:
        story.append(("heeded", step.envelope.seq))
        return True

    inbox = Inbox(clock)
    engine: Any = Buyer()
    loop = Loop(engine, inbox, store, clock, carry, watch, Ns(20 * MILLI))
    loop.heed, loop.publish = heed, lambda: story.append(("published", len(steps)))
    loop.project = lambda step: story.append(("projected", step.envelope.seq))
    asked = OperatorAsked("ann", "journal", ("x",))
    inbox.put("story", [asked, asked])
    pump = asyncio.create_task(loop.run())
    for _ in range(50):
        await asyncio.sleep(0)
    pump.cancel()
    store.close()
    one = ["sent", "watched", "heeded", "alert", "projected", "published"]
    assert story == [(what, seq) for seq in (1, 2) for what in one]
