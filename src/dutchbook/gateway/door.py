"""How a route is declared: its scope, its answer, and what is checked before its body is read."""

import functools
import inspect
import json
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final, get_origin

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from dutchbook.domain.units import MILLI
from dutchbook.gateway import shapes
from dutchbook.gateway.problems import Problem

if TYPE_CHECKING:
    from dutchbook.gateway.app import Gateway

OPEN: Final = "open"
"""The scope of routes that ask for no key: health, sign-in, signed webhooks."""
DEPTH_MAX: Final = 32
STRING_MAX: Final = 64 * 1024
KNOWN_MAX: Final = 100
"""Paths and queries of a route, up to 5 KB each, of which is kept what they ask."""
SHOWN: Final = 50 * MILLI
"""How long an answer that shows what is followed is given again while the read model is as it was:
ages in it are up to so much older. Many who look at the same cost little more than one."""
_STACKS: Final = (
    "fastapi_middleware_astack", "fastapi_inner_astack", "fastapi_function_astack",
)  # fmt: skip
_NOTHING: Final = AsyncExitStack()
"""What FastAPI looks for in a scope; nobody puts anything on it."""
ANSWERS: Final[dict[str, Any]] = {}
"""Operation id -> the struct that it answers with."""


class Number(str):
    """A JSON number with a point or exponent, as it was written: never a float."""

    __slots__ = ()


