"""Everything real between a decision and an exchange's books, in one process and in virtual time.

Engine, Trading, gate, wire, drivers, signer and venue protocols are the product's own; so are the
pretend exchanges with their matching. Only the sockets between them are the story's.
"""

from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from dutchbook.domain.effects import Alert, Effect, SetTimer
from dutchbook.domain.events import (
    Envelope,
    Event,
    LinkProposed,
    OperatorAsked,
    RunStarted,
    TimerFired,
)
from dutchbook.domain.orders import Order
from dutchbook.domain.relations import Link
from dutchbook.domain.secret import Secret
from dutchbook.domain.step import Refused, Step
from dutchbook.domain.units import MILLI, ONE, SECOND, Ns
from dutchbook.emulators.floor import US, Floor
from dutchbook.emulators.kalshi.venue import KalshiVenue
from dutchbook.emulators.polymarket.owners import Owners
from dutchbook.emulators.polymarket.venue import PolymarketVenue
from dutchbook.emulators.wire import rest as wire_rest
from dutchbook.emulators.wire.keys import Keys, make_keys
from dutchbook.io import evm
from dutchbook.io.driver import Driver
from dutchbook.io.signer import Signer
from dutchbook.runtime.bootstrap import engine_of
from dutchbook.runtime.clock import VirtualClock
from dutchbook.runtime.settings import Settings
from dutchbook.runtime.wire import Wire, orders_of
from dutchbook.runtime.wiregate import WireGate
from dutchbook.state.invariants import invariants
from dutchbook.venues import kalshi, polymarket
from regress.shop import Shop
from regress.street import Street

ACCOUNTS = {"kalshi": "us", "polymarket": "us"}
WALLET = Secret("0x" + "4c" * 32)
TURN = 10 * MILLI


