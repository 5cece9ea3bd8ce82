"""One numbered message: encoded once as JSON, and the frames that carry messages to a group."""

from typing import Any, Final

import msgspec

from dutchbook.hub.filters import Facets
from dutchbook.hub.wire import Numbered

_encode = msgspec.json.Encoder().encode
_pack = msgspec.msgpack.Encoder().encode
_decode = msgspec.json.Decoder().decode
_SEVERAL: Final = 1


class Message:
    """`body` is the JSON object without subscription and prev. `key` is what conflates it."""

    __slots__ = ("_plain", "at", "body", "channel", "facets", "key", "n", "seq")

    def __init__(
        self, seq: int, n: int, at: int, channel: str, facets: Facets, body: bytes, key: str = ""
    ) -> None:
        self.seq = seq
        self.n = n
        self.at = at
        self.channel = channel
        self.facets = facets
        self.body = body
        self.key = key
        self._plain: dict[str, Any] | None = None

    @property
    def plain(self) -> dict[str, Any]:
        """The body as plain data; decoded once."""
        if self._plain is None:
            self._plain = _decode(self.body)
        return self._plain


class Row(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A message as it is kept on disk, and as it goes between processes."""

    seq: int
    n: int
    at: int
    channel: str
    facets: Facets
    body: bytes
    key: str = ""


def row_of(item: Message) -> Row:
    return Row(item.seq, item.n, item.at, item.channel, item.facets, item.body, item.key)


def message_of(row: Row) -> Message:
    return Message(row.seq, row.n, row.at, row.channel, row.facets, row.body, row.key)


def message(channel: str, facets: Facets, body: Numbered, key: str = "") -> Message:
    """A message made of its wire form; what every subscriber shares of it is encoded here."""
    plain = _encode(body)
    empty = b'"subscription":"","prev":0,'
    return Message(
        body.seq, body.n, body.at, channel, facets, plain.replace(empty, b"", 1), key
    )  # fmt: skip


class Frame:
    """What one group of subscribers is sent: the same bytes for all. `count` messages."""

    __slots__ = ("_text", "binary", "count", "data", "seq")

    def __init__(self, data: bytes, binary: bool, count: int = 0, seq: int = 0) -> None:
        self.data = data
        self.binary = binary
        self.count = count
        self.seq = seq
        self._text: str | None = None

    @property
    def text(self) -> str:
        """The bytes as text, for transports that want it; decoded once for all."""
        if self._text is None:
            self._text = self.data.decode()
        return self._text


def frame(messages: list[Message], subscription: str, prev: int, binary: bool) -> Frame:
    """One frame: an object, or an array of them. `prev` is the seq that the first one follows.

    The promise of `prev`: no message of this subscription lies between it and the message.
    """
    last = messages[-1]
    before = _before(messages, prev)
    if binary:
        rows = [
            {"subscription": subscription, "prev": b, **m.plain}
            for m, b in zip(messages, before, strict=True)
        ]
        data = _pack(rows if len(rows) > _SEVERAL else rows[0])
    else:
        head = b'{"subscription":"%b","prev":' % subscription.encode()
        parts = [b"%b%d,%b" % (head, b, m.body[1:]) for m, b in zip(messages, before, strict=True)]
        data = parts[0] if len(parts) == _SEVERAL else b"[" + b",".join(parts) + b"]"
    return Frame(data, binary, len(messages), last.seq)


def _before(messages: list[Message], prev: int) -> list[int]:
    """The seq before each message; those of one step all follow the step before theirs."""
    out: list[int] = []
    current = messages[0].seq
    for item in messages:
        if item.seq != current:
            prev, current = current, item.seq
        out.append(prev)
    return out


def say(answer: msgspec.Struct, binary: bool) -> Frame:
    """An answer to one client as a frame."""
    return Frame(_pack(answer) if binary else _encode(answer), binary)
