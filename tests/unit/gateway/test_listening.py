"""`/ws` by the gateway's rights: who hears what, from where, and until when."""

import asyncio
import contextlib
import gc
import json
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.asyncio.client import connect

from dutchbook.client import Client, HubError
from dutchbook.hub import wire
from unit.gateway.house import Both, plain
from unit.gateway.served import served

pytestmark = pytest.mark.asyncio(loop_scope="module")


@contextlib.asynccontextmanager
async def told(root: Path, **api: str) -> AsyncIterator[tuple[Both, str]]:
    """A run whose hub is open, and its gateway on a socket."""
    async with served(root, enabled="true", **api) as (both, port):
        await both.until(both.serving.hub.fanout.ready.is_set, "the hub follows")
        yield both, f"http://127.0.0.1:{port}"


async def post(both: Both, key: dict[str, str], name: str, **more: Any) -> Any:
    said = {"kind": "news", "confidence": "0.9", "id": name, "title": name, **more}
    return await both.call("POST", "/signals", key, said)


async def next_of(messages: Any) -> Any:
    return await asyncio.wait_for(anext(messages), 10)


async def test_each_hears_what_they_may_and_only_as_long(tmp_path: Path) -> None:
    async with told(tmp_path) as (both, url):
        viewer, service = both.key("viewer"), both.key("service")
        narrow = both.key("admin", scopes=("signals:read",))
        assert (await post(both, viewer, "s0")).status_code == 403
        async with Client(url, viewer["X-Dutchbook-Key"]) as client:
            messages = client.listen("signals", after=0)
            assert plain(first := await post(both, service, "s1"))["duplicate"] is False
            assert first.status_code == 202 and (await post(both, service, "s1")).status_code == 200
            got = await next_of(messages)
            name = f"key:{service['X-Dutchbook-Key'][3:15]}"
            assert (got.publisher, got.id, got.seq) == (name, "s1", plain(first)["seq"])
            assert client.welcome.client_id == f"key:{viewer['X-Dutchbook-Key'][3:15]}"
            rows = plain(await both.call("GET", "/api/v1/signals?after=0", viewer))
            assert [row["id"] for row in rows["messages"]] == ["s1"]
        async with Client(url, narrow["X-Dutchbook-Key"]) as client:
            with pytest.raises(HubError, match="forbidden"):
                await next_of(client.listen("fills"))
            both.gateway.identity.keys.revoke(
                narrow["X-Dutchbook-Key"][3:15], both.gateway.clock.now()
            )
            await both.until(lambda: client._dead is not None, "a revoked key hears no more")
            assert "bad_token" in str(client._dead)
        refused = await both.call("GET", "/api/v1/stream/fills", both.key("service"))
        assert (refused.status_code, plain(refused)["error"]) == (403, "forbidden")


async def test_tickets_are_good_once_and_keys_only_from_their_address(tmp_path: Path) -> None:
    async with told(tmp_path) as (both, url):
        elsewhere = both.key("viewer", addresses=("192.168.7.0/24",))["X-Dutchbook-Key"]
        local = (tmp_path / "sim" / "hub" / "token").read_text().strip()
        for bad in (elsewhere, local[:-1], "a.b.c", "é" * 9, ""):
            async with Client(url, bad) as client:
                with pytest.raises(HubError, match=r"bad_token|unauthenticated"):
                    await asyncio.wait_for(client.ready(), 10)
        async with Client(url, local) as client:
            assert (await client.ready()).client_id == "owner"
        bearer = {"Authorization": f"Bearer {local}"}
        assert (await post(both, bearer, "mine")).status_code == 202
        for path in ("/api/v1/orders/cancel", "/api/v1/control/kill", "/api/v1/keys"):
            assert (await both.call("POST", path, bearer, {})).status_code == 403, path


