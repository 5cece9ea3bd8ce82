"""What is no longer in memory: questions to the SQL tables, paged, and kept for a second."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import Engine, Table, and_, func, or_, select
from sqlalchemy.exc import DBAPIError

from dutchbook.domain.clock import Clock
from dutchbook.domain.units import SECOND, Ns
from dutchbook.gateway.problems import Problem
from dutchbook.storage.sql import tables
from dutchbook.storage.sql.database import open_database

KEPT: Final = Ns(SECOND)
KEPT_MAX: Final = 500
AT_ONCE: Final = 4
Rows = list[dict[str, Any]]


class History:
    """Reads only. `newest` orders each table; a page goes on after (value, id) of its last row."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._url = url
        self._clock = clock
        self._engine: Engine | None = None
        self._room = asyncio.Semaphore(AT_ONCE)
        self._kept: dict[Any, tuple[Ns, Any]] = {}

    async def _ask(self, name: Any, question: Callable[[Engine], Any]) -> Any:
        known = self._kept.get(name)
        if known is not None and self._clock.mono() - known[0] < KEPT:
            return known[1]
        async with self._room:
            found = await asyncio.to_thread(self._now, question)
        self._kept.pop(name, None)
        self._kept[name] = (self._clock.mono(), found)
        if len(self._kept) > KEPT_MAX:
            del self._kept[next(iter(self._kept))]
        return found

    def _now(self, question: Callable[[Engine], Any]) -> Any:
        try:
            if self._engine is None:
                self._engine = open_database(self._url)
            return question(self._engine)
        except DBAPIError as error:
            raise Problem(
                "not_running", "there are no tables to read yet",
                fix="storage.enabled, and a run that trades, make them", retry=5,
            ) from error  # fmt: skip

    async def page(
        self, table: Table, by: str, limit: int, after: tuple[int, str] | None = None,
        **wanted: Any,
    ) -> tuple[Rows, tuple[int, str] | None]:  # fmt: skip
        """Rows, newest first by column `by`, and what to go on after (None: the end)."""
        column, key = table.c[by], next(iter(table.primary_key))
        chosen = select(table).order_by(column.desc(), key.desc()).limit(limit + 1)
        filters = [table.c[name] == value for name, value in wanted.items() if value != ""]
        if after is not None:
            filters.append(or_(column < after[0], and_(column == after[0], key < after[1])))
        if filters:
            chosen = chosen.where(*filters)

        def question(engine: Engine) -> Rows:
            with engine.connect() as base:
                return [dict(row) for row in base.execute(chosen).mappings()]

        name = (table.name, by, limit, after, tuple(sorted(wanted.items())))
        rows: Rows = await self._ask(name, question)
        more = len(rows) > limit
        rows = rows[:limit]
        return rows, ((rows[-1][by], str(rows[-1][key.name])) if more else None)

    async def one(self, table: Table, **wanted: Any) -> dict[str, Any] | None:
        """A single row."""
        rows, _ = await self.page(table, next(iter(table.primary_key)).name, 1, **wanted)
        return rows[0] if rows else None

    async def legs(self, trades: list[str]) -> dict[str, Rows]:
        """The legs of trades."""
        legs = tables.trade_legs

        def question(engine: Engine) -> dict[str, Rows]:
            found: dict[str, Rows] = {name: [] for name in trades}
            chosen = select(legs).where(legs.c.trade.in_(trades)).order_by(legs.c.trade, legs.c.leg)
            with engine.connect() as base:
                for row in base.execute(chosen).mappings():
                    found[row["trade"]].append(dict(row))
            return found

        found: dict[str, Rows] = await self._ask(("legs", *trades), question)
        return found

    async def totals(self) -> dict[str, int]:
        """How many trades ended how, and what they locked in; fees and fills of all days."""
        trades, days = tables.trades, tables.daily_performance

        def question(engine: Engine) -> dict[str, int]:
            with engine.connect() as base:
                by_stage = base.execute(
                    select(trades.c.stage, func.count(), func.sum(trades.c.locked)).group_by(
                        trades.c.stage
                    )
                ).all()
                fees = base.execute(select(func.sum(days.c.fees))).scalar() or 0
            found = {f"trades_{stage}": int(count) for stage, count, _ in by_stage}
            found["locked"] = sum(int(locked or 0) for _, _, locked in by_stage)
            return found | {"fees": int(fees)}

        totals: dict[str, int] = await self._ask("totals", question)
        return totals

    def close(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
