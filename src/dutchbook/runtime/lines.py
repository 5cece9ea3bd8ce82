"""Lines of a file, plain or gzipped, with a bound on each and errors that name the line."""

import gzip
import zlib
from collections.abc import Iterator
from typing import IO, BinaryIO, Final, cast

from dutchbook.domain.errors import RemoteProtocolError

LINE_MAX: Final = 64_000_000
WHOLE_MAX: Final = 512_000_000


class Lines:
    """Iterates (number, line without its end); a broken file ends with an error of its place."""

    def __init__(self, opened: BinaryIO, venue: str) -> None:
        self.venue = venue
        magic = opened.read(2)
        opened.seek(-len(magic), 1)
        self._file: IO[bytes] = (
            cast(IO[bytes], gzip.GzipFile(fileobj=opened)) if magic == b"\x1f\x8b" else opened
        )
        self._number = 0
        self._held: bytes | None = None

    def peek(self) -> bytes | RemoteProtocolError:
        """The first line that isn't blank, b"" if there is none; it is given again later."""
        line: bytes | RemoteProtocolError = b""
        while True:
            line = self._next()
            if isinstance(line, RemoteProtocolError):
                return line
            if not line or line.strip():
                break
        self._held = line
        return line.strip()

    def __iter__(self) -> Iterator[tuple[int, bytes | RemoteProtocolError]]:
        while True:
            held, self._held = self._held, None
            line = held if held is not None else self._next()
            if isinstance(line, RemoteProtocolError):
                yield self._number + 1, line
                return
            if not line:
                return
            yield self._number, line.strip(b"\r\n")

    def rest(self) -> bytes | RemoteProtocolError:
        """Everything that is left, as one piece."""
        parts: list[bytes] = []
        size = 0
        for _, line in self:
            if isinstance(line, RemoteProtocolError):
                return line
            parts.append(line)
            size += len(line)
            if size > WHOLE_MAX:
                return self.error(self._number, f"more than {WHOLE_MAX} bytes")
        return b"\n".join(parts)

    def error(self, number: int, what: str) -> RemoteProtocolError:
        return RemoteProtocolError(self.venue, f"line {number}", what)

    def _next(self) -> bytes | RemoteProtocolError:
        try:
            line = self._file.readline(LINE_MAX)
        except EOFError:
            return self.error(self._number + 1, "the compressed file ends in the middle")
        except (OSError, zlib.error) as error:
            return self.error(self._number + 1, f"can't be read: {error}")
        if len(line) >= LINE_MAX:
            return self.error(self._number + 1, f"longer than {LINE_MAX} bytes")
        if line:
            self._number += 1
        return line
