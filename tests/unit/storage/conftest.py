"""Records under test lie in memory where the system offers it: thousands are opened and synced."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

MEMORY = Path("/dev/shm")


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """As pytest's own, but in memory; removed afterwards."""
    root = Path(tempfile.mkdtemp(prefix="record-", dir=MEMORY if MEMORY.is_dir() else None))
    yield root
    shutil.rmtree(root, ignore_errors=True)