def door(
    router: APIRouter, method: str, path: str, *, scope: str, answer: Any, summary: str,
    status: int = 200, media: str = "application/json", raw: bool = False, shows: bool = False,
) -> Callable[[Callable[..., Awaitable[Any]]], Callable[..., Awaitable[Any]]]:  # fmt: skip
    """Declare a route. `scope`: what the asker must hold, or OPEN. `answer`: a struct, or str.

    `raw`: the body is not JSON to be checked here (signatures are over its bytes). `shows`: the
    answer is made of the parameters and what the gateway follows, whoever asks.
    """

    def declare(endpoint: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        @functools.wraps(endpoint)
        async def run(request: Request, **named: Any) -> Response:
            request.scope["asked"] = named
            found = await endpoint(request, **named)
            if isinstance(found, Response):
                return found
            return Response(shapes.encode(found), status, None, "application/json")

        name = f"{endpoint.__name__}_{method.lower()}"
        ANSWERS[name] = answer
        asked: list[dict[str, list[str]]] = [] if scope == OPEN else [{"key": []}, {"token": []}]
        router.add_api_route(
            path, run, methods=[method], response_model=None, status_code=status, summary=summary,
            operation_id=name, response_class=Response, description=endpoint.__doc__ or summary,
            openapi_extra={"x-scope": scope, "x-media": media, "x-raw": raw, "x-shows": shows,
                           "security": asked},
        )  # fmt: skip
        return endpoint

    return declare


class Known:
    """What a path and a query ask; the last answer, when it was made of the model's `turn`."""

    __slots__ = ("answer", "asked", "turn", "until")

    def __init__(self, asked: dict[str, Any]) -> None:
        self.asked = asked
        self.answer: Response | None = None
        self.turn = -1
        self.until = 0

    def shows(self, gateway: "Gateway") -> bool:
        """Whether the last answer would be made again."""
        return self.turn == gateway.model.turn and gateway.clock.mono() < self.until


class Guarded(APIRoute):
    """Nothing of a request is read before it is known who asks and that they may.

    No route here has dependencies or takes a form: what FastAPI sets up to close these, and half of
    its own time with it, is left out. Raises ValueError for a route with a dependency.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **named: Any) -> None:
        super().__init__(path, endpoint, **named)
        if self.dependant.dependencies:
            raise ValueError(f"route {path} has a dependency, which nobody would close")
        handle = self.get_route_handler()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            for stack in _STACKS:
                scope[stack] = _NOTHING
            response = await handle(Request(scope, receive, send))
            await response(scope, receive, send)

        self.app = app

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()
        extra = self.openapi_extra or {}
        scope, raw = extra.get("x-scope", ""), extra.get("x-raw", False)
        shows = extra.get("x-shows", False)
        wants_body = self.body_field is not None
        endpoint, known = self.endpoint, self._known()

        async def handle(request: Request) -> Response:
            gateway = request.app.state.gateway
            if scope != OPEN:
                await gateway.admit(request, scope)
            if wants_body and not raw:
                await read_json(request)
                gateway.still(request)  # a body may take seconds, and a key may end meanwhile
            if known is None:
                return await inner(request)
            written = request.scope["path"], request.scope["query_string"]
            one = known.get(written)
            if one is not None and shows and one.shows(gateway):
                assert one.answer is not None
                return one.answer
            turn = gateway.model.turn if shows else 0
            if one is not None:
                answer: Response = await endpoint(request, **one.asked)
            else:
                answer = await inner(request)
                if len(known) >= KNOWN_MAX:
                    known.clear()
                one = known[written] = Known(request.scope["asked"])
            if shows:
                one.answer, one.turn, one.until = answer, turn, gateway.clock.mono() + SHOWN
            return answer

        return handle

    def _known(self) -> dict[tuple[str, bytes], Known] | None:
        """What was read from such a path and query; None where more than these may say something,
        or what is read could be changed by whoever gets it."""
        fields = {one.name: one.field_info for one in
                  (*self.dependant.path_params, *self.dependant.query_params)}  # fmt: skip
        asked = [name for name in inspect.signature(self.endpoint).parameters if name != "request"]
        more = fields.keys() != set(asked) or any(
            get_origin(one.annotation) in (list, set, dict) for one in fields.values()
        )
        return None if more else {}


def new_router(**more: Any) -> APIRouter:
    """A router whose routes are guarded."""
    return APIRouter(route_class=Guarded, redirect_slashes=False, **more)


async def read_json(request: Request) -> None:
    """Read the body strictly, once; what FastAPI then sees is what was checked."""
    kind = request.headers.get("content-type", "").lower().replace(" ", "")
    if kind not in ("application/json", "application/json;charset=utf-8"):
        raise Problem("unsupported_type", "the body is not application/json",
                      fix="Content-Type: application/json")  # fmt: skip
    request._json = strict_json(await request.body())


def strict_json(body: bytes) -> Any:
    """JSON in UTF-8: no key twice, no NaN, not deep, no halves of characters. Raises Problem."""
    try:
        value = json.loads(
            body.decode("utf-8"), object_pairs_hook=_pairs, parse_float=Number,
            parse_constant=_refuse,
        )  # fmt: skip
    except (ValueError, RecursionError) as error:
        what = str(error) if isinstance(error, UnicodeError | _Twice) else "it is not JSON"
        raise Problem(
            "malformed", f"the body can't be read: {what[:120]}", fix="send one JSON object, UTF-8"
        ) from error
    _check(value, 0)
    return value


class _Twice(ValueError):
    """A key that is there twice, or a number that is none."""


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Twice("a key is there twice")
    return found


def _refuse(text: str) -> Any:
    raise _Twice(f"{text} is no number")


def _check(value: Any, depth: int) -> None:
    if depth > DEPTH_MAX:
        raise Problem("malformed", f"the body is deeper than {DEPTH_MAX}", fix="nest less")
    if isinstance(value, dict):
        for key, part in value.items():
            _text(key)
            _check(part, depth + 1)
    elif isinstance(value, list):
        for part in value:
            _check(part, depth + 1)
    elif isinstance(value, str):
        _text(value)


def _text(text: str) -> None:
    if len(text) > STRING_MAX or "\0" in text or not _whole(text):
        raise Problem(
            "malformed", "a text is too long, or holds NUL or half of a character",
            fix=f"texts are UTF-8, up to {STRING_MAX // 1024} KiB",
        )  # fmt: skip


def _whole(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= c <= "\udfff" for c in text)
