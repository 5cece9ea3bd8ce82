"""The hub's routes in the gateway: `/ws`, tickets, signals in and out, by the gateway's rights."""

from typing import Annotated, Any, Final

import msgspec
from fastapi import Path, Query, Request, WebSocket
from starlette.responses import Response

from dutchbook.gateway.door import door, new_router
from dutchbook.gateway.problems import Problem
from dutchbook.hub import asgi, wire
from dutchbook.runtime.hub_door import HubDoor

router: Final = new_router()
at_root: Final = new_router()
NOT_YET: Final = 1013
"""Close code: try again later."""
Whole = Annotated[int, Query(ge=0, le=2**53)]
Limit = Annotated[int, Query(ge=1, le=asgi.ROWS_MAX)]
Text = Annotated[str, Query(max_length=4_000)]


class Ticket(msgspec.Struct):
    """Good once, for `expires_in` seconds."""

    ticket: str
    expires_in: int


class Messages(msgspec.Struct):
    """Messages as on /ws. (`next`, `next_n`) are `after` and `after_n` of the page after it."""

    messages: list[dict[str, Any]]
    next: int
    next_n: int
    seq: int


class Listeners(msgspec.Struct):
    """Who listens, and what each was sent."""

    seq: int
    subscriptions: list[dict[str, Any]]


class Accepted(msgspec.Struct):
    """`seq` is the number of the signal in the journal; `duplicate`: it had one already."""

    status: str
    signal_id: str
    seq: int
    duplicate: bool
    processing_time_ms: float


def hub_of(request: Request | WebSocket) -> HubDoor:
    """The hub of the gateway that serves this request."""
    found: HubDoor = request.app.state.hub
    return found


@door(router, "POST", "/ws/ticket", scope="self", answer=Ticket,
      summary="A one-use ticket for /ws")  # fmt: skip
async def ws_ticket(request: Request) -> Ticket:
    """For browsers, which can send no header with a WebSocket: good once, for 30 s."""
    hub = hub_of(request)
    return Ticket(hub.fanout.switch.ticket(hub.subject(request.state.who)), 30)


@door(router, "GET", "/signals", scope="signals:read", answer=Messages,
      summary="Signals behind a number, filtered")  # fmt: skip
async def signals(
    request: Request, after: Whole = 0, after_n: Whole = wire.ALL_OF_IT, limit: Limit = 100,
    filters: Text = "{}",
) -> Response:  # fmt: skip
    """`filters` is a filter as on /ws, in JSON. 410 where `after` is older than what is kept."""
    return await _rows(request, "signals")


@door(router, "GET", "/stream", scope="status:read", answer=Listeners,
      summary="Who listens, and what each was sent")  # fmt: skip
async def stream(request: Request) -> Listeners:
    """Who may not publish sees their own connections only."""
    hub = hub_of(request)
    found = asgi.listeners(hub.fanout.switch, hub.subject(request.state.who))
    return Listeners(found["seq"], msgspec.to_builtins(found["subscriptions"]))


@door(router, "GET", "/stream/{channel}", scope="self", answer=Messages,
      summary="Messages of a channel behind a number")  # fmt: skip
async def stream_channel(
    request: Request, channel: Annotated[str, Path(max_length=40)], after: Whole = 0,
    after_n: Whole = wire.ALL_OF_IT, limit: Limit = 100, filters: Text = "{}",
) -> Response:  # fmt: skip
    """signals, opportunities, fills or alerts; each needs the right to read what it tells of."""
    return await _rows(request, channel)


@door(at_root, "POST", "/signals", scope="signals:write", answer=Accepted, status=202, raw=True,
      summary="Publish a signal")  # fmt: skip
async def post_signals(request: Request) -> Response:
    """{"id","kind","confidence","title","markets",...}. Again with the same id: 200, its number."""
    return await _posted(request)


@door(at_root, "POST", "/signal", scope="signals:write", answer=Accepted, status=202, raw=True,
      summary="Publish a signal")  # fmt: skip
async def post_signal(request: Request) -> Response:
    """As POST /signals."""
    return await _posted(request)


@door(at_root, "POST", "/webhook/signals", scope="signals:write", answer=Accepted, status=202,
      raw=True, summary="Publish a signal")  # fmt: skip
async def webhook_signals(request: Request) -> Response:
    """As POST /signals."""
    return await _posted(request)


async def speak(socket: WebSocket, client_id: str = "") -> None:
    """One connection: host, origin and rates were judged by the guard, the token is by the hub."""
    hub = hub_of(socket)
    if not hub.fanout.ready.is_set():
        await socket.close(NOT_YET)
        return
    with hub.asked_from(socket.state.address):
        await asgi.speak(hub.fanout.switch, socket, client_id)


at_root.add_api_websocket_route("/ws", speak)
at_root.add_api_websocket_route("/ws/{client_id}", speak)


async def _rows(request: Request, channel: str) -> Response:
    hub = hub_of(request)
    subject = hub.subject(request.state.who)
    return _judged(await asgi.rows(hub.fanout.switch, subject, channel, request.query_params))


async def _posted(request: Request) -> Response:
    hub = hub_of(request)
    subject = hub.subject(request.state.who)
    return _judged(await asgi.posted(hub.fanout.switch, hub.fanout.post, subject, request.stream()))


_CODES: Final = {400: "invalid", 401: "unauthenticated", 403: "forbidden", 404: "not_found",
                 409: "conflict", 410: "expired", 413: "too_large",
                 503: "outcome_unknown"}  # fmt: skip


def _judged(answer: Response) -> Response:
    """An answer of the hub; its errors as problems, which all of this interface speaks."""
    if answer.status_code < 400:
        return answer
    said = msgspec.json.decode(bytes(answer.body))
    code = "not_running" if said["error"] == "away" else _CODES[answer.status_code]
    raise Problem(code, said["what"] or said["error"], fix="docs/distribution.md says what fits",
                  more={"error": said["error"]})  # fmt: skip
