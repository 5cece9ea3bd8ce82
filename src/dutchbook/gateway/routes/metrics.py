"""Figures for Prometheus, and figures of outside processes."""

from fastapi import Request
from starlette.responses import Response

from dutchbook.domain.errors import UsageError
from dutchbook.gateway import shapes
from dutchbook.gateway.bodies import CustomMetric
from dutchbook.gateway.door import door, new_router
from dutchbook.gateway.problems import Problem
from dutchbook.gateway.routes.common import gate

router = new_router()
TEXT = "text/plain; version=0.0.4; charset=utf-8"


@door(router, "GET", "/metrics", scope="status:read", answer=str, media="text/plain",
      summary="Prometheus metrics")  # fmt: skip
async def metrics(request: Request) -> Response:
    """Names begin with dutchbook_; labels are venue, strategy and mode, never a market."""
    return Response(gate(request).metrics.text(), 200, {"content-type": TEXT})


@door(router, "POST", "/metrics/custom", scope="metrics:write", answer=shapes.Simple,
      summary="Set a gauge of an outside process")  # fmt: skip
async def custom_metric(request: Request, body: CustomMetric) -> shapes.Simple:
    """It appears as dutchbook_custom_NAME; at most 100 names."""
    try:
        gate(request).metrics.custom(body.name, _figure(str(body.value)))
    except UsageError as error:
        raise Problem("invalid", error.what, fix=error.todo) from error
    return shapes.Simple("set")


def _figure(text: str) -> float:
    try:
        value = float(text) if len(text) <= 40 and "_" not in text else float("nan")
    except ValueError:
        value = float("nan")
    if not abs(value) <= 1e300:
        raise Problem("invalid", "value: a finite number", fix='send 0.12 or "0.12"')
    return value
