"""Orders: submit, cancel, list; and executing an opportunity. All of it passes the risk gate."""

from typing import Annotated, Any

import msgspec
from fastapi import Header, Path, Query, Request
from starlette.responses import Response

from dutchbook.domain.instrument import Instrument
from dutchbook.domain.units import ONE
from dutchbook.gateway import rows, shapes
from dutchbook.gateway.bodies import TIFS, CancelOrders, Execute, Platform, SubmitOrder
from dutchbook.gateway.door import door, new_router
from dutchbook.gateway.pricing import Taken, capped, take
from dutchbook.gateway.problems import Problem
from dutchbook.gateway.routes.common import (
    LIMIT,
    asked,
    carry,
    cursor_of,
    done,
    gate,
    read_cursor,
    who,
)
from dutchbook.gateway.shapes import dec, when
from dutchbook.storage.sql import tables

router = new_router()
Limit = Annotated[int, Query(ge=1, le=LIMIT)]
Cursor = Annotated[str, Query(max_length=600)]
OrderId = Annotated[str, Path(min_length=1, max_length=80, pattern=r"^[!-~]+$")]
Once = Annotated[str, Header(alias="Idempotency-Key", max_length=200)]
LEVELS = 50


@door(router, "POST", "/orders/submit", scope="orders:write", answer=shapes.Submitted,
      summary="Place an order by hand")  # fmt: skip
async def submit_order(request: Request, body: SubmitOrder, idempotency_key: Once = "") -> Response:
    """A market order is a limit at the price that `max_slippage_pct` allows, good at once or not.

    SUBMITTED means decided and on record; GET /orders/{id} tells what became of it.
    """

    async def act() -> shapes.Submitted:
        return await _submit(request, body)

    return await gate(request).repeats.once(
        who(request).id, idempotency_key, await request.body(), act
    )


async def _submit(request: Request, body: SubmitOrder) -> shapes.Submitted:
    gateway = gate(request)
    key = f"{body.platform}:{body.market_id}"
    market = gateway.model.instruments.get(key)
    if market is None:
        raise Problem("not_found", "there is no such market", fix="GET /api/v1/markets?q=WORDS")
    wanted, estimate = await _wanted(request, body, market)
    told = await carry(
        request, "order", gateway.run.command(
            who(request).label, "order", (msgspec.json.encode(wanted).decode(),)
        ), sent=wanted | {"signal_id": body.signal_id},
    )  # fmt: skip
    if not told.orders:
        raise Problem("refused", "the engine made no order of it", fix="GET /api/v1/status")
    fill, total = estimate.average(), estimate.cost
    return shapes.Submitted(
        told.orders[0], "SUBMITTED", when(gateway.clock.now()),
        dec(fill) if fill else None, dec(total) if fill else None, body.signal_id,
    )  # fmt: skip


async def _wanted(
    request: Request, body: SubmitOrder, market: Instrument
) -> tuple[dict[str, Any], Taken]:
    """The engine's own request, and what the book would give for it now. Raises Problem."""
    gateway, at_market = gate(request), body.order_type.lower() == "market"
    outcome, side, tif = body.outcome.lower(), body.side.lower(), TIFS[body.time_in_force]
    if body.price is None and not at_market:
        raise Problem("invalid", "body.price: a limit order needs one", fix="send price")
    if at_market and body.max_slippage_pct is None:
        raise Problem("invalid", "body.max_slippage_pct: a market order needs one",
                      fix="say how much worse than the best price it may get")  # fmt: skip
    if tif == "gtd" and not body.expires_in_seconds:
        raise Problem("invalid", "body.expires_in_seconds: GTD needs it", fix="send seconds")
    found = await asked(gateway.run.ask("book", (market.key, str(LEVELS))))
    levels = [(px, qty) for px, qty in found["asks" if side == "buy" else "bids"]]
    if outcome == "no":  # buying NO takes the YES bids from the other side
        levels = [(ONE - px, qty) for px, qty in found["bids" if side == "buy" else "asks"]]
    limit = body.price
    if body.max_slippage_pct is not None:
        if not levels:
            raise Problem("stale_quote", "nobody is on the other side now", fix="use a limit")
        limit = capped(levels[0][0], body.max_slippage_pct, side, limit, market.grid)
    assert limit is not None
    if at_market:
        tif = "fok" if tif == "fok" else "ioc"
    wanted = {
        "key": market.key, "outcome": outcome, "qty": body.amount, "px": limit, "action": side,
        "tif": tif, "post_only": body.post_only, "reduce_only": body.reduce_only,
        "seconds": body.expires_in_seconds or 0,
    }  # fmt: skip
    return wanted, take(levels, body.amount, limit, side)


