"""Buttons under an alert: what they are called, and data that nobody can guess or change.

Data is `x:<16-char id>:<12-char mac>`, 31 bytes: the id is a digest of (alert, act), the mac binds
it to this data directory's key. What a button means is looked up here, never read from the data.
"""

import base64
import hashlib
import hmac
from typing import Final, NamedTuple

from dutchbook.alerts.notice import Act, Notice
from dutchbook.alerts.words import usd

LABELS: Final[dict[Act, str]] = {
    "execute": "✅ Execute", "confirm": "✅ Yes, execute", "cancel": "✖ Cancel",
    "dismiss": "✖ Dismiss", "why": "ℹ Why", "mute": "🔕 1 h", "ack": "👍 Seen",
}  # fmt: skip
CODES_MAX: Final = 5
"""Wrong codes of an alert, after which its code is worth nothing."""


class Button(NamedTuple):
    """`data` for channels with buttons; `act` and `id` for those with links."""

    label: str
    data: str
    act: Act


class Mint:
    """Makes and reads button data with one key (32 bytes)."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._acts: dict[str, tuple[str, Act]] = {}

    def know(self, notice: Notice) -> None:
        """The buttons that this alert can have mean something from now on."""
        acts: tuple[Act, ...] = ("execute", "confirm", "cancel", "dismiss", "why", "mute", "ack")
        for act in acts:
            self._acts[_name(notice.id, act)] = (notice.id, act)

    def forget(self, notice: Notice) -> None:
        """An old alert: its buttons are unknown from now on."""
        for act in LABELS:
            self._acts.pop(_name(notice.id, act), None)

    def data(self, alert: str, act: Act) -> str:
        name = _name(alert, act)
        return f"x:{name}:{self._mac(name)}"

    def read(self, data: str) -> tuple[str, Act] | None:
        """(alert, act) of a press; None for what we did not make, or made too long ago."""
        kind, _, rest = data.partition(":")
        name, _, mac = rest.partition(":")
        if kind != "x" or len(name) != 16 or len(mac) != 12:
            return None
        good = hmac.compare_digest(mac.encode(errors="replace"), self._mac(name).encode())
        return self._acts.get(name) if good else None

    def token(self, alert: str) -> str:
        """What a link in an email carries: 24 characters, good for one press of its alert."""
        raw = hmac.digest(self._key, b"link:" + alert.encode(), "sha256")
        return base64.urlsafe_b64encode(raw[:18]).decode()

    def is_token(self, alert: str, token: str) -> bool:
        return hmac.compare_digest(token.encode(errors="replace"), self.token(alert).encode())

    def code(self, alert: str) -> str:
        """Six digits for an SMS; whoever reads them counts wrong ones (CODES_MAX)."""
        raw = hmac.digest(self._key, b"code:" + alert.encode(), "sha256")
        return f"{int.from_bytes(raw[:8], 'big') % 1_000_000:06d}"

    def _mac(self, name: str) -> str:
        raw = hmac.digest(self._key, name.encode(errors="replace"), "sha256")
        return base64.urlsafe_b64encode(raw[:9]).decode()


def _name(alert: str, act: str) -> str:
    return hashlib.blake2b(f"{alert}:{act}".encode(), digest_size=8).hexdigest()


def acts_of(notice: Notice, execute: str) -> tuple[Act, ...]:
    """What may be pressed under an alert. Every row has a way out."""
    if notice.offered is not None:
        first: tuple[Act, ...] = ("execute",) if execute != "off" else ()
        return (*first, "dismiss", "why", "mute")
    if notice.priority == "CRITICAL":
        return ("ack", "dismiss")
    return ("dismiss", "mute") if notice.kind in ("whale", "news", "external") else ()


def label(notice: Notice, act: Act) -> str:
    if act in ("execute", "confirm") and notice.offered is not None:
        return f"{LABELS[act]} {usd(notice.offered.capital)}"
    return LABELS[act]
