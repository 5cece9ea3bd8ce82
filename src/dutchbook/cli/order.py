"""`dutchbook order`: the orders of a running account, and orders by hand."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(help="Orders: list, show, place, cancel, cancel-all.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json")]
Dir = Annotated[Path | None, typer.Option("--data-dir", help="instead of the one set")]
Conf = Annotated[Path | None, typer.Option("--config", help="instead of dutchbook.toml")]
Limit = Annotated[int, typer.Option(min=1, help="at most so many rows")]


@app.callback()
def root() -> None:
    """Orders of the run that is going on."""


@app.command("list")
def list_(
    data_dir: Dir = None,
    config: Conf = None,
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """Orders that may still fill, those of unknown fate among them."""
    from dutchbook.cli.ask import cents, question, show, size
    from dutchbook.cli.out import emit

    rows = question(config, data_dir, "orders")[:limit]
    if as_json:
        emit(rows)
        return
    columns = ["id", "state", "market", "order", "price", "size", "filled", "purpose", "why"]
    show("open orders", columns, [_row(row, cents, size) for row in rows], "no order is open")


def _row(row: dict[str, Any], cents: Any, size: Any) -> list[str]:
    what = f"{row['action']} {row['outcome']} {row['tif']}"
    head = [row["id"], row["state"], row["key"][:44], what, cents(row["px"]), size(row["qty"])]
    return [*head, size(row["filled"]), row["purpose"], row["why"]]


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="ID")],
    data_dir: Dir = None,
    config: Conf = None,
    as_json: Json = False,
) -> None:
    """One order with every field, alive or not."""
    from dutchbook.cli.ask import question
    from dutchbook.cli.out import emit, say
    from dutchbook.domain.errors import UsageError

    rows = [row for row in question(config, data_dir, "all_orders") if row["id"] == name]
    if not rows:
        raise UsageError(f"no order {name!r}", todo="dutchbook order list")
    if as_json:
        emit(rows[0])
        return
    for key, value in rows[0].items():
        say(f"{key:14} {value}")


@app.command()
def place(
    market: Annotated[str, typer.Argument(help="venue:symbol, as `market search` shows it")],
    outcome: Annotated[str, typer.Argument(help="yes or no")],
    size: Annotated[str, typer.Argument(help="contracts")],
    price: Annotated[str, typer.Argument(help="limit in dollars, 0.44")],
    sell: Annotated[bool, typer.Option(help="sell instead of buy")] = False,
    tif: Annotated[str, typer.Option(help="gtc, gtd, ioc or fok")] = "gtc",
    post_only: Annotated[bool, typer.Option(help="never take")] = False,
    reduce_only: Annotated[bool, typer.Option(help="only make a position smaller")] = False,
    seconds: Annotated[int, typer.Option(help="gtd: how long it may rest")] = 0,
    data_dir: Dir = None,
    config: Conf = None,
    as_json: Json = False,
) -> None:
    """Place a limit order by hand; it passes the same gate as every other. Exit 6: refused."""
    from dutchbook.cli.ask import command, told
    from dutchbook.domain.errors import UsageError
    from dutchbook.domain.units import ONE, micros

    try:
        request: dict[str, Any] = {
            "key": market, "outcome": outcome.lower(), "qty": micros(size), "px": micros(price),
            "action": "sell" if sell else "buy", "tif": tif, "post_only": post_only,
            "reduce_only": reduce_only, "seconds": seconds,
        }  # fmt: skip
    except ValueError as error:
        raise UsageError(str(error), todo="write plain numbers: 25 0.44") from error
    if not 0 < request["px"] < ONE:
        raise UsageError(f"{price} is no price", todo="say dollars between 0 and 1: 0.44")
    told(command(config, data_dir, "order", json.dumps(request)), as_json)


@app.command()
def cancel(
    name: Annotated[str, typer.Argument(metavar="ID")],
    data_dir: Dir = None,
    config: Conf = None,
    as_json: Json = False,
) -> None:
    """Ask the venue to end what is left of an order."""
    from dutchbook.cli.ask import command, told

    told(command(config, data_dir, "cancel", name), as_json)


@app.command("cancel-all")
def cancel_all(
    venue: Annotated[str, typer.Argument(help="one venue; empty: every")] = "",
    data_dir: Dir = None,
    config: Conf = None,
    as_json: Json = False,
) -> None:
    """Ask the venues to end every open order."""
    from dutchbook.cli.ask import command, told

    told(command(config, data_dir, "cancel_all", venue), as_json)
