"""A pretend exchange in a process of its own, for whoever wants to trade on it."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def served(folder: Path, *args: str) -> Iterator[Path]:
    """The file with its addresses, while it runs."""
    command = [sys.executable, "-m", "dutchbook", "exchange", "serve", "both", "--seed", "7"]
    process = subprocess.Popen(
        [*command, "--data-dir", str(folder), *args], stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        file = folder / "addresses.json"
        file.write_bytes(process.stdout.readline())
        yield file
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
