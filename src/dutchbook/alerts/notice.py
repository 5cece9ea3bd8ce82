"""An alert as a value, and the records of what became of it."""

from typing import Final, Literal, get_args

import msgspec

from dutchbook.domain.units import Ns

Priority = Literal["LOW", "MEDIUM", "HIGH", "CRITICAL"]
PRIORITIES: Final = get_args(Priority)
Kind = Literal[
    "opportunity", "whale", "news", "risk_warning", "daily_loss", "system_error", "fill",
    "order_failed", "refused", "halt", "feed_down", "resolution", "daily", "weekly", "trouble",
    "service", "job", "external", "test",
]  # fmt: skip
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
Act = Literal["execute", "confirm", "cancel", "dismiss", "why", "mute", "ack"]


class Offered(msgspec.Struct, frozen=True):
    """What Execute under an alert would take: figures as they were alerted, in millionths.

    `edge` is net profit per $1 of payout; `per_share` the same per contract; `until`: no later.
    """

    opportunity: str
    edge: int
    per_share: int
    capital: int
    net: int
    until: Ns


class Words(msgspec.Struct, frozen=True):
    """What is told. `key` names the matter: the same key again is the same alert. `fields` is the
    text as rows for an email, `short` as words for an SMS ("" : the first line), `why` what the Why
    button tells."""

    kind: Kind
    key: str
    text: str
    title: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    short: str = ""
    why: str = ""
    offered: Offered | None = None
    seq: int = 0


class Draft(Words, frozen=True, kw_only=True):
    """Something to tell, before it is decided whether and over which channel."""

    priority: Priority | None = None


class Notice(Words, frozen=True, kw_only=True):
    """An alert that was accepted. `id`: 16 hexadecimal characters."""

    id: str
    priority: Priority
    at: Ns
    mode: str


class Accepted(msgspec.Struct, frozen=True, tag="accepted"):
    """From here on the alert is not lost: it is on disk. `silent`: delivered without a sound."""

    notice: Notice
    targets: tuple[str, ...]
    silent: bool = False


class Added(msgspec.Struct, frozen=True, tag="added"):
    """Another channel is to deliver it: a fallback, or an escalation."""

    id: str
    channel: str
    at: Ns
    why: str


class Sent(msgspec.Struct, frozen=True, tag="sent"):
    """A channel confirmed it; `ref` is its own name of the message."""

    id: str
    channel: str
    at: Ns
    ref: str = ""


class Missed(msgspec.Struct, frozen=True, tag="missed"):
    """A try failed; it is tried again at `again`, never if that is 0."""

    id: str
    channel: str
    at: Ns
    why: str
    again: Ns


class Pressed(msgspec.Struct, frozen=True, tag="pressed"):
    """A person pressed something: the audit row. `then` and `now`: net per share, millionths."""

    id: str
    act: Act
    who: str
    channel: str
    at: Ns
    ok: bool
    why: str = ""
    then: int = 0
    now: int = 0


class Settled(msgspec.Struct, frozen=True, tag="settled"):
    """What became of it: stands in every channel from now on, without buttons."""

    id: str
    text: str
    at: Ns
    final: bool = True


class Muted(msgspec.Struct, frozen=True, tag="muted"):
    """Nothing of this kind ("all": but CRITICAL) before `until`; 0 lifts it."""

    kind: str
    until: Ns
    who: str
    at: Ns


class Held(msgspec.Struct, frozen=True, tag="held"):
    """It waits for a digest, until `due`."""

    group: str
    draft: Draft
    due: Ns


class Released(msgspec.Struct, frozen=True, tag="released"):
    """The digest of a group was accepted; the record of it stands right before this."""

    group: str
    at: Ns


Record = Held | Released | Accepted | Added | Sent | Missed | Pressed | Settled | Muted
