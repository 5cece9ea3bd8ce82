"""Decides about every alert: told or not, where, when again, when louder. Pure; time is given.

What changes anything is a record: folded here at once and handed out by `drain`, to be on disk
before a channel is asked to send.
"""

import hashlib
from datetime import UTC, tzinfo
from typing import Final, NamedTuple

from dutchbook.alerts.book import Book, Life
from dutchbook.alerts.buttons import Button, Mint, label
from dutchbook.alerts.limiter import told
from dutchbook.alerts.notice import (
    PRIORITIES,
    Accepted,
    Added,
    Draft,
    Held,
    Missed,
    Notice,
    Priority,
    Record,
    Released,
    Sent,
    Settled,
    Words,
)
from dutchbook.alerts.rules import Rules
from dutchbook.alerts.words import moment, tag
from dutchbook.domain.units import SECOND, Ns

BACKOFF_MAX: Final = 30
SIREN_AFTER: Final = Ns(60 * SECOND)
"""A CRITICAL alert that no channel took for so long shows on this machine's own screens."""


class Post(NamedTuple):
    """A message for a channel to deliver, or (where `ref` is set) to put in place of one."""

    notice: Notice
    channel: str
    text: str
    buttons: tuple[Button, ...]
    silent: bool
    ref: str = ""


