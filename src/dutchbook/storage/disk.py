"""The few calls that change files: what reaches the disk, and when, is seen in one place."""

import gzip
import hashlib
import os
from pathlib import Path


def write_all(fd: int, data: bytes | bytearray) -> None:
    """Write every byte; the system may take fewer at a time."""
    left = memoryview(data)
    while left:
        left = left[os.write(fd, left) :]


def sync_dir(path: Path) -> None:
    """Make names in a directory durable: a file's own sync does not."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


class Appender:
    """A file that only grows. `synced` bytes of its `size` are known to be on disk."""

    def __init__(self, path: Path, data: bytes, number: int) -> None:
        """Open an existing file that has been found to hold `data` and cut to it."""
        self.path = path
        self.number = number
        self.size = self.synced = len(data)
        self._hash = hashlib.blake2b(data, digest_size=32)
        self.fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)

    @classmethod
    def create(cls, path: Path, header: bytes, number: int) -> "Appender":
        """Make a new file whose header and name are on disk before anything refers to it."""
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        try:
            write_all(fd, header)
            os.fdatasync(fd)
        finally:
            os.close(fd)
        sync_dir(path.parent)
        return cls(path, header, number)

    def write(self, data: bytes | bytearray) -> None:
        write_all(self.fd, data)
        self._hash.update(data)
        self.size += len(data)

    def sync(self) -> None:
        size = self.size
        os.fdatasync(self.fd)
        self.synced = size

    def blake2b(self) -> str:
        return self._hash.hexdigest()

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def cut(path: Path, size: int) -> None:
    """Shorten a file, durably."""
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.ftruncate(fd, size)
        os.fdatasync(fd)
    finally:
        os.close(fd)


def remove(path: Path) -> None:
    """Delete a file, durably."""
    os.unlink(path)
    sync_dir(path.parent)


def replace(path: Path, data: bytes) -> None:
    """Write a file so that its name always means a whole one: the old, the new, or none."""
    fresh = path.with_name(path.name + ".tmp")
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        write_all(fd, data)
        os.fsync(fd)
    finally:
        os.close(fd)
    os.rename(fresh, path)
    sync_dir(path.parent)


def pack(path: Path) -> None:
    """Put a compressed file in the place of a plain one; level 1, for speed."""
    replace(path.with_name(path.name + ".gz"), gzip.compress(path.read_bytes(), 1, mtime=0))
    remove(path)
