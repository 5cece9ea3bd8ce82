"""Which code made a report: the commit of the checkout that it ran from."""

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[3]


@cache
def revision(root: Path = ROOT) -> str:
    """A commit's first 12 digits, `+` behind them where files differ from it; "" where there is no
    checkout, or no git to ask."""
    if not (root / ".git").exists():  # installed below somebody else's checkout: not its commit
        return ""
    commit = _git(root, "rev-parse", "--short=12", "HEAD")
    changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    return f"{commit}{'+' if changed else ''}"


def _git(root: Path, *words: str) -> str:
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", "-C", str(root), *words], capture_output=True, text=True,
            timeout=10, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
