"""`dutchbook replay`: recorded frames, or a record of ours, through the engine again."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def replay(
    files: Annotated[list[Path], typer.Argument(help="recorded frames, or a data directory")],
    speed: Annotated[str, typer.Option(help="max or 1x (or 10x ...)")] = "max",
    venue: Annotated[str, typer.Option(help="kalshi or polymarket, where it can't be told")] = "",
    data_dir: Annotated[
        Path | None, typer.Option(help="keep a journal and tape of the replay here")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="settings file")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Replay files through the real parsers, or a journal and tape through the engine, and compare.

    Prints counts and the digest of all Steps: the same input gives the same digest.
    """
    from dutchbook.cli.out import emit, safe, say
    from dutchbook.cli.progress import Progress
    from dutchbook.domain.errors import DutchbookError, UsageError
    from dutchbook.runtime import kernels
    from dutchbook.runtime.layers import load
    from dutchbook.runtime.pace import pace_of
    from dutchbook.runtime.replay import Replay, record_of, summary

    for path in files:
        if not path.exists():
            raise UsageError(f"no file {path}", todo="name recorded files or a data directory")
    if data_dir is not None and any(data_dir.resolve() == path.resolve() for path in files):
        raise UsageError("--data-dir is the record that is read", todo="name another directory")
    kernels.ready(say)
    progress = Progress("replay")
    walk = pace_of(speed)
    again = Replay(load(config).settings, lambda step: None, lambda at: progress.at(at, walk))
    root = record_of(files)
    if root is not None:
        again.record(root)
    else:
        again.frames_of(files, venue or None, data_dir)
    progress.end()
    result = summary(again) | {"files": len(files), "seconds": progress.seconds()}
    for text in again.errors[:20]:
        say(f"  {safe(text)}")
    if as_json:
        emit(result)
    else:
        for key, value in result.items():
            if not isinstance(value, list):
                print(f"{key.replace('_', ' '):20} {value}")
    if root is None and again.engine.world.count.malformed and not result["book_changes"]:
        raise DutchbookError(
            "nothing in these files could be replayed",
            why=f"{result['malformed']} frames were refused, and no book came of the rest",
            todo="dutchbook decode VENUE FILE says what is wrong, and where",
        )
    if again.differences:
        raise DutchbookError(
            f"{len(again.differences)} steps were decided otherwise than recorded",
            why=f"first at seq {again.differences[0]}",
            todo="replay with the code version that recorded it, or report a defect",
        )
