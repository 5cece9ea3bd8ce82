"""Alerts of a run: hears its steps, keeps the outbox, runs the channels, obeys the buttons."""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol

from dutchbook.alerts import sms
from dutchbook.alerts.buttons import Mint
from dutchbook.alerts.center import Center, Post
from dutchbook.alerts.look import Look
from dutchbook.alerts.notice import Draft, Record
from dutchbook.alerts.press import Answer, Press, press
from dutchbook.alerts.rules import Rules
from dutchbook.alerts.trigger import Follow, Seen, Triggers
from dutchbook.alerts.words import clean, tag
from dutchbook.channels.base import Clicked, Delivered, Failed, Key, Message, Out, Said
from dutchbook.domain.clock import Clock
from dutchbook.domain.events import OperatorAsked
from dutchbook.domain.step import Step
from dutchbook.domain.units import MILLI, SECOND, Ns
from dutchbook.io.breaker import Change
from dutchbook.io.courier import Courier
from dutchbook.runtime.alert_follow import Follower
from dutchbook.state.account import Account
from dutchbook.storage.alertlog import AlertLog

TICK: Final = Ns(SECOND)
LEAST: Final = Ns(20 * MILLI)


class Commands(Protocol):
    def __call__(self, who: str, text: str) -> str:
        """The answer to a line that an allowed person wrote."""
        ...


class Allowed:
    """Who may press and command: ids by channel; in groups only where that is switched on."""

    def __init__(self, ids: dict[str, tuple[int, ...]], groups: bool = False) -> None:
        self.ids = {name: frozenset(map(str, some)) for name, some in ids.items()}
        self.groups = groups

    def __call__(self, channel: str, user: str, group: bool) -> bool:
        known = user in self.ids.get(channel, frozenset())
        return known and (self.groups or not group or channel == "discord")


