"""What `--data` means: recorded files or a folder of them, a record of a run, candles, a seed."""

from pathlib import Path

import msgspec

from dutchbook.backtest import candles, generated, tape
from dutchbook.backtest.tape import VENUES, Item, Tape
from dutchbook.domain.errors import UsageError
from dutchbook.domain.events import BookLevels
from dutchbook.domain.units import ONE
from dutchbook.runtime.datadir import record_root

ENDINGS = (".csv", ".csv.gz", ".json", ".json.gz", ".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz")


def load(names: list[str], venue: str | None = None) -> Tape:
    """The tape of these files, of one folder, or of "sim:SEED". Raises UsageError."""
    if not names:
        raise UsageError("no data", todo="give --data FILES, a folder, or sim:7")
    if venue is not None and venue not in VENUES:
        raise UsageError(f"no venue {venue!r}", todo=f"use {' or '.join(VENUES)}")
    seeds = [generated.parse(name) for name in names]
    if seeds[0] is not None:
        if len(names) > 1:
            raise UsageError("a seed is a whole tape", todo="give one sim:SEED, or files")
        return generated.generated(*seeds[0])
    paths = [Path(name) for name in names]
    for path in paths:
        if not path.exists():
            raise UsageError(f"no file {path}", todo="name recorded files, a folder, or sim:7")
    if len(paths) == 1 and paths[0].is_dir():
        return _folder(paths[0], venue)
    roots = {record_root(path) for path in paths}
    root = next(iter(roots))
    if len(roots) == 1 and root is not None:
        return tape.record(root)
    return tape.frames(paths, venue)


def _folder(path: Path, venue: str | None) -> Tape:
    root = record_root(path)
    if root is not None:
        return tape.record(root)
    if (path / candles.CANDLES).is_file():
        return candles.candles(path)
    files = sorted(
        file
        for file in path.iterdir()
        if file.name.endswith(ENDINGS) and "metadata" not in file.name
    )
    if not files:
        raise UsageError(f"no recorded file in {path}", todo=f"it reads {', '.join(ENDINGS)}")
    made = tape.frames(files, venue)
    made.name = path.name
    return made


def shallower(items: list[Item], factor: int) -> list[Item]:
    """The tape with every shown size times `factor` millionths, whole lots."""
    if factor == ONE:
        return items
    return [(at, _scaled(event, factor)) if type(event) is BookLevels else (at, event)
            for at, event in items]  # fmt: skip


def _scaled(event: BookLevels, factor: int) -> BookLevels:
    levels = [(side, px, size * factor // ONE) for side, px, size in event.levels]
    return msgspec.structs.replace(event, levels=levels)
