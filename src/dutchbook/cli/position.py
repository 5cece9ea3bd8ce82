"""`dutchbook position`: what a running account holds, and closing it."""

import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Positions: list, close.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json")]
Dir = Annotated[Path | None, typer.Option("--data-dir", help="instead of the one set")]
Conf = Annotated[Path | None, typer.Option("--config", help="instead of dutchbook.toml")]


@app.callback()
def root() -> None:
    """Positions of the run that is going on."""


@app.command("list")
def list_(
    data_dir: Dir = None,
    config: Conf = None,
    as_json: Json = False,
) -> None:
    """Contracts held, what they cost, and what their book pays for one now."""
    from dutchbook.cli.ask import cents, money, question, show, size
    from dutchbook.cli.out import emit

    rows = question(config, data_dir, "positions")
    if as_json:
        emit(rows)
        return
    table = [
        [
            r["key"][:44],
            r["outcome"],
            size(r["qty"]),
            money(r["cost"]),
            cents(r["bid"]),
            r["title"][:40],
        ]
        for r in rows
    ]
    columns = ["market", "outcome", "size", "cost", "bid", "title"]
    show("positions", columns, table, "nothing is held")


@app.command()
def close(
    market: Annotated[str, typer.Argument(help="venue:symbol")],
    outcome: Annotated[str, typer.Argument(help="yes or no")],
    data_dir: Dir = None,
    config: Conf = None,
    as_json: Json = False,
) -> None:
    """Sell what is held of an outcome at its book's best price. Exit 6: refused."""
    from dutchbook.cli.ask import command, question, told
    from dutchbook.domain.errors import UsageError

    held = [
        row
        for row in question(config, data_dir, "positions")
        if (row["key"], row["outcome"]) == (market, outcome.lower())
    ]
    if not held:
        raise UsageError(f"nothing is held of {market} {outcome}", todo="dutchbook position list")
    if not held[0]["bid"]:
        raise UsageError(f"nobody bids for {market} {outcome} now", todo="place a resting order")
    request = {
        "key": market, "outcome": outcome.lower(), "qty": held[0]["sellable"], "px": held[0]["bid"],
        "action": "sell", "tif": "ioc", "reduce_only": True,
    }  # fmt: skip
    told(command(config, data_dir, "order", json.dumps(request)), as_json)
