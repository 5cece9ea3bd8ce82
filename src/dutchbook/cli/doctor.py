"""`dutchbook doctor`: is this machine fit to run dutchbook, and if not, what to do."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()
Finding = tuple[str, str, str]
"""(ok | warn | fail, what was found, what to do)."""


@app.command()
def doctor(
    data_dir: Annotated[Path | None, typer.Option(help="instead of the one set")] = None,
    config: Annotated[Path | None, typer.Option(help="instead of dutchbook.toml")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Check Python, packages, disk, clock, settings, ports and the record; exit 1 on any fail."""
    from dutchbook.cli.out import emit, safe
    from dutchbook.domain.errors import DutchbookError
    from dutchbook.runtime.layers import load

    rows: list[tuple[str, Finding]] = [("python", _python()), ("packages", _packages())]
    try:
        settings = load(config).settings
        rows.append(("settings", ("ok", "read and sound", "")))
        root = data_dir or Path(settings.data_path())
    except DutchbookError as error:
        rows.append(("settings", ("fail", error.what, error.todo)))
        root = data_dir or Path("data/sim")
    checks: dict[str, Callable[[Path], Finding]] = {
        "disk": _disk, "writable": _writable, "clock": _clock, "sockets": _sockets,
        "record": _record, "api keys": _api_keys, "compiled": _compiled,
    }  # fmt: skip
    rows += [(name, check(root)) for name, check in checks.items()]
    if as_json:
        keys = ("state", "found", "todo")
        emit({"checks": [{"name": name, **dict(zip(keys, f, strict=True))} for name, f in rows]})
    else:
        for name, (state, found, todo) in rows:
            print(f"{state:5} {name:10} {safe(found)}" + (f"  →  {safe(todo)}" if todo else ""))
    failed = [name for name, finding in rows if finding[0] == "fail"]
    if failed:
        raise DutchbookError(f"{len(failed)} checks failed: {', '.join(failed)}")


def _python() -> Finding:
    import sys

    version = ".".join(map(str, sys.version_info[:3]))
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        return "ok", version, ""
    return "fail", version, "use Python 3.11 to 3.13 (DUTCHBOOK_PYTHON=... ./dutchbook doctor)"


def _packages() -> Finding:
    from importlib.metadata import PackageNotFoundError, version

    try:
        names = ("msgspec", "numpy", "numba", "websockets", "httpx2", "cryptography")
        return "ok", ", ".join(f"{name} {version(name)}" for name in names), ""
    except PackageNotFoundError as error:
        return "fail", f"{error.name} is missing", "remove .venv and run ./dutchbook again"


def _disk(root: Path) -> Finding:
    import shutil

    place = next(path for path in (root, *root.resolve().parents) if path.exists())
    free = shutil.disk_usage(place).free / 1e9
    todo = "a day of two busy venues takes a few GB: make room or use --data-dir"
    state = "fail" if free < 0.2 else "warn" if free < 5 else "ok"
    return state, f"{free:.1f} GB free at {place}", todo if state != "ok" else ""


def _writable(root: Path) -> Finding:
    import os

    place = next(path for path in (root, *root.resolve().parents) if path.exists())
    if os.access(place, os.W_OK | os.X_OK):
        return "ok", f"{place} can be written to", ""
    return "fail", f"{place} can't be written to", "name another directory with --data-dir"


def _clock(root: Path) -> Finding:
    import time

    from dutchbook import __version__

    year = time.gmtime().tm_year
    if 2026 <= year < 2100:
        return "ok", time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()), ""
    return "fail", f"the clock says {year} (dutchbook {__version__} is of 2026)", "set the clock"


def _sockets(root: Path) -> Finding:
    import socket

    try:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
    except OSError as error:
        return "fail", f"no loopback socket: {error}", "allow 127.0.0.1"
    return "ok", "loopback sockets can be opened", ""


def _record(root: Path) -> Finding:
    from dutchbook.runtime.datadir import is_locked

    if not (root / "journal").is_dir():
        return "ok", f"none yet in {root}", ""
    if is_locked(root):
        return "warn", f"a run is going on in {root}", "use another --data-dir for a second one"
    return "ok", f"in {root}, no run going on", ""


def _api_keys(root: Path) -> Finding:
    from dutchbook.domain.units import DAY
    from dutchbook.gateway.keys import LIFE, old_keys
    from dutchbook.gateway.store import FILE
    from dutchbook.runtime.clock import SystemClock

    file = root / "gateway" / FILE
    now = SystemClock().now()
    found = old_keys(file, now) if file.is_file() else []
    if not found:
        return "ok", "none is due to be replaced", ""
    names = ", ".join(f"{key.name} ({key.id})" for key in found[:5])
    return "warn", f"{len(found)} near or past {LIFE // DAY} days: {names}", (
        "dutchbook api token new, then dutchbook api token revoke ID"
    )  # fmt: skip


def _compiled(root: Path) -> Finding:
    import time

    began = time.monotonic()
    import numba  # noqa: F401

    return "ok", f"numba loads in {time.monotonic() - began:.1f} s", ""
