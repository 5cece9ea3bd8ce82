"""Keys, people, sessions and the audit of one gateway, and how a request is told to be theirs."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from dutchbook.domain.clock import Clock
from dutchbook.domain.secret import Secret
from dutchbook.domain.units import DAY, SECOND, Ns
from dutchbook.gateway import store
from dutchbook.gateway.audit import Audit
from dutchbook.gateway.keys import Keys
from dutchbook.gateway.limits import Rates
from dutchbook.gateway.people import People
from dutchbook.gateway.problems import Problem
from dutchbook.gateway.rights import OWNER, Principal
from dutchbook.gateway.tokens import Sessions

QUIET: Final = Ns(60 * SECOND)
"""Refusals of one kind from one address are written once in so long, then with their number."""
DENIALS_MAX: Final = 5_000
LOOK: Final = 1.0
LOGIN_ROOM: Final = 6
LOGIN_RATE: Final = 0.1
"""Passwords that one address, or for one name, may try at once; then one every ten seconds."""


class Identity:
    """Everything that says who somebody is. `pepper` and `signing` are 32 random bytes each.

    `local` says whether a text is the token of the data directory, which its owner can read.
    """

    def __init__(
        self, root: Path, head: Path, pepper: Secret, signing: Secret, mode: str, clock: Clock
    ) -> None:
        self.clock = clock
        self.tables = store.Tables(root / store.FILE)
        self.keys = Keys(self.tables, pepper)
        self.people = People(self.tables, pepper)
        self.sessions = Sessions(self.tables, signing, mode, self.people.role_of)
        self.audit = Audit(root, head, pepper)
        self.rates = Rates(clock)
        self._epoch = self.tables.epoch()
        self.local: Callable[[str], bool] = lambda _: False
        self._denied: dict[tuple[str, str], tuple[Ns, int]] = {}
        self._writing = asyncio.Lock()

    def close(self) -> None:
        self.audit.close()
        self.tables.close()

    def admit(self, key: str, bearer: str, address: str, scope: str) -> Principal:
        """Who it is, if they may. Raises Problem: unauthenticated, forbidden, too_many."""
        now = self.clock.now()
        if key and bearer:
            raise Problem("ambiguous", "both a key and a token were sent", fix="send one of them")
        if not key and not bearer:
            raise Problem(
                "unauthenticated", "no key and no token was sent",
                fix="send X-Dutchbook-Key, or Authorization: Bearer",
            )  # fmt: skip
        if self.local(key or bearer):
            who = OWNER
        else:
            who = self.keys.find(key, address, now) if key else self.sessions.find(bearer, now)
        if not who.may(scope):
            raise Problem(
                "forbidden", f"role {who.role} of {who.name} has no {scope} here",
                fix="ask an admin for a role or key with this scope",
            )  # fmt: skip
        return who

    def stands(self, who: Principal) -> bool:
        """Whether one who was admitted would be admitted again; for connections that last."""
        now = self.clock.now()
        if who.expires and now >= who.expires:
            return False
        if who.kind == "key":
            return self.keys.stands(who.id, now)
        return who.kind != "session" or self.sessions.stands(who.id, who.role)

    def follow(self) -> None:
        """Read anew what another process changed; blocking, called in a thread."""
        epoch = self.tables.epoch()
        if epoch != self._epoch:
            self.keys.load()
            self.people.load()
            self.sessions.load()
            self._epoch = epoch

    async def tend(self) -> None:
        """Until cancelled: see others' changes within a second, forget what is old."""
        swept = Ns(0)
        while True:
            await asyncio.sleep(LOOK)
            await asyncio.to_thread(self.follow)
            now = self.clock.now()
            if now - swept > 600 * SECOND:
                swept = now
                await asyncio.to_thread(self.tables.forget, store.seen, now - 600 * SECOND)
                await asyncio.to_thread(self.tables.forget, store.repeats, now - DAY)

    async def record(
        self, who: str, address: str, what: str, result: str, before: Any = None, after: Any = None
    ) -> None:
        """A line in the audit; on disk when this returns."""
        async with self._writing:
            at = self.clock.now()
            await asyncio.to_thread(self.audit.write, at, who, address, what, result, before, after)

    async def denied(self, who: str, address: str, what: str, code: str) -> None:
        """A refusal: the first of its kind from an address at once, the rest counted."""
        now, name = self.clock.now(), (address, code)
        at, count = self._denied.pop(name, (Ns(0), 0))
        if now - at < QUIET:
            self._denied[name] = (at, count + 1)
            return
        self._denied[name] = (now, 0)
        if len(self._denied) > DENIALS_MAX:
            del self._denied[next(iter(self._denied))]
        more = {"refused before this": count} if count else None
        await self.record(who, address, what, code, None, more)