class Alerting:
    """`tell` gives the engine an event. Set `couriers` and call `start` within a running loop.

    A record is on disk before a channel is asked to send; `threads` false: fsync at once, here
    (tests on a virtual clock).
    """

    def __init__(
        self, root: Path, rules: Rules, seen: Seen, mint: Mint, look: Look, clock: Clock,
        tell: Callable[[OperatorAsked], None], *,
        account: Callable[[], Account | None] = lambda: None,
        allowed: Allowed | None = None, link: str = "", threads: bool = True,
    ) -> None:  # fmt: skip
        self.look = look
        self.clock = clock
        self.mint = mint
        self.link = link.rstrip("/")
        self.allowed = allowed or Allowed({})
        self.threads = threads
        self.log = AlertLog(root)
        self.center = Center(rules, mint, seen.zone)
        self.triggers = Triggers(seen)
        self.center.load(self.log.records, clock.now())
        self.log.records = []
        self.follower = Follower(self.center, tell, account)
        self.couriers: dict[str, Courier] = {}
        self.commands: Commands = lambda who, text: "Commands are not served here."
        self.codes: dict[str, int] = {}
        self._wake = asyncio.Event()
        self._ticked = Ns(0)
        self._task: asyncio.Task[None] | None = None

    # -- what happened ---------------------------------------------------------------------------

    def saw(self, step: Step) -> None:
        """Told every step with notes, effects, or one of the loop's HEARD."""
        self._tell(self.triggers.saw(step, self.look), step.envelope.at)
        self.follower.saw(step)
        self._keep()

    def offer(self, draft: Draft) -> str:
        """Something else happened (jobs, breakers, other programs); the id of its alert."""
        name = self.center.offer(draft, self.clock.now())
        self._keep()
        return name

    def do(self, record: Record) -> None:
        """Take over a record of a person's: a mute."""
        self.center.do(record)
        self._keep()

    def changed(self, change: Change) -> None:
        """A circuit breaker moved."""
        if change.state == "half_open":
            return
        mark = "✅" if change.state == "closed" else "⛔"
        line = (
            f"{tag(self.center.rules.mode)} {mark} Service  {change.service}: circuit breaker "
            f"{change.state}, {clean(change.why, 200)}"
        )
        self.offer(Draft("service", f"breaker:{change.service}:{change.state}:{change.at}", line,
                         f"{change.service} {change.state}"))  # fmt: skip

    def press(self, event: Press) -> Answer:
        """Somebody pressed a button, followed a link and said yes, or asked over the gateway."""
        answer = press(self.center, event, self.clock.now())
        self._keep()  # on disk before the engine hears of it: first click wins, also after a crash
        if answer.execute is not None:
            self.follower.execute(answer.execute, event.who, event.channel)
        return answer

    def _tell(self, found: list[Draft | Follow], now: Ns) -> None:
        for one in found:
            if isinstance(one, Draft):
                self.center.offer(one, now)
            else:
                self.follow(one.key, one.text)
        self._keep()

    def follow(self, key: str, text: str) -> None:
        """How a matter that was told went on."""
        name = self.center.book.by_key.get(key)
        if name is not None:
            self.center.settle(name, text, self.clock.now())
            self._keep()

    def _keep(self) -> None:
        records = self.center.drain()
        if records:
            self.log.append(records)
            self._wake.set()

    # -- delivery --------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to deliver; what an earlier run left over goes first."""
        self.follower.resume(self.clock.now())
        self._keep()
        for courier in self.couriers.values():
            courier.start()
        self._task = asyncio.create_task(self._go(), name="alerts")

    async def stop(self, seconds: float = 3.0) -> None:
        """Give what is due a moment to leave; the rest is in the outbox for the next run."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._task is not None and self.couriers and self._leaving():
                    await asyncio.sleep(0.02)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await asyncio.gather(*(courier.stop() for courier in self.couriers.values()))
        for courier in self.couriers.values():
            await courier.transport.close()
        self._keep()
        self.log.close()

    def _leaving(self) -> bool:
        """Whether something is on its way for the first time."""
        return any(
            one.flying is not None or (one.due is not None and not one.tries)
            for life in self.center.book.open.values()
            for one in life.channels.values()
        )

    async def _go(self) -> None:
        while True:
            now = self.clock.now()
            if now - self._ticked >= TICK:
                self._ticked = now
                self._tell(self.triggers.tick(now, self.look), now)
            self.center.tick(now)
            self._keep()
            posts = self.center.due(now)
            if posts:
                await self._sync()
                for post in posts:
                    self._post(post)
            await self._sleep()

    async def _sync(self) -> None:
        if self.threads:
            await asyncio.to_thread(self.log.sync)
        else:
            self.log.sync()

    async def _sleep(self) -> None:
        """Until something is due or comes in, at most a second; never busier than 50 times a
        second."""
        now = self.clock.now()
        span = min(max(self.center.next_due(now) - now, LEAST), TICK)
        self._wake.clear()
        alarm = self.clock.after(Ns(span), self._wake.set)
        try:
            await self._wake.wait()
        finally:
            alarm.cancel()

    def _post(self, post: Post) -> None:
        courier = self.couriers.get(post.channel)
        if courier is None:
            self.center.failed(post.notice.id, post.channel, "it is not set up", self.clock.now(),
                               for_good=True)  # fmt: skip
            self._keep()
        elif post.ref:
            courier.edit(post.ref, self._message(post))
        else:
            courier.send(self._message(post))

    def _message(self, post: Post) -> Message:
        notice = post.notice
        link = f"{self.link}/alerts/{notice.id}/confirm" if self.link else ""
        token = self.mint.token(notice.id) if link else ""
        keys = tuple(
            Key(button.label, button.data, f"{link}?act={button.act}&token={token}" if link else "")
            for button in post.buttons
        )
        short = notice.short or clean(notice.text.split("\n", 1)[0].partition("] ")[2], 160)
        if not short.startswith("DUTCHBOOK "):
            tail = f"{self.link}/alerts/{notice.id}/confirm code {self.mint.code(notice.id)}"
            short = sms.sms(notice.mode, short, tail if link and post.buttons else "")
        return Message(
            notice.id, post.text, notice.title, keys, notice.fields, short, post.silent,
            notice.priority == "CRITICAL", notice.at,
        )  # fmt: skip

    def heard(self, channel: str, out: Out) -> None:
        """What a courier has to tell."""
        now = self.clock.now()
        if isinstance(out, Delivered):
            self.center.sent(out.key, channel, out.ref, now)
        elif isinstance(out, Failed) and out.key:
            self.center.failed(out.key, channel, out.why, now, for_good=out.for_good,
                               after=out.after)  # fmt: skip
        elif isinstance(out, Clicked):
            self._clicked(channel, out)
        elif isinstance(out, Said):
            self._said(channel, out)
        self._keep()
        self._wake.set()

    def _clicked(self, channel: str, out: Clicked) -> Answer:
        may = self.allowed(channel, out.user, out.group)
        answer = self.press(Press(channel, out.name, may, out.data))
        courier = self.couriers.get(channel)
        if courier is not None:
            courier.answer(out.token, answer.text)
            if answer.say:
                courier.say(out.chat, answer.say)
        return answer

    def clicked(self, channel: str, out: Clicked) -> str:
        """A press that came as a request of its own; the text that answers it."""
        may = self.allowed(channel, out.user, out.group)
        answer = self.press(Press(channel, out.name, may, out.data))
        self._wake.set()
        return answer.say or answer.text

    def _said(self, channel: str, out: Said) -> None:
        courier = self.couriers.get(channel)
        if courier is None or not out.text.startswith("/"):
            return
        if not self.allowed(channel, out.user, out.group):
            courier.say(out.chat, f"Your id is {out.user}; it is not on the allow-list.")
            return
        courier.say(out.chat, self.commands(out.name, out.text))

    # -- as it stands ----------------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        """For status.json: what waits, what no channel took, how the channels are."""
        now = self.clock.now()
        return {
            "siren": self.center.siren(now),
            "waiting": len(self.center.book.open),
            "alerts": self.center.book.count,
            "channels": {name: one.breaker.row() for name, one in self.couriers.items()},
        }
