"""Runs a channel's protocol against the world: one courier for all of them.

Tokens are part of addresses here. They are put in as the last thing before the wire, and nothing
that is logged or handed back has been near them.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import msgspec

from dutchbook.channels.base import (
    Channel,
    Delivered,
    Failed,
    Mail,
    Message,
    Notify,
    Out,
)
from dutchbook.domain.clock import Alarm, Clock
from dutchbook.domain.secret import Secret
from dutchbook.domain.units import Ns
from dutchbook.io.breaker import Breaker
from dutchbook.io.calls import LATER, URGENT, Calls
from dutchbook.io.mail import NotTaken
from dutchbook.io.ports import Lost, Reply, Transport
from dutchbook.venues.base import Call, Drop, Wake

_log = logging.getLogger(__name__)
QUIET: Final = ("httpx2", "httpcore2")
"""Libraries that would write whole addresses, and the tokens in them, into a log."""


class Sender(Protocol):
    """What carries mail or a notification; it blocks, and raises NotTaken."""

    def send(self, what: Any, /) -> None: ...


Sink = Callable[[str, Out], None]
"""Told (channel, Delivered | Failed | Clicked | Said)."""


class Courier:
    """Start it, give it messages, stop it. `secrets` by the names that protocols use."""

    def __init__(
        self,
        channel: Channel,
        sink: Sink,
        *,
        clock: Clock,
        transport: Transport,
        secrets: Mapping[str, Secret],
        sender: Sender | None = None,
        breaker: Breaker | None = None,
    ) -> None:
        for name in QUIET:
            logging.getLogger(name).setLevel(logging.WARNING)
        self.channel = channel
        self.sink = sink
        self.clock = clock
        self.transport = transport
        self.secrets = secrets
        self.sender = sender
        self.breaker = breaker or Breaker(channel.name)
        self._calls = Calls(channel.buckets(), clock, self._make, self._answered)
        self._wakes: dict[str, Alarm] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopped = False

    def start(self) -> None:
        self._act(self.channel.start(self.clock.now()))

    def send(self, message: Message) -> None:
        """Deliver; the sink is told Delivered or Failed, once."""
        if not self._refused(message):
            self._act(self.channel.send(message, self.clock.now()), message.critical)

    def edit(self, ref: str, message: Message) -> None:
        if not self._refused(message):
            self._act(self.channel.edit(ref, message, self.clock.now()), message.critical)

    def answer(self, token: str, text: str) -> None:
        self._act(self.channel.answer(token, text, self.clock.now()), True)

    def say(self, chat: str, text: str) -> None:
        self._act(self.channel.say(chat, text, self.clock.now()))

    async def stop(self) -> None:
        """Give up what is under way; it is in the outbox still."""
        self._stopped = True
        for alarm in self._wakes.values():
            alarm.cancel()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(self._calls.stop(), *self._tasks, return_exceptions=True)

    def _refused(self, message: Message) -> bool:
        """An open breaker refuses all but CRITICAL messages, aloud: the outbox tries again."""
        why = "" if message.critical else self.breaker.refuses(self.clock.now())
        if why:
            self.sink(self.channel.name, Failed(message.key, why))
        return bool(why)

    def _act(self, outs: list[Out], urgent: bool = False) -> None:
        for out in outs:
            if self._stopped:
                return
            if isinstance(out, Call):
                self._calls.add(out, URGENT if urgent else LATER)
            elif isinstance(out, Wake):
                self._wake_later(out)
            elif isinstance(out, Drop):
                self._calls.drop(out.calls)
            elif isinstance(out, Mail | Notify):
                task = asyncio.get_running_loop().create_task(self._hand_over(out))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            else:
                self._counted(out)
                self.sink(self.channel.name, out)

    def _counted(self, out: Out) -> None:
        now = self.clock.now()
        if isinstance(out, Delivered):
            self.breaker.succeeded(now)
        elif isinstance(out, Failed) and not out.for_good:
            self.breaker.failed_with(out.why, now)

    def _wake_later(self, wake: Wake) -> None:
        if (earlier := self._wakes.pop(wake.token, None)) is not None:
            earlier.cancel()
        span = Ns(wake.at - self.clock.now())
        self._wakes[wake.token] = self.clock.after(span, lambda: self._wake(wake.token))

    def _wake(self, token: str) -> None:
        if self._wakes.pop(token, None) is not None and not self._stopped:
            self._act(self.channel.on_wake(token, self.clock.now()))

    async def _make(self, call: Call) -> Reply:
        url, headers = call.url, dict(call.headers)
        for sign in call.sign:
            secret = self.secrets.get(sign.key)
            if secret is None:
                raise Lost(f"no secret is named {sign.key}", sent=False)
            value = secret.reveal().decode().strip()
            url = url.replace(sign.into, value)
            headers = {name: text.replace(sign.into, value) for name, text in headers.items()}
        try:
            return await self.transport.call(msgspec.structs.replace(call, url=url), headers)
        except Lost as lost:
            raise Lost(self._scrubbed(lost.why), sent=lost.sent) from None

    def _scrubbed(self, text: str) -> str:
        for secret in self.secrets.values():
            text = text.replace(secret.reveal().decode(errors="replace").strip(), "***")
        return text

    def _answered(self, call: Call, answer: Reply | Lost) -> None:
        now = self.clock.now()
        if isinstance(answer, Reply):
            outs = self.channel.on_reply(call.id, answer.status, answer.body, now)
        else:
            _log.info("%s: %s lost: %s", self.channel.name, call.id, self._scrubbed(answer.why))
            outs = self.channel.on_lost(call.id, answer.sent, now)
        self._act(outs)

    async def _hand_over(self, out: Mail | Notify) -> None:
        why, for_good = "", False
        if self.sender is None:
            why, for_good = "nothing is set up to carry it", True
        else:
            try:
                await asyncio.to_thread(self.sender.send, out)
            except NotTaken as error:
                why, for_good = error.why, error.for_good
            except Exception as error:  # a defect of a library must not end the others
                why = type(error).__name__
        self._act(self.channel.on_done(out.key, self._scrubbed(why), for_good, self.clock.now()))
