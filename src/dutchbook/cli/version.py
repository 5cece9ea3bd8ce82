"""`dutchbook version`: what is installed."""

from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def version(as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Print the versions of dutchbook and of what it stands on."""
    import platform
    from importlib.metadata import version as installed

    from dutchbook import __version__
    from dutchbook.cli.out import emit

    names = ("msgspec", "numpy", "numba", "websockets", "httpx2", "cryptography", "uvloop")
    parts = {"dutchbook": __version__, "python": platform.python_version()}
    parts |= {name: installed(name) for name in names}
    if as_json:
        emit(parts)
        return
    for name, number in parts.items():
        print(f"{name:14} {number}")
