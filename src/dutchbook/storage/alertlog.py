"""The outbox of alerts on disk: a JSON record a line, fsynced before anything leaves."""

import os
from pathlib import Path
from typing import Final

import msgspec

from dutchbook.alerts.notice import Accepted, Held, Muted, Record, Released
from dutchbook.domain.errors import JournalError

FILE: Final = "alerts.jsonl"
COMPACT_BYTES: Final = 16 << 20
KEPT: Final = 2_000
_decoder: Final = msgspec.json.Decoder(Record)
_encoder: Final = msgspec.json.Encoder()


class AlertLog:
    """Of one data directory; one process writes it, others may read."""

    def __init__(self, root: Path) -> None:
        self.path = root / FILE
        self.records = read(root)
        if self.path.exists() and self.path.stat().st_size > COMPACT_BYTES:
            self.records = _kept(self.records)
            self._rewrite()
        self._mend()
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._file = handle

    def append(self, records: list[Record]) -> None:
        """From here on a kill of this process loses none of them; `sync` is for the machine."""
        data = _encoder.encode_lines(records)
        try:
            while data:
                data = data[os.write(self._file, data) :]
        except OSError as error:
            raise JournalError(f"{self.path} can't be written", why=str(error)) from error

    def sync(self) -> None:
        os.fdatasync(self._file)

    def close(self) -> None:
        os.close(self._file)

    def _rewrite(self) -> None:
        fresh = self.path.with_suffix(".new")
        with fresh.open("wb") as out:
            out.write(_encoder.encode_lines(self.records))
            out.flush()
            os.fsync(out.fileno())
        os.replace(fresh, self.path)

    def _mend(self) -> None:
        """A line that a crash cut off ends where the last whole one does."""
        if not self.path.exists():
            return
        data = self.path.read_bytes()
        if data and not data.endswith(b"\n"):
            with self.path.open("r+b") as file:
                file.truncate(data.rfind(b"\n") + 1)


def read(root: Path) -> list[Record]:
    """Every record, oldest first; [] where there is none. A torn or strange line is passed over."""
    path = root / FILE
    if not path.exists():
        return []
    found: list[Record] = []
    with path.open("rb") as lines:
        for line in lines:
            try:
                found.append(_decoder.decode(line))
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue
    return found


def _kept(records: list[Record]) -> list[Record]:
    """The newest alerts with all that became of them, what still waits, and the mutes."""
    names = [r.notice.id for r in records if isinstance(r, Accepted)][-KEPT:]
    wanted = frozenset(names)
    last = {r.group: n for n, r in enumerate(records) if isinstance(r, Released)}
    out: list[Record] = []
    for n, record in enumerate(records):
        if isinstance(record, Held):
            keep = n > last.get(record.group, -1)
        elif isinstance(record, Released):
            keep = last[record.group] == n
        elif isinstance(record, Muted):
            keep = True
        elif isinstance(record, Accepted):
            keep = record.notice.id in wanted
        else:
            keep = record.id in wanted
        if keep:
            out.append(record)
    return out
