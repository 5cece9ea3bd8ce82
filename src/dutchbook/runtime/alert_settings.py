"""The settings of alerts and of the schedule: channels, routes, loudness, cron strings."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from dutchbook.domain.meta import money
from dutchbook.domain.secret import Secret
from dutchbook.domain.units import ONE

Loud = Annotated[
    Literal["on", "silent", "off"], Meta(description="on: with a sound; silent: without; off")
]
Own = Annotated[tuple[str, ...], Meta(description="channels of this kind; empty: by priority")]
Seconds = Annotated[int, Meta(ge=1, le=86_400)]
Cron = Annotated[
    str, Meta(description="minute hour day month weekday, or every 5m, at 09:00; empty: never")
]


class Telegram(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A bot; its token is the secret telegram.token."""

    enabled: Annotated[bool, Meta(description="tell over Telegram")] = False
    notify: Loud = "on"
    url: Annotated[str, Meta(description="the Bot API")] = "https://api.telegram.org"
    token: Annotated[
        Secret | None, Meta(description="better: dutchbook secret set telegram.token")
    ] = None
    chat: Annotated[str, Meta(description="id of the chat that alerts go to")] = ""
    allow: Annotated[
        tuple[int, ...], Meta(description="ids of people who may press and command")
    ] = ()
    execute: Annotated[
        Literal["off", "confirm", "one_tap"],
        Meta(description="confirm: every Execute is asked twice; one_tap: above one_tap_under"),
    ] = "confirm"
    one_tap_under: Annotated[int, money("$ below which one press is enough")] = 10 * ONE
    groups: Annotated[bool, Meta(description="presses and commands count in groups, too")] = False


class Discord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A webhook (secret discord.webhook), or a bot (secret discord.bot) with buttons."""

    enabled: Annotated[bool, Meta(description="tell over Discord")] = False
    notify: Loud = "on"
    url: Annotated[str, Meta(description="the API, for a bot")] = "https://discord.com/api/v10"
    webhook: Annotated[
        Secret | None, Meta(description="better: dutchbook secret set discord.webhook")
    ] = None
    bot: Annotated[Secret | None, Meta(description="token of a bot; discord.bot is better")] = None
    channel: Annotated[str, Meta(description="channel of the bot; empty: the webhook")] = ""
    public_key: Annotated[
        str, Meta(description="of the application, hex: signs what is pressed")
    ] = ""
    allow: Annotated[tuple[int, ...], Meta(description="ids of people who may press")] = ()


class Email(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mail server; its password is the secret email.password."""

    enabled: Annotated[bool, Meta(description="tell by email")] = False
    notify: Loud = "on"
    host: Annotated[str, Meta(description="mail server")] = ""
    port: Annotated[int, Meta(ge=1, le=65_535, description="its port")] = 587
    tls: Annotated[
        Literal["starttls", "tls", "none"], Meta(description="none: on this machine only")
    ] = "starttls"
    user: Annotated[str, Meta(description="login; empty: none")] = ""
    password: Annotated[Secret | None, Meta(description="better: the secret email.password")] = None
    sender: Annotated[str, Meta(description="address that it comes from")] = ""
    to: Annotated[tuple[str, ...], Meta(description="addresses that it goes to")] = ()


class OneWay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A target of Apprise (extra notify); its address is a secret, such as sms.url."""

    enabled: Annotated[bool, Meta(description="tell over it")] = False
    notify: Loud = "on"
    url: Annotated[Secret | None, Meta(description="Apprise address; a secret is better")] = None


class Events(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How loud each kind is."""

    opportunity: Loud = "on"
    whale: Loud = "silent"
    news: Loud = "silent"
    risk_warning: Loud = "on"
    daily_loss: Loud = "on"
    system_error: Loud = "on"
    fill: Loud = "silent"
    order_failed: Loud = "silent"
    refused: Loud = "silent"
    halt: Loud = "on"
    feed_down: Loud = "on"
    resolution: Loud = "silent"
    daily: Loud = "on"
    weekly: Loud = "on"
    trouble: Loud = "on"
    service: Loud = "on"
    job: Loud = "silent"
    external: Loud = "on"
    test: Loud = "on"


