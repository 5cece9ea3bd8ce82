"""Raw frames as they came, to decode and replay again: JSON lines, compressed as they are written.

A file is `raw-<UTC time of its first frame>-<n>.jsonl.gz`, a line is
`{"t": ns, "stream": "...", "data": "text"}`, or `"b64"` instead of `"data"` for binary. Each flush
ends on a byte boundary, so a file whose writer was killed can be read up to its last flush; it
then lacks the gzip trailer, which readers report as an early end.
"""

import base64
import os
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from dutchbook.domain.errors import JournalError
from dutchbook.domain.units import SECOND, Ns
from dutchbook.storage.disk import write_all

HOUR: Final = 3600 * SECOND
_encode = msgspec.json.Encoder().encode


class RawRecorder:
    """Writes to a folder, which it makes. Any error of the disk: JournalError, then closed."""

    def __init__(self, folder: Path, *, bytes_max: int = 256 << 20) -> None:
        """`bytes_max`: a new file is begun beyond this many compressed bytes, and each hour."""
        self.folder = folder
        self.frames = 0
        self._bytes_max = bytes_max
        self._fd = -1
        self._size = 0
        self._since = self._flushed = Ns(0)
        self._gzip = zlib.compressobj(6, zlib.DEFLATED, 31)
        self._lines = bytearray()
        self._dead = False

    def record(self, t: Ns, stream: str, data: str | bytes) -> None:
        """Keep one frame, received at `t`; on disk within a second if frames or ticks go on."""
        if isinstance(data, str):
            line = _encode({"t": t, "stream": stream, "data": data})
        else:
            line = _encode({"t": t, "stream": stream, "b64": base64.b64encode(data).decode()})
        if self._fd >= 0 and (t // HOUR != self._since // HOUR or self._size >= self._bytes_max):
            self._finish()
        if self._fd < 0:
            self._begin(t)
        self._lines += line
        self._lines += b"\n"
        self.frames += 1
        self.tick(t)

    def tick(self, now: Ns) -> None:
        """Write out what is due; to be called now and then when frames are rare."""
        if now - self._flushed >= SECOND:
            self.flush(now)

    def flush(self, now: Ns) -> None:
        """Write out everything recorded so far. Raises JournalError."""
        self._flushed = now
        if self._lines:
            self._write(self._gzip.compress(self._lines) + self._gzip.flush(zlib.Z_SYNC_FLUSH))
            self._lines.clear()

    def close(self) -> None:
        """End the file properly."""
        if self._fd >= 0:
            self._finish()
        self._dead = True

    def _begin(self, t: Ns) -> None:
        if self._dead:
            raise JournalError(f"the recorder of {self.folder} is closed")
        stamp = datetime.fromtimestamp(t // SECOND, UTC).strftime("%Y%m%dT%H%M%SZ")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            taken = len(list(self.folder.glob(f"raw-{stamp}-*")))
            self._fd = os.open(self.folder / f"raw-{stamp}-{taken:03d}.jsonl.gz", flags, 0o644)
        except OSError as error:
            self._fail(error)
        self._gzip = zlib.compressobj(6, zlib.DEFLATED, 31)
        self._size = 0
        self._since = self._flushed = t

    def _finish(self) -> None:
        self._write(self._gzip.compress(self._lines) + self._gzip.flush(zlib.Z_FINISH))
        self._lines.clear()
        os.close(self._fd)
        self._fd = -1

    def _write(self, data: bytes) -> None:
        if self._dead:
            raise JournalError(f"the recorder of {self.folder} is closed")
        try:
            write_all(self._fd, data)
        except OSError as error:
            self._fail(error)
        self._size += len(data)

    def _fail(self, error: OSError) -> None:
        self._dead = True
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        raise JournalError(
            f"raw frames can't be written to {self.folder}: {error}", todo="see to the disk"
        ) from error
