"""Discord: a plain incoming webhook with link buttons, or a bot whose buttons press back.

A webhook can't receive presses, so its buttons are links to the page that asks once more. A bot
answers interactions that Discord posts to us, signed with Ed25519 (`verify`).
"""

from typing import Any, Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from dutchbook.channels.base import (
    Clicked,
    Delivered,
    Failed,
    Key,
    Message,
    Out,
    Pending,
    cut,
    read,
    sound,
)
from dutchbook.domain.units import SECOND, Ns
from dutchbook.venues.base import Bucket, Call, Sign

CONTENT_MAX: Final = 2_000
LABEL_MAX: Final = 80
ROW: Final = 5
SILENT: Final = 1 << 12
"""The flag SUPPRESS_NOTIFICATIONS."""
WEBHOOK: Final = "discord.webhook"
BOT: Final = "discord.bot"
OLD_NS: Final = Ns(300 * SECOND)
GONE: Final = (400, 401, 403, 404, 405)
"""Answers after which the same message is not tried again."""
_SPECIAL: Final = frozenset("\\*_~`|>#[]()<-@:")


class Config(msgspec.Struct, frozen=True):
    """`channel` set: a bot posts there; else the incoming webhook is used."""

    url: str = "https://discord.com/api/v10"
    channel: str = ""


class Discord:
    """One channel of one server."""

    name = "discord"

    def __init__(self, config: Config) -> None:
        self.config = config
        self._pending = Pending(self.name)

    def buckets(self) -> tuple[Bucket, ...]:
        """Five in two seconds and 30 a minute; a short burst is saved up."""
        return (Bucket("channel", 2, 5),)

    def start(self, now: Ns) -> list[Out]:
        return []

    def send(self, message: Message, now: Ns) -> list[Out]:
        body = self._shown(message)
        if message.silent:
            body["flags"] = SILENT
        if self.config.channel:
            return [self._of_bot("POST", "", body, message)]
        address = "{webhook}?wait=true&with_components=true"
        return [self._of_webhook("POST", address, body, message)]

    def edit(self, ref: str, message: Message, now: Ns) -> list[Out]:
        if not ref.isdigit():
            return [Failed(message.key, f"no message {ref[:40]!r}", for_good=True)]
        body = self._shown(message)
        if self.config.channel:
            return [self._of_bot("PATCH", f"/{ref}", body, message)]
        address = f"{{webhook}}/messages/{ref}?with_components=true"
        return [self._of_webhook("PATCH", address, body, message)]

    def _of_bot(self, method: str, tail: str, body: dict[str, Any], message: Message) -> Call:
        url = f"{self.config.url}/channels/{self.config.channel}/messages{tail}"
        headers = {"content-type": "application/json", "authorization": "Bot {token}"}
        sign = Sign(BOT, "", kind="reveal", into="{token}")
        return self._call(method, url, body, headers, sign, message)

    def _of_webhook(self, method: str, url: str, body: dict[str, Any], message: Message) -> Call:
        sign = Sign(WEBHOOK, "", kind="reveal", into="{webhook}")
        return self._call(method, url, body, {"content-type": "application/json"}, sign, message)

    def _call(
        self, method: str, url: str, body: dict[str, Any], headers: dict[str, str], sign: Sign,
        message: Message,
    ) -> Call:  # fmt: skip
        name = self._pending.name(method, message)
        return Call(
            name, method, url, msgspec.json.encode(body), headers, (sign,), "channel",
            timeout=Ns(10 * SECOND),
        )  # fmt: skip

    def _shown(self, message: Message) -> dict[str, Any]:
        keys = [self._key(key) for key in message.keys if key.url or self.config.channel]
        rows = [keys[at : at + ROW] for at in range(0, len(keys), ROW)]
        return {
            "content": escaped(message.text),
            "allowed_mentions": {"parse": []},
            "components": [{"type": 1, "components": row} for row in rows],
        }

    def _key(self, key: Key) -> dict[str, Any]:
        label = cut(sound(key.label), LABEL_MAX)
        if self.config.channel and key.data:
            return {"type": 2, "style": 2, "label": label, "custom_id": key.data[:100]}
        return {"type": 2, "style": 5, "label": label, "url": key.url[:512]}

    def answer(self, token: str, text: str, now: Ns) -> list[Out]:
        """The press was answered with the request that brought it; see `interaction`."""
        return []

    def say(self, chat: str, text: str, now: Ns) -> list[Out]:
        return self.send(Message("", text), now)

    def on_reply(self, call: str, status: int, body: bytes, now: Ns) -> list[Out]:
        message = self._pending.take(call)
        if message is None:
            return []
        told = read(body)
        if 200 <= status < 300:
            return [Delivered(message.key, str(told.get("id", ""))[:40])]
        why, wait = told.get("message", f"status {status}"), told.get("retry_after")
        return self._pending.failed(message, why, wait, for_good=status in GONE)

    def on_lost(self, call: str, sent: bool, now: Ns) -> list[Out]:
        return self._pending.lost(call, sent)

    def on_done(self, key: str, why: str, for_good: bool, now: Ns) -> list[Out]:
        return []

    def on_wake(self, token: str, now: Ns) -> list[Out]:
        return []


def escaped(text: str) -> str:
    """Without markdown, mentions and links under other names; at most 2,000 characters."""
    room = CONTENT_MAX - 4
    out: list[str] = []
    for c in sound(text):
        piece = f"\\{c}" if c in _SPECIAL else c
        room -= len(piece.encode("utf-16-le")) // 2
        if room < 0:
            out.append(" …")
            break
        out.append(piece)
    return "".join(out)


def verify(public_key: str, signature: str, timestamp: str, body: bytes, now: Ns) -> bool:
    """Whether Discord signed an interaction, not more than five minutes ago or ahead."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        key.verify(bytes.fromhex(signature), timestamp.encode() + body)
        written = int(timestamp) * SECOND
    except (InvalidSignature, ValueError):
        return False
    return abs(now - written) <= OLD_NS


class Interaction(msgspec.Struct, frozen=True):
    """What a verified interaction is: a ping that wants a pong, or a press."""

    pong: bool = False
    click: Clicked | None = None


def interaction(body: bytes) -> Interaction | None:
    """Read a body that `verify` accepted; None for what we do not serve."""
    told = read(body)
    if told.get("type") == 1:
        return Interaction(pong=True)
    data, member, user = told.get("data"), told.get("member"), told.get("user")
    if isinstance(member, dict):
        user = member.get("user")
    if told.get("type") != 3 or not isinstance(data, dict) or not isinstance(user, dict):
        return None
    name = "@" + sound(str(user.get("username", "")))[:39]
    click = Clicked(
        str(user.get("id", ""))[:40], name, str(data.get("custom_id", ""))[:100],
        str(told.get("id", ""))[:40], str(told.get("channel_id", ""))[:40],
        group=isinstance(member, dict),
    )  # fmt: skip
    return Interaction(click=click)


def reply(text: str) -> dict[str, Any]:
    """The answer to a press, which only the person sees; mentions nobody."""
    said = {"content": escaped(text), "flags": 64, "allowed_mentions": {"parse": []}}
    return {"type": 4, "data": said}
