"""All pretend messengers on loopback, in this process, for a run in mode sim and for tests."""

import asyncio
import socket
from typing import Final

from dutchbook.emulators.messengers.discord import Server
from dutchbook.emulators.messengers.smtp import MailServer
from dutchbook.emulators.messengers.telegram import Bot
from dutchbook.emulators.wire.rest import HttpServer

TOKEN: Final = "1:pretend"
HOOK: Final = "1/pretend"
CHAT: Final = 1


class Messengers:
    """Start it, read the addresses, look at what came, stop it."""

    def __init__(self, token: str = TOKEN) -> None:
        self.bot = Bot(token, (CHAT,))
        self.discord = Server(HOOK)
        self.mail = MailServer()
        self.telegram_url = ""
        self.discord_url = ""
        self._servers: list[tuple[HttpServer, asyncio.Task[None]]] = []

    async def start(self) -> None:
        # A run that ends cuts a long poll short; that is no defect to print.
        self.telegram_url = self._serve(HttpServer(self.bot.app(), "critical"))
        self.discord_url = self._serve(HttpServer(self.discord.app(), "critical"))
        await self.mail.start()
        while not all(server.started for server, _ in self._servers):
            await asyncio.sleep(0.005)

    @property
    def webhook(self) -> str:
        return f"{self.discord_url}/webhooks/{HOOK}"

    def _serve(self, server: HttpServer) -> str:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", 0))
        task = asyncio.create_task(server.run_on(sock))
        self._servers.append((server, task))
        return f"http://127.0.0.1:{sock.getsockname()[1]}"

    async def stop(self) -> None:
        self.bot.close()
        await asyncio.sleep(0.02)
        for server, _ in self._servers:
            server.end()
            server.force_exit = True
        await asyncio.gather(*(task for _, task in self._servers), return_exceptions=True)
        await self.mail.stop()
