"""`dutchbook status`: one screen about a run, from any terminal."""

from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer()


@app.command()
def status(
    watch: Annotated[bool, typer.Option("--watch", help="again every second")] = False,
    data_dir: Annotated[Path | None, typer.Option(help="instead of the one set")] = None,
    config: Annotated[Path | None, typer.Option(help="instead of dutchbook.toml")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Mode, feeds with their ages, counts and the last opportunities; exit 3 if nothing runs."""
    import time

    from dutchbook.cli.out import emit
    from dutchbook.domain.errors import NotRunning, UsageError
    from dutchbook.runtime.datadir import data_dir_of, read_status

    try:
        root = data_dir_of(config, data_dir)
    except UsageError as error:
        raise NotRunning(error.what, todo=error.todo) from None
    while True:
        document = read_status(root)
        if as_json:
            emit(document)
        else:
            _show(document, watch)
        if not watch:
            break
        time.sleep(1)
    if not document["running"]:
        raise NotRunning(
            f"no run is going on in {root}",
            why=f"the last one, {document['run']}, ended: {document['why'] or 'killed'}",
            todo="./dutchbook run",
        )


def _show(document: dict[str, Any], clear: bool) -> None:
    import time

    from rich.console import Console
    from rich.table import Table

    from dutchbook.cli.out import safe

    console = Console()
    if clear:
        console.clear()
    state = "running" if document["running"] else f"ended ({document['why'] or 'killed'})"
    up = (document["at"] - document["began"]) // 1_000_000_000
    began = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(document["began"] / 1e9))
    console.print(
        f"[bold]{document['mode'].upper()}[/] run {document['run']}  {state}  since {began}"
        f" ({up} s)  seed {document['seed']}"
    )
    columns = ("up", "age_ms", "late", "books", "whole", "open_gaps")
    feeds = Table("stream", *(name.replace("_", " ") for name in columns))
    for feed in document["feeds"]:
        feeds.add_row(safe(feed["stream"]), *(str(feed[name]) for name in columns))
    console.print(feeds)
    counts = document["counts"]
    console.print(
        f"markets {document['markets']:,}  candidates {document['candidates']:,}"
        f"  open opportunities {document['open']}  frames {counts['frames']:,}"
        f"  gaps {counts['gaps_recovered']}/{counts['gaps_seen']} healed"
        f"  malformed {counts['malformed']}  backlog {document['backlog']}"
        f"  journal seq {document['journal_seq']:,}"
    )
    funnel = "  →  ".join(f"{name} {count:,}" for name, count in document["funnel"].items())
    console.print(funnel)
