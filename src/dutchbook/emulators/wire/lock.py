"""One pretend exchange a directory: a second one would overwrite the first one's logs."""

import fcntl
import os
from pathlib import Path

from dutchbook.domain.errors import DutchbookError


def lock(folder: Path) -> int:
    """Lock a directory until the descriptor is closed. Raises DutchbookError if it is taken."""
    held = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(held)
        raise DutchbookError(
            f"another exchange keeps its logs in {folder}", todo="give another --data-dir"
        ) from None
    return held