class Center:
    """`rules.enabled` names the channels there are; `zone` is where quiet hours are."""

    def __init__(self, rules: Rules, mint: Mint, zone: tzinfo = UTC) -> None:
        self.rules = rules
        self.zone = zone
        self.book = Book(rules, mint)
        self._fresh: list[Record] = []
        self._last: dict[str, Ns] = {}

    def load(self, records: list[Record], now: Ns) -> None:
        """Go on from disk; what was under way then is tried again."""
        for record in records:
            self.book.fold(record)
            if isinstance(record, Accepted):
                self._last[record.notice.key] = record.notice.at
        for life in self.book.lives.values():
            for one in life.channels.values():
                if one.due is not None:
                    one.due = min(one.due, now)

    def drain(self) -> list[Record]:
        """Records made since the last call."""
        fresh, self._fresh = self._fresh, []
        return fresh

    def do(self, record: Record) -> None:
        self.book.fold(record)
        self._fresh.append(record)

    # -- what is told ----------------------------------------------------------------------------

    def offer(self, draft: Draft, now: Ns) -> str:
        """Something happened; the id of its alert, "" where none goes out by itself now."""
        rules = self.rules
        priority = draft.priority or rules.priority(draft.kind)
        critical = priority == "CRITICAL"
        if rules.off(draft.kind) and not critical:
            return ""
        if self.book.muted(draft.kind, now) and not critical:
            return ""
        last = self._last.get(draft.key)
        if draft.kind != "test" and last is not None and now - last < rules.same_for:
            return ""
        self._last[draft.key] = now
        if len(self._last) > 10_000:
            self._last = dict(list(self._last.items())[5_000:])
        if not critical and draft.kind != "test":
            quiet = rules.is_quiet(now, self.zone)
            if quiet and priority in ("LOW", "MEDIUM"):
                self.do(Held("quiet", draft, self._quiet_ends(now)))
                return ""
            held = self.book.limiter.must_wait(draft, now)
            if held is not None:
                self.do(held)
                return ""
        return self._accept(draft, priority, rules.targets(draft.kind, priority), now)

    def _accept(self, draft: Draft, priority: Priority, targets: tuple[str, ...], now: Ns) -> str:
        book, rules = self.book, self.rules
        raw = f"{book.count}:{now}:{draft.kind}:{draft.key}".encode(errors="replace")
        name = hashlib.blake2b(raw, digest_size=8).hexdigest()
        words = {field: getattr(draft, field) for field in Words.__struct_fields__}
        notice = Notice(**words, id=name, priority=priority, at=now, mode=rules.mode)
        self.do(Accepted(notice, targets))
        return name

    def _quiet_ends(self, now: Ns) -> Ns:
        assert self.rules.quiet is not None
        here = moment(now, self.zone)
        left = (self.rules.quiet[1] - here.hour * 60 - here.minute) % (24 * 60)
        return Ns(now + (left * 60 - here.second) * SECOND)

    def tick(self, now: Ns) -> None:
        """Digests that are due, and CRITICAL alerts that nobody reacted to."""
        for group, digest in self.book.limiter.due(now):
            ranks = [d.priority or self.rules.priority(d.kind) for d in digest.drafts]
            priority = max(ranks, key=PRIORITIES.index)
            wanted = {
                name: None
                for draft, rank in zip(digest.drafts, ranks, strict=True)
                for name in self.rules.targets(draft.kind, rank)
            }
            alone = len(digest.drafts) == 1 and not digest.more
            draft = digest.drafts[0] if alone else told(tag(self.rules.mode), group, digest)
            self._accept(draft, priority, tuple(wanted), now)
            self.do(Released(group, now))
        for life in self.book.unacknowledged():
            if not life.escalated and now - life.notice.at >= self.rules.escalate_after:
                self._escalate(life, now)

    def _escalate(self, life: Life, now: Ns) -> None:
        """Over channels that have not told it yet; where there are none, over all of them again."""
        enabled = self.rules.enabled
        fresh = [n for n in self.rules.escalate_to if n in enabled and n not in life.channels]
        for name in fresh or list(life.channels):
            self.do(Added(life.notice.id, name, now, "escalated"))
        life.escalated = True

    # -- how it gets there -----------------------------------------------------------------------

    def due(self, now: Ns) -> list[Post]:
        """What is to be handed to channels now, most urgent first; it is under way from here on."""
        found: list[tuple[int, int, Post]] = []
        for life in self.book.open.values():
            for name, one in life.channels.items():
                if one.due is None or one.due > now or one.flying is not None:
                    continue
                one.due, one.flying = None, life.version
                found.append((-PRIORITIES.index(life.notice.priority), life.notice.at,
                              self._post(life, name, now)))  # fmt: skip
        return [post for *_, post in sorted(found, key=lambda entry: entry[:2])]

    def _post(self, life: Life, channel: str, now: Ns) -> Post:
        notice, book = life.notice, self.book
        buttons = tuple(
            Button(label(notice, act), book.mint.data(notice.id, act), act)
            for act in book.acts(life, now)
        )
        quiet = self.rules.is_quiet(now, self.zone)
        silent = self.rules.silent(notice.kind, notice.priority, channel, quiet)
        return Post(notice, channel, book.text(life), buttons, silent, life.channels[channel].ref)

    def sent(self, alert: str, channel: str, ref: str, now: Ns) -> None:
        """A channel confirmed."""
        self.do(Sent(alert, channel, now, ref))
        life = self.book.lives.get(alert)
        if life is None or life.notice.priority == "CRITICAL":
            return
        for name, other in life.channels.items():  # one confirmation is enough for the others
            if name != channel and other.tries and not other.confirmed and other.due is not None:
                self.do(Missed(alert, name, now, f"{other.why}; {channel} told it", Ns(0)))

    def failed(
        self, alert: str, channel: str, why: str, now: Ns, *, for_good: bool = False,
        after: Ns = Ns(0),
    ) -> None:  # fmt: skip
        """A channel did not deliver. `for_good`: trying again is no use; `after`: not before."""
        life = self.book.lives.get(alert)
        one = life.channels.get(channel) if life is not None else None
        if life is None or one is None:
            return
        critical = life.notice.priority == "CRITICAL"
        span = max(after, min(2**one.tries, 15 if critical else BACKOFF_MAX) * SECOND)
        late = now - life.notice.at > self.rules.give_up_after
        if one.confirmed and one.ref:  # an edit that does not come about: a few tries
            stop = for_good or one.tries >= 5
        else:
            stop = (for_good or late) and (not critical or life.confirmed)
        if for_good and critical and not life.confirmed:
            span = max(span, Ns(60 * SECOND))
        self.do(Missed(alert, channel, now, why[:300], Ns(0) if stop else Ns(now + span)))
        if not one.confirmed and not life.confirmed:
            self._fall_back(life, now)

    def _fall_back(self, life: Life, now: Ns) -> None:
        """Each failed try brings the next fallback channel in, if there is one."""
        for name in self.rules.fallback:
            if name in self.rules.enabled and name not in life.channels:
                self.do(Added(life.notice.id, name, now, "fallback"))
                return

    def settle(self, alert: str, text: str, now: Ns) -> None:
        """What became of it, for good: shown wherever the alert stands, without buttons."""
        if alert in self.book.lives:
            self.do(Settled(alert, text, now))

    def next_due(self, now: Ns) -> Ns:
        """When to look again, at the latest."""
        soon = [
            one.due
            for life in self.book.open.values()
            for one in life.channels.values()
            if one.due is not None and one.flying is None
        ]
        digest = self.book.limiter.next_due()
        lives = [x for x in self.book.unacknowledged() if not x.escalated]
        soon += [Ns(x.notice.at + self.rules.escalate_after) for x in lives]
        return min([*soon, *([digest] if digest is not None else [])], default=Ns(now + SECOND))

    def siren(self, now: Ns) -> str:
        """What this machine's own screens must show because no channel took it; "" if nothing."""
        for life in self.book.unacknowledged():
            if not life.confirmed:
                waits = now - life.notice.at
                if life.channels and waits >= SIREN_AFTER:
                    return f"no channel took: {life.notice.text.splitlines()[0]}"
        return ""
