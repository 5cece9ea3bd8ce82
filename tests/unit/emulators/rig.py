"""Runs real servers on free loopback ports and talks to them as a client would."""

import asyncio
import base64
import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from websockets.asyncio.client import ClientConnection, connect

from dutchbook.emulators import source
from dutchbook.emulators.faults import Fault
from dutchbook.emulators.server import Exchange, Options
from dutchbook.emulators.wire.keys import make_keys
from dutchbook.emulators.wire.limits import TokenBucket
from dutchbook.emulators.wire.mischief import Mischief

WAIT = 10.0
_rsa: list[Path] = []


def _shared_rsa() -> Path:
    """RSA keys are slow to make: one for all tests of a process."""
    if not _rsa:
        folder = Path(tempfile.mkdtemp())
        make_keys(folder, 0)
        _rsa.append(folder / "kalshi_rsa.pem")
    return _rsa[0]


class Rig:
    """A running exchange and the addresses that it gave."""

    def __init__(self, exchange: Exchange, addresses: dict[str, Any]) -> None:
        self.exchange = exchange
        self.kalshi = addresses.get("kalshi", {})
        self.polymarket = addresses.get("polymarket", {})
        self.wire_file = Path(addresses["wire"])
        self.world = exchange._feed

    def headers(
        self, path: str, *, kind: str = "ed25519", age_ms: int = 0, salt: int = 32,
        method: str = "GET", **change: str,
    ) -> dict:  # fmt: skip
        """Signed headers; `change` replaces key, time or signature."""
        stamp = str(time.time_ns() // 1_000_000 - age_ms)
        prefix = "ed25519_" if kind == "ed25519" else ""
        key = load_pem_private_key(Path(self.kalshi[f"{prefix}key_file"]).read_bytes(), None)
        text = f"{stamp}{method}{path}".encode()
        if kind == "ed25519":
            raw = key.sign(text)
        else:
            raw = key.sign(text, PSS(MGF1(SHA256()), salt), SHA256())
        signed = {
            "KALSHI-ACCESS-KEY": change.get("key", self.kalshi[f"{prefix}key_id"]),
            "KALSHI-ACCESS-TIMESTAMP": change.get("time", stamp),
            "KALSHI-ACCESS-SIGNATURE": change.get("signature", base64.b64encode(raw).decode()),
        }
        return {name: value for name, value in signed.items() if value}

    def kalshi_socket(self, **how: Any) -> connect:
        headers = self.headers("/trade-api/ws/v2", **how)
        return connect(self.kalshi["ws"], additional_headers=headers, max_size=None, max_queue=None)

    def market_socket(self) -> connect:
        return connect(self.polymarket["ws"], max_size=None, max_queue=None)

    def plan(self, venue: str, *faults: Fault) -> Mischief:
        """Let exactly these faults happen, the first at once."""
        hub = self.exchange.hubs[venue]
        victim = getattr(self.exchange, venue)
        hub.mischief = Mischief(venue, iter(faults), victim, self.exchange.log, start_after=0)
        return hub.mischief

    def wire(self) -> list[dict[str, Any]]:
        self.exchange.log.flush()
        return [json.loads(line) for line in self.wire_file.read_text().splitlines()]

    def tickers(self) -> list[str]:
        return list(self.exchange.kalshi.stock.markets)

    def assets(self) -> list[str]:
        return list(self.exchange.polymarket.shelf.assets)


@asynccontextmanager
async def running(folder: Path, which: str = "both", **options: Any) -> AsyncIterator[Rig]:
    feed = options.pop("feed", None) or source.generated(options.get("seed", 7))
    (folder / "sim").mkdir(parents=True, exist_ok=True)
    if not (folder / "sim" / "kalshi_rsa.pem").exists():
        shutil.copy(_shared_rsa(), folder / "sim" / "kalshi_rsa.pem")
    known = {"seed": 7, "port": 0} | options
    exchange = Exchange(Options(which=which, folder=folder / "sim", **known), feed)
    try:
        yield Rig(exchange, await exchange.start())
    finally:
        await exchange.stop()


def fault(kind: str, span_ms: int = 0, how: str = "cut", in_place: bool = False) -> Fault:
    return Fault(kind, span_ms * 1_000_000, 10**12, how, in_place, 0)


def spent_stays_spent(monkeypatch: Any) -> None:
    """Buckets are not refilled: what a test is refused hangs on what it asked, not on how fast."""
    monkeypatch.setattr(TokenBucket, "_fill", lambda bucket, now: None)


async def ask(ws: ClientConnection, **command: Any) -> None:
    await ws.send(json.dumps(command))


async def until(ws: ClientConnection, match: Callable[[Any], bool]) -> list[Any]:
    """Every frame up to and including the first that matches, decoded (bytes stay bytes)."""
    seen: list[Any] = []
    async with asyncio.timeout(WAIT):
        while True:
            data = await ws.recv()
            ws.frames_read = getattr(ws, "frames_read", 0) + 1
            seen.append(_decoded(data))
            if match(seen[-1]):
                return seen


def _decoded(data: str | bytes) -> Any:
    try:
        return json.loads(data) if isinstance(data, str) else data
    except ValueError:
        return data


def is_type(kind: str) -> Callable[[Any], bool]:
    return lambda frame: (
        isinstance(frame, dict)
        and kind
        in (
            frame.get("type"),
            frame.get("event_type"),
        )
    )


def book_hash(book: dict[str, Any]) -> str:
    """The venue's book hash, written a second time here from its description."""
    names = (
        "market", "asset_id", "timestamp", "hash", "bids", "asks",
        "min_order_size", "tick_size", "neg_risk", "last_trade_price",
    )  # fmt: skip
    body = {name: book[name] for name in names} | {"hash": ""}
    return hashlib.sha1(json.dumps(body, separators=(",", ":")).encode()).hexdigest()
