"""The verb `record`: keep the raw frames of the venues, to replay and decode later."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from dutchbook.cli.out import emit, say

app = typer.Typer(help="Keep the raw frames of the venues.")
QUIET_EVERY = 10
"""Where nobody watches, a line of progress every this many seconds."""


class Which(StrEnum):
    """Which venues."""

    kalshi = "kalshi"
    polymarket = "polymarket"
    both = "both"


@app.command()
def record(
    venue: Annotated[Which, typer.Option(help="which venue")] = Which.both,
    span: Annotated[str, typer.Option("--for", help="how long: 60s, 5m, 2h")] = "60s",
    data_dir: Annotated[str, typer.Option(help="instead of the one set")] = "",
    addresses: Annotated[
        str, typer.Option(help="emulators: a file, or the JSON that they print")
    ] = "",
    config: Annotated[Path | None, typer.Option(help="instead of dutchbook.toml")] = None,
    profile: Annotated[str, typer.Option(help="use [profiles.NAME]")] = "",
    json: Annotated[bool, typer.Option("--json", help="one JSON object last")] = False,
) -> None:
    """Connect and write every frame with its receive time to <data dir>/raw."""
    import asyncio
    import logging
    import sys
    from itertools import count

    from dutchbook.cli.spans import parse_span
    from dutchbook.domain.errors import UsageError
    from dutchbook.io.http import Network
    from dutchbook.runtime import feeds, recording
    from dutchbook.runtime.layers import load
    from dutchbook.storage.raw import RawRecorder

    length = parse_span(span)
    settings = load(
        config, profile=profile, cli={"data_dir": data_dir} if data_dir else {}
    ).settings
    if settings.mode == "sim" and not addresses:
        raise UsageError(
            "in mode sim, record needs the addresses of running emulators",
            todo="dutchbook exchange serve both, then record --addresses FILE; or set mode = paper",
        )
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    at = feeds.addresses(addresses) if addresses else None
    venues, signer = feeds.venues(settings, at, venue.value)
    folder = Path(settings.data_path()) / "raw"
    say(f"recording {', '.join(v.name for v in venues)} to {folder}")

    seconds = count(1)

    def progress(line: str) -> None:
        if sys.stderr.isatty() or next(seconds) % QUIET_EVERY == 0:
            say(line)

    async def run() -> dict[str, object]:
        return await recording.record(
            venues, signer, Network(), RawRecorder(folder), length, progress
        )

    counts = asyncio.run(run())
    say(f"{counts['frames']:,} frames in {folder}")
    if json:
        emit({"folder": str(folder), **counts})
