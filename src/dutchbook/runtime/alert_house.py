"""The alerts of a live run put together: rules, channels, commands; in mode sim, pretend ones."""

from typing import TYPE_CHECKING, Final

import msgspec

from dutchbook.alerts.buttons import Mint
from dutchbook.channels.base import Notify
from dutchbook.channels.oneway import OneWay
from dutchbook.domain.clock import Clock
from dutchbook.domain.secret import Secret
from dutchbook.emulators.messengers.house import CHAT, TOKEN, Messengers
from dutchbook.io.breaker import Breaker
from dutchbook.io.courier import Courier
from dutchbook.io.guard import Guarded
from dutchbook.runtime.alert_look import EngineLook
from dutchbook.runtime.alert_setup import (
    Builder,
    button_key,
    enabled_of,
    rules_of,
    secrets_for,
    seen_of,
)
from dutchbook.runtime.alerting import Alerting, Allowed
from dutchbook.runtime.remote import Remote
from dutchbook.runtime.settings import Settings

if TYPE_CHECKING:
    from dutchbook.runtime.live import Live

PERSON: Final = 1
"""The id of the only person whom pretend messengers know."""
PRETEND: Final = ("telegram", "discord", "email", "sms")


class Kept:
    """Takes text messages and keeps them: the pretend provider of mode sim."""

    def __init__(self) -> None:
        self.got: list[Notify] = []

    def send(self, what: Notify, /) -> None:
        self.got = [*self.got[-200:], what]


class AlertHouse:
    """Owns what delivers. `alerting` is there from the start; channels from `start` on."""

    def __init__(self, live: "Live") -> None:
        self.live = live
        settings = live.house.settings
        self.pretend = settings.mode == "sim"
        enabled = enabled_of(settings.alerts)
        if self.pretend:
            enabled = PRETEND if settings.alerts.enabled else ()
        alerts = settings.alerts
        people = {"telegram": alerts.telegram.allow, "discord": alerts.discord.allow}
        if self.pretend:
            people = {"telegram": (PERSON,)}
        root = live.house.data_dir
        look = EngineLook(live.engine, settings.risk, live.broken)
        trading = live.engine.trading
        self.alerting = Alerting(
            root, rules_of(settings, enabled), seen_of(settings), Mint(button_key(root)), look,
            live.clock, live.tell,
            account=lambda: trading.account if trading is not None else None,
            allowed=Allowed(people, alerts.telegram.groups), link=alerts.link,
        )  # fmt: skip
        self.alerting.commands = Remote(live)
        self.messengers: Messengers | None = None
        self.texts = Kept()
        self._deadman: Courier | None = None

    async def start(self) -> None:
        """Open the channels. Raises ConfigError where one lacks its secret."""
        alerting, live, settings = self.alerting, self.live, self.live.house.settings
        if self.pretend and settings.alerts.enabled:
            self.messengers = Messengers()
            await self.messengers.start()
            alerting.couriers = self._pretended(self.messengers, settings)
        elif not self.pretend:
            builder = Builder(
                settings, secrets_for(settings), live.clock, alerting.heard, alerting.changed
            )
            alerting.couriers = builder.couriers()
            self._deadman = builder.deadman()
            if self._deadman is not None:
                self._deadman.start()
        alerting.start()

    def _pretended(self, messengers: Messengers, settings: Settings) -> dict[str, Courier]:
        alerting, clock = self.alerting, self.live.clock
        made = pretend_builder(messengers, settings, clock, alerting).couriers()
        made["sms"] = Courier(
            OneWay("sms", short=True), alerting.heard, clock=clock, transport=Guarded(local=True),
            secrets={}, sender=self.texts, breaker=Breaker("sms", told=alerting.changed),
        )  # fmt: skip
        return made

    async def stop(self) -> None:
        if self._deadman is not None:
            await self._deadman.stop()
            await self._deadman.transport.close()
        await self.alerting.stop()
        if self.messengers is not None:
            await self.messengers.stop()


def pretend_builder(
    messengers: Messengers, settings: Settings, clock: Clock, alerting: Alerting
) -> Builder:
    """Couriers to the pretend messengers of this process."""
    alerts = settings.alerts
    replace = msgspec.structs.replace
    changed = replace(
        alerts,
        telegram=replace(alerts.telegram, enabled=True, url=messengers.telegram_url,
                         chat=str(CHAT)),
        discord=replace(alerts.discord, enabled=True, channel=""),
        email=replace(alerts.email, enabled=True, host="127.0.0.1", port=messengers.mail.port,
                      tls="none", user="", sender="dutchbook@example.invalid",
                      to=("you@example.invalid",)),
        sms=replace(alerts.sms, enabled=False), pager=replace(alerts.pager, enabled=False),
        slack=replace(alerts.slack, enabled=False), enabled=True,
    )  # fmt: skip
    secrets = {
        "telegram.token": Secret(TOKEN), "discord.webhook": Secret(messengers.webhook),
    }  # fmt: skip
    return Builder(
        replace(settings, alerts=changed), secrets, clock, alerting.heard, alerting.changed,
        local=True,
    )  # fmt: skip
