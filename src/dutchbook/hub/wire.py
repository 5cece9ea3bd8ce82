"""The messages of `/ws` as they are on the wire; `schema.py` writes their JSON Schema.

Numbers with a point are decimals in text ("0.4275"), exact to six places. `at` is microseconds
since 1970 UTC (whole, and safe in JavaScript); `lockup` is seconds. A numbered message has `seq`,
the number of its step in the journal, and `n`, its place among the messages of that step.
"""

from typing import Annotated, Any, Final, Literal

import msgspec

from dutchbook.hub.filters import Filter

VERSION: Final = 1
Whole = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
"""A whole number that JavaScript can hold."""
Channel = Literal["signals", "opportunities", "fills", "alerts", "books"]
CHANNELS: Final[tuple[Channel, ...]] = ("alerts", "fills", "signals", "opportunities", "books")
"""In the order in which one batch is delivered."""
CONFLATED: Final = frozenset(("books",))
"""Only the newest of each market counts there; nothing is kept, and gaps are allowed."""
ALL_OF_IT: Final = 2**31 - 1
"""`after_n` that means: everything of the step `after` was seen."""

# -- what a client says ------------------------------------------------------------------------


class _FromClient(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    """`type` says which it is; what is not known is refused."""


class Auth(_FromClient, frozen=True, tag="auth"):
    """First of all: a token, or a one-use ticket. `format` is that of what we send from then on.

    restore: subscribe again to what this client saved; from `after`, or from now without it.
    """

    token: str = ""
    ticket: str = ""
    format: Literal["json", "msgpack"] = "json"
    restore: bool = False
    after: Whole | None = None


class Subscribe(_FromClient, frozen=True, tag="subscribe"):
    """`after`: everything behind that step; left out: what happens from now on.

    `after_n`: of that step, too, what came behind its message `after_n`. `save` keeps the
    subscription for `restore`. `id` comes back in the answer.
    """

    channel: str
    filters: Filter = Filter()
    after: Whole | None = None
    after_n: Whole = ALL_OF_IT
    save: bool = False
    id: str = ""


class Unsubscribe(_FromClient, frozen=True, tag="unsubscribe"):
    """Nothing more of this subscription; also what was saved of it is forgotten."""

    subscription: str
    id: str = ""


class Ping(_FromClient, frozen=True, tag="ping"):
    """Answered by a pong with the same id."""

    id: str = ""


class Ack(_FromClient, frozen=True, tag="ack"):
    """Read up to `seq`, and acted on `acted` of it: for the delivery log and the figures."""

    subscription: str
    seq: Whole
    acted: Whole = 0


Said = Auth | Subscribe | Unsubscribe | Ping | Ack

# -- what we answer ----------------------------------------------------------------------------


class Welcome(msgspec.Struct, frozen=True, tag="welcome", tag_field="type"):
    """`seq` is the newest step; `server_time` microseconds. `key`: Ed25519, hex, of receipts."""

    client_id: str
    seq: int
    server_time: int
    version: int = VERSION
    key: str = ""


class Subscribed(msgspec.Struct, frozen=True, tag="subscribed", tag_field="type"):
    """Messages behind `seq` follow. The same channel and filters give the same `subscription`."""

    subscription: str
    channel: str
    seq: int
    id: str = ""


class Unsubscribed(msgspec.Struct, frozen=True, tag="unsubscribed", tag_field="type"):
    """The last of a subscription."""

    subscription: str
    id: str = ""


class Pong(msgspec.Struct, frozen=True, tag="pong", tag_field="type"):
    """The answer to a ping."""

    server_time: int
    id: str = ""


class Snapshot(msgspec.Struct, frozen=True, tag="snapshot", tag_field="type"):
    """How things stand at `seq`; changes follow. `items` are messages of the channel."""

    subscription: str
    channel: str
    seq: int
    items: list[Any]


class Live(msgspec.Struct, frozen=True, tag="live", tag_field="type"):
    """The end of a resume: all up to `seq` was sent; what follows comes as it happens."""

    subscription: str
    seq: int


class Error(msgspec.Struct, frozen=True, tag="error", tag_field="type"):
    """Something was refused; nothing else changed. `seq`: the oldest that `after` could name."""

    code: str
    what: str
    todo: str = ""
    id: str = ""
    seq: int = 0


ERRORS: Final[dict[str, str]] = {
    "bad_message": "not one of the messages that there are, or not JSON or MessagePack",
    "bad_filter": "a filter that can't be read, or is beyond the limits",
    "bad_token": "the token or ticket is unknown, expired, or for somebody else",
    "unauthenticated": "the first message must be auth",
    "authenticated": "auth was done already",
    "forbidden": "this client may not read that channel",
    "unknown_channel": "there is no such channel",
    "too_many": "more subscriptions than a connection may have",
    "not_subscribed": "there is no such subscription on this connection",
    "gone": "`after` lies before the oldest message that is kept; `seq` is the first one that can",
    "ahead": "`after` lies in the future: it belongs to another record",
    "rate": "more messages than a connection may send; this one was not looked at",
}
CLOSES: Final[dict[int, str]] = {
    1009: "a message was larger than 64 KiB",
    4000: "this server ends or restarts: connect again and resume",
    4001: "no valid auth in time",
    4003: "the token expired or was revoked: get another one, connect again and resume",
    4008: "too slow: what waited was too much or too old; connect again and resume",
    4009: "too many errors, or too many messages",
    4013: "this server is full",
}
ENDING, UNAUTHENTICATED, EXPIRED, SLOW, FLOOD, TOO_BIG, FULL = (
    4000, 4001, 4003, 4008, 4009, 1009, 4013,
)  # fmt: skip

# -- numbered messages -------------------------------------------------------------------------


class _Told(msgspec.Struct, frozen=True, tag_field="type", kw_only=True):
    """What all of them have. `prev`: the step of the message before, in this subscription."""

    subscription: str = ""
    prev: int = 0
    seq: int
    n: int
    at: int


class Receipt(msgspec.Struct, frozen=True):
    """`hash`: SHA-256 over the hash before and the message without it; `signature` over `hash`."""

    before: str
    hash: str
    signature: str


class Leg(msgspec.Struct, frozen=True):
    """Buy `qty` contracts of `outcome`; `px` is the worst price of its fills."""

    market: str
    outcome: str
    qty: str
    px: str


class Signal(_Told, frozen=True, tag="signal", kw_only=True):
    """A claim about markets. `body` is what the publisher sent besides, as it came."""

    publisher: str
    id: str
    kind: str
    confidence: str
    title: str = ""
    markets: tuple[str, ...] = ()
    venues: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    edge: str | None = None
    lockup: int | None = None
    probability: str | None = None
    px: str | None = None
    priority: int = 0
    expires: int | None = None
    body: Any = None
    receipt: Receipt | None = None


class Outcome(_Told, frozen=True, tag="outcome", kw_only=True):
    """How a signal ended: what YES of its market paid.

    `brier`: (probability - paid)^2, where it gave a probability. `closing_line`: the last middle
    price that was seen less the price at which it was said, where both are known.
    """

    publisher: str
    id: str
    signal: int
    market: str
    paid: str
    brier: str | None = None
    closing_line: str | None = None
    receipt: Receipt | None = None


class Opportunity(_Told, frozen=True, tag="opportunity", kw_only=True):
    """An opportunity opened, improved or closed; where it closed, `why` and its `best` edge."""

    what: Literal["opened", "improved", "closed"]
    id: str
    kind: str
    title: str = ""
    legs: tuple[Leg, ...] = ()
    edge: str = "0"
    confidence: str = "0"
    qty: str = "0"
    capital: str = "0"
    proved: str = "0"
    lockup: int = 0
    why: str = ""
    best: str = "0"


class Fill(_Told, frozen=True, tag="fill", kw_only=True):
    """A fill of our own, or (`void`) that all fills of a trade never happened after all.

    `id` names the fill at its venue: it is told once, however often the venue says it.
    """

    venue: str
    trade: str
    id: str = ""
    order: str = ""
    market: str = ""
    outcome: str = ""
    action: str = ""
    px: str = "0"
    qty: str = "0"
    fee: str | None = None
    maker: bool = False
    void: bool = False


class Alerted(_Told, frozen=True, tag="alert", kw_only=True):
    """What a person should know; the same `key` again is the same matter."""

    level: str
    key: str
    text: str


class Book(_Told, frozen=True, tag="book", kw_only=True):
    """Best prices of one book in YES terms, null where a side is empty."""

    market: str
    token: str
    bid: str | None
    bid_size: str
    ask: str | None
    ask_size: str


Numbered = Signal | Outcome | Opportunity | Fill | Alerted | Book
Answer = Welcome | Subscribed | Unsubscribed | Pong | Snapshot | Live | Error
Heard = Numbered | Answer
"""Everything that a client can receive; a frame holds one, or an array of them."""
