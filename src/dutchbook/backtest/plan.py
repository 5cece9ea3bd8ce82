"""What a backtest is asked to do, as one value: the same plan over the same tape, the same run."""

import hashlib
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any, Final

import msgspec

from dutchbook import __version__
from dutchbook.backtest import delays
from dutchbook.backtest.feebook import dated
from dutchbook.backtest.session import Session, Watch
from dutchbook.backtest.sources import shallower
from dutchbook.backtest.tape import VENUES, Item, Tape, delayed
from dutchbook.domain.errors import ConfigError, UsageError
from dutchbook.domain.events import RunStarted
from dutchbook.domain.units import ONE, SECOND, Ns, Usd
from dutchbook.domain.wish import Quoter
from dutchbook.engine.engine import Engine
from dutchbook.execution.manager import Build, Made
from dutchbook.execution.manager import Plan as Switches
from dutchbook.runtime.bootstrap import builds, engine_of, engine_settings
from dutchbook.runtime.calibration import kinds
from dutchbook.runtime.layers import build as build_settings
from dutchbook.runtime.leaves import find, leaves, read
from dutchbook.runtime.paper import exchange_of
from dutchbook.runtime.settings import Settings
from dutchbook.sim.exchange import Exchange
from dutchbook.sim.queue import Rule
from dutchbook.strategies import probe
from dutchbook.strategies.base import Strategy
from dutchbook.strategies.bundle import Bundle
from dutchbook.strategies.complement import Complement
from dutchbook.strategies.cross_venue import CrossVenue
from dutchbook.strategies.implication import Implication

ARBITRAGE: Final[dict[str, Callable[[], Strategy]]] = {
    "complement": Complement,
    "bundle": Bundle,
    "cross_venue": CrossVenue,
    "implication": Implication,
}
ACCOUNT: Final = "paper"
UNASKED: Final = {"optimizer.enabled": "false", "execution.shown_ms": "600000"}
"""What we took stays shown, as in paper. Nobody solves plans in a backtest; those of a record are
on its tape with their answers."""
RECORDED: Final = "recorded"
"""The strategies that a record of a run names itself."""
SEED_MAX: Final = 2**63 - 1
LOCKUP_S: Final = {"kalshi": 3_600, "polymarket": 3 * 3_600}

