"""What commands print: tables and words for people, one JSON object last for programs."""

import json
import os
import sys
from typing import Any

from dutchbook.domain.errors import DutchbookError


def say(text: str = "") -> None:
    """A line of progress or log: always on standard error."""
    print(text, file=sys.stderr, flush=True)


def emit(data: Any) -> None:
    """The answer of a --json command: one JSON object on the last line of standard output."""
    print(json.dumps(data, separators=(",", ":"), sort_keys=False), flush=True)


def safe(text: str) -> str:
    """Venue text for a terminal: control characters and escapes made visible, never obeyed."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def report(error: BaseException) -> int:
    """Print an error as what, why, what to do; return the exit code."""
    if isinstance(error, DutchbookError):
        say(f"error: {safe(error.what)}")
        if error.why:
            say(f"  why:   {safe(error.why)}")
        if error.todo:
            say(f"  to do: {safe(error.todo)}")
        return error.code
    if isinstance(error, OSError) and error.filename:
        say(f"error: {safe(str(error.filename))}: {error.strerror}")
        return 1
    if os.environ.get("DUTCHBOOK_DEBUG"):
        raise error
    say(f"error: {type(error).__name__}: {safe(str(error))}")
    say("  to do: this is a defect; run again with DUTCHBOOK_DEBUG=1 and report what it prints")
    return 1
