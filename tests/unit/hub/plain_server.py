"""A server with nothing but the hub's router: what the tests of the hub talk to."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from dutchbook import __version__
from dutchbook.domain.errors import ConfigError
from dutchbook.hub.asgi import router
from dutchbook.runtime.hub import ADDRESS, RunHub
from dutchbook.runtime.settings import Api


class _Server(uvicorn.Server):
    """Leaves the signals to the run."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def app_of(hub: RunHub, settings: Api) -> FastAPI:
    """An application with nothing but the hub's routes."""
    app = FastAPI(title="dutchbook", version=__version__)
    origins = frozenset(part.strip() for part in settings.origins.split(",") if part.strip())
    app.include_router(router(hub.switch, post=hub.post, origins=origins))
    return app


def server_of(app: FastAPI, settings: Api) -> uvicorn.Server:
    """A server with the bounds that the hub wants: no compression, small messages."""
    return _Server(
        uvicorn.Config(
            app, host=settings.host, port=settings.port, log_level="warning", lifespan="off",
            access_log=False, ws="websockets-sansio", ws_per_message_deflate=False,
            ws_max_size=1 << 17, ws_ping_interval=20, ws_ping_timeout=20,
            timeout_graceful_shutdown=2,
        )
    )  # fmt: skip


class ApiServer:
    """Serves an app beside the engine, in its loop. `address` once `start` is done."""

    def __init__(self, app: FastAPI, settings: Api, folder: Path) -> None:
        self._server = server_of(app, settings)
        self._settings = settings
        self._file = folder / ADDRESS
        self._task: asyncio.Task[None] | None = None
        self.address = ""

    async def start(self) -> None:
        """Raises ConfigError where the port is taken."""
        self._task = asyncio.create_task(self._server.serve(), name="api")
        while not self._server.started and not self._task.done():
            await asyncio.sleep(0.005)
        if not self._server.started:
            raise ConfigError(
                f"api: can't listen on {self._settings.host}:{self._settings.port}",
                why="another program has that port, or the address is not of this machine",
                todo="set api.port, or api.enabled = false",
            )
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.address = f"http://{self._settings.host}:{port}"
        self._file.write_text(self.address + "\n", encoding="ascii")

    async def stop(self) -> None:
        self._file.unlink(missing_ok=True)
        self._server.should_exit = True
        if self._task is not None:
            with contextlib.suppress(asyncio.CancelledError, SystemExit):
                await self._task
