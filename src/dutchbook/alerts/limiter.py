"""How many alerts of a kind go out one by one; the others are told together."""

from collections import deque
from typing import Final

from dutchbook.alerts.notice import Draft, Held
from dutchbook.alerts.rules import AT_MOST, MINUTE, Rules
from dutchbook.alerts.words import clean
from dutchbook.domain.units import Ns

LISTED: Final = 8
WAITING_MAX: Final = 1_000
"""Drafts that a digest remembers by name; more are only counted."""


class Digest:
    """Drafts that wait to be told together, for one group of kinds."""

    def __init__(self) -> None:
        self.drafts: list[Draft] = []
        self.more = 0
        self.due = Ns(0)

    def add(self, draft: Draft, due: Ns) -> None:
        if not self.drafts:
            self.due = due
        if len(self.drafts) < WAITING_MAX:
            self.drafts.append(draft)
        else:
            self.more += 1


class Limiter:
    """Counts what went out in the last minute; `waiting` is by group: a kind, "more", "quiet"."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.waiting: dict[str, Digest] = {}
        self._went: dict[str, deque[Ns]] = {}
        self._digest_at: dict[str, Ns] = {}

    def must_wait(self, draft: Draft, now: Ns) -> Held | None:
        """None: it goes out by itself now, and is counted. Else the digest that it waits for."""
        apart = AT_MOST.get(draft.kind)
        if apart is not None:
            return self._held(draft.kind, draft, now, apart)
        went = self._went.setdefault(draft.kind, deque())
        while went and went[0] <= now - MINUTE:
            went.popleft()
        if len(went) >= self.rules.per_minute:
            return self._held("more", draft, now, self.rules.digest_every)
        went.append(now)
        return None

    def _held(self, group: str, draft: Draft, now: Ns, apart: Ns) -> Held:
        if group in self.waiting:
            return Held(group, draft, self.waiting[group].due)
        soon = Ns(now + self.rules.digest_every)
        after = Ns(self._digest_at.get(group, Ns(now - apart)) + apart)
        return Held(group, draft, max(soon, after))

    def hold(self, held: Held) -> None:
        """Keep it; the first of a group says when all are due."""
        self.waiting.setdefault(held.group, Digest()).add(held.draft, held.due)

    def release(self, group: str, at: Ns) -> None:
        self.waiting.pop(group, None)
        self._digest_at[group] = at

    def due(self, now: Ns) -> list[tuple[str, Digest]]:
        """Digests whose time has come."""
        return [(name, digest) for name, digest in self.waiting.items() if digest.due <= now]

    def next_due(self) -> Ns | None:
        return min((digest.due for digest in self.waiting.values()), default=None)


def told(tag: str, name: str, digest: Digest) -> Draft:
    """One draft that tells of many."""
    count = len(digest.drafts) + digest.more
    word = {"refused": "refused by risk", "quiet": "while it was quiet"}.get(name, "more alerts")
    lines = [_first(draft) for draft in digest.drafts[:LISTED]]
    rest = count - len(lines)
    tail = [f"… and {rest} more: dutchbook alert history"] if rest else []
    head = f"{tag} 🗂 {count} {word}"
    return Draft(
        digest.drafts[0].kind, f"digest:{name}:{digest.due}", "\n".join([head, *lines, *tail]),
        head, seq=max(draft.seq for draft in digest.drafts),
    )  # fmt: skip


def _first(draft: Draft) -> str:
    lines = [line for line in draft.text.split("\n") if line.strip()]
    return "• " + clean(" ".join(lines[:2]), 160)
