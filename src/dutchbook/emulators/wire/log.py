"""The wire log and the truth file: what was really sent, for a checker that trusts nobody."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from dutchbook.domain.errors import DutchbookError

BYTES_MAX = 2 << 30
_encode = msgspec.json.encode


def private_file(path: Path) -> BinaryIO:
    """Open a new file for writing that only its owner may read."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    return os.fdopen(os.open(path, flags, 0o600), "wb", buffering=0)


class Log:
    """A private file that only grows; a full disk is a typed error that names it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = private_file(path)

    def put(self, data: bytes) -> None:
        """Write all of it: the system may take a part. Raises DutchbookError."""
        left = memoryview(data)
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            raise DutchbookError(
                f"can't write {self._path}", why=str(error.strerror), todo="make room on the disk"
            ) from error

    def close(self) -> None:
        self._file.close()


class WireLog:
    """One JSON object a line; buffered in memory, written by `flush` (every 50 ms and at exit).

    At `bytes_max` it ends with a note that says so: a pretend exchange left alone for days must
    not fill the disk, and a reckoning covers what the log covers.
    """

    def __init__(
        self, path: Path, clock: Callable[[], int] = time.time_ns, bytes_max: int = BYTES_MAX
    ) -> None:
        self._room = bytes_max
        self._file = Log(path)
        self._lines: list[bytes] = []
        self._clock = clock
        self.sent_frames = 0

    def sent(self, conn: str, n: int, data: str | bytes, fault: str | None) -> None:
        """A WebSocket frame left; binary frames are kept as hexadecimal in `hex`."""
        line: dict[str, Any] = {"t": self._clock(), "conn": conn, "n": n}
        if isinstance(data, str):
            line["data"] = data
        else:
            line |= {"data": "", "hex": data.hex()}
        line["fault"] = fault
        self.sent_frames += 1
        self._lines.append(_encode(line))

    def note(self, conn: str, **what: Any) -> None:
        """Anything else about a connection: open, close, lost, got, note."""
        self._lines.append(_encode({"t": self._clock(), "conn": conn, **what}))

    def rest(self, host: str, request: str, status: int, body: bytes | None) -> None:
        """A REST answer; `body` only where a checker needs it."""
        line: dict[str, Any] = {"t": self._clock(), "rest": request, "host": host, "status": status}
        if body is not None:
            line["body"] = body.decode("utf-8", "replace")
        self._lines.append(_encode(line))

    def flush(self) -> None:
        """Write what has gathered."""
        lines, self._lines = self._lines, []
        if not lines or self._room <= 0:
            return
        data = b"\n".join(lines) + b"\n"
        self._file.put(data)
        self._room -= len(data)
        if self._room <= 0:
            note = {"t": self._clock(), "conn": "", "note": "the log is full and ends here"}
            self._file.put(_encode(note) + b"\n")

    def close(self) -> None:
        self.flush()
        self._file.close()


class TruthLog:
    """What is true in the generated market, one JSON object a line, written at once."""

    def __init__(self, path: Path) -> None:
        self._file = Log(path)

    def write(self, lines: list[dict[str, Any]]) -> None:
        if lines:
            self._file.put(b"".join(_encode(line) + b"\n" for line in lines))

    def close(self) -> None:
        self._file.close()
