"""`./dutchbook test`: lint, format, import floors, then the whole test suite, types beside it.

`--quick` leaves out what runs whole processes. `--all` runs every crash point, a million order
lives and limit attempts, and the venues' own clients, which it installs beside the environment.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CODE = ["src", "tests", "bench", "tools"]


def main(args: list[str]) -> int:
    """Run every check; the first that fails ends it. Other arguments go to pytest."""
    bin_dir = Path(sys.executable).parent
    whole, quick = "--all" in args, "--quick" in args
    args = [word for word in args if word not in ("--all", "--quick")]
    chosen = ["--ignore=tests/e2e", "--ignore=tests/reliability"] if quick else []
    env = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    checks = {
        "lint": [sys.executable, "-m", "ruff", "check", "--quiet", *CODE],
        "format": [sys.executable, "-m", "ruff", "format", "--check", "--quiet", *CODE],
        "floors": [str(bin_dir / "lint-imports"), "--no-cache"],
        "types": [sys.executable, "-m", "mypy", "--no-error-summary"],
    }
    beside = None
    for name, command in [] if args else checks.items():
        check = Check(name, command, env)
        if name == "types":  # half a minute of one core: beside the tests, which often wait
            print("types ... beside the tests", flush=True)
            beside = check
        elif not check.passed():
            return 1
    if whole:
        env |= everything(bin_dir.parent)
    tests = subprocess.Popen(
        [sys.executable, "-m", "pytest", *(args or ["-n", "2", "--dist", "loadgroup"]), *chosen],
        cwd=ROOT,
        env=env,
    )
    while beside is not None and tests.poll() is None and not beside.ended():
        time.sleep(0.2)
    if beside is not None and not beside.passed(quiet=True):
        tests.terminate()
        tests.wait()
        return 1
    return tests.wait()


class Check:
    """A command that says nothing where all is well; it runs from the moment it is made."""

    def __init__(self, name: str, command: list[str], env: dict[str, str]) -> None:
        self.name = name
        self._began = time.monotonic()
        # A file of its own: a pipe that nobody reads until the end would stop it when it is full.
        handle, said = tempfile.mkstemp(prefix=f"dutchbook-{name}-")
        self._said = Path(said)
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=handle, stderr=subprocess.STDOUT
        )
        os.close(handle)

    def ended(self) -> bool:
        return self._process.poll() is not None

    def passed(self, *, quiet: bool = False) -> bool:
        """Wait for it. What it said is printed where it failed; `quiet`: only then anything."""
        code = self._process.wait()
        said = self._said.read_text(encoding="utf-8", errors="replace")
        self._said.unlink()
        if code:
            print(f"\n{self.name} failed", said, sep="\n", flush=True)
        elif not quiet:
            print(f"{self.name} ... ok ({time.monotonic() - self._began:.0f} s)", flush=True)
        return code == 0


def everything(venv: Path) -> dict[str, str]:
    """The whole form, with the environments of the venues' own clients."""
    clients = os.environ.get("DUTCHBOOK_ORACLES") or str(venv.parent / ".venv.clients")
    print("the venues' own clients ...", end=" ", flush=True)
    done = subprocess.run([str(ROOT / "tools" / "oracles" / "make"), clients], check=False)
    print("ok" if not done.returncode else "not to be had: their tests are skipped", flush=True)
    found = {"DUTCHBOOK_ORACLES": clients} if not done.returncode else {}
    return {"DUTCHBOOK_TEST_ALL": "1", **found}


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
