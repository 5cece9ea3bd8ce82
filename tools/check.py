"""`./dutchbook test`: lint, format, types, import floors, then the whole test suite."""

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CODE = ["src", "tests", "bench", "tools"]


def main(args: list[str]) -> int:
    """Run every check; the first that fails ends it. Arguments go to pytest."""
    bin_dir = Path(sys.executable).parent
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
    return subprocess.call(
        [sys.executable, "-m", "pytest", *(args or ["-n", "2", "--dist", "loadgroup"])],
        cwd=ROOT,
        env=env,
    )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
