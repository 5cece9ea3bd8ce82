"""Recorded frames: nothing is lost but what the last second held when the writer was killed."""

import base64
import errno
import gzip
import json
import os
import zlib

import pytest

from dutchbook.domain.errors import JournalError
from dutchbook.domain.units import SECOND
from dutchbook.storage.raw import RawRecorder

START = 1_767_225_590 * SECOND  # 2025-12-31 23:59:50 UTC


def lines(folder) -> list[dict]:
    """All frames of a folder, in order of its names, closed files only."""
    files = sorted(folder.glob("raw-*.jsonl.gz"))
    return [json.loads(line) for path in files for line in gzip.open(path, "rt")]


def test_frames_come_back_and_hours_have_files(tmp_path):
    recorder = RawRecorder(tmp_path / "raw")
    odd = 'quote " newline \n null \x00 é \u2028'
    recorder.record(START, "kalshi.book", odd)
    recorder.record(START + 20 * SECOND, "polymarket.market.0", b"\x00\xff")
    recorder.close()
    assert lines(tmp_path / "raw") == [
        {"t": START, "stream": "kalshi.book", "data": odd},
        {
            "t": START + 20 * SECOND,
            "stream": "polymarket.market.0",
            "b64": base64.b64encode(b"\x00\xff").decode(),
        },
    ]
    assert sorted(path.name for path in (tmp_path / "raw").iterdir()) == [
        "raw-20251231T235950Z-000.jsonl.gz",
        "raw-20260101T000010Z-000.jsonl.gz",
    ]


def test_a_killed_writer_leaves_all_but_the_last_second(tmp_path):
    """What was flushed is whole lines; a new recorder begins a file of its own."""
    recorder = RawRecorder(tmp_path)
    for n in range(5):
        recorder.record(START + n * SECOND // 2, "s", str(n))
    recorder.tick(START + 3 * SECOND)
    recorder.record(START + 3 * SECOND + 1, "s", "too late")
    data = (tmp_path / "raw-20251231T235950Z-000.jsonl.gz").read_bytes()
    text = zlib.decompressobj(31).decompress(data).decode()
    assert text.endswith("\n")
    assert [json.loads(line)["data"] for line in text.splitlines()] == list("01234")
    other = RawRecorder(tmp_path)
    other.record(START, "s", "again")
    other.close()
    recorder.close()
    assert [frame["data"] for frame in lines(tmp_path)] == [*"01234", "too late", "again"]


def test_size_begins_a_file(tmp_path):
    recorder = RawRecorder(tmp_path, bytes_max=100)
    for n in range(30):
        recorder.record(START + n * SECOND // 4, "s", str(n) * 50)
    recorder.close()
    assert len(list(tmp_path.iterdir())) > 2
    assert [frame["data"] for frame in lines(tmp_path)] == [str(n) * 50 for n in range(30)]


def test_a_full_disk_ends_it(tmp_path, monkeypatch):
    recorder = RawRecorder(tmp_path)
    recorder.record(START, "s", "one")

    def full(fd: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(JournalError, match="No space left"):
            recorder.flush(START)
    with pytest.raises(JournalError, match="closed"):
        recorder.record(START + 1, "s", "two")
    recorder.close()
