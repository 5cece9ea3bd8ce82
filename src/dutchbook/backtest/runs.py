"""The directory of a run, written whole or not at all; and the runs so far, which are counted."""

import os
import re
import shutil
from pathlib import Path
from typing import Any, Final

import msgspec
import tomlkit

from dutchbook.backtest.plan import Plan
from dutchbook.domain.errors import UsageError
from dutchbook.report import files, recordfile
from dutchbook.report.record import Record, Trials

PLAN: Final = "config.resolved.toml"
LOG: Final = "run.log"
INDEX: Final = "trials.jsonl"
_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z._+-]{0,99}")


class Trial(msgspec.Struct, frozen=True):
    """One variant that was tried: counted for ever, also where its run was thrown away."""

    run: str
    family: str
    data: str
    plan: str
    sharpe: float | None
    net: int
    at: int


def trials(root: Path, family: str, data: str) -> list[Trial]:
    """The different variants of a family that were tried on this data, in order.

    The same plan run twice is one variant.
    """
    found: dict[str, Trial] = {}
    for trial in _index(root):
        if trial.family == family and trial.data == data:
            found.setdefault(trial.plan, trial)
    return list(found.values())


def remember(root: Path, trial: Trial) -> None:
    """Count a variant; the line is whole or not there, whoever else writes."""
    root.mkdir(parents=True, exist_ok=True)
    line = msgspec.json.encode(trial) + b"\n"
    handle = os.open(root / INDEX, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(handle, line)
        os.fsync(handle)
    finally:
        os.close(handle)


def _index(root: Path) -> list[Trial]:
    try:
        lines = (root / INDEX).read_bytes().splitlines()
    except FileNotFoundError:
        return []
    found: list[Trial] = []
    for line in lines:
        try:
            found.append(msgspec.json.decode(line, type=Trial))
        except msgspec.DecodeError:
            continue  # the torn end of a write that was cut off; the next line is whole again
    return found


def counted(record: Record, plan: Plan, root: Path, sharpe: float | None) -> Record:
    """The record with the number of variants that were tried before it was shown, its own too."""
    before = [
        trial
        for trial in trials(root, plan.family(), record.meta.data_hash)
        if trial.plan != record.meta.config_hash
    ]
    sharpes = [trial.sharpe for trial in before if trial.sharpe is not None]
    if sharpe is not None:
        sharpes.append(sharpe)
    return msgspec.structs.replace(record, trials=Trials(len(before) + 1, tuple(sharpes)))


def free_name(root: Path, stamp: str, strategy: str) -> str:
    """`STAMP-strategy`, with a number behind it where that is taken."""
    short = re.sub(r"[^0-9A-Za-z_]+", "+", strategy)[:40].strip("+") or "run"
    name, n = f"{stamp}-{short}", 1
    while (root / name).exists():
        n += 1
        name = f"{stamp}-{short}-{n}"
    return name


def write(record: Record, plan: Plan, root: Path, log: list[str]) -> tuple[Path, dict[str, Any]]:
    """Write a run's directory beside its place, then move it there: a reader or a crash sees all
    of it or nothing. Returns its path and the document of its figures."""
    name = record.meta.run
    root.mkdir(parents=True, exist_ok=True)
    fresh = root / f".{name}.{os.getpid()}"
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        document = files.write_run(record, fresh)
        (fresh / PLAN).write_text(toml_of(plan), encoding="utf-8")
        (fresh / LOG).write_text("".join(f"{line}\n" for line in log), encoding="utf-8")
        os.rename(fresh, root / name)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    return root / name, document


def toml_of(plan: Plan) -> str:
    """The plan as TOML, which `plan_in` reads back."""
    return tomlkit.dumps(msgspec.to_builtins(plan))


def plan_in(folder: Path) -> Plan:
    """The plan of a run. Raises UsageError."""
    try:
        text = (folder / PLAN).read_text(encoding="utf-8")
        return msgspec.convert(tomlkit.parse(text).unwrap(), Plan)
    except (OSError, ValueError) as error:
        raise UsageError(f"{folder / PLAN} can't be read", why=str(error)) from error


def find(root: Path, name: str) -> Path:
    """A run's directory by its name, or by the beginning of it that only one has; "last" the last.

    Raises UsageError.
    """
    names = [folder.name for folder in listed(root)]
    if not names:
        raise UsageError(f"no run in {root}", todo="dutchbook backtest run STRATEGY --data ...")
    if name == "last":
        return root / names[-1]
    fitting = [one for one in names if one == name] or [n for n in names if n.startswith(name)]
    if len(fitting) != 1 or not _NAME.fullmatch(name):
        what = "several runs begin with" if fitting else "no run is named"
        raise UsageError(f"{what} {name!r}", todo="dutchbook backtest list")
    return root / fitting[0]


def ready(root: Path) -> None:
    """Make the place of runs, or refuse it before the work is done for it. Raises UsageError."""
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"runs can't be kept in {root}", why=error.strerror or str(error),
            todo="name another directory with --runs",
        ) from error  # fmt: skip


def listed(root: Path) -> list[Path]:
    """The runs there are, oldest first."""
    if not root.is_dir():
        return []
    return sorted(
        folder for folder in root.iterdir()
        if (folder / recordfile.NAME).is_file() and not folder.name.startswith(".")
    )  # fmt: skip
