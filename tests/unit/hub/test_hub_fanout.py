"""A process that fans out beside the run: the same messages, through ends and restarts."""

import asyncio
import fcntl
import json
import socket
import sys
import termios
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from dutchbook.client import Client
from dutchbook.domain.events import SignalArrived
from dutchbook.hub import fast, wire
from dutchbook.hub.fanout import SOCKET, Fanout
from dutchbook.hub.posting import BadSignal
from dutchbook.hub.session import GONE, Session
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


def kept_for(session: Session) -> int:
    """All that the server holds for one connection: the hub, the transport, the kernel."""
    if session.peer._transport is None:
        return session.queued
    under = session.peer._transport.underlying_transport
    number = under.get_extra_info("socket").fileno()
    queue = int.from_bytes(fcntl.ioctl(number, termios.TIOCOUTQ, bytes(4)), sys.byteorder)
    return session.queued + under.get_write_buffer_size() + queue


async def test_one_that_stands_still_costs_a_mebibyte_at_most_and_the_others_nothing(
    tmp_path: Path,
):
    async with served(tmp_path) as desk:
        fanout, server, url = await fanned(tmp_path)
        narrow = socket.socket()
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        narrow.connect(("127.0.0.1", server.sockets[0].getsockname()[1]))
        async with connect(url, sock=narrow) as still, Client(url, desk.hub.token) as other:
            await still.send(json.dumps({"type": "auth", "token": desk.hub.token}))
            await still.recv()
            [session] = fanout.hub.sessions
            await still.send(json.dumps({"type": "subscribe", "channel": "signals"}))
            await still.recv()
            still.transport.pause_reading()
            messages = other.listen("signals", after=0)
            await other.ready()
            most = 0
            for turn in range(40):
                desk.burst(100)
                heard = await collect(messages, 100)
                assert [m.seq for m in heard] == list(range(100 * turn + 1, 100 * turn + 101))
                most = max(most, kept_for(session))
            assert 300 << 10 < most <= 1 << 20
            assert session.state == GONE and fanout.hub.sessions.keys() - {session}
            still.transport.abort()
        server.close()
        await fanout.stop()
