"""Alerts and jobs over HTTP: routes of the gateway, which reach the run through its ports."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal, Protocol
from urllib.parse import parse_qs

import msgspec
from fastapi import Path, Query, Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from dutchbook.alerts.notice import Act, Draft, Priority
from dutchbook.alerts.words import clean
from dutchbook.channels import discord
from dutchbook.channels.base import Clicked
from dutchbook.domain.errors import UsageError
from dutchbook.gateway.door import OPEN, door, new_router
from dutchbook.gateway.problems import Problem
from dutchbook.gateway.routes.common import asked, carry, gate, who
from dutchbook.runtime import alert_page

router: Final = new_router()
at_root: Final = new_router()
"""What stands in messages and in Discord's settings: without a prefix as well."""
BODY_MAX: Final = 256 * 1024
ALERTS_MAX: Final = 200
"""Alerts of one post of Alertmanager."""
Name = Annotated[str, Path(max_length=80)]


class Ports(Protocol):
    """What the routes need of a run; `runtime/alert_far.py` has it for one in another process.

    All raise NotRunning, Timeout, DutchbookError.
    """

    async def alerts(self, limit: int) -> list[dict[str, Any]]: ...

    async def alert(self, name: str) -> dict[str, Any] | None: ...

    async def press(self, alert: str, act: Act, who: str) -> tuple[bool, str]:
        """Execute or dismiss for a person who was asked twice: (done, words)."""
        ...

    async def proved(self, alert: str, token: str, code: str) -> bool:
        """Whether the secret of a link, or the code of a text message, is this alert's."""
        ...

    async def external(self, draft: Draft) -> str: ...

    async def follow(self, key: str, text: str) -> None: ...

    async def clicked(self, click: Clicked) -> str: ...

    async def public_key(self) -> str:
        """Of the Discord application; "" where none is set up."""
        ...

    async def mode(self) -> str: ...

    async def jobs(self) -> list[dict[str, Any]]: ...

    async def run_job(self, name: str, who: str) -> dict[str, Any]: ...


class Pressed(msgspec.Struct):
    """What a press led to, in words."""

    id: str
    status: str
    text: str


class Dispatched(msgspec.Struct):
    accepted: int
    ids: list[str]


def ports_of(request: Request) -> Ports:
    """The run's, of the gateway that serves this request."""
    found: Ports = request.app.state.alerts
    return found


# -- reading -----------------------------------------------------------------------------------


@door(router, "GET", "/alerts", scope="alerts:read", answer=list[dict[str, Any]],
      summary="The newest alerts")  # fmt: skip
async def list_alerts(
    request: Request, limit: Annotated[int, Query(ge=1, le=500)] = 50
) -> list[dict[str, Any]]:
    """Oldest first, each with where it arrived."""
    return await asked(ports_of(request).alerts(limit))


@door(router, "GET", "/alerts/{name}", scope="alerts:read", answer=dict[str, Any],
      summary="One alert")  # fmt: skip
async def show_alert(request: Request, name: Name) -> dict[str, Any]:
    """With where it arrived, and what became of it."""
    return await _found(request, name)


@door(router, "GET", "/jobs", scope="jobs:read", answer=list[dict[str, Any]],
      summary="Records of jobs")  # fmt: skip
async def list_jobs(request: Request) -> list[dict[str, Any]]:
    """Oldest first."""
    return await asked(ports_of(request).jobs())


@door(router, "POST", "/jobs/{name}/run", scope="jobs:run", answer=dict[str, Any],
      summary="Run a job now")  # fmt: skip
async def run_job(request: Request, name: Name) -> dict[str, Any]:
    """Waits for its end."""

    async def act() -> dict[str, Any]:
        try:
            return await ports_of(request).run_job(name, who(request).label)
        except UsageError as error:
            raise Problem("conflict", error.what, fix=error.todo) from error

    return await carry(request, f"job {clean(name, 80)}", act())


# -- pressing ----------------------------------------------------------------------------------


@door(router, "POST", "/alerts/{name}/execute", scope="execute:write", answer=Pressed,
      summary="Take the opportunity of an alert")  # fmt: skip
async def execute_alert(request: Request, name: Name) -> Pressed:
    """Quoted anew, through the gate, once."""
    return await _pressed(request, name, "execute")


@door(router, "POST", "/alerts/{name}/dismiss", scope="alerts:write", answer=Pressed,
      summary="Dismiss an alert")  # fmt: skip
async def dismiss_alert(request: Request, name: Name) -> Pressed:
    """Its buttons do nothing any more."""
    return await _pressed(request, name, "dismiss")


async def _pressed(request: Request, name: str, act: Act) -> Pressed:
    await _found(request, name)

    async def press() -> Pressed:
        done, words = await ports_of(request).press(name, act, who(request).name)
        if not done:
            raise Problem("refused", words, fix="look at the alert")
        return Pressed(name, "accepted", words)

    return await carry(request, f"{act} alert {clean(name, 80)}", press())


# -- links and codes in messages are their own proof ---------------------------------------------


@door(at_root, "GET", "/alerts/{name}/confirm", scope=OPEN, answer=str, media="text/html",
      summary="The page behind a link in a message")  # fmt: skip
