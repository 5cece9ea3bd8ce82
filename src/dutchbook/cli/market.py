"""`dutchbook market`: search, show, book, pairs; read from the record of the last run."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dutchbook.cli.pairs import pairs

if TYPE_CHECKING:
    from dutchbook.domain.instrument import Instrument

app = typer.Typer(no_args_is_help=True, help="Search markets, show one, show its book; pairs.")
app.command()(pairs)
DataDir = Annotated[Path | None, typer.Option(help="instead of the one set")]
Json = Annotated[bool, typer.Option("--json")]


@app.command()
def search(
    words: Annotated[list[str] | None, typer.Argument(help="all must occur")] = None,
    limit: Annotated[int, typer.Option(min=1)] = 40,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Markets whose key, title or outcome hold all words."""
    from rich.console import Console
    from rich.table import Table

    from dutchbook.cli.out import emit, safe
    from dutchbook.runtime.datadir import Markets, data_dir_of

    found = Markets(data_dir_of(None, data_dir)).search(" ".join(words or []))
    if as_json:
        emit({"found": len(found), "markets": [_plain(one) for one in found[:limit]]})
        return
    table = Table("key", "question", "outcome", "status", "category", title=f"{len(found)} markets")
    for one in found[:limit]:
        fields = (one.key, one.title[:60], one.outcome[:24], one.status, one.category)
        table.add_row(*(safe(field) for field in fields))
    Console().print(table)


@app.command()
def show(
    market: Annotated[str, typer.Argument(help="key, symbol or part of it")],
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Everything that is known of one market: question, rules, grid, fees, times."""
    from dutchbook.cli.out import emit, safe
    from dutchbook.runtime.datadir import Markets, data_dir_of

    one = Markets(data_dir_of(None, data_dir)).find(market)
    if as_json:
        emit(_plain(one))
        return
    for name, value in _plain(one).items():
        print(f"{name:10} {safe(str(value))}")


@app.command()
def book(
    market: Annotated[str, typer.Argument(help="key, symbol or part of it")],
    levels: Annotated[int, typer.Option(min=1, max=10_000)] = 10,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """The book of a market as last recorded: prices of YES in cents, sizes in contracts."""
    from dutchbook.cli.out import emit, safe
    from dutchbook.domain.units import ONE, plain
    from dutchbook.runtime.datadir import Markets, data_dir_of

    root = data_dir_of(None, data_dir)
    one = Markets(root).find(market)
    record = Markets(root, books_of=one.key)
    sides: list[dict[str, Any]] = []
    for token, name in enumerate(("yes", "no")[: max(1, len(one.tokens))]):
        bids, asks = record.book(one.key, token).depth(levels)
        sides.append({"token": name, "bids": bids, "asks": asks})
    if as_json:
        texts = [
            {
                "token": side["token"],
                **{s: [[plain(p), plain(q)] for p, q in side[s]] for s in ("bids", "asks")},
            }
            for side in sides
        ]
        emit({"market": one.key, "at": record.at, "books": texts})
        return
    print(f"{safe(one.title)} [{safe(one.outcome)}]  {one.key}")
    for side in sides:
        print(f"  {side['token'].upper()} book, in terms of YES")
        for px, qty in reversed(side["asks"]):
            print(f"    ask {px / 10_000:8.2f}¢  {qty / ONE:>14,.2f}")
        for px, qty in side["bids"]:
            print(f"    bid {px / 10_000:8.2f}¢  {qty / ONE:>14,.2f}")


def _plain(one: "Instrument") -> dict[str, Any]:
    import msgspec

    values = {name: getattr(one, name) for name in one.__struct_fields__}
    return {name: msgspec.to_builtins(value) for name, value in values.items()}
