"""`dutchbook strategy`: what each strategy does and brings; switching it while a run goes on."""

from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json")]
Dir = Annotated[Path | None, typer.Option("--data-dir", help="instead of the one set")]
Conf = Annotated[Path | None, typer.Option("--config", help="instead of dutchbook.toml")]
Name = Annotated[str, typer.Argument(help="a strategy, as `strategy list` has it")]


def _rows(config: Path | None, data_dir: Path | None) -> list[dict[str, Any]]:
    """From the run, or from the record where nothing runs."""
    from dutchbook.cli.ask import question
    from dutchbook.domain.errors import NotRunning
    from dutchbook.runtime.datadir import data_dir_of
    from dutchbook.runtime.layers import load
    from dutchbook.runtime.strategies import read_only, rows

    try:
        found: list[dict[str, Any]] = question(config, data_dir, "strategies")
    except NotRunning:
        root = data_dir_of(config, data_dir)
        engine = read_only(load(config).settings, root)
        found = rows(engine)
    return found


@app.command("list")
def list_(data_dir: Dir = None, config: Conf = None, as_json: Json = False) -> None:
    """All strategies: whether they work, what they hold, what came of them."""
    from dutchbook.cli.ask import money, show, size
    from dutchbook.cli.out import emit

    found = _rows(config, data_dir)
    if as_json:
        emit(found)
        return
    columns = ["name", "works", "quotes", "held", "fills", "expected", "realised", "hits"]
    table = [
        [
            row["name"], "yes" if row["enabled"] else "no",
            str(row.get("quotes", "")), money(row["cost"]),
            str(row.get("fills", row.get("baskets", ""))), money(row["expected"]),
            money(row["realised"]), f"{size(row['hit_rate'] * 100)} %",
        ]
        for row in found
    ]  # fmt: skip
    show("strategies", columns, table, "there are none")


@app.command("show")
def show_(
    name: Name,
    against: Annotated[
        Path | None, typer.Option(help="another record, say that of mode paper: how both differ")
    ] = None,
    data_dir: Dir = None,
    config: Conf = None,
    as_json: Json = False,
) -> None:
    """One strategy: parameters, capacity, positions, edge expected and realised."""
    from dutchbook.cli.ask import money
    from dutchbook.cli.out import emit, safe, say
    from dutchbook.domain.errors import UsageError
    from dutchbook.runtime.capacity import lines
    from dutchbook.runtime.layers import load
    from dutchbook.runtime.strategies import drift

    found = _rows(config, data_dir)
    row = next((one for one in found if one["name"] == name), None)
    if row is None:
        known = ", ".join(one["name"] for one in found)
        raise UsageError(f"there is no strategy {name!r}", todo=f"there is {known or 'none'}")
    if against is not None:
        if not against.is_dir():
            raise UsageError(f"there is no record in {against}", todo="name its data directory")
        row["drift"] = drift(load(config).settings, [row], against)
    if as_json:
        emit(row)
        return
    for key, value in row.items():
        if key == "capacity":
            by_edge = value["by_edge"]
            parts = [f"{name} {money(value[name])}" for name in ("budget", "used", "free")]
            say(f"{key:>16}  {', '.join(parts)}; of what was asked for at which edge:")
            for line in lines(by_edge):
                say(f"{'':>16}  {line}")
        else:
            say(f"{key:>16}  {safe(str(value))}")


@app.command()
def enable(name: Name, data_dir: Dir = None, config: Conf = None, as_json: Json = False) -> None:
    """Let it work, until it is disabled again; holds over a restart."""
    _command(config, data_dir, as_json, "enable", name)


@app.command()
def disable(name: Name, data_dir: Dir = None, config: Conf = None, as_json: Json = False) -> None:
    """Pull its quotes and ask it no more; what it holds stays. Holds over a restart."""
    _command(config, data_dir, as_json, "disable", name)


@app.command()
def reset(name: Name, data_dir: Dir = None, config: Conf = None, as_json: Json = False) -> None:
    """Take back what commands changed: the settings hold again."""
    _command(config, data_dir, as_json, "reset", name)


@app.command("set")
def set_(
    name: Name,
    changes: Annotated[list[str], typer.Argument(metavar="KEY=VALUE...", help="as in the file")],
    data_dir: Dir = None,
    config: Conf = None,
    as_json: Json = False,
) -> None:
    """Change parameters of the run; dutchbook.toml stays as it is. Exit 6: refused."""
    import json

    from dutchbook.domain.errors import UsageError
    from dutchbook.runtime.leaves import find, read

    given: dict[str, Any] = {}
    for change in changes:
        key, equals, text = change.partition("=")
        if not equals:
            raise UsageError(f"{change!r} is no change", todo="say KEY=VALUE, as in spread=0.05")
        leaf = find(f"strategies.{name}.{key}", "strategy set")
        given[key] = read(leaf, text, "strategy set", text=True)
    _command(config, data_dir, as_json, "set", name, json.dumps(given))


@app.command()
def reload(data_dir: Dir = None, config: Conf = None, as_json: Json = False) -> None:
    """Read the settings of all strategies again, as SIGHUP does; commands are taken back."""
    import getpass

    from dutchbook.cli.ask import command, told
    from dutchbook.runtime.layers import reloaded
    from dutchbook.runtime.strategies import reload_of

    asked = reload_of(reloaded(config).settings, getpass.getuser())
    told(command(config, data_dir, asked.verb, *asked.args), as_json)


def _command(config: Path | None, data_dir: Path | None, as_json: bool, *words: str) -> None:
    from dutchbook.cli.ask import command, told

    told(command(config, data_dir, "strategy", *words), as_json)