async def confirm_page(
    request: Request, name: Name, act: Annotated[str, Query(max_length=20)] = "execute",
    token: Annotated[str, Query(max_length=200)] = "",
) -> Response:  # fmt: skip
    """It changes nothing, however often it is fetched."""
    ports = ports_of(request)
    row = await asked(ports.alert(name))
    if (
        row is None
        or act not in alert_page.WORDS
        or (token and not await asked(ports.proved(name, token, "")))
    ):
        return _page(alert_page.said("This link leads nowhere."), 404)
    shown = row if token else {**row, "text": "An alert."}
    return _page(alert_page.confirm(shown, act, token))


@door(at_root, "POST", "/alerts/{name}/confirm", scope=OPEN, answer=str, media="text/html",
      raw=True, summary="A press on that page")  # fmt: skip
async def confirm_press(request: Request, name: Name) -> Response:
    """A form: `act`, and `token` or `code`."""
    ports, gateway = ports_of(request), gate(request)
    act, token, code = _form(await _body(request))
    by, what = "link" if token else "code", f"{clean(act, 20)} alert {clean(name, 80)}"
    if act not in alert_page.WORDS or not await asked(ports.proved(name, token, code)):
        await gateway.identity.denied(by, request.state.address, what, "forbidden")
        return _page(alert_page.said("Not accepted."), 403)
    done, words = await asked(ports.press(name, act, by))  # type: ignore[arg-type]
    result = "done" if done else "refused"
    await gateway.identity.record(by, request.state.address, what, result)
    return _page(alert_page.said(words))


def _form(body: bytes) -> tuple[str, ...]:
    """act, token and code of a form; empty where it is none."""
    try:
        form = parse_qs(body.decode("latin-1"), max_num_fields=5)
    except ValueError:
        form = {}
    return tuple(form.get(key, [""])[0][:200] for key in ("act", "token", "code"))


def _page(text: str, status: int = 200) -> Response:
    return HTMLResponse(text, status, alert_page.HEADERS)


# -- from outside --------------------------------------------------------------------------------


@door(router, "POST", "/alerts/dispatch", scope="alerts:write", answer=Dispatched, raw=True,
      summary="Alerts of Alertmanager")  # fmt: skip
async def dispatch(request: Request) -> Dispatched:
    """Its webhook, version 4: told like our own; resolved ones follow."""
    ports, posted = ports_of(request), _decoded(await _body(request))
    mode = await asked(ports.mode())
    ids = [await asked(_one(ports, mode, alert)) for alert in posted.alerts[:ALERTS_MAX]]
    return Dispatched(len(ids), ids)


@door(at_root, "POST", "/webhook/discord", scope=OPEN, answer=dict[str, Any], raw=True,
      summary="A press under a message of our Discord bot")  # fmt: skip
async def discord_press(request: Request) -> Response:
    """Signed by Discord."""
    ports, body = ports_of(request), await _body(request)
    key = await asked(ports.public_key())
    mark = request.headers.get("x-signature-ed25519", "")
    stamp = request.headers.get("x-signature-timestamp", "")
    if not key or not discord.verify(key, mark, stamp, body, gate(request).clock.now()):
        raise Problem("unauthenticated", "bad signature", fix="set alerts.discord.public_key")
    found = discord.interaction(body)
    if found is None:
        raise Problem("malformed", "not served", fix="send presses of buttons only")
    if found.click is None:
        return JSONResponse({"type": 1})
    return JSONResponse(discord.reply(await asked(ports.clicked(found.click))))


class Posted(msgspec.Struct):
    """One alert as Alertmanager posts it."""

    status: Literal["firing", "resolved"] = "firing"
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    startsAt: str = ""
    fingerprint: str = ""


class Batch(msgspec.Struct):
    alerts: list[Posted]


def _decoded(body: bytes) -> Batch:
    try:
        return msgspec.json.decode(body, type=Batch)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Problem(
            "invalid", f"not a post of Alertmanager: {error}"[:300], fix="webhook_configs, v4"
        ) from error


async def _one(ports: Ports, mode: str, alert: Posted) -> str:
    name = clean(alert.labels.get("alertname", "alert"), 80)
    key = f"external:{clean(alert.fingerprint, 64) or name}"
    if alert.status == "resolved":
        await ports.follow(key, "✅ Resolved, says Alertmanager.")
        return ""
    what = alert.annotations.get("summary") or alert.annotations.get("description") or ""
    severity = {"critical": "CRITICAL", "page": "CRITICAL", "warning": "HIGH", "info": "LOW"}
    priority: Priority = severity.get(alert.labels.get("severity", ""), "MEDIUM")  # type: ignore[assignment]
    line = f"[{mode.upper()}] 📟 {name}  {clean(what, 400)}".rstrip()
    since = _since(alert.startsAt)
    fields = tuple((clean(k, 40), clean(v, 200)) for k, v in list(alert.labels.items())[:20])
    draft = Draft("external", key, line, name, fields, why=since, priority=priority)
    return await ports.external(draft)


def _since(text: str) -> str:
    try:
        return f"since {datetime.fromisoformat(text).isoformat(timespec='seconds')}"
    except ValueError:
        return ""


async def _found(request: Request, name: str) -> dict[str, Any]:
    row = await asked(ports_of(request).alert(name))
    if row is None:
        raise Problem("not_found", "no such alert", fix="GET /api/v1/alerts")
    return row


async def _body(request: Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > BODY_MAX:
            raise Problem("too_large", f"a post has up to {BODY_MAX} bytes", fix="send fewer")
        parts.append(part)
    return b"".join(parts)
