"""`dutchbook position`: what a running account holds, its risk and hedges, and closing it."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(help="Positions: list, risk, hedge, close, exit.", no_args_is_help=True)
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
def risk(data_dir: Dir = None, config: Conf = None, as_json: Json = False) -> None:
    """Value at risk and expected shortfall at 95 and 99 %, and the worst case, by event."""
    from dutchbook.cli.ask import cents, money, question, show
    from dutchbook.cli.out import emit, safe, say

    found = question(config, data_dir, "risk")
    if as_json:
        emit(found)
        return

    def line(name: str, row: dict[str, Any]) -> list[str]:
        tails = [tail[kind] for tail in row["tails"] for kind in ("var", "es")]
        sums = (row["cost"], row["worst_loss"], *tails, row["mean"])
        return [name[:40], *(money(round(one, -4)) for one in sums)]

    rows = [line(row["event"], row) for row in found["events"]]
    columns = ["event", "cost", "worst loss", "VaR 95", "ES 95", "VaR 99", "ES 99", "expected"]
    show("losses until all has settled", columns, rows and [*rows, line("all", found)],
         "nothing is held")  # fmt: skip
    if found["draws"]:
        say(f"all: from {found['draws']:,} draws; single events are exact")
    if found["unpriced"]:
        say("without a quote, taken at cost: " + ", ".join(map(safe, found["unpriced"])))
    for row in found["events"]:
        if row["loose"]:
            say(f"{safe(row['event'])}: links set aside, {row['loose']}")
        elif row["misfit"] >= 50_000:
            off = cents(round(row["misfit"], -3))
            say(f"{safe(row['event'])}: prices contradict the links by up to {off}")


@app.command()
def hedge(
    market: Annotated[str | None, typer.Argument(metavar="[KEY]", help="venue:symbol")] = None,
    data_dir: Dir = None,
    config: Conf = None,
    as_json: Json = False,
) -> None:
    """Purchases that lower the worst-case loss, cheapest per dollar of it first."""
    from dutchbook.cli.ask import cents, money, question, show, size
    from dutchbook.cli.out import emit
    from dutchbook.domain.errors import UsageError

    if market and all(row["key"] != market for row in question(config, data_dir, "positions")):
        raise UsageError(f"nothing is held of {market}", todo="dutchbook position list")
    rows = [
        row
        for row in question(config, data_dir, "hedges")
        if market is None or market in row["covers"]
    ]
    if as_json:
        emit(rows)
        return
    table = [
        [
            row["kind"],
            "\n".join(f"{leg['key'][:36]} {leg['outcome']}" for leg in row["legs"]),
            "\n".join(f"{size(leg['qty'])} at {cents(leg['px'])}" for leg in row["legs"]),
            money(row["cost"]),
            f"{money(row['before'])} to {money(row['after'])}",
            money(round(row["rate"], -4)),
            row["title"][:32],
        ]
        for row in rows
    ]
    columns = ["hedge", "buy", "size", "cost", "worst loss", "per $1 less", "covers"]
    show("hedges", columns, table, "no purchase lowers the worst case")


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


@app.command("exit")
def exit_(
    market: Annotated[str, typer.Argument(help="venue:symbol")],
    outcome: Annotated[str, typer.Argument(help="yes or no")],
    data_dir: Dir = None,
    config: Conf = None,
    as_json: Json = False,
) -> None:
    """Sell what is held by hand of an outcome, and whole each basket that has it. Exit 6: refused.

    Unlike `close` it leaves no basket with a leg missing.
    """
    from dutchbook.cli.ask import command, told

    told(command(config, data_dir, "exit", market, outcome.lower()), as_json)
