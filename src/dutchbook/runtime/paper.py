"""Mode paper: the venues' live books, our own matching against them, pretend money."""

import asyncio
from collections.abc import Iterator
from typing import Any, Final

from dutchbook.domain.effects import AskCheck, AskSnapshot, Effect, SetTimer
from dutchbook.domain.events import Envelope, Event, OperatorAsked
from dutchbook.domain.units import MILLI, SECOND, Ns, Usd
from dutchbook.engine.engine import Engine
from dutchbook.io.driver import Driver
from dutchbook.runtime.loop import BATCH, Loop
from dutchbook.runtime.settings import Settings
from dutchbook.sim.agenda import NEVER
from dutchbook.sim.exchange import Constant, Delays, Exchange

ACCOUNT: Final = "paper"
"""The name of the account at every venue: no live order can ever carry it."""


def exchange_of(
    engine: Engine, accounts: dict[str, str], cash: Usd, delays: Delays, **rules: Any
) -> Exchange:
    """The pretend venues for a run of this engine, with the money that its account has there."""
    assert engine.trading is not None
    account = engine.trading.account
    money = {
        venue: (name, account.cash(venue) if venue in account.seen else cash)
        for venue, name in accounts.items()
    }
    exchange = Exchange(lambda: engine.view, money, delays, **rules)
    exchange.take_over(account)
    return exchange


def desk_of(engine: Engine, accounts: dict[str, str], settings: Settings) -> Exchange:
    """The pretend venues of mode paper: orders reach them after the set latency."""
    latency = Constant(Ns(settings.paper.latency_ms * MILLI))
    return exchange_of(engine, accounts, Usd(settings.paper.cash), latency)


class PaperLoop(Loop):
    """The loop, with timers and pretend answers in the record where they were due, not where the
    machine got round to them: so that a backtest of the record decides the same."""

    def __init__(self, desk: Exchange, *args: Any) -> None:
        super().__init__(*args)
        self.desk = desk
        self._seq = self.store.seq
        self._at = self.store.at

    async def _wait(self) -> None:
        """Wait for an event of the world, or until something of ours is due."""
        due = self.desk.agenda.at
        if self._taken or due <= self.clock.now():
            return
        span = (due - self.clock.now()) / SECOND if due < NEVER else None
        if self._dirty:
            every = self.commit_every / SECOND
            span = every if span is None else min(span, every)
        try:
            async with asyncio.timeout(span):
                await self.inbox.ready()
        except TimeoutError:
            if self._dirty:
                self.commit()

    def turn(self) -> int:
        """Decide one batch; what a step asks for is recorded and sent before the next."""
        taken = self._taken or self.inbox.take(BATCH)
        self._taken = []
        count = 0
        for envelope in self._ordered(taken):
            done = self.engine.step(envelope)
            self.digest.feed(self.store.append(done))
            self._done.append(done)
            count += 1
            self._dirty = True
            self.desk.saw(done)
            if done.effects or done.notes or type(envelope.event) is OperatorAsked:
                self._note(done)
                if self._asked:
                    self.commit()
        self.inbox.seq = self._seq
        if self._dirty and self.clock.mono() - self._committed_at >= self.commit_every:
            self.commit()
        return count

    def _ordered(self, taken: list[Envelope]) -> Iterator[Envelope]:
        """What was taken, numbered anew: before each event all of ours that is due by its time."""
        for envelope in taken:
            yield from self._due(envelope.at)
            yield self._next(envelope.at, envelope.event)
        yield from self._due(self.clock.now())

    def _due(self, upto: Ns) -> Iterator[Envelope]:
        while (due := self.desk.due(upto)) is not None:
            yield self._next(*due)

    def _next(self, at: Ns, event: Event) -> Envelope:
        self._seq += 1
        self._at = max(self._at, at)
        return Envelope(self._seq, self._at, event)

    def _set_timer(self, effect: SetTimer) -> None:
        """The desk has it already."""


class PaperDoor:
    """A driver for the wire: questions about books go to the venue, orders to the pretend one."""

    def __init__(self, desk: Exchange, driver: Driver) -> None:
        self._desk = desk
        self._driver = driver

    def do(self, effect: Effect) -> None:
        if isinstance(effect, AskSnapshot | AskCheck):
            self._driver.do(effect)
        else:
            self._desk.send(self._driver.venue.name, effect)
