"""Opens the database that a URL names, with the settings that durability needs, and migrates it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from alembic.command import upgrade
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from dutchbook.domain.errors import ConfigError, DutchbookError
from dutchbook.storage.sql import apsw_dbapi

HERE: Final = Path(__file__).parent
_BROKEN: Final = ((3, 7, 0), (3, 51, 2))
"""Versions of SQLite whose WAL reset can corrupt a file that several processes open."""
_WANTED: Final = (("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1))


class DatabaseError(DutchbookError):
    """The database can't be opened, read or written as it must be."""


def open_database(url: str) -> Engine:
    """An engine for `sqlite:///path` or `postgresql://...`. Raises ConfigError, DatabaseError."""
    try:
        parsed = make_url(url)
    except SQLAlchemyError as error:
        raise ConfigError("storage.url is no database URL", todo=_EXAMPLE) from error
    name = parsed.get_backend_name()
    if name == "sqlite":
        return _sqlite(str(parsed.database or ":memory:"))
    if name != "postgresql":
        raise ConfigError(f"storage.url names {name!r}, which is not supported", todo=_EXAMPLE)
    try:
        import psycopg  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            "Postgres needs the extra `pg`", todo="./dutchbook setup --extra pg"
        ) from error
    return create_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True)


_EXAMPLE: Final = "use sqlite:///data/sim/dutchbook.db or postgresql://user@host/name"


def _sqlite(path: str) -> Engine:
    low, high = _BROKEN
    if low <= apsw_dbapi.sqlite_version_info <= high:
        raise DatabaseError(
            f"SQLite {apsw_dbapi.sqlite_version} can corrupt a file", todo="install apsw >= 3.53"
        )
    if path != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(f"sqlite:///{path}", module=apsw_dbapi, poolclass=NullPool)
    if path == ":memory:":
        engine = create_engine("sqlite://", module=apsw_dbapi)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        for pragma, value in _WANTED:
            connection.execute(f"PRAGMA {pragma}={value}")
            found = connection.execute(f"PRAGMA {pragma}").fetchone()[0]
            if found != value and path != ":memory:":
                raise apsw_dbapi.OperationalError(f"{path}: {pragma} is {found}, not {value}")

    return engine


@contextmanager
def moment(engine: Engine) -> Iterator[Connection]:
    """A connection that reads all tables as they are at one moment, though a run writes them."""
    lite = engine.dialect.name == "sqlite"
    with engine.connect() as connection:
        if lite:
            connection.exec_driver_sql("BEGIN")
            yield connection
        else:
            yield connection.execution_options(isolation_level="REPEATABLE READ")


def migrate(engine: Engine) -> tuple[str, str]:
    """Bring the tables to this version in one transaction; returns (before, after)."""
    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.set_main_option("version_locations", str(HERE / "versions"))
    config.set_main_option("path_separator", "newline")
    with engine.begin() as connection:
        before = version(connection)
        config.attributes["connection"] = connection
        upgrade(config, "head")
        return before, version(connection)


def version(connection: Any) -> str:
    """The migration that the database stands at, "" before the first."""
    return MigrationContext.configure(connection).get_current_revision() or ""


def newest() -> str:
    """The migration that this code wants."""
    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.set_main_option("version_locations", str(HERE / "versions"))
    config.set_main_option("path_separator", "newline")
    return ScriptDirectory.from_config(config).get_current_head() or ""
