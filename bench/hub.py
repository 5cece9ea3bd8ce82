"""The hub under load from another process: how soon, how many, and what a bad neighbour costs."""

import asyncio
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from bench.harness import Context, Row
from bench.hub_load import Load, masked
from dutchbook.client import Client

SUBSCRIBERS: Final = 1_000
HELD: Final = 5_000
FILTERS: Final = 20
PATIENCE: Final = 20.0
ROOT: Final = Path(__file__).resolve().parents[1]


class Server:
    """The other process."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.hub_server", kind, str(folder)], cwd=ROOT,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "PATH": "/usr/bin:/bin"},
        )  # fmt: skip
        told = self.answer()
        self.port, self.token = int(told["port"]), str(told["token"])

    def ask(self, *words: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(" ".join(str(word) for word in words) + "\n")
        self.process.stdin.flush()

    def answer(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def said(self, number: int = 0) -> list[str]:
        """What a subscriber says; one of twenty filters, which every signal of the bench passes."""
        if not self.token:
            return []
        share = f"0.{number % FILTERS:02d}"
        filters = {"min_confidence": share, "or": [{"venues": ["kalshi"]}, {"keywords": ["x"]}]}
        subscribe = {"type": "subscribe", "channel": "signals", "filters": filters}
        return [json.dumps({"type": "auth", "token": self.token}), json.dumps(subscribe)]


@contextmanager
def serving(kind: str, folder: Path) -> Iterator[Server]:
    folder.mkdir(parents=True, exist_ok=True)
    server = Server(kind, folder)
    try:
        yield server
    finally:
        server.process.kill()
        server.process.wait()


def joined(server: Server, count: int) -> Load:
    """So many subscribers, welcomed and subscribed."""
    load = Load()
    for number in range(count):
        sub = load.connect(server.port, [])
        for text in server.said(number):
            sub.sock.sendall(masked(text))
            load.answers(sub, sub.frames + 1)
        load.add(sub)
    load.frames = load.messages = 0
    return load


def run(context: Context) -> list[Row]:
    """Rows of spec 08: push, fan-out, stalled neighbour, resume, held."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    rows: list[Row] = []
    with serving("hub", context.scratch / "hub") as server:
        load = joined(server, SUBSCRIBERS)
        rows += _paced(context, server, load)
        frames, before = load.frames, load.messages
        ours, size = _blast(context, server, load)
        each = (load.messages - before) / (load.frames - frames)
        alone, _ = _blast(context, server, load, single=True)
        rows += _stalled(context, server, load)
        load.close()
    with serving("starlette", context.scratch / "plain") as plain:
        load = joined(plain, SUBSCRIBERS)
        theirs, _ = _blast(context, plain, load, size)
        load.close()
    ratio = ours / theirs
    holds = ours >= 90_000 and ratio >= 1.8
    goal = "value >= 90000, ratio >= 1.8"
    peer = f"starlette broadcast ({theirs:,.0f}/s)"
    rows.insert(3, Row("hub_fanout", round(ours), "deliveries/s", goal, holds, peer, ratio))
    rows.insert(4, Row("hub_fanout_coalesced", round(each, 2), "messages a frame"))
    one = Row("hub_fanout_single", round(alone), "frames/s", peer=peer, ratio=alone / theirs)
    rows.insert(5, one)
    rows += _kept(context)
    rows += _resume(context)
    rows += _held(context)
    return rows


def _paced(context: Context, server: Server, load: Load) -> list[Row]:
    seconds = 2 if context.quick else 6
    server.ask("paced", 20, seconds)
    load.ages, load.firsts = [], {}
    load.run(20 * seconds * SUBSCRIBERS, seconds + PATIENCE, stamps=True)
    server.answer()
    p50, p99, first = _marks(load)
    return [
        Row("hub_push_p50", p50, "ms", "value <= 10", p50 <= 10),
        Row("hub_push_p99", p99, "ms", "value <= 20", p99 <= 20),
        Row("hub_push_first", first, "ms", "value <= 2", first <= 2),
    ]


