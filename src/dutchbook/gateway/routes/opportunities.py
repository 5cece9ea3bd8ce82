"""Opportunities: live and past, with their certificates, and why others were passed over."""

from typing import Annotated, Any

from fastapi import Path, Query, Request

from dutchbook.gateway import rows, shapes
from dutchbook.gateway.bodies import Platform
from dutchbook.gateway.door import door, new_router
from dutchbook.gateway.problems import Problem
from dutchbook.gateway.routes.common import LIMIT, cursor_of, gate, read_cursor
from dutchbook.gateway.shapes import dec, when
from dutchbook.optimize.prove import certificate_json
from dutchbook.storage.sql import tables

router = new_router()
Limit = Annotated[int, Query(ge=1, le=LIMIT)]
Cursor = Annotated[str, Query(max_length=600)]
Word = Annotated[str, Query(max_length=60)]


@door(router, "GET", "/opportunities", scope="opportunities:read", answer=shapes.Page,
      summary="Open opportunities, best first", shows=True)  # fmt: skip
async def list_opportunities(
    request: Request, kind: Word = "", platform: Annotated[Platform | None, Query()] = None,
    limit: Limit = 50, cursor: Cursor = "",
) -> shapes.Page:  # fmt: skip
    """They come and go while one pages; the first page is what counts."""
    start = read_cursor(cursor, int) or 0
    if not 0 <= start <= 1_000_000:
        raise Problem("malformed", "the cursor was not made here", fix="begin anew")
    found = gate(request).model.opportunities(kind=kind, platform=platform or "")
    page = found[start : start + limit]
    more = start + limit < len(found)
    return shapes.Page(page, cursor_of(start + limit) if more else "")


@door(router, "GET", "/opportunities/history", scope="opportunities:read", answer=shapes.Page,
      summary="Past opportunities from the tables, newest first")  # fmt: skip
async def past_opportunities(
    request: Request, kind: Word = "", limit: Limit = 50, cursor: Cursor = ""
) -> shapes.Page:
    """Edge, size and why each was closed; of those of the run that goes on also GET by id."""
    after = read_cursor(cursor, tuple[int, str])
    found, last = await gate(request).history.page(
        tables.opportunities, "opened_at", limit, after, kind=kind
    )
    return shapes.Page([_past(row) for row in found], cursor_of(last) if last else "")


@door(router, "GET", "/opportunities/why-not", scope="opportunities:read",
      answer=list[shapes.WhyNot], summary="What was passed over, and what stopped it",
      shows=True)  # fmt: skip
async def why_not(
    request: Request, stage: Word = "", reason: Word = "", limit: Limit = 50
) -> list[shapes.WhyNot]:
    """The last verdict on each basket that nearly paid, with its numbers in millionths."""
    chosen = [
        rows.passed(one)
        for one in gate(request).model.passed.values()
        if stage in ("", one.stage) and reason in ("", one.reason)
    ]
    return chosen[-limit:]


@door(router, "GET", "/opportunities/{opportunity_id}", scope="opportunities:read",
      answer=shapes.OpportunityFull, summary="One, with its certificate")  # fmt: skip
async def opportunity(
    request: Request,
    opportunity_id: Annotated[str, Path(min_length=1, max_length=80, pattern=r"^[!-~]+$")],
) -> shapes.OpportunityFull:
    """The certificate is what `dutchbook verify` checks: fills, fees, every end state."""
    found = gate(request).model.opportunity(opportunity_id)
    if found is None:
        raise Problem("not_found", "there is no such opportunity in this run",
                      fix="GET /api/v1/opportunities/history")  # fmt: skip
    held, closed_at, why = found
    return rows.opportunity_full(held, closed_at, why, certificate_json(held.certificate))


def _past(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"], "kind": row["kind"], "legs": row["legs"].split(),
        "profit_pct": dec(row["edge"] * 100), "best_profit_pct": dec(row["best"] * 100),
        "quantity": dec(row["qty"]), "capital": dec(row["capital"]),
        "expected_profit": dec(row["proved"]), "created_at": when(row["opened_at"]),
        "closed_at": when(row["closed_at"]), "why": row["why"],
    }  # fmt: skip
