"""A TCP proxy that misbehaves by a seeded plan, between a real run and the pretend exchanges.

One `Proxy` stands before one address. Each connection draws a fate when it is made; `now` sets one
for all that is open. What TCP itself can't do (duplicate, re-order) it does not pretend to.
"""

import asyncio
import contextlib
import random
import socket
import struct
from dataclasses import dataclass, field

RST = struct.pack("ii", 1, 0)
CHUNK = 64 * 1024


@dataclass
class Fate:
    """What befalls a connection. Spans in seconds; `after` bytes from the server trigger it.

    latency, jitter: added to each piece. dribble: bytes a second, 0 for all at once.
    cut: "" or how it ends after `after` bytes from the server: fin, rst, freeze, corrupt, deaf
    (we can send and no longer hear), swallow (the request passes, its answer never comes).
    """

    name: str = "plain"
    latency: float = 0.0
    jitter: float = 0.0
    dribble: int = 0
    cut: str = ""
    after: int = 0


FATES = (
    Fate(),
    Fate("slow", latency=0.08, jitter=0.05),
    Fate("dribble", dribble=20_000),
    Fate("fin", cut="fin", after=20_000),
    Fate("rst", cut="rst", after=20_000),
    Fate("freeze", cut="freeze", after=20_000),
    Fate("corrupt", cut="corrupt", after=20_000),
    Fate("deaf", cut="deaf", after=20_000),
    Fate("swallow", cut="swallow", after=0),
)
"""Every fault of the network that a test may draw, by name."""


@dataclass
class Proxy:
    """Listens on a free loopback port; `weights` says how often each fate is drawn."""

    host: str
    port: int
    seed: int
    weights: dict[str, int]
    frozen: bool = False
    counts: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.server: asyncio.Server | None = None
        self.links: set[asyncio.Task[None]] = set()

    async def start(self) -> int:
        """Listen; returns the port."""
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return int(self.server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """End every connection."""
        if self.server is not None:
            self.server.close()
        for link in list(self.links):
            link.cancel()
        await asyncio.gather(*self.links, return_exceptions=True)

    def draw(self) -> Fate:
        """The next connection's fate; the same seed gives the same row of them."""
        names = [fate.name for fate in FATES if self.weights.get(fate.name)]
        chosen = self.random.choices(names, [self.weights[name] for name in names])[0]
        self.counts[chosen] = self.counts.get(chosen, 0) + 1
        fate = next(fate for fate in FATES if fate.name == chosen)
        after = self.random.randrange(fate.after // 4, fate.after + 1) if fate.after else 0
        return Fate(fate.name, fate.latency, fate.jitter, fate.dribble, fate.cut, after)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.links.add(task)
        fate = self.draw()
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            there_reader, there_writer = await asyncio.open_connection(self.host, self.port)
            ways = [
                asyncio.create_task(self._pump(reader, there_writer, Fate("plain"), writer)),
                asyncio.create_task(self._pump(there_reader, writer, fate, there_writer)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
                there_writer.close()
        writer.close()
        self.links.discard(task)

    async def _pump(
        self, reader: asyncio.StreamReader, out: asyncio.StreamWriter, fate: Fate,
        other: asyncio.StreamWriter,
    ) -> None:  # fmt: skip
        passed = 0
        while data := await reader.read(CHUNK):
            while self.frozen:
                await asyncio.sleep(0.02)
            if fate.latency:
                await asyncio.sleep(fate.latency + self.random.random() * fate.jitter)
            passed += len(data)
            if fate.cut and passed > fate.after:
                data = await self._cut(fate, data, out, other)
                if data is None:
                    return
            for start in range(0, len(data), fate.dribble // 20 or len(data)):
                out.write(data[start : start + (fate.dribble // 20 or len(data))])
                await out.drain()
                if fate.dribble:
                    await asyncio.sleep(0.05)

    async def _cut(
        self, fate: Fate, data: bytes, out: asyncio.StreamWriter, other: asyncio.StreamWriter
    ) -> bytes | None:
        """The connection's end, None; or what goes on instead of `data`."""
        if fate.cut == "corrupt":
            place = self.random.randrange(len(data))
            fate.cut = ""  # once
            return data[:place] + bytes([data[place] ^ 0x20]) + data[place + 1 :]
        if fate.cut == "freeze":
            await asyncio.sleep(15)
        elif fate.cut in ("deaf", "swallow"):
            await asyncio.sleep(8)
        if fate.cut in ("rst", "swallow"):
            sock = out.get_extra_info("socket")
            if sock is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST)
            out.transport.abort()
        return None
