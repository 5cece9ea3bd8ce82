"""`dutchbook hub`: serve a run's stream from a process of its own, to thousands."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)


@app.callback()
def root() -> None:
    """Serve a run's stream to many."""


@app.command()
def schema(
    typescript: Annotated[bool, typer.Option("--typescript", help="types instead")] = False,
) -> None:
    """Print the messages of /ws as JSON Schema, or as TypeScript types."""
    import json

    from dutchbook.hub import schema as made

    whole = made.schema()
    text = made.typescript(whole) if typescript else json.dumps(whole, indent=2) + "\n"
    print(text, end="")


@app.command()
def serve(
    port: Annotated[int, typer.Option(help="0: any free one")] = 8_084,
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    origins: Annotated[str, typer.Option(help="browser pages that may connect, commas")] = "",
    redis: Annotated[str, typer.Option(help="follow through this Redis; token: hub/token")] = "",
    data_dir: Annotated[Path | None, typer.Option("--data-dir", help="of the run")] = None,
    config: Annotated[Path | None, typer.Option("--config")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Follow the run in a data directory (its api.enabled must be on) and serve /ws.

    Needs the extra `hub`. Ctrl-C ends it; the run may come and go.
    """
    import asyncio
    import signal

    import uvloop

    from dutchbook.cli.out import emit, say
    from dutchbook.domain.errors import ConfigError
    from dutchbook.hub.fanout import Fanout, Source
    from dutchbook.runtime.clock import SystemClock
    from dutchbook.runtime.datadir import data_dir_of
    from dutchbook.runtime.hub import FOLDER

    try:
        from dutchbook.hub import fast
    except ImportError as error:
        raise ConfigError(
            "this needs picows", why=str(error), todo="./dutchbook setup --extra hub"
        ) from error
    feed: Source | None = None
    if redis:
        from dutchbook.hub.redis_feed import RedisFeed

        folder = (data_dir or Path()) / FOLDER
        feed = lambda begin, take: RedisFeed(redis, begin, take)  # noqa: E731
    else:
        folder = data_dir_of(config, data_dir) / FOLDER
    if not (folder / "token").is_file():
        raise ConfigError(f"no hub in {folder}", todo="run once with api.enabled = true")
    pages = frozenset(part.strip() for part in origins.split(",") if part.strip())

    async def work() -> None:
        fanout = Fanout(folder, SystemClock().now, feed=feed)
        server = await fast.serve(fanout.switch, host, port, origins=pages)
        fanout.start()
        address = "ws://{}:{}/ws".format(*server.sockets[0].getsockname()[:2])
        if as_json:
            emit({"address": address})
        else:
            say(f"serving {folder} at {address}")
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, ended.set)
        await ended.wait()
        server.close()
        await fanout.stop()
        await asyncio.sleep(0.1)

    uvloop.run(work())
