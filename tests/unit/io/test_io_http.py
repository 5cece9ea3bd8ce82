"""Calls against a real HTTP server on the loopback: answers, limits, and how they are lost."""

import asyncio
import gzip
from contextlib import asynccontextmanager

import pytest

from dutchbook.domain.units import MILLI, Ns
from dutchbook.io import http
from dutchbook.io.http import Network
from dutchbook.io.ports import Lost, Reply
from dutchbook.venues.base import Call


def answer(body=b"", status="200 OK", *headers):
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


@asynccontextmanager
async def server(play):
    """A server that gives each request's head and body to `play`, which writes what it likes."""
    connections = []

    async def handle(reader, writer):
        connections.append(writer)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                size = [x for x in head.split(b"\r\n") if x.lower().startswith(b"content-length")]
                body = await reader.readexactly(int(size[0].split(b":")[1])) if size else b""
                await play(head, body, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(handle, "127.0.0.1", 0)
    network = Network()
    async with listening:
        yield network, f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", connections
        await network.close()
        for writer in connections:
            writer.close()


async def test_an_answer_and_what_was_asked():
    heard = []

    async def play(head, body, writer):
        heard.append((head, body))
        writer.write(answer(b"pong", "418 Teapot"))

    async with server(play) as (network, base, connections):
        call = Call("1", "POST", f"{base}/a/b?c=d%2Fe", b'{"x":1}')
        assert await network.call(call, {"X-Sig": "s+/="}) == Reply(418, b"pong")
        assert await network.call(Call("2", "GET", base), {}) == Reply(418, b"pong")
    assert heard[0][0].startswith(b"POST /a/b?c=d%2Fe HTTP/1.1\r\n")
    assert b"\r\nx-sig: s+/=\r\n" in heard[0][0].lower()
    assert heard[0][1] == b'{"x":1}'
    assert len(connections) == 1


async def test_a_redirect_is_an_answer_like_others():
    async def play(head, body, writer):
        writer.write(answer(b"", "302 Found", "Location: http://127.0.0.1:9/"))

    async with server(play) as (network, base, _):
        assert (await network.call(Call("1", "GET", base), {})).status == 302


async def test_silence_is_lost_after_the_time_out():
    async def play(head, body, writer):
        await asyncio.sleep(30)

    async with server(play) as (network, base, _):
        with pytest.raises(Lost, match=r"no answer within 0\.1 s|Timeout") as lost:
            await network.call(Call("1", "GET", base, timeout=Ns(100 * MILLI)), {})
        assert lost.value.sent is True


async def test_a_drip_does_not_outlast_the_time_out():
    """One byte at a time, each within the read time-out, is still cut at the call's own."""

    async def play(head, body, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(1_000):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with server(play) as (network, base, _):
        with pytest.raises(Lost, match="no answer within"):
            await network.call(Call("1", "GET", base, timeout=Ns(200 * MILLI)), {})


async def test_a_cut_answer_is_lost_after_sending():
    async def play(head, body, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await writer.drain()
        writer.transport.abort()

    async with server(play) as (network, base, _):
        with pytest.raises(Lost) as lost:
            await network.call(Call("1", "GET", base), {})
        assert lost.value.sent is True


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "ftp://127.0.0.1/", "http://"])
async def test_what_can_not_be_reached_never_left(url):
    network = Network()
    with pytest.raises(Lost) as lost:
        await network.call(Call("1", "GET", url), {})
    assert lost.value.sent is False
    await network.close()


async def test_a_header_with_a_line_end_never_leaves():
    async def play(head, body, writer):
        raise AssertionError("must not arrive")

    async with server(play) as (network, base, _):
        with pytest.raises(Lost) as lost:
            await network.call(Call("1", "GET", base), {"A": "b\r\nX: y"})
        assert lost.value.sent is False


@pytest.mark.parametrize("packed", [False, True])
async def test_a_body_beyond_the_limit_is_refused(monkeypatch, packed):
    monkeypatch.setattr(http, "BODY_MAX", 1_000_000)
    text = b"0" * 1_000_001

    async def play(head, body, writer):
        if packed:
            writer.write(answer(gzip.compress(text), "200 OK", "Content-Encoding: gzip"))
        else:
            writer.write(answer(text))

    async with server(play) as (network, base, _):
        with pytest.raises(Lost, match="larger than") as lost:
            await network.call(Call("1", "GET", base), {})
        assert lost.value.sent is True
