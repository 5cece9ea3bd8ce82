"""`dutchbook run` with its gateway: followed, asked, stopped with the run; never in its way."""

import socket
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from e2e.processes import Command, ask, wait_until


@pytest.fixture(autouse=True)
def _wanted(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DUTCHBOOK__API__ENABLED", "true")
    monkeypatch.setenv("DUTCHBOOK__API__PORT", "0")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))


def get(url: str, key: str = "") -> tuple[int, str]:
    request = urllib.request.Request(url, headers={"X-Dutchbook-Key": key} if key else {})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_run_is_followed_asked_and_stopped_from_outside(tmp_path: Path) -> None:
    run = Command(tmp_path, "run", "--data-dir", tmp_path / "d")
    try:
        wait_until(lambda: "one-time token" in run.err, "the gateway says where it is")
        line = next(one for one in run.err.splitlines() if one.strip().startswith("gateway "))
        base = line.split()[1].removesuffix("/api/v1")
        made = ask(tmp_path / "k", "api", "token", "new", "me", "--role", "admin", "--data-dir",
                   tmp_path / "d", "--json")  # fmt: skip
        wait_until(lambda: get(f"{base}/ready")[0] == 200, "it is ready")
        wait_until(lambda: get(f"{base}/api/v1/positions", made["key"])[0] == 200, "the key works")
        assert get(f"{base}/api/v1/positions")[0] == 401
        assert '"items":[{' in get(f"{base}/api/v1/markets?limit=1", made["key"])[1]
        assert 'dutchbook_up{mode="sim"} 1.0' in get(f"{base}/metrics", made["key"])[1]
    finally:
        run.interrupt()
    assert run.end() == 0, run.err[-2000:]
    with pytest.raises(urllib.error.URLError):
        get(f"{base}/health")
    assert made["key"] not in run.err


def test_a_port_that_is_freed_soon_is_taken_then(tmp_path: Path, monkeypatch) -> None:
    """Where a run was killed, its gateway has the port for seconds more: the next run had none."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("DUTCHBOOK__API__PORT", str(taken.getsockname()[1]))
        run = Command(tmp_path, "run", "--data-dir", tmp_path / "d")
        wait_until(lambda: "no gateway: " in run.err, "it says that there is none")
    try:
        wait_until(lambda: "one-time token" in run.err, "and that there is one now")
    finally:
        run.interrupt()
    assert run.end() == 0, run.err[-2000:]
    assert "again in 0.5 s" in run.err and "the run goes on without it" not in run.err


def test_a_taken_port_is_a_sentence_and_trading_goes_on(tmp_path: Path, monkeypatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("DUTCHBOOK__API__PORT", str(taken.getsockname()[1]))
        run = Command(tmp_path, "run", "--data-dir", tmp_path / "d")
        wait_until(lambda: "no gateway: " in run.err, "it says that there is none")
        run.interrupt()
        assert run.end() == 0, run.err[-2000:]
    assert "can't listen on 127.0.0.1" in run.err and "api.port" in run.err
