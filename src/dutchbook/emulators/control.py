"""The guarded door of the pretend exchanges: money, settlements, scripted faults, and the truth."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from starlette.applications import Starlette

from dutchbook.domain.units import MILLI, ONE
from dutchbook.emulators.faults import Fault
from dutchbook.emulators.floor import Floor, truth_of
from dutchbook.emulators.halts import Halt, weekly
from dutchbook.emulators.kalshi.venue import KalshiVenue
from dutchbook.emulators.mishap import ORDERS, Storm
from dutchbook.emulators.polymarket.venue import PolymarketVenue
from dutchbook.emulators.wire.hub import Hub
from dutchbook.emulators.wire.log import WireLog
from dutchbook.emulators.wire.rest import Ask, Refusal, application
from dutchbook.emulators.wire.rest import Path as Route


class Fund(msgspec.Struct, forbid_unknown_fields=True):
    """`owner`: "us", a wallet's address, or the name of a Kalshi key's owner."""

    venue: Literal["kalshi", "polymarket"]
    cash: int
    owner: str = "us"
    shard: int = 0


class Settle(msgspec.Struct, forbid_unknown_fields=True):
    """What one YES contract pays, in millionths: 1000000, 0, or anything between."""

    market: str
    yes_pays: int


class Life(msgspec.Struct, forbid_unknown_fields=True):
    """The next step in a Kalshi market's life; `yes_pays` counts where it is determined."""

    market: str
    status: Literal["open", "paused", "closed", "determined", "disputed", "amended"]
    yes_pays: int = 0


class Event(msgspec.Struct, forbid_unknown_fields=True):
    """A Kalshi event's own fees (null: its series' again), or that it is told of as a new one."""

    event: str
    announce: bool = False
    fee_type: (
        Literal["quadratic", "quadratic_with_maker_fees", "quadratic_with_combo_maker_fees"] | None
    ) = None
    fee_multiplier: int = ONE


class Trade(msgspec.Struct, forbid_unknown_fields=True):
    """A Polymarket trade that is not confirmed yet: it will fail instead, or be sent again."""

    trade: str
    retry: bool = False


FEED: Final = (
    "withheld", "duplicate", "reordered", "malformed", "disconnect", "freeze", "slow", "429",
    "tick",
)  # fmt: skip
"""Faults of market data, as `faults` has them."""
TERMINAL: Final = {"error_10": 10, "error_25": 25}
Kind = Literal[
    "", "paused", "exchange_paused", "restart", "post_only", "disabled", "cancel_only",
    "closed_only", "blocked",
]  # fmt: skip


class Mode(msgspec.Struct, forbid_unknown_fields=True):
    """What a venue lets nobody do from now on; "" is everything as usual.

    `shard`: one exchange index of Kalshi only. `drop`: connections are cut.
    """

    venue: Literal["kalshi", "polymarket"]
    mode: Kind
    shard: int | None = None
    drop: bool = False


class Window(msgspec.Struct, forbid_unknown_fields=True):
    """A mode that begins `in_ms` from now and ends by itself."""

    in_ms: int
    for_ms: int
    mode: Kind
    shard: int | None = None
    drop: bool = True


class Schedule(msgspec.Struct, forbid_unknown_fields=True):
    """What is planned instead of what was; `weekly` adds the venue's real weekly stop."""

    venue: Literal["kalshi", "polymarket"]
    windows: list[Window] = msgspec.field(default_factory=list)
    weekly: bool = False


class Switch(msgspec.Struct, forbid_unknown_fields=True):
    """How a venue behaves from now on; 0 is as usual. The names are in docs/exchange.md."""

    venue: Literal["kalshi", "polymarket"]
    name: str
    value: int


class Faults(msgspec.Struct, forbid_unknown_fields=True):
    """The next `count` order requests of a venue meet this; or its market data sockets."""

    venue: Literal["kalshi", "polymarket"]
    fault: str
    count: int = 1
    span_ms: int = 1_000


