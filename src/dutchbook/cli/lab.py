"""`dutchbook lab`: experiments whose figures anybody can repeat."""

from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(no_args_is_help=True, help="Experiments with figures.")


@app.callback()
def lab() -> None:
    """Experiments whose figures anybody can repeat."""


@app.command()
def equivalence(
    pairs: Annotated[
        Path | None, typer.Option(help="labelled pairs, one JSON object a line")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(envvar="DUTCHBOOK_DATA", help="folder of recorded data")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Do two markets state one claim, and settle alike? Precision and recall on labelled pairs."""
    from dutchbook.cli.out import emit
    from dutchbook.runtime.equivalence import report

    document = report(data, pairs)
    if as_json:
        emit(document)
        return
    _show("measured" if pairs else "held out", document)
    for name in ("seen", "all", "live_false_positives", "strike_pairs", "settlement"):
        if name in document:
            _show(name.replace("_", " "), document[name])


@app.command("fit-bias")
def fit_bias(
    data: Annotated[
        Path | None, typer.Option(envvar="DUTCHBOOK_DATA", help="folder of recorded data")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="write the table there")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """How often prices were right: a calibration table fitted on settled markets, and checked."""
    from dutchbook.cli.out import emit, say
    from dutchbook.lab.bias_report import report

    say("reading, fitting, and fitting again five times for the check: some seconds")
    document = report(data, out)
    if as_json:
        emit(document)
        return
    for source in document["sources"]:
        print(f"{source['observations']:>7} observations  {source['file']}")
    for role in ("maker", "taker", "quoted"):
        part = document["check"].get(role)
        for loss in ("brier", "log_loss") if part else ():
            row = part[loss]
            print(
                f"{role:7} {loss:9} price {row['price']:.5f}  table {row['table']:.5f}"
                f"  better by {row['better']:+.5f} (standard error {row['error']:.5f})"
            )
    print("excess of the share won over the price, in cents, with its 95 % interval:")
    for cell in document["cells"]:
        low, high = cell["interval_95"]
        where = f"{cell['role']} {cell['outcome']} {cell['category'] or '(any other)'}"
        print(
            f"  {where:30} {cell['horizon']:10} at {cell['px'] / 10_000:5.1f}"
            f" {cell['mean'] / 10_000:+6.2f} [{low / 10_000:+.2f}, {high / 10_000:+.2f}]"
            f"  {cell['trades']} trades in {cell['clusters']} clusters"
        )


@app.command()
def census(
    data: Annotated[
        Path | None, typer.Option(envvar="DUTCHBOOK_DATA", help="folder of recorded data")
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="files of each source; 0: all")] = 0,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """What each kind of arbitrage finds in recorded books, before and after fees and depth."""
    from dutchbook.cli.out import emit, say
    from dutchbook.lab.census_report import report
    from dutchbook.runtime import kernels

    kernels.ready(say)
    document = report(data, limit, say)
    if as_json:
        emit(document)
        return
    parts = [("streams of books", {"kinds": document["streams_total"]})]
    parts += [(name, document[name]) for name in ("snapshots", "nested") if name in document]
    for name, part in parts:
        print(name)
        for kind, one in part["kinds"].items():
            print(f"  {kind}: looked at {one['looked']} times")
            for stage in ("before_fees", "after_fees"):
                row = one[stage]
                lasting = f", {row['lasting']} of 0.5 s and more" if "lasting" in row else ""
                print(
                    f"    {stage.replace('_', ' '):12} {row['count']:>6} stretches{lasting}; best"
                    f" {row['best_edge'] / 10_000:.2f} %, in all ${row['profit'] / 1_000_000:,.2f}"
                )


def _show(name: str, part: dict[str, Any]) -> None:
    from dutchbook.cli.out import safe

    print(f"{name}: {part['pairs']} pairs, false same {part['false_same']}")
    for figure in ("precision", "recall"):
        if figure in part:
            low, high = part[figure]["interval_95"]
            value = part[figure]["value"]
            shown = "-" if value is None else f"{value:.1%}"
            counted = f"{part[figure]['hits']} of {part[figure]['of']}"
            print(f"  {figure:10} {shown:>7}  {counted:>12}  95 % {low:.1%} to {high:.1%}")
    for label, row in part.get("confusion", {name: part.get("verdicts", {})}).items():
        print(f"  {label:10} " + ", ".join(f"{count} {verdict}" for verdict, count in row.items()))
    for error in part["errors"]:
        print(f"    {safe(error['a'])} | {safe(error['b'])}")
        if "why" in error:
            print(f"      {error['label']}, said {error['verdict']}: {safe(error['why'])}")
