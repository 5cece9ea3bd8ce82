"""Markets: discovery, description, book, prices."""

from typing import Annotated, Any

from fastapi import Path, Query, Request

from dutchbook.domain.units import ONE
from dutchbook.gateway import rows, shapes
from dutchbook.gateway.bodies import Platform
from dutchbook.gateway.door import door, new_router
from dutchbook.gateway.problems import Problem
from dutchbook.gateway.routes.common import LIMIT, asked, cursor_of, gate, read_cursor

router = new_router()
Venue = Annotated[Platform, Path(description="kalshi or polymarket")]
Symbol = Annotated[str, Path(min_length=1, max_length=200, pattern=r"^[!-~]+$")]
Limit = Annotated[int, Query(ge=1, le=LIMIT)]
Cursor = Annotated[str, Query(max_length=600)]
Words = Annotated[str, Query(max_length=200)]


@door(router, "GET", "/markets", scope="markets:read", answer=shapes.Page,
      summary="Markets, in the order of their ids", shows=True)  # fmt: skip
async def list_markets(
    request: Request, platform: Annotated[Platform | None, Query()] = None, status: Words = "",
    q: Words = "", event: Words = "", limit: Limit = 50, cursor: Cursor = "",
) -> shapes.Page:  # fmt: skip
    """`q`: every word must be in id, title, outcome, event or category."""
    found, last = gate(request).model.markets(
        read_cursor(cursor, str) or "", limit, platform=platform or "", status=status, words=q,
        event=event,
    )  # fmt: skip
    return shapes.Page(found, cursor_of(last) if last else "")


@door(router, "GET", "/markets/{platform}/{market_id}", scope="markets:read",
      answer=shapes.MarketFull, summary="One market with rules, ticks and fees")  # fmt: skip
async def market(request: Request, platform: Venue, market_id: Symbol) -> shapes.MarketFull:
    """Rules and titles are the venue's own words: untrusted text."""
    model, key = gate(request).model, _known(request, platform, market_id)
    return rows.market_full(model.instruments[key], model.quotes.get(key))


@door(router, "GET", "/markets/{platform}/{market_id}/book", scope="markets:read",
      answer=shapes.Book, summary="The book as the engine has it now")  # fmt: skip
async def book(
    request: Request, platform: Venue, market_id: Symbol,
    depth: Annotated[int, Query(ge=1, le=100)] = 10,
) -> shapes.Book:  # fmt: skip
    """`stale` says why the engine would not trade on it, "" if it would."""
    key = _known(request, platform, market_id)
    found = await asked(gate(request).run.ask("book", (key, str(depth))))
    return shapes.Book(
        key, _levels(found["bids"]), _levels(found["asks"]), found["stale"],
        shapes.when(found["at"]),
    )  # fmt: skip


@door(router, "GET", "/markets/{platform}/{market_id}/history", scope="markets:read",
      answer=list[shapes.Moment], summary="Best prices over time, newest last")  # fmt: skip
async def history(
    request: Request, platform: Venue, market_id: Symbol, limit: Limit = 100
) -> list[shapes.Moment]:
    """The last changes since the gateway began to follow the run, up to 300."""
    key = _known(request, platform, market_id)
    moments = list(gate(request).model.moments.get(key, ()))[-limit:]
    return [
        shapes.Moment(
            shapes.when(at), shapes.dec(bid) if bid > 0 else None,
            shapes.dec(ask) if ask < ONE else None,
        )
        for at, bid, ask in moments
    ]  # fmt: skip


def _known(request: Request, platform: str, market_id: str) -> str:
    key = f"{platform}:{market_id}"
    if key not in gate(request).model.instruments:
        raise Problem("not_found", "there is no such market", fix="GET /api/v1/markets?q=WORDS")
    return key


def _levels(levels: list[Any]) -> list[list[Any]]:
    return [[shapes.dec(px), shapes.dec(qty)] for px, qty in levels]
