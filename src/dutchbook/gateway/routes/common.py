"""What routes share: who asks, cursors, and carrying a command to the run with its audit."""

import base64
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
from fastapi import Request

from dutchbook.domain.errors import DutchbookError
from dutchbook.gateway import rows, shapes
from dutchbook.gateway.ports import Told
from dutchbook.gateway.problems import Problem, of_error
from dutchbook.gateway.rights import Principal

if TYPE_CHECKING:
    from dutchbook.gateway.app import Gateway

T = TypeVar("T")
LIMIT: Final = 500


def gate(request: Request) -> "Gateway":
    """The gateway that serves this request."""
    found: Gateway = request.app.state.gateway
    return found


def who(request: Request) -> Principal:
    """Who asks; there only on routes with a scope."""
    found: Principal = request.state.who
    return found


def cursor_of(value: Any) -> str:
    """Where a page ended, as an opaque text."""
    return base64.urlsafe_b64encode(msgspec.json.encode(value)).decode().rstrip("=")


def read_cursor(text: str, kind: type[T]) -> T | None:
    """The place that a cursor names, None for "". Raises Problem."""
    if not text:
        return None
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
        return msgspec.json.decode(raw, type=kind)
    except (ValueError, msgspec.DecodeError) as error:
        raise Problem(
            "malformed", "the cursor was not made here", fix="use `next` of the page before"
        ) from error


async def asked(question: Awaitable[T]) -> T:
    """Await something of the run; its errors become problems."""
    try:
        return await question
    except DutchbookError as error:
        raise of_error(error) from error


async def carry(
    request: Request, what: str, act: Awaitable[T], before: Any = None, sent: Any = None
) -> T:
    """Await a command and write down who asked, what was there before, and how it went."""
    gateway, asker = gate(request), who(request)
    result, after = "done", sent
    try:
        found = await asked(act)
        if isinstance(found, Told):
            after = {"asked": sent, "seq": found.seq, "orders": list(found.orders)}
            refuse(found)
            await gateway.model.reached(found.seq)
        return found
    except Problem as problem:
        result = problem.code
        raise
    finally:
        await gateway.identity.record(
            asker.label, request.state.address, what, result, before, after
        )


def refuse(told: Told) -> None:
    """Raise the engine's own refusal as a problem."""
    for name, plain in told.notes:
        if name == "Refused":
            note = rows.note(name, plain)
            raise Problem(
                "refused", f"{note['what']}: refused by {note['check']}: {note['reason']}",
                fix="the numbers say what would let it pass",
                more={"check": note["check"], "numbers": note["numbers"], "seq": told.seq},
            )  # fmt: skip


def done(told: Told, status: str = "done") -> shapes.Done:
    notes = [rows.note(name, plain) for name, plain in told.notes]
    return shapes.Done(told.seq, status, notes, list(told.orders))
