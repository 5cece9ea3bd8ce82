"""What is known of every alert: a fold over the records on disk, so that a restart goes on."""

from collections import deque
from typing import Final

import msgspec

from dutchbook.alerts.buttons import Mint, acts_of
from dutchbook.alerts.limiter import Limiter
from dutchbook.alerts.notice import (
    Accepted,
    Act,
    Added,
    Held,
    Missed,
    Muted,
    Notice,
    Pressed,
    Record,
    Released,
    Sent,
    Settled,
)
from dutchbook.alerts.rules import Rules
from dutchbook.domain.units import Ns

KEPT_MAX: Final = 5_000
"""Alerts that are remembered; the oldest of those that have arrived are forgotten first."""


class Delivery(msgspec.Struct):
    """One alert on its way over one channel. `due`: when something is to be done, None: nothing.

    `shown`: the version of the text that is there; `flying`: the version under way.
    """

    due: Ns | None
    silent: bool = False
    tries: int = 0
    confirmed: Ns = Ns(0)
    ref: str = ""
    shown: int = 0
    flying: int | None = None
    why: str = ""
    given_up: bool = False
    added: str = ""


class Life(msgspec.Struct):
    """An alert and what became of it."""

    notice: Notice
    channels: dict[str, Delivery]
    version: int = 1
    seen_by: str = ""
    executed_by: str = ""
    asked_by: str = ""
    settled: Settled | None = None
    escalated: bool = False
    again: int = 0

    @property
    def confirmed(self) -> bool:
        return any(one.confirmed for one in self.channels.values())

    @property
    def over(self) -> bool:
        """Nothing is to be done for it any more."""
        return all(one.due is None and one.flying is None for one in self.channels.values())


class Book:
    """`lives` by alert id, oldest first. `fold` is the only thing that changes it.

    `open`: those for which something is still to be done; `urgent`: CRITICAL ones; `by_key`: the
    last alert of a matter.
    """

    def __init__(self, rules: Rules, mint: Mint) -> None:
        self.rules = rules
        self.mint = mint
        self.limiter = Limiter(rules)
        self.lives: dict[str, Life] = {}
        self.open: dict[str, Life] = {}
        self.urgent: dict[str, Life] = {}
        self.by_key: dict[str, str] = {}
        self.mutes: dict[str, Ns] = {}
        self.count = 0
        self.audit: deque[Pressed] = deque(maxlen=1_000)
        self.last_seq = 0

    def fold(self, record: Record) -> None:
        """Take over what happened, live or from disk."""
        match record:
            case Accepted():
                self._accept(record)
            case Held():
                self.limiter.hold(record)
                self.last_seq = max(self.last_seq, record.draft.seq)
            case Released():
                self.limiter.release(record.group, record.at)
            case Muted():
                self.mutes[record.kind] = record.until
            case _:
                life = self.lives.get(record.id)
                if life is not None:
                    self._of(life, record)
                    self._look(life)
                elif isinstance(record, Pressed):
                    self.audit.append(record)

    def _accept(self, record: Accepted) -> None:
        notice = record.notice
        made = {name: Delivery(notice.at, record.silent) for name in record.targets}
        life = self.lives[notice.id] = Life(notice, made)
        self.by_key[notice.key] = notice.id
        self._look(life)
        if notice.priority == "CRITICAL":
            self.urgent[notice.id] = life
        self.mint.know(notice)
        self.count += 1
        self.last_seq = max(self.last_seq, notice.seq)
        if len(self.lives) > KEPT_MAX:
            self._forget()

    def _look(self, life: Life) -> None:
        if life.over:
            self.open.pop(life.notice.id, None)
        else:
            self.open[life.notice.id] = life

    def _forget(self) -> None:
        old = next((name for name, life in self.lives.items() if life.over), None)
        if old is not None:
            self.urgent.pop(old, None)
            notice = self.lives.pop(old).notice
            self.mint.forget(notice)
            if self.by_key.get(notice.key) == old:
                del self.by_key[notice.key]

    def _of(self, life: Life, record: Added | Sent | Missed | Pressed | Settled) -> None:
        match record:
            case Added():
                earlier = life.channels.get(record.channel)
                life.channels[record.channel] = Delivery(record.at, added=record.why)
                if earlier is not None:
                    life.channels[record.channel].confirmed = earlier.confirmed
                life.escalated = life.escalated or record.why == "escalated"
            case Sent():
                self._sent(life, record)
            case Missed():
                self._missed(life, record)
            case Settled():
                life.settled = record
                self._changed(life, record.at)
            case Pressed():
                self.audit.append(record)
                if record.ok:
                    self._pressed(life, record)

    def _sent(self, life: Life, record: Sent) -> None:
        one = life.channels.get(record.channel)
        if one is None:
            return
        # From disk the version is not known: an edit that was lost with the process comes again.
        one.shown = one.flying if one.flying is not None else 1
        one.flying, one.tries, one.why = None, 0, ""
        one.ref = record.ref or one.ref
        one.confirmed = one.confirmed or record.at
        one.due = record.at if one.ref and one.shown < life.version else None

    def _missed(self, life: Life, record: Missed) -> None:
        one = life.channels.get(record.channel)
        if one is None:
            return
        one.flying, one.tries, one.why = None, one.tries + 1, record.why
        one.due = record.again or None
        one.given_up = not record.again and not one.confirmed

    def _changed(self, life: Life, at: Ns) -> None:
        """Its text or its buttons are others now: where it stands already, it is edited."""
        life.version += 1
        for one in life.channels.values():
            if one.confirmed and one.ref and one.flying is None:
                one.due = at

    def _pressed(self, life: Life, record: Pressed) -> None:
        if record.act == "execute" and record.why == "asked":
            life.asked_by = record.who
        elif record.act in ("execute", "confirm"):
            life.executed_by, life.asked_by = record.who, ""
        elif record.act == "cancel":
            life.asked_by = ""
        life.seen_by = life.seen_by or record.who
        if record.act != "why":
            self._changed(life, record.at)

    # -- as it stands ----------------------------------------------------------------------------

    def text(self, life: Life) -> str:
        """The alert as it is shown now."""
        notice = life.notice
        if life.settled is not None:
            return f"{notice.text}\n{life.settled.text}"
        if life.executed_by:
            return f"{notice.text}\n⏳ Sent by {life.executed_by} …"
        if life.asked_by:
            return f"{notice.text}\nSure? {life.asked_by} pressed Execute; once more sends it."
        if life.escalated:
            minutes = self.rules.escalate_after // 60_000_000_000
            return f"‼ Nobody reacted for {minutes} min\n{notice.text}"
        return notice.text

    def acts(self, life: Life, now: Ns) -> tuple[Act, ...]:
        """The buttons under it now."""
        notice = life.notice
        if (life.settled is not None and life.settled.final) or life.executed_by:
            return ()
        if life.seen_by and notice.offered is None:
            return ()
        if notice.offered is not None and now > notice.offered.until:
            return ()
        if life.asked_by:
            return ("confirm", "cancel")
        return acts_of(notice, self.rules.execute)

    def muted(self, kind: str, now: Ns) -> bool:
        return max(self.mutes.get(kind, Ns(0)), self.mutes.get("all", Ns(0))) > now

    def unacknowledged(self) -> list[Life]:
        """CRITICAL alerts that nobody reacted to yet."""
        self.urgent = {
            name: life
            for name, life in self.urgent.items()
            if not life.seen_by and life.settled is None
        }
        return list(self.urgent.values())
