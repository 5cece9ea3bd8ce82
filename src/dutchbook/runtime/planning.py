"""Solves what the engine asks of the optimiser: small questions at once, large ones in a process.

The worker may die or hang: then its questions are answered with why, it is started anew with the
next one, and the engine asks again in its own time. One that ends before its first answer is not
started again for a while, so that a broken installation costs no process a second. Models are kept
warm on both sides.
"""

import asyncio
import contextlib
import struct
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec

from dutchbook.domain.events import Event
from dutchbook.domain.plans import PlanReady, SolvePlan
from dutchbook.runtime.cores import serves

if TYPE_CHECKING:
    from dutchbook.optimize.planner import Planner

HEAD: Final = struct.Struct(">I")
FRAME_MAX: Final = 64 << 20
"""Bytes of one question or answer, at most."""
WORKER_NICE: Final = 5
REST_S: Final = (1.0, 60.0)
"""How long no worker is started after one that never answered: at first, and at most."""


class Planning:
    """`tell` gives the engine its answers. `died` counts workers that ended or were ended."""

    def __init__(self, inline_max: int, wait_s: float, tell: Callable[[Event], None]) -> None:
        self.inline_max, self.wait_s, self.tell = inline_max, wait_s, tell
        self.died = 0
        self._rest_s = self._rests = 0.0
        self._answered = 0
        self._here: Planner | None = None
        self._worker: asyncio.subprocess.Process | None = None
        self._queue: asyncio.Queue[SolvePlan] = asyncio.Queue()
        self._pump: asyncio.Task[None] | None = None

    def carry(self, asked: SolvePlan) -> None:
        """Answer a question, now or later; every one gets exactly one answer."""
        if len(asked.markets) <= self.inline_max:
            if self._here is None:
                from dutchbook.optimize.planner import Planner

                self._here = Planner()
            self.tell(self._here.solve(asked))
            return
        self._queue.put_nowait(asked)
        if self._pump is None:
            self._pump = asyncio.create_task(self._work(), name="planning")

    @property
    def pid(self) -> int:
        """The worker's process, 0 while there is none."""
        return self._worker.pid if self._worker is not None else 0

    async def stop(self) -> None:
        """End the worker; questions that wait are left without an answer: the run is over."""
        if self._pump is not None:
            self._pump.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._pump
        await self._end()

    async def _work(self) -> None:
        while True:
            asked = await self._queue.get()
            left = self._rests - asyncio.get_running_loop().time()
            if left > 0:
                why = f"no worker: the last ones never answered; the next in {left:.0f} s"
                self.tell(PlanReady(asked.name, asked.number, why=why))
                continue
            try:
                async with asyncio.timeout(self.wait_s):
                    answer = await self._ask(asked)
            except TimeoutError:
                answer = PlanReady(asked.name, asked.number, why="the worker took too long")
                await self._end()
            except (OSError, asyncio.IncompleteReadError, msgspec.MsgspecError) as error:
                why = f"the worker ended: {type(error).__name__}"
                answer = PlanReady(asked.name, asked.number, why=why)
                await self._end()
            self.tell(answer)

    async def _ask(self, asked: SolvePlan) -> PlanReady:
        worker = self._worker
        if worker is None:
            worker = self._worker = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "dutchbook.runtime.planning",
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is not for it, not even while it begins
            )  # fmt: skip
        assert worker.stdin is not None and worker.stdout is not None
        data = msgspec.msgpack.encode(asked)
        if worker.stdin.is_closing():  # uvloop's own error for this is no OSError
            raise BrokenPipeError("it had ended before")
        worker.stdin.write(HEAD.pack(len(data)) + data)
        await worker.stdin.drain()
        (size,) = HEAD.unpack(await worker.stdout.readexactly(HEAD.size))
        self._rest_s, self._answered = 0.0, worker.pid
        if size > FRAME_MAX:
            raise msgspec.ValidationError(f"an answer of {size} bytes")
        return msgspec.msgpack.decode(await worker.stdout.readexactly(size), type=PlanReady)

    async def _end(self) -> None:
        worker, self._worker = self._worker, None
        if worker is None:
            return
        self.died += 1
        first, most = REST_S
        if self._answered != worker.pid:
            self._rest_s = min(most, self._rest_s * 2 or first)
            self._rests = asyncio.get_running_loop().time() + self._rest_s
        with contextlib.suppress(ProcessLookupError):
            worker.kill()
        await worker.wait()


def work(read: Callable[[int], bytes], write: Callable[[bytes], object]) -> None:
    """The worker's loop: a question in, an answer out, until the input ends."""
    from dutchbook.optimize.planner import Planner

    planner = Planner()
    while len(head := read(HEAD.size)) == HEAD.size:
        (size,) = HEAD.unpack(head)
        asked = msgspec.msgpack.decode(read(size), type=SolvePlan)
        data = msgspec.msgpack.encode(planner.solve(asked))
        write(HEAD.pack(len(data)) + data)


def main() -> None:
    """Run as a process of its own, for as long as somebody writes to it."""
    serves(WORKER_NICE)
    out = sys.stdout.buffer

    def write(data: bytes) -> None:
        out.write(data)
        out.flush()

    work(sys.stdin.buffer.read, write)


if __name__ == "__main__":
    main()
