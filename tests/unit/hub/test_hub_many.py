"""Many at once: cut at random, slow, a gateway that dies; each hears all, once, in order."""

import asyncio
import os
import random
import socket
from pathlib import Path
from typing import Any

import msgspec

from dutchbook.client import Client
from dutchbook.domain.events import SignalArrived
from dutchbook.hub.core import Hub
from dutchbook.hub.filters import Filter, compile_filter, facets
from dutchbook.hub.history import History
from dutchbook.hub.session import Limits
from dutchbook.storage.reader import read_account
from e2e.processes import Command
from unit.hub.rig import Peer, Rig, signal
from unit.hub.served import served

FILTERS: list[dict[str, Any]] = [
    {}, {"min_confidence": "0.5"}, {"venues": ["polymarket"]}, {"keywords": ["7"]},
    {"or": [{"keywords": ["3"]}, {"min_confidence": "0.9"}]},
    {"not": {"venues": ["kalshi"]}, "min_confidence": "0.2"},
]  # fmt: skip
TESTS = [compile_filter(msgspec.convert(plain, Filter)).test for plain in FILTERS]


class One:
    """A subscriber that comes back when it is cut, from what it heard last."""

    def __init__(self, rig: Rig, number: int) -> None:
        self.rig, self.number = rig, number
        self.after, self.heard = 0, []
        self.peer: Peer
        self.dial()

    def dial(self) -> None:
        self.peer = self.rig.peer()
        self.seen = 1
        filters = FILTERS[self.number % len(FILTERS)]
        self.peer.say(type="subscribe", channel="signals", filters=filters, after=self.after)

    def read(self) -> None:
        for message in self.peer.read(self.seen):
            if message["type"] == "signal":
                assert message["prev"] <= self.after
                self.heard.append((message["seq"], message["n"]))
            if message["type"] in ("signal", "live"):
                self.after = max(self.after, message["seq"])
        self.seen = len(self.peer.frames)


def test_a_thousand_subscribers_and_a_gateway_that_dies():
    """Twenty rounds: a tenth is cut, a tenth reads slowly; in the tenth round the hub is killed."""
    chance = random.Random(7)
    rig = Rig(Limits(queue_bytes=4_000), room=60)
    everyone = [One(rig, number) for number in range(1_000)]
    seq = 0
    for turn in range(20):
        batch = []
        for _ in range(chance.randint(1, 8)):
            seq += chance.randint(1, 3)
            venue = chance.choice(("kalshi", "polymarket"))
            batch += [
                signal(seq, n, confidence=chance.randint(0, 10) * 100_000, venue=venue)
                for n in range(chance.randint(1, 2))
            ]
        rig.publish(*batch)
        if turn == 10:  # what memory held is gone with it; the store and the numbers stay
            rig.hub = Hub(
                seq, limits=rig.hub.limits,
                histories={c: History(seq, 0, 60) for c in rig.hub.histories},
            )  # fmt: skip
            for one in everyone:
                one.peer.closed = 1006
        for one in chance.sample(everyone, 200):
            act = chance.random()
            if act < 0.5:
                one.read()
                one.peer.leave()
            elif one.peer.closed is None:
                one.peer.drain(chance.choice((1, 2, None)))
        for one in everyone:
            one.read()
            if one.peer.closed is not None:
                one.dial()
    for one in everyone:
        for _ in range(2):
            if one.peer.closed is not None:
                one.dial()
            one.peer.drain(None)
            one.read()
        wanted = [(m.seq, m.n) for m in rig.kept if TESTS[one.number % len(TESTS)](m.facets)]
        assert one.heard == wanted, one.number
    assert len(rig.hub.groups["signals"]) == len(FILTERS)


class Serving:
    """`dutchbook hub serve` as a process of its own, always on the same port."""

    def __init__(self, root: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"ws://127.0.0.1:{self.port}/ws"
        self._words = ["hub", "serve", "--port", self.port, "--data-dir", root, "--json"]
        self._folder = root.parent / "serving"
        self._command: Command

    async def start(self) -> None:
        self._command = Command(self._folder, *self._words)
        while "address" not in self._command.out:
            assert self._command.process.poll() is None, self._command.err
            await asyncio.sleep(0.02)

    def kill(self) -> None:
        self._command.kill()


class Ear:
    """A client of the library that keeps what it hears; some read in fits and starts."""

    def __init__(self, url: str, token: str, number: int) -> None:
        self.client = Client(url, token, binary=number % 3 == 0)
        self.filters = FILTERS[number % len(FILTERS)]
        self.heard: list[int] = []

    async def listen(self) -> None:
        wanted = msgspec.convert(self.filters, Filter)
        async with self.client as client:
            self.feed, messages = client.feed("signals", filters=wanted, after=0)
            async for message in messages:
                self.heard.append(message.seq)

    def cut(self) -> None:
        if self.client._socket is not None:
            self.client._socket.transport.abort()

    def stall(self, seconds: float) -> None:
        """Read nothing from the socket for a while, so that the server has to keep what comes."""
        transport = self.client._socket and self.client._socket.transport
        if transport and not transport.is_closing():
            transport.pause_reading()
            asyncio.get_running_loop().call_later(seconds, _read_on, transport)


def _read_on(transport: Any) -> None:
    if not transport.is_closing():
        transport.resume_reading()


async def test_sockets_through_a_server_that_is_killed_and_comes_back(tmp_path: Path):
    """A process that serves is killed twice in mid-stream while signals go on; the journal says
    what each subscriber must have heard. A thousand of them with DUTCHBOOK_TEST_ALL."""
    chance, count = random.Random(11), 1_000 if os.environ.get("DUTCHBOOK_TEST_ALL") else 80
    root = tmp_path / "data"
    async with served(root) as desk:
        serving = Serving(root)
        await serving.start()
        ears = [Ear(serving.url, desk.hub.token, number) for number in range(count)]
        users = [asyncio.create_task(ear.listen()) for ear in ears]
        await asyncio.gather(*(ear.client.ready() for ear in ears))
        for turn in range(12):
            for _ in range(20):
                desk.signals(
                    1, confidence=chance.randint(0, 10) * 100_000,
                    title=f"Story {desk.store.seq + 1} " + "word " * 40 * chance.randint(0, 9),
                    venues=(chance.choice(("kalshi", "polymarket")),),
                )  # fmt: skip
            for ear in chance.sample(ears, count // 10):
                ear.cut()
            for ear in chance.sample(ears, count // 10):
                ear.stall(chance.random())
            if turn in (4, 8):
                serving.kill()
            await asyncio.sleep(0.05)
            if turn in (5, 9):  # meanwhile signals were numbered that nobody could hear
                await serving.start()
        events = [(step.seq, step.event) for step in read_account(root, 0)]
        told = [(seq, _facets(e)) for seq, e in events if isinstance(e, SignalArrived)]
        assert len(told) == 240
        wanted = [[seq for seq, seen in told if test(seen)] for test in TESTS]
        for _ in range(3_000):
            if all(ear.heard == wanted[n % len(FILTERS)] for n, ear in enumerate(ears)):
                break
            await asyncio.sleep(0.02)
        for number, ear in enumerate(ears):
            assert ear.heard == wanted[number % len(FILTERS)], number
            assert ear.feed.missed == 0
        assert min(ear.client.connections for ear in ears) >= 2
        for user in users:
            user.cancel()
        await asyncio.gather(*users, return_exceptions=True)
        serving.kill()


def _facets(event: SignalArrived) -> Any:
    return facets(event.kind, venues=event.venues, text=event.title, confidence=event.confidence)
