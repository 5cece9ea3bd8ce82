"""The command line as a person runs it: real processes, their words, their exit codes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 90.0
"""Seconds that any one thing may take on a busy machine before the test says so."""


class Command:
    """One `dutchbook` process in a folder of its own; what it says goes to files."""

    def __init__(self, folder: Path, *args: object, seed_of_hashes: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.args = [str(arg) for arg in args]
        self.out_file, self.err_file = (folder / f"{name}.txt" for name in ("out", "err"))
        env = os.environ | {"PYTHONPATH": str(ROOT / "src")}
        env.pop("DUTCHBOOK_DEBUG", None)
        if seed_of_hashes:
            env["PYTHONHASHSEED"] = seed_of_hashes
        with self.out_file.open("wb") as out, self.err_file.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "dutchbook", *self.args],
                cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                process_group=0,
            )  # fmt: skip

    @property
    def out(self) -> str:
        return self.out_file.read_text(encoding="utf-8")

    @property
    def err(self) -> str:
        return self.err_file.read_text(encoding="utf-8")

    def end(self) -> int:
        """Wait for its end; the exit code."""
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"{self.args} did not end; it said: {self.err[-2000:]}") from None

    def answer(self) -> dict:
        """The JSON object on the last line of its output; the process must end with 0."""
        assert self.end() == 0, self.err[-3000:]
        return self.last()

    def last(self) -> dict:
        return json.loads(self.out.splitlines()[-1])

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE)

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)


def ask(folder: Path, *args: object, code: int = 0, **more) -> dict:
    """Run a command to its end and return the JSON object that it answers with."""
    command = Command(folder, *args, **more)
    assert command.end() == code, command.err[-3000:]
    return command.last()


def wait_until(what, why: str) -> None:
    """Wait for a condition, however slow the machine; fail naming it."""
    until = time.monotonic() + PATIENCE
    while not what():
        if time.monotonic() > until:
            raise AssertionError(f"never: {why}")
        time.sleep(0.02)


def status(data_dir: Path) -> dict:
    """What a run says of itself now; empty before it has said anything."""
    try:
        return json.loads((data_dir / "status.json").read_bytes())
    except FileNotFoundError:
        return {}


def children(pid: int) -> list[int]:
    """The processes that this one has started and that have not been waited for."""
    task = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(word) for word in task.read_text().split()] if task.exists() else []


def exchanges_of(pid: int) -> int:
    """The process of the pretend exchanges of a run; it may have others, such as the optimiser."""
    (one,) = [
        child for child in children(pid)
        if b"exchange" in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
    ]  # fmt: skip
    return one


def runs(pid: int) -> bool:
    """Whether a process is there and not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
