"""The noun `config`: what the settings are, where each comes from, and how to change one."""

from pathlib import Path
from typing import Annotated

import typer

from dutchbook.cli.out import emit, safe, say

app = typer.Typer(no_args_is_help=True, help="Settings and where each comes from.")

File = Annotated[Path | None, typer.Option("--config", help="instead of dutchbook.toml")]
Profile = Annotated[str, typer.Option("--profile", help="use [profiles.NAME]")]
Json = Annotated[bool, typer.Option("--json", help="one JSON object on the last line")]


def _file(config: Path | None) -> Path:
    from dutchbook.runtime.layers import FILE

    return config or Path(FILE)


@app.command()
def init(config: File = None, json: Json = False) -> None:
    """Write a commented dutchbook.toml."""
    from dutchbook.runtime.config_file import write_new

    file = _file(config)
    write_new(file)
    say(f"wrote {file}: every key shows its default; take the # away to change one")
    say("people change first: mode, venues.kalshi.key_id and key_file, arbitrage.edge_min,")
    say("arbitrage.capital_max, data_dir")
    if json:
        emit({"file": str(file)})


@app.command()
def show(
    config: File = None,
    profile: Profile = "",
    origin: Annotated[bool, typer.Option("--origin", help="say where each value is from")] = False,
    json: Json = False,
) -> None:
    """Every setting as it holds now; secrets are never shown."""
    from dutchbook.runtime.layers import load
    from dutchbook.runtime.leaves import nested

    loaded = load(config, profile=profile)
    values = loaded.shown()
    if json:
        answer = {"file": str(loaded.file) if loaded.file else None, "settings": nested(values)}
        emit(answer | ({"origins": loaded.origins} if origin else {}))
        return
    say(f"file: {loaded.file or 'none found; dutchbook config init writes one'}")
    wide = max(map(len, values))
    for path, value in values.items():
        note = f"  # {loaded.origins[path]}" if origin else ""
        print(safe(f"{path:{wide}} = {_written(value)}{note}"))


@app.command()
def get(path: str, config: File = None, profile: Profile = "", json: Json = False) -> None:
    """One setting, such as arbitrage.edge_min."""
    from dutchbook.runtime.layers import load
    from dutchbook.runtime.leaves import find

    find(path, "config get")
    loaded = load(config, profile=profile)
    value = loaded.shown()[path]
    if json:
        emit({"key": path, "value": value, "origin": loaded.origins[path]})
    else:
        print(safe(_written(value)))


@app.command("set")
def set_(
    path: str, value: str, config: File = None, profile: Profile = "", json: Json = False
) -> None:
    """Change one setting in the file; its comments stay."""
    from dutchbook.domain.errors import UsageError
    from dutchbook.runtime.config_file import set_value
    from dutchbook.runtime.leaves import find

    if find(path, "config set").kind == "secret":
        raise UsageError(
            f"{path} is a secret",
            why="a command line can be read by every process of this machine",
            todo="write it into a file of mode 0600 and name that file",
        )
    set_value(_file(config), path, value, profile=profile)
    say(f"{_file(config)}: {path} = {value}")
    if json:
        emit({"file": str(_file(config)), "key": path, "value": value})


@app.command()
def validate(config: File = None, json: Json = False) -> None:
    """Check the file with each of its profiles, and then all of the settings as they hold."""
    from dutchbook.runtime import config_file
    from dutchbook.runtime.layers import load

    file = _file(config)
    profiles = config_file.validate(file) if config or file.exists() else []
    loaded = load(config)
    say(f"{loaded.file or 'no file'}: good; profiles: {', '.join(profiles) or 'none'}")
    if json:
        emit({"file": str(loaded.file) if loaded.file else None, "profiles": profiles, "ok": True})


@app.command()
def schema() -> None:
    """The JSON Schema of dutchbook.toml, for editors."""
    from dutchbook.runtime.settings import schema as make

    emit(make())


@app.command()
def path(config: File = None, json: Json = False) -> None:
    """The file that is read."""
    file = _file(config).absolute()
    if json:
        emit({"file": str(file), "exists": file.is_file()})
    else:
        print(safe(f"{file}{'' if file.is_file() else '  (not there: defaults)'}"))


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
