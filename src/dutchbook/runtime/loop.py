"""The loop around the engine: take, step, record, then (and only then) ask the world."""

import asyncio
from collections.abc import Callable
from typing import Final

from dutchbook.domain.account_events import OWN
from dutchbook.domain.clock import Alarm, Clock
from dutchbook.domain.digest import Digest
from dutchbook.domain.effects import Alert, Effect, SetTimer, SubmitOrder, SubmitOrders
from dutchbook.domain.events import (
    Envelope,
    FeedDown,
    FeedUp,
    MarketResolved,
    OperatorAsked,
    RunStarted,
    SignalArrived,
    TimerFired,
)
from dutchbook.domain.plans import SolvePlan
from dutchbook.domain.step import Step
from dutchbook.domain.units import Ns
from dutchbook.engine.engine import Engine
from dutchbook.runtime.inbox import Inbox
from dutchbook.storage.store import Store

BATCH = 64
"""Steps between two looks at the sockets."""
ROUNDS: Final = 6
"""Turns of the event loop in which an order's request is signed and written."""

TOLD: Final = frozenset(
    (OperatorAsked, SignalArrived, MarketResolved, RunStarted, FeedUp, FeedDown, *OWN)
)
"""Events that others are told of even where their step decided nothing."""

_LATER: Final = frozenset((Alert, SolvePlan))
"""Effects that ask nothing of a venue."""

Carry = Callable[[Effect], None]
Watch = Callable[[Step], None]


class Loop:
    """Drives one engine from one inbox into one store.

    Effects other than timers are carried out after the commit that holds them, never before.
    `project` is shown each step behind its commit: no table holds what a crash could take back.
    `heed` is shown what may be told to others and says whether it is; then a commit is made at
    once, and `publish` called behind it: nobody hears of what a crash could take back.
    """

    def __init__(
        self, engine: Engine, inbox: Inbox, store: Store, clock: Clock, carry: Carry, watch: Watch,
        commit_every: Ns,
    ) -> None:  # fmt: skip
        self.engine = engine
        self.inbox = inbox
        self.store = store
        self.clock = clock
        self.carry = carry
        self.watch = watch
        self.commit_every = commit_every
        self.digest = Digest()
        self.project: Callable[[Step], None] = lambda step: None
        self.heed: Callable[[Step], bool] = lambda step: False
        self.publish: Callable[[], None] = lambda: None
        self._heeded = False
        self._timers: dict[str, Alarm] = {}
        self._asked: list[Effect] = []
        self._done: list[Step] = []
        self._unsaid: list[Step] = []
        self._behind: list[Step] = []
        self._later: list[Effect] = []
        self._urgent = self._told = False
        self._taken: list[Envelope] = []
        self._committed_at = Ns(0)
        self._dirty = False

    async def run(self) -> None:
        """Until cancelled. A JournalError ends it: what can't be recorded is not acted on."""
        while True:
            await self._wait()
            self.turn()
            await asyncio.sleep(0)
            if self._urgent:
                await self._leave()
            self.tell()

    async def _leave(self) -> None:
        """Orders go to the venue before tables and listeners are told of them."""
        self._urgent = False
        for _ in range(ROUNDS):
            await asyncio.sleep(0)

    async def _wait(self) -> None:
        """Wait for an event; with records not yet committed, no longer than they may wait."""
        if self._taken:
            return
        if not self._dirty:
            await self.inbox.ready()
            return
        try:
            async with asyncio.timeout(self.commit_every / 1e9):
                await self.inbox.ready()
        except TimeoutError:
            self.commit()

    def turn(self) -> int:
        """Take and decide one batch; commit if an effect waits or it is time.

        An order or a command ends the batch, so that it is on its way before the rest is looked at;
        whoever watches hears of it after that (`tell`).
        """
        if self._unsaid or self._later:
            self.tell()
        taken = self._taken or self.inbox.take(BATCH)
        self._taken = []
        step, append, feed = self.engine.step, self.store.append, self.digest.feed
        count, urgent = 0, False
        for envelope in taken:
            done = step(envelope)
            feed(append(done))
            self._done.append(done)
            count += 1
            if done.effects or done.notes or type(envelope.event) in TOLD:
                urgent = self._note(done)
                if urgent:
                    self._urgent = True
                    break
        self._taken = taken[count:]
        self._dirty = self._dirty or bool(taken)
        if (
            self._asked
            or self._heeded
            or urgent
            or self.clock.mono() - self._committed_at >= self.commit_every
        ):
            self._commit()
        return count

    def _note(self, step: Step) -> bool:
        """Keep what was decided for after the commit; whether it can't wait.

        An order can't, nor can a command: its answer is a promise, so it is given behind a commit.
        """
        urgent = type(step.envelope.event) is OperatorAsked
        for effect in step.effects:
            if isinstance(effect, SetTimer):
                self._set_timer(effect)
            else:
                self._asked.append(effect)
                urgent = urgent or isinstance(effect, SubmitOrder | SubmitOrders)
        if urgent:
            self._unsaid.append(step)
        else:
            self.watch(step)
            self._heeded = self.heed(step) or self._heeded
        return urgent

    def commit(self) -> None:
        """Make what was decided durable, carry out the effects that waited for it, and tell."""
        self._commit()
        self.tell()

    def _commit(self) -> None:
        self.store.commit()
        self._dirty = False
        self._committed_at = self.clock.mono()
        self._behind += self._done
        self._done = []
        self._told = self._told or self._heeded
        self._heeded = False
        asked, self._asked = self._asked, []
        for effect in asked:
            if type(effect) in _LATER:
                self._later.append(effect)
            else:
                self.carry(effect)

    def tell(self) -> None:
        """What was committed and asks nothing of a venue is done; others hear of it."""
        unsaid, self._unsaid = self._unsaid, []
        for step in unsaid:
            self.watch(step)
            self._told = self.heed(step) or self._told
        later, self._later = self._later, []
        for effect in later:
            self.carry(effect)
        behind, self._behind = self._behind, []
        for step in behind:
            self.project(step)
        if self._told:
            self._told = False
            self.publish()

    def _set_timer(self, effect: SetTimer) -> None:
        earlier = self._timers.pop(effect.name, None)
        if earlier is not None:
            earlier.cancel()
        span = Ns(effect.at - self.clock.now())
        name = effect.name
        fire = [TimerFired(name)]
        self._timers[name] = self.clock.after(span, lambda: self.inbox.put("timer", fire))

    def stop_timers(self) -> None:
        for alarm in self._timers.values():
            alarm.cancel()
        self._timers = {}