@door(router, "POST", "/orders/cancel", scope="orders:write", answer=shapes.Done,
      summary="Cancel one order, a venue's, or all")  # fmt: skip
async def cancel_orders(request: Request, body: CancelOrders) -> shapes.Done:
    """The venue decides: CANCELED is told by GET /orders once it said so."""
    named = [body.order_id is not None, body.platform is not None, body.all]
    if sum(named) != 1:
        raise Problem("invalid", "body: name order_id, platform or all: true", fix="name one")
    verb = "cancel" if body.order_id else "cancel_all"
    args = (body.order_id or body.platform or "",)
    told = await carry(
        request, verb, gate(request).run.command(who(request).label, verb, args), sent=list(args)
    )
    return done(told, "requested")


@door(router, "POST", "/execute", scope="execute:write", answer=shapes.Done,
      summary="Execute an open opportunity")  # fmt: skip
async def execute(request: Request, body: Execute, idempotency_key: Once = "") -> Response:
    """Quoted anew from the books of this moment, proved anew, then through the risk gate.

    `min_profit_pct`: nothing is sent below it; without it, below 70 % of what is shown now.
    """

    async def act() -> shapes.Done:
        gateway = gate(request)
        found = gateway.model.opportunity(body.opportunity_id)
        if found is None:
            raise Problem("not_found", "there is no such opportunity", fix="GET /opportunities")
        held, closed_at, why = found
        if closed_at:
            raise Problem("expired", f"it is closed: {why}", fix="GET /api/v1/opportunities")
        least = held.certificate.edge * 7 // 10
        if body.min_profit_pct is not None:
            least = body.min_profit_pct // 100
        told = await carry(
            request, "execute", gateway.run.command(
                who(request).label, "take", (body.opportunity_id, str(least))
            ), before={"edge": held.certificate.edge}, sent=body.opportunity_id,
        )  # fmt: skip
        return done(told, "executing" if told.orders else "nothing to do")

    return await gate(request).repeats.once(
        who(request).id, idempotency_key, await request.body(), act
    )


@door(router, "GET", "/orders", scope="portfolio:read", answer=shapes.Page,
      summary="Open orders, or all from the tables", shows=True)  # fmt: skip
async def list_orders(
    request: Request, state: Annotated[str, Query(pattern=r"^(open|all)$")] = "open",
    platform: Annotated[Platform | None, Query()] = None, limit: Limit = 50, cursor: Cursor = "",
) -> shapes.Page:  # fmt: skip
    """`state=all` pages through every order that ever was, newest first."""
    gateway = gate(request)
    if state == "open":
        found = gateway.model.account_rows(
            "orders", lambda account: [rows.order(row) for row in account.orders]
        )
        if found is None:
            raise Problem("not_running", "no run that trades is followed", fix="dutchbook run")
        start = read_cursor(cursor, int) or 0
        chosen = [one for one in found if platform in (None, one.platform)]
        more = start >= 0 and start + limit < len(chosen)
        return shapes.Page(
            chosen[max(0, start) : start + limit], cursor_of(start + limit) if more else ""
        )
    after = read_cursor(cursor, tuple[int, str])
    past, last = await gateway.history.page(
        tables.orders, "decided_at", limit, after, venue=platform or ""
    )
    return shapes.Page([rows.order(row) for row in past], cursor_of(last) if last else "")


@door(router, "GET", "/orders/{order_id}", scope="portfolio:read", answer=shapes.Order,
      summary="One order, alive or not")  # fmt: skip
async def order(request: Request, order_id: OrderId) -> shapes.Order:
    """Live ones from the run, older ones from the tables."""
    gateway = gate(request)
    account = gateway.model.account
    for row in account.orders if account else ():
        if row["id"] == order_id:
            return rows.order(row)
    found = await gateway.history.one(tables.orders, id=order_id)
    if found is None:
        raise Problem("not_found", "there is no such order", fix="GET /api/v1/orders?state=all")
    return rows.order(found)
