"""A whole gateway in front of a whole run, both in one loop: real sockets, journal and tables.

The run has no venues: the story puts market events in by hand, and a small venue of its own takes
every order and lets it rest.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import msgspec

from dutchbook.domain.account_events import AccountSeen, OrderAcked, OrderCanceled
from dutchbook.domain.effects import AskAccount, CancelOrder, Effect, SubmitOrder
from dutchbook.domain.events import Event, FeedUp, InstrumentListed, SignalArrived
from dutchbook.domain.secret import Secret
from dutchbook.domain.units import DAY, SECOND, Ns, Usd
from dutchbook.io.signer import Signer
from dutchbook.runtime.bootstrap import House, engine_settings
from dutchbook.runtime.feeds import Addresses
from dutchbook.runtime.keys import secrets_of
from dutchbook.runtime.layers import load
from dutchbook.runtime.live import Live
from dutchbook.runtime.serving import Serving
from dutchbook.storage.reader import read_account
from dutchbook.venues.base import Venue
from unit.engine.story import KALSHI, POLY, book, both, kalshi, poly

ACCOUNTS = {"kalshi": "main", "polymarket": "main"}
WEBHOOK = b"a webhook's secret of the whale source"
OLD = b"the secret before it"
PATH = "unsigned-news-come-here"


class Still(House):
    """Connects to nothing."""

    def __init__(self, settings: Any) -> None:
        super().__init__(settings, Addresses())
        self.accounts = dict(ACCOUNTS)
        self.engine_settings = engine_settings(settings, self.accounts)

    async def venues(self, transport: Any, clock: Any) -> list[Venue]:
        self.signer = Signer()
        return []


class Resting:
    """A venue where orders rest until they are canceled, none is filled, money never ends."""

    def __init__(self, live: Live, venue: str) -> None:
        self.live = live
        self.venue = venue
        self.orders: list[str] = []

    def do(self, effect: Effect) -> None:
        tell = self.live.tell
        if isinstance(effect, SubmitOrder):
            self.orders.append(effect.order.id)
            one = effect.order
            tell(OrderAcked(one.id, f"v-{one.id}"))
            if one.tif in ("ioc", "fok"):
                tell(OrderCanceled(one.id, f"v-{one.id}", "no_match", one.qty, 0))
        elif isinstance(effect, CancelOrder):
            tell(OrderCanceled(effect.order.id, effect.venue_order, "operator",
                               canceled=effect.order.qty, filled=0))  # fmt: skip
        elif isinstance(effect, AskAccount):
            now = self.live.clock.now()
            tell(AccountSeen(self.venue, "main", now, Ns(0), Usd(10**12), (), (), ()))


class Both:
    """The run and its gateway. `call` sends a request as a client would."""

    def __init__(self, root: Path, **api: str) -> None:
        # No schedule: its jobs command the run at full minutes, and stories count commands.
        named = {"data_dir": str(root / "sim"), "arbitrage.edge_min": "0.5",
                 "schedule.enabled": "false",
                 **{_path(name): value for name, value in api.items()}}  # fmt: skip
        self.loaded = load(env={}, cli=named)
        settings = self.loaded.settings
        secrets = secrets_of(settings)
        secrets.set("webhook.whale", Secret(WEBHOOK))
        secrets.set("webhook.whale.old", Secret(OLD))
        secrets.set("webhook.news.path", Secret(PATH))
        self.live = Live(Still(settings), lambda live, step: None)
        self.doors = {name: Resting(self.live, name) for name in ACCOUNTS}
        self.live.doors.update(self.doors)
        self.serving = Serving(self.loaded)
        self.gateway = self.serving.gateway
        self.gateway.lag.bound = Ns(10 * SECOND)  # a busy machine is no matter of these tests
        self.first = self.serving.first_token()

    @property
    def model(self) -> Any:
        return self.gateway.model

    def put(self, *events: Event) -> None:
        for event in events:
            stream = getattr(event, "stream", "") or "kalshi.book"
            self.live.sink(stream, [event])

    async def until(self, what: Any, why: str) -> None:
        for _ in range(800):
            if what():
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"never: {why}")

    def key(self, role: str, **more: Any) -> dict[str, str]:
        """Headers with a new key of a role."""
        identity = self.gateway.identity
        rate = more.pop("rate", 100_000)
        at = more.pop("at", identity.clock.now())
        life = more.pop("life", Ns(DAY))
        name = more.pop("name", f"{role} key")
        _, text = identity.keys.make(name, role, at, "test", rate=rate, life=life, **more)
        return {"X-Dutchbook-Key": text.reveal().decode()}

    async def call(
        self, method: str, path: str, headers: Any = None, json: Any = None, **more: Any
    ) -> httpx2.Response:
        transport = httpx2.ASGITransport(self.serving.app, client=("10.0.0.9", 4_000))
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.request(method, path, headers=headers, json=json, **more)

    @property
    def signals(self) -> list[SignalArrived]:
        """What others told the run, from its journal."""
        rows = read_account(self.live.house.data_dir, 0)
        return [row.event for row in rows if isinstance(row.event, SignalArrived)]

    def mark(self) -> tuple[int, int, int]:
        """What a command would change: orders, commands on record, halts."""
        account = self.live.engine.trading.account  # type: ignore[union-attr]
        return len(account.orders), len(account.halts), self.commands

    commands = 0

    def files(self) -> Iterator[Path]:
        for folder in (self.loaded.settings.data_path(), os.environ["XDG_CONFIG_HOME"]):
            yield from (path for path in Path(folder).rglob("*") if path.is_file())


def _path(name: str) -> str:
    return name.replace("__", ".") if "__" in name else f"api.{name}"


@contextlib.asynccontextmanager
async def standing(root: Path, **api: str) -> AsyncIterator[Both]:
    """A run with two markets and fresh books, followed by its gateway."""
    api = {"address_rate": "1000000", "total_rate": "1000000", "unsigned": "news"} | api
    both_ = Both(root, **api)
    going = asyncio.create_task(both_.live.go(None, []))
    async with both_.serving.following() as app, app.router.lifespan_context(app):
        await both_.until(lambda: both_.live.engine.run, "the run begins")
        # The run's own loop counts its commands as they come.
        put = both_.live.control._put

        def counted(event: Any) -> None:
            both_.commands += 1
            put(event)

        both_.live.control._put = counted
        both_.put(FeedUp(KALSHI), FeedUp(POLY), FeedUp("kalshi.account"),
                  FeedUp("polymarket.user"))  # fmt: skip
        both_.put(InstrumentListed(kalshi("A")), InstrumentListed(poly("B")))
        both_.put(book("kalshi:A", 40, 44), *both("polymarket:B", 30, 33))
        await both_.until(
            lambda: "polymarket:B" in both_.model.quotes and both_.model.account is not None,
            "the gateway follows",
        )
        account = both_.live.engine.trading.account  # type: ignore[union-attr]
        await both_.until(
            lambda: all(account.reconciled.get(name) for name in ACCOUNTS), "it is reconciled"
        )
        try:
            yield both_
        finally:
            both_.live.stop("test")
            await going


def plain(response: httpx2.Response) -> Any:
    return msgspec.json.decode(response.content)
