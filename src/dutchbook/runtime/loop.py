"""The loop around the engine: take, step, record, then (and only then) ask the world."""

import asyncio
from collections.abc import Callable

from dutchbook.domain.clock import Alarm, Clock
from dutchbook.domain.digest import Digest
from dutchbook.domain.effects import Effect, SetTimer
from dutchbook.domain.events import OperatorAsked, TimerFired
from dutchbook.domain.step import Step
from dutchbook.domain.units import Ns
from dutchbook.engine.engine import Engine
from dutchbook.runtime.inbox import Inbox
from dutchbook.storage.store import Store

BATCH = 256
"""Steps between two looks at the sockets."""

Carry = Callable[[Effect], None]
Watch = Callable[[Step], None]


class Loop:
    """Drives one engine from one inbox into one store.

    Effects other than timers are carried out after the commit that holds them, never before.
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
        self._timers: dict[str, Alarm] = {}
        self._asked: list[Effect] = []
        self._committed_at = Ns(0)
        self._dirty = False

    async def run(self) -> None:
        """Until cancelled. A JournalError ends it: what can't be recorded is not acted on."""
        while True:
            await self._wait()
            self.turn()
            await asyncio.sleep(0)

    async def _wait(self) -> None:
        """Wait for an event; with records not yet committed, no longer than they may wait."""
        if not self._dirty:
            await self.inbox.ready()
            return
        try:
            async with asyncio.timeout(self.commit_every / 1e9):
                await self.inbox.ready()
        except TimeoutError:
            self.commit()

    def turn(self) -> int:
        """Take and decide one batch; commit if an effect waits or it is time."""
        taken = self.inbox.take(BATCH)
        step, append, feed = self.engine.step, self.store.append, self.digest.feed
        for envelope in taken:
            done = step(envelope)
            feed(append(done))
            self.project(done)
            if done.effects or done.notes or type(envelope.event) is OperatorAsked:
                self._note(done)
        self._dirty = self._dirty or bool(taken)
        if self._asked or self.clock.mono() - self._committed_at >= self.commit_every:
            self.commit()
        return len(taken)

    def _note(self, step: Step) -> None:
        for effect in step.effects:
            if isinstance(effect, SetTimer):
                self._set_timer(effect)
            else:
                self._asked.append(effect)
        self.watch(step)

    def commit(self) -> None:
        """Make what was decided durable, then carry out the effects that waited for it."""
        self.store.commit()
        self._dirty = False
        self._committed_at = self.clock.mono()
        asked, self._asked = self._asked, []
        for effect in asked:
            self.carry(effect)

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
