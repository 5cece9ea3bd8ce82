"""Which alert goes where, how loud, and when it has to wait: plain data with defaults."""

from datetime import tzinfo
from typing import Final, Literal

import msgspec

from dutchbook.alerts.notice import Kind, Priority
from dutchbook.alerts.words import moment
from dutchbook.domain.units import DAY, SECOND, Ns

Loud = Literal["on", "silent", "off"]
CHANNELS: Final = ("telegram", "discord", "email", "sms", "pager", "slack")
MINUTE: Final = Ns(60 * SECOND)
ALL: Final = ("telegram", "discord", "email", "sms")

PRIORITY: Final[dict[Kind, Priority]] = {
    "opportunity": "HIGH", "whale": "MEDIUM", "news": "MEDIUM", "risk_warning": "HIGH",
    "daily_loss": "CRITICAL", "system_error": "CRITICAL", "fill": "LOW",
    "order_failed": "MEDIUM", "refused": "MEDIUM", "halt": "CRITICAL",
    "feed_down": "HIGH", "resolution": "LOW", "daily": "LOW", "weekly": "LOW",
    "trouble": "CRITICAL", "service": "HIGH", "job": "LOW", "external": "HIGH", "test": "HIGH",
}  # fmt: skip
ROUTES: Final[dict[str, tuple[str, ...]]] = {
    "CRITICAL": ("telegram", "discord", "sms"), "HIGH": ("telegram", "discord"),
    "MEDIUM": ("discord",), "LOW": ("discord",),
}  # fmt: skip
OWN_ROUTES: Final[dict[str, tuple[str, ...]]] = {
    "risk_warning": ("telegram", "sms"), "daily_loss": ALL, "system_error": ALL,
    "order_failed": ("telegram", "discord"), "daily": ("telegram", "email"),
    "weekly": ("telegram", "email"), "test": CHANNELS,
}  # fmt: skip
AT_MOST: Final[dict[Kind, Ns]] = {"refused": MINUTE}
"""Kinds that are told as a digest only, and how far apart two of them are."""


class Rules(msgspec.Struct, frozen=True):
    """All of it is configuration. Spans in ns; `routes` by priority, `own` by kind, before it.

    `quiet`: (from, to) in minutes of the local day, None: never. Then only CRITICAL makes a
    sound, and MEDIUM and LOW wait for its end. `per_minute`: so many of a kind at once, the rest
    goes into a digest every `digest_every`. `loud_of` and `loud_in`: by kind, by channel.
    """

    mode: str = "sim"
    enabled: tuple[str, ...] = ()
    priorities: dict[str, str] = msgspec.field(default_factory=dict)
    routes: dict[str, tuple[str, ...]] = msgspec.field(default_factory=lambda: dict(ROUTES))
    own: dict[str, tuple[str, ...]] = msgspec.field(default_factory=lambda: {**OWN_ROUTES})
    fallback: tuple[str, ...] = ("telegram", "email")
    escalate_to: tuple[str, ...] = ("pager", "slack", "sms", "email")
    loud_of: dict[str, str] = msgspec.field(default_factory=dict)
    loud_in: dict[str, str] = msgspec.field(default_factory=dict)
    quiet: tuple[int, int] | None = None
    per_minute: int = 5
    digest_every: Ns = Ns(3 * SECOND)
    same_for: Ns = Ns(10 * MINUTE)
    escalate_after: Ns = Ns(15 * MINUTE)
    give_up_after: Ns = Ns(DAY)
    execute: Literal["off", "confirm", "one_tap"] = "confirm"
    one_tap_under: int = 10_000_000

    def priority(self, kind: Kind) -> Priority:
        """How urgent a kind is."""
        return self.priorities.get(kind, PRIORITY[kind])  # type: ignore[return-value]

    def targets(self, kind: Kind, priority: Priority) -> tuple[str, ...]:
        """The channels that are set up, in order; where none of them is, the first fallback."""
        wanted = self.own.get(kind) or self.routes[priority]
        if kind == "test":
            wanted = self.enabled
        found = tuple(name for name in wanted if self._open(name))
        return found or tuple(name for name in self.fallback if self._open(name))[:1]

    def _open(self, channel: str) -> bool:
        return channel in self.enabled and self.loud_in.get(channel, "on") != "off"

    def off(self, kind: Kind) -> bool:
        return self.loud_of.get(kind) == "off"

    def silent(self, kind: Kind, priority: Priority, channel: str, quiet: bool) -> bool:
        """CRITICAL and HIGH make a sound, the rest is silent, unless a person set it."""
        if priority == "CRITICAL":
            return False
        if quiet or "silent" in (self.loud_of.get(kind), self.loud_in.get(channel)):
            return True
        return priority != "HIGH" and self.loud_of.get(kind) != "on"

    def is_quiet(self, now: Ns, zone: tzinfo) -> bool:
        """Whether it is within the quiet hours, also where these go over midnight."""
        if self.quiet is None:
            return False
        start, end = self.quiet
        here = moment(now, zone)
        minute = here.hour * 60 + here.minute
        return start <= minute < end if start <= end else minute >= start or minute < end


def hours(text: str) -> tuple[int, int] | None:
    """ "23:00-07:00" as minutes of the day; "" is None. Raises ValueError."""
    if not text:
        return None
    start, dash, end = text.partition("-")
    if not dash:
        raise ValueError("quiet hours look like 23:00-07:00")
    return minute_of(start), minute_of(end)


def minute_of(text: str) -> int:
    """ "09:30" as minutes since midnight. Raises ValueError."""
    hour, colon, minute = text.strip().partition(":")
    digits = hour.isascii() and hour.isdigit() and minute.isascii() and minute.isdigit()
    if not (colon and digits and len(minute) == 2 and int(hour) < 24 and int(minute) < 60):
        raise ValueError(f"{text[:20]!r} is no time of day such as 09:30")
    return int(hour) * 60 + int(minute)
