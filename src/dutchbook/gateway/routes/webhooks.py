"""Webhooks: signed by their source, or with a key; each is normalised and handed on."""

import hashlib
from typing import Annotated, Literal

from fastapi import Path, Request

from dutchbook.domain.units import MILLI
from dutchbook.gateway import shapes
from dutchbook.gateway.door import OPEN, door, new_router
from dutchbook.gateway.normalize import KINDS
from dutchbook.gateway.problems import Problem
from dutchbook.gateway.routes.common import gate
from dutchbook.gateway.webhooks import plain

router = new_router()
Source = Annotated[Literal["polymarket", "kalshi", "whale", "news"], Path()]
KIND = {"polymarket": "price", "kalshi": "price", "whale": "whale", "news": "news"}


@door(router, "POST", "/webhook/{source}", scope=OPEN, answer=shapes.Received, raw=True,
      summary="A signed webhook")  # fmt: skip
async def webhook(request: Request, source: Source) -> shapes.Received:
    """webhook-id, webhook-timestamp and webhook-signature (`v1,` HMAC-SHA256 over
    id.timestamp.body), or all in one object {id, source, payload, timestamp, signature}; or a key
    with webhook:write. Five minutes old at most, and never twice."""
    gateway, began = gate(request), gate(request).clock.mono()
    body = await request.body()
    if "x-dutchbook-key" in request.headers or "authorization" in request.headers:
        await gateway.admit(request, "webhook:write")
        payload = body
        mark = request.headers.get("webhook-id") or hashlib.sha256(body).hexdigest()
        await _new(request, source, f"key:{mark[:120]}")
    else:
        try:
            payload = await gateway.webhooks.check(source, request.headers, body)
        except Problem as problem:
            gateway.metrics.webhooks.labels(source, "refused").inc()
            await gateway.identity.denied(
                source, request.state.address, f"webhook {source}", problem.code
            )
            raise
    return _take(request, source, payload, began)


@door(router, "POST", "/webhook/{source}/{secret}", scope=OPEN, answer=shapes.Received, raw=True,
      summary="A webhook that can't be signed, at a secret path")  # fmt: skip
async def unsigned_webhook(
    request: Request, source: Source,
    secret: Annotated[str, Path(min_length=1, max_length=200)],
) -> shapes.Received:  # fmt: skip
    """api.unsigned names the source, the secret webhook.SOURCE.path is the path."""
    gateway, began = gate(request), gate(request).clock.mono()
    if not await gateway.webhooks.path_ok(source, secret):
        await gateway.identity.denied(
            source, request.state.address, f"webhook {source} by path", "not_found"
        )
        raise Problem("not_found", "there is no such path", fix="POST /webhook/SOURCE, signed")
    body = await request.body()
    await _new(request, source, f"path:{hashlib.sha256(body).hexdigest()}")
    return _take(request, source, body, began)


async def _new(request: Request, source: str, mark: str) -> None:
    await gate(request).webhooks.remember(source, mark)


def _take(request: Request, source: str, payload: bytes, began: int) -> shapes.Received:
    gateway = gate(request)
    now_ms = gateway.clock.now() // MILLI
    try:
        normalized = KINDS[KIND[source]](source, plain(payload), now_ms)
    except Problem:
        gateway.metrics.webhooks.labels(source, "invalid").inc()
        raise
    name = f"{source}-{hashlib.blake2b(payload, digest_size=8).hexdigest()}"
    gateway.signal(KIND[source], normalized | {"signal_id": name})
    gateway.metrics.webhooks.labels(source, "received").inc()
    return shapes.Received("received", name, (gateway.clock.mono() - began) / MILLI)
