"""The composition root: settings in, an engine, venues, drivers and a store out."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from dutchbook.domain.clock import Clock
from dutchbook.domain.errors import JournalError
from dutchbook.domain.units import Qty, Usd
from dutchbook.engine.engine import Engine
from dutchbook.engine.plans import Rules
from dutchbook.engine.trading import Trading
from dutchbook.execution.config import Config as Execution
from dutchbook.execution.config import Exits
from dutchbook.execution.manager import ARBITRAGE, Build, Made, Params, Plan
from dutchbook.execution.trader import Trader
from dutchbook.io.driver import Driver
from dutchbook.io.http import Network
from dutchbook.io.signer import Signer
from dutchbook.optimize.walk import Limits
from dutchbook.risk.gate import Gate
from dutchbook.risk.halt import Overseer
from dutchbook.risk.limits import RiskLimits
from dutchbook.runtime import feeds
from dutchbook.runtime.calibration import kinds
from dutchbook.runtime.settings import Arbitrage, Fresh, Optimizer, Settings, Strategies, named, ns
from dutchbook.state.account import Account
from dutchbook.state.fresh import FreshLimits
from dutchbook.strategies.arbitrage_config import Config as Arb
from dutchbook.strategies.base import Strategy
from dutchbook.strategies.bundle import Bundle
from dutchbook.strategies.complement import Complement
from dutchbook.strategies.cross_venue import CrossVenue
from dutchbook.strategies.implication import Implication
from dutchbook.strategies.quoters import Kind
from dutchbook.venues.base import Venue, build

if TYPE_CHECKING:
    from dutchbook.runtime.live import Live


PAPER_SHOWN_MS: Final = 600_000


class EngineSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that a decision depends on besides events and code; recorded with every run."""

    fresh: Fresh = Fresh()
    arbitrage: Arbitrage = Arbitrage()
    risk: RiskLimits = RiskLimits()
    execution: Execution = Execution()
    exits: Exits = Exits(basket_take=0)  # runs recorded before there were exits knew none
    accounts: dict[str, str] = {}
    strategies: Strategies = Strategies()
    optimizer: Optimizer = Optimizer(enabled=False)  # nor an optimiser


def engine_settings(settings: Settings, accounts: dict[str, str] | None = None) -> str:
    """The engine's settings as the text that RunStarted carries."""
    chosen = _chosen(settings, accounts or {})
    return msgspec.json.encode(chosen, order="deterministic").decode()


def _chosen(settings: Settings, accounts: dict[str, str]) -> EngineSettings:
    execution = settings.execution
    if settings.mode == "paper":  # what we took stays shown until somebody else changes the book
        execution = msgspec.structs.replace(execution, shown_ms=PAPER_SHOWN_MS)
    return EngineSettings(
        settings.fresh, settings.arbitrage, settings.risk, execution, settings.exits,
        accounts, settings.strategies, settings.optimizer,
    )  # fmt: skip


def engine_of(
    settings: Settings,
    recorded: str = "",
    accounts: dict[str, str] | None = None,
    arbitrage_kinds: list[Strategy] | None = None,
    kinds: dict[str, Build] | None = None,
    plan: Plan | None = None,
) -> Engine:
    """An engine as the settings want it, or as the settings that a run recorded do.

    `accounts`: venue -> name of the account to trade there; none: it only watches.
    `arbitrage_kinds`, `kinds`, `plan`: other strategies than those that there are and are wanted.
    """
    chosen = _chosen(settings, accounts or {})
    if recorded:
        try:
            chosen = msgspec.json.decode(recorded, type=EngineSettings)
        except msgspec.DecodeError as error:
            raise JournalError(
                f"the settings of a recorded run can't be read: {error}",
                todo="replay it with the version of dutchbook that recorded it",
            ) from error
    fresh, arbitrage = chosen.fresh, chosen.arbitrage
    strategies = arbitrage_kinds
    if strategies is None:
        strategies = [Complement(), Bundle(), CrossVenue(), Implication()]
    return Engine(
        strategies,
        Limits(
            arbitrage.edge_min,
            Qty(arbitrage.size_min),
            Usd(arbitrage.capital_max),
            arbitrage.levels,
        ),
        FreshLimits(
            silent=ns(fresh.silent_ms),
            check=ns(fresh.check_ms),
            sample=ns(fresh.sample_ms),
            crossed=ns(fresh.crossed_ms),
            sample_books=fresh.sample_books,
            late=ns(fresh.late_ms),
        ),
        trading_of(chosen, kinds, plan) if chosen.accounts else None,
        plans_of(chosen.optimizer),
    )


