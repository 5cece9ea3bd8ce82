"""Errors as RFC 9457 problem documents: a stable code, what happened, and what to do."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from starlette.responses import Response

from dutchbook.domain.errors import (
    ConfigError,
    DutchbookError,
    NotRunning,
    Timeout,
    UsageError,
    VenueUnreachable,
)

MEDIA: Final = "application/problem+json"
TITLES: Final[dict[str, tuple[int, str]]] = {
    "malformed": (400, "The request can't be read"),
    "ambiguous": (400, "The request says one thing twice"),
    "unauthenticated": (401, "Who is asking is not known"),
    "forbidden": (403, "This is not allowed"),
    "read_only": (403, "This gateway serves reads only"),
    "unknown_host": (421, "This is not the host that was called"),
    "not_found": (404, "There is no such thing"),
    "wrong_method": (405, "This can't be done here"),
    "too_slow": (408, "The request took too long"),
    "refused": (409, "The run refused it"),
    "partly_done": (409, "Only a part of it was done"),
    "conflict": (409, "It does not fit what stands"),
    "at_the_machine": (409, "This is done at the machine itself"),
    "stale_quote": (409, "The price has moved away"),
    "expired": (410, "It is over"),
    "too_large": (413, "The request is too large"),
    "unsupported_type": (415, "Bodies are JSON"),
    "key_reused": (422, "The idempotency key belongs to another request"),
    "invalid": (422, "The request is not valid"),
    "too_many": (429, "Too many requests"),
    "defect": (500, "A defect of the gateway"),
    "overloaded": (503, "Too much at once"),
    "not_running": (503, "No run is going on"),
    "outcome_unknown": (504, "Nobody knows whether it was done"),
}
"""Code -> (status, title). The codes are stable: programs branch on them."""


class Problem(Exception):
    """Raised anywhere in a request; becomes its answer. `more` adds fields to the document."""

    def __init__(
        self, code: str, detail: str, *, fix: str = "", more: Mapping[str, Any] | None = None,
        retry: int = 0,
    ) -> None:  # fmt: skip
        super().__init__(detail)
        self.code = code
        self.status, self.title = TITLES[code]
        self.detail = detail
        self.fix = fix
        self.more = dict(more or {})
        self.retry = retry

    def response(self, request_id: str = "") -> Response:
        """The document, never with more of the request in it than its own words."""
        body = {
            "type": f"urn:dutchbook:problem:{self.code}", "title": self.title,
            "status": self.status, "code": self.code, "detail": _clean(self.detail),
            "fix": _clean(self.fix), "request": request_id,
        } | self.more  # fmt: skip
        headers = {"Retry-After": str(self.retry)} if self.retry else {}
        if self.status in (408, 413):  # what is left of it is not waited for
            headers["Connection"] = "close"
        if self.status == 401:
            headers["WWW-Authenticate"] = (
                'Bearer realm="dutchbook", ApiKey header="X-Dutchbook-Key"'
            )
        return Response(msgspec.json.encode(body), self.status, headers, MEDIA)


def of_error(error: DutchbookError) -> Problem:
    """A typed error of ours as a problem; its own text says what to do."""
    code = "refused"
    if isinstance(error, NotRunning):
        code = "not_running"
    elif isinstance(error, Timeout):
        code = "outcome_unknown"
    elif isinstance(error, UsageError):
        code = "invalid"
    elif isinstance(error, ConfigError):
        code = "conflict"
    elif isinstance(error, VenueUnreachable):
        code = "overloaded"
    detail = f"{error.what}: {error.why}" if error.why else error.what
    return Problem(code, detail, fix=error.todo)


def _clean(text: str) -> str:
    """Text for an answer: no control characters, no half of a pair, bounded."""
    safe = text[:1_000].encode("utf-8", "replace").decode()
    return "".join(c if c.isprintable() or c == " " else "\N{REPLACEMENT CHARACTER}" for c in safe)


PROBLEM_SCHEMA: Final[dict[str, Any]] = {
    "title": "Problem",
    "type": "object",
    "required": ["type", "title", "status", "code", "detail", "fix", "request"],
    "properties": {
        "type": {"type": "string", "examples": ["urn:dutchbook:problem:forbidden"]},
        "title": {"type": "string", "examples": ["This is not allowed"]},
        "status": {"type": "integer", "examples": [403]},
        "code": {"type": "string", "enum": sorted(TITLES)},
        "detail": {"type": "string", "examples": ["role viewer has no orders:write"]},
        "fix": {"type": "string", "examples": ["ask an admin for a key with this scope"]},
        "request": {"type": "string"},
    },
}
