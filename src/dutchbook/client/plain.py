"""The same without async: a plain loop over messages, with the connection in a thread."""

import asyncio
import queue
import threading
from collections.abc import Generator
from typing import Any, Final

from dutchbook.client.link import Client

ROOM: Final = 1_000


def follow(client: Client, channel: str, **more: Any) -> Generator[Any, None, None]:
    """`for signal in follow(Client.local(), "signals", min_confidence="0.7"): ...`

    Arguments as `Client.listen`. The client belongs to the loop and ends with it.
    """
    waiting: queue.Queue[Any] = queue.Queue(ROOM)
    stop = threading.Event()

    async def work() -> None:
        async with client:
            async for message in client.listen(channel, **more):
                while not stop.is_set():
                    try:
                        waiting.put_nowait(message)
                        break
                    except queue.Full:
                        await asyncio.sleep(0.01)

    async def until_stopped() -> None:
        task = asyncio.create_task(work())
        while not task.done() and not stop.is_set():
            await asyncio.wait({task}, timeout=0.1)
        if not task.done():
            task.cancel()
            return
        error = task.exception()
        if error is not None:
            waiting.put(error)

    thread = threading.Thread(
        target=lambda: asyncio.run(until_stopped()), name="hub client", daemon=True
    )
    thread.start()
    try:
        while True:
            item = waiting.get()
            if isinstance(item, Exception):
                raise item
            yield item
    finally:
        stop.set()
        thread.join(5)
