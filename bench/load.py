"""A pretend Kalshi that only sends, fast: run in a process of its own by `bench/feed.py`.

    python load.py RATE SECONDS MARKETS

Prints its port, takes one client, sends every book, waits a second, then sends deltas at RATE a
second on an absolute schedule, each stamped (`ts_ms`) as it is written. Prints {"sent",
"first_ns", "last_ns", "late_ms"} after the last one: `late_ms` is the most that it was behind.
"""

import asyncio
import base64
import hashlib
import json
import sys
import time
from pathlib import Path
from typing import Final

BURST: Final = 0.004
"""Seconds between two writes: the frames of a write are those that are due."""
GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
STAMP: Final = b'"ts_ms":1786085188978'


def framed(text: bytes) -> bytes:
    """An unmasked text message on the wire."""
    size = len(text)
    if size < 126:
        return bytes((0x81, size)) + text
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + text
    return b"\x81\x7f" + size.to_bytes(8, "big") + text


async def serve(rate: int, seconds: float, markets: int) -> None:
    from bench.frames import kalshi_made

    made = [framed(text) for text in kalshi_made(int(rate * seconds), markets)]
    books, deltas = made[: markets + 1], made[markets + 1 :]
    parts = [delta.split(STAMP) for delta in deltas]
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        key = next(
            line.split(b":", 1)[1].strip()
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"sec-websocket-key")
        )
        accept = base64.b64encode(hashlib.sha1(key + GUID, usedforsecurity=False).digest())
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        await reader.read(65_536)  # its subscription
        writer.write(b"".join(books))
        await writer.drain()
        await asyncio.sleep(1.0)
        print(json.dumps(await _send(writer, parts, rate)), flush=True)
        await reader.read(-1)
        writer.close()
        done.set_result(None)

    server = await asyncio.start_server(client, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await done
    server.close()


async def _send(
    writer: asyncio.StreamWriter, parts: list[list[bytes]], rate: int
) -> dict[str, float]:
    began, sent, late = time.perf_counter(), 0, 0.0
    first = time.time_ns()
    while sent < len(parts):
        due = min(int((time.perf_counter() - began) * rate) + 1, len(parts))
        if due > sent:
            late = max(late, time.perf_counter() - began - sent / rate)
            stamp = b'"ts_ms":%d' % (time.time_ns() // 1_000_000)
            writer.write(b"".join(stamp.join(part) for part in parts[sent:due]))
            sent = due
            await writer.drain()
        await asyncio.sleep(BURST)
    return {"sent": sent, "first_ns": first, "last_ns": time.time_ns(), "late_ms": late * 1_000}


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])))
