"""Webhooks: signed by their source, or with a key; each is normalised and handed on."""

import hashlib
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from fastapi import Path, Request

from dutchbook.domain.units import MILLI
from dutchbook.gateway.door import OPEN, door, new_router
from dutchbook.gateway.normalize import KINDS
from dutchbook.gateway.problems import Problem
from dutchbook.gateway.routes.common import gate
from dutchbook.gateway.webhooks import arrival, plain

if TYPE_CHECKING:
    from dutchbook.gateway.app import Gateway

router = new_router()
Source = Annotated[Literal["polymarket", "kalshi", "whale", "news"], Path()]
KIND = {"polymarket": "price", "kalshi": "price", "whale": "whale", "news": "news"}


class Received(msgspec.Struct):
    """The answer to a webhook. `seq` is its number in the journal; `duplicate`: it had one."""

    status: str
    signal_id: str
    processing_time_ms: float
    seq: int
    duplicate: bool


@door(router, "POST", "/webhook/{source}", scope=OPEN, answer=Received, raw=True,
      summary="A signed webhook")  # fmt: skip
async def webhook(request: Request, source: Source) -> Received:
    """webhook-id, webhook-timestamp and webhook-signature (`v1,` HMAC-SHA256 over
    id.timestamp.body), or all in one object {id, source, payload, timestamp, signature}; or a key
    with webhook:write. Five minutes old at most, and never twice."""
    gateway, began = _open(request), gate(request).clock.mono()
    body = await request.body()
    if "x-dutchbook-key" in request.headers or "authorization" in request.headers:
        await gateway.admit(request, "webhook:write")
        payload = body
        mark = request.headers.get("webhook-id") or hashlib.sha256(body).hexdigest()
        mark = f"key:{mark[:120]}"
        await gateway.webhooks.remember(source, mark)
    else:
        try:
            mark, payload = await gateway.webhooks.check(source, request.headers, body)
        except Problem as problem:
            gateway.metrics.webhooks.labels(source, "refused").inc()
            await gateway.identity.denied(
                source, request.state.address, f"webhook {source}", problem.code
            )
            raise
    return await _take(gateway, source, mark, payload, began)


@door(router, "POST", "/webhook/{source}/{secret}", scope=OPEN, answer=Received, raw=True,
      summary="A webhook that can't be signed, at a secret path")  # fmt: skip
async def unsigned_webhook(
    request: Request, source: Source,
    secret: Annotated[str, Path(min_length=1, max_length=200)],
) -> Received:  # fmt: skip
    """api.unsigned names the source, the secret webhook.SOURCE.path is the path."""
    gateway, began = _open(request), gate(request).clock.mono()
    if not await gateway.webhooks.path_ok(source, secret):
        await gateway.identity.denied(
            source, request.state.address, f"webhook {source} by path", "not_found"
        )
        raise Problem("not_found", "there is no such path", fix="POST /webhook/SOURCE, signed")
    body = await request.body()
    mark = f"path:{hashlib.sha256(body).hexdigest()}"
    await gateway.webhooks.remember(source, mark)
    return await _take(gateway, source, mark, body, began)


def _open(request: Request) -> "Gateway":
    gateway = gate(request)
    if gateway.config.read_only:
        raise Problem("read_only", "this gateway only shows", fix="use the one of the run")
    return gateway


async def _take(gateway: "Gateway", source: str, mark: str, payload: bytes, began: int) -> Received:
    """Normalise, and have the run number it: from then on it is an event like any other."""
    kind, counted = KIND[source], gateway.metrics.webhooks
    try:
        item = KINDS[kind](source, plain(payload), gateway.clock.now() // MILLI)
    except Problem:
        counted.labels(source, "invalid").inc()
        raise
    event = arrival(source, kind, item)
    try:
        seq, known = await gateway.post(event)
    except TimeoutError as error:
        await gateway.webhooks.forget(source, mark)
        counted.labels(source, "not taken").inc()
        raise Problem("outcome_unknown", "the run did not take it in time",
                      fix="send it again: it counts once") from error  # fmt: skip
    counted.labels(source, "received").inc()
    took = (gateway.clock.mono() - began) / MILLI
    return Received("received", event.id, took, seq, known)
