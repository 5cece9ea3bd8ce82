"""The account beside the world: folds what concerns it and lets the trader answer."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Protocol

from dutchbook.domain.account_events import OWN, OrderUnknown
from dutchbook.domain.certificate import Certificate
from dutchbook.domain.effects import Effect
from dutchbook.domain.events import (
    CheckFailed,
    Event,
    FeedDown,
    FeedUp,
    MarketResolved,
    OperatorAsked,
    RunStarted,
    StatusChanged,
    TimerFired,
)
from dutchbook.domain.step import Found, Improved, Note, Opened
from dutchbook.domain.units import Ns
from dutchbook.engine.view import WorldView
from dutchbook.execution.manager import ARBITRAGE
from dutchbook.execution.quoting import Quoting
from dutchbook.state.account import Account

FOLDED: Final = frozenset((*OWN, RunStarted))
"""What changes the account's own state."""
HEARD: Final = FOLDED | {
    FeedUp, FeedDown, StatusChanged, MarketResolved, TimerFired, CheckFailed,
}  # fmt: skip
"""What the trader is told besides operators' commands, all of it rare."""
WIND_DOWN: Final = "wind_down"
"""The command with which a run ends: begin nothing new, bring to an end what is under way."""


class Trader(Protocol):
    """From opportunities to orders: `execution/trader.py`."""

    @property
    def quoting(self) -> Quoting:
        """Strategies with an opinion, and what they watch."""
        ...

    @property
    def busy(self) -> bool:
        """Whether a basket is under way, or a question about an order is open."""
        ...

    def on_opportunities(
        self, notes: Sequence[Opened | Improved], view: WorldView, now: Ns, seq: int
    ) -> None:
        """All of one step, in their order: they compete for the same money."""
        ...

    def take(self, name: str, certificate: Certificate, view: WorldView, now: Ns, seq: int) -> None:
        """A person wants an opportunity: take it if the gate lets us."""
        ...

    def on_event(self, event: Event, view: WorldView, now: Ns, seq: int) -> None: ...
    def on_tick(self, view: WorldView, now: Ns, seq: int) -> None: ...
    def on_moved(self, key: str, view: WorldView, now: Ns, seq: int) -> None: ...
    def on_fault(self, view: WorldView, now: Ns, seq: int) -> None: ...
    def drain(self) -> tuple[list[Effect], list[Note]]:
        """What was decided since the last call; folded into the account already."""
        ...


class Overseer(Protocol):
    """Breakers and commands of people: what stops trading and what lets it go on."""

    def watch(self, account: Account, view: WorldView, now: Ns) -> list[Effect | Note]: ...

    def operator(
        self, command: OperatorAsked, account: Account, now: Ns,
        of_name: Callable[[str, str], str],
    ) -> list[Effect | Note]:  # fmt: skip
        """Answers pause, resume, halt, kill, clear_kill; nothing for other verbs. `of_name`:
        why there is none of this kind and name, "" if there is."""
        ...


class Trading:
    """One account, its trader and its overseer; what is decided is folded at once.

    `unknown`: the orders of this run whose fate was open at some time.
    """

    def __init__(self, account: Account, trader: Trader, overseer: Overseer) -> None:
        self.account = account
        self.trader = trader
        self.overseer = overseer
        self.closing = False
        self.unknown: dict[str, None] = {}
        self._effects: list[Effect] = []
        self._notes: list[Note] = []

    def hear(self, event: Event, view: WorldView, now: Ns, seq: int) -> None:
        """Fold an event and let trader and overseer answer it."""
        kind = type(event)
        if kind in FOLDED:
            self._said([*self.account.apply(event, now, seq)], now)
        if type(event) is RunStarted:
            self.closing = False
            self.unknown = {life.order.id: None for life in self.account.unknown()}
        elif type(event) is OrderUnknown:
            self.unknown[event.order] = None
        elif type(event) is OperatorAsked:
            if event.verb == WIND_DOWN:
                self.closing = True
                self._notes.append(Found("", "wind_down", "nothing new is begun"))
            self._said(
                self.overseer.operator(event, self.account, now, partial(self.unknown_name, view)),
                now,
            )
        if kind in HEARD or kind is OperatorAsked:
            self.trader.on_event(event, view, now, seq)

    def unknown_name(self, view: WorldView, kind: str, name: str) -> str:
        """Why this run knows no venue, market or strategy of a name; "" if it does."""
        if kind == "market":
            try:
                view.instrument(name)
            except KeyError:
                return "no market of this key is listed here; dutchbook market search finds it"
            return ""
        known = self.strategies if kind == "strategy" else [v for v, _ in self.account.accounts]
        if not known or name in known:
            return ""
        return f"there is no such {kind}; there is {', '.join(known)}"

    @property
    def strategies(self) -> list[str]:
        """Names of all that may trade by itself."""
        return list(dict.fromkeys((*self.trader.quoting.manager.kinds, *ARBITRAGE)))

    def fold(
        self, event: Event | None, effects: tuple[Effect, ...], notes: tuple[Note, ...],
        now: Ns, seq: int,
    ) -> None:  # fmt: skip
        """One account record during recovery: nobody is asked, what was decided is taken over."""
        if type(event) in FOLDED:
            assert event is not None
            self.account.apply(event, now, seq)
        for note in notes:
            self.account.note(note, now)
        for effect in effects:
            self.account.record(effect, now)

    def found(self, notes: list[Note], view: WorldView, now: Ns, seq: int) -> None:
        """Opportunities of this step, in their order."""
        if self.closing:
            return
        found = [note for note in notes if isinstance(note, Opened | Improved)]
        if found:
            self.trader.on_opportunities(found, view, now, seq)

    def tick(self, view: WorldView, now: Ns, seq: int) -> None:
        """A quarter of a second passed."""
        self._said(self.overseer.watch(self.account, view, now), now)
        self.trader.on_tick(view, now, seq)

    def moved(self, key: str, view: WorldView, now: Ns, seq: int) -> None:
        """A best price of a watched market changed."""
        self.trader.on_moved(key, view, now, seq)

    def fault(self, view: WorldView, now: Ns, seq: int) -> None:
        """An event that may have made a book stale."""
        self.trader.on_fault(view, now, seq)

    def drain(self) -> tuple[list[Effect], list[Note]]:
        """What was decided since the last call."""
        effects, notes = self.trader.drain()
        effects, notes = [*self._effects, *effects], [*self._notes, *notes]
        self._effects, self._notes = [], []
        return effects, notes

    def _said(self, outs: list[Effect | Note], now: Ns) -> None:
        for out in outs:
            if isinstance(out, Effect):
                self.account.record(out, now)
                self._effects.append(out)
            else:
                self.account.note(out, now)
                self._notes.append(out)
