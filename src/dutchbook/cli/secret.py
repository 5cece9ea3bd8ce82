"""`dutchbook secret`: keys, kept encrypted; a value is never an argument and never shown."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from dutchbook.storage.vault import Secrets

app = typer.Typer(help="Secrets: set, list, rm, rotate.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json")]
Conf = Annotated[Path | None, typer.Option("--config", help="instead of dutchbook.toml")]


@app.callback()
def root() -> None:
    """Keys of venues (kalshi.key, polymarket.key) and other secrets, encrypted on this machine."""


def opened(config: Path | None) -> "Secrets":
    """The secrets of these settings: beside the data directories."""
    from dutchbook.runtime.keys import secrets_of
    from dutchbook.runtime.layers import load

    return secrets_of(load(config).settings)


@app.command("set")
def set_(
    name: Annotated[str, typer.Argument(help="kalshi.key, polymarket.key, ...")],
    file: Annotated[Path | None, typer.Option(help="read it from a file")] = None,
    config: Conf = None,
    as_json: Json = False,
) -> None:
    """Keep a secret: from a file, from standard input, or typed where nobody sees it."""
    import getpass

    from dutchbook.cli.out import emit, say
    from dutchbook.domain.secret import Secret

    if file is not None:
        value = Secret(file.read_bytes())
    elif sys.stdin.isatty():
        value = Secret(getpass.getpass(f"{name}: "))
    else:
        value = Secret(sys.stdin.read().rstrip("\n"))
    version = opened(config).set(name, value)
    say(f"{name} is kept, version {version}")
    if as_json:
        emit({"name": name, "version": version})


@app.command("list")
def list_(config: Conf = None, as_json: Json = False) -> None:
    """The names of what is kept."""
    from dutchbook.cli.out import emit, say

    names = opened(config).names()
    if as_json:
        emit(names)
        return
    for name in names:
        print(name)
    if not names:
        say("no secret is kept; dutchbook secret set NAME")


@app.command()
def rm(name: str, config: Conf = None, as_json: Json = False) -> None:
    """Forget a secret."""
    from dutchbook.cli.out import emit, say

    opened(config).remove(name)
    say(f"{name} is gone")
    if as_json:
        emit({"name": name})


@app.command()
def rotate(config: Conf = None, as_json: Json = False) -> None:
    """Put all of them under a new outer key: the old key no longer opens them."""
    from dutchbook.cli.out import emit, say
    from dutchbook.runtime.keys import new_passphrase

    count = opened(config).rotate(new_passphrase())
    say(f"{count} secret(s) are under a new key")
    if as_json:
        emit({"rotated": count})