class Control:
    """`name` is the account's: new with every exchange, since its money is. Bearer token, 0600."""

    def __init__(
        self,
        folder: Path,
        floor: Floor,
        kalshi: KalshiVenue,
        polymarket: PolymarketVenue,
        quiet: Callable[[], None],
        storms: dict[str, Storm],
        hubs: dict[str, Hub],
    ) -> None:
        self.name = f"sim-{secrets.token_hex(4)}"
        self.token_file = folder / "control.token"
        self._token = secrets.token_urlsafe(24)
        handle = os.open(self.token_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as out:
            out.write(self._token)
        self._floor = floor
        self._kalshi = kalshi
        self._polymarket = polymarket
        self._quiet = quiet
        self._storms = storms
        self._hubs = hubs

    def app(self, log: WireLog) -> Starlette:
        paths = [
            Route("/control/truth", self._truth, gate="token"),
            Route("/control/fund", self._fund, "POST", "token"),
            Route("/control/settle", self._settle, "POST", "token"),
            Route("/control/life", self._life, "POST", "token"),
            Route("/control/event", self._event, "POST", "token"),
            Route("/control/fail", self._fail, "POST", "token"),
            Route("/control/mode", self._mode, "POST", "token"),
            Route("/control/switch", self._switch, "POST", "token"),
            Route("/control/schedule", self._schedule, "POST", "token"),
            Route("/control/faults", self._faults, "POST", "token"),
            Route("/control/quiet", self._hush, "POST", "token"),
        ]
        return application("control", paths, self._gate, log, {"error": "not found"})

    def truth(self) -> dict[str, Any]:
        """Everything that both venues know of their participants."""
        return {venue: truth_of(desk) for venue, desk in self._floor.desks.items()}

    def _gate(self, ask: Ask, kind: str) -> None:
        given = ask.headers.get("authorization") or ""
        if not secrets.compare_digest(given.encode(), f"Bearer {self._token}".encode()):
            raise Refusal(401, {"error": "a bearer token is needed"})

    def _venue(self, name: str) -> KalshiVenue | PolymarketVenue:
        return self._kalshi if name == "kalshi" else self._polymarket

    def _truth(self, ask: Ask) -> Any:
        return self.truth()

    def _fund(self, ask: Ask) -> Any:
        wish = _decoded(ask.body, Fund)
        owner = wish.owner.lower() if wish.owner.startswith("0x") else wish.owner
        if wish.venue == "polymarket" and owner.startswith("0x"):
            owner = self._polymarket.owners.owner_of(owner)
        self._floor.desks[wish.venue].bank.fund(owner, wish.shard, wish.cash)
        self._venue(wish.venue).past.note(owner, ask.now)
        return {"ok": True}

    def _settle(self, ask: Ask) -> Any:
        wish = _decoded(ask.body, Settle)
        desk = self._floor.desks.get(wish.market.partition(":")[0])
        if desk is None or wish.market not in desk.books or not 0 <= wish.yes_pays <= ONE:
            raise Refusal(400, {"error": "no such market, or no such payout"})
        self._floor.settle(wish.market, wish.yes_pays, ask.now)
        return {"ok": True}

    def _life(self, ask: Ask) -> Any:
        wish = _decoded(ask.body, Life)
        market = self._floor.markets.get(wish.market)
        if market is None or market.venue != "kalshi" or not 0 <= wish.yes_pays <= ONE:
            raise Refusal(400, {"error": "no such market, or no such payout"})
        was = market.status
        news = self._kalshi.life.move(market, wish.status, wish.yes_pays, ask.now)
        if news is None:
            raise Refusal(400, {"error": f"a market that is {was} can't be {wish.status}"})
        self._kalshi.out(news)
        return {"ok": True}

    def _event(self, ask: Ask) -> Any:
        wish = _decoded(ask.body, Event)
        event = self._floor.events.get(wish.event)
        if event is None or event.venue != "kalshi":
            raise Refusal(400, {"error": "no such event"})
        life = self._kalshi.life
        if wish.announce:
            self._kalshi.out(life.announce(event, ask.now))
        else:
            self._kalshi.out(life.fees(event, wish.fee_type, wish.fee_multiplier, ask.now))
        return {"ok": True}

    def _fail(self, ask: Ask) -> Any:
        wish = _decoded(ask.body, Trade)
        trades = self._polymarket.trades
        early = ("MATCHED",) if wish.retry else ("MATCHED", "MINED", "RETRYING")
        if trades.status.get(wish.trade) not in early:
            raise Refusal(400, {"error": "no such trade, or it is final"})
        (trades.retries if wish.retry else trades.fails)[wish.trade] = None
        return {"ok": True}

    def _mode(self, ask: Ask) -> Any:
        wish = _decoded(ask.body, Mode)
        mode = _known(wish.venue, wish.mode)
        self._venue(wish.venue).halts.set(Halt(mode, ask.now, 0, wish.shard, wish.drop))
        return {"ok": True}

    def _schedule(self, ask: Ask) -> Any:
        wish = _decoded(ask.body, Schedule)
        planned = weekly(wish.venue, ask.now) if wish.weekly else []
        for one in wish.windows:
            start = ask.now + one.in_ms * MILLI
            mode = _known(wish.venue, one.mode)
            planned.append(Halt(mode, start, start + one.for_ms * MILLI, one.shard, one.drop))
        self._venue(wish.venue).halts.planned = planned
        return {"ok": True, "planned": [[halt.mode, halt.start, halt.end] for halt in planned]}

    def _switch(self, ask: Ask) -> Any:
        wish = _decoded(ask.body, Switch)
        if wish.value < 0 or not self._venue(wish.venue).switch(wish.name, wish.value):
            raise Refusal(400, {"error": f"no switch {wish.name[:40]!r} of {wish.venue}"})
        return {"ok": True}

    def _faults(self, ask: Ask) -> Any:
        wish = _decoded(ask.body, Faults)
        count = max(0, min(wish.count, 1_000))
        hub = self._hubs[wish.venue]
        if wish.fault in TERMINAL:
            for _ in range(count):
                hub.terminal(TERMINAL[wish.fault], ask.now)
            return {"ok": True}
        if wish.fault in FEED:
            fault = Fault(wish.fault, wish.span_ms * MILLI, 0, "cut", True, 0)
            hub.mischief.scripted += [fault] * count
            return {"ok": True}
        if wish.fault not in {mishap.kind for mishap in ORDERS}:
            raise Refusal(400, {"error": f"unknown fault {wish.fault[:40]!r}"})
        self._storms[wish.venue].scripted += [wish.fault] * count
        return {"ok": True}

    def _hush(self, ask: Ask) -> Any:
        self._quiet()
        return {"ok": True}


def _known(venue: str, mode: str) -> str:
    """Kalshi has two kinds of pauses; whatever else is asked of it is the weekly one."""
    if venue == "kalshi" and mode not in ("", "exchange_paused"):
        return "paused"
    return mode


def _decoded(body: bytes, kind: Any) -> Any:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise Refusal(400, {"error": str(error)[:200]}) from None
