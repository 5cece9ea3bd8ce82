"""One pretend exchange a directory: a second one would overwrite the first one's logs."""

import fcntl
import os
import time
from pathlib import Path
from typing import Final

from dutchbook.domain.errors import DutchbookError

PATIENCE_S: Final = 2.0
"""The exchange of a run that was killed needs a moment to notice and to end."""


def lock(folder: Path) -> int:
    """Lock a directory until the descriptor is closed. Raises DutchbookError if it stays taken."""
    held = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return held
        except OSError:
            if time.monotonic() > until:
                break
        time.sleep(0.02)
    os.close(held)
    raise DutchbookError(
        f"another exchange keeps its logs in {folder}", todo="give another --data-dir"
    )
