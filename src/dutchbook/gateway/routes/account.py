"""The account: positions, summary, risk, trades, performance."""

from typing import Annotated, Any

from fastapi import Query, Request

from dutchbook.gateway import rows, shapes
from dutchbook.gateway.bodies import Platform
from dutchbook.gateway.door import door, new_router
from dutchbook.gateway.problems import Problem
from dutchbook.gateway.routes.common import LIMIT, asked, cursor_of, gate, read_cursor
from dutchbook.gateway.shapes import dec, when
from dutchbook.gateway.told import Account
from dutchbook.storage.sql import tables

router = new_router()
Limit = Annotated[int, Query(ge=1, le=LIMIT)]
Cursor = Annotated[str, Query(max_length=600)]


def _rows(request: Request, name: str, make: Any) -> Any:
    found = gate(request).model.account_rows(name, make)
    if found is None:
        raise Problem("not_running", "no run that trades is followed", fix="dutchbook run",
                      retry=5)  # fmt: skip
    return found


@door(router, "GET", "/positions", scope="portfolio:read", answer=list[shapes.Position],
      summary="What is held", shows=True)  # fmt: skip
async def positions(
    request: Request, platform: Annotated[Platform | None, Query()] = None
) -> list[shapes.Position]:
    """`current_price` is what one would get now for one contract, 0 where nobody bids."""
    found: list[shapes.Position] = _rows(request, "positions", _positions)
    return [one for one in found if platform in (None, one.platform)]


@door(router, "GET", "/portfolio/summary", scope="portfolio:read", answer=shapes.Summary,
      summary="Equity, cash, profit, halts", shows=True)  # fmt: skip
async def portfolio_summary(request: Request) -> shapes.Summary:
    """Equity is cash and holdings at cost; unrealised profit is against the best bids."""
    mode, held = gate(request).model.mode, _rows(request, "positions", _positions)
    found: shapes.Summary = _rows(request, "summary", lambda account: _summary(account, held, mode))
    return found


@door(router, "GET", "/risk", scope="portfolio:read", answer=dict[str, Any],
      summary="Limits and how much of each is used; tails")  # fmt: skip
async def risk(request: Request) -> dict[str, Any]:
    """As `dutchbook position risk`: money in millionths."""
    found: dict[str, Any] = await asked(gate(request).run.ask("risk"))
    return found


@door(router, "GET", "/trades", scope="portfolio:read", answer=shapes.Page,
      summary="Baskets, newest first, with their legs")  # fmt: skip
async def trades(
    request: Request, stage: Annotated[str, Query(max_length=20)] = "", limit: Limit = 50,
    cursor: Cursor = "",
) -> shapes.Page:  # fmt: skip
    """From the tables, which follow the journal within a fraction of a second."""
    gateway, after = gate(request), read_cursor(cursor, tuple[int, str])
    found, last = await gateway.history.page(tables.trades, "began_at", limit, after, stage=stage)
    legs = await gateway.history.legs([row["id"] for row in found]) if found else {}
    items = [_trade(row, legs[row["id"]]) for row in found]
    return shapes.Page(items, cursor_of(last) if last else "")


@door(router, "GET", "/performance", scope="portfolio:read", answer=dict[str, Any],
      summary="Day by day, and in all")  # fmt: skip
async def performance(
    request: Request, days: Annotated[int, Query(ge=1, le=366)] = 30
) -> dict[str, Any]:
    """Profit is realised; `locked` is what done baskets will have brought at least."""
    history = gate(request).history
    found, _ = await history.page(tables.daily_performance, "day", days)
    totals = await history.totals()
    money = ("volume", "fees", "locked", "realised")
    return {
        "days": [
            {name: dec(value) if name in money else value for name, value in row.items()
             if name not in ("seq", "day")} | {"day": when(int(row["day"]) * 86_400 * 10**9)}
            for row in found
        ],
        "total": {name: dec(value) if name in money else value for name, value in totals.items()},
    }  # fmt: skip


def _positions(account: Account) -> list[shapes.Position]:
    return [rows.position(row) for row in account.positions]


def _summary(account: Account, held: list[shapes.Position], mode: str) -> shapes.Summary:
    money = account.money
    return shapes.Summary(
        mode, dec(money["equity"]), dec(money["realised"]),
        sum((one.unrealized_pnl for one in held), dec(0)),
        {name: dec(value) for name, value in money["cash"].items()},
        {name: dec(value) for name, value in money["reserved"].items()},
        len(account.orders), len(held),
        [{"scope": scope, "level": level, "why": why, "by": by}
         for scope, level, why, by in money["halts"]],
        when(account.at),
    )  # fmt: skip


def _trade(row: dict[str, Any], legs: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": row["id"], "opportunity_id": row["opportunity"], "kind": row["kind"],
        "strategy": row["strategy"], "style": row["style"], "status": row["stage"],
        "why": row["why"], "quantity": dec(row["qty"]), "capital": dec(row["capital"]),
        "expected_profit": dec(row["promised"]), "locked": dec(row["locked"]),
        "began_at": when(row["began_at"]), "moved_at": when(row["moved_at"]),
        "legs": [
            {"platform": leg["key"].partition(":")[0], "market_id": leg["key"].partition(":")[2],
             "outcome": leg["outcome"], "price": dec(leg["px"]), "quantity": dec(leg["qty"]),
             "order_id": leg["order_id"]}
            for leg in legs
        ],
    }  # fmt: skip
