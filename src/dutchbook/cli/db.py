"""`dutchbook db`: the SQL tables of an account: bring up, rebuild, verify, count, copy."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from sqlalchemy import Engine

app = typer.Typer(
    help="SQL tables: upgrade, rebuild, verify, stats, backup, restore.", no_args_is_help=True
)
Json = Annotated[bool, typer.Option("--json")]
Dir = Annotated[Path | None, typer.Option("--data-dir", help="instead of the one set")]
Conf = Annotated[Path | None, typer.Option("--config", help="instead of dutchbook.toml")]


@app.callback()
def root() -> None:
    """Tables that follow from the account journal; they can always be built anew."""


def _opened(config: Path | None, data_dir: Path | None) -> tuple["Engine", Path]:
    from dutchbook.runtime.datadir import data_dir_of
    from dutchbook.runtime.layers import load
    from dutchbook.storage.sql.database import open_database
    from dutchbook.storage.sql.projector import url_of

    folder = data_dir_of(config, data_dir)
    return open_database(url_of(load(config).settings.storage.url, folder)), folder


def _alone(folder: Path) -> None:
    """Writing needs that no run writes too. Raises InUse."""
    from dutchbook.storage import lock

    lock.check(folder)


def _told(answer: dict[str, Any], as_json: bool) -> None:
    from dutchbook.cli.out import emit, say

    if as_json:
        emit(answer)
        return
    for name, value in answer.items():
        say(f"{name:18} {value}")


@app.command()
def upgrade(data_dir: Dir = None, config: Conf = None, as_json: Json = False) -> None:
    """Bring the tables to this version, in one transaction."""
    from dutchbook.storage.sql.database import migrate

    engine, folder = _opened(config, data_dir)
    _alone(folder)
    before, after = migrate(engine)
    _told({"before": before or "none", "after": after}, as_json)


@app.command()
def rebuild(data_dir: Dir = None, config: Conf = None, as_json: Json = False) -> None:
    """Empty the tables and fill them from the account journal."""
    from dutchbook.storage.sql.upkeep import counts, rebuild

    engine, folder = _opened(config, data_dir)
    _alone(folder)
    rebuild(engine, folder)
    _told(counts(engine), as_json)


@app.command()
def verify(data_dir: Dir = None, config: Conf = None, as_json: Json = False) -> None:
    """Compare every row with tables built anew from the journal; check the chain of the audit."""
    from dutchbook.domain.errors import DutchbookError
    from dutchbook.runtime.datadir import is_locked
    from dutchbook.storage.sql.upkeep import chain_broken, counts, differences

    engine, folder = _opened(config, data_dir)
    going = is_locked(folder)
    found = [*differences(engine, folder, going=going), *chain_broken(engine)]
    _told({"equal": not found, "differences": found[:20], **counts(engine)}, as_json)
    if found:
        raise DutchbookError(
            f"{len(found)} rows differ from the journal", why=", ".join(found[:5]),
            todo="dutchbook db rebuild",
        )  # fmt: skip


@app.command()
def stats(data_dir: Dir = None, config: Conf = None, as_json: Json = False) -> None:
    """Rows of each table, and up to which seq of the journal they are."""
    from dutchbook.storage.sql.upkeep import counts

    engine, _ = _opened(config, data_dir)
    _told(counts(engine), as_json)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="a new .jsonl.gz")],
    data_dir: Dir = None,
    config: Conf = None,
    as_json: Json = False,
) -> None:
    """Write all rows to a file, with a checksum."""
    import json

    from dutchbook.domain.errors import UsageError
    from dutchbook.runtime.golive import BACKUP, now
    from dutchbook.storage.sql.upkeep import backup

    if file.exists():
        raise UsageError(f"{file} is there already", todo="name another file")
    engine, folder = _opened(config, data_dir)
    rows = backup(engine, file)
    note = {"file": str(file.absolute()), "at": now()}
    (folder / BACKUP).write_text(json.dumps(note), encoding="utf-8")
    _told({"file": str(file), "rows": rows}, as_json)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="what `db backup` wrote")],
    data_dir: Dir = None,
    config: Conf = None,
    as_json: Json = False,
) -> None:
    """Replace all rows by those of a backup, all or none; a run brings them up to date."""
    from dutchbook.domain.errors import UsageError
    from dutchbook.storage.sql.upkeep import restore

    if not file.is_file():
        raise UsageError(f"no file {file}")
    engine, folder = _opened(config, data_dir)
    _alone(folder)
    _told({"rows": restore(engine, file)}, as_json)
