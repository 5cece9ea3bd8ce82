"""The launcher without a network: what it says when something is missing, and two at once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
LAUNCHER = ROOT / "dutchbook"


def launch(*args: str, home: Path, **env: str) -> subprocess.CompletedProcess[str]:
    offline = {
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_FIND_LINKS": "",
        "PIP_RETRIES": "0",
    }
    offline |= {"PIP_CONFIG_FILE": os.devnull, "PIP_DEFAULT_TIMEOUT": "1"}
    return subprocess.run(
        [str(LAUNCHER), *args],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env=os.environ | offline | {"DUTCHBOOK_HOME": str(home)} | env,
    )


def test_without_a_network_it_says_so_and_what_to_do(tmp_path: Path) -> None:
    done = launch("version", home=tmp_path, DUTCHBOOK_PYTHON=sys.executable)
    assert done.returncode == 1
    assert "error: the packages could not be installed" in done.stderr
    assert "to do: check the network or proxy" in done.stderr
    assert not (tmp_path / ".venv" / ".run.done").exists()


def test_a_half_made_environment_is_not_taken_for_a_whole_one(tmp_path: Path) -> None:
    half = tmp_path / ".venv"
    (half / "bin").mkdir(parents=True)
    (half / "bin" / "python").write_text("#!/bin/sh\necho half-made\n")
    (half / "bin" / "python").chmod(0o755)
    done = launch("version", home=tmp_path, DUTCHBOOK_PYTHON=sys.executable)
    assert done.returncode == 1
    assert "half-made" not in done.stdout
    assert "setting up dutchbook" in done.stderr


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = launch("version", home=tmp_path / "file" / "home")
    assert done.returncode == 1
    assert "cannot write to" in done.stderr
    assert "DUTCHBOOK_HOME" in done.stderr


def test_an_unknown_extra_lists_those_that_exist(tmp_path: Path) -> None:
    done = launch("setup", "--extra", "moon", home=tmp_path)
    assert done.returncode == 2
    assert "unknown extra 'moon'" in done.stderr
    assert "dev" in done.stderr


def test_no_fitting_python_is_said_plainly(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "dirname", "readlink", "cat", "env"):
        real = subprocess.run(["which", name], capture_output=True, text=True, check=True)
        (tools / name).symlink_to(real.stdout.strip())
    done = launch("version", home=tmp_path, PATH=str(tools), DUTCHBOOK_PYTHON="")
    assert done.returncode == 1
    assert "no Python between 3.11 and 3.13 was found" in done.stderr
    assert "apt install python3" in done.stderr


def test_a_python_without_venv_is_explained(tmp_path: Path) -> None:
    """A stand-in interpreter whose `-m venv` fails as Debian's does without python3-venv."""
    fake = tmp_path / "python"
    fake.write_text(
        f'#!/bin/sh\ncase "$*" in *"-m venv"*) echo "ensurepip is not available"; exit 1;; esac\n'
        f'exec {sys.executable} "$@"\n'
    )
    fake.chmod(0o755)
    code = (
        f"import sys; sys.executable = {str(fake)!r}; sys.argv = ['x', {str(ROOT)!r}, 'version'];"
        f"import runpy; runpy.run_path({str(ROOT / 'tools' / 'launch.py')!r}, run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"DUTCHBOOK_HOME": str(tmp_path / "home")},
    )
    assert done.returncode == 1
    assert "cannot make virtual environments" in done.stderr
    assert "python3-venv" in done.stderr
    assert not (tmp_path / "home" / ".venv").exists()


def test_two_terminals_at_once_take_turns(tmp_path: Path) -> None:
    """While one holds the set-up lock the other waits, and says for what."""
    import fcntl

    with (tmp_path / ".venv.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(subprocess.TimeoutExpired) as waiting:
            subprocess.run(
                [str(LAUNCHER), "version"],
                stderr=subprocess.PIPE,
                timeout=3,
                check=False,
                env=os.environ | {"DUTCHBOOK_HOME": str(tmp_path)},
            )
    assert b"another terminal is setting dutchbook up" in (waiting.value.stderr or b"")
