"""`dutchbook bench`: measure the promises of the performance table, and say which ones hold."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from dutchbook.cli.out import emit, say
from dutchbook.domain.errors import UsageError

app = typer.Typer(add_completion=False)


@app.command()
def bench(
    name: Annotated[str, typer.Argument(help="one bench; all when left out")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="rows as one JSON object")] = False,
    peer_python: Annotated[
        Path | None, typer.Option(help="a Python that has nautilus_trader, to compare with")
    ] = None,
    quick: Annotated[bool, typer.Option(help="a tenth of the work: a look")] = False,
) -> None:
    """Measure the promises; ratios are against a peer in the same run."""
    harness = _harness()
    if name and name not in harness.BENCHES:
        known = ", ".join(harness.BENCHES)
        raise UsageError(f"no bench named {name!r}", todo=f"use one of {known}")
    if peer_python is not None and not peer_python.exists():
        raise UsageError(f"no such Python: {peer_python}")
    names = [name] if name else list(harness.BENCHES)
    with harness.context(say, peer_python, quick) as context:
        rows = harness.run(names, context)
    if as_json:
        import msgspec

        emit({"rows": msgspec.to_builtins(rows)})
    else:
        _table(rows)


def _harness() -> Any:
    """The benches, which lie beside the checkout and are not part of an installed package."""
    root = Path(__file__).resolve().parents[3]
    if not (root / "bench" / "harness.py").exists():
        raise UsageError(
            "no benchmarks here", why=f"{root / 'bench'} is absent: they come with the source",
            todo="run ./dutchbook bench in a checkout",
        )  # fmt: skip
    sys.path.insert(0, str(root))
    from importlib import import_module

    return import_module("bench.harness")


def _table(rows: list[Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("what", "measured", "unit", "goal", "holds", "peer", "ratio")
    for row in rows:
        holds = {True: "yes", False: "NO", None: ""}[row.holds]
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}x"
        measured = f"{row.value:,.3f}".rstrip("0").rstrip(".")
        table.add_row(row.name, measured, row.unit, row.goal or "", holds, row.peer or "", ratio)
    Console().print(table)
