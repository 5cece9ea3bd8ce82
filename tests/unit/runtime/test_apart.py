"""What tells others fails: the engine goes on, says so once, and the next start makes it good."""

import asyncio
import json
from pathlib import Path

from dutchbook.domain.events import SignalArrived
from dutchbook.runtime.layers import load
from dutchbook.runtime.live import Live
from dutchbook.storage.messages import read_file
from unit.gateway.house import Still


def live_in(root: Path) -> Live:
    named = {"data_dir": str(root), "api.enabled": "true"}
    return Live(Still(load(env={}, cli=named).settings), lambda live, step: None)


async def run(live: Live, names: list[str], broken: str = "") -> None:
    going = asyncio.create_task(live.go(None, []))
    while not live.engine.run:
        await asyncio.sleep(0.01)
    for name in names:
        if name == broken:
            live.hub.log.append = None  # the store of messages can't be written any more
        live.tell(SignalArrived(publisher="desk", id=name, kind="news", confidence=900_000))
        before = live.store.seq
        while live.store.seq == before:
            await asyncio.sleep(0.01)
    live.stop("test")
    await going


def told(root: Path) -> list[str]:
    rows = [json.loads(row.body) for row in read_file(root / "hub", 1 << 62)]
    return [row["id"] for row in rows if row["type"] == "signal" and row["publisher"] == "desk"]


async def test_a_hub_that_fails_is_given_up_and_made_good(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    root = tmp_path / "sim"
    live = live_in(root)
    await run(live, ["a", "b", "c"], broken="b")
    lives = live.alerting.center.book.lives.values()
    said = [life.notice.text for life in lives if "given up" in life.notice.text]
    assert len(said) == 1 and "the hub is given up until the next start: TypeError" in said[0]
    assert live.why == "test" and told(root) == ["a"]
    await run(live_in(root), ["d"])
    assert told(root) == ["a", "b", "c", "d"]
