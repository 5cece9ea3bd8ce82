"""One writer to a data directory: a lock that ends with its process, however that ends."""

import fcntl
import os
from pathlib import Path

from dutchbook.domain.errors import JournalError


class InUse(JournalError):
    """Another process writes to this data directory."""


def check(root: Path) -> None:
    """Raise InUse if another process writes here, before anything is begun in vain."""
    root.mkdir(parents=True, exist_ok=True)
    os.close(take(root))


def take(root: Path) -> int:
    """Lock the directory and write our pid into `lock`; returns the descriptor to close.

    Raises InUse, naming the holder's pid.
    """
    fd = os.open(root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
    except BlockingIOError:
        pid = os.pread(fd, 20, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(fd)
        raise InUse(
            f"{root} is in use by process {pid}",
            why="one data directory has one writer",
            todo="stop that run, or name another directory with --data-dir",
        ) from None
    except BaseException:
        os.close(fd)
        raise
    return fd
