"""A run told to others: a terminal, a program, a bot with a key; and its gateway is killed."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from dutchbook.domain.events import SignalArrived
from dutchbook.hub.feed import FeedClient
from e2e.processes import ROOT, Command, children, wait_until


@pytest.fixture(autouse=True)
def _wanted(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DUTCHBOOK__API__ENABLED", "true")
    monkeypatch.setenv("DUTCHBOOK__API__PORT", "0")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))


def call(method: str, url: str, key: str = "") -> tuple[int, object]:
    headers = {"X-Dutchbook-Key": key} if key else {}
    request = urllib.request.Request(url, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def script() -> str:
    """The one that the README shows, as it stands there."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (found,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert "Client.local" in found and len(found.splitlines()) <= 12
    return found


def gateway_of(pid: int) -> int:
    (one,) = [
        child for child in children(pid)
        if b"gateway" in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
    ]  # fmt: skip
    return one


async def say(folder: Path, names: list[str]) -> list[int]:
    """Have the run number signals without any gateway; their numbers."""
    begun = asyncio.Event()

    def begin(hello) -> int:
        begun.set()
        return hello.seq

    feed = FeedClient(folder / "hub" / "feed.sock", begin, lambda messages: None)
    feed.start()
    await asyncio.wait_for(begun.wait(), 20)
    await asyncio.sleep(0)
    told = [
        await feed.post(SignalArrived(publisher="desk", id=name, kind="news", confidence=900_000,
                                      title=name))
        for name in names
    ]  # fmt: skip
    await feed.stop()
    return [seq for seq, _ in told]


def test_a_run_is_told_to_terminals_programs_and_bots(tmp_path: Path) -> None:
    data = tmp_path / "data" / "sim"
    run = Command(tmp_path, "run", "--seed", 7, "--data-dir", data)
    started = [run]
    try:
        wait_until(lambda: (data / "hub" / "address").exists(), "the gateway says where it is")
        base = (data / "hub" / "address").read_text().strip()
        assert (data / "hub" / "token").stat().st_mode & 0o777 == 0o600
        keys = {role: new_key(tmp_path, data, role) for role in ("viewer", "trader", "admin")}
        tail = Command(tmp_path / "tail", "signal", "tail", "--min-confidence", "0.5", "--json",
                       "--data-dir", data)  # fmt: skip
        started.append(tail)
        posted = Command(tmp_path / "post", "signal", "post", "news", "0.8", "--title", "mine",
                         "--data-dir", data, "--json")  # fmt: skip
        (tmp_path / "listen.py").write_text(script())
        with (tmp_path / "heard").open("wb") as out:
            mine = subprocess.Popen(
                [sys.executable, "listen.py"], cwd=tmp_path, stdout=out, process_group=0,
                env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
            )  # fmt: skip
        heard = lambda: [int(line.split()[0]) for line in _lines(tmp_path / "heard")]  # noqa: E731
        wait_until(heard, "the script prints a signal")
        wait_until(lambda: _lines(tail.out_file), "the terminal prints a signal")
        first = json.loads(_lines(tail.out_file)[0])
        assert first["type"] == "signal" and first["publisher"] in ("engine", "owner")
        assert float(first["confidence"]) >= 0.5
        assert posted.answer()["seq"] > 0
        keyed = {role: command.answer()["key"] for role, command in keys.items()}
        by_role(base, **keyed)

        os.kill(gateway_of(run.process.pid), signal.SIGKILL)
        meanwhile = asyncio.run(say(data, [f"while it was away {n}" for n in range(5)]))
        wait_until(lambda: set(meanwhile) <= set(heard()), "the script hears what it missed")
        wait_until(lambda: "the gateway ended (-9)" in run.err, "the run says so")
        base = (data / "hub" / "address").read_text().strip()
        after = f"after={heard()[0] - 1}&limit=1000&filters=%7B%22min_confidence%22%3A%220.5%22%7D"
        status, page = call("GET", f"{base}/api/v1/signals?{after}", keyed["viewer"])
        assert status == 200
        kept = [one["seq"] for one in page["messages"]]
        wait_until(lambda: len(heard()) >= len(kept), "the script has all of them")
        assert heard()[: len(kept)] == kept
        mine.terminate()
        mine.wait(20)
    finally:
        run.interrupt()
        for one in started[1:]:
            one.kill()
    assert run.end() == 0, run.err[-2000:]
    assert not (data / "hub" / "address").exists()


def new_key(tmp_path: Path, data: Path, role: str) -> Command:
    return Command(tmp_path / role, "api", "token", "new", f"my {role}", "--role", role,
                   "--data-dir", data, "--json")  # fmt: skip


def by_role(base: str, viewer: str, trader: str, admin: str) -> None:
    """What a key may is what its role may; without one there is nothing."""
    api = f"{base}/api/v1"
    for key in (viewer, trader, admin):  # the gateway looks for new ones once a second
        wait_until(lambda key=key: call("GET", f"{api}/jobs", key)[0] == 200, "the key works")
    assert call("GET", f"{api}/positions", admin)[0] == 200
    status, found = call("GET", f"{api}/opportunities", viewer)
    assert status == 200 and isinstance(found["items"], list)
    wait_until(lambda: call("GET", f"{api}/alerts", viewer)[1], "the run alerts of something")
    status, alerts = call("GET", f"{api}/alerts", viewer)
    assert status == 200 and call("GET", f"{api}/alerts/{alerts[0]['id']}", viewer)[0] == 200
    assert call("GET", f"{api}/jobs", viewer)[0] == 200
    dismiss = f"{api}/alerts/{alerts[0]['id']}/dismiss"
    assert [call("POST", dismiss, key)[0] for key in ("", viewer)] == [401, 403]
    assert call("POST", dismiss, trader)[0] in (200, 409)
    job = f"{api}/jobs/risk-check/run"
    assert [call("POST", job, key)[0] for key in ("", viewer)] == [401, 403]
    status, ran = call("POST", job, admin)
    assert (status, ran["subagent_id"]) == (200, "risk-check"), ran
    assert call("POST", f"{api}/jobs/nothing/run", admin)[1]["code"] == "conflict"


def _lines(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    return text[: text.rfind("\n") + 1].splitlines()
