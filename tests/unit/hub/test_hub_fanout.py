"""A process that fans out beside the run: the same messages, through ends and restarts."""

import asyncio
import json
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from dutchbook.client import Client
from dutchbook.domain.events import SignalArrived
from dutchbook.hub import fast, wire
from dutchbook.hub.fanout import SOCKET, Fanout
from dutchbook.hub.posting import BadSignal
from dutchbook.runtime.clock import SystemClock
from unit.hub.served import Desk, collect, served


async def fanned(root: Path, room: int = 20_000) -> tuple[Fanout, asyncio.Server, str]:
    fanout = Fanout(root / "hub", SystemClock().now, room=room)
    server = await fast.serve(fanout.switch, "127.0.0.1", 0)
    fanout.start()
    await asyncio.wait_for(fanout.ready.wait(), 5)
    return fanout, server, f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws"


async def test_a_run_that_ends_and_comes_back_is_followed_without_loss(tmp_path: Path):
    async with served(tmp_path) as desk:
        desk.signals(6)
        fanout, server, url = await fanned(tmp_path)
        client = Client(url, desk.hub.token)
        feed, messages = client.feed("signals", after=2)
        async with client:
            assert [m.seq for m in await collect(messages, 4)] == [3, 4, 5, 6]
            desk.signals(2)
            assert [m.seq for m in await collect(messages, 2)] == [7, 8]
            await desk.stop()
            later = await Desk(tmp_path).start()
            later.signals(3)
            assert [m.seq for m in await collect(messages, 3)] == [9, 10, 11]
            assert (feed.missed, feed.repeated, client.connections) == (0, 0, 1)
            assert fanout.hub.key == later.hub.signer.public
        server.close()
        await fanout.stop()
        await later.stop()
        desk.store, desk.hub, desk.api = later.store, later.hub, later.api


async def test_a_resume_beyond_its_memory_is_read_from_the_run(tmp_path: Path):
    async with served(tmp_path) as desk:
        fanout, server, url = await fanned(tmp_path, room=10)
        for _ in range(8):
            desk.burst(500)
        async with Client(url, desk.hub.token) as client:
            heard = await collect(client.listen("signals", after=0), 4_000, 20)
        assert [m.seq for m in heard] == list(range(1, 4_001))
        server.close()
        await fanout.stop()


async def test_the_door_is_the_same_as_that_of_the_run(tmp_path: Path):
    async with served(tmp_path) as desk:
        fanout, server, url = await fanned(tmp_path)
        assert (tmp_path / "hub" / SOCKET).stat().st_mode & 0o077 == 0
        async with connect(url) as socket:
            await socket.send('{"type":"auth","token":"wrong"}')
            assert json.loads(await socket.recv())["code"] == "bad_token"
            with pytest.raises(ConnectionClosed) as ended:
                await socket.recv()
            assert ended.value.rcvd.code == wire.UNAUTHENTICATED
        for where, headers, status in (
            (url + "?token=x", {}, 403), (url, {"origin": "https://evil.example"}, 403),
            (url[:-3] + "/other", {}, 404),
        ):  # fmt: skip
            with pytest.raises(InvalidStatus) as refused:
                await connect(where, additional_headers=headers)
            assert refused.value.response.status_code == status
        async with connect(url) as socket:
            await socket.send(" " * 70_000)
            with pytest.raises(ConnectionClosed) as ended:
                await socket.recv()
            assert ended.value.rcvd.code == wire.TOO_BIG
        async with connect(url + "/owner") as socket:
            auth = json.dumps({"type": "auth", "token": desk.hub.token})
            await socket.send([auth[:10], auth[10:]])
            assert json.loads(await socket.recv())["key"] == desk.hub.signer.public
        server.close()
        await fanout.stop()


async def test_a_gateway_posts_through_the_feed(tmp_path: Path):
    """What `hub.asgi.router` needs in another process: the run numbers, twice is once."""
    async with served(tmp_path) as desk:
        fanout, server, url = await fanned(tmp_path)
        for _ in range(100):
            if fanout.feed._writer is not None:
                break
            await asyncio.sleep(0.01)
        event = SignalArrived("them", "a", "news", 700_000, "Title")
        assert await fanout.post(event) == (1, False)
        assert await fanout.post(event) == (1, True)
        with pytest.raises(BadSignal) as refused:
            await fanout.post(SignalArrived("them", "a", "news", 700_000, "Other"))
        assert refused.value.code == "other_words"
        async with Client(url, desk.hub.token) as client:
            [heard] = await collect(client.listen("signals", after=0), 1)
        assert (heard.publisher, heard.seq) == ("them", 1)
        server.close()
        await fanout.stop()
