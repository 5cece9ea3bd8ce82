"""`dutchbook audit verify`: do the audits hold, line by line and to their last line?"""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="The audits: verify.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json")]
Dir = Annotated[Path | None, typer.Option("--data-dir", help="instead of the one set")]
Conf = Annotated[Path | None, typer.Option("--config", help="instead of dutchbook.toml")]


@app.callback()
def root() -> None:
    """What was commanded, by whom, and that nobody changed the record of it."""


@app.command()
def verify(data_dir: Dir = None, config: Conf = None, as_json: Json = False) -> None:
    """Check the gateway's audit against its head, and the tables' audit against its chain.

    Exit 1 where anything was edited, dropped, swapped or cut off.
    """
    from sqlalchemy.exc import DBAPIError

    from dutchbook.cli.out import emit, say
    from dutchbook.domain.errors import DutchbookError
    from dutchbook.gateway import audit
    from dutchbook.runtime.keys import secrets_of
    from dutchbook.runtime.layers import load
    from dutchbook.runtime.serving import PEPPER, folder_of, head_file
    from dutchbook.storage.sql.database import open_database
    from dutchbook.storage.sql.projector import url_of
    from dutchbook.storage.sql.upkeep import chain_broken

    texts = {"data_dir": str(data_dir)} if data_dir else {}
    settings = load(config, cli=texts).settings
    folder, key = folder_of(settings), secrets_of(settings).get(PEPPER)
    lines = len(audit.read(folder / audit.FILE))
    broken = audit.verify(folder, head_file(folder), key) if key is not None else []
    if key is None and lines:
        broken = ["its key is gone from the secrets"]
    root = Path(settings.data_path())
    try:
        tables = chain_broken(open_database(url_of(settings.storage.url, root)))
    except DBAPIError:
        tables = []  # no run has made tables yet
    if as_json:
        emit({"lines": lines, "broken": broken, "tables": tables})
    for text in [f"gateway's audit: {one}" for one in broken] + tables:
        say(text)
    if broken or tables:
        raise DutchbookError("the audit does not hold", todo="restore it from a backup, and look")
    say(f"{lines} lines of the gateway's audit hold, and so does the tables' audit")
