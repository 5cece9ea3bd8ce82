"""How long the pretend exchanges live: until a signal, their parent's end, or a failure."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Coroutine
from typing import Any, Final

WATCH_S: Final = 0.25


async def until_told(failure: Coroutine[Any, Any, None], parent: int, child: bool) -> str:
    """Wait for SIGINT or SIGTERM, the end of the parent process, or with `child` of stdin.

    `parent` is its id, read before it could have ended unseen. Returns why; raises what
    `failure` raises.
    """
    loop = asyncio.get_running_loop()
    told: asyncio.Future[str] = loop.create_future()

    def tell(why: str) -> None:
        if not told.done():
            told.set_result(why)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, tell, signal.Signals(number).name)
    watches = [asyncio.create_task(_parent_end(parent, tell))]
    if child:
        loop.add_reader(sys.stdin.fileno(), _on_stdin, tell)
    broken = asyncio.create_task(failure)
    try:
        ends: list[asyncio.Future[Any]] = [told, broken]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if broken.done():
            broken.result()
        return told.result() if told.done() else "ended"
    finally:
        if child:
            loop.remove_reader(sys.stdin.fileno())
        for task in (*watches, broken):
            task.cancel()


async def _parent_end(parent: int, tell: Any) -> None:
    while os.getppid() == parent:
        await asyncio.sleep(WATCH_S)
    tell("the process that started this one has ended")


def _on_stdin(tell: Any) -> None:
    with contextlib.suppress(BlockingIOError):
        if not os.read(sys.stdin.fileno(), 65_536):
            tell("standard input closed")
