"""Telegram's Bot API over long polling: no public address is needed, presses come back at once.

The bot's token is part of every address; it stands there as `{token}` until io puts it in.
"""

import html
from typing import Any, Final

import msgspec

from dutchbook.channels.base import (
    TEXT_MAX,
    Clicked,
    Delivered,
    Failed,
    Key,
    Message,
    Out,
    Pending,
    Said,
    cut,
    read,
    sound,
)
from dutchbook.domain.units import SECOND, Ns
from dutchbook.venues.base import Bucket, Call, Sign, Wake

POLL_SECONDS: Final = 50
TOKEN: Final = "telegram.token"
ROW: Final = 2
ANSWER_MAX: Final = 200
GONE: Final = (400, 401, 403, 404)
"""Answers after which the same message is not tried again."""


class Config(msgspec.Struct, frozen=True):
    """`url` of the Bot API without a slash at its end; `chat` is where alerts go."""

    url: str = "https://api.telegram.org"
    chat: str = ""


class Telegram:
    """Alerts go to one chat; presses and words come from anywhere, and say from where."""

    name = "telegram"

    def __init__(self, config: Config) -> None:
        self.config = config
        self._offset = 0
        self._errors = 0
        self._pending = Pending(self.name)

    def buckets(self) -> tuple[Bucket, ...]:
        """About one message a second to a chat, with a little saved up; 30 a second to all."""
        return (Bucket("chat", 1, 20), Bucket("bot", 25, 25))

    def start(self, now: Ns) -> list[Out]:
        return [self._poll()]

    def _poll(self) -> Call:
        body = {
            "offset": self._offset, "timeout": POLL_SECONDS,
            "allowed_updates": ["message", "callback_query"],
        }  # fmt: skip
        return self._call("poll", "getUpdates", body, "", Ns((POLL_SECONDS + 10) * SECOND))

    def _call(
        self, name: str, method: str, body: dict[str, Any], bucket: str,
        timeout: Ns = Ns(10 * SECOND),
    ) -> Call:  # fmt: skip
        return Call(
            name, "POST", f"{self.config.url}/bot{{token}}/{method}", msgspec.json.encode(body),
            {"content-type": "application/json"}, (Sign(TOKEN, "", kind="reveal", into="{token}"),),
            bucket, timeout=timeout,
        )  # fmt: skip

    def send(self, message: Message, now: Ns) -> list[Out]:
        body = {"chat_id": self.config.chat, **_shown(message)}
        body["disable_notification"] = message.silent
        return [self._call(self._pending.name("send", message), "sendMessage", body, "chat")]

    def edit(self, ref: str, message: Message, now: Ns) -> list[Out]:
        chat, _, number = ref.rpartition("/")
        if not number.isdigit():
            return [Failed(message.key, f"no message {ref[:40]!r}", for_good=True)]
        body = {"chat_id": chat, "message_id": int(number), **_shown(message)}
        name = self._pending.name("edit", msgspec.structs.replace(message, subject=ref))
        return [self._call(name, "editMessageText", body, "chat")]

    def answer(self, token: str, text: str, now: Ns) -> list[Out]:
        body = {"callback_query_id": token, "text": cut(sound(text), ANSWER_MAX)}
        name = self._pending.name("answer", Message("", text))
        return [self._call(name, "answerCallbackQuery", body, "")]

    def say(self, chat: str, text: str, now: Ns) -> list[Out]:
        message = Message("", text)
        body = {"chat_id": chat, **_shown(message)}
        return [self._call(self._pending.name("say", message), "sendMessage", body, "bot")]

    # -- what comes back -------------------------------------------------------------------------

    def on_reply(self, call: str, status: int, body: bytes, now: Ns) -> list[Out]:
        told = read(body)
        if call == "poll":
            return self._polled(told, now)
        message = self._pending.take(call)
        if message is None:
            return []
        if told.get("ok") is True:
            if call.startswith("edit"):
                return [Delivered(message.key, message.subject)]
            return [Delivered(message.key, self._ref(told.get("result")))]
        why = str(told.get("description", f"status {status}"))
        if call.startswith("edit") and "message is not modified" in why:
            return [Delivered(message.key, message.subject)]
        extra = told.get("parameters")
        wait = extra.get("retry_after") if isinstance(extra, dict) else None
        return self._pending.failed(message, why, wait, for_good=status in GONE)

    def _ref(self, result: Any) -> str:
        """chat/number of a message that was sent."""
        if not isinstance(result, dict) or not isinstance(result.get("message_id"), int):
            return ""
        chat = result.get("chat")
        where = chat.get("id") if isinstance(chat, dict) else None
        return f"{where if where is not None else self.config.chat}/{result['message_id']}"

    def _polled(self, told: dict[str, Any], now: Ns) -> list[Out]:
        updates = told.get("result")
        if told.get("ok") is not True or not isinstance(updates, list):
            return self._again(now)
        self._errors = 0
        outs: list[Out] = []
        for update in updates:
            if not isinstance(update, dict) or not isinstance(update.get("update_id"), int):
                continue
            self._offset = max(self._offset, update["update_id"] + 1)
            outs += _heard(update)
        return [*outs, self._poll()]

    def _again(self, now: Ns) -> list[Out]:
        """Asked again after 1, 2, 4 … 30 s."""
        self._errors += 1
        return [Wake("poll", Ns(now + min(2 ** (self._errors - 1), 30) * SECOND))]

    def on_lost(self, call: str, sent: bool, now: Ns) -> list[Out]:
        if call == "poll":
            return self._again(now)
        return self._pending.lost(call, sent)

    def on_done(self, key: str, why: str, for_good: bool, now: Ns) -> list[Out]:
        return []

    def on_wake(self, token: str, now: Ns) -> list[Out]:
        return [self._poll()]


