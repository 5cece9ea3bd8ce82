"""`dutchbook export`: tables of a run, or of a backtest's directory, as files."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def export(
    what: Annotated[
        str, typer.Argument(help="trades, fills, orders, positions, ledger, opportunities, equity")
    ],
    file: Annotated[Path, typer.Option("--out", help="the file to write")],
    form: Annotated[str, typer.Option("--format", help="csv, json, parquet, xlsx")] = "csv",
    run: Annotated[Path | None, typer.Option("--run", help="directory of a backtest")] = None,
    since: Annotated[str, typer.Option(metavar="DAY", help="from this UTC day")] = "",
    until: Annotated[str, typer.Option(metavar="DAY", help="to this UTC day, with it")] = "",
    data_dir: Annotated[Path | None, typer.Option("--data-dir")] = None,
    config: Annotated[Path | None, typer.Option("--config")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Rows exactly as they are: decimals, UTC moments; no cell that a spreadsheet would obey."""
    from dutchbook.cli.out import emit, say
    from dutchbook.cli.period import day, opened, record_of
    from dutchbook.domain.units import DAY, Ns
    from dutchbook.report import recordfile, sheets, spans
    from dutchbook.report.export import write

    start = day(since) if since else Ns(0)
    end = Ns(day(until) + DAY) if until else Ns(0)
    if run is not None:
        sheet = sheets.of_run(recordfile.read(run), what)
    elif what == "equity":
        first, last = spans.reach(opened(config, data_dir)[0])
        whole = record_of(config, data_dir, start or first, end or last)
        sheet = sheets.of_run(whole, what)
    else:
        sheet = sheets.of_sql(opened(config, data_dir)[0], what, start, end)
    write(sheet, file, form)
    if as_json:
        emit({"file": str(file), "format": form, "rows": len(sheet.rows), "what": what})
    else:
        say(f"{len(sheet.rows)} rows of {what} in {file}")
