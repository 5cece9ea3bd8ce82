"""A gateway on a real socket, and a client that may misbehave on it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from dutchbook.runtime.serving import bound, server_of
from unit.gateway.house import Both, standing


@contextlib.asynccontextmanager
async def served(root: Path, **api: str) -> AsyncIterator[tuple[Both, int]]:
    """(the gateway, its port), served as `dutchbook run` serves it."""
    async with standing(root, **api) as both:
        server, sock = server_of(both.serving, lifespan="off"), bound("127.0.0.1", 0)
        task = asyncio.create_task(server._serve([sock]))
        await both.until(lambda: server.started, "it listens")
        yield both, sock.getsockname()[1]
        server.should_exit = True
        await task
        sock.close()


class Line:
    """One connection, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def say(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """(status, headers, body) of the next answer."""
        async with asyncio.timeout(10):
            head = await self.reader.readuntil(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").rstrip().split("\r\n")
            headers = {
                name.lower(): text for name, _, text in (one.partition(": ") for one in lines)
            }
            body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return int(first.split()[1]), headers, body

    async def over(self) -> bool:
        """Whether the other side ended it, with nothing more said."""
        async with asyncio.timeout(10):
            with contextlib.suppress(ConnectionError):
                return await self.reader.read() == b""
        return True


@contextlib.asynccontextmanager
async def line(port: int) -> AsyncIterator[Line]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Line(reader, writer)
    finally:
        writer.close()
