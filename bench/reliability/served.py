"""The pretend exchanges in a process of their own, and traders that come, die and come back."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
ENV: Final = {"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}", "PYTHONUNBUFFERED": "1"}
TIME_MAX: Final = 180
DATA: Final = "traded"
"""Exchanges have one record of a trader: whoever comes back finds what all before it did."""


class Served:
    """`at` is the line of addresses; `folder` holds the exchanges' logs and the traders' data."""

    def __init__(self, folder: Path, at: str) -> None:
        self.folder = folder
        self.at = at

    def trader(
        self, data: Path, span: str, before: tuple[str, ...] = (), **env: str
    ) -> subprocess.Popen[str]:
        """Start a trader, `before` in front of it: strace, for example."""
        command = [*before, sys.executable, "-m", "bench.reliability.trader", self.at, str(data)]
        return subprocess.Popen(
            [*command, span], env=os.environ | ENV | env, cwd=self.folder, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def settle(self, data: Path) -> dict[str, Any]:
        """A trader that comes back, tidies up, and compares its books with the exchanges'."""
        process = self.trader(data, "settle")
        out, err = process.communicate(timeout=TIME_MAX)
        if process.returncode:
            raise AssertionError(f"the trader did not come back: {err[-2000:]}")
        told: dict[str, Any] = json.loads(out.splitlines()[-1])
        return told

    def orders(self) -> list[dict[str, Any]]:
        """Our orders as the exchanges had them when a trader last settled up."""
        truth = json.loads((self.folder / "x" / "sim" / "accounts.json").read_text())
        return [row for side in truth.values() for row in side["orders"] if row["owner"] == "us"]


@contextmanager
def served(folder: Path, seed: int = 7, faults: str = "none") -> Iterator[Served]:
    """Exchanges for as long as the block lasts."""
    folder.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "dutchbook", "exchange", "serve", "both", "--seed", str(seed),
         "--tier", "premier", "--faults", faults, "--data-dir", str(folder / "x")],
        env=os.environ | ENV, cwd=folder, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield Served(folder, process.stdout.readline().strip())
    finally:
        process.terminate()
        process.wait(30)
