"""The serving half of the hub's bench, in its own process: commands in, one JSON line each out.

`hub`: the hub of a run (journal with fsync, receipts, store of messages) behind picows.
`starlette`: the plain broadcast that it is compared with, on uvicorn, sending as many bytes.
"""

import asyncio
import fcntl
import json
import resource
import sys
import termios
import time
from pathlib import Path
from typing import Any, Final

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from dutchbook.domain.events import Envelope, SignalArrived
from dutchbook.domain.step import Step
from dutchbook.domain.units import Ns
from dutchbook.hub import fast
from dutchbook.runtime.clock import SystemClock
from dutchbook.runtime.hub import RunHub
from dutchbook.state.fresh import FreshLimits
from dutchbook.state.world import World
from dutchbook.storage.store import Store

GROUP: Final = 10
"""Signals of a burst that a commit holds: the loop commits what came during the last one."""


class Desk:
    """Numbers signals as a run does: recorded, committed with fsync, then told."""

    def __init__(self, root: Path) -> None:
        self.clock = SystemClock()
        self.store = Store.open(root)
        world = World(FreshLimits())
        self.hub = RunHub(root, self.store.seq, self.clock.now, lambda: world, lambda event: None)
        self.peak = 0
        self.commits: list[float] = []

    def signal(self) -> None:
        """One signal; its id is the moment at which it was accepted."""
        step = self._step()
        began = time.perf_counter()
        self.store.commit()
        self.commits.append(time.perf_counter() - began)
        self._tell([step])

    def _step(self) -> Step:
        event = SignalArrived(
            "bench", str(time.time_ns()), "news", 800_000, "A headline of the usual length, or so",
            ("kalshi:KXBENCH-26",), ("kalshi",), ("Economics",),
        )  # fmt: skip
        at = Ns(max(self.store.at, self.clock.now()))
        step = Step(Envelope(self.store.seq + 1, at, event))
        self.store.append(step)
        return step

    def _tell(self, steps: list[Step]) -> None:
        for step in steps:
            self.hub.heed(step)
        self.hub.publish()

    def group(self, count: int, single: bool = False) -> None:
        """Signals that came together: one commit holds them. `single`: a frame for each."""
        steps = [self._step() for _ in range(count)]
        self.store.commit()
        if not single:
            self._tell(steps)
            return
        for step in steps:
            self._tell([step])
            self.hub.switch.flush()

    async def do(self, name: str, args: list[float]) -> Any:
        if name == "paced":
            self.commits = []
            await paced(self.signal, *args[:2])
            return {"commit": sorted(self.commits)[len(self.commits) // 2] * 1e3}
        if name == "blast":
            for _ in range(int(args[0]) // GROUP):
                self.group(GROUP, bool(args[2]))
                await asyncio.sleep(0)
            return {"size": len(self.hub.hub.histories["signals"].behind((0, 0), 1)[0].body)}
        if name == "many":
            for _ in range(int(args[0]) // 100):
                self.group(100)
            return {"seq": self.store.seq}
        if name == "stall":
            return await self._stall(int(args[0]))
        waits = max((session.queued for session in self.hub.hub.sessions), default=0)
        return {"sessions": len(self.hub.hub.sessions), "waits": waits}

    async def _stall(self, count: int) -> Any:
        """Publish while somebody stands still; the most that it made us keep."""
        for _ in range(count):
            self.group(4)
            for session in self.hub.hub.sessions:
                under = session.peer._transport
                held = session.queued
                if under is not None:
                    socket = under.underlying_transport
                    held += socket.get_write_buffer_size() + _in_kernel(socket)
                self.peak = max(self.peak, held)
            await asyncio.sleep(0.002)
        return {"peak": self.peak, "sessions": len(self.hub.hub.sessions)}

    async def serve(self) -> int:
        server = await fast.serve(self.hub.switch, "127.0.0.1", 0)
        await self.hub.start()
        return int(server.sockets[0].getsockname()[1])


def _in_kernel(transport: Any) -> int:
    """Bytes that the kernel keeps of what a socket was given and its peer did not take."""
    number = transport.get_extra_info("socket").fileno()
    return int.from_bytes(fcntl.ioctl(number, termios.TIOCOUTQ, bytes(4)), sys.byteorder)


class Plain:
    """Every socket in a set, and a loop that sends to each: the way of most tutorials."""

    def __init__(self) -> None:
        self.sockets: dict[WebSocket, None] = {}
        self.text = ""

    async def endpoint(self, socket: WebSocket) -> None:
        await socket.accept()
        self.sockets[socket] = None
        try:
            while True:
                await socket.receive_text()
        except WebSocketDisconnect:
            self.sockets.pop(socket, None)

    async def tell(self, text: str) -> None:
        for socket in list(self.sockets):
            await socket.send_text(text)

    async def do(self, name: str, args: list[float]) -> Any:
        if name == "blast":
            for _ in range(int(args[0])):
                await self.tell("x" * int(args[1]))
        if name == "paced":
            stamped = '{"id":"%d","x":"' + "x" * int(args[2]) + '"}'
            return await paced(lambda: self.tell(stamped % time.time_ns()), *args[:2])
        return {"sessions": len(self.sockets)}

    async def serve(self) -> int:
        app = Starlette(routes=[WebSocketRoute("/ws", self.endpoint)])
        config = uvicorn.Config(
            app, host="127.0.0.1", port=0, log_level="warning", lifespan="off", backlog=4_096,
            ws="websockets-sansio", ws_per_message_deflate=False,
        )  # fmt: skip
        server = uvicorn.Server(config)
        self._task = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        return int(server.servers[0].sockets[0].getsockname()[1])


async def paced(call: Any, rate: float, seconds: float) -> Any:
    """`rate` calls a second."""
    began = time.perf_counter()
    for n in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, began + n / rate - time.perf_counter()))
        answer = call()
        if answer is not None:
            await answer
    return {"calls": int(rate * seconds)}


async def main() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    served: Desk | Plain = Desk(Path(sys.argv[2])) if sys.argv[1] == "hub" else Plain()
    port = await served.serve()
    token = served.hub.token if isinstance(served, Desk) else ""
    print(json.dumps({"port": port, "token": token}), flush=True)
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := (await reader.readline()).decode().split():
        told = await served.do(line[0], [float(part) for part in line[1:]])
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    uvloop.run(main())
