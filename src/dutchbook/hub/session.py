"""One connection as the hub sees it: who it is, what it gets, what waits for it."""

from collections import deque
from typing import Any, Final, NamedTuple

import msgspec

from dutchbook.hub.filters import Compiled, Filter
from dutchbook.hub.history import Position
from dutchbook.hub.message import Frame, Message
from dutchbook.hub.wire import CHANNELS


class Subject(msgspec.Struct, frozen=True):
    """Who a token stands for. `expires` in ns, 0 never; `publish`: may post signals.

    `voucher` belongs to whoever judged the token, who may want to judge again later.
    """

    client_id: str
    channels: tuple[str, ...] = CHANNELS
    publish: bool = False
    expires: int = 0
    voucher: Any = None


HIGH: Final = 64 << 10
"""Bytes that may wait in a transport; above them the hub keeps what comes."""
KERNEL: Final = 64 << 10
"""Bytes that the kernel may keep for a listener: left to itself it takes some megabytes before we
hear that there is no room. Linux takes twice as much, for its own notes on them."""


class Limits(msgspec.Struct, frozen=True):
    """Bounds of one connection. `queue_bytes` waits at most; a stalled one is cut after `stall`.

    Rates: `said_burst` messages at once, `said_per_second` on average; `patience` refused
    messages end the connection. Spans in ns.
    """

    frame_bytes: int = 64 << 10
    queue_bytes: int = 640 << 10
    stall: int = 5_000_000_000
    auth_within: int = 10_000_000_000
    subscriptions: int = 50
    said_burst: int = 100
    said_per_second: int = 20
    patience: int = 20
    page_messages: int = 500
    page_bytes: int = 256 << 10
    sessions: int = 10_000


class Send(NamedTuple):
    """Send this frame to the session that was spoken to."""

    frame: Frame


class Close(NamedTuple):
    """Send a close frame with this code, after what is queued at the transport."""

    code: int
    why: str


class Authenticate(NamedTuple):
    """Find out whom this stands for, then call `Hub.authenticated`."""

    token: str
    ticket: str


class Save(NamedTuple):
    """Keep these subscriptions of a client for its next `restore`."""

    client_id: str
    items: tuple["Saved", ...]


class Saved(msgspec.Struct, frozen=True):
    """A subscription that a client wants back when it comes again."""

    channel: str
    filters: Filter


class Want(NamedTuple):
    """A resume that goes back further than memory: read from the store, then `Hub.fed`."""

    subscription: str
    channel: str
    position: Position
    limit: int


Out = Send | Close | Authenticate | Save

WAITING: Final = "waiting"
ASKED: Final = "asked"
IN: Final = "in"
GONE: Final = "gone"


class Group:
    """All who share channel, filter and format: what they get is made once."""

    __slots__ = (
        "binary", "channel", "count", "filter", "last", "live", "name", "seen", "size", "slow",
    )  # fmt: skip

    def __init__(self, channel: str, compiled: Compiled, binary: bool, seq: int) -> None:
        self.channel = channel
        self.filter = compiled
        self.binary = binary
        self.name = f"{channel}-{compiled.name}"
        self.last = seq
        self.live: dict[Session, None] = {}
        self.slow: dict[Session, None] = {}
        self.count = 0
        self.seen = 0
        self.size = 0


class Member:
    """A session's place in a group: what it was sent, and where it stands while it catches up.

    `position` is None once it takes part as things happen. `base` is the group's count from which
    live deliveries are reckoned; `first`, `sent`, `last` are for the delivery log.
    """

    __slots__ = (
        "acked", "acted", "base", "buffer", "first", "group", "last", "loading", "position",
        "prev", "sent", "total",
    )  # fmt: skip

    def __init__(self, group: Group, seq: int) -> None:
        self.group = group
        self.position: Position | None = None
        self.prev = seq
        self.buffer: list[Message] = []
        self.loading = False
        self.base = group.count
        self.sent = 0
        self.total = 0
        self.first = seq
        self.last = seq
        self.acked = 0
        self.acted = 0


class Session:
    """State of one connection; `peer` belongs to the transport."""

    def __init__(self, peer: Any, now: int) -> None:
        self.peer = peer
        self.state = WAITING
        self.since = now
        self.subject: Subject | None = None
        self.binary = False
        self.restore = False
        self.after: int | None = None
        self.members: dict[str, Member] = {}
        self.catching: dict[str, Member] = {}
        self.paused = False
        self.paused_at = 0
        self.queue: deque[tuple[Frame, Member]] = deque()
        self.queued = 0
        self.books: dict[str, dict[str, Message]] = {}
        self.refused = 0
        self.tokens = 0.0
        self.tokens_at = now

    @property
    def clogged(self) -> bool:
        """Whether something waits, so that new frames must wait behind it."""
        return self.paused or bool(self.queue) or bool(self.books)
