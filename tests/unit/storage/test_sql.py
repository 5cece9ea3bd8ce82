"""The tables: the same on SQLite and Postgres, equal when built anew, whole or not at all.

Postgres is tried where DUTCHBOOK__STORAGE__URL names a server; its schema is made for the test.
"""

import os
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from dutchbook.domain.account_events import (
    AccountSeen,
    FillSettled,
    FillVoided,
    OrderAcked,
    OrderFilled,
)
from dutchbook.domain.effects import SubmitOrder
from dutchbook.domain.errors import ConfigError
from dutchbook.domain.events import Envelope, OperatorAsked, RunStarted, TimerFired
from dutchbook.domain.orders import LegPlan, Order
from dutchbook.domain.step import BasketBegun, BasketMoved, HaltMoved, Step
from dutchbook.domain.units import ONE, SECOND, Ns, Px, Qty, Usd
from dutchbook.storage.reader import Recorded
from dutchbook.storage.sql import tables
from dutchbook.storage.sql.database import DatabaseError, migrate, newest, open_database
from dutchbook.storage.sql.projection import Projection
from dutchbook.storage.sql.projector import catch_up
from dutchbook.storage.sql.upkeep import _lines as copied
from dutchbook.storage.sql.upkeep import backup, chain_broken, counts, differences, restore
from dutchbook.storage.store import Store

URL = os.environ.get("DUTCHBOOK__STORAGE__URL", "")
NOW = Ns(1_790_000_000 * SECOND)


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request, tmp_path):
    if request.param == "sqlite":
        yield open_database(f"sqlite:///{tmp_path / 'x.db'}")
        return
    if not URL.startswith("postgresql"):
        pytest.skip("DUTCHBOOK__STORAGE__URL names no Postgres server")
    schema = f"dutchbook_test_{os.getpid()}"
    owner = open_database(URL)
    with owner.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    mark = "&" if "?" in URL else "?"
    made = open_database(f"{URL}{mark}options=-csearch_path%3D{schema}")
    yield made
    made.dispose()
    with owner.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    owner.dispose()


def order(n: int) -> Order:
    return Order(
        f"e-{n}-1", "polymarket", "us", f"polymarket:0x{n}", "yes", "buy", Px(400_000),
        Qty(10 * ONE), "ioc", NOW, "leg", basket=f"b{n}",
    )  # fmt: skip


def steps() -> list[Recorded]:
    """Two baskets of one leg: one done, one whose trade fails; a kill in between."""
    rows = [
        RunStarted("r1", "sim", 7, "0", "", "e", (("polymarket", "us"),)),
        AccountSeen("polymarket", "us", NOW, Ns(0), Usd(1_000 * ONE), (), (), ()),
    ]
    made = [Recorded(n, Ns(NOW + n), event) for n, event in enumerate(rows, 1)]

    def add(event=None, effects=(), notes=()):
        n = len(made) + 1
        made.append(Recorded(n, Ns(NOW + n * SECOND), event, tuple(effects), tuple(notes)))

    for n in (1, 2):
        one = order(n)
        leg = LegPlan(one.key, one.outcome, one.px, one.qty, one.id)
        begun = BasketBegun(
            f"b{n}", f"o{n}", "bundle_yes", one.qty, Usd(ONE), Usd(4 * ONE), Usd(6 * ONE), (leg,),
            NOW, Usd(ONE), at=NOW,
        )  # fmt: skip
        add(None, [SubmitOrder(one)], [begun])
        add(OrderAcked(one.id, f"v{n}"))
        add(
            OrderFilled(
                "polymarket",
                "us",
                one.id,
                f"v{n}",
                f"t{n}",
                one.key,
                "yes",
                "buy",
                one.px,
                one.qty,
                Usd(1_000),
                False,
                NOW,
                provisional=True,
            )
        )
        done = BasketMoved(f"b{n}", "done", "", Usd(5_999_000), (), {"qty": 10 * ONE})
        add(None, (), [done])
    add(OperatorAsked("ann", "kill", ()), (), [HaltMoved("all", "kill", "x", "ann")])
    add(FillSettled("polymarket", "us", "t1", "confirmed"))
    add(FillVoided("polymarket", "us", "t2", "failed"))
    return made


