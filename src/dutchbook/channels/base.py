"""The port of a channel: a pure protocol that is told what happened and says what it wants done."""

from typing import Any, Final, Protocol

import msgspec

from dutchbook.domain.units import MILLI, Ns
from dutchbook.venues.base import Bucket, Call, Drop, Wake

TEXT_MAX: Final = 3_500
"""Characters of one message in any channel; what is longer is cut, and says so."""
PENDING_MAX: Final = 1_000
AFTER_MAX: Final = 3_600
"""Seconds that a channel may ask us to wait."""


class Key(msgspec.Struct, frozen=True):
    """A button: `data` where the channel can send presses back, `url` where it can only link."""

    label: str
    data: str = ""
    url: str = ""


class Message(msgspec.Struct, frozen=True):
    """What a channel is to show; plain text, which it escapes in its own way.

    `key` comes back with the outcome. `sms` is the short form, `fields` rows for an email.
    `critical`: it goes before all others.
    """

    key: str
    text: str
    subject: str = ""
    keys: tuple[Key, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()
    sms: str = ""
    silent: bool = False
    critical: bool = False
    at: Ns = Ns(0)


class Delivered(msgspec.Struct, frozen=True):
    """The channel confirmed a message; `ref` names it there, "" where it can't be edited."""

    key: str
    ref: str = ""


class Failed(msgspec.Struct, frozen=True):
    """Not delivered, or nobody knows. `after`: not again before so long; `for_good`: never."""

    key: str
    why: str
    after: Ns = Ns(0)
    for_good: bool = False


class Clicked(msgspec.Struct, frozen=True):
    """Somebody pressed a button. `token` is what `answer` needs; `name` is how people call them."""

    user: str
    name: str
    data: str
    token: str
    chat: str
    group: bool = False


class Said(msgspec.Struct, frozen=True):
    """Somebody wrote to us. `group`: others read it, too."""

    user: str
    name: str
    text: str
    chat: str
    group: bool = False


class Mail(msgspec.Struct, frozen=True):
    """Hand this message (RFC 5322, complete) to the mail server."""

    key: str
    sender: str
    to: tuple[str, ...]
    data: bytes


class Notify(msgspec.Struct, frozen=True):
    """Hand this to the one-way target that settings name."""

    key: str
    title: str
    body: str


Out = Delivered | Failed | Clicked | Said | Mail | Notify | Call | Drop | Wake


class Channel(Protocol):
    """One way to people. It raises nothing for what the other side sent: it drops or fails it."""

    name: str

    def buckets(self) -> tuple[Bucket, ...]: ...

    def start(self, now: Ns) -> list[Out]: ...

    def send(self, message: Message, now: Ns) -> list[Out]:
        """Deliver; Delivered or Failed follows, once."""
        ...

    def edit(self, ref: str, message: Message, now: Ns) -> list[Out]:
        """Put it in place of an earlier one; Delivered or Failed follows, once."""
        ...

    def answer(self, token: str, text: str, now: Ns) -> list[Out]:
        """Answer a press at once; the person sees `text` for a moment."""
        ...

    def say(self, chat: str, text: str, now: Ns) -> list[Out]:
        """Write to whoever wrote or pressed; nobody waits for the outcome."""
        ...

    def on_reply(self, call: str, status: int, body: bytes, now: Ns) -> list[Out]: ...

    def on_lost(self, call: str, sent: bool, now: Ns) -> list[Out]: ...

    def on_done(self, key: str, why: str, for_good: bool, now: Ns) -> list[Out]:
        """How a Mail or a Notify ended; `why` "" where it was taken."""
        ...

    def on_wake(self, token: str, now: Ns) -> list[Out]: ...


class Pending:
    """Messages whose outcome is awaited, by the name of their call; the oldest is given up first.

    `channel` stands before each reason why one failed.
    """

    def __init__(self, channel: str) -> None:
        self._channel = channel
        self._count = 0
        self._messages: dict[str, Message] = {}

    def name(self, kind: str, message: Message) -> str:
        """A name for the call that carries a message."""
        self._count += 1
        name = f"{kind}:{self._count}"
        self._messages[name] = message
        if len(self._messages) > PENDING_MAX:
            self._messages.pop(next(iter(self._messages)))
        return name

    def take(self, call: str) -> Message | None:
        """The message of a call that came back; None where nobody waits for its outcome."""
        message = self._messages.pop(call, None)
        return message if message is not None and message.key else None

    def failed(self, message: Message, why: Any, wait: Any, *, for_good: bool) -> list[Out]:
        """It was refused; `wait` in seconds, as the other side said it."""
        sound_wait = isinstance(wait, int | float) and wait > 0
        # Perhaps with a fraction: it only says when to try again.
        after = int(min(wait, AFTER_MAX) * 1_000) * MILLI if sound_wait else 0
        words = sound(str(why))[:200]
        return [Failed(message.key, f"{self._channel}: {words}", Ns(after), for_good)]

    def lost(self, call: str, sent: bool) -> list[Out]:
        """Nobody knows what became of a call."""
        message, word = self.take(call), "no answer" if sent else "not reached"
        return [Failed(message.key, f"{self._channel}: {word}")] if message is not None else []


def read(body: bytes) -> dict[str, Any]:
    """A JSON object; empty for whatever else came."""
    try:
        told = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def cut(text: str, most: int) -> str:
    """The text, or its beginning and a word that there was more."""
    if len(text.encode("utf-16-le", "surrogatepass")) // 2 <= most:
        return text
    kept = text[: most - 2]
    while len(kept.encode("utf-16-le", "surrogatepass")) // 2 > most - 2:
        kept = kept[: len(kept) - max(1, len(kept) // 20)]
    return kept + " …"


def sound(text: str) -> str:
    """Without control characters and halves of characters; line ends stay."""
    return "".join(
        c for c in text if c == "\n" or (c.isprintable() and not "\ud800" <= c <= "\udfff")
    )
