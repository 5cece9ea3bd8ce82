"""Sets up the virtual environment on first use, then becomes dutchbook; standard library only."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn


def main(here: Path, args: list[str]) -> None:
    home = Path(os.environ.get("DUTCHBOOK_HOME") or here)
    extras: list[str] = []
    if args[:1] == ["setup"]:
        extras = wanted_extras(here, args[1:])
    elif args[:1] == ["test"]:
        extras = ["dev"]
    python = prepare(here, home, extras)
    if args[:1] == ["setup"]:
        say("ready: ./dutchbook run")
        return
    env = os.environ | {"DUTCHBOOK_ROOT": str(here), "DUTCHBOOK_HOME": str(home)}
    if args[:1] == ["test"]:
        os.execve(python, [str(python), str(here / "tools" / "check.py"), *args[1:]], env)
    os.execve(python, [str(python), "-m", "dutchbook", *args], env)


def wanted_extras(here: Path, args: list[str]) -> list[str]:
    """The names after --extra; the locks that exist are the extras there are."""
    known = sorted(path.stem for path in (here / "locks").glob("*.lock") if path.stem != "run")
    names = [args[n + 1] for n, word in enumerate(args[:-1]) if word == "--extra"]
    odd = [word for word in args if word != "--extra" and word not in names]
    bad = [name for name in names if name not in known]
    if odd or bad or args[-1:] == ["--extra"]:
        what = f"unknown extra {bad[0]!r}" if bad else "usage: ./dutchbook setup [--extra NAME]..."
        fail(what, "", f"the extras are: {', '.join(known)}", code=2)
    return names


def prepare(here: Path, home: Path, extras: list[str]) -> Path:
    """Make or finish .venv under a lock; returns its Python. Quick when nothing is to do."""
    venv, locks = home / ".venv", [here / "locks" / f"{name}.lock" for name in ("run", *extras)]
    python = venv / "bin" / "python"
    if all(stamped(venv, lock) for lock in locks):
        return python
    try:
        home.mkdir(parents=True, exist_ok=True)
        with (home / ".venv.lock").open("w") as file:
            if not try_lock(file):
                say("another terminal is setting dutchbook up; waiting for it")
                fcntl.flock(file, fcntl.LOCK_EX)
            for lock in locks:
                if not stamped(venv, lock):
                    install(here, venv, lock)
    except OSError as error:
        fail(
            f"cannot write to {error.filename or home}: {error.strerror}",
            "dutchbook keeps its environment and its data beside itself",
            "copy the checkout to a folder that you may write to, or name one:"
            " DUTCHBOOK_HOME=/path ./dutchbook run",
        )
    return python


def try_lock(file: object) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # type: ignore[call-overload]
    except BlockingIOError:
        return False
    return True


def stamp(lock: Path) -> str:
    """What a finished install of a lock is known by: its content and the Python it is for."""
    text = lock.read_bytes() + f"{sys.version_info[:3]} {Path(__file__).parents[1]}".encode()
    return hashlib.sha256(text).hexdigest()


def stamped(venv: Path, lock: Path) -> bool:
    try:
        return (venv / f".{lock.stem}.done").read_text() == stamp(lock)
    except OSError:
        return False


def install(here: Path, venv: Path, lock: Path) -> None:
    """Install one lock; an environment that another Python made, or a half-made one, is remade."""
    python = venv / "bin" / "python"
    if lock.stem == "run":
        shutil.rmtree(venv, ignore_errors=True)
        say(f"setting up dutchbook in {venv} (once; about a minute)")
        done = subprocess.run(
            [sys.executable, "-m", "venv", str(venv)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            shutil.rmtree(venv, ignore_errors=True)
            if "No space" in done.stdout + done.stderr:
                fail("the disk is full", "", "free 600 MB and run the same command again")
            fail(
                "this Python cannot make virtual environments",
                "its venv module or ensurepip is missing",
                "install it (Debian, Ubuntu: apt install python3-venv), then run again",
            )
    packages = re.findall(r"^([A-Za-z0-9_.-]+)==", lock.read_text(), re.MULTILINE)
    command = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    command += ["--require-hashes", "--only-binary", ":all:", "--no-deps", "-r", str(lock)]
    watch(command, len(packages), lock.stem)
    site = next((venv / "lib").glob("python3.*")) / "site-packages"
    (site / "dutchbook.pth").write_text(f"{here / 'src'}\n")
    (venv / f".{lock.stem}.done").write_text(stamp(lock))


def watch(command: list[str], total: int, name: str) -> None:
    """Run pip behind one progress line; on failure say what it said and what to do."""
    seen, lines, began, shown = 0, [], time.monotonic(), -1
    live = sys.stderr.isatty()
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env
    ) as pip:
        assert pip.stdout is not None
        for line in pip.stdout:
            lines.append(line)
            seen += line.startswith("Collecting ")
            step = "unpacking" if line.startswith("Installing collected") else "fetching"
            text = f"  {name}: {step} {min(seen, total)}/{total}  {time.monotonic() - began:.0f} s"
            if live:
                print(f"\r{text}   ", end="", file=sys.stderr, flush=True)
            elif (part := (4 * seen // total, step)) != shown:
                shown = part
                say(text)
    if live:
        print(file=sys.stderr)
    if pip.returncode:
        explain("".join(lines[-12:]), "".join(lines))


def explain(tail: str, text: str) -> NoReturn:
    say(tail.rstrip())
    if re.search(r"HASHES|hash", tail):
        fail("a package is not the one that the lock names", "its hash differs; it was refused",
             "do not go round this: check your package index, then report it")  # fmt: skip
    if "No space left" in text:
        fail("the disk is full", "", "free 600 MB and run the same command again")
    fail(
        "the packages could not be installed",
        "most often there is no network, or no package index can be reached",
        "check the network or proxy (pip's own settings apply: HTTPS_PROXY, PIP_INDEX_URL,"
        " PIP_FIND_LINKS), then run the same command again: it goes on where it stopped",
    )


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def fail(what: str, why: str, todo: str, code: int = 1) -> NoReturn:
    say(f"error: {what}")
    if why:
        say(f"  why:   {why}")
    say(f"  to do: {todo}")
    raise SystemExit(code)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), sys.argv[2:])
    except KeyboardInterrupt:
        fail("stopped", "", "run the same command again: it goes on where it stopped", code=130)
