"""Runs a venue's protocol against the world: one driver for all of them."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from typing import Any, Final, cast

import msgspec

from dutchbook.domain.account_events import ClockSeen
from dutchbook.domain.clock import Alarm, Clock
from dutchbook.domain.effects import Effect
from dutchbook.domain.errors import RemoteProtocolError
from dutchbook.domain.events import BadInput, Event
from dutchbook.domain.units import SECOND, Ns
from dutchbook.io.breaker import Breaker
from dutchbook.io.calls import LATER, URGENT, Calls
from dutchbook.io.ports import Lost, Reply, Transport
from dutchbook.io.signer import Signer
from dutchbook.io.stream import Stream
from dutchbook.venues.base import Call, Drop, Out, Redial, Send, Venue, Wake

STOP_SECONDS: Final = 2.0
CLOCK_EVERY: Final = 10 * SECOND
_ACTIONS: Final = frozenset((Send, Call, Drop, Wake, Redial))
_log = logging.getLogger(__name__)

Sink = Callable[[str, list[Event]], None]
"""Told (stream, events); what comes of calls and wakes has the stream `<venue>.rest`."""
Record = Callable[[str, Ns, bytes], None]


class Driver:
    """Start it, tell it effects with `do`, stop it. Every event goes to `sink`, in order.

    `room`: while this is not set, sockets are not read (the back-pressure of the inbox).
    `barred`: why nothing that takes on risk may leave now, "" if it may; asked at the last moment.
    `breaker`: opened by failures in a row, it refuses what may take on risk, with its reason;
    cancels and questions still go, and close it again.
    `seed` owns the jitter of the back-off. An exception in the protocol is a defect: logged,
    counted, and the stream it concerned is dialled anew, with back-off.
    `counts`: frames, bytes, defects, redials, down, and those of the calls.
    """

    def __init__(
        self,
        venue: Venue,
        sink: Sink,
        *,
        clock: Clock,
        signer: Signer,
        transport: Transport,
        record: Record | None = None,
        room: asyncio.Event | None = None,
        seed: int = 0,
        barred: Callable[[], str] = lambda: "",
        breaker: Breaker | None = None,
    ) -> None:
        self.venue = venue
        self.sink = sink
        self.clock = clock
        self.signer = signer
        self.transport = transport
        self.record = record
        self.room = room
        self.seed = seed
        self.barred = barred
        self.breaker = breaker or Breaker(venue.name)
        self.rest = f"{venue.name}.rest"
        self._wakes: dict[str, Alarm] = {}
        self._streams: dict[str, Stream] = {}
        self._stopped = False
        self._clock_at = Ns(-CLOCK_EVERY)
        self._calls = Calls(venue.buckets(), clock, self._make, self._answered)
        self.counts: Counter[str] = self._calls.counts

    def start(self) -> None:
        """Begin discovery; the streams are dialled as soon as the venue is ready."""
        self.ask(self.rest, self.venue.start)
        self.dial_new()

    def do(self, effect: Effect) -> None:
        """Hand an effect of the engine to the venue; its calls go before all others."""
        if not self._stopped:
            self.ask(self.rest, self.venue.do, effect, priority=URGENT)

    def streams(self) -> dict[str, bool]:
        """Each stream and whether it is connected."""
        return {name: stream.up for name, stream in self._streams.items()}

    def redial_all(self, why: str) -> None:
        """Drop every stream's connection and open it anew."""
        for stream in self._streams.values():
            stream.redial(why)

    def waiting(self) -> int:
        """How many calls wait or are under way."""
        return len(self._calls)

    async def stop(self) -> None:
        """Close everything within 2 s. The transport stays its owner's."""
        self._stopped = True
        for alarm in self._wakes.values():
            alarm.cancel()
        self._wakes.clear()
        ends = [stream.stop() for stream in self._streams.values()]
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await asyncio.gather(self._calls.stop(), *ends, return_exceptions=True)
        except TimeoutError:
            _log.warning("%s: not everything closed within 2 s", self.venue.name)

    def ask(
        self, stream: str, handler: Callable[..., list[Out]], *args: Any, priority: int = LATER
    ) -> bool:
        """Call the protocol and do what it says; false if it broke."""
        events: list[Event] = []
        sound = self.collect(events, stream, handler, *args, priority=priority)
        if events:
            self.sink(stream, events)
        return sound

    def collect(
        self,
        events: list[Event],
        stream: str,
        handler: Callable[..., list[Out]],
        *args: Any,
        priority: int = LATER,
    ) -> bool:
        """As `ask`, but the events are only added to `events`."""
        try:
            outs = handler(*args, self.clock.now())
        except RemoteProtocolError as error:
            events.append(BadInput(stream, error.where, error.what, error.market))
            return True
        except Exception as error:  # a defect of the protocol must not end the others
            where = getattr(handler, "__name__", "")
            events.append(BadInput(stream, where, self.defect(stream, error)))
            return False
        self.carry_out(events, outs, priority)
        return True

    def carry_out(self, events: list[Event], outs: list[Out], priority: int = LATER) -> None:
        """Do what a protocol wants done, and add its events to `events`."""
        for out in outs:
            if type(out) in _ACTIONS:
                self._act(out, priority)
            else:
                events.append(cast(Event, out))

    def _act(self, out: Out, priority: int) -> None:
        if isinstance(out, Call):
            self._calls.add(out, priority)
        elif isinstance(out, Wake):
            self._wake_later(out)
        elif isinstance(out, Drop):
            self._calls.drop(out.calls)
        elif isinstance(out, Send):
            if (stream := self._streams.get(out.stream)) is not None:
                stream.send(out.data)
        elif isinstance(out, Redial) and (stream := self._streams.get(out.stream)) is not None:
            stream.redial(out.why)

    def dial_new(self) -> None:
        """Begin every stream that the venue wants and that is not yet begun, once it is ready."""
        if self._stopped or not self.venue.ready():
            return
        for name in self.venue.streams():
            if name not in self._streams:
                self._streams[name] = Stream(self, name)
                self._streams[name].start()

    def defect(self, where: str, error: Exception) -> str:
        """Log and count an exception of a protocol; return it in one line."""
        self.counts["defects"] += 1
        _log.error("%s: defect in the protocol", where, exc_info=error)
        return f"defect: {type(error).__name__}: {error}"

    async def _make(self, call: Call) -> Reply:
        now = self.clock.now()
        if call.until and now > call.until:
            raise Lost("it waited too long for its turn", sent=False)
        try:
            headers, body = self.signer.prepare(call, now)
        except Exception as error:
            raise Lost(f"not signed: {error}", sent=False) from error
        if call.risk and (why := self.barred() or self.breaker.refuses(now)):
            raise Lost(why, sent=False)
        if body is not call.body:
            call = msgspec.structs.replace(call, body=body)
        reply = await self._transported(call, headers)
        if reply.date:
            self._clock_seen(reply.date, now)
        return reply

    async def _transported(self, call: Call, headers: dict[str, str]) -> Reply:
        """The call itself, and what its outcome says of the service."""
        try:
            reply = await self.transport.call(call, headers)
        except Lost as lost:
            self.breaker.failed_with(lost.why, self.clock.now())
            raise
        if reply.status >= 500:
            self.breaker.failed_with(f"status {reply.status}", self.clock.now())
        else:
            self.breaker.succeeded(self.clock.now())
        return reply

    def _clock_seen(self, written: Ns, asked: Ns) -> None:
        """Our clock less the venue's, now and then: the least that its answer allows.

        It was written after the question left and before it came, in the second that it names.
        """
        now = self.clock.now()
        if now - self._clock_at < CLOCK_EVERY:
            return
        self._clock_at = now
        least, most = asked - (written + SECOND), now - written
        self.sink(self.rest, [ClockSeen(self.venue.name, Ns(max(least, 0) or min(most, 0)))])

    def _answered(self, call: Call, answer: Reply | Lost) -> None:
        if isinstance(answer, Reply):
            self.ask(self.rest, self.venue.on_reply, call.id, answer.status, answer.body)
            self._calls.budget(self.venue.buckets())
        else:
            _log.info("%s: %s %s lost: %s", self.venue.name, call.method, call.url, answer.why)
            self.ask(self.rest, self.venue.on_lost, call.id, answer.sent)
        self.dial_new()

    def _wake_later(self, wake: Wake) -> None:
        if (earlier := self._wakes.pop(wake.token, None)) is not None:
            earlier.cancel()
        if not self._stopped:
            span = Ns(wake.at - self.clock.now())
            self._wakes[wake.token] = self.clock.after(span, lambda: self._wake(wake.token))

    def _wake(self, token: str) -> None:
        if self._wakes.pop(token, None) is not None and not self._stopped:
            self.ask(self.rest, self.venue.on_wake, token)
            self.dial_new()
