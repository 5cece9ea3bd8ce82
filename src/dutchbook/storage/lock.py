"""One writer to a data directory: a lock that ends with its process, however that ends."""

import fcntl
import os
import threading
from pathlib import Path
from typing import Final

from dutchbook.domain.errors import JournalError

NAP: Final = 0.02
NAPS: Final = 250
"""So often, and for so many seconds each, a lock whose holder is dead is waited for: a process that
was killed while it began another leaves its open files to that one, until it runs its program."""


class InUse(JournalError):
    """Another process writes to this data directory."""


def check(root: Path) -> None:
    """Raise InUse if another process writes here, before anything is begun in vain."""
    root.mkdir(parents=True, exist_ok=True)
    os.close(take(root))


def take(root: Path) -> int:
    """Lock the directory and write our pid into `lock`; returns the descriptor to close.

    Raises InUse, naming the holder's pid: at once if that runs, after `NAPS` if it does not.
    """
    fd = os.open(root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        naps = NAPS
        while not _taken(fd):
            pid = os.pread(fd, 20, 0).decode("ascii", "replace").strip()
            if not naps or _runs(pid):
                raise InUse(
                    f"{root} is in use by process {pid or 'unknown'}",
                    why="one data directory has one writer",
                    todo="stop that run, or name another directory with --data-dir",
                )
            naps -= 1
            threading.Event().wait(NAP)
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _taken(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _runs(pid: str) -> bool:
    """Whether there is such a process, and it is more than what its parent has not fetched yet.

    A holder of which nothing is written yet is one that has just begun.
    """
    if not pid.isdigit():
        return False
    try:
        state = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    except OSError:
        return False
    return state[0] not in "ZX"
