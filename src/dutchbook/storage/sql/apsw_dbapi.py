"""apsw behind the Python database interface (PEP 249), as far as SQLAlchemy's SQLite dialect asks.

apsw brings its own SQLite, so the one on the machine (Debian 12 has one with a known corruption
bug) is never used. Two SQLite libraries must not open one file in one process: nothing else here
imports one.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import apsw

apilevel: Final = "2.0"
threadsafety: Final = 1
paramstyle: Final = "qmark"
sqlite_version: Final = apsw.sqlite_lib_version()
sqlite_version_info: Final = tuple(int(part) for part in sqlite_version.split("."))
PARSE_DECLTYPES: Final = 0
PARSE_COLNAMES: Final = 0
Binary = bytes
_OUTSIDE: Final = frozenset(
    ("", "PRAGMA", "BEGIN", "COMMIT", "ROLLBACK", "VACUUM", "SELECT", "EXPLAIN")
)
"""Statements that begin no transaction."""


class Error(Exception):
    """Any trouble with the database."""


class DatabaseError(Error): ...


class OperationalError(DatabaseError): ...


class IntegrityError(DatabaseError): ...


class ProgrammingError(DatabaseError): ...


class InterfaceError(Error): ...


class InternalError(DatabaseError): ...


class DataError(DatabaseError): ...


class NotSupportedError(DatabaseError): ...


class Warning(Exception): ...  # noqa: A001 (PEP 249 names it so)


class Cursor:
    """Rows are fetched when a statement is run: result sets here are small or paged."""

    arraysize = 1

    def __init__(self, connection: "Connection") -> None:
        self.connection = connection
        self.description: tuple[tuple[Any, ...], ...] | None = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self._rows: list[Any] = []
        self._shape: tuple[tuple[Any, ...], ...] = ()

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> "Cursor":
        self.connection.begin(sql)
        self._run(sql, parameters)
        return self

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> "Cursor":
        self.connection.begin(sql)
        changed = 0
        for row in rows:
            self._run(sql, row)
            changed += max(0, self.rowcount)
        self.rowcount = changed
        return self

    def _run(self, sql: str, parameters: Sequence[Any]) -> None:
        database = self.connection.database
        try:
            cursor = database.cursor()
            cursor.exec_trace = self._shape_of  # the columns are known there, rows or none
            self._rows = list(cursor.execute(sql, tuple(parameters)))
            shape = self._shape
        except apsw.ConstraintError as error:
            raise IntegrityError(str(error)) from error
        except apsw.SQLError as error:
            raise OperationalError(str(error)) from error
        except apsw.Error as error:
            raise DatabaseError(str(error)) from error
        self.description = tuple((*column[:2], *[None] * 5) for column in shape) or None
        self.rowcount = -1 if shape else database.changes()
        self.lastrowid = database.last_insert_rowid()

    def _shape_of(self, cursor: Any, sql: str, bindings: Any) -> bool:
        self._shape = cursor.get_description()
        return True

    def fetchone(self) -> Any:
        return self._rows.pop(0) if self._rows else None

    def fetchmany(self, size: int = 1) -> list[Any]:
        taken, self._rows = self._rows[:size], self._rows[size:]
        return taken

    def fetchall(self) -> list[Any]:
        taken, self._rows = self._rows, []
        return taken

    def close(self) -> None:
        self._rows = []

    def __iter__(self) -> Any:
        return iter(self.fetchall())


class Connection:
    """Begins a transaction with the first statement that needs one, as PEP 249 wants it."""

    Error, DatabaseError, OperationalError = Error, DatabaseError, OperationalError
    IntegrityError, ProgrammingError = IntegrityError, ProgrammingError
    isolation_level: str | None = ""

    def __init__(self, path: str, timeout: float) -> None:
        self.database = apsw.Connection(path)
        self.database.set_busy_timeout(int(timeout * 1000))

    def begin(self, sql: str) -> None:
        word = sql.split(None, 1)[0].upper() if sql.strip() else ""
        if word not in _OUTSIDE and not self.database.in_transaction:
            self.database.execute("BEGIN IMMEDIATE")

    def cursor(self) -> Cursor:
        return Cursor(self)

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Cursor:
        return self.cursor().execute(sql, parameters)

    def commit(self) -> None:
        if self.database.in_transaction:
            self._plainly("COMMIT")

    def rollback(self) -> None:
        if self.database.in_transaction:
            self._plainly("ROLLBACK")

    def _plainly(self, sql: str) -> None:
        try:
            self.database.execute(sql)
        except apsw.Error as error:
            raise OperationalError(str(error)) from error

    def create_function(self, name: str, count: int, function: Any, **_: Any) -> None:
        self.database.create_scalar_function(name, function, count)

    def close(self) -> None:
        self.database.close()


def connect(path: str, timeout: float = 5.0, **_: Any) -> Connection:
    """Open a file (or ":memory:"). Raises OperationalError."""
    try:
        return Connection(path, timeout)
    except apsw.Error as error:
        raise OperationalError(f"{path}: {error}") from error
