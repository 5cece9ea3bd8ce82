"""`dutchbook exchange serve`: the pretend exchanges, to test one's own programs against."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from dutchbook.emulators.feed import Feed
    from dutchbook.emulators.server import Options

app = typer.Typer(help="Serve a pretend Kalshi or Polymarket.", no_args_is_help=True)


@app.callback()
def root() -> None:
    """Pretend exchanges that speak the venues' protocols, fed by a seeded market or a tape."""


@app.command()
def serve(
    which: Annotated[str, typer.Argument(help="kalshi, polymarket or both")],
    seed: Annotated[int, typer.Option(help="market, plants, keys and faults follow from it")] = 1,
    port: Annotated[int, typer.Option(help="first of six ports; 0 picks free ones")] = 0,
    tape: Annotated[Path | None, typer.Option(help="play this recording instead")] = None,
    plants: Annotated[Path | None, typer.Option(help="mispricings to plant, JSON")] = None,
    faults: Annotated[str, typer.Option(help="none, rough or storm")] = "none",
    tier: Annotated[str, typer.Option(help="Kalshi rate tier: basic, advanced, premier")] = "basic",
    data_dir: Annotated[Path, typer.Option(help="keys and logs go to DIR/sim")] = Path(
        "data/exchange"
    ),
    child: Annotated[bool, typer.Option("--child", hidden=True)] = False,
) -> None:
    """Serve until interrupted, or until the process that started this one has ended.

    The first line of standard output is one JSON object with all addresses and files.
    """
    import os

    parent = os.getppid()
    import uvloop

    from dutchbook.emulators.server import Options

    options = Options(which, seed, port, data_dir / "sim", faults, tier)
    uvloop.run(_serve(options, _feed(seed, tape, plants), parent, child))


async def _serve(options: "Options", feed: "Feed", parent: int, child: bool) -> None:
    from dutchbook.cli.out import emit, say
    from dutchbook.emulators.lifetime import until_told
    from dutchbook.emulators.server import Exchange

    exchange = Exchange(options, feed)
    try:
        addresses = await exchange.start()
        emit(addresses)
        say(
            f"serving {options.which}: {len(feed.markets)} markets, seed {options.seed}, "
            f"faults {options.faults}; logs in {options.folder}"
        )
        why = await until_told(exchange.failed(), parent, child, exchange.quiet)
    finally:
        await exchange.stop()
    say(f"stopped: {why}; {exchange.updates} updates, {exchange.log.sent_frames} frames sent")


def _feed(seed: int, tape: Path | None, plants: Path | None) -> "Feed":
    from dutchbook.emulators import source

    if tape is None:
        return source.generated(seed, plants.read_bytes() if plants else None)
    from dutchbook.runtime.recorded import Raw, read

    return source.recorded((r.stream, r.at, r.data) for r in read(tape) if isinstance(r, Raw))
