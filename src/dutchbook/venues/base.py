"""The port of a venue: a pure protocol that is told what happened and says what it wants done."""

from typing import Any, Literal, Protocol

import msgspec

from dutchbook.domain.effects import Effect
from dutchbook.domain.events import Event
from dutchbook.domain.units import Ns


class Sign(msgspec.Struct, frozen=True):
    """Sign `text` with the secret named `key`; io does it as the last thing before the wire.

    kalshi: RSA-PSS or Ed25519, standard base64, into `header`.
    hmac: HMAC-SHA256 (the secret is urlsafe base64) over the text, and over the final body after
    it where `with_body`; urlsafe base64 into `header`.
    eip712: `text` is a 32-byte digest in hex; its 65-byte signature, 0x and hex, stands in the
    body wherever the text `into` stood.
    reveal: the secret itself, as `header` or wherever `into` stood in the body or first frame.
    `{ms}` and `{s}` in the text become io's own clock at the moment of signing, in milliseconds
    and in seconds; the same number goes into the header named `stamp`. So a request that waited
    in a queue is never signed as of when it was thought of.
    """

    key: str
    text: str
    header: str = ""
    kind: Literal["kalshi", "hmac", "eip712", "reveal"] = "kalshi"
    stamp: str = ""
    with_body: bool = False
    into: str = ""


class Dial(msgspec.Struct, frozen=True):
    """How to open a stream: the WebSocket URL, plain headers, and what is to be signed.

    `heartbeat`: text to send every `heartbeat_every` ns (Polymarket's "PING"); 0: none.
    `compress`: offer permessage-deflate to the server.
    `first`: sent before anything else, with what `sign` puts into it; b"": nothing.
    """

    url: str
    headers: dict[str, str] = {}
    sign: tuple[Sign, ...] = ()
    heartbeat: str = ""
    heartbeat_every: Ns = Ns(0)
    compress: bool = False
    first: bytes = b""


class Send(msgspec.Struct, frozen=True):
    """Send this text on a stream."""

    stream: str
    data: bytes


class Call(msgspec.Struct, frozen=True):
    """An HTTP request. `id` comes back with the answer; `cost` is charged to budget `bucket`.

    `until`: not sent any more after this time, then it is lost, unsent; 0: whenever its turn is.
    `risk`: it may take on risk, so it is asked for once more right before its bytes leave.
    """

    id: str
    method: str
    url: str
    body: bytes = b""
    headers: dict[str, str] = {}
    sign: tuple[Sign, ...] = ()
    bucket: str = ""
    cost: int = 1
    timeout: Ns = Ns(5_000_000_000)
    until: Ns = Ns(0)
    risk: bool = False


class Drop(msgspec.Struct, frozen=True):
    """Take back these calls where they have not left yet: they are lost, unsent."""

    calls: tuple[str, ...]


class Wake(msgspec.Struct, frozen=True):
    """Call on_wake(token) at this time; the same token asked again replaces the earlier one."""

    token: str
    at: Ns


class Redial(msgspec.Struct, frozen=True):
    """Drop a stream's connection and open it anew (a terminal error of the venue)."""

    stream: str
    why: str


Out = Event | Send | Call | Drop | Wake | Redial


class Bucket(msgspec.Struct, frozen=True):
    """A rate budget as a pure value: `rate` tokens a second, at most `burst` saved up."""

    name: str
    rate: int
    burst: int


class Venue(Protocol):
    """A market-data protocol. No clock, no socket, no random number; bytes in, values out."""

    name: str

    def streams(self) -> tuple[str, ...]:
        """The streams that want to be connected, e.g. ("kalshi.book",); stable names."""
        ...

    def buckets(self) -> tuple[Bucket, ...]:
        """The rate budgets that its calls are charged to."""
        ...

    def start(self, now: Ns) -> list[Out]:
        """The first calls: discovery. Streams are dialled once `ready()`."""
        ...

    def ready(self) -> bool:
        """Whether discovery is complete and the streams may be dialled."""
        ...

    def dial(self, stream: str, now: Ns) -> Dial: ...
    def on_open(self, stream: str, now: Ns) -> list[Out]: ...
    def on_frame(self, stream: str, data: bytes, now: Ns) -> list[Out]: ...
    def on_down(self, stream: str, now: Ns, why: str) -> list[Out]: ...
    def on_reply(self, call: str, status: int, body: bytes, now: Ns) -> list[Out]: ...
    def on_lost(self, call: str, sent: bool, now: Ns) -> list[Out]: ...
    def on_wake(self, token: str, now: Ns) -> list[Out]: ...
    def do(self, effect: Effect, now: Ns) -> list[Out]: ...


def build(kind: str, config: Any) -> Venue:
    """Build the protocol named `kind` from its Config; an unknown kind is a ConfigError."""
    from importlib import import_module

    from dutchbook.domain.errors import ConfigError

    known = ("kalshi", "polymarket")
    if kind not in known:
        raise ConfigError(f"unknown venue kind {kind!r}", todo=f"use one of {', '.join(known)}")
    venue: Venue = import_module(f"dutchbook.venues.{kind}").build(config)
    return venue
