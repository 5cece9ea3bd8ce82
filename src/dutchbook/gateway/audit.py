"""The gateway's audit: one line per command or refusal, each chained to all before it.

A file that is only appended to, and a head kept in another place after every line. Whoever edits,
drops, swaps, adds or cuts off lines would need the key of both.
"""

import fcntl
import hashlib
import hmac
import os
from pathlib import Path
from typing import Any, Final

import msgspec

from dutchbook.domain.errors import JournalError
from dutchbook.domain.secret import Secret
from dutchbook.domain.units import Ns

FILE: Final = "audit.jsonl"
LINE_MAX: Final = 64 * 1024


class Line(msgspec.Struct, frozen=True):
    """`before` and `after` are what a command found and left, as plain data."""

    n: int
    at: int
    who: str
    address: str
    what: str
    result: str
    before: Any = None
    after: Any = None
    hash: str = ""


class Head(msgspec.Struct, frozen=True):
    """How many lines there are, the hash of the last, and a keyed hash over both."""

    n: int
    hash: str
    mac: str


class Audit:
    """May be written by several processes, one at a time. Raises JournalError if it is broken."""

    def __init__(self, root: Path, head: Path, key: Secret) -> None:
        self.path = root / FILE
        self.head_path = head
        self._key = key
        root.mkdir(parents=True, exist_ok=True)
        head.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        broken = verify(root, head, key)
        if broken:
            raise JournalError(
                f"the audit does not hold: {broken[0]}", todo="dutchbook audit verify tells where"
            )
        self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._size = -1
        self._catch_up()

    def _catch_up(self) -> None:
        """Know the last line, also where another process wrote it (a command beside a gateway)."""
        size = os.fstat(self._file).st_size
        if size != self._size:
            last = read(self.path)[-1:]
            self.n = last[0].n if last else 0
            self._hash = last[0].hash if last else ""
            self._size = size

    def write(
        self, at: Ns, who: str, address: str, what: str, result: str,
        before: Any = None, after: Any = None,
    ) -> Line:  # fmt: skip
        """Append a line and move the head; it is on disk when this returns."""
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            self._catch_up()
            return self._append(at, who, address, what, result, before, after)
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _append(
        self, at: Ns, who: str, address: str, what: str, result: str, before: Any, after: Any
    ) -> Line:
        line = Line(self.n + 1, at, who, address, what, result, before, after)
        line = msgspec.structs.replace(line, hash=chained(self._hash, line, self._key))
        data = msgspec.json.encode(line) + b"\n"
        if os.write(self._file, data) != len(data):
            raise JournalError("the audit could not be written whole", todo="make room on the disk")
        os.fsync(self._file)
        self.n, self._hash, self._size = line.n, line.hash, self._size + len(data)
        save(self.head_path, head_of(line.n, line.hash, self._key))
        return line

    def close(self) -> None:
        os.close(self._file)


def chained(before: str, line: Line, key: Secret) -> str:
    """The keyed hash of a line: over the hash before it and everything in it."""
    body = [before, line.n, line.at, line.who, line.address, line.what, line.result]
    data = msgspec.json.encode([*body, line.before, line.after], order="deterministic")
    return hashlib.blake2b(data, digest_size=32, key=key.reveal()[:64]).hexdigest()


def head_of(n: int, last: str, key: Secret) -> Head:
    mac = hmac.new(key.reveal(), f"audit.{n}.{last}".encode(), hashlib.sha256).hexdigest()
    return Head(n, last, mac)


def save(path: Path, head: Head) -> None:
    fresh = path.with_suffix(".tmp")
    fresh.write_bytes(msgspec.json.encode(head))
    fresh.chmod(0o600)
    os.replace(fresh, path)


def read(path: Path) -> list[Line]:
    """Every line of the file that can be read; none if it is not there."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    found = []
    for raw in data.splitlines():
        try:
            found.append(msgspec.json.decode(raw, type=Line))
        except msgspec.DecodeError:
            found.append(Line(-1, 0, "", "", "", ""))
    return found


def verify(root: Path, head_path: Path, key: Secret) -> list[str]:
    """What does not hold, [] if all does: each line's hash, their order, and the head outside.

    Nobody writes meanwhile: lines and head are those of one moment.
    """
    try:
        held = os.open(root / FILE, os.O_RDONLY)
    except FileNotFoundError:
        return _broken(root, head_path, key)
    try:
        fcntl.flock(held, fcntl.LOCK_SH)
        return _broken(root, head_path, key)
    finally:
        os.close(held)


def _broken(root: Path, head_path: Path, key: Secret) -> list[str]:
    found: list[str] = []
    before, count = "", 0
    for line in read(root / FILE):
        count += 1
        if line.n != count or line.hash != chained(before, line, key):
            found.append(f"line {count} was changed, or one before it is gone")
        before = line.hash
    try:
        head = msgspec.json.decode(head_path.read_bytes(), type=Head)
    except FileNotFoundError:
        return [*found, "its head is missing"] if count else found
    except (OSError, msgspec.DecodeError):
        return [*found, "its head can't be read"]
    if not hmac.compare_digest(head.mac, head_of(head.n, head.hash, key).mac):
        found.append("its head was not written by us")
    elif head.n > count:
        found.append(f"{head.n - count} of its last lines are missing")
    elif head.n < count - 1 or (head.n == count and head.hash != before):
        found.append("its head and its last line differ")  # one line more is a crash in between
    return found
