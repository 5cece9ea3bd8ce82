"""Wallets that trade on the pretend Polymarket, signing with the client's reading of EIP-712."""

import asyncio
import base64
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from coincurve import PrivateKey
from rig import Rig, running
from traders import bare, tell
from websockets.asyncio.client import ClientConnection, connect

from dutchbook.domain.units import ONE
from dutchbook.emulators.market.shapes import SimMarket
from dutchbook.venues.polymarket import amounts, typed

ZERO = "0x" + "0" * 64


class Signer:
    """One wallet with its API key. `post` sends an order, `order` only makes it."""

    def __init__(self, rig: Rig, client: httpx2.AsyncClient, secret: bytes) -> None:
        self.rig = rig
        self.key = PrivateKey(secret)
        public = self.key.public_key.format(compressed=False)[1:]
        self.address = typed.checksum("0x" + typed.hashed(public)[12:].hex())
        self.creds: dict[str, str] = {}
        self._client = client
        self._salt = 0

    def signed(self, digest: bytes) -> str:
        raw = self.key.sign_recoverable(digest, hasher=None)
        return "0x" + (raw[:64] + bytes([raw[64] + 27])).hex()

    async def l1(self, method: str, path: str, nonce: int = 0, **change: str) -> httpx2.Response:
        """A request that proves the wallet."""
        stamp = str(time.time_ns() // 10**9)
        digest = typed.clob_auth(self.address, stamp, nonce, 137)
        headers = {
            "POLY_ADDRESS": self.address, "POLY_SIGNATURE": self.signed(digest),
            "POLY_TIMESTAMP": stamp, "POLY_NONCE": str(nonce),
        } | change  # fmt: skip
        url = self.rig.polymarket["clob"] + path
        return await self._client.request(method, url, headers=headers)

    async def login(self) -> None:
        self.creds = (await self.l1("POST", "/auth/api-key")).json()

    def headers(self, method: str, path: str, body: bytes = b"", **change: str) -> dict[str, str]:
        stamp = str(time.time_ns() // 10**9)
        secret = base64.urlsafe_b64decode(self.creds["secret"])
        raw = hmac.digest(secret, f"{stamp}{method}{path}".encode() + body, "sha256")
        return {
            "POLY_ADDRESS": self.address,
            "POLY_SIGNATURE": base64.urlsafe_b64encode(raw).decode(),
            "POLY_TIMESTAMP": stamp, "POLY_API_KEY": self.creds["apiKey"],
            "POLY_PASSPHRASE": self.creds["passphrase"],
        } | change  # fmt: skip

    async def call(self, method: str, path: str, body: Any = None, **query: Any) -> httpx2.Response:
        """A request with the API key; `body` bytes are sent as they are."""
        data = b"" if body is None else body if isinstance(body, bytes) else _compact(body)
        return await self._client.request(
            method, self.rig.polymarket["clob"] + path, content=data or None,
            params=query or None, headers=self.headers(method, path, data),
        )  # fmt: skip

    async def get(self, path: str, **query: Any) -> Any:
        return (await self.call("GET", path, **query)).json()

    def order(
        self, market: SimMarket, side: str, px: int, size: int, *, token: int = 0,
        kind: str = "GTC", signature_type: int = 0, making: tuple[int, int] | None = None,
        **more: Any,
    ) -> dict[str, Any]:  # fmt: skip
        """A signed body for POST /order; `px` in millionths, `size` in whole contracts."""
        self._salt += 1
        maker, taker = making or amounts.exact(side.lower(), px, size * ONE)  # type: ignore[arg-type]
        funder = self.address if signature_type == 0 else "0x" + "11" * 20
        signer = funder if signature_type == 3 else self.address
        fields = typed.OrderFields(
            self._salt, funder, signer, int(market.tokens[token]), maker, taker,
            0 if side == "BUY" else 1, signature_type, time.time_ns() // 10**6,
        )  # fmt: skip
        made = typed.order(fields, 137, more.pop("neg_risk", market.neg_risk))
        self.last = "0x" + made.order_id.hex()
        order = {
            "salt": fields.salt, "maker": funder, "signer": signer,
            "tokenId": market.tokens[token], "makerAmount": str(maker), "takerAmount": str(taker),
            "side": side, "expiration": str(more.pop("expiration", 0)),
            "signatureType": signature_type, "timestamp": str(fields.timestamp), "metadata": ZERO,
            "builder": ZERO, "signature": self.signed(made.digest) + made.tail.hex(),
        }  # fmt: skip
        return {
            "order": order, "owner": self.creds.get("apiKey", ""), "orderType": kind,
            "deferExec": False, "postOnly": more.pop("post_only", False),
        }  # fmt: skip

    async def post(self, *wish: Any, **more: Any) -> httpx2.Response:
        return await self.call("POST", "/order", self.order(*wish, **more))

    async def made(self, *wish: Any, **more: Any) -> Any:
        """The answer to an order that must be taken."""
        answer = await self.post(*wish, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    @asynccontextmanager
    async def socket(self) -> AsyncIterator[ClientConnection]:
        """The user socket, of all markets."""
        async with connect(self.rig.polymarket["user_ws"]) as ws:
            names = ("apiKey", "secret", "passphrase")
            auth = {name: self.creds[name] for name in names}
            await ws.send(json.dumps({"type": "user", "auth": auth}))
            await asyncio.sleep(0.05)
            yield ws

    async def status(self, order: str) -> str:
        return (await self.get(f"/data/order/{order}"))["status"]

    async def cash(self) -> int:
        return int((await self.get("/balance-allowance", asset_type="COLLATERAL"))["balance"])

    async def held(self, token: str) -> int:
        query = {"asset_type": "CONDITIONAL", "token_id": token}
        return int((await self.get("/balance-allowance", **query))["balance"])


class Polymarket:
    """The exchange, us and them, and a market of whole cents that is no neg-risk one."""

    def __init__(self, rig: Rig, client: httpx2.AsyncClient) -> None:
        self.rig = rig
        self.client = client
        file = Path(rig.polymarket["wallet_key_file"])
        self.us = Signer(rig, client, bytes.fromhex(file.read_text()))
        self.them = Signer(rig, client, b"\x07" * 32)
        self.market = self.markets()[0]

    def markets(self, tick: int = 10_000, neg_risk: bool = False) -> list[SimMarket]:
        """Markets with fees, of this tick."""
        return [
            m
            for m in self.rig.exchange.polymarket.shelf.markets.values()
            if (m.tick, m.neg_risk) == (tick, neg_risk) and m.fees.taker and m.category != "Sports"
        ]

    async def control(self, door: str, **body: Any) -> httpx2.Response:
        return await tell(self.rig, self.client, door, **body)

    async def public(self, path: str, **query: Any) -> Any:
        answer = await self.client.get(self.rig.polymarket["clob"] + path, params=query)
        return answer.json()

    async def login(self) -> None:
        """Both have keys and money; they have contracts of both outcomes to sell."""
        await self.us.login()
        await self.them.login()
        cash = 10_000 * ONE
        await self.control("fund", venue="polymarket", owner=self.them.address, cash=cash)

    def endow(self, market: SimMarket, size: int) -> None:
        """Give them contracts to sell."""
        owner = self.rig.exchange.polymarket.owners.owner_of(self.them.address)
        held = self.rig.exchange.polymarket.desk.bank.owner(owner).held
        for outcome in (0, 1):
            held[market.key, outcome] = held.get((market.key, outcome), 0) + size * ONE


@asynccontextmanager
async def polymarket(folder: Path, **options: Any) -> AsyncIterator[Polymarket]:
    feed = options.pop("feed", None) or bare()
    async with (
        running(folder, "polymarket", feed=feed, **options) as rig,
        httpx2.AsyncClient() as client,
    ):
        at = Polymarket(rig, client)
        await at.login()
        yield at


def _compact(body: Any) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()
