"""One engine, its pretend venues and a tape, in virtual time: the loop of a backtest."""

from collections.abc import Callable, Iterable
from typing import Protocol

from dutchbook.domain.digest import Digest
from dutchbook.domain.effects import SetTimer
from dutchbook.domain.events import (
    BookLevels,
    Envelope,
    Event,
    RunStarted,
    TimerFired,
    TradePrinted,
)
from dutchbook.domain.step import Step
from dutchbook.domain.units import Ns
from dutchbook.engine.engine import Engine
from dutchbook.sim.agenda import NEVER
from dutchbook.sim.exchange import Exchange

Begin = Callable[[RunStarted, Engine | None], tuple[Engine, Exchange]]
"""A run begins: its engine and its venues, from those of the run before it, if any."""


class Watch(Protocol):
    """Told of every step that did something, and of moments in between."""

    def saw(self, step: Step, session: "Session") -> None: ...

    def sample(self, at: Ns, session: "Session") -> None: ...


class Session:
    """`digest` False leaves out the digest over all steps, which costs a fifth of the time.

    `every`: how often `watch.sample` is called, in ns of the tape's time.
    """

    def __init__(
        self,
        begin: Begin,
        watch: Watch | None = None,
        *,
        quiet: Ns = NEVER,
        digest: bool = True,
        every: Ns = NEVER,
    ) -> None:
        self.engine: Engine
        self.exchange: Exchange
        self._begin = begin
        self._watch = watch
        self._quiet = quiet
        self._digest = Digest() if digest else None
        self._every = every
        self._sample = Ns(0)
        self._asleep = (NEVER, NEVER)
        self.seq = 0
        self.at = Ns(0)
        self.first = Ns(0)
        self.events = 0

    @property
    def digest(self) -> str:
        return self._digest.hex() if self._digest else ""

    def start(self, event: RunStarted, at: Ns) -> None:
        """A run begins at `at`."""
        engine = self.engine if self.seq else None
        self.engine, self.exchange = self._begin(event, engine)
        self.first = self.first or at
        self.put(at, event)

    def play(self, items: Iterable[tuple[Ns, Event]]) -> None:
        """Every event of the tape, before each whatever of ours is due by its time."""
        quiet, digest = self._quiet, self._digest
        if self.seq:
            engine, exchange = self.engine, self.exchange
        for at, event in items:
            if type(event) is RunStarted:
                if self.seq:
                    self.until(at)
                self.start(event, at)
                engine, exchange = self.engine, self.exchange
                continue
            if at - self.at > quiet:
                self._asleep = (Ns(self.at + quiet), at)
            if exchange.agenda.at <= at:
                self.until(at)
            if at >= self._sample:
                self._take_sample(at)
            self.seq = seq = self.seq + 1
            if at > self.at:
                self.at = at
            if type(event) is BookLevels:
                step = engine.change(event, seq, self.at)
            elif type(event) is TradePrinted:
                step = engine.printed(event, seq, self.at)
            else:
                self._took(engine.step(Envelope(seq, self.at, event)))
                self.events += 1
                continue
            if step is not None:
                self._took(step)
            else:  # mostly it changes the book and nothing else: then no Step is made of it
                if digest is not None:
                    digest.add(Step(Envelope(seq, self.at, event)))
                if event.key in exchange.markets:
                    exchange.changed(event, self.at)
            self.events += 1

    def until(self, at: Ns) -> None:
        """Let time come to `at`: what is due by then is decided at the time when it is due."""
        exchange = self.exchange
        asleep, awake = self._asleep
        while (found := exchange.due(at)) is not None:
            due, event = found
            if asleep < due < awake and type(event) is TimerFired:
                exchange.agenda.put(awake, event, event.name)
                continue
            self.put(due, event)

    def put(self, at: Ns, event: Event) -> None:
        """One step."""
        self.seq += 1
        if at > self.at:
            self.at = at
        self._took(self.engine.step(Envelope(self.seq, self.at, event)))

    def _took(self, step: Step) -> None:
        exchange = self.exchange
        if self._digest is not None:
            self._digest.add(step)
        exchange.saw(step)
        for effect in step.effects:
            if type(effect) is not SetTimer:
                exchange.carry(effect)
        if self._watch is not None:
            self._watch.saw(step, self)

    def _take_sample(self, at: Ns) -> None:
        if self._watch is not None and self._every < NEVER:
            self._watch.sample(at, self)
            self._sample = Ns(at + self._every)
        else:
            self._sample = NEVER
