"""A hub elsewhere, through a real Redis that is stopped and loses everything on the way."""

import asyncio
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from dutchbook.client import Client
from dutchbook.domain.account_events import OrderFilled
from dutchbook.domain.effects import Alert
from dutchbook.domain.units import Ns
from dutchbook.hub import fast
from dutchbook.hub.fanout import Fanout
from dutchbook.hub.redis_feed import RedisFeed
from dutchbook.runtime.clock import SystemClock
from unit.hub.served import Desk, collect

pytestmark = pytest.mark.skipif(not shutil.which("redis-server"), reason="no redis-server here")


def redis(port: int, folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["redis-server", "--port", str(port), "--save", "", "--dir", str(folder)],
        stdout=subprocess.DEVNULL,
    )


async def test_a_bus_that_forgets_is_filled_again_from_the_record(tmp_path: Path):
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    url = f"redis://127.0.0.1:{port}"
    server = redis(port, tmp_path)
    desk = await Desk(tmp_path / "run", redis=url).start()
    try:
        desk.signals(20)
        fanout = Fanout(
            desk.hub.root, SystemClock().now, feed=lambda begin, take: RedisFeed(url, begin, take)
        )
        listening = await fast.serve(fanout.switch, "127.0.0.1", 0)
        fanout.start()
        await asyncio.wait_for(fanout.ready.wait(), 10)
        address = f"ws://127.0.0.1:{listening.sockets[0].getsockname()[1]}/ws"
        async with Client(address, desk.hub.token) as client:
            feed, messages = client.feed("signals", after=5)
            assert [m.seq for m in await collect(messages, 15)] == list(range(6, 21))
            server.kill()
            server.wait()
            desk.signals(5)
            await asyncio.sleep(0.3)
            server = redis(port, tmp_path)
            desk.signals(5)
            assert [m.seq for m in await collect(messages, 10, 20)] == list(range(21, 31))
            assert (feed.missed, feed.repeated) == (0, 0)
            fill = OrderFilled(
                "kalshi", "main", "e-1", "v1", "t1", "kalshi:FED", "yes", "buy", 1, 1, 0, False,
                Ns(0),
            )  # fmt: skip
            desk.tell(fill, (Alert("info", "k", "one step"), Alert("info", "l", "two")))
            told = await collect(client.listen("alerts", after=30), 2)
            assert [(m.seq, m.n) for m in told] == [(31, 1), (31, 2)]
        listening.close()
        await fanout.stop()
    finally:
        await desk.stop()
        server.kill()
        server.wait()
