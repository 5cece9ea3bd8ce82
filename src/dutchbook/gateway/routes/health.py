"""How it is: health, readiness, status. They say what is, also when that is bad."""

from typing import Any

from fastapi import Request
from starlette.responses import Response

from dutchbook.domain.units import MILLI
from dutchbook.gateway import shapes
from dutchbook.gateway.door import OPEN, door, new_router
from dutchbook.gateway.routes.common import gate

router = new_router()


@door(router, "GET", "/health", scope=OPEN, answer=shapes.Health, summary="Health of each part",
      shows=True)  # fmt: skip
async def health(request: Request) -> shapes.Health:
    """`healthy` only while a run is followed, its streams are up and no feed has an open gap."""
    gateway = gate(request)
    model, now = gateway.model, gateway.clock.now()
    feeds = model.feeds(now)
    following = model.following(now)
    account = model.account
    well = following and bool(feeds) and all(feed.up and not feed.open_gaps for feed in feeds)
    executor: dict[str, Any] = {"trading": account is not None}
    if account is not None:
        unknown = sum(row["state"] == "unknown" for row in account.orders)
        halted = bool(account.money["halts"])
        executor |= {"open_orders": len(account.orders), "unknown_orders": unknown,
                     "halted": halted}  # fmt: skip
        well = well and not unknown and all(account.money["reconciled"].values())
    return shapes.Health(
        "healthy" if well else "degraded" if following else "down",
        model.mode, model.run, model.version,
        {"following": following, "heard": shapes.when(model.heard_at),
         "late_ms": gateway.lag.late // MILLI},
        feeds, {"queue_depth": model.status.get("backlog", 0),
                "opportunities_open": len(model.held)}, executor,
    )  # fmt: skip


@door(router, "GET", "/ready", scope=OPEN, answer=shapes.Ready, summary="Fit to be asked (or 503)")
async def ready(request: Request) -> Response:
    """200 when everything that an answer needs is there, else 503 with what is missing."""
    gateway = gate(request)
    model, now = gateway.model, gateway.clock.now()
    missing = []
    if not model.following(now):
        missing.append("a run that goes on")
    if not model.instruments:
        missing.append("markets")
    missing += [f"stream {feed.stream}" for feed in model.feeds(now) if not feed.up]
    if gateway.lag.behind():
        missing.append("room: the gateway is behind")
    body = shapes.encode(shapes.Ready(not missing, missing))
    return Response(body, 503 if missing else 200, None, "application/json")


@door(router, "GET", "/status", scope="status:read", answer=dict[str, Any],
      summary="What `dutchbook status` shows", shows=True)  # fmt: skip
async def status(request: Request) -> dict[str, Any]:
    """The run's own status, with the funnel and the last rejections by reason."""
    model = gate(request).model
    document = {name: value for name, value in model.status.items() if name != "rejected"}
    return document | {"following": model.following(gate(request).clock.now())}