class Routes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Channels by priority; [alerts.channels] has those of single kinds."""

    critical: Annotated[tuple[str, ...], Meta(description="channels")] = (
        "telegram", "discord", "sms",
    )  # fmt: skip
    high: Annotated[tuple[str, ...], Meta(description="channels")] = ("telegram", "discord")
    medium: Annotated[tuple[str, ...], Meta(description="channels")] = ("discord",)
    low: Annotated[tuple[str, ...], Meta(description="channels")] = ("discord",)
    fallback: Annotated[tuple[str, ...], Meta(description="when a channel is down, in order")] = (
        "telegram", "email",
    )  # fmt: skip
    escalate: Annotated[
        tuple[str, ...], Meta(description="when nobody reacts to a critical alert")
    ] = ("pager", "slack", "sms", "email")


class Channels(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Channels of single kinds."""

    opportunity: Own = ("telegram", "discord")
    whale: Own = ("discord",)
    news: Own = ("discord",)
    risk_warning: Own = ("telegram", "sms")
    daily_loss: Own = ("telegram", "discord", "email", "sms")
    system_error: Own = ("telegram", "discord", "email", "sms")
    fill: Own = ("discord",)
    order_failed: Own = ("telegram", "discord")
    refused: Own = ("discord",)
    halt: Own = ()
    feed_down: Own = ()
    resolution: Own = ()
    daily: Own = ("telegram", "email")
    weekly: Own = ("telegram", "email")
    trouble: Own = ()
    service: Own = ()
    job: Own = ()
    external: Own = ()


class Alerts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What people are told of. Mode sim tells pretend messengers of this machine only."""

    enabled: Annotated[bool, Meta(description="tell anybody anything")] = True
    quiet_hours: Annotated[str, Meta(description='"23:00-07:00"; empty: never')] = ""
    min_edge: Annotated[int, money("edge above which an opportunity is told", 0, ONE)] = 30_000
    min_confidence: Annotated[int, money("confidence that it needs", 0, ONE)] = 800_000
    min_loss: Annotated[int, money("share of its cost that a position lost", 0, ONE)] = 50_000
    min_whale: Annotated[int, money("$ above which a transfer is told", 0)] = 1_000_000 * ONE
    ttl_s: Annotated[Seconds, Meta(description="how long Execute is there")] = 40
    per_minute: Annotated[
        int, Meta(ge=1, le=1_000, description="of a kind one by one; more go into a digest")
    ] = 5
    escalate_s: Annotated[Seconds, Meta(description="then a critical alert gets louder")] = 900
    digest: Annotated[str, Meta(description='"daily 09:00": the day is told; empty: never')] = (
        "daily 09:00"
    )
    link: Annotated[str, Meta(description="address of the dashboard, for links in messages")] = ""
    local: Annotated[bool, Meta(description="channels may be on this machine or its network")] = (
        False
    )
    deadman: Annotated[
        Secret | None,
        Meta(description="address that is called every minute; silence means we are gone"),
    ] = None
    telegram: Telegram = Telegram()
    discord: Discord = Discord()
    email: Email = Email()
    sms: OneWay = OneWay()
    pager: OneWay = OneWay()
    slack: OneWay = OneWay()
    events: Events = Events()
    routes: Routes = Routes()
    channels: Channels = Channels()


class Jobs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When each job is due."""

    price_sync: Cron = "*/30 * * * *"
    arbitrage_scan: Cron = "*/5 * * * *"
    whale_monitor: Cron = "* * * * *"
    risk_check: Cron = "0 * * * *"
    position_reconcile: Cron = "0 */6 * * *"
    market_refresh: Cron = "0 */12 * * *"
    archive: Cron = "0 23 * * *"
    train: Cron = "0 0 * * *"
    hot_wash: Cron = "30 0 * * *"
    daily_report: Annotated[str, Meta(description="empty: as alerts.digest says")] = ""
    weekly_report: Cron = "0 9 * * 1"
    backup: Cron = "0 */6 * * *"


class Schedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Jobs within a run. A time that a clock change leaves out is met right after it."""

    enabled: Annotated[bool, Meta(description="run jobs")] = True
    tz: Annotated[str, Meta(description="time zone, such as Europe/Berlin; local; UTC")] = "local"
    missed: Annotated[
        Literal["once", "skip"], Meta(description="what was due while nothing ran")
    ] = "once"
    retries: Annotated[int, Meta(ge=0, le=10, description="tries after a failure")] = 3
    timeout_s: Annotated[Seconds, Meta(description="a job may take")] = 180
    notify: Annotated[
        Literal["all", "failures", "off"], Meta(description="which jobs people are told of")
    ] = "failures"
    jobs: Jobs = Jobs()


SECRETS: Final = {
    "telegram.token": "telegram.token", "discord.webhook": "discord.webhook",
    "discord.bot": "discord.bot", "email.password": "email.password", "sms.url": "sms.url",
    "pager.url": "pager.url", "slack.url": "slack.url", "deadman.url": "deadman",
}  # fmt: skip
"""Name among the encrypted secrets -> path within [alerts]."""
