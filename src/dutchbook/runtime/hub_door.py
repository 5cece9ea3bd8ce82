"""Who may listen: the hub of the gateway's process judged by the gateway's keys and sessions."""

import asyncio
import contextlib
import hmac
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Final

from dutchbook.gateway.app import Gateway
from dutchbook.gateway.problems import Problem
from dutchbook.gateway.rights import Principal
from dutchbook.hub.fanout import Fanout
from dutchbook.hub.session import Subject
from dutchbook.hub.wire import CHANNELS
from dutchbook.runtime.hub import FOLDER, TOKEN, Files

SCOPES: Final = {
    "alerts": "alerts:read", "fills": "portfolio:read", "signals": "signals:read",
    "opportunities": "opportunities:read", "books": "markets:read",
}  # fmt: skip
"""What must be held to read a channel."""
LOOK: Final = 1.0


class HubDoor:
    """The hub that follows the run in a data directory, for `gateway`'s clients.

    The token in DATA_DIR/hub/token, which only the owner of the files can read, is a key of its
    own: it listens and posts signals, no more.
    """

    def __init__(self, gateway: Gateway, data_dir: Path) -> None:
        self.gateway = gateway
        folder = data_dir / FOLDER
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._token = folder / TOKEN
        gateway.identity.local = self._local
        files = Files(folder)
        self.fanout = Fanout(folder, gateway.clock.now, self._judge, keeper=files)
        self.fanout.hub.saved = files.saved
        self._address: ContextVar[str] = ContextVar("address", default="")
        self._watching: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Needs a running loop."""
        self.fanout.start()
        self._watching = asyncio.create_task(self._watch(), name="rights of listeners")

    async def stop(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await self.fanout.stop()

    @contextlib.contextmanager
    def asked_from(self, address: str) -> Iterator[None]:
        """What is done within, and in tasks that begin within, is asked from this address."""
        mark = self._address.set(address)
        try:
            yield
        finally:
            self._address.reset(mark)

    def subject(self, who: Principal) -> Subject:
        """One whom the gateway knows, as the hub sees them. Names can't have a colon."""
        name = who.name if who.kind == "session" else who.id
        kind = {"session": "person", "key": "key"}.get(who.kind, "")
        channels = tuple(channel for channel in CHANNELS if who.may(SCOPES[channel]))
        return Subject(
            f"{kind}:{name}" if kind else who.name, channels, self._may_publish(who), who.expires,
            who,
        )  # fmt: skip

    def _may_publish(self, who: Principal) -> bool:
        return who.may("signals:write") and not self.gateway.config.read_only

    def _local(self, text: str) -> bool:
        if text.startswith("db_") or "." in text or len(text) > 100:
            return False  # a key, or a session's token
        try:
            told = self._token.read_bytes().strip()
        except OSError:
            return False
        return bool(told) and hmac.compare_digest(text.encode("utf-8", "replace"), told)

    async def _judge(self, token: str) -> Subject | None:
        gateway, address = self.gateway, self._address.get()
        key, bearer = (token, "") if token.startswith("db_") else ("", token)
        try:
            who = gateway.identity.admit(key, bearer, address, "self")
        except Problem as problem:
            gateway.metrics.refused.labels(problem.code).inc()
            await gateway.identity.denied("", address, "WS /ws", problem.code)
            return None
        return self.subject(who)

    async def _watch(self) -> None:
        """Who was shut out, or is somebody else now, hears nothing more within a second."""
        while True:
            await asyncio.sleep(LOOK)
            stands = self.gateway.identity.stands
            for session in list(self.fanout.hub.sessions):
                who = session.subject.voucher if session.subject is not None else None
                if who is not None and not stands(who):
                    self.fanout.drop(session)
