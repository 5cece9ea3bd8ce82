"""`dutchbook run`: the main job."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from dutchbook.runtime.feeds import Addresses
    from dutchbook.runtime.live import Live
    from dutchbook.runtime.settings import Settings

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
    mode: Annotated[str, typer.Option(help="sim, paper or live")] = "",
    config: Annotated[Path | None, typer.Option(help="instead of dutchbook.toml")] = None,
    profile: Annotated[str, typer.Option(help="use [profiles.NAME]")] = "",
    live: Annotated[bool, typer.Option("--live", help="mode live: yes, with real money")] = False,
    role: Annotated[str, typer.Option(help="gateway: only serve the run in --data-dir")] = "",
    read_only: Annotated[bool, typer.Option("--read-only", help="gateway: reads only")] = False,
    child: Annotated[bool, typer.Option("--child", hidden=True)] = False,
    as_json: Annotated[bool, typer.Option("--json", help="last line: one JSON object")] = False,
) -> None:
    """Watch both exchanges, prove mispricings and trade them; say why others were passed over.

    Starts in simulation: no account, no key, no internet. Ctrl-C ends it in good order.
    """
    import os

    import uvloop

    if role or child:
        from dutchbook.cli.gateway import gateway

        gateway(config, profile, data_dir, mode, role, read_only=read_only, child=child)
        return
    from dutchbook.cli.gateway import beside
    from dutchbook.cli.out import emit, say
    from dutchbook.cli.screen import Screen
    from dutchbook.cli.spans import parse_span
    from dutchbook.domain.errors import UsageError
    from dutchbook.domain.units import SECOND
    from dutchbook.runtime.layers import load, reloaded
    from dutchbook.runtime.simulate import simulate

    if plants is not None and not plants.is_file():
        raise UsageError(
            f"no plants file {plants}", todo="name a JSON file, as docs/exchange.md shows"
        )
    span = parse_span(duration) / SECOND if duration else None
    given = {"seed": seed, "data_dir": data_dir, "mode": mode or None}
    texts = {key: str(value) for key, value in given.items() if value is not None}
    loaded = load(config, profile=profile, cli=texts)
    settings = loaded.settings
    held = _unlocked(settings, live)
    screen = Screen(settings, as_json)

    def prepared(live: "Live") -> None:
        live.reread = lambda: reloaded(config, loaded, profile=profile, cli=texts).settings

    def ready(live: "Live", addresses: "Addresses") -> None:
        prepared(live)
        screen.ready(live, addresses)

    screen.start()
    if settings.mode != "sim":
        from dutchbook.runtime.real import real

        told = uvloop.run(
            beside(
                loaded,
                real(
                    settings,
                    span,
                    watch=screen.watch,
                    ready=prepared,
                    say=lambda text: say(f"  {text}"),
                ),
            )
        )
        screen.end(told)
        for lock in held:
            os.close(lock)
        if as_json:
            emit(told)
        return
    work = simulate(
        settings,
        span,
        faults=faults,
        plants=plants,
        watch=screen.watch,
        ready=ready,
        reckoning=screen.reckoning,
        say=lambda text: say(f"  {text}"),
    )
    result = uvloop.run(beside(loaded, work))
    screen.end(result)
    if as_json:
        emit(result)


def _unlocked(settings: "Settings", live: bool) -> list[int]:
    """The locks of live accounts; mode live needs --live, a sealed record and a typed word."""
    from dutchbook.cli.confirm import confirm_live
    from dutchbook.domain.errors import ConfigError
    from dutchbook.runtime import binding

    if settings.mode != "live":
        if live:
            raise ConfigError(
                f"--live, but the mode is {settings.mode!r}", todo='set mode = "live" as well'
            )
        return []
    if not live:
        raise ConfigError(
            "mode live needs a second switch",
            why="real money is at stake, and a setting alone is easily left over",
            todo="./dutchbook run --mode live --live",
        )
    bound = binding.check(settings)
    confirm_live(bound.accounts)
    return binding.hold(bound.accounts)