async def test_a_gateway_that_only_reads_takes_no_signals(tmp_path: Path) -> None:
    async with told(tmp_path, read_only="true") as (both, url):
        answer = await post(both, both.key("admin"), "s1")
        assert (answer.status_code, plain(answer)["code"]) == (403, "read_only")
        async with Client(url, both.key("viewer")["X-Dutchbook-Key"]) as client:
            await asyncio.wait_for(client.ready(), 10)


async def test_what_only_the_run_keeps_is_said_to_be_away_with_it(
    tmp_path: Path, monkeypatch: Any
) -> None:
    """It was a defect, 500; and a run that stood still held whoever posted for ever."""
    async with told(tmp_path) as (both, _):
        service, fanout = both.key("service"), both.serving.hub.fanout
        monkeypatch.setattr("dutchbook.hub.feed.ANSWER_SECONDS", 0.2)
        heard = fanout.feed._writer

        class Deaf:
            def write(self, data: bytes) -> None: ...

        fanout.feed._writer = Deaf()
        silent = await post(both, service, "s1")
        assert (silent.status_code, plain(silent)["code"]) == (504, "outcome_unknown")
        fanout.hub.histories["signals"].floor = (10**9, 0)
        for writer in (Deaf(), None):
            fanout.feed._writer = writer
            old = await both.call("GET", "/api/v1/signals?after=0", service)
            assert (old.status_code, plain(old)["code"]) == (503, "not_running")
        assert not fanout.feed._asked
        fanout.feed._writer = heard
        assert (await post(both, service, "s1")).status_code == 202


def kept(port: int) -> int:
    """Bytes that the kernel keeps for the other end of a connection from this local port."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    rows = [line.split() for line in lines]
    return sum(int(row[4][:8], 16) for row in rows if int(row[2][-4:], 16) == port)


async def test_one_that_stands_still_costs_little_and_holds_up_nobody(
    tmp_path: Path, record_property: Any
) -> None:
    """P22: a stalled socket has bounded memory, then is cut; the others hear everything."""
    async with told(tmp_path) as (both, url):
        service, viewer = both.key("service"), both.key("viewer")["X-Dutchbook-Key"]
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        sock.setblocking(False)
        host, _, port = url.removeprefix("http://").partition(":")
        await asyncio.get_running_loop().sock_connect(sock, (host, int(port)))
        hub = both.serving.hub.fanout.hub
        stalled = await connect(f"ws://{host}:{port}/ws", sock=sock, max_queue=1)
        assert stalled.protocol.extensions == []  # JSON14: nothing is inflated here
        for said in ({"type": "auth", "token": viewer},
                     {"type": "subscribe", "channel": "signals"}):  # fmt: skip
            await stalled.send(json.dumps(said))
        await both.until(lambda: any(one.members for one in hub.sessions), "it listens")
        [slow] = hub.sessions
        mine = sock.getsockname()[1]
        [transport] = [
            one.transport for one in gc.get_objects()
            if isinstance(one, WebSocketsSansIOProtocol) and one.client[1] == mine
        ]  # fmt: skip
        async with Client(url, viewer) as client:
            messages, spans, held = client.listen("signals", after=0), [], 0
            for n in range(160):
                began = time.perf_counter()
                await post(both, service, f"p{n}", body="x" * 60_000)
                assert (await next_of(messages)).id == f"p{n}"
                spans.append(time.perf_counter() - began)
                below = kept(mine) + transport.get_write_buffer_size()
                held = max(held, slow.queued + slow.peer._bytes + below)
                if slow not in hub.sessions:
                    break
            assert slow not in hub.sessions and slow.peer._closing[0] == wire.SLOW
            assert 256 << 10 < held <= 1 << 20
            for n in range(3):
                await post(both, service, f"after {n}")
                assert (await next_of(messages)).id == f"after {n}"
        record_property("bytes that one stalled listener holds", held)
        record_property("signal to listener beside it, ms", round(1_000 * max(spans), 1))
        stalled.transport.abort()
