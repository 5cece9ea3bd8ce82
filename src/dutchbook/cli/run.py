"""`dutchbook run`: the main job."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def run(
    duration: Annotated[
        str, typer.Option("--for", metavar="TIME", help="end by itself: 30s, 5m, 2h")
    ] = "",
    seed: Annotated[int | None, typer.Option(help="seed of the pretend exchanges")] = None,
    plants: Annotated[
        Path | None, typer.Option(help="mispricings to plant, instead of the generator's own")
    ] = None,
    faults: Annotated[str, typer.Option(metavar="PROFILE", help="none, rough or storm")] = "none",
    data_dir: Annotated[Path | None, typer.Option(help="where the record is kept")] = None,
    mode: Annotated[str, typer.Option(help="sim: both exchanges emulated on this machine")] = "",
    config: Annotated[Path | None, typer.Option(help="instead of dutchbook.toml")] = None,
    profile: Annotated[str, typer.Option(help="use [profiles.NAME]")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="last line: one JSON object")] = False,
) -> None:
    """Watch both exchanges, prove mispricings and trade them; say why others were passed over.

    Starts in simulation: no account, no key, no internet. Ctrl-C ends it in good order.
    """
    import uvloop

    from dutchbook.cli.out import emit, say
    from dutchbook.cli.screen import Screen
    from dutchbook.cli.spans import parse_span
    from dutchbook.domain.errors import ConfigError, UsageError
    from dutchbook.domain.units import SECOND
    from dutchbook.runtime.layers import load
    from dutchbook.runtime.simulate import simulate

    if plants is not None and not plants.is_file():
        raise UsageError(
            f"no plants file {plants}", todo="name a JSON file, as docs/exchange.md shows"
        )
    span = parse_span(duration) / SECOND if duration else None
    given = {"seed": seed, "data_dir": data_dir, "mode": mode or None}
    texts = {key: str(value) for key, value in given.items() if value is not None}
    settings = load(config, profile=profile, cli=texts).settings
    if settings.mode != "sim":
        raise ConfigError(
            f"mode {settings.mode!r} can't be run yet",
            why="paper accounts and the checklist of going live are not finished; see LIMITS.md",
            todo="use mode sim, or `dutchbook record` to keep a venue's frames",
        )
    screen = Screen(settings, as_json)
    screen.start()
    result = uvloop.run(
        simulate(
            settings,
            span,
            faults=faults,
            plants=plants,
            watch=screen.watch,
            ready=screen.ready,
            reckoning=screen.reckoning,
            say=lambda text: say(f"  {text}"),
        )
    )
    screen.end(result)
    if as_json:
        emit(result)
