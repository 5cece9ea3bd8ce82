"""Jobs that need no running engine: a copy of the tables, a copy of what is closed on disk."""

import asyncio
import gzip
import hashlib
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from dutchbook.alerts.words import moment
from dutchbook.domain.errors import DutchbookError, JournalError
from dutchbook.domain.units import Ns
from dutchbook.runtime.cores import yields
from dutchbook.runtime.golive import BACKUP
from dutchbook.runtime.jobs import Result
from dutchbook.storage import disk
from dutchbook.storage.segments import FOLDERS, load, segments
from dutchbook.storage.sql.database import open_database
from dutchbook.storage.sql.projector import url_of
from dutchbook.storage.sql.upkeep import backup as copy_tables

BACKUPS: Final = "backups"
KEPT: Final = 28
"""A week of copies, four a day."""
REPORTS: Final = "reports"
ARCHIVE: Final = "archive"
MANIFEST: Final = "manifest.jsonl"


def backup(root: Path, url: str, now: Ns) -> Result:
    """All rows of the tables into a new file; the oldest beyond KEPT go."""
    folder = root / BACKUPS
    folder.mkdir(exist_ok=True)
    file = folder / f"{moment(now):%Y%m%d-%H%M%S}.jsonl.gz"
    if file.exists():
        return Result({"rows": 0}, (f"{file.name} is there already",))
    fresh = file.with_suffix(".tmp")
    rows = copy_tables(open_database(url_of(url, root)), fresh)
    fresh.rename(file)
    (root / BACKUP).write_text(json.dumps({"file": str(file.absolute()), "at": now}), "utf-8")
    for old in sorted(folder.glob("*.jsonl.gz"))[:-KEPT]:
        old.unlink()
    return Result({"rows": rows, "bytes": file.stat().st_size}, (file.name,))


async def hot_wash(root: Path, day: str) -> Result:
    """The report of the last day into reports/, made by `dutchbook report` beside the run.

    So that its figures, which take seconds of one core, never hold up an order. Raises
    DutchbookError with the last words of the process; a cancelled job kills it.
    """
    folder = root / REPORTS
    folder.mkdir(exist_ok=True)
    file = folder / f"{day}.html"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "dutchbook", "report", "period", "--last", "1d", "--html", str(file),
        "--data-dir", str(root), stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE,
        start_new_session=True,
    )  # fmt: skip
    yields(process.pid)
    try:
        _, said = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        raise DutchbookError("the report was not made", why=said.decode(errors="replace")[-300:])
    return Result({"bytes": file.stat().st_size}, (file.name,))


def archive(root: Path, stop: Callable[[], bool] = lambda: False) -> Result:
    """Copy every closed segment of journal and tape, compressed, with its digest in a manifest.

    The last segment of each stream is being written and stays out. What is there already is
    checked by size and left. Nothing is deleted. `stop` ends it between two files.
    """
    folder = root / ARCHIVE
    folder.mkdir(exist_ok=True)
    known = _manifest(folder / MANIFEST)
    copied = size = 0
    for stream in FOLDERS:
        for item in segments(root, stream)[:-1]:
            if stop():
                break
            name = f"{item.path.name}.gz"
            there = folder / name
            if name in known and there.exists() and there.stat().st_size == known[name]:
                continue
            data = load(item)
            packed = gzip.compress(data, 1, mtime=0)
            disk.replace(there, packed)
            if gzip.decompress(there.read_bytes()) != data:
                raise JournalError(f"{there} does not read back as it was written")
            line = {"name": name, "bytes": len(packed),
                    "blake2b": hashlib.blake2b(data, digest_size=32).hexdigest()}  # fmt: skip
            with (folder / MANIFEST).open("ab") as out:
                out.write(msgspec.json.encode(line) + b"\n")
            copied, size = copied + 1, size + len(packed)
    return Result({"segments": copied, "bytes": size})


def _manifest(path: Path) -> dict[str, int]:
    found: dict[str, int] = {}
    for line in path.read_bytes().splitlines() if path.exists() else ():
        try:
            entry = msgspec.json.decode(line)
            found[str(entry["name"])] = int(entry["bytes"])
        except (msgspec.DecodeError, KeyError, TypeError, ValueError):
            continue
    return found
