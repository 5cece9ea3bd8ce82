"""A report names the commit that made it, and nobody else's."""

import shutil
import subprocess
from pathlib import Path

import pytest

from dutchbook.report.revision import revision


@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")
def test_the_commit_of_a_checkout_and_whether_files_differ(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        named = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-C", str(tmp_path))
        done = subprocess.run(["git", *named, *words], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    git("init", "-q")
    (tmp_path / "code.py").write_text("one")
    git("add", "-A")
    git("commit", "-q", "-m", "one")
    commit = git("rev-parse", "HEAD")[:12]
    (tmp_path / "data.csv").write_text("not of the code")
    assert revision(tmp_path) == commit
    below = tmp_path / ".venv" / "lib"
    below.mkdir(parents=True)
    assert revision(below) == ""  # installed there: the commit around it is another project's
    (tmp_path / "code.py").write_text("two")
    revision.cache_clear()
    assert revision(tmp_path) == f"{commit}+"


def test_what_git_can_not_say_is_left_empty(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: nowhere")
    assert revision(tmp_path) == ""
