"""Many at once: cut at random, slow, a gateway that dies; each hears all, once, in order."""

import asyncio
import random
from pathlib import Path
from typing import Any

import msgspec

from dutchbook.client import Client
from dutchbook.hub.core import Hub
from dutchbook.hub.filters import Filter, compile_filter
from dutchbook.hub.history import History
from dutchbook.hub.session import Limits
from unit.hub.rig import Peer, Rig, signal
from unit.hub.served import Desk

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


async def test_a_hundred_sockets_through_a_server_that_is_killed_and_comes_back(tmp_path: Path):
    """Real sockets and the client library: cuts, slow users, and no good-bye from the server."""
    chance = random.Random(11)
    desk = await Desk(tmp_path).start()
    port = desk.port
    clients = [Client(desk.api.address, desk.hub.token, binary=n % 3 == 0) for n in range(100)]
    heard: list[list[int]] = [[] for _ in clients]
    feeds = []

    async def user(number: int, messages: Any) -> None:
        async for message in messages:
            heard[number].append(message.seq)
            if number % 10 == 0:
                await asyncio.sleep(0.002)

    users = []
    for number, client in enumerate(clients):
        await client.__aenter__()
        filters = msgspec.convert(FILTERS[number % len(FILTERS)], Filter)
        feed, messages = client.feed("signals", filters=filters, after=0)
        feeds.append(feed)
        users.append(asyncio.create_task(user(number, messages)))
    await asyncio.gather(*(client.ready() for client in clients))
    said: list[tuple[int, dict[str, Any]]] = []

    def tell(count: int) -> None:
        for _ in range(count):
            fields = {"confidence": chance.randint(0, 10) * 100_000,
                      "title": f"Story {desk.store.seq + 1}",
                      "venues": (chance.choice(("kalshi", "polymarket")),)}  # fmt: skip
            desk.signals(1, **fields)
            said.append((desk.store.seq, fields))

    for turn in range(6):
        tell(20)
        await asyncio.sleep(0.03)
        for client in chance.sample(clients, 10):
            socket = client._socket
            if socket is not None:
                socket.transport.abort()
        if turn == 3:  # killed: no close frame, no flush; only what is on disk remains
            for session in list(desk.hub.hub.sessions):
                session.peer._socket = None
            # It lives on in this process: whom it accepted last must not get answers from a ghost.
            desk.hub.switch._ended = (1006, "killed")
            desk.api._server.force_exit = True
            await desk.api.stop()
            desk.hub._polling.cancel()
            desk.hub.switch._ticking.cancel()
            await desk.hub.feed.stop()
            desk.hub.log.close()
            desk.store.close()
            desk = await Desk(tmp_path, port).start()
    tell(5)
    wanted = [
        [
            seq for seq, f in said
            if test(_facets(f))
        ]
        for test in TESTS
    ]  # fmt: skip
    for _ in range(1_000):
        if all(heard[n] == wanted[n % len(FILTERS)] for n in range(100)):
            break
        await asyncio.sleep(0.02)
    for number in range(100):
        assert heard[number] == wanted[number % len(FILTERS)], number
        assert feeds[number].missed == 0
    assert min(client.connections for client in clients) >= 2
    for task in users:
        task.cancel()
    await asyncio.gather(*(client.close() for client in clients))
    await desk.stop()


def _facets(fields: dict[str, Any]) -> Any:
    from dutchbook.hub.filters import facets

    return facets(
        "news", venues=fields["venues"], text=fields["title"], confidence=fields["confidence"]
    )