class House:
    """Tell it what people do, move the markets, let time pass; then look at everything."""

    def __init__(self, root: Path, keys: Keys, execution: dict[str, Any], risk: dict[str, Any]):
        self.clock = VirtualClock()
        self.shop = Shop(self.clock.now())
        self.floor = Floor(self.shop)
        owners = Owners({evm.address(WALLET): US}, 7)
        ids = dict.fromkeys((keys.rsa_id, keys.ed25519_id), US)
        desks = self.floor.desks
        self.exchanges: dict[str, Any] = {
            "kalshi": KalshiVenue(self.floor, keys.public, "premier", desks["kalshi"], ids),
            "polymarket": PolymarketVenue(self.floor, desks["polymarket"], owners),
        }
        log = SimpleNamespace(rest=lambda *a: None)
        its = self.exchanges["polymarket"]
        apps = {
            "kalshi": self.exchanges["kalshi"].rest.app(log),
            "polymarket.clob": its.clob.app(log), "polymarket.gamma": its.gamma.app(log),
        }  # fmt: skip
        self.street = Street(self.clock, self.exchanges, apps)
        plain = {"execution": {"queue_bound_ms": 5_000} | execution, "risk": risk}
        self.engine = engine_of(msgspec.convert(plain, Settings), accounts=ACCOUNTS)
        self.steps: list[Step] = []
        self.hears: list[Callable[[Step], None]] = []
        self.sent: list[Order] = []
        self._events: deque[Event] = deque()
        self._busy = False
        self._seq = 0
        self._timers: dict[str, Any] = {}
        self._keys = keys
        self.gate = WireGate(root, self.clock.mono)

    async def begin(self) -> None:
        """Connect, discover, subscribe, reconcile: until trading is open."""
        signer = Signer()
        signer.add_file("kalshi", self._keys.ed25519_file)
        signer.add_secret("polymarket.wallet", WALLET)
        made = await evm.credentials(self.street, self.clock, "http://polymarket.clob", WALLET, 137)
        for name in ("api_key", "api_secret", "api_passphrase"):
            value = getattr(made, name.removeprefix("api_") if name != "api_key" else name)
            signer.add_secret(f"polymarket.{name}", value)
        self.drivers = {
            "kalshi": self._driver(kalshi.build(kalshi.Config(
                rest="http://kalshi/trade-api/v2", ws="ws://kalshi/trade-api/ws/v2",
                key_id=self._keys.ed25519_id, key="kalshi", account="us",
            )), signer),
            "polymarket": self._driver(polymarket.build(polymarket.Config(
                clob_url="http://polymarket.clob", gamma_url="http://polymarket.gamma",
                ws_url="ws://polymarket.ws/ws/market", user_ws="ws://polymarket.ws/ws/user",
                data_url="http://polymarket.gamma/data-api", account="us",
                geoblock_url="http://polymarket.gamma/api/geoblock",
                address=evm.address(WALLET),
            )), signer),
        }  # fmt: skip
        self.wire = Wire(self.gate, self.drivers, lambda event: self.tell(event))
        self.tell(RunStarted("r1", "sim", 7, "0", "", "e1", tuple(ACCOUNTS.items())))
        for driver in self.drivers.values():
            driver.start()
        await self.wait(3_000)
        assert self.account.reconciled == {"kalshi": True, "polymarket": True}

    def _driver(self, venue: Any, signer: Signer) -> Driver:
        return Driver(
            venue, lambda stream, events: self.tell(*events),
            clock=self.clock, signer=signer, transport=self.street,
        )  # fmt: skip

    @property
    def account(self) -> Any:
        return self.engine.trading.account

    def tell(self, *events: Event) -> None:
        """Facts for the engine; what it decides is carried out at once."""
        self._events.extend(events)
        if self._busy:
            return
        self._busy = True
        try:
            while self._events:
                self._step(self._events.popleft())
        finally:
            self._busy = False

    def _step(self, event: Event) -> None:
        self._seq += 1
        step = self.engine.step(Envelope(self._seq, self.clock.now(), event))
        self.steps.append(step)
        assert invariants(self.account) == []
        for effect in step.effects:
            self._carry(effect)
        for hear in self.hears:
            hear(step)

    def _carry(self, effect: Effect) -> None:
        if isinstance(effect, SetTimer):
            old = self._timers.pop(effect.name, None)
            if old is not None:
                old.cancel()
            span = Ns(effect.at - self.clock.now())
            self._timers[effect.name] = self.clock.after(
                span, lambda name=effect.name: self.tell(TimerFired(name))
            )
            return
        self.sent += orders_of(effect)
        self.wire.carry(effect)

    async def wait(self, millis: int) -> None:
        """Let time pass, ten milliseconds at a time, for us and for the exchanges."""
        end = self.clock.now() + millis * MILLI
        while self.clock.now() < end:
            await self.clock.advance(Ns(TURN))
            now = self.clock.now()
            self.gate.beat()
            for update in self.floor.advance(now):
                self.street.publish(update.key.partition(":")[0], update)
            for venue in self.exchanges.values():
                venue.poll(now)

    async def order(self, key: str, **words: Any) -> Order:
        """An order by hand, 10 YES at 40 cents unless said otherwise; it must pass the gate."""
        before = len(self.sent)
        plain = {"key": key, "outcome": "yes", "qty": 10 * ONE, "px": 400_000, "tif": "ioc"}
        self.ask("order", msgspec.json.encode(plain | words).decode())
        (made,) = self.sent[before:]
        await self.wait(50)
        return made

    def refusal(self, key: str, **words: Any) -> str:
        """The check that turns such an order away; it must not leave."""
        before = len(self.sent)
        plain = {"key": key, "outcome": "yes", "qty": 10 * ONE, "px": 400_000, "tif": "ioc"}
        steps = self.ask("order", msgspec.json.encode(plain | words).decode())
        (no,) = [note for step in steps for note in step.notes if isinstance(note, Refused)]
        assert len(self.sent) == before
        return no.check

    def ask(self, verb: str, *args: str, who: str = "ann") -> list[Step]:
        """What a person asks for; the steps that it led to."""
        before = len(self.steps)
        self.tell(OperatorAsked(who, verb, args))
        return self.steps[before:]

    def link(self, a: str, b: str) -> None:
        """Two markets that are the same question, approved."""
        link = Link("l1", "same", (a, b), 1, "the same question")
        self.tell(LinkProposed(link), OperatorAsked("ann", "approve", ("l1", "1")))

    # -- what came of it -------------------------------------------------------------------------

    def notes(self, kind: type) -> list[Any]:
        return [note for step in self.steps for note in step.notes if isinstance(note, kind)]

    def alerts(self) -> list[Alert]:
        return [e for step in self.steps for e in step.effects if isinstance(e, Alert)]

    def life(self, order: Order) -> Any:
        return self.account.orders[order.id]

    def placed(self, venue: str) -> list[Any]:
        """Our orders as the exchange has them."""
        return self.floor.desks[venue].of_owner(US)

    def truth(self) -> dict[str, Any]:
        """Cash by venue and everything held, as the exchanges have it."""
        owners = {name: desk.bank.owners[US] for name, desk in self.floor.desks.items()}
        cash = {name: sum(owner.cash.values()) for name, owner in owners.items()}
        held = {
            (key, ("yes", "no")[outcome]): qty
            for owner in owners.values()
            for (key, outcome), qty in owner.held.items()
            if qty
        }
        return {"cash": cash, "held": held}

    def whole(self) -> None:
        """Nothing is in the air, our books are the exchanges', and no order is there twice."""
        assert self.ours() == self.truth()
        assert not self.account.live and not self.account.owing
        assert [self.account.reserved(name) for name in ACCOUNTS] == [0, 0]
        there = [one.ticket.client or one.ticket.id for v in ACCOUNTS for one in self.placed(v)]
        assert len(set(there)) == len(there) <= len(self.sent)
        assert len({one.id for one in self.sent}) == len(self.sent)

    def ours(self) -> dict[str, Any]:
        """The same as our ledger has it."""
        account = self.account
        held = {place: account.held(*place) for place in account.keys_held()}
        return {"cash": {name: account.cash(name) for name in ACCOUNTS}, "held": held}


@asynccontextmanager
async def living(
    root: Path, monkeypatch: pytest.MonkeyPatch, execution: Any = None, risk: Any = None
) -> AsyncIterator[House]:
    house = House(root, _keys(root), execution or {}, risk or {})
    clock = SimpleNamespace(time_ns=house.clock.now)
    monkeypatch.setattr(wire_rest, "time", clock)
    await house.begin()
    try:
        yield house
    finally:
        for driver in house.drivers.values():
            await driver.stop()


_made: list[Keys] = []


def _keys(root: Path) -> Keys:
    """Keys are slow to make: one pair for all tests of a process."""
    if not _made:
        _made.append(make_keys(root, 7))
    return _made[0]


__all__ = ["ACCOUNTS", "ONE", "SECOND", "House", "living"]
