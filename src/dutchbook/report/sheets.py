"""Tables to be exported: names and kinds of columns, rows of whole numbers and texts.

Kinds: `micros` (money, prices, sizes), `ns` (moments, 0 is none), `int`, `bool`, `text`.
"""

from collections.abc import Iterable
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Boolean, Engine, Integer, Table, select
from sqlalchemy.types import String

from dutchbook.domain.errors import UsageError
from dutchbook.report import tradetable
from dutchbook.report.record import Fill, Order, Point, Record
from dutchbook.storage.sql import tables

Kind = Literal["micros", "ns", "int", "bool", "text"]
_PLAIN: Final = ("seq", "n", "leg")
_TIMES: Final = ("at", "since", "decided_at", "venue_at", "began_at", "moved_at", "opened_at",
                 "closed_at", "closes_at", "acquired_at", "disposed_at")  # fmt: skip
SQL: Final[dict[str, Table]] = {
    "trades": tables.trades,
    "fills": tables.fills,
    "orders": tables.orders,
    "positions": tables.positions,
    "ledger": tables.ledger,
    "opportunities": tables.opportunities,
    "opps": tables.opportunities,
}
RUN: Final = ("trades", "fills", "orders", "equity")
"""What a run's directory can export."""


class Sheet(msgspec.Struct, frozen=True):
    """A table: `columns` of (name, kind), rows in their order."""

    name: str
    columns: tuple[tuple[str, Kind], ...]
    rows: list[tuple[Any, ...]]


def of_sql(engine: Engine, name: str, since: int = 0, until: int = 0) -> Sheet:
    """A table of the database, rows by their key; a time span where it has a time.

    Raises UsageError for a name that is none.
    """
    table = SQL.get(name)
    if table is None:
        raise UsageError(
            f"{name!r} can't be exported", todo=f"one of {', '.join((*SQL, 'equity'))}"
        )
    time = next((c for c in ("at", "began_at", "opened_at", "decided_at") if c in table.c), None)
    query = select(table).order_by(*table.primary_key.columns)
    if time is not None and since:
        query = query.where(table.c[time] >= since)
    if time is not None and until:
        query = query.where(table.c[time] < until)
    columns = tuple((column.name, _kind(column.name, column.type)) for column in table.columns)
    with engine.connect() as connection:
        return Sheet(name, columns, [tuple(row) for row in connection.execute(query)])


def _kind(name: str, type_: Any) -> Kind:
    if isinstance(type_, Boolean):
        return "bool"
    if isinstance(type_, String):
        return "text"
    if name in _TIMES:
        return "ns"
    return "int" if name in _PLAIN or not isinstance(type_, Integer) else "micros"


def of_run(record: Record, name: str) -> Sheet:
    """trades, fills, orders or equity of a run. Raises UsageError."""
    if name == "trades":
        return _trades(record)
    if name == "fills":
        return _structs(name, Fill, record.fills, skip=("mids_after",))
    if name == "orders":
        return _structs(name, Order, record.orders)
    if name == "equity":
        return _structs(name, Point, record.equity)
    raise UsageError(f"{name!r} can't be exported from a run", todo=f"one of {', '.join(RUN)}")


def _trades(record: Record) -> Sheet:
    table = tradetable.table(record)
    texts = ("id", "strategy", "kind", "category", "venues", "title", "ending", "why")
    columns = tuple((name, _named(name, texts)) for name in table["columns"])
    return Sheet("trades", columns, [tuple(row) for row in table["rows"]])


def _named(name: str, texts: tuple[str, ...]) -> Kind:
    return "text" if name in texts else "ns" if name in _TIMES else "micros"


def _structs(
    name: str, kind: type[msgspec.Struct], rows: Iterable[Any], skip: tuple[str, ...] = ()
) -> Sheet:
    """Rows of structs, their types read from the annotations."""
    columns: list[tuple[str, Kind]] = []
    for field in msgspec.structs.fields(kind):
        if field.name in skip:
            continue
        words = str(field.type)
        is_text = field.type is str or "Literal" in words
        of: Kind = "text" if is_text else "bool" if field.type is bool else "micros"
        columns.append((field.name, "ns" if field.name in _TIMES else of))
    made = [tuple(getattr(row, column) for column, _ in columns) for row in rows]
    return Sheet(name, tuple(columns), made)
