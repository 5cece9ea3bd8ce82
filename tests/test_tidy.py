"""Habits that a test can keep: sizes, first lines, forbidden words, light imports."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
ALL = [
    path
    for folder in ("src", "tests", "bench", "tools")
    for path in sorted((ROOT / folder).rglob("*.py"))
]
TEXTS = [*ALL, *sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("*.toml"))]


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def test_files_stay_small() -> None:
    """Median 120 lines at most, nine of ten under 300, none over 500."""
    sizes = sorted(len(lines(path)) for path in SOURCES)
    assert sizes[len(sizes) // 2] <= 120
    assert sizes[len(sizes) * 9 // 10] < 300
    assert sizes[-1] <= 500


def test_every_file_says_first_why_it_exists() -> None:
    first = {path: lines(path)[0] if lines(path) else "" for path in SOURCES}
    odd = [
        str(path.relative_to(ROOT)) for path, text in first.items() if not text.startswith('"""')
    ]
    assert odd == []


def test_nothing_is_left_open() -> None:
    open_words = (
        "TO" + "DO:|FIX" + "ME|X" + "XX|HA" + "CK|NotImplemented" + "Error|place" + "holder"
    )
    found = [
        f"{path.relative_to(ROOT)}:{n}"
        for path in SOURCES
        for n, line in enumerate(lines(path), 1)
        if re.search(open_words, line)
    ]
    assert found == []


def test_no_path_of_a_machine_and_no_registry_is_named() -> None:
    bad = re.compile(r"/(?:wo" + r"rk|ro" + r"ot)/|py" + r"pi\.org|npm" + r"js\.|pythonho" + "sted")
    found = [
        f"{path.relative_to(ROOT)}:{n}"
        for path in TEXTS
        for n, line in enumerate(lines(path), 1)
        if bad.search(line)
    ]
    assert found == []


def test_only_one_sqlite_and_one_http_client() -> None:
    banned = re.compile(r"^\s*(?:import|from) (?:sqlite3|aiosqlite|requests|httpx|aiohttp)\b")
    assert [p for p in ALL if any(banned.match(line) for line in lines(p))] == []


def test_the_command_line_starts_light() -> None:
    """Naming the commands imports neither numbers nor sockets."""
    code = (
        "import sys, dutchbook.cli;"
        "heavy = {'numpy', 'numba', 'scipy', 'websockets', 'httpx2', 'starlette', 'cryptography'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT / "src"
    )
    assert done.stdout.strip() == "[]"


def test_the_lock_holds_what_the_project_asks_for() -> None:
    """Every dependency is locked with hashes, and nothing heavy came in."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    run = (ROOT / "locks" / "run.lock").read_text()
    locked = re.findall(r"^([a-z0-9-]+)==", run, re.MULTILINE)
    asked = [re.match(r"[a-z0-9-]+", text)[0] for text in project["dependencies"]]  # type: ignore[index]
    assert set(asked) <= set(locked)
    assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}", run)) >= len(locked)
    assert not {"scipy", "scikit-learn", "pandas", "torch"} & set(locked)


def test_each_command_of_the_table_exists() -> None:
    from importlib import import_module

    from dutchbook.cli import COMMANDS

    for place, _ in COMMANDS.values():
        module, _, name = place.partition(":")
        assert getattr(import_module(f"dutchbook.cli.{module}"), name or "app") is not None
