"""Cursors and whole numbers in the queries of the pretend Kalshi."""

import base64
import binascii
from collections.abc import Mapping
from typing import TypeVar

from dutchbook.emulators.kalshi.auth import nested
from dutchbook.emulators.wire.rest import Ask, Refusal

T = TypeVar("T")


def whole(query: Mapping[str, str], name: str, default: int | None) -> int | None:
    text = query.get(name)
    if text is None or text == "":
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        body = {"code": "invalid_parameters", "message": f"{name} must be a whole number"}
        raise Refusal(400, body | {"details": f"strconv.ParseInt: parsing {text[:40]!r}"})
    return int(text)


def page(rows: list[T], ask: Ask, most: int) -> tuple[list[T], str]:
    """One page and the cursor of the next, "" at the end. Above `most` is refused, not clamped."""
    limit = whole(ask.query, "limit", 100) or 100
    if limit > most:
        raise Refusal(400, {"msg": f"limit must be at most {most}"})
    start = 0
    if cursor := ask.query.get("cursor"):
        try:
            start = int(base64.urlsafe_b64decode(cursor.encode()).decode())
        except (binascii.Error, ValueError):
            raise Refusal(400, nested("invalid_parameters", "cursor")) from None
    end = start + limit
    next_cursor = base64.urlsafe_b64encode(str(end).encode()).decode() if end < len(rows) else ""
    return rows[start:end], next_cursor
