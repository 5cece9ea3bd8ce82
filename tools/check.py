"""`./dutchbook test`: lint, format, types, import floors, then the whole test suite.

`--quick` leaves out what runs whole processes. `--all` runs every crash point, a million order
lives and limit attempts, and the venues' own clients, which it installs beside the environment.
"""

import os
import subprocess
import sys
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
    steps = [
        ("lint", [sys.executable, "-m", "ruff", "check", "--quiet", *CODE]),
        ("format", [sys.executable, "-m", "ruff", "format", "--check", "--quiet", *CODE]),
        ("types", [sys.executable, "-m", "mypy", "--no-error-summary"]),
        ("floors", [str(bin_dir / "lint-imports"), "--no-cache"]),
    ]
    env = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    for name, command in [] if args else steps:
        began = time.monotonic()
        print(f"{name} ...", end=" ", flush=True)
        done = subprocess.run(
            command, cwd=ROOT, env=env, capture_output=True, text=True, check=False
        )
        if done.returncode:
            print("failed", done.stdout, done.stderr, sep="\n")
            return done.returncode
        print(f"ok ({time.monotonic() - began:.0f} s)", flush=True)
    if whole:
        env |= everything(bin_dir.parent)
    return subprocess.call(
        [sys.executable, "-m", "pytest", *(args or ["-n", "2", "--dist", "loadgroup"]), *chosen],
        cwd=ROOT,
        env=env,
    )


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
