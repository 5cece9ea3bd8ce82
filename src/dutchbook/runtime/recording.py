"""Keeps the raw frames of venues for a while: drivers, and a recorder beneath them."""

import asyncio
import contextlib
import signal
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from dutchbook.domain.errors import DutchbookError, VenueUnreachable
from dutchbook.domain.events import Event
from dutchbook.domain.units import SECOND, Ns
from dutchbook.io.driver import Driver
from dutchbook.io.ports import Transport
from dutchbook.io.signer import Signer
from dutchbook.runtime.clock import SystemClock
from dutchbook.venues.base import Venue

_TICK: Final = 1.0


class Recorder(Protocol):
    """What keeps frames: `storage.raw.RawRecorder`."""

    frames: int

    def record(self, t: Ns, stream: str, data: str | bytes) -> None: ...
    def tick(self, now: Ns) -> None: ...
    def close(self) -> None: ...


async def record(
    venues: Sequence[Venue],
    signer: Signer,
    transport: Transport,
    recorder: Recorder,
    span: Ns,
    progress: Callable[[str], None],
) -> dict[str, Any]:
    """Record for `span` ns, or until interrupted; return the counts.

    Raises JournalError when the disk refuses, VenueUnreachable when no stream ever opened.
    """
    clock = SystemClock()
    end = asyncio.Event()
    failed: list[DutchbookError] = []
    kinds: Counter[str] = Counter()

    def keep(stream: str, now: Ns, data: bytes) -> None:
        try:
            recorder.record(now, stream, _text(data))
        except DutchbookError as error:
            failed.append(error)
            end.set()

    def count(stream: str, events: list[Event]) -> None:
        kinds.update(type(event).__name__ for event in events)

    drivers = [
        Driver(v, count, clock=clock, signer=signer, transport=transport, record=keep)
        for v in venues
    ]
    began = clock.mono()
    with _interrupts(end):
        for driver in drivers:
            driver.start()
        while not end.is_set() and clock.mono() - began < span:
            left = (span - (clock.mono() - began)) / SECOND
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(end.wait(), min(_TICK, max(left, 0.0)))
            if not failed:
                recorder.tick(clock.now())
            progress(_line(drivers, recorder, clock.mono() - began))
    await asyncio.gather(*(driver.stop() for driver in drivers))
    await transport.close()
    if failed:
        raise failed[0]
    recorder.close()
    if not kinds["FeedUp"]:
        names = ", ".join(venue.name for venue in venues)
        raise VenueUnreachable(f"no stream of {names} could be opened", todo="see the log above")
    return _counts(drivers, recorder, kinds, clock.mono() - began)


def _text(data: bytes) -> str | bytes:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _line(drivers: list[Driver], recorder: Recorder, span: int) -> str:
    up = sum(sum(driver.streams().values()) for driver in drivers)
    return f"{span / SECOND:5.0f} s  {recorder.frames:,} frames  {up} streams connected"


def _counts(
    drivers: list[Driver], recorder: Recorder, kinds: Counter[str], span: int
) -> dict[str, Any]:
    total: Counter[str] = Counter()
    for driver in drivers:
        total.update(driver.counts)
    return {
        "venues": [driver.venue.name for driver in drivers],
        "seconds": span // SECOND,
        "frames": recorder.frames,
        "bytes": total["bytes"],
        "calls": total["calls"],
        "throttled": total["throttled"],
        "defects": total["defects"],
        "reconnects": max(0, kinds["FeedUp"] - sum(len(d.streams()) for d in drivers)),
        "gaps": kinds["FeedGap"],
        "malformed": kinds["BadInput"],
    }


@contextlib.contextmanager
def _interrupts(end: asyncio.Event) -> Any:
    """An interrupt or a request to end finishes the recording in good order."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)
    try:
        for number in signals:
            loop.add_signal_handler(number, end.set)
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
