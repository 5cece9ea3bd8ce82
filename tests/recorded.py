"""Where the recorded public data lies: beside the checkout, or where DUTCHBOOK_DATA says."""

import os
from pathlib import Path

import pytest

DATA = Path(
    os.environ.get("DUTCHBOOK_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data"
)


def recorded(name: str) -> Path:
    """The path of a recorded file; the test is skipped, saying so, where it is absent."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"recorded data absent: {name} (looked in {DATA})")
    return path
