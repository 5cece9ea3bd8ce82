"""Email: the fields as a table and as plain text. Opening a link never executes anything."""

import html
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

import msgspec

from dutchbook.channels.base import TEXT_MAX, Key, Mail, Message, Out, cut, sound
from dutchbook.channels.oneway import OneWay
from dutchbook.domain.units import SECOND, Ns

SUBJECT_MAX: Final = 150


class Config(msgspec.Struct, frozen=True):
    """Addresses as they stand in the header; `mode` is the tag of the subject."""

    sender: str
    to: tuple[str, ...]
    mode: str = "sim"


class Email(OneWay):
    """One message for all receivers; it can't be edited, so what follows is not sent again."""

    def __init__(self, config: Config) -> None:
        super().__init__("email")
        self.config = config

    def send(self, message: Message, now: Ns) -> list[Out]:
        data = written(self.config, message, message.at or now)
        return [Mail(message.key, self.config.sender, self.config.to, data)]


def written(config: Config, message: Message, at: Ns) -> bytes:
    """The message, complete: subject `[dutchbook live] HALT – day loss`, text and HTML."""
    made = EmailMessage(policy=SMTP)
    first = message.text.split("\n", 1)[0]
    subject = " ".join(cut(sound(message.subject or first), SUBJECT_MAX).split())
    made["Subject"] = f"[dutchbook {config.mode}] {subject}"
    made["From"], made["To"] = config.sender, ", ".join(config.to)
    made["Date"] = format_datetime(datetime.fromtimestamp(at // SECOND, UTC))
    made["Message-ID"] = f"<{message.key.partition('|')[0]}@dutchbook.invalid>"
    made["Auto-Submitted"] = "auto-generated"
    links = [key for key in message.keys if key.url]
    made.set_content("\n".join([_plain(message), *(f"{k.label}: {k.url}" for k in links)]))
    made.add_alternative(_html(message, links), subtype="html")
    return made.as_bytes()


def _plain(message: Message) -> str:
    return cut(sound(message.text), TEXT_MAX)


def _html(message: Message, links: list[Key]) -> str:
    rows = "".join(
        f"<tr><th align='left'>{_safe(name)}</th><td>{_safe(value)}</td></tr>"
        for name, value in message.fields
    )
    table = f"<table>{rows}</table>" if rows else ""
    body = _safe(_plain(message)).replace("\n", "<br>\n")
    buttons = " ".join(f"<a href='{_safe(key.url)}'>{_safe(key.label)}</a>" for key in links)
    return f"<!doctype html><html><body><p>{body}</p>{table}<p>{buttons}</p></body></html>"


def _safe(text: str) -> str:
    return html.escape(sound(text), quote=True)
