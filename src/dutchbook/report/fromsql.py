"""A live, paper or simulated run as a record: baskets, lots and ledger of its SQL tables.

Profit is attributed by FIFO lots: what a basket bought and what those contracts brought is its
profit, whoever sold them. What tables do not hold (prices seen, mids, forecasts) is not invented:
gross is net before fees and leg risk, and the honesty box says so.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy import Connection, Engine, Table, select

from dutchbook import __version__
from dutchbook.domain.units import ONE, Ns, Px, Qty, Usd
from dutchbook.report import lots as fifo
from dutchbook.report.record import (
    VERSION,
    Count,
    Fill,
    Honesty,
    Leg,
    Market,
    Meta,
    Mode,
    Order,
    Point,
    Record,
    Trade,
)
from dutchbook.report.revision import revision
from dutchbook.storage.sql import tables

Row = Mapping[str, Any]
REPAIR: Final = ("complete", "unwind")
_NOTES: Final = (
    "Prices seen at decision are not in the tables: slippage is part of gross.",
    "Open baskets are valued at the profit locked in their worst end state, others at cost.",
    "Gaps of feeds and mids after fills are not in the tables.",
    "Profit is attributed by FIFO lots; the ledger's own is by average cost.",
)


class Books:
    """The rows of a database, put in relation."""

    def __init__(self, engine: Engine) -> None:
        with engine.connect() as connection:
            self.trades = _rows(connection, tables.trades)
            self.plans = _rows(connection, tables.trade_legs)
            self.orders = _rows(connection, tables.orders)
            self.fills = [r for r in _rows(connection, tables.fills) if r["state"] != "voided"]
            self.ledger = _rows(connection, tables.ledger)
            self.chances = _rows(connection, tables.opportunities)
        self.lots = fifo.fold(self.ledger)
        names = {row["venue_order"]: row["id"] for row in self.orders if row["venue_order"]}
        known = {row["id"] for row in self.orders}
        baskets = {row["id"]: row["basket"] or row["id"] for row in self.orders}

        def trade_of(ref: str) -> str:
            order = [*ref.rsplit(":", 2), "", ""][1]
            return str(baskets.get(order if order in known else names.get(order, ""), ""))

        self.trade_of = trade_of
        self.bought = _by(self.lots.bought, lambda one: trade_of(one.ref))
        self.given = _by(self.lots.disposals, lambda one: trade_of(one.bought_ref))
        held = [lot for queue in self.lots.open.values() for lot in queue if lot.qty]
        self.held = _by(held, lambda lot: trade_of(lot.bought.ref))
        self.orders_of = _by(self.orders, lambda row: row["basket"] or row["id"])
        self.fills_of = _by(self.fills, lambda row: baskets.get(row["order_id"], ""))


def _rows(connection: Connection, table: Table) -> list[Row]:
    query = select(table).order_by(*table.primary_key.columns)
    return [dict(row) for row in connection.execute(query).mappings()]


def _by(rows: Iterable[Any], name: Any) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(name(row), []).append(row)
    return found


def read(
    engine: Engine,
    mode: Mode,
    since: Ns,
    until: Ns,
    titles: Mapping[str, Market] | None = None,
    run: str = "",
    command: str = "",
) -> Record:
    """The record of [since, until): trades that were open in it at any time, and its equity.

    `titles` are markets by key, where the caller knows their words.
    """
    books = Books(engine)
    if books.ledger:  # before its first entry there was no run
        since = max(since, min(Ns(books.ledger[0]["at"]), until))
    trades = [_basket(books, row) for row in books.trades if books.bought.get(row["id"])]
    trades += [_by_hand(books, row) for row in books.orders if _alone(books, row)]
    trades = [
        trade for trade in trades
        if trade.opened_at < until and (not trade.closed_at or trade.closed_at >= since)
    ]  # fmt: skip
    chosen = {trade.id for trade in trades}
    named = [row for row in books.orders if (row["basket"] or row["id"]) in chosen]
    of = {row["id"]: row for row in books.orders}
    keys = dict.fromkeys(leg.key for trade in trades for leg in trade.legs)
    start, points = _equity(books, trades, since, until)
    strategies = tuple(dict.fromkeys(trade.strategy for trade in trades))
    return Record(
        VERSION,
        Meta(run or mode, mode, since, until, Usd(max(start, 1)), strategies, command,
             version=__version__, git=revision()),
        Honesty(_ASSUMED[mode], "none: what ran is all here", "see the notes", notes=_NOTES),
        tuple(trades),
        tuple(_fill(row, of.get(row["order_id"], {})) for row in books.fills
              if since <= row["at"] < until),
        tuple(_order(row) for row in named),
        tuple(points),
        markets=tuple(_market(books, key, (titles or {}).get(key)) for key in keys),
        funnel=_funnel(books, since, until),
        rejects=_rejects(books, since, until),
    )  # fmt: skip


_ASSUMED: Final[dict[Mode, str]] = {
    "live": "none: the venues' own fills",
    "paper": "paper: live books decide what orders would have got",
    "sim": "the pretend exchanges' fills",
    "backtest": "as the run's own record says",
}


def _alone(books: Books, row: Row) -> bool:
    return not row["basket"] and bool(books.bought.get(row["id"]))


def _basket(books: Books, row: Row) -> Trade:
    name, stage, why = row["id"], row["stage"], row["why"]
    given, held = books.given.get(name, []), books.held.get(name, [])
    orders = books.orders_of.get(name, [])
    fees = sum(fill["fee"] for fill in books.fills_of.get(name, []) if fill["fee"] > 0)
    realised = sum(one.gain for one in given)
    net = row["locked"] if held and stage == "done" else realised
    failed = stage == "stuck" or (stage == "unwound" and why != "sold early")
    risk = max(0, -(net + fees)) if failed else 0
    payout = row["payout"] * row["qty"] // ONE
    return _trade(
        books, name, row["strategy"] or row["kind"], row["kind"],
        decided_at=Ns(row["began_at"]), qty=row["qty"], fees=fees, net=net, risk=risk,
        ending="unwound" if failed else "", why=why,
        expected=Usd(row["promised"]), edge=row["promised"] * ONE // payout if payout else 0,
        broken=failed or any(order["purpose"] in REPAIR for order in orders),
    )  # fmt: skip


def _by_hand(books: Books, row: Row) -> Trade:
    """An order that no basket asked for, such as a person's."""
    name = row["id"]
    realised = sum(one.gain for one in books.given.get(name, []))
    fees = sum(fill["fee"] for fill in books.fills_of.get(name, []) if fill["fee"] > 0)
    return _trade(
        books, name, row["strategy"] or row["purpose"], row["purpose"],
        decided_at=Ns(row["decided_at"]), qty=row["filled"], fees=fees, net=realised, risk=0,
        ending="", why="", expected=Usd(0), edge=0, broken=False,
    )  # fmt: skip


