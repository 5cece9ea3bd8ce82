"""What holds between the settings of alerts: times that can be read, channels that exist."""

from typing import TYPE_CHECKING

import msgspec

from dutchbook.alerts.rules import CHANNELS, hours, minute_of
from dutchbook.domain.errors import ConfigError

if TYPE_CHECKING:
    from dutchbook.runtime.settings import Settings


def check_alerts(settings: "Settings") -> None:
    """Raises ConfigError, which names the setting."""
    alerts = settings.alerts
    _time("alerts.quiet_hours", alerts.quiet_hours, hours)
    word, _, at = alerts.digest.partition(" ")
    if alerts.digest and word != "daily":
        raise ConfigError(f"alerts.digest is {alerts.digest!r}", todo='"daily 09:00", or ""')
    if alerts.digest:
        _time("alerts.digest", at, minute_of)
    for section in ("routes", "channels"):
        for name, channels in msgspec.structs.asdict(getattr(alerts, section)).items():
            strange = [one for one in channels if one not in CHANNELS]
            if strange:
                raise ConfigError(
                    f"alerts.{section}.{name} names a channel {strange[0]!r}",
                    todo=f"there are {', '.join(CHANNELS)}",
                )
    telegram = alerts.telegram
    if telegram.enabled and not telegram.chat:
        raise ConfigError("alerts.telegram has no chat", todo="dutchbook alert setup telegram")
    email = alerts.email
    if email.enabled and not (email.host and email.sender and email.to):
        raise ConfigError("alerts.email needs host, sender and to")
    if email.tls == "none" and email.host not in ("", "127.0.0.1", "localhost", "::1"):
        raise ConfigError("alerts.email: only this machine is reached without encryption")
    for name, text in msgspec.structs.asdict(settings.schedule.jobs).items():
        if text:
            _when(f"schedule.jobs.{name}", text)


def _time(path: str, text: str, read: object) -> None:
    try:
        read(text)  # type: ignore[operator]
    except ValueError as error:
        raise ConfigError(f"{path} is {text[:40]!r}", why=str(error)) from error


def _when(path: str, text: str) -> None:
    from dutchbook.schedule.when import when

    try:
        when(text)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error.what}", todo=error.todo) from error
