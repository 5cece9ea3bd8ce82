"""Secrets at rest (P18): nothing in the clear, nothing exchanged, nothing opened by another key."""

import base64
import json
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from dutchbook.domain.errors import ConfigError, UsageError
from dutchbook.domain.secret import Secret
from dutchbook.storage.vault import FILE, Outer, Secrets

CANARY = b"canary-5f1e-very-secret"


def vault(root: Path, passphrase: str = "") -> Secrets:
    return Secrets(root, Outer(root / "home" / "key", Secret(passphrase) if passphrase else None))


@pytest.mark.parametrize("passphrase", ["", "correct horse"])
def test_a_secret_comes_back_and_is_nowhere_in_the_clear(tmp_path: Path, passphrase: str) -> None:
    kept = vault(tmp_path, passphrase)
    assert kept.set("kalshi.key", Secret(b"first")) == 1
    assert kept.set("kalshi.key", Secret(CANARY)) == 2
    assert vault(tmp_path, passphrase).get("kalshi.key") == Secret(CANARY)
    assert kept.names() == ["kalshi.key"] and kept.get("other") is None
    for path in tmp_path.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert CANARY not in data and base64.b64encode(CANARY)[:-4] not in data
            assert path.stat().st_mode & 0o077 == 0


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    vault(tmp_path, "one").set("a", Secret("x"))
    with pytest.raises(ConfigError, match="not the key"):
        vault(tmp_path, "two").get("a")
    with pytest.raises(ConfigError, match="passphrase"):
        vault(tmp_path).get("a")


@pytest.mark.parametrize("field", ["key", "sealed"])
def test_a_changed_or_exchanged_entry_is_refused(tmp_path: Path, field: str) -> None:
    """The name is bound in: what was sealed as one secret can't stand for another."""
    kept = vault(tmp_path)
    kept.set("a", Secret("x"))
    kept.set("b", Secret("y"))
    file = json.loads((tmp_path / FILE).read_text())
    file["entries"]["a"][field] = file["entries"]["b"][field]
    (tmp_path / FILE).write_text(json.dumps(file))
    with pytest.raises(ConfigError, match="changed on disk"):
        kept.get("a")
    assert kept.get("b") == Secret("y")


def test_rotation_moves_all_and_the_old_key_opens_no_more(tmp_path: Path) -> None:
    """Another folder's secrets are under the same first key file: they stay as they are."""
    kept, other = vault(tmp_path), Secrets(tmp_path / "other", Outer(tmp_path / "home" / "key"))
    other.set("theirs", Secret("z"))
    kept.set("a", Secret("x"))
    kept.set("b", Secret("y"))
    assert kept.rotate(None) == 2 and vault(tmp_path).rotate(None) == 2
    for one in (kept, vault(tmp_path)):
        assert one.get("a") == Secret("x") and one.get("b") == Secret("y")
    assert other.get("theirs") == Secret("z")
    file = json.loads((tmp_path / FILE).read_text())
    (tmp_path / FILE).write_text(json.dumps(file | {"key_file": ""}))
    with pytest.raises(ConfigError, match="not the key"):
        vault(tmp_path).get("a")


def test_rotation_to_a_passphrase_and_back(tmp_path: Path) -> None:
    vault(tmp_path).set("a", Secret("x"))
    assert vault(tmp_path).rotate(Secret("new words")) == 1
    with pytest.raises(ConfigError, match="passphrase"):
        vault(tmp_path).get("a")
    assert vault(tmp_path, "new words").rotate(None) == 1
    assert vault(tmp_path).get("a") == Secret("x")


def test_processes_that_begin_a_folder_together_lose_nothing(tmp_path: Path) -> None:
    """Eight at once: one key file, one pepper for all of them, and every secret of each."""
    with ProcessPoolExecutor(8, mp_context=get_context("spawn")) as pool:
        found = list(pool.map(began, [tmp_path] * 8, range(8)))
    kept = vault(tmp_path)
    assert len(set(found)) == 1 and found[0] == kept.made("pepper").reveal()
    assert kept.names() == sorted(["pepper", *(f"own.{n}.{m}" for n in range(8) for m in range(5))])
    assert all(kept.get(f"own.{n}.4") == Secret(f"{n}") for n in range(8))
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["key"]


def began(root: Path, n: int) -> bytes:
    kept = vault(root)
    for m in range(5):
        kept.set(f"own.{n}.{m}", Secret(f"{n}"))
    return kept.made("pepper").reveal()


def test_what_cannot_be_kept_is_refused(tmp_path: Path) -> None:
    kept = vault(tmp_path)
    for name, value in (("", "x"), ("../a", "x"), ("a" * 65, "x"), ("a", "")):
        with pytest.raises(UsageError):
            kept.set(name, Secret(value))
    with pytest.raises(UsageError):
        kept.remove("a")
    kept.set("a", Secret("x"))
    (tmp_path / "home" / "key").chmod(0o644)
    with pytest.raises(ConfigError, match="0644"):
        kept.get("a")