def put(engine, rows, batch):
    """The rows, so many in a transaction."""
    fold = Projection()
    for n, row in enumerate(rows, 1):
        fold.fold(row)
        if n % batch == 0:
            fold.write(engine)
    fold.write(engine)


def everything(engine):
    with engine.connect() as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(select(table))), key=str)
            for table in tables.METADATA.sorted_tables
        }


@pytest.mark.parametrize("batch", [1, 3, 100])
def test_rows_follow_from_the_steps_however_they_are_batched(engine, batch):
    assert migrate(engine) == ("", newest()) and migrate(engine) == (newest(), newest())
    put(engine, steps(), batch)
    found = everything(engine)
    assert [(row[0], row[13], row[16]) for row in found["orders"]] == [
        ("e-1-1", "filled", 10 * ONE), ("e-2-1", "canceled", 0),
    ]  # fmt: skip
    assert [(row[2], row[13]) for row in found["fills"]] == [("t1", "final"), ("t2", "voided")]
    assert [row[2] for row in found["positions"]] == [10 * ONE, 0]
    assert found["projected"][0][1] == len(steps()) and chain_broken(engine) == []
    day = found["daily_performance"][0]
    assert day[1:6] == (2, 2, 2, 0, 0)
    assert len(found["audit"]) == 5 and counts(engine)["ledger"] > 0


def test_a_backup_comes_back_whole_and_a_torn_one_changes_nothing(engine, tmp_path):
    migrate(engine)
    put(engine, steps(), 3)
    before, file = everything(engine), tmp_path / "b.gz"
    rows = backup(engine, file)
    torn = tmp_path / "torn.gz"
    torn.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(DatabaseError):
        restore(engine, torn)
    assert everything(engine) == before
    assert restore(engine, file) == rows and everything(engine) == before


def test_what_is_read_while_a_run_writes_is_of_one_moment(engine):
    """A backup of fills of one moment and a seq of another would miss rows for ever."""
    migrate(engine)
    put(engine, steps(), 100)
    lines = copied(engine)
    read = [next(lines)]
    with engine.begin() as connection:
        connection.execute(delete(tables.trades))
        connection.execute(update(tables.projected).values(seq=99))
    read += lines
    assert sum(b'"table":"trades"' in line for line in read) == 2
    assert not any(b'"seq":99' in line for line in read)


def test_the_tables_are_compared_with_the_journal_as_far_as_they_are(tmp_path):
    """While a run goes on the journal is ahead of them; after it, that is a difference."""
    store = Store.open(tmp_path, background=False)
    for row in steps():
        envelope = Envelope(row.seq, row.at, row.event or TimerFired("x"))
        store.append(Step(envelope, row.effects, row.notes))
    store.commit()
    engine = open_database(f"sqlite:///{tmp_path / 'y.db'}")
    migrate(engine)
    catch_up(engine, tmp_path, until=5)
    assert differences(engine, tmp_path, going=True) == []
    assert "projected 1" in differences(engine, tmp_path)
    store.close()


@pytest.mark.parametrize("column", ["who", "what", "body", "hash"])
def test_p17_a_changed_row_of_the_audit_is_found(engine, column):
    migrate(engine)
    put(engine, steps(), 100)
    with engine.begin() as connection:
        changed = update(tables.audit).where(tables.audit.c.n == 3).values({column: "x"})
        connection.execute(changed)
    assert chain_broken(engine)


def test_a_transaction_is_whole_or_not_at_all(engine):
    migrate(engine)
    row = {"one": 1, "seq": 1, "chain": ""}
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(update(tables.projected).values(seq=99))
        connection.execute(insert(tables.projected), [row, row])
    with engine.connect() as connection:
        assert connection.execute(select(tables.projected.c.seq)).all() == [(0,)]


@pytest.mark.parametrize("url", ["nonsense", "mysql://x/y", "://"])
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(ConfigError):
        open_database(url)


def test_sqlite_is_ours_and_set_for_durability(tmp_path: Path):
    engine = open_database(f"sqlite:///{tmp_path / 'x.db'}")
    with engine.connect() as connection:
        names = ("journal_mode", "synchronous", "foreign_keys")
        said = [connection.execute(text(f"PRAGMA {n}")).scalar() for n in names]
        version = connection.execute(text("SELECT sqlite_version()")).scalar()
    assert said == ["wal", 2, 1] and tuple(map(int, version.split("."))) >= (3, 51, 3)
