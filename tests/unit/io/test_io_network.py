"""The driver on real sockets: a server that cuts, a venue that fails beside one that works."""

import asyncio

from websockets.asyncio.server import serve

from dutchbook.domain.events import FeedDown, FeedUp
from dutchbook.io.driver import Driver
from dutchbook.io.http import Network
from dutchbook.io.signer import Signer
from dutchbook.runtime.clock import SystemClock
from dutchbook.runtime.inbox import Inbox
from dutchbook.venues.base import Dial
from toy_venue import Toy, book


class There(Toy):
    """The toy venue at a real address."""

    def __init__(self, url, **more):
        super().__init__(**more)
        self.url = url

    def dial(self, stream, now):
        return Dial(self.url)


class Broken(There):
    """Raises on every frame."""

    def on_frame(self, stream, data, now):
        raise KeyError("defect")


def drive(venue, network, clock):
    box = Inbox(clock)
    driver = Driver(venue, box.put, clock=clock, signer=Signer(), transport=network, room=box.room)
    driver.start()
    return driver, box


async def until(box, number):
    got = []
    while len(got) < number:
        await asyncio.wait_for(box.ready(), 20)
        got += [envelope.event for envelope in box.take()]
    return got


async def test_a_server_that_cuts_is_dialled_again_and_a_broken_venue_disturbs_nobody():
    """Each connection gets two frames and is cut, except the third, which stays."""
    connections = []

    async def handler(socket):
        connections.append(socket)
        assert await socket.recv() == "subscribe"
        number = len(connections)
        await socket.send(f'{{"px":{number}}}')
        await socket.send(f'{{"px":{number + 10}}}')
        if number < 3:
            socket.transport.close()
        await socket.wait_closed()

    async def other(socket):
        await socket.send("{}")
        await socket.wait_closed()

    clock, network = SystemClock(), Network()
    async with serve(handler, "127.0.0.1", 0) as one, serve(other, "127.0.0.1", 0) as two:
        urls = [f"ws://127.0.0.1:{s.sockets[0].getsockname()[1]}/" for s in (one, two)]
        driver, box = drive(There(urls[0]), network, clock)
        broken, _ = drive(Broken(urls[1]), network, clock)
        got = await until(box, 11)
        await asyncio.gather(driver.stop(), broken.stop())
        await network.close()
    up = FeedUp("toy.a")
    assert [e for e in got if not isinstance(e, FeedDown)] == [
        up,
        book(1),
        book(11),
        up,
        book(2),
        book(12),
        up,
        book(3),
        book(13),
    ]
    assert [type(e) for e in got].count(FeedDown) == 2
    assert broken.counts["defects"] >= 1 and driver.counts["defects"] == 0
    assert driver.streams() == {"toy.a": False}


async def test_stop_does_not_wait_for_a_server_that_is_deaf():
    """The server reads nothing and never answers a close: stop cuts it."""
    deaf = asyncio.Event()

    async def handler(socket):
        socket.transport.pause_reading()
        await deaf.wait()

    clock, network = SystemClock(), Network()
    async with serve(handler, "127.0.0.1", 0, close_timeout=0.1) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        driver, box = drive(There(url), network, clock)
        await until(box, 1)
        await driver.stop()
        deaf.set()
        await network.close()
    assert driver.streams() == {"toy.a": False} and driver.waiting() == 0
