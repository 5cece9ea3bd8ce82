"""`/ws` by the gateway's rights: who hears what, from where, and until when."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from dutchbook.client import Client, HubError
from unit.gateway.house import Both, plain, standing

pytestmark = pytest.mark.asyncio(loop_scope="module")


@contextlib.asynccontextmanager
async def told(root: Path, **api: str) -> AsyncIterator[tuple[Both, str]]:
    """A run whose hub is open, and its gateway on a socket."""
    async with standing(root, enabled="true", **api) as both:
        server = uvicorn.Server(
            uvicorn.Config(both.serving.app, port=0, log_config=None, lifespan="off",
                           ws="websockets-sansio")
        )  # fmt: skip
        task = asyncio.create_task(server._serve())
        await both.until(lambda: server.started, "it listens")
        await both.until(both.serving.hub.fanout.ready.is_set, "the hub follows")
        yield both, f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        server.should_exit = True
        await task


async def post(both: Both, key: dict[str, str], name: str) -> Any:
    said = {"kind": "news", "confidence": "0.9", "id": name, "title": name}
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
