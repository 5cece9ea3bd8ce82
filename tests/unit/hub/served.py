"""A real journal, hub and server on a loopback port, and no engine: steps are what tests say."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2

from dutchbook.domain.events import Envelope, Event, SignalArrived
from dutchbook.domain.step import Step
from dutchbook.domain.units import Ns
from dutchbook.runtime.clock import SystemClock
from dutchbook.runtime.hub import RunHub
from dutchbook.runtime.settings import Api
from dutchbook.state.fresh import FreshLimits
from dutchbook.state.world import World
from dutchbook.storage.store import Store
from unit.hub.plain_server import ApiServer, app_of


class Desk:
    """Numbers events as the loop does: recorded, committed, then told."""

    def __init__(self, root: Path, port: int = 0, redis: str = "") -> None:
        self.clock = SystemClock()
        self.store = Store.open(root, background=False)
        self.world = World(FreshLimits())
        self.hub = RunHub(
            root, self.store.seq, self.clock.now, lambda: self.world, self.tell, redis=redis
        )
        settings = Api(enabled=True, port=port)
        self.api = ApiServer(app_of(self.hub, settings), settings, self.hub.root)

    def tell(self, event: Event, effects: tuple[Any, ...] = (), notes: tuple[Any, ...] = ()) -> int:
        at = Ns(max(self.store.at, self.clock.now()))
        step = Step(Envelope(self.store.seq + 1, at, event), effects, notes)
        self.store.append(step)
        heard = self.hub.heed(step)
        self.store.commit()
        if heard:
            self.hub.publish()
        return step.envelope.seq

    def signals(self, count: int, **more: Any) -> None:
        for _ in range(count):
            name = f"n{self.store.seq + 1}"
            fields = {"kind": "news", "confidence": 500_000} | more
            self.tell(SignalArrived(publisher="desk", id=name, **fields))

    def burst(self, count: int) -> None:
        """Signals that one commit holds, as a busy run commits them."""
        for _ in range(count):
            name = f"n{self.store.seq + 1}"
            event = SignalArrived(publisher="desk", id=name, kind="news", confidence=500_000)
            at = Ns(max(self.store.at, self.clock.now()))
            step = Step(Envelope(self.store.seq + 1, at, event))
            self.store.append(step)
            self.hub.heed(step)
        self.store.commit()
        self.hub.publish()

    async def start(self) -> "Desk":
        await self.hub.start()
        await self.api.start()
        return self

    async def stop(self) -> None:
        await self.hub.stop()
        await self.api.stop()
        self.store.close()

    def http(self) -> httpx2.AsyncClient:
        headers = {"authorization": f"Bearer {self.hub.token}"}
        return httpx2.AsyncClient(base_url=self.api.address, headers=headers)

    @property
    def port(self) -> int:
        return int(self.api.address.rpartition(":")[2])


@asynccontextmanager
async def served(root: Path, port: int = 0) -> AsyncIterator[Desk]:
    desk = await Desk(root, port).start()
    try:
        yield desk
    finally:
        await desk.stop()


async def collect(messages: Any, count: int, seconds: float = 10) -> list[Any]:
    """The first `count` messages."""
    out: list[Any] = []

    async def work() -> None:
        async for message in messages:
            out.append(message)
            if len(out) >= count:
                return

    if count:
        await asyncio.wait_for(work(), seconds)
    return out
