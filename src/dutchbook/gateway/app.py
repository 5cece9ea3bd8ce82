"""Puts the application together: the gateway's parts, its routes, its errors, its OpenAPI file."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute, APIWebSocketRoute
from starlette.exceptions import HTTPException
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from dutchbook.domain.clock import Clock
from dutchbook.domain.errors import DutchbookError
from dutchbook.domain.events import SignalArrived
from dutchbook.gateway import openapi
from dutchbook.gateway.config import Config
from dutchbook.gateway.door import Guarded
from dutchbook.gateway.guard import Guard
from dutchbook.gateway.history import History
from dutchbook.gateway.identity import Identity
from dutchbook.gateway.limits import Lag, Load, Rates
from dutchbook.gateway.metrics import Metrics
from dutchbook.gateway.ports import Run, Secrets
from dutchbook.gateway.problems import Problem, of_error
from dutchbook.gateway.readmodel import ReadModel
from dutchbook.gateway.repeats import Repeats
from dutchbook.gateway.rights import Principal
from dutchbook.gateway.routes import (
    about,
    account,
    admin,
    control,
    detect,
    health,
    markets,
    metrics,
    normalize,
    opportunities,
    orders,
    webhooks,
)  # fmt: skip
from dutchbook.gateway.routes import (
    identity as who,
)
from dutchbook.gateway.webhooks import Webhooks

PREFIX: Final = "/api/v1"
AT_ROOT: Final = (health.router, metrics.router, webhooks.router)
"""Answered at the root as well."""
PARTS: Final = (
    who.router, markets.router, opportunities.router, orders.router, account.router,
    control.router, detect.router, normalize.router, admin.router, about.router,
)  # fmt: skip
UNAUTHENTICATED: Final = ("unauthenticated", "forbidden")


def bare_document(
    version: str, extra_routers: Sequence[APIRouter] = (), root_routers: Sequence[APIRouter] = ()
) -> dict[str, Any]:
    """The OpenAPI file without a gateway behind it."""
    app = FastAPI(title="dutchbook", version=version, openapi_url=None)
    _mount_all(app, extra_routers, root_routers)
    return openapi.document(app)


class Gateway:
    """What the routes work with; `request.app.state.gateway`.

    `post` has the run number a signal: (its number, whether it had it already). TimeoutError.
    """

    def __init__(
        self, config: Config, model: ReadModel, run: Run, history: History, identity: Identity,
        secrets: Secrets, clock: Clock,
    ) -> None:  # fmt: skip
        self.config = config
        self.model = model
        self.run = run
        self.history = history
        self.identity = identity
        self.clock = clock
        self.rates = Rates(clock)
        self.metrics = Metrics(model, clock.now)
        shed = self.metrics.refused.labels("overloaded").inc
        self.load = Load(self.rates, config.total_rate, shed)
        self.lag = Lag(clock, self.load.follow)
        self.webhooks = Webhooks(config, identity.tables, secrets, clock)
        self.repeats = Repeats(identity.tables, clock)
        self.post: Callable[[SignalArrived], Awaitable[tuple[int, bool]]] = _nobody

    async def admit(self, request: Request, scope: str) -> Principal:
        """Who asks, if they may; refusals are counted and written down. Raises Problem."""
        state = request.state
        key = request.headers.get("x-dutchbook-key", "")
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            if "x-dutchbook-key" in request.headers and not key:
                raise Problem("unauthenticated", "the key is empty", fix="send a key")
            if kind and kind.lower() != "bearer":
                raise Problem("unauthenticated", "only Bearer is understood", fix="sign in")
            if token.startswith("db_") and not key:  # some clients can only send this header
                key, token = token, ""
            who = self.identity.admit(key, token.strip(), state.address, scope)
            if self.config.read_only and request.method != "GET" and scope != "self":
                raise Problem("read_only", "this gateway only shows", fix="use the one of the run")
        except Problem as problem:
            if problem.code in UNAUTHENTICATED:
                self.metrics.refused.labels(problem.code).inc()
                what = f"{request.method} {request.url.path[:200]}"
                await self.identity.denied("", state.address, what, problem.code)
            raise
        wait = self.rates.take(f"{who.kind}:{who.id}", who.rate or self.config.key_rate)
        if wait:
            raise Problem("too_many", "too many requests with this key",
                          fix=f"ask again in {wait} s", retry=wait)  # fmt: skip
        state.who = who
        return who

    def still(self, request: Request) -> None:
        """Raises Problem where whoever was admitted would not be any more."""
        who: Principal | None = getattr(request.state, "who", None)
        if who is not None and not self.identity.stands(who):
            raise Problem("unauthenticated", "the key or session ended meanwhile",
                          fix="ask for a new one")  # fmt: skip


async def _nobody(event: SignalArrived) -> tuple[int, bool]:
    raise TimeoutError("no run takes signals")


def create_app(
    gateway: Gateway,
    extra_routers: Sequence[APIRouter] = (),
    root_routers: Sequence[APIRouter] = (),
) -> FastAPI:
    """The application. `extra_routers` are mounted under /api/v1 beside our own; made with
    `door.new_router` and `door.door`, so that none of their routes is open by mistake, and before
    ours, so that they may name what we only match. `root_routers` are at the root as well.

    Raises ValueError for a route without a scope.
    """
    app = FastAPI(
        title="dutchbook", version=gateway.config.build or "0", lifespan=_lifespan,
        openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )  # fmt: skip
    app.state.gateway = gateway
    _mount_all(app, extra_routers, root_routers)
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(DutchbookError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    # The guard answers for what fails: for requests none of Starlette's own layers is needed.
    handlers = app.exception_handlers
    sockets = ExceptionMiddleware(app.router, handlers)
    app.middleware_stack = Guard(app, Direct(app.router), sockets, handlers, gateway)
    app.openapi = lambda: openapi.document(app)  # type: ignore[method-assign]
    return app


def _mount_all(app: FastAPI, extra: Sequence[APIRouter], at_root: Sequence[APIRouter]) -> None:
    app.router.route_class = Guarded
    for router in (*at_root, *AT_ROOT):
        mount(app, router, "", "root_")
    for router in (*extra, *at_root, *AT_ROOT, *PARTS):
        mount(app, router, PREFIX)


def mount(app: FastAPI, router: APIRouter, prefix: str, named: str = "") -> None:
    """Copy a router's routes, flat, so that each is found at once. Raises ValueError where one
    has no scope."""
    for route in router.routes:
        if isinstance(route, APIRoute):
            extra = route.openapi_extra or {}
            if not extra.get("x-scope"):
                raise ValueError(f"route {route.path} has no scope; declare it with door.door")
            app.router.add_api_route(
                prefix + route.path, route.endpoint, methods=list(route.methods or ()),
                response_model=None, status_code=route.status_code, summary=route.summary,
                description=route.description, operation_id=named + (route.operation_id or ""),
                response_class=Response, openapi_extra=dict(extra),
            )  # fmt: skip
        elif isinstance(route, APIWebSocketRoute):
            app.router.add_api_websocket_route(prefix + route.path, route.endpoint, route.name)
        else:
            raise ValueError(f"{type(route).__name__} can't be guarded; declare it with door.door")


class Direct:
    """A route whose path is one word for word is found by it, not after all before it."""

    def __init__(self, router: APIRouter) -> None:
        self.router = router
        self.routes: dict[tuple[str, str], APIRoute] = {}
        for route in router.routes:
            if isinstance(route, APIRoute) and not route.param_convertors:
                for method in route.methods or ():
                    self.routes.setdefault((method, route.path), route)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        http = scope["type"] == "http"
        route = self.routes.get((scope["method"], scope["path"])) if http else None
        if route is None:
            await self.router(scope, receive, send)
        else:
            scope.update(route=route, endpoint=route.endpoint, path_params={})
            await route.app(scope, receive, send)


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    gateway: Gateway = app.state.gateway
    gateway.lag.start()
    tending = asyncio.create_task(gateway.identity.tend(), name="identity")
    yield
    tending.cancel()
    gateway.lag.stop()


def _id(request: Request) -> str:
    return str(getattr(request.state, "request_id", ""))


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return error.response(_id(request))


async def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, DutchbookError)
    return of_error(error).response(_id(request))


async def _invalid(request: Request, error: Exception) -> Response:
    """Where and what, but never what was sent: it may hold a secret."""
    assert isinstance(error, RequestValidationError)
    places = [
        {"where": ".".join(str(part)[:40] for part in one["loc"]), "what": one["msg"][:200]}
        for one in error.errors()[:10]
    ]
    first = places[0] if places else {"where": "", "what": "not valid"}
    problem = Problem(
        "invalid", f"{first['where']}: {first['what']}", fix="see /api/v1/openapi.json",
        more={"errors": places},
    )  # fmt: skip
    return problem.response(_id(request))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = {404: "not_found", 405: "wrong_method", 413: "too_large"}.get(
        error.status_code, "malformed" if error.status_code < 500 else "defect"
    )
    said = {"not_found": "there is no such path", "wrong_method": "not with this method"}
    answer = Problem(
        code, said.get(code, "the request can't be read"), fix="see /api/v1/openapi.json"
    ).response(_id(request))
    for name, value in (error.headers or {}).items():
        answer.headers[name] = value
    return answer