def _trade(
    books: Books, name: str, strategy: str, kind: str, *, decided_at: Ns, qty: int, fees: int,
    net: int, risk: int, ending: str, why: str, expected: Usd, edge: int, broken: bool,
) -> Trade:  # fmt: skip
    bought, given = books.bought[name], books.given.get(name, [])
    is_open = name in books.held
    closed_at = 0 if is_open else max((one.at for one in given), default=bought[-1].at)
    settled = sum(one.gain for one in given if one.what in ("settle", "redeem", "net", "merge"))
    whole = all(one.what != "sell" for one in given)
    legs = _legs(bought, given)
    venues = tuple(dict.fromkeys(leg.key.partition(":")[0] for leg in legs))
    fills = books.fills_of.get(name, [])
    return Trade(
        name, strategy, kind, "", venues, legs[0].key, decided_at,
        Ns(min(one.at for one in bought)), Ns(closed_at),
        "open" if is_open else "unwound" if ending else "settled" if whole else "sold",
        legs, Qty(qty), Usd(sum(one.cost for one in bought)),
        gross=Usd(net + fees + risk), fees=Usd(fees), leg_risk=Usd(risk), net=Usd(net),
        settlement=Usd(settled), expected=expected, edge=edge, broken=broken, why=why,
        maker=bool(fills) and all(fill["maker"] for fill in fills),
    )  # fmt: skip


