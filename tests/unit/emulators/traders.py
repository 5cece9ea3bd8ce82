"""Two participants at exchanges without a crowd: whatever stands in a book is one of theirs."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from rig import Rig, running

from dutchbook.domain.units import ONE
from dutchbook.emulators import source
from dutchbook.emulators.market.shapes import SimMarket

PREFIX = "/trade-api/v2"
ORDERS = "/portfolio/events/orders"


def bare(seed: int = 7) -> Any:
    """The generated markets with empty books, in which nothing happens by itself."""
    feed: Any = source.generated(seed)
    feed.each = lambda now: []
    feed.ladder = lambda key, token, side: {}
    return feed


class Trader:
    """Signs and sends requests to the pretend Kalshi with one of its two keys."""

    def __init__(self, rig: Rig, client: httpx2.AsyncClient, kind: str) -> None:
        self.rig = rig
        self.kind = kind
        self._client = client
        self._turn = 0

    async def call(self, method: str, path: str, body: Any = None, **query: Any) -> httpx2.Response:
        """One signed request; `body` bytes are sent as they are."""
        headers = self.rig.headers(PREFIX + path, kind=self.kind, method=method)
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        url = self.rig.kalshi["rest"] + path
        return await self._client.request(
            method, url, content=data, params=query or None, headers=headers
        )

    async def get(self, path: str, **query: Any) -> Any:
        return (await self.call("GET", path, **query)).json()

    def wish(self, ticker: str, side: str, price: str, count: str, **more: Any) -> dict[str, Any]:
        """A create body; without a client id it gets the next one of this trader."""
        self._turn += 1
        return {
            "ticker": ticker, "side": side, "price": price, "count": count,
            "time_in_force": "good_till_canceled", "self_trade_prevention_type": "taker_at_cross",
            "client_order_id": f"{self.kind}-{self._turn}",
        } | more  # fmt: skip

    async def create(self, *wish: Any, **more: Any) -> httpx2.Response:
        return await self.call("POST", ORDERS, self.wish(*wish, **more))

    async def made(self, *wish: Any, **more: Any) -> Any:
        """The answer to an order that must be taken."""
        answer = await self.create(*wish, **more)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def fate(self, order: str) -> Any:
        """The order as a read shows it."""
        return (await self.get(f"/portfolio/orders/{order}"))["order"]

    async def book(self, ticker: str) -> Any:
        """The public book, once it shows what was done."""
        await asyncio.sleep(0.05)
        return (await self.get(f"/markets/{ticker}/orderbook"))["orderbook_fp"]


class Kalshi:
    """The exchange, us and them, and a market to trade in."""

    def __init__(self, rig: Rig, client: httpx2.AsyncClient) -> None:
        self.rig = rig
        self.client = client
        self.us = Trader(rig, client, "ed25519")
        self.them = Trader(rig, client, "rsa")
        venue = rig.exchange.kalshi
        venue.owners[rig.kalshi["key_id"]] = "them"
        for shard in (0, 2):
            venue.desk.bank.fund("them", shard, 10_000 * ONE)
        self.ticker = self.markets()[0].symbol

    def markets(self, structure: str = "linear_cent", shard: int = 0) -> list[SimMarket]:
        """Markets with plain taker fees of this grid and shard."""
        return [
            m
            for m in self.rig.exchange.kalshi.stock.markets.values()
            if (m.structure, m.exchange_index, m.fees.maker, m.fees.taker)
            == (structure, shard, 0, 70_000)
        ]

    async def control(self, door: str, **body: Any) -> httpx2.Response:
        return await tell(self.rig, self.client, door, **body)

    async def public(self, path: str) -> Any:
        return (await self.client.get(self.rig.kalshi["rest"] + path)).json()


async def tell(rig: Rig, client: httpx2.AsyncClient, door: str, **body: Any) -> httpx2.Response:
    """Ask something of the control door, which must do it."""
    control = rig.exchange.addresses()["control"]
    token = Path(control["token_file"]).read_text()
    answer = await client.post(
        f"{control['url']}/control/{door}", json=body, headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 200, answer.text
    return answer


@asynccontextmanager
async def kalshi(folder: Path, tier: str = "premier", **options: Any) -> AsyncIterator[Kalshi]:
    feed = options.pop("feed", None) or bare()
    async with (
        running(folder, "kalshi", feed=feed, tier=tier, **options) as rig,
        httpx2.AsyncClient() as client,
    ):
        yield Kalshi(rig, client)


def code(answer: httpx2.Response) -> tuple[int, str]:
    """Status and error code of a nested refusal."""
    return answer.status_code, answer.json()["error"]["code"]


def since() -> int:
    return time.time_ns() // 1_000_000
