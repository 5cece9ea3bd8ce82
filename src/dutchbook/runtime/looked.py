"""Which strategies were checked for looking ahead, and how that ended: a line for each check."""

import os
from pathlib import Path
from typing import Final

import msgspec

FILE: Final = "lookahead.jsonl"


class Looked(msgspec.Struct, frozen=True):
    """One check of a strategy: so many decisions compared, at a time in ns since 1970."""

    strategy: str
    ok: bool
    decisions: int
    at: int


def remember(root: Path, looked: Looked) -> None:
    """Add a line, whole or not at all."""
    root.mkdir(parents=True, exist_ok=True)
    handle = os.open(root / FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(handle, msgspec.json.encode(looked) + b"\n")
    finally:
        os.close(handle)


def last(root: Path) -> dict[str, Looked]:
    """The last check of each strategy; lines that can't be read count for nothing."""
    found: dict[str, Looked] = {}
    try:
        lines = (root / FILE).read_bytes().splitlines()
    except OSError:
        return {}
    for line in lines:
        try:
            one = msgspec.json.decode(line, type=Looked)
        except msgspec.DecodeError:
            continue
        found[one.strategy] = one
    return found