def _shown(message: Message) -> dict[str, Any]:
    """Text with its first line in bold, and the buttons; no buttons takes earlier ones away."""
    first, newline, rest = cut(sound(message.text), TEXT_MAX).partition("\n")
    text = f"<b>{html.escape(first, quote=False)}</b>{newline}{html.escape(rest, quote=False)}"
    keys = [_key(key) for key in message.keys]
    rows = [keys[at : at + ROW] for at in range(0, len(keys), ROW)]
    return {
        "text": text, "parse_mode": "HTML", "link_preview_options": {"is_disabled": True},
        "reply_markup": {"inline_keyboard": rows},
    }  # fmt: skip


def _key(key: Key) -> dict[str, str]:
    label = cut(sound(key.label), 60)
    return {"text": label, "callback_data": key.data} if key.data else {
        "text": label, "url": key.url,
    }  # fmt: skip


def _heard(update: dict[str, Any]) -> list[Out]:
    """A press or a line of text; everything else a bot can receive is passed over."""
    query, message = update.get("callback_query"), update.get("message")
    if isinstance(query, dict):
        user, chat = query.get("from"), _chat(query.get("message"))
        if isinstance(user, dict) and isinstance(query.get("data"), str):
            data = query["data"][:64]
            token = str(query.get("id", ""))[:100]
            return [Clicked(_id(user), _name(user), data, token, *chat)]
    elif isinstance(message, dict) and isinstance(message.get("text"), str):
        user = message.get("from")
        if isinstance(user, dict):
            return [Said(_id(user), _name(user), sound(message["text"])[:1_000], *_chat(message))]
    return []


def _chat(message: Any) -> tuple[str, bool]:
    """Where it was, and whether others are there."""
    chat = message.get("chat") if isinstance(message, dict) else None
    if not isinstance(chat, dict):
        return "", True
    return str(chat.get("id", ""))[:40], chat.get("type") != "private"


def _id(user: dict[str, Any]) -> str:
    return str(user.get("id", ""))[:40]


def _name(user: dict[str, Any]) -> str:
    """@name where there is one; never taken for who it is: that is the id."""
    name = user.get("username")
    if isinstance(name, str) and name:
        return "@" + sound(name)[:39]
    return sound(str(user.get("first_name", "")))[:39] or _id(user)
