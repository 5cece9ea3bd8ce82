"""From settings to rules, channels and couriers; from a directory to the key of its buttons."""

import os
from collections.abc import Callable
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from dutchbook.alerts.rules import Rules, hours
from dutchbook.alerts.trigger import Seen
from dutchbook.channels.base import Channel
from dutchbook.channels.deadman import DeadMan
from dutchbook.channels.discord import Config as DiscordAt
from dutchbook.channels.discord import Discord
from dutchbook.channels.email import Config as EmailAt
from dutchbook.channels.email import Email
from dutchbook.channels.oneway import OneWay
from dutchbook.channels.telegram import Config as TelegramAt
from dutchbook.channels.telegram import Telegram
from dutchbook.domain.clock import Clock
from dutchbook.domain.errors import ConfigError
from dutchbook.domain.secret import Secret
from dutchbook.domain.units import SECOND, Ns
from dutchbook.io.breaker import Breaker, Change
from dutchbook.io.courier import Courier, Sink
from dutchbook.io.guard import Guarded
from dutchbook.io.mail import Apprise, Server, Smtp
from dutchbook.io.signer import read_secret
from dutchbook.runtime.alert_settings import SECRETS, Alerts
from dutchbook.runtime.keys import secrets_of
from dutchbook.runtime.settings import Settings

KEY_FILE: Final = "alerts.key"
ONE_WAY: Final = ("sms", "pager", "slack")


def zone_of(name: str) -> tzinfo:
    """A time zone by name; "local" is this machine's. Raises ConfigError."""
    try:
        if name != "local":
            return ZoneInfo(name)
        here = os.environ.get("TZ", "").removeprefix(":")
        if here:
            return ZoneInfo(here)
        with open("/etc/localtime", "rb") as file:
            return ZoneInfo.from_file(file, key="local")
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        if name == "local":
            return UTC
        raise ConfigError(f"schedule.tz: no time zone {name[:40]!r}", todo="UTC") from error


def button_key(root: Path) -> bytes:
    """The key that buttons of this data directory are made with; made at first use, mode 0600."""
    path = root / KEY_FILE
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        key = read_secret(path).reveal()
        if len(key) != 32:
            raise ConfigError(f"{path} is damaged", todo="remove it: old buttons end") from None
        return key
    with os.fdopen(handle, "wb") as file:
        file.write(os.urandom(32))
    return read_secret(path).reveal()


def rules_of(settings: Settings, enabled: tuple[str, ...]) -> Rules:
    """What the settings say of routes and loudness."""
    alerts = settings.alerts
    routes = msgspec.structs.asdict(alerts.routes)
    own = {name: to for name, to in msgspec.structs.asdict(alerts.channels).items() if to}
    loud_in = {name: getattr(alerts, name).notify for name in enabled}
    return Rules(
        settings.mode, enabled, {},
        {name.upper(): routes[name] for name in ("critical", "high", "medium", "low")},
        own, alerts.routes.fallback, alerts.routes.escalate,
        msgspec.structs.asdict(alerts.events), loud_in, hours(alerts.quiet_hours),
        alerts.per_minute, escalate_after=Ns(alerts.escalate_s * SECOND),
        execute=alerts.telegram.execute, one_tap_under=alerts.telegram.one_tap_under,
    )  # fmt: skip


def seen_of(settings: Settings) -> Seen:
    alerts = settings.alerts
    return Seen(
        settings.mode, alerts.min_edge, alerts.min_confidence, Ns(alerts.ttl_s * SECOND),
        alerts.min_loss, zone_of(settings.schedule.tz),
        alerts.min_whale,
    )  # fmt: skip


def secrets_for(settings: Settings) -> dict[str, Secret]:
    """Every secret of a channel that is set or kept, by its name."""
    kept = secrets_of(settings)
    names = set(kept.names())
    found: dict[str, Secret] = {}
    for name, path in SECRETS.items():
        value: Any = settings.alerts
        for part in path.split("."):
            value = getattr(value, part)
        value = value or (kept.get(name) if name in names else None)
        if value:
            found[name] = value
    return found


def enabled_of(alerts: Alerts) -> tuple[str, ...]:
    """The channels that are switched on, in the order in which they are spoken of."""
    if not alerts.enabled:
        return ()
    names = ("telegram", "discord", "email", *ONE_WAY)
    return tuple(name for name in names if getattr(alerts, name).enabled)


class Builder:
    """Makes a courier for each channel that is switched on. Raises ConfigError for what lacks."""

    def __init__(
        self, settings: Settings, secrets: dict[str, Secret], clock: Clock, sink: Sink,
        told: Callable[[Change], None] = lambda change: None, *, local: bool = False,
    ) -> None:  # fmt: skip
        self.settings = settings
        self.secrets = secrets
        self.clock = clock
        self.sink = sink
        self.told = told
        self.local = local or settings.alerts.local

    def couriers(self) -> dict[str, Courier]:
        return {name: self.courier(name) for name in enabled_of(self.settings.alerts)}

    def courier(self, name: str) -> Courier:
        channel, sender = self._channel(name)
        return Courier(
            channel, self.sink, clock=self.clock, transport=Guarded(local=self.local),
            secrets=self.secrets, sender=sender, breaker=Breaker(name, told=self.told),
        )  # fmt: skip

    def deadman(self) -> Courier | None:
        """Calls an address every minute, where one is set."""
        if "deadman.url" not in self.secrets:
            return None
        return Courier(
            DeadMan(), self.sink, clock=self.clock, transport=Guarded(local=self.local),
            secrets=self.secrets,
        )  # fmt: skip

    def _channel(self, name: str) -> tuple[Channel, Any]:
        alerts = self.settings.alerts
        if name == "telegram":
            self._needs("telegram.token")
            return Telegram(TelegramAt(alerts.telegram.url, alerts.telegram.chat)), None
        if name == "discord":
            channel = alerts.discord.channel
            self._needs("discord.bot" if channel else "discord.webhook")
            return Discord(DiscordAt(alerts.discord.url, channel)), None
        if name == "email":
            email = alerts.email
            server = Server(
                email.host, email.port, email.tls, email.user, self.secrets.get("email.password")
            )
            return Email(EmailAt(email.sender, email.to, self.settings.mode)), Smtp(server)
        url = self._needs(f"{name}.url")
        return OneWay(name, short=name == "sms"), Apprise(name, url)

    def _needs(self, name: str) -> Secret:
        secret = self.secrets.get(name)
        if secret is None:
            raise ConfigError(
                f"alerts.{name.partition('.')[0]} is switched on without its secret",
                todo=f"dutchbook secret set {name}",
            )
        return secret
