"""One stream of a venue, kept alive: dial, open, read, heartbeat, lose, wait, dial again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from dutchbook.domain.clock import Alarm
from dutchbook.domain.errors import RemoteProtocolError
from dutchbook.domain.events import BadInput, Event, FeedDown, FeedUp
from dutchbook.domain.units import Ns
from dutchbook.io.backoff import Backoff
from dutchbook.io.ports import Link, Lost
from dutchbook.venues.base import Dial

if TYPE_CHECKING:
    from dutchbook.io.driver import Driver

_log = logging.getLogger(__name__)


class Stream:
    """Belongs to a driver. `up`: connected now."""

    def __init__(self, driver: Driver, name: str) -> None:
        self._driver = driver
        self._name = name
        self._backoff = Backoff(f"{driver.seed}:{name}")
        self._link: Link | None = None
        self._lost: asyncio.Future[str] | None = None
        self._task: asyncio.Task[None] | None = None
        self._beat: Alarm | None = None
        self._resuming: asyncio.Task[None] | None = None
        self._told_down = False
        self.up = False

    def start(self) -> None:
        """Keep the stream connected until `stop`."""
        self._task = asyncio.get_running_loop().create_task(self._keep())

    def send(self, data: bytes) -> None:
        """Send now, if connected: what was meant for a lost connection is meant for no other."""
        if self._link is not None:
            self._link.send(data)

    def redial(self, why: str) -> None:
        """Drop the connection; it is dialled anew after the back-off."""
        self._driver.counts["redials"] += 1
        self._drop(why)

    async def stop(self) -> None:
        """Close the connection and end."""
        self.up = False
        for task in (self._task, self._resuming):
            if task is not None:
                task.cancel()
        link, self._link = self._link, None
        if self._beat is not None:
            self._beat.cancel()
        if link is not None:
            await link.close()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def _keep(self) -> None:
        while True:
            try:
                lived = await self._one_life()
            except Exception as error:  # whatever ended this life, the stream is dialled anew
                self._tell_down(self._driver.defect(self._name, error))
                lived = Ns(0)
            await self._sleep(self._backoff.wait(lived))

    async def _one_life(self) -> Ns:
        """Dial once and stay until the connection is lost; return how long it lived, in ns."""
        driver = self._driver
        lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._lost = lost
        try:
            now = driver.clock.now()
            dial = driver.venue.dial(self._name, now)
            headed = tuple(sign for sign in dial.sign if not sign.into)
            headers = driver.signer.headers(dial.headers, headed, now)
            first = driver.signer.fill(dial.first, dial.sign)
            link = await driver.transport.connect(
                dial, headers, lambda frames: self._frames(lost, frames), self._drop_of(lost)
            )
        except Exception as error:
            why = error.why if isinstance(error, Lost) else driver.defect(self._name, error)
            self._tell_down(why)
            return Ns(0)
        began = driver.clock.mono()
        self._opened(link, dial, first)
        why = await lost
        self._closed(why)
        await link.close()
        return Ns(driver.clock.mono() - began)

    def _opened(self, link: Link, dial: Dial, first: bytes) -> None:
        driver = self._driver
        self._link = link
        if first:
            link.send(first)
        self.up = True
        self._told_down = False
        events: list[Event] = [FeedUp(self._name)]
        sound = driver.collect(events, self._name, driver.venue.on_open, self._name)
        driver.sink(self._name, _once(events, FeedUp))
        if not sound:
            self._drop("defect in on_open")
        if dial.heartbeat_every:
            self._heartbeat(link, dial)
        self._read_when_room(link)

    def _closed(self, why: str) -> None:
        driver = self._driver
        _log.info("%s: lost: %s", self._name, why)
        self._link = None
        self.up = False
        if self._beat is not None:
            self._beat.cancel()
        if self._resuming is not None:
            self._resuming.cancel()
        driver.counts["down"] += 1
        self._told_down = True
        events: list[Event] = [FeedDown(self._name, why)]
        args = (self._name, driver.clock.now(), why)
        driver.collect(events, self._name, lambda _now: driver.venue.on_down(*args))
        driver.sink(self._name, _once(events, FeedDown))

    def _tell_down(self, why: str) -> None:
        """Say once that a stream could not be dialled."""
        _log.info("%s: not connected: %s", self._name, why)
        if not self._told_down:
            self._told_down = True
            self._driver.sink(self._name, [FeedDown(self._name, why)])

    def _frames(self, lost: asyncio.Future[str], frames: list[bytes]) -> None:
        """Every message of one read goes through the protocol, with one receive time."""
        if lost.done():
            return
        driver = self._driver
        name, on_frame, record = self._name, driver.venue.on_frame, driver.record
        now = driver.clock.now()
        events: list[Event] = []
        count = size = 0
        for data in frames:
            count += 1
            size += len(data)
            if record is not None:
                record(name, now, data)
            try:
                outs = on_frame(name, data, now)
            except RemoteProtocolError as error:
                events.append(BadInput(name, error.where, error.what, error.market))
                continue
            except Exception as error:  # a defect must not stop the other streams
                self._drop(driver.defect(name, error))
                break
            if outs:
                driver.carry_out(events, outs)
                if lost.done():
                    break
        driver.counts["frames"] += count
        driver.counts["bytes"] += size
        if events:
            driver.sink(name, events)
            driver.dial_new()
        if driver.room is not None and not driver.room.is_set() and self._link is not None:
            self._link.pause()
            self._read_when_room(self._link)

    def _read_when_room(self, link: Link) -> None:
        """Let the connection be read, now or once the inbox has room."""
        room = self._driver.room
        if room is None or room.is_set():
            link.resume()
        elif self._resuming is None or self._resuming.done():
            self._resuming = asyncio.get_running_loop().create_task(self._resume(link, room))

    async def _resume(self, link: Link, room: asyncio.Event) -> None:
        await room.wait()
        link.resume()

    def _heartbeat(self, link: Link, dial: Dial) -> None:
        def beat() -> None:
            if self._link is link:
                link.send(dial.heartbeat.encode())
                self._heartbeat(link, dial)

        self._beat = self._driver.clock.after(dial.heartbeat_every, beat)

    def _drop_of(self, lost: asyncio.Future[str]) -> Callable[[str], None]:
        def drop(why: str) -> None:
            if not lost.done():
                lost.set_result(why)

        return drop

    def _drop(self, why: str) -> None:
        if self._lost is not None and not self._lost.done():
            self._lost.set_result(why)

    async def _sleep(self, span: Ns) -> None:
        rung = asyncio.Event()
        alarm = self._driver.clock.after(span, rung.set)
        try:
            await rung.wait()
        finally:
            alarm.cancel()


def _once(events: list[Event], kind: type[FeedUp] | type[FeedDown]) -> list[Event]:
    """The driver's own word that a stream is up or down, and not the protocol's once more."""
    return events[:1] + [event for event in events[1:] if not isinstance(event, kind)]
