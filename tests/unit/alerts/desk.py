"""Alerts with their channels before pretend messengers, on a virtual clock without sockets."""

import asyncio

import httpx2

from dutchbook.alerts.buttons import Mint
from dutchbook.alerts.rules import Rules
from dutchbook.alerts.trigger import Seen
from dutchbook.channels.discord import Config as DiscordAt
from dutchbook.channels.discord import Discord
from dutchbook.channels.telegram import Config as TelegramAt
from dutchbook.channels.telegram import Telegram
from dutchbook.domain.secret import Secret
from dutchbook.domain.units import SECOND, Ns
from dutchbook.emulators.messengers.discord import Server
from dutchbook.emulators.messengers.telegram import Bot
from dutchbook.io.breaker import Breaker
from dutchbook.io.courier import Courier
from dutchbook.io.ports import Lost, Reply
from dutchbook.risk.limits import RiskLimits
from dutchbook.runtime.alert_look import EngineLook
from dutchbook.runtime.alerting import Alerting, Allowed
from dutchbook.runtime.clock import VirtualClock

TOKEN = "777:canary-token"
HOOK = "1/canary-hook"
VALID = Ns(4 * SECOND)
"""How long the Execute of an alert that a step led to is there."""


class Apps:
    """A transport that calls applications of this process; `down`: hosts that can't be reached."""

    def __init__(self, apps):
        self.clients = {
            host: httpx2.AsyncClient(transport=httpx2.ASGITransport(app))
            for host, app in apps.items()
        }
        self.down = set()

    async def call(self, call, headers):
        host = httpx2.URL(call.url).host
        if host in self.down:
            raise Lost(f"ConnectError: {call.url}", sent=False)
        answer = await self.clients[host].request(
            call.method, call.url, content=call.body, headers=headers
        )
        return Reply(answer.status_code, answer.content)

    async def close(self):
        for client in self.clients.values():
            await client.aclose()


class NoLook:
    """Nothing is held, nothing is known."""

    def market(self, key):
        return None

    def order(self, name):
        return None

    def holdings(self):
        return []

    def alone(self):
        return []

    def stop(self, level):
        return 50_000

    def open_orders(self, venue):
        return 0

    def arb_of(self, key):
        return ""

    def down(self):
        return []


class Desk:
    """`told` are the events that the engine would have got; with a house, its engine gets them."""

    def __init__(self, root, house=None, **rules):
        self.house = house
        self.clock = house.clock if house else VirtualClock()
        self.bot, self.discord = Bot(TOKEN, (1, -5)), Server(HOOK)
        self.apps = Apps({"t": self.bot.app(), "d": self.discord.app()})
        self.told = []
        self.alerting = self.make(root, rules)

    def make(self, root, rules):
        words = {"execute": "one_tap", "one_tap_under": 10**15} | rules
        house = self.house
        look = EngineLook(house.engine, RiskLimits()) if house else NoLook()
        made = Alerting(
            root, Rules("paper", ("telegram", "discord"), **words), Seen("paper", valid=VALID),
            Mint(b"k" * 32), look, self.clock, self.tell, allowed=Allowed({"telegram": (9,)}),
            account=lambda: house.account if house else None, threads=False,
        )  # fmt: skip
        secrets = {"telegram.token": Secret(TOKEN),
                   "discord.webhook": Secret(f"http://d/webhooks/{HOOK}")}  # fmt: skip
        for channel in (Telegram(TelegramAt("http://t", "1")), Discord(DiscordAt("http://d"))):
            made.couriers[channel.name] = Courier(
                channel, made.heard, clock=self.clock, transport=self.apps, secrets=secrets,
                breaker=Breaker(channel.name, told=made.changed),
            )  # fmt: skip
        return made

    def tell(self, event):
        self.told.append(event)
        if self.house:
            self.house.tell(event)

    async def wait(self, seconds):
        """A tenth of a second at a time, with room for the calls of each."""
        for _ in range(int(seconds * 10)):
            await self.clock.advance(10**8, settle=40)

    async def stop(self):
        self.bot.close()
        await asyncio.sleep(0)
        await self.alerting.stop(0)
