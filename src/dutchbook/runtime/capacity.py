"""How much a strategy could place at which edge: size against edge, from its recorded orders.

It counts what was asked for and what of it was filled, at the edge that was expected when it was
decided. What the market would have given beyond that was never asked for and is not in it.
"""

from collections.abc import Iterable
from typing import Any, Final

from dutchbook.domain.units import ONE
from dutchbook.state.account import Account

EDGES: Final = (0, 5_000, 10_000, 20_000, 30_000, 50_000, 100_000)
"""Least edges of the rows, millionths: per contract, or for arbitrage per $1 of payout."""
Sized = tuple[int, int, int]
"""(edge, $ asked for, $ filled), in millionths."""


def of_orders(account: Account, name: str) -> list[dict[str, int]]:
    """Of a strategy with an opinion: its entries. A quote that is renewed counts anew."""
    return table(
        (life.order.edge, life.order.px * life.order.qty // ONE, life.paid)
        for life in account.orders.values()
        if (life.order.strategy, life.order.action) == (name, "buy") and life.order.edge
    )


def of_baskets(account: Account, name: str) -> list[dict[str, int]]:
    """Of a kind of arbitrage: its baskets, filled where they are done."""
    return table(
        (
            life.begun.promised * ONE // (life.begun.promised + life.begun.capital),
            life.begun.capital,
            life.begun.capital if life.stage == "done" else 0,
        )
        for life in account.baskets.values()
        if life.begun.strategy == name and life.begun.promised + life.begun.capital > 0
    )


def table(sizes: Iterable[Sized]) -> list[dict[str, int]]:
    """At each least edge how many there were, and $ asked for and filled; to the last with any."""
    every = list(sizes)
    rows: list[dict[str, int]] = []
    for least in EDGES:
        fit = [one for one in every if one[0] >= least]
        if not fit:
            break
        rows.append({
            "edge_min": least, "orders": len(fit),
            "asked": sum(asked for _, asked, _ in fit), "filled": sum(done for _, _, done in fit),
        })  # fmt: skip
    return rows


def lines(rows: list[dict[str, Any]]) -> list[str]:
    """The same in words."""
    return [
        f"edge of {row['edge_min'] / 10_000:g}¢ or more: {row['orders']} asked for "
        f"${row['asked'] / ONE:,.2f}, got ${row['filled'] / ONE:,.2f}"
        for row in rows
    ] or ["nothing was asked for yet"]
