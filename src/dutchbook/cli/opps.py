"""`dutchbook opps`: the opportunities of a run, from its record, while it runs and after."""

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dutchbook.cli import out
from dutchbook.domain.errors import UsageError

if TYPE_CHECKING:
    from dutchbook.domain.instrument import Instrument
    from dutchbook.optimize.ledger import Ledger, Opportunity, Row

DataDir = Annotated[Path | None, typer.Option("--data-dir", help="instead of the one set")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on the last line.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Comma-separated values.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="At most so many.")]
Sort = Annotated[str, typer.Option("--sort", help="apr, edge, net, capital, size or age.")]
Everything = Annotated[bool, typer.Option("--all", help="Closed ones too, without a limit.")]

SORTS = ("apr", "edge", "net", "capital", "size", "age")
LISTED = 200_000
"""Tape events to look through for the titles of markets: they are listed at the start."""
app = typer.Typer(help="The opportunities of a run.")


@app.callback(invoke_without_command=True)
def opps(
    context: typer.Context,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    limit: Limit = 20,
    sort: Sort = "apr",
    everything: Everything = False,
) -> None:
    """Without a further word: the list."""
    if context.invoked_subcommand is None:
        listing(data_dir, as_json, as_csv, limit, sort, everything)


@app.command("list")
def listing(
    data_dir: DataDir = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    limit: Limit = 20,
    sort: Sort = "apr",
    everything: Everything = False,
) -> None:
    """The open opportunities, best first, then the latest closed ones."""
    import msgspec

    from dutchbook.runtime.datadir import data_dir_of

    if sort not in SORTS:
        raise UsageError(f"can't sort by {sort!r}", todo=f"one of: {', '.join(SORTS)}")
    root = data_dir_of(None, data_dir)
    rows = _rows(_ledger(root), root)
    rows.sort(key=lambda row: row.opened_at if sort == "age" else getattr(row, sort), reverse=True)
    rows.sort(key=lambda row: row.closed_at != 0)
    shown = rows if everything else rows[:limit]
    if as_json:
        answer = [msgspec.to_builtins(row) for row in shown]
        out.emit({"opportunities": answer, "shown": len(shown), "total": len(rows)})
    elif as_csv:
        _csv(shown)
    else:
        _table(shown, len(rows))


@app.command()
def show(
    identity: Annotated[str, typer.Argument(metavar="ID")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
    certificate: Annotated[
        bool, typer.Option("--certificate", help="Only the certificate, as JSON.")
    ] = False,
) -> None:
    """Every number of one opportunity explained, with the rules of its markets."""
    import msgspec

    from dutchbook.cli.explain import binding, explain
    from dutchbook.optimize.ledger import row
    from dutchbook.optimize.prove import certificate_json
    from dutchbook.runtime.datadir import data_dir_of

    root = data_dir_of(None, data_dir)
    ledger = _ledger(root)
    one = ledger.found.get(identity.removeprefix("#"))
    if one is None:
        raise UsageError(f"no opportunity {identity} in {root}", todo="dutchbook opps --all")
    document = certificate_json(one.certificate)
    if certificate:
        out.emit(document)
        return
    markets = markets_of(root, {leg.instrument for leg in one.certificate.legs})
    line = row(one, _title(one, markets), ledger.at)
    if as_json:
        held = {"held": one.held, "binding": binding(one), "numbers": one.numbers}
        out.emit(msgspec.to_builtins(line) | {"best": one.best, **held, "certificate": document})
        return
    for text in explain(line, one, markets):
        print(text)


def _ledger(data_dir: Path) -> "Ledger":
    from dutchbook.optimize.ledger import fold
    from dutchbook.storage.reader import read_account

    return fold(read_account(data_dir))


def _rows(ledger: "Ledger", data_dir: Path) -> "list[Row]":
    from dutchbook.optimize.ledger import row

    ones = ledger.found.values()
    keys = {leg.instrument for one in ones for leg in one.certificate.legs}
    markets = markets_of(data_dir, keys)
    return [row(one, _title(one, markets), ledger.at) for one in ones]


def _title(one: "Opportunity", markets: "dict[str, Instrument]") -> str:
    """The event's title for a bundle, else that of the first market that the tape still knows."""
    if one.certificate.group is not None:
        return one.certificate.group.title
    keys = [leg.instrument for leg in one.certificate.legs]
    return next((markets[key].title for key in keys if key in markets), keys[0])


def markets_of(data_dir: Path, keys: set[str] | None) -> "dict[str, Instrument]":
    """What the tape said of these markets when it first listed them; None: of all of them."""
    from itertools import islice

    from dutchbook.domain.events import InstrumentListed
    from dutchbook.storage.reader import read_tape

    markets: dict[str, Instrument] = {}
    if keys is not None and not keys:
        return markets
    for step in islice(read_tape(data_dir), LISTED):
        event = step.event
        if not isinstance(event, InstrumentListed):
            continue
        if keys is None or event.instrument.key in keys:
            markets[event.instrument.key] = event.instrument
            if keys is not None and len(markets) == len(keys):
                break
    return markets


def _csv(rows: "list[Row]") -> None:
    import msgspec

    names = [name for name in msgspec.structs.asdict(rows[0]) if name != "legs"] if rows else []
    writer = csv.writer(sys.stdout)
    writer.writerow([*names, "legs"])
    for row in rows:
        legs = " + ".join(f"{leg['market']} {leg['outcome']} {leg['px']}" for leg in row.legs)
        writer.writerow([*(getattr(row, name) for name in names), legs])


def _table(rows: "list[Row]", total: int) -> None:
    from dutchbook.cli.explain import cents, cut, leg_text, percent

    if not rows:
        print("No opportunity yet. Why: dutchbook why")
        return
    titles = ("id", "kind", "event", "legs", "gross¢", "fees¢", "net¢", "$ max", "days", "APR")
    head: list[Any] = [*titles, "conf", "age", "state"]
    lines = [
        [
            row.id,
            row.kind,
            cut(row.title, 28),
            " + ".join(leg_text(leg) for leg in row.legs[:2]) + (" + …" if row.legs[2:] else ""),
            cents(row.gross),
            cents(row.fees),
            cents(row.net),
            f"{row.capital / 1e6:,.2f}",
            f"{row.days / 1e6:.1f}",
            percent(row.apr),
            percent(row.confidence),
            f"{row.age / 1e9:.1f}s",
            cut(row.state, 30),
        ]
        for row in rows
    ]
    widths = [max(len(str(line[i])) for line in [head, *lines]) for i in range(len(head))]
    for line in [head, *lines]:
        print("  ".join(str(cell).ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip())
    if len(rows) < total:
        print(f"{len(rows)} of {total}; all of them: dutchbook opps --all")
