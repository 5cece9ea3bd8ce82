"""Clients of the gateway: requests at a set rate, however slow the answers are.

`python -m bench.gateway_load HOST PORT KEY RATE SECONDS CONNECTIONS PATH...` prints `ready` when it
is connected, and in the end one JSON object: how many were sent, answers by status, the latencies
of good and of refused ones, in ms from the moment at which each was due, and how late these clients
themselves were (`late`).
"""

import asyncio
import json
import sys
from collections import Counter, deque
from time import perf_counter
from typing import Any

import uvloop

LATE_MAX = 8
"""Requests that may wait on one connection; beyond that they count as not answered."""


class Client(asyncio.Protocol):
    """One connection; requests are sent one behind the other (HTTP/1.1 pipelining)."""

    def __init__(self) -> None:
        self.due: deque[float] = deque()
        self.codes: Counter[int] = Counter()
        self.good: list[float] = []
        self.refused: list[float] = []
        self.transport: Any = None
        self._rest = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        rest = self._rest + data
        while True:
            end = rest.find(b"\r\n\r\n")
            if end < 0:
                break
            head = rest[:end].lower()
            at = head.find(b"content-length:")
            size = int(head[at + 15 : head.find(b"\r", at) if b"\r" in head[at:] else end])
            if len(rest) < end + 4 + size:
                break
            code = int(rest[9:12])
            rest = rest[end + 4 + size :]
            span = (perf_counter() - self.due.popleft()) * 1_000
            self.codes[code] += 1
            (self.good if code < 400 else self.refused).append(span)
        self._rest = rest

    def send(self, request: bytes, due: float) -> bool:
        if self.transport is None or self.transport.is_closing() or len(self.due) >= LATE_MAX:
            self.codes[0] += 1
            return False
        self.due.append(due)
        self.transport.write(request)
        return True


async def load(
    host: str, port: int, key: str, rate: float, seconds: float, connections: int, paths: list[str]
) -> dict[str, object]:
    loop = asyncio.get_running_loop()
    clients = [(await loop.create_connection(Client, host, port))[1] for _ in range(connections)]
    requests = [
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nX-Dutchbook-Key: {key}\r\n\r\n".encode()
        for path in paths
    ]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    began, sent, late = perf_counter(), 0, []
    while (now := perf_counter() - began) < seconds:
        late.append((now - sent / rate) * 1_000)
        while sent < now * rate:
            clients[sent % connections].send(requests[sent % len(requests)], began + sent / rate)
            sent += 1
        await asyncio.sleep(0.001)
    until = perf_counter() + 3
    while any(client.due for client in clients) and perf_counter() < until:
        await asyncio.sleep(0.01)
    codes: Counter[int] = Counter()
    for client in clients:
        codes.update(client.codes)
        codes[-1] += len(client.due)
        if client.transport is not None:
            client.transport.close()
    good = sorted(span for client in clients for span in client.good)
    refused = sorted(span for client in clients for span in client.refused)
    return {
        "sent": sent, "codes": dict(codes), "good": _spans(good), "refused": _spans(refused),
        "late": _spans(sorted(late)),
    }  # fmt: skip


def _spans(spans: list[float]) -> dict[str, float]:
    if not spans:
        return {}
    marks = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
    return {name: round(spans[int(len(spans) * at)], 2) for name, at in marks.items()}


def main(host: str, port: str, key: str, rate: str, seconds: str, count: str, *paths: str) -> None:
    told = uvloop.run(
        load(host, int(port), key, float(rate), float(seconds), int(count), list(paths))
    )
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
