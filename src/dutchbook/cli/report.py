"""`dutchbook report`: days, weeks, months, periods, taxes and calibration of a run."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from dutchbook.report.record import Record

app = typer.Typer(
    help="Reports: daily, weekly, monthly, period, tax, calibration, show.", no_args_is_help=True
)
WIDE = 170
Json = Annotated[bool, typer.Option("--json", help="one JSON object on the last line")]
Dir = Annotated[Path | None, typer.Option("--data-dir", help="instead of the one set")]
Conf = Annotated[Path | None, typer.Option("--config", help="instead of dutchbook.toml")]
Last = Annotated[str, typer.Option("--last", metavar="SPAN", help="7d, 4w, 12m, 1y")]
Since = Annotated[str, typer.Option("--since", metavar="DAY", help="from this UTC day")]
Until = Annotated[str, typer.Option("--until", metavar="DAY", help="to this UTC day, with it")]
Html = Annotated[Path | None, typer.Option("--html", help="write the page to this file")]
Open = Annotated[bool, typer.Option("--open", help="show the page in a browser")]


@app.callback()
def root() -> None:
    """What came of trading, from the tables of a run or the directory of a backtest."""


@app.command()
def daily(
    last: Last = "30d", since: Since = "", until: Until = "", data_dir: Dir = None,
    config: Conf = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Profit, fees, volume and baskets of each UTC day."""
    _calendar("day", last, since, until, data_dir, config, as_json)


@app.command()
def weekly(
    last: Last = "12w", since: Since = "", until: Until = "", data_dir: Dir = None,
    config: Conf = None, as_json: Json = False,
) -> None:  # fmt: skip
    """The same by weeks, from Monday."""
    _calendar("week", last, since, until, data_dir, config, as_json)


@app.command()
def monthly(
    last: Last = "1y", since: Since = "", until: Until = "", data_dir: Dir = None,
    config: Conf = None, as_json: Json = False,
) -> None:  # fmt: skip
    """The same by months."""
    _calendar("month", last, since, until, data_dir, config, as_json)


def _calendar(
    each: str, last: str, since: str, until: str, data_dir: Path | None, config: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    from dutchbook.cli.ask import money, show
    from dutchbook.cli.out import emit
    from dutchbook.cli.period import opened, span
    from dutchbook.report.spans import calendar

    start, end = span(last, since, until)
    engine, _ = opened(config, data_dir)
    rows = calendar(engine, each, start, end)
    if as_json:
        emit({"each": each, "since": start, "until": end, "rows": rows})
        return
    table = [
        [row["from"], money(row["realised"]), money(row["locked"]), money(row["fees"]),
         money(row["volume"]), str(row["orders"]), str(row["fills"]), str(row["baskets_done"]),
         str(row["baskets_unwound"]), str(row["stuck"])]
        for row in rows
    ]  # fmt: skip
    columns = [each, "realised", "locked", "fees", "volume", "orders", "fills", "done", "unwound",
               "stuck"]  # fmt: skip
    show(f"by {each}", columns, table, f"nothing was traded in this span ({each}s without rows)")


@app.command()
def period(
    last: Last = "30d", since: Since = "", until: Until = "", html: Html = None,
    browser: Open = False, data_dir: Dir = None, config: Conf = None, as_json: Json = False,
) -> None:  # fmt: skip
    """The whole report of a span: the same tables and page as a backtest's."""
    from dutchbook.cli.period import record_of, span

    start, end = span(last, since, until)
    with _working("reading the tables"):
        record = record_of(config, data_dir, start, end)
    _told(record, html, browser, as_json)


@app.command()
def show(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="directory of a backtest")],
    html: Html = None, browser: Open = False, as_json: Json = False,
) -> None:  # fmt: skip
    """The report of a backtest's directory, made anew from its record."""
    from dutchbook.report.files import write_report
    from dutchbook.report.recordfile import read

    record = read(run)
    if html is None and run.is_dir():
        with _working("working out the figures"):
            doc = write_report(record, run)
        _shown(doc, run / "report.html", browser, as_json)
        return
    _told(record, html, browser, as_json)


def _working(what: str) -> "AbstractContextManager[Any]":
    """A spinner on a terminal while it takes long; nothing elsewhere."""
    from rich.console import Console

    return Console(stderr=True).status(what)


def _told(record: "Record", html: Path | None, browser: bool, as_json: bool) -> None:
    from dutchbook.report import metrics
    from dutchbook.report.export import place
    from dutchbook.report.html import page

    if browser and html is None:
        html = Path("report.html")
    if html is not None:
        place(html)
    with _working("working out the figures"):
        doc = metrics.document(record)
    if html is not None:
        html.write_text(page(doc), encoding="utf-8")
    _shown(doc, html, browser, as_json)


