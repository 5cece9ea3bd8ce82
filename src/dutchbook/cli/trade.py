"""`dutchbook trade`: baskets of a running account: what was bought together, and how it went."""

from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(help="Baskets: list, show.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json")]
Dir = Annotated[Path | None, typer.Option("--data-dir", help="instead of the one set")]
Conf = Annotated[Path | None, typer.Option("--config", help="instead of dutchbook.toml")]


@app.callback()
def root() -> None:
    """Baskets of the run that is going on."""


@app.command("list")
def list_(
    data_dir: Dir = None,
    config: Conf = None,
    limit: Annotated[int, typer.Option(min=1, help="the newest so many")] = 50,
    as_json: Json = False,
) -> None:
    """Baskets, newest last: stage, what the certificate promised, what was locked in."""
    from dutchbook.cli.ask import money, question, show, size
    from dutchbook.cli.out import emit

    rows = question(config, data_dir, "baskets")[-limit:]
    if as_json:
        emit(rows)
        return
    table = [
        [r["id"], r["kind"], r["stage"], size(r["qty"]), str(len(r["legs"])), money(r["capital"]),
         money(r["promised"]), money(r["locked"]), r["why"]]
        for r in rows
    ]  # fmt: skip
    columns = ["id", "kind", "stage", "size", "legs", "capital", "promised", "locked", "why"]
    show("baskets", columns, table, "no basket was begun yet")


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="ID")],
    data_dir: Dir = None,
    config: Conf = None,
    as_json: Json = False,
) -> None:
    """One basket: legs as they were decided, and every order that was placed for it."""
    from dutchbook.cli.ask import question
    from dutchbook.cli.out import emit
    from dutchbook.domain.errors import UsageError

    found = [row for row in question(config, data_dir, "baskets") if row["id"] == name]
    if not found:
        raise UsageError(f"no basket {name!r}", todo="dutchbook trade list")
    orders = {row["id"]: row for row in question(config, data_dir, "all_orders")}
    row = found[0] | {"orders": [orders[order] for order in found[0]["orders"] if order in orders]}
    if as_json:
        emit(row)
        return
    _show(row)


def _show(row: dict[str, Any]) -> None:
    from dutchbook.cli.ask import cents, money, show, size
    from dutchbook.cli.out import say

    say(f"{row['id']}  {row['kind']}  {row['stage']}  {row['why']}")
    say(f"promised {money(row['promised'])}  locked {money(row['locked'])}")
    legs = [[key, outcome, cents(px), size(qty)] for key, outcome, px, qty in row["legs"]]
    show("legs", ["market", "outcome", "at most", "size"], legs, "no legs")
    orders = [
        [o["id"], o["purpose"], o["state"], o["key"][:40], f"{o['action']} {o['outcome']}",
         cents(o["px"]), size(o["qty"]), size(o["filled"]), money(o["paid"]), money(o["fees"])]
        for o in row["orders"]
    ]  # fmt: skip
    columns = ["id", "for", "state", "market", "order", "limit", "size", "filled", "paid", "fees"]
    show("orders", columns, orders, "no orders")
