"""What an account has practised, read from its tables."""

from typing import NamedTuple

from sqlalchemy import Engine, case, func, or_, select
from sqlalchemy.exc import DBAPIError

from dutchbook.state.baskets import EARLY
from dutchbook.storage.sql.tables import audit, daily_performance, trades


class Practice(NamedTuple):
    """Days with orders, baskets done and stuck, what done ones locked in and had promised."""

    days: int = 0
    trades: int = 0
    stuck: int = 0
    locked: int = 0
    promised: int = 0
    killed_at: int = 0


def practice(engine: Engine) -> Practice:
    """Nothing where there are no tables yet."""
    done = or_(trades.c.stage == "done", trades.c.why == EARLY)
    of_days = select(func.count()).where(daily_performance.c.orders > 0)
    of_trades = select(
        func.sum(case((done, 1), else_=0)),
        func.sum(case((trades.c.stage == "stuck", 1), else_=0)),
        func.sum(case((done, trades.c.locked), else_=0)),
        func.sum(case((done, trades.c.promised), else_=0)),
    )
    of_kills = select(func.max(audit.c.at)).where(audit.c.what == "halt kill")
    try:
        with engine.connect() as base:
            days = base.execute(of_days).scalar_one()
            sums = base.execute(of_trades).one()
            killed = base.execute(of_kills).scalar_one()
    except DBAPIError:
        return Practice()
    trades_, stuck, locked, promised = (int(value or 0) for value in sums)
    return Practice(int(days), trades_, stuck, locked, promised, int(killed or 0))
