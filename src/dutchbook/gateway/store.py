"""The gateway's own tables: keys, people, sessions, approvals, ids that were seen.

They are no projection of the journal, so they live in a database of their own, beside it. What
is secret is in them only as a keyed hash.
"""

from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.schema import CreateTable

from dutchbook.storage.sql.database import open_database

FILE: Final = "gateway.db"
METADATA: Final = MetaData()
Row = dict[str, Any]


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, default="")


def _big(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False, default=0)


def _id(name: str) -> Column[str]:
    return Column(name, String(200), primary_key=True)


keys = Table(
    "keys", METADATA, _id("id"), _text("name"), _text("role"), _text("scopes"), _text("mac"),
    _text("addresses"), _big("rate"), _big("made_at"), _big("expires_at"), _big("revoked_at"),
    _text("made_by"),
)  # fmt: skip
people = Table(
    "people", METADATA, _id("name"), _text("role"), _text("password"), _big("made_at"),
    _big("changed_at"), Column("disabled", Boolean, nullable=False, default=False),
)  # fmt: skip
sessions = Table(
    "sessions", METADATA, _id("id"), _text("person"), Column("turn", Integer, nullable=False),
    _big("made_at"), _big("expires_at"), _big("revoked_at"), _text("why"),
)  # fmt: skip
approvals = Table(
    "approvals", METADATA, _id("id"), _text("action"), _text("args"), _text("reason"),
    _text("asked_by"), _big("asked_at"), _big("expires_at"), _text("decided_by"),
    _big("decided_at"), _text("status"),
)  # fmt: skip
seen = Table("seen", METADATA, _id("source"), _id("id"), _big("at"))
repeats = Table(
    "repeats", METADATA, _id("who"), _id("key"), _text("digest"), _big("at"),
    Column("status", Integer, nullable=False, default=0), Column("body", LargeBinary),
)  # fmt: skip
marks = Table("marks", METADATA, _id("name"), _text("value"))
"""`epoch` counts changes, so that a gateway sees those that a command made."""


class Tables:
    """Small, blocking calls of about a millisecond; called in a thread while serving."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.engine: Engine = open_database(f"sqlite:///{path}")
        with self.engine.begin() as begun:  # two first commands may come at the same moment
            for table in METADATA.sorted_tables:
                begun.execute(CreateTable(table, if_not_exists=True))
        path.chmod(0o600)

    def all(self, table: Table) -> list[Row]:
        with self.engine.connect() as base:
            return [dict(row) for row in base.execute(select(table)).mappings()]

    def add(self, table: Table, row: Row) -> bool:
        """Insert a row; False if one of its key is there already."""
        columns = list(table.primary_key)
        with self.engine.begin() as base:
            # The transaction is immediate from here on, so that no other comes between.
            base.execute(update(marks).where(marks.c.name == "").values(value=""))
            known = select(table).where(*(c == row[c.name] for c in columns))
            if base.execute(known).first() is not None:
                return False
            base.execute(insert(table).values(**row))
            self._moved(base)
        return True

    def change(self, table: Table, key: Row, values: Row) -> int:
        """Change the rows of a key; how many there were."""
        with self.engine.begin() as base:
            wanted = update(table).where(*(table.c[name] == v for name, v in key.items()))
            count = base.execute(wanted.values(**values)).rowcount
            self._moved(base)
        return int(count)

    def get(self, table: Table, **key: Any) -> Row | None:
        with self.engine.connect() as base:
            found = select(table).where(*(table.c[name] == v for name, v in key.items()))
            row = base.execute(found).mappings().first()
            return dict(row) if row is not None else None

    def drop(self, table: Table, key: Row) -> None:
        """Drop the row of a key."""
        with self.engine.begin() as base:
            wanted = delete(table).where(*(table.c[name] == v for name, v in key.items()))
            base.execute(wanted)

    def forget(self, table: Table, before: int) -> None:
        """Drop rows of `seen` or `repeats` that are older than `before` (ns)."""
        with self.engine.begin() as base:
            base.execute(delete(table).where(table.c.at < before))

    def epoch(self) -> int:
        row = self.get(marks, name="epoch")
        return int(row["value"]) if row else 0

    def mark(self, name: str, value: str) -> None:
        with self.engine.begin() as base:
            base.execute(delete(marks).where(marks.c.name == name))
            base.execute(insert(marks).values(name=name, value=value))

    def marked(self, name: str) -> str:
        row = self.get(marks, name=name)
        return str(row["value"]) if row else ""

    def _moved(self, base: Any) -> None:
        row = base.execute(select(marks.c.value).where(marks.c.name == "epoch")).scalar()
        base.execute(delete(marks).where(marks.c.name == "epoch"))
        base.execute(insert(marks).values(name="epoch", value=str(int(row or 0) + 1)))

    def close(self) -> None:
        self.engine.dispose()
