"""The REST side of a venue: plain functions from request to answer, logged, behind one gate."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dutchbook.emulators.wire.log import WireLog


class Ask(msgspec.Struct, frozen=True):
    """One request. `client` is the address it came from; `now` in ns.

    `said`: headers that its answer will have.
    """

    method: str
    path: str
    query: Mapping[str, str]
    names: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    client: str
    now: int
    said: dict[str, str] = msgspec.field(default_factory=dict)


class Refusal(Exception):
    """An answer that is an error, in the venue's own shape."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(str(body))
        self.status = status
        self.body = body


class Path(msgspec.Struct, frozen=True):
    """A route: pattern, handler, what `gate` should know, whether the log keeps the body."""

    pattern: str
    handler: Callable[[Ask], Any]
    method: str = "GET"
    gate: str = ""
    keep: bool = False


class Gate(Protocol):
    def __call__(self, ask: Ask, kind: str) -> None:
        """Raise Refusal for a request that the venue turns away before it looks at it."""
        ...


def application(host: str, paths: list[Path], gate: Gate, log: WireLog, missing: Any) -> Starlette:
    """An ASGI application; `missing` is the 404 body of unknown paths."""

    def bound(path: Path) -> Route:
        async def endpoint(request: Request) -> Response:
            ask = await _ask(request)
            return _answer(host, ask, path, gate, log)

        return Route(path.pattern, endpoint, methods=[path.method])

    async def unknown(request: Request) -> Response:
        ask = await _ask(request)

        def refuse(_: Ask) -> Any:
            raise Refusal(404, missing)

        return _answer(host, ask, Path("", refuse), gate, log)

    rest = Route("/{rest:path}", unknown, methods=["GET", "POST", "PUT", "DELETE"])
    return Starlette(routes=[bound(path) for path in paths] + [rest])


async def _ask(request: Request) -> Ask:
    client = request.client.host if request.client else ""
    return Ask(
        request.method,
        request.url.path,
        request.query_params,
        request.path_params,
        request.headers,
        await request.body(),
        client,
        time.time_ns(),
    )


def _answer(host: str, ask: Ask, path: Path, gate: Gate, log: WireLog) -> Response:
    status, keep = 200, path.keep
    try:
        gate(ask, path.gate)
        body = path.handler(ask)
        if isinstance(body, tuple):
            status, body = body
    except Refusal as refusal:
        status, keep, body = refusal.status, True, refusal.body
    data = body.encode() if isinstance(body, str) else msgspec.json.encode(body)
    query = "&".join(f"{k}={v}" for k, v in ask.query.items())
    log.rest(
        host,
        f"{ask.method} {ask.path}{'?' if query else ''}{query}",
        status,
        data if keep else None,
    )
    kind = "text/plain; charset=utf-8" if isinstance(body, str) else "application/json"
    return Response(data, status, ask.said, media_type=kind)


class HttpServer(uvicorn.Server):
    """uvicorn on a socket that is already bound, leaving signals to whoever runs us."""

    def __init__(self, app: Any, log_level: str = "warning") -> None:
        self._told = asyncio.Event()
        super().__init__(
            uvicorn.Config(
                app,
                http="httptools",
                ws="none",
                lifespan="off",
                log_level=log_level,
                access_log=False,
                timeout_graceful_shutdown=1,
                timeout_keep_alive=60,
                server_header=False,
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        """As uvicorn's, which looks ten times a second whether to stop; this one is told."""
        ticks = 0
        while not await self.on_tick(ticks):
            ticks += 10
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), 1.0)

    def end(self) -> None:
        """Stop accepting, finish what is being answered."""
        self.should_exit = True
        self._told.set()

    async def run_on(self, sock: socket.socket) -> None:
        await self.serve(sockets=[sock])