def _marks(load: Load) -> tuple[float, float, float]:
    ages, firsts = sorted(load.ages), sorted(load.firsts.values())
    p50, p99 = (ages[int(len(ages) * part)] / 1e6 for part in (0.5, 0.99))
    return round(p50, 2), round(p99, 2), round(firsts[len(firsts) // 2] / 1e6, 2)


def _blast(
    context: Context, server: Server, load: Load, size: int = 0, *, single: bool = False
) -> tuple[float, int]:
    """Deliveries a second of broadcasts back to back, and the bytes of one message.

    `single`: a frame for each message, where the hub would put those of 5 ms into one.
    """
    rounds = 20 if context.quick else 100
    best = 0.0
    for _ in range(3):
        began = time.monotonic_ns()
        server.ask("blast", rounds, size, int(single))
        got = load.run(rounds * SUBSCRIBERS, PATIENCE)
        told = server.answer()
        size = size or int(told["size"]) + 60  # subscription and prev come on top
        best = max(best, got / ((load.last - began) / 1e9))
    return best, size


def _stalled(context: Context, server: Server, load: Load) -> list[Row]:
    """One that reads nothing, among a thousand that do."""
    seconds = 2 if context.quick else 5
    stalled = load.connect(server.port, server.said(), small=True)
    time.sleep(0.2)
    server.ask("paced", 20, seconds)
    load.ages, load.firsts = [], {}
    load.run(20 * seconds * SUBSCRIBERS, seconds + PATIENCE, stamps=True)
    server.answer()
    stalled.sock.close()
    p50, p99, _ = _marks(load)
    return [
        Row("hub_stalled_others_p50", p50, "ms"),
        Row("hub_stalled_others_p99", p99, "ms", "value <= 30 (20 and 10 more)", p99 <= 30),
    ]


def _kept(context: Context) -> list[Row]:
    """What one stalled subscriber makes the server keep before it is cut off."""
    with serving("hub", context.scratch / "stall") as server:
        load = joined(server, 20)
        stalled = load.connect(server.port, server.said(), small=True)
        time.sleep(0.2)
        server.ask("stall", 1_500)
        load.run(1_500 * 20, PATIENCE)
        told = server.answer()
        stalled.sock.close()
        load.close()
    kept = told["peak"] / (1 << 20)
    return [Row("hub_stalled_kept", round(kept, 2), "MiB", "value <= 1", 0 < kept <= 1)]


def _resume(context: Context) -> list[Row]:
    """Ten thousand missed signals, through the client library; from memory, and from the store."""
    missed = context.size(10_000)
    with serving("hub", context.scratch / "resume") as server:
        server.ask("many", missed)
        server.answer()
        recent = asyncio.run(_resumed(server, missed))
        server.ask("many", 25_000)
        server.answer()
        old = asyncio.run(_resumed(server, missed))
    name = f"s for {missed:,} messages"
    return [
        Row("hub_resume", round(recent, 3), name, "value <= 1", recent <= 1),
        Row("hub_resume_from_store", round(old, 3), name, "value <= 1", old <= 1),
    ]


async def _resumed(server: Server, missed: int) -> float:
    async with Client(f"ws://127.0.0.1:{server.port}/ws", server.token) as client:
        await client.ready()
        began = time.monotonic()
        got = 0
        async for _ in client.listen("signals", after=0):
            got += 1
            if got == missed:
                return time.monotonic() - began
    return float("inf")


def _held(context: Context) -> list[Row]:
    count = context.size(HELD)
    with serving("hub", context.scratch / "held") as server:
        load = joined(server, count)
        server.ask("blast", 5, 0, 0)
        got = load.run(5 * count, PATIENCE)
        server.answer()
        server.ask("count")
        held = int(server.answer()["sessions"])
        load.close()
    fine = held == count and got == 5 * count
    return [Row("hub_held", held, "subscribers, each with all 5 signals", f"{count}", fine)]
