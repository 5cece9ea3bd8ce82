"""Days, weeks and months of a run from its tables, and its lots with the proof that they sum up."""

import datetime as dt
from typing import Any, Final

from sqlalchemy import Engine, func, select

from dutchbook.domain.units import DAY, Ns
from dutchbook.report import lots
from dutchbook.report.daily import date
from dutchbook.storage.sql import tables

COUNTS: Final = ("orders", "fills", "baskets_done", "baskets_unwound", "stuck", "volume", "fees",
                 "locked", "realised")  # fmt: skip


def calendar(engine: Engine, each: str, since: Ns, until: Ns) -> list[dict[str, Any]]:
    """Sums of `daily_performance` by day, week (from Monday) or month, in order.

    Days that lie in [since, until) in part count whole: the table knows days only.
    """
    found: dict[str, dict[str, Any]] = {}
    with engine.connect() as connection:
        rows = list(connection.execute(select(tables.daily_performance)).mappings())
    for row in sorted(rows, key=lambda row: int(row["day"])):
        number = int(row["day"])
        if not since // DAY <= number <= (until - 1) // DAY:
            continue
        name = _name(number, each)
        sums = found.setdefault(name, {"from": name, **dict.fromkeys(COUNTS, 0)})
        for count in COUNTS:
            sums[count] += row[count]
    return list(found.values())


def _name(number: int, each: str) -> str:
    day = dt.date.fromisoformat(date(number * DAY))
    if each == "week":
        day -= dt.timedelta(days=day.weekday())
    return day.isoformat()[:7] if each == "month" else day.isoformat()


def lots_of(engine: Engine) -> tuple[lots.Lots, int]:
    """Lots of the whole ledger, and by how many millionths they differ from it: 0."""
    table = tables.ledger
    with engine.connect() as connection:
        query = select(table).order_by(table.c.seq, table.c.n)
        rows = [dict(row) for row in connection.execute(query).mappings()]
    found = lots.fold(rows)
    held = sum(row["amount"] for row in rows if row["account"].startswith("inventory:"))
    return found, found.tie(held)


def reach(engine: Engine) -> tuple[Ns, Ns]:
    """From the first entry of the ledger to just after the last."""
    at = tables.ledger.c.at
    with engine.connect() as connection:
        first, last = connection.execute(select(func.min(at), func.max(at))).one()
    return Ns(first or 0), Ns((last or 0) + 1)