def plans_of(chosen: Optimizer) -> Rules | None:
    """How the optimiser is asked; None where it is off."""
    if not chosen.enabled:
        return None
    period, wait = ns(chosen.period_ms), ns(chosen.wait_ms)
    return Rules(period, wait, chosen.levels, chosen.markets_max)


def trading_of(
    chosen: EngineSettings, kinds: dict[str, Build] | None = None, plan: Plan | None = None
) -> Trading:
    """The account's half of an engine: state, executor, gate, overseer.

    `kinds`, `plan`: strategies that quote, instead of those that there are and are set.
    """
    kinds = builds() if kinds is None else kinds
    account = Account(ns(chosen.execution.queue_bound_ms))
    gate = Gate(chosen.risk, chosen.accounts)
    trader = Trader(
        account, gate, chosen.execution, chosen.accounts, chosen.exits, kinds,
        plan or plan_of(chosen.strategies),
    )  # fmt: skip
    return Trading(account, trader, Overseer(chosen.risk))


def builds() -> dict[str, Build]:
    """How each strategy is made from its parameters: those with an opinion, then arbitrage."""

    def build_of(kind: Kind) -> Build:
        def build(params: Params) -> Made:
            config = msgspec.convert(params, kind.config)
            return Made(kind.build(config), config.budget)

        return build

    def arbitrage(params: Params) -> Made:
        config = msgspec.convert(params, Arb)
        return Made(None, config.budget, config.edge_min)

    opinions = {name: build_of(kind) for name, kind in kinds().items()}
    return opinions | dict.fromkeys(ARBITRAGE, arbitrage)


def plan_of(strategies: Strategies) -> Plan:
    """The settings' section as the executor's manager takes it."""
    every = (*kinds(), *ARBITRAGE)
    params = {name: msgspec.to_builtins(getattr(strategies, name)) for name in every}
    traded = named(strategies.arbitrage)
    off = tuple(name for name in ARBITRAGE if name not in traded)
    return Plan(named(strategies.enabled), params, off)


def learning_venue(name: str) -> Venue:
    """A protocol that learns its markets from the frames themselves, for replay."""
    from importlib import import_module

    config = import_module(f"dutchbook.venues.{name}").Config(learn=True)
    return build(name, config)


class House:
    """What the settings and the addresses of the exchanges make."""

    def __init__(
        self, settings: Settings, addresses: feeds.Addresses, *, real: bool = False
    ) -> None:
        self.settings = settings
        self.addresses = None if real else addresses
        self.data_dir = Path(settings.data_path())
        self.paper = settings.mode == "paper"
        self.accounts = feeds.accounts_of(settings, self.addresses)
        self.engine_settings = engine_settings(settings, self.accounts)
        self.signer: Signer

    def engine(self) -> Engine:
        return engine_of(self.settings, accounts=self.accounts)

    async def venues(self, transport: Network, clock: Clock) -> list[Venue]:
        """The venues with their keys, those for trading derived from the wallet now."""
        trading = bool(self.accounts) and not self.paper  # a paper process holds no live order
        made, self.signer = feeds.venues(self.settings, self.addresses, trading=trading)
        if trading:
            await feeds.credentials(self.settings, self.addresses, self.signer, transport, clock)
        return made

    def transport(self) -> Network:
        return Network()


def make_driver(live: "Live", venue: Venue, transport: Any) -> Driver:
    """The driver of one venue, feeding a run's inbox."""
    return Driver(
        venue,
        live.sink,
        clock=live.clock,
        signer=live.house.signer,
        transport=transport,
        record=live.record,
        room=live.inbox.room,
        seed=live.house.settings.seed,
        barred=live.wire.gate.last_word,
        breaker=live.breakers.get(venue.name),
    )