Peek = Callable[[Tape], Quoter]
"""A quoter that is made with the whole tape at hand: what a look-ahead check is for."""


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Spans as text ("250ms"), money and factors in millionths.

    `strategy`: a name, several with commas, or "arbitrage" for all of those. `params`: parameters
    of quoting strategies by name, as the settings have them. `settings`: dotted settings laid over
    the defaults. `lockup_s`: from a market's end until it pays.
    """

    strategy: str
    data: tuple[str, ...] = ()
    params: dict[str, Any] = {}
    settings: dict[str, str] = {}
    latency: str = "250ms"
    feed: str = "0ms"
    queue: Rule = "back"
    cash: int = 10_000 * ONE
    fees: int = ONE
    depth: int = ONE
    lockup_s: dict[str, int] = msgspec.field(default_factory=lambda: dict(LOCKUP_S))
    seed: int = 7

    def names(self) -> list[str]:
        """The strategies that are asked for, by name, each once."""
        names = [name.strip() for name in self.strategy.split(",") if name.strip()]
        every = [ARBITRAGE if name == "arbitrage" else (name,) for name in names]
        return list(dict.fromkeys(chain.from_iterable(every)))

    def digest(self) -> str:
        """BLAKE2b-64 of the plan: of equal plans only, whatever files it was read from."""
        raw = msgspec.json.encode(self, order="deterministic")
        return hashlib.blake2b(raw, digest_size=8).hexdigest()

    def family(self) -> str:
        """What counts as tries of the same thing: the strategy, whatever its parameters."""
        return ",".join(sorted(self.names()))


def known() -> list[str]:
    """The names of all strategies that can be tested."""
    return list(dict.fromkeys([*ARBITRAGE, *_kinds()]))


def checked(plan: Plan) -> None:
    """Say what is wrong before a tape is read for it. Raises UsageError."""
    for name in plan.names():
        if name not in known() and name != RECORDED:
            raise unknown(name)
    delays.span(plan.feed)
    delays.constant(plan.latency)
    if not 0 <= plan.seed <= SEED_MAX:
        raise UsageError(f"no seed {plan.seed}", todo=f"give a whole number from 0 to {SEED_MAX}")


def unknown(name: str) -> UsageError:
    """There is no such strategy; these there are."""
    return UsageError(
        f"no strategy {name!r}", todo=f"use one of {', '.join(known())}, or arbitrage"
    )


def _kinds() -> dict[str, Build]:
    def build(params: dict[str, Any]) -> Made:
        config = msgspec.convert(params, probe.Config)
        return Made(probe.build(config), config.budget)

    opinions = {name: made for name, made in builds().items() if name in kinds()}
    return {**opinions, "probe": build}


def settings_of(plan: Plan, tape: Tape) -> Settings:
    """The settings of the run: defaults, what the data needs, what the plan says. ConfigError."""
    values: dict[str, Any] = {path: leaf.default for path, leaf in leaves().items()}
    origins = dict.fromkeys(values, "default")
    for path, text in {**UNASKED, **tape.settings, **plan.settings}.items():
        values[path] = read(find(path, "backtest"), text, "backtest", text=True)
        origins[path] = "backtest"
    return build_settings(values, origins)


def prepared(plan: Plan, tape: Tape) -> Iterable[Item]:
    """The events as this plan lets them be seen: later, shallower, with the fees of their days."""
    items: Iterable[Item] = shallower(tape.items, plan.depth)
    feed = delays.span(plan.feed)
    if feed:
        items = delayed(items, feed)
    if tape.fees and plan.fees == ONE:
        return items
    return dated(items, known=tape.fees, factor=plan.fees)


def session_of(
    plan: Plan, tape: Tape, watch: Watch | None = None, *, digest: bool = True,
    every: Ns | None = None, made: dict[str, Quoter] | None = None,
) -> Session:  # fmt: skip
    """A session ready to play this tape; for all but a record of ours it has begun.

    `made`: quoters by name, instead of those that there are. Raises UsageError, ConfigError.
    """
    begin = _Begin(plan, tape, made or {})
    spans: dict[str, Any] = {} if every is None else {"every": every}
    session = Session(begin, watch, quiet=tape.quiet, digest=digest, **spans)
    if not tape.record:
        started = RunStarted(
            "backtest", "backtest", plan.seed, __version__,
            engine_settings(begin.settings, begin.accounts), "b", tuple(begin.accounts.items()),
        )  # fmt: skip
        session.start(started, tape.span[0])
    return session


class _Begin:
    """Makes engine and venues of a run, as the plan says; of a record, as its runs say."""

    def __init__(self, plan: Plan, tape: Tape, made: dict[str, Quoter]) -> None:
        self.plan = plan
        self.tape = tape
        self.settings = settings_of(plan, tape)
        self.accounts = dict.fromkeys(VENUES, ACCOUNT)
        names = plan.names()
        self.arbitrage = [name for name in names if name in ARBITRAGE]
        self.kinds = {**_kinds(), **{name: _ready(one) for name, one in made.items()}}
        self.quoting = [name for name in names if name not in ARBITRAGE and name != RECORDED]
        for name in self.quoting:
            if name not in self.kinds:
                raise unknown(name)
        for name in plan.params:
            if name not in self.quoting:
                raise UsageError(f"parameters for {name!r}, which is not tested")
        self.recorded = names == [RECORDED]
        if self.recorded and not tape.record:
            raise UsageError("only a record of a run says which strategies ran")
        if not names:
            raise UsageError("no strategy is named", todo=f"use one of {', '.join(known())}")

    def __call__(self, event: RunStarted, before: Engine | None) -> tuple[Engine, Exchange]:
        plan = self.plan
        engine = self._engine(event)
        if before is not None:
            engine.graph, engine.runs, engine.opened = before.graph, before.runs, before.opened
            if before.trading and engine.trading:
                engine.trading.account.restore(before.trading.account.take())
        accounts = dict(event.accounts) or self.accounts
        latency = delays.delays(
            plan.latency, delays.span(plan.feed), plan.seed, self.tape.latencies
        )
        lockup = {venue: Ns(s * SECOND) for venue, s in plan.lockup_s.items()}
        exchange = exchange_of(
            engine, accounts, Usd(plan.cash), latency, rule=plan.queue, lockup=lockup
        )
        return engine, exchange

    def _engine(self, event: RunStarted) -> Engine:
        if self.recorded:
            return engine_of(self.settings, event.settings)
        switches = Switches(tuple(self.quoting), self._params())
        for name in self.quoting:
            try:
                self.kinds[name](switches.params[name])
            except ValueError as error:  # msgspec's is one
                own = ", ".join(self._params(given=False)[name])
                raise ConfigError(
                    f"parameters of {name}: {error}",
                    todo=f"it has {own}; money and shares in millionths" if own else "",
                ) from error
        return engine_of(
            self.settings, event.settings,
            arbitrage_kinds=[ARBITRAGE[name]() for name in self.arbitrage],
            kinds=self.kinds, plan=switches,
        )  # fmt: skip

    def _params(self, *, given: bool = True) -> dict[str, dict[str, Any]]:
        """Parameters by strategy: those of the settings, and over them what the plan gives."""
        strategies = self.settings.strategies
        found: dict[str, dict[str, Any]] = {}
        for name in self.quoting:
            own = getattr(strategies, name, None)
            found[name] = {
                **({"seed": self.plan.seed} if name == "probe" and given else {}),
                **(msgspec.to_builtins(own) if own is not None else {}),
                **(self.plan.params.get(name, {}) if given else {}),
            }
        return found


def _ready(quoter: Quoter) -> Build:
    return lambda params: Made(quoter, 10**15)
