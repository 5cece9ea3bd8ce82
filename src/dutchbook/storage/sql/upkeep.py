"""Rebuilding, comparing, counting and keeping copies of the tables."""

import gzip
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Engine, delete, func, insert, select

from dutchbook.storage.sql import tables
from dutchbook.storage.sql.database import DatabaseError, migrate, moment, open_database
from dutchbook.storage.sql.projector import catch_up

TABLES: Final = tuple(tables.METADATA.sorted_tables)


def rebuild(engine: Engine, root: Path) -> int:
    """Empty the tables and fill them from the journal; returns the last seq."""
    migrate(engine)
    empty(engine)
    return catch_up(engine, root).seq


def empty(engine: Engine) -> None:
    with engine.begin() as connection:
        for table in TABLES:
            connection.execute(delete(table))
        connection.execute(insert(tables.projected).values(one=1, seq=0, chain=""))


def differences(engine: Engine, root: Path, *, going: bool = False) -> list[str]:
    """Where the tables differ from tables built anew from the journal; [] if nowhere.

    `going`: a run goes on and writes both; they are compared as far as the tables are.
    """
    with moment(engine) as connection:
        mine = {table.name: _all(connection, table) for table in TABLES}
        until = connection.execute(select(tables.projected.c.seq)).scalar() or 0
    fresh = open_database("sqlite:///:memory:")
    migrate(fresh)
    catch_up(fresh, root, until if going else None)
    found = []
    for table in TABLES:
        with fresh.connect() as connection:
            ours, theirs = mine[table.name], _all(connection, table)
        for key in sorted({*ours, *theirs}, key=str):
            if ours.get(key) != theirs.get(key):
                found.append(f"{table.name} {'/'.join(map(str, key))}")
    return found


def chain_broken(engine: Engine) -> list[str]:
    """Rows of the audit whose hash does not follow from the row before; [] if the chain holds."""
    found, before, count = [], "", 0
    with moment(engine) as connection:
        for row in connection.execute(select(tables.audit).order_by(tables.audit.c.n)).mappings():
            count += 1
            mark = (before, row["seq"], row["at"], row["who"], row["what"], row["body"])
            made = hashlib.blake2b(msgspec.msgpack.encode(mark), digest_size=32).hexdigest()
            if made != row["hash"] or row["n"] != count:
                found.append(f"audit {row['n']}")
            before = row["hash"]
        head = connection.execute(select(tables.projected.c.chain)).scalar()
    if head != before:
        found.append("audit: its last rows are missing")
    return found


def counts(engine: Engine) -> dict[str, int]:
    """Rows of each table, and how far they are."""
    with engine.connect() as connection:
        found = {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar() or 0
            for table in TABLES
        }
        found["seq"] = connection.execute(select(tables.projected.c.seq)).scalar() or 0
        return found


def backup(engine: Engine, file: Path) -> int:
    """All rows as gzipped JSON lines, with a checksum at the end; returns how many."""
    digest, count = hashlib.blake2b(digest_size=32), 0
    with gzip.open(file, "wb") as out:
        for line in _lines(engine):
            out.write(line)
            digest.update(line)
            count += 1
        out.write(msgspec.json.encode({"rows": count, "blake2b": digest.hexdigest()}) + b"\n")
    return count


def restore(engine: Engine, file: Path) -> int:
    """Replace all rows by those of a backup, all or none. Raises DatabaseError."""
    migrate(engine)
    named = {table.name: table for table in TABLES}
    digest, count, ended = hashlib.blake2b(digest_size=32), 0, False
    try:
        with gzip.open(file, "rb") as lines, engine.begin() as connection:
            for table in TABLES:
                connection.execute(delete(table))
            for line in lines:
                row: dict[str, Any] = msgspec.json.decode(line)
                if "blake2b" in row:
                    ended = row == {"rows": count, "blake2b": digest.hexdigest()}
                    break
                digest.update(line)
                connection.execute(insert(named[row["table"]]).values(**row["row"]))
                count += 1
            if not ended:
                raise DatabaseError(f"{file} is not whole", todo="use another backup")
    except (OSError, EOFError, KeyError, msgspec.DecodeError) as error:
        raise DatabaseError(f"{file} is no backup of these tables", why=str(error)) from error
    return count


def _lines(engine: Engine) -> Iterator[bytes]:
    with moment(engine) as connection:
        for table in TABLES:
            order = table.primary_key.columns
            for row in connection.execute(select(table).order_by(*order)).mappings():
                plain = {str(name): value for name, value in row.items()}
                yield msgspec.json.encode({"table": str(table.name), "row": plain}) + b"\n"


def _all(connection: Connection, table: Any) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    names = [column.name for column in table.primary_key]
    return {
        tuple(row[name] for name in names): tuple(row.values())
        for row in connection.execute(select(table)).mappings()
    }
