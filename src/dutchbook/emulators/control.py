"""The guarded door of the pretend exchanges: money, settlements, scripted faults, and the truth."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import msgspec
from starlette.applications import Starlette

from dutchbook.domain.units import ONE
from dutchbook.emulators.floor import Floor, truth_of
from dutchbook.emulators.kalshi.venue import KalshiVenue
from dutchbook.emulators.mishap import ORDERS, Storm
from dutchbook.emulators.polymarket.venue import PolymarketVenue
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


class Trade(msgspec.Struct, forbid_unknown_fields=True):
    """A Polymarket trade that is not confirmed yet: it will fail instead."""

    trade: str


class Mode(msgspec.Struct, forbid_unknown_fields=True):
    """What a venue lets nobody do from now on; "" is everything as usual."""

    venue: Literal["kalshi", "polymarket"]
    mode: Literal[
        "", "paused", "restart", "post_only", "disabled", "cancel_only", "closed_only", "blocked"
    ]


class Faults(msgspec.Struct, forbid_unknown_fields=True):
    """The next `count` order requests of a venue meet this."""

    venue: Literal["kalshi", "polymarket"]
    fault: str
    count: int = 1


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

    def app(self, log: WireLog) -> Starlette:
        paths = [
            Route("/control/truth", self._truth, gate="token"),
            Route("/control/fund", self._fund, "POST", "token"),
            Route("/control/settle", self._settle, "POST", "token"),
            Route("/control/fail", self._fail, "POST", "token"),
            Route("/control/mode", self._mode, "POST", "token"),
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

    def _truth(self, ask: Ask) -> Any:
        return self.truth()

    def _fund(self, ask: Ask) -> Any:
        wish = _decoded(ask.body, Fund)
        owner = wish.owner.lower() if wish.owner.startswith("0x") else wish.owner
        if wish.venue == "polymarket" and owner.startswith("0x"):
            owner = self._polymarket.owners.owner_of(owner)
        self._floor.desks[wish.venue].bank.fund(owner, wish.shard, wish.cash)
        return {"ok": True}

    def _settle(self, ask: Ask) -> Any:
        wish = _decoded(ask.body, Settle)
        desk = self._floor.desks.get(wish.market.partition(":")[0])
        if desk is None or wish.market not in desk.books or not 0 <= wish.yes_pays <= ONE:
            raise Refusal(400, {"error": "no such market, or no such payout"})
        desk.settle(wish.market, wish.yes_pays, ask.now)
        return {"ok": True}

    def _fail(self, ask: Ask) -> Any:
        name = _decoded(ask.body, Trade).trade
        if self._polymarket.trades.status.get(name) not in ("MATCHED", "MINED"):
            raise Refusal(400, {"error": "no such trade, or it is final"})
        self._polymarket.trades.fails[name] = None
        return {"ok": True}

    def _mode(self, ask: Ask) -> Any:
        wish = _decoded(ask.body, Mode)
        if wish.venue == "kalshi":
            self._kalshi.trading.paused = bool(wish.mode)
        else:
            self._polymarket.reads.blocked = wish.mode == "blocked"
            self._polymarket.trading.mode = wish.mode if wish.mode != "blocked" else ""
        return {"ok": True}

    def _faults(self, ask: Ask) -> Any:
        wish = _decoded(ask.body, Faults)
        if wish.fault not in {mishap.kind for mishap in ORDERS}:
            raise Refusal(400, {"error": f"unknown fault {wish.fault[:40]!r}"})
        self._storms[wish.venue].scripted += [wish.fault] * max(0, min(wish.count, 1_000))
        return {"ok": True}

    def _hush(self, ask: Ask) -> Any:
        self._quiet()
        return {"ok": True}


def _decoded(body: bytes, kind: Any) -> Any:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise Refusal(400, {"error": str(error)[:200]}) from None
