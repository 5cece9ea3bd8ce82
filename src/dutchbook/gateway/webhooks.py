"""Webhooks as Standard Webhooks has them: HMAC-SHA256 over `id.timestamp.body`, once, in time.

The signature is looked at before a byte of the body is parsed. A source may also put everything
into one JSON object, `{id, source, payload, timestamp, signature}`; then the bytes of `payload` are
what is signed. Up to two secrets of a source live at once, so that one can take the other's place.
"""

import asyncio
import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from dutchbook.domain.clock import Clock
from dutchbook.domain.events import SignalArrived
from dutchbook.domain.units import SECOND, Ns
from dutchbook.gateway import store
from dutchbook.gateway.config import Config
from dutchbook.gateway.ports import Secrets
from dutchbook.gateway.problems import Problem
from dutchbook.gateway.store import Tables

WINDOW: Final = 300
AHEAD: Final = 60
"""Seconds that a webhook may be old, or early."""
KEPT: Final = Ns(10 * SECOND)
"""How long secrets are remembered before they are read again: a rotation is seen in time."""
_WHOLE: Final = re.compile(r"[0-9]{1,12}", re.ASCII)
_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}", re.ASCII)
SIGNED: Final = "v1,"
TITLE_MAX: Final = 500


class Envelope(msgspec.Struct, frozen=True):
    """Everything in one object; `payload` keeps the very bytes that were sent."""

    source: str
    payload: msgspec.Raw
    timestamp: int
    signature: str
    id: str = ""


class Webhooks:
    """`check` gives id and payload of a webhook that is genuine, new and in time."""

    def __init__(self, config: Config, tables: Tables, secrets: Secrets, clock: Clock) -> None:
        self._config = config
        self._tables = tables
        self._secrets = secrets
        self._clock = clock
        self._kept: dict[str, tuple[Ns, list[bytes]]] = {}

    async def check(
        self, source: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[str, bytes]:
        """(id, payload). Raises Problem, with the same words whatever was wrong with the
        signature."""
        if "webhook-signature" in headers or "webhook-id" in headers:
            message = headers.get("webhook-id", "")
            stamp = headers.get("webhook-timestamp", "")
            signature, payload = headers.get("webhook-signature", ""), body
        else:
            message, stamp, signature, payload = _enveloped(source, body)
        if not _ID.fullmatch(message) or not _WHOLE.fullmatch(stamp):
            raise _refused("it has no usable id or timestamp")
        mark = f"{message}.{stamp}.".encode() + payload
        secrets = await self._of(source)
        wanted = [hmac.new(secret, mark, hashlib.sha256).digest() for secret in secrets]
        given = [_decoded(one) for one in signature.split(" ")[:4]]
        if not sum(hmac.compare_digest(a, b) for a in wanted for b in given):
            raise _refused("its signature does not match")
        age = self._clock.now() // SECOND - int(stamp)
        if not -AHEAD <= age <= WINDOW:
            raise _refused("it is too old, or from the future")
        await self.remember(source, message)
        return message, payload

    async def remember(self, source: str, message: str) -> None:
        """Raises Problem where this id was seen before."""
        row = {"source": source, "id": message, "at": self._clock.now()}
        if not await asyncio.to_thread(self._tables.add, store.seen, row):
            raise _refused("its id was seen before")

    async def forget(self, source: str, message: str) -> None:
        """It came to nothing: the sender may send it again under this id."""
        key = {"source": source, "id": message}
        await asyncio.to_thread(self._tables.drop, store.seen, key)

    async def path_ok(self, source: str, secret: str) -> bool:
        """Whether this is the secret path of a source that somebody let in unsigned."""
        if source not in self._config.unsigned:
            return False
        known = await asyncio.to_thread(self._secrets.get, f"webhook.{source}.path")
        return known is not None and hmac.compare_digest(known.reveal(), secret.encode())

    async def _of(self, source: str) -> list[bytes]:
        now = self._clock.mono()
        at, found = self._kept.get(source, (Ns(-KEPT), []))
        if now - at < KEPT:
            return found
        found = []
        for name in (f"webhook.{source}", f"webhook.{source}.old"):
            secret = await asyncio.to_thread(self._secrets.get, name)
            if secret is not None:
                found.append(_secret(secret.reveal()))
        self._kept[source] = (now, found)
        return found


def _enveloped(source: str, body: bytes) -> tuple[str, str, str, bytes]:
    try:
        one = msgspec.json.decode(body, type=Envelope)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _refused("it has neither webhook-* headers nor a signed envelope") from error
    if one.source != source:
        raise _refused("its envelope names another source")
    return one.id, str(one.timestamp), one.signature, bytes(one.payload)


def _secret(value: bytes) -> bytes:
    """Secrets read whsec_BASE64 with Standard Webhooks; any other text is itself the secret."""
    if value.startswith(b"whsec_"):
        try:
            return base64.b64decode(value[6:], validate=True)
        except ValueError:
            return value
    return value


def _decoded(text: str) -> bytes:
    """`v1,` and base64; nothing else counts: one text has one signature."""
    if not text.startswith(SIGNED) or len(text) != len(SIGNED) + 44:
        return b""
    try:
        found = base64.b64decode(text[len(SIGNED) :], validate=True)
    except ValueError:
        return b""
    return found if base64.b64encode(found).decode() == text[len(SIGNED) :] else b""


def _refused(why: str) -> Problem:
    return Problem("unauthenticated", f"the webhook is refused: {why}",
                   fix="sign id.timestamp.body with a secret of this source")  # fmt: skip


def signed(secret: bytes, message: str, stamp: int, body: bytes) -> str:
    """The signature that a sender makes; for tests and for our own deliveries."""
    mark = f"{message}.{stamp}.".encode() + body
    mac = hmac.new(_secret(secret), mark, hashlib.sha256).digest()
    return SIGNED + base64.b64encode(mac).decode()


def arrival(source: str, kind: str, item: Mapping[str, Any]) -> SignalArrived:
    """A normalised message as an event. It claims no confidence: what a source says of itself is in
    the body. Its id is the hash of what it says, so the same words are the same signal."""
    body = msgspec.json.encode(item, order="deterministic").decode()
    name = f"{source}-{hashlib.blake2b(body.encode(), digest_size=8).hexdigest()}"
    keys: tuple[str, ...] = tuple(item.get("related_markets", ()))
    venues: tuple[str, ...] = ()
    tags: tuple[str, ...] = tuple(item.get("categories", ()))
    if kind == "price":
        title, keys, venues = item["market_id"], (f"{source}:{item['market_id']}",), (source,)
    elif kind == "whale":
        moved = f"{item['amount']:,.0f} {item['token_symbol']}"
        title, tags = f"{moved} {item['direction']} {item['exchange']}", (item["category"],)
    else:
        title = item["headline"]
    return SignalArrived(
        f"webhook:{source}", name, kind, 0, title[:TITLE_MAX], keys, venues, tags, body=body
    )


def plain(body: bytes) -> dict[str, Any]:
    """A payload as a JSON object, read strictly. Raises Problem."""
    from dutchbook.gateway.door import strict_json

    found = strict_json(body)
    if not isinstance(found, dict):
        raise Problem("malformed", "the payload is no JSON object", fix="send one object")
    return found
