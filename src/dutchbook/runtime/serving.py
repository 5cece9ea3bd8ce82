"""The gateway as a process of its own: it follows the run in a data directory and serves it.

A process of its own, and a nice one: whatever is asked of it, the engine's loop is another's.
"""

import asyncio
import contextlib
import hashlib
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import uvicorn
from fastapi import APIRouter, FastAPI

from dutchbook import __version__
from dutchbook.domain.errors import ConfigError
from dutchbook.gateway.app import Gateway, create_app
from dutchbook.gateway.config import SOURCES, Config
from dutchbook.gateway.early import Early
from dutchbook.gateway.history import History
from dutchbook.gateway.identity import Identity
from dutchbook.gateway.readmodel import ReadModel
from dutchbook.runtime import alert_routes, collector, cores, hub_routes
from dutchbook.runtime.alert_far import FarPorts
from dutchbook.runtime.clock import SystemClock
from dutchbook.runtime.hub import ADDRESS, FOLDER
from dutchbook.runtime.hub_door import HubDoor
from dutchbook.runtime.keys import config_dir, secrets_of
from dutchbook.runtime.layers import Loaded
from dutchbook.runtime.runport import Follower, RunPort
from dutchbook.runtime.settings import Settings
from dutchbook.storage.lock import take
from dutchbook.storage.sql.projector import url_of

PEPPER: Final = "gateway.pepper"
SIGNING: Final = "gateway.jwt"
OPEN_MAX: Final = 1_000
"""Connections at once; beyond that the gateway answers 503."""
SAID_MAX: Final = 1 << 17
"""Bytes of a message on /ws; the hub itself refuses half of it."""
EXTRA_ROUTERS: Final = (hub_routes.router, alert_routes.router)
ROOT_ROUTERS: Final = (hub_routes.at_root, alert_routes.at_root)


def config_of(settings: Settings) -> Config:
    """The gateway's own settings. Raises ConfigError."""
    api = settings.api
    unsigned = _list(api.unsigned)
    strange = [one for one in unsigned if one not in SOURCES]
    if strange:
        raise ConfigError(f"api.unsigned: no source {strange[0]!r}", todo=", ".join(SOURCES))
    return Config(
        settings.mode, api.host, api.port, _list(api.hosts), _list(api.origins),
        _list(api.proxies), api.key_rate, api.address_rate, api.total_rate, api.body_kb << 10,
        unsigned, api.four_eyes, api.read_only, __version__,
    )  # fmt: skip


def identity_of(settings: Settings, mode: str = "") -> Identity:
    """Keys, people and audit of a data directory; makes the secrets they rest on, once.

    Raises ConfigError where the secrets can't be opened, JournalError where the audit is broken.
    """
    root = folder_of(settings)
    secrets = secrets_of(settings)
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    pepper, signing = secrets.made(PEPPER), secrets.made(SIGNING)
    return Identity(root, head_file(root), pepper, signing, mode or settings.mode, SystemClock())


def folder_of(settings: Settings) -> Path:
    """Where the gateway of a data directory keeps what is its own."""
    return Path(settings.data_path()) / "gateway"


def head_file(root: Path) -> Path:
    """Where the head of the audit in a folder is: not in it."""
    name = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:16]
    return config_dir() / "heads" / f"{name}.json"


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip().lower() for part in text.split(",") if part.strip())


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises ConfigError, which names who else may have the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
        made.listen(2_048)
    except OSError as error:
        made.close()
        raise ConfigError(
            f"the gateway can't listen on {host}:{port}", why=error.strerror or str(error),
            todo="set api.port to another one (0: any free one), or api.enabled = false",
        ) from error  # fmt: skip
    made.setblocking(False)
    return made


def nearby(host: str, port: int) -> str:
    """How programs of this machine reach what listens there."""
    near = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{near}]:{port}" if ":" in near else f"http://{near}:{port}"


class Serving:
    """One gateway: its parts, made, and not yet serving. Others' routers come in here."""

    def __init__(
        self, loaded: Loaded, extra: Callable[[Gateway], Sequence[APIRouter]] = lambda _: ()
    ) -> None:
        settings = loaded.settings
        root = Path(settings.data_path())
        clock = SystemClock()
        self.config = config_of(settings)
        self.model = ReadModel()
        self.identity = identity_of(settings)
        self.history = History(url_of(settings.storage.url, root), clock)
        self.follower = Follower(root, self.model)
        port = RunPort(root, loaded)
        self.gateway = Gateway(
            self.config, self.model, port, self.history, self.identity,
            secrets_of(settings), clock,
        )  # fmt: skip
        self.hub = HubDoor(self.gateway, root)
        self.gateway.post = self.hub.fanout.post
        self.app = create_app(self.gateway, (*extra(self.gateway), *EXTRA_ROUTERS), ROOT_ROUTERS)
        self.app.state.hub = self.hub
        self.app.state.alerts = FarPorts(port.ask)

    def first_token(self) -> str:
        """The one-time token while nobody is there, else ""."""
        found = self.identity.people.first_token(self.identity.clock.now())
        return found.reveal().decode() if found is not None else ""

    @contextlib.asynccontextmanager
    async def following(self) -> AsyncIterator[FastAPI]:
        """The application, while the run is followed."""
        task = asyncio.create_task(self.follower.go(), name="follower")
        self.hub.start()
        try:
            yield self.app
        finally:
            task.cancel()
            await self.hub.stop()
            self.history.close()
            self.identity.close()


def server_of(serving: Serving, *, lifespan: Literal["on", "off"] = "on") -> uvicorn.Server:
    """What listens for a gateway: HTTP with its bounds, and /ws."""
    guard: Any = serving.app.middleware_stack  # the layers around it do nothing here
    return uvicorn.Server(
        uvicorn.Config(
            guard, log_config=None, access_log=False, server_header=False,
            date_header=False, http=partial(Early, load=serving.gateway.load),  # type: ignore[arg-type]
            loop="none", lifespan=lifespan, proxy_headers=False, timeout_keep_alive=15,
            limit_concurrency=OPEN_MAX, timeout_graceful_shutdown=3, ws="websockets-sansio",
            ws_per_message_deflate=False, ws_max_size=SAID_MAX, ws_ping_interval=20,
            ws_ping_timeout=20,
        )
    )  # fmt: skip


async def serve(
    loaded: Loaded, ready: Callable[[dict[str, Any]], None], gone: asyncio.Event | None = None
) -> None:
    """Serve until a signal comes, or `gone` is set. `ready` is told address and first token.

    Raises ConfigError before anything is served.
    """
    api = loaded.settings.api
    sock = bound(api.host, api.port)
    with contextlib.closing(sock):
        root = folder_of(loaded.settings)
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        held = take(root)
        cores.serves()
        serving = Serving(loaded)
        server = server_of(serving)
        end = gone or asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, end.set)
        async with serving.following():
            host, port = sock.getsockname()[:2]
            ready({"api": f"http://{host}:{port}", "first_run": serving.first_token()})
            found = Path(loaded.settings.data_path()) / FOLDER / ADDRESS
            fresh = found.with_suffix(".new")
            fresh.write_text(nearby(host, port) + "\n", encoding="ascii")
            os.replace(fresh, found)
            collector.freeze()
            running = asyncio.create_task(server.serve([sock]), name="http")
            waiting = asyncio.create_task(end.wait(), name="end")
            await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
            server.should_exit = True
            waiting.cancel()
            found.unlink(missing_ok=True)
            await running
        os.close(held)