def _shown(doc: dict[str, Any], html: Path | None, browser: bool, as_json: bool) -> None:
    import webbrowser

    from rich.console import Console

    from dutchbook.cli.out import emit
    from dutchbook.report.terminal import render

    if as_json:
        emit(doc)
    else:
        console = Console()
        if not console.is_terminal:  # a file or a pipe has room for whole tables
            console = Console(width=WIDE)
        console.print(render(doc, str(html) if html else ""))
    if browser and html is not None:
        webbrowser.open(html.absolute().as_uri())


@app.command()
def calibration(
    run: Annotated[
        Path | None, typer.Argument(metavar="[RUN]", help="directory of a backtest")
    ] = None,
    last: Last = "1y", since: Since = "", until: Until = "", data_dir: Dir = None,
    config: Conf = None, as_json: Json = False,
) -> None:  # fmt: skip
    """How honest claims and prices were: bins with counts, scores against the market's mid."""
    from dutchbook.cli.ask import show
    from dutchbook.cli.out import emit, say
    from dutchbook.cli.period import record_of, span
    from dutchbook.report import foresight, recordfile
    from dutchbook.report.text import number, percent

    if run is not None:
        record = recordfile.read(run)
    else:
        record = record_of(config, data_dir, *span(last, since, until))
    doc = foresight.document(record)
    wanted = {name: doc[name] for name in ("calibration", "deciles", "scores")}
    if as_json:
        emit(wanted)
        return
    for title, rows in (("claims", doc["calibration"]), ("prices", doc["deciles"]["rows"])):
        table = [
            [f"{percent(r['from'], 0)} to {percent(r['to'], 0)}", str(r["n"]),
             percent(r["claimed"]), percent(r["happened"]),
             f"{percent(r['low'], 0)} … {percent(r['high'], 0)}"]
            for r in rows if r["n"]
        ]  # fmt: skip
        columns = ["bin", "n", "said", "happened", "95 %"]
        show(title, columns, table, f"{title}: nothing has been settled yet")
    scores = doc["scores"]
    if scores["settled"]:
        for name in ("brier", "log_loss"):
            mid, skill = scores[f"{name}_mid"], scores[f"{name}_skill"]
            ours = f"{name:9} {number(scores[name], 4)}"
            say(f"{ours}   market mid {number(mid, 4)}   skill {number(skill, 3)}")


@app.command()
def tax(
    form: Annotated[
        str, typer.Option("--format", help="generic, cointracking, cointracker, 8949")
    ] = "generic",
    year: Annotated[int, typer.Option(help="a calendar year (UTC); 0: all")] = 0,
    file: Annotated[Path | None, typer.Option("--out", help="write to this file")] = None,
    kind: Annotated[str, typer.Option("--as", help="csv, json, parquet, xlsx")] = "csv",
    data_dir: Dir = None, config: Conf = None, as_json: Json = False,
) -> None:  # fmt: skip
    """FIFO lots that were given up, in whole numbers that sum to the ledger. No tax advice."""
    from dutchbook.cli.ask import money
    from dutchbook.cli.out import emit, say
    from dutchbook.cli.period import day, opened
    from dutchbook.domain.errors import DutchbookError, UsageError
    from dutchbook.report import export, spans
    from dutchbook.report import tax as taxes

    if year and not 1970 < year < 2200:
        raise UsageError(f"{year} is no year that anybody traded in", todo="--year 2026")
    since, until = (day(f"{year}-01-01"), day(f"{year + 1}-01-01")) if year else (0, 0)
    engine, _ = opened(config, data_dir)
    lots, differs = spans.lots_of(engine)
    sheet = taxes.sheet(lots, form, since, until)
    sums = taxes.totals(lots, since, until)
    if differs:
        raise DutchbookError(
            "the lots do not sum to the ledger", why=f"they differ by {differs} millionths",
            todo="dutchbook db verify",
        )  # fmt: skip
    if file is not None:
        export.write(sheet, file, kind)
    answer = {"form": form, "rows": len(sheet.rows), **sums, "file": str(file) if file else ""}
    if as_json:
        emit(answer)
        return
    for name in ("proceeds", "cost", "gain", "long_term", "income", "open_cost"):
        say(f"{name:10} {money(sums[name])}")
    say(f"{len(sheet.rows)} rows" + (f" in {file}" if file else "; --out FILE writes them"))