def _legs(bought: list[fifo.Bought], given: list[fifo.Disposal]) -> tuple[Leg, ...]:
    """What was bought of each outcome, at its average price (fees in it) and average end."""
    legs = []
    for asset, rows in _by(bought, lambda one: one.asset).items():
        key, _, outcome = asset.rpartition("|")
        qty, cost = sum(row.qty for row in rows), sum(row.cost for row in rows)
        ends = [one for one in given if one.asset == asset]
        gone = sum(one.qty for one in ends)
        got = sum(one.proceeds for one in ends)
        end = Px(min(ONE, max(0, got * ONE // gone))) if gone and gone == qty else None
        px = Px(min(ONE, cost * ONE // qty)) if qty else Px(0)
        legs.append(Leg(key, "yes" if outcome == "yes" else "no", Qty(qty), px, end))
    return tuple(legs)


def _fill(row: Row, order: Row) -> Fill:
    name = f"{row['venue']}:{row['trade']}:{row['ref']}:{row['leg']}"
    basket = order.get("basket") or order.get("id", "")
    return Fill(
        name, basket, row["order_id"], order.get("strategy", ""), row["venue"], row["key"],
        row["outcome"], row["action"], Px(row["px"]), Qty(row["qty"]), Usd(max(0, row["fee"])),
        bool(row["maker"]), Ns(row["at"]),
    )  # fmt: skip


def _order(row: Row) -> Order:
    return Order(
        row["id"], row["basket"] or row["id"], row["key"], row["venue"], row["outcome"],
        row["action"], Px(row["px"]), Qty(row["qty"]), Qty(row["filled"]), Ns(row["decided_at"]),
        row["state"], row["reason"],
    )  # fmt: skip


def _market(books: Books, key: str, known: Market | None) -> Market:
    """Its words where they are known; its end where a settlement tells it."""
    ends = {
        (one.asset.rpartition("|")[2], one.proceeds * ONE // one.qty)
        for one in books.lots.disposals
        if one.what in ("settle", "redeem") and one.asset.startswith(f"{key}|") and one.qty
    }
    base = known or Market(key, key.partition(":")[0])
    if ("yes", ONE) in ends or ("no", 0) in ends:
        return _ended(base, "yes", ONE)
    if ("no", ONE) in ends or ("yes", 0) in ends:
        return _ended(base, "no", 0)
    return base


def _ended(base: Market, resolution: Any, px: int) -> Market:
    return Market(
        base.key, base.venue, base.title, base.rules, base.category, base.event, base.closes_at,
        base.resolved_at, resolution, Px(px),
    )  # fmt: skip


def _equity(
    books: Books, trades: list[Trade], since: Ns, until: Ns
) -> tuple[int, list[Point]]:  # fmt: skip
    """Capital at `since` and points of [since, until), zero profit at the first."""
    locked_at = {row["id"]: (row["moved_at"], row["locked"]) for row in books.trades
                 if row["stage"] == "done"}  # fmt: skip
    moves: list[tuple[int, int, int, int, int]] = []  # at, profit, capital, in use, locked
    for trade in trades:
        if trade.id in locked_at:
            at, usd = locked_at[trade.id]
            moves.append((max(at, trade.opened_at), 0, 0, 0, usd))
            given = books.given.get(trade.id, [])
            # What was realised of it is the ledger's profit from then on, and locked no longer.
            moves += [(max(at, one.at), 0, 0, 0, -one.gain) for one in given]
            rest = usd - sum(one.gain for one in given)
            if trade.closed_at:
                moves.append((max(at, trade.closed_at), 0, 0, 0, -rest))
    for entry in fifo.entries(books.ledger):
        if entry.what == "close":
            continue
        row = (-entry.usd("pnl"), -entry.usd("capital:"), entry.usd("inventory:"), 0)
        moves.append((entry.at, *row))
    profit = capital = used = locked = 0
    start = start_capital = 0
    points: list[Point] = []
    for at, gained, added, bound, safe in sorted(moves):
        if at >= until:
            break
        if at >= since and not points:
            start, start_capital = profit + locked, capital
            points.append(_point(since, profit - start, locked, used))
        profit, capital = profit + gained, capital + added
        used, locked = used + bound, locked + safe
        if at >= since:
            if points[-1].at == at:
                points.pop()
            points.append(_point(Ns(at), profit - start, locked, used))
    if not points:
        start, start_capital = profit + locked, capital
        points.append(_point(since, profit - start, locked, used))
    points.append(_point(until, profit - start, locked, used))
    return (start_capital or capital) + start, points


def _point(at: Ns, realised: int, locked: int, used: int) -> Point:
    return Point(at, Usd(realised), Usd(locked), Usd(0), Usd(used))


def _funnel(books: Books, since: Ns, until: Ns) -> tuple[Count, ...]:
    begun = [row for row in books.trades if since <= row["began_at"] < until]
    filled = [row for row in begun if books.bought.get(row["id"])]
    found = [row for row in books.chances if since <= row["opened_at"] < until]
    done = sum(row["stage"] == "done" for row in begun)
    return (
        Count("opportunities", len(found)), Count("baskets begun", len(begun)),
        Count("filled, in part at least", len(filled)), Count("done", done),
    )  # fmt: skip


def _rejects(books: Books, since: Ns, until: Ns) -> tuple[Count, ...]:
    """Why opportunities ended that no basket took, and baskets that bought nothing."""
    taken = {row["opportunity"] for row in books.trades}
    found: dict[str, int] = {}
    for row in books.chances:
        if since <= row["opened_at"] < until and row["id"].rpartition(":")[2] not in taken:
            why = row["why"] or "still open"
            found[why] = found.get(why, 0) + 1
    for row in books.trades:
        if since <= row["began_at"] < until and not books.bought.get(row["id"]):
            why = f"nothing bought: {row['why'] or row['stage']}"
            found[why] = found.get(why, 0) + 1
    return tuple(Count(name, n) for name, n in sorted(found.items()))
