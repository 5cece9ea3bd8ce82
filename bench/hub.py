"""The hub under load from another process: how soon, how many, and what a bad neighbour costs."""

import asyncio
import json
import resource
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from bench.harness import Context, Row
from bench.hub_load import PATIENCE, Load, masked
from dutchbook.client import Client
from dutchbook.domain.errors import UsageError

SUBSCRIBERS: Final = 1_000
HELD: Final = 5_000
FILTERS: Final = 20
FILL: Final = 600
"""Signals that are more than a socket with hardly room and its buffers take."""
RATE: Final = 20
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
        if not select.select([self.process.stdout], [], [], 3 * PATIENCE)[0]:
            raise TimeoutError(f"the serving process says nothing for {3 * PATIENCE:.0f} s")
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
        if number % 250 == 0:
            load.pongs()
    load.frames = load.messages = 0
    return load


def run(context: Context) -> list[Row]:
    """Rows of spec 08: push, fan-out, stalled, resume, held. Raises UsageError without picows."""
    if find_spec("picows") is None:
        raise UsageError("bench hub needs picows", todo="./dutchbook setup --extra hub")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with serving("hub", context.scratch / "hub") as server:
        load = joined(server, SUBSCRIBERS)
        pushed, beside = _pushed(context, server, load)
        frames, before = load.frames, load.messages
        ours, size, busy = _blast(context, server, load)
        each = (load.messages - before) / (load.frames - frames)
        alone, *_ = _blast(context, server, load, single=True)
        load.close()
    with serving("starlette", context.scratch / "plain") as plain:
        load = joined(plain, SUBSCRIBERS)
        theirs, *_ = _blast(context, plain, load, size)
        peer = _best([_paced(context, plain, load, size) for _ in range(_tries(context))])
        load.close()
    ratio = ours / theirs
    holds = ours >= 90_000 and ratio >= 1.8
    goal = "value >= 90000, ratio >= 1.8"
    name = f"starlette broadcast ({theirs:,.0f}/s)"
    return [
        *_push_rows(pushed, peer),
        Row("hub_fanout", round(ours), "deliveries/s", goal, holds, name, ratio),
        Row("hub_fanout_coalesced", round(each, 2), "messages a frame"),
        Row("hub_fanout_single", round(alone), "frames/s", peer=name, ratio=alone / theirs),
        Row("hub_fanout_load", round(100 * busy), "% of the time the load was busy"),
        *_stalled_rows(pushed, beside),
        *_kept(context),
        *_resume(context),
        *_held(context),
    ]


Marks = tuple[float, float, float, float, float]
"""ms: p50 and p99 of all subscribers, p50 of the first to hear, p99 until the load had read it,
p50 of the commit in it."""


def _tries(context: Context) -> int:
    return 1 if context.quick else 3


def _best(tries: list[Marks]) -> Marks:
    """The quietest of several tries: whoever else uses the machine can only add."""
    return min(tries, key=lambda marks: marks[1])


def _paced(context: Context, server: Server, load: Load, size: int = 0) -> Marks:
    seconds = 2 if context.quick else 4
    server.ask("paced", RATE, seconds, size)
    marks = load.aged(RATE * seconds * SUBSCRIBERS, seconds + PATIENCE)
    return (*marks, server.answer().get("commit", 0.0))


def _pushed(context: Context, server: Server, load: Load) -> tuple[Marks, Marks]:
    """In turns, without and with a neighbour for whom more waits than its socket takes."""
    alone, beside = [], []
    for _ in range(_tries(context)):
        alone.append(_paced(context, server, load))
        stalled = load.connect(server.port, server.said(), small=True)
        time.sleep(0.2)
        server.ask("blast", FILL, 0, 0)
        load.run(FILL * SUBSCRIBERS, PATIENCE)
        server.answer()
        server.ask("count")
        if not server.answer()["waits"]:
            raise RuntimeError("the stalled subscriber does not stall")
        beside.append(_paced(context, server, load))
        stalled.sock.close()
    return _best(alone), _best(beside)


def _push_rows(ours: Marks, theirs: Marks) -> list[Row]:
    """`theirs`: a broadcast that neither filters, keeps nor signs, at the same pace."""
    rows = []
    for n, (name, goal) in enumerate((("p50", 10), ("p99", 20), ("first", 2))):
        peer = f"starlette broadcast ({theirs[n]:.2f} ms), nothing filtered or kept"
        holds = ours[n] <= goal
        value, ratio = round(ours[n], 2), theirs[n] / ours[n]
        rows.append(Row(f"hub_push_{name}", value, "ms", f"value <= {goal}", holds, peer, ratio))
    read = f"starlette broadcast ({theirs[3]:.2f} ms)"
    rows.append(
        Row("hub_push_read", round(ours[3], 2), "ms p99 until the load had read it", peer=read)
    )
    rows.append(Row("hub_push_commit", round(ours[4], 2), "ms of it for the disk"))
    return rows


def _stalled_rows(alone: Marks, beside: Marks) -> list[Row]:
    delay = max(0.0, beside[1] - alone[1])
    return [
        Row("hub_stalled_others_p99", round(beside[1], 2), "ms"),
        Row("hub_stalled_delay", round(delay, 2), "ms at p99", "value <= 10", delay <= 10),
    ]


def _blast(
    context: Context, server: Server, load: Load, size: int = 0, *, single: bool = False
) -> tuple[float, int, float]:
    """Deliveries a second of broadcasts back to back, the bytes of one message, and which part of
    the time the load itself was at work.

    `single`: a frame for each message, where the hub would put those of 5 ms into one.
    """
    rounds = 20 if context.quick else 100
    best = busy = 0.0
    for _ in range(3):
        began, worked = time.monotonic_ns(), time.process_time()
        server.ask("blast", rounds, size, int(single))
        got = load.run(rounds * SUBSCRIBERS, PATIENCE)
        told = server.answer()
        size = size or int(told["size"]) + 60  # subscription and prev come on top
        took = (load.last - began) / 1e9
        if got == rounds * SUBSCRIBERS and got / took > best:
            best, busy = got / took, (time.process_time() - worked) / took
    return best, size, busy


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
        server.ask("blast", 10, 0, 0)
        got = load.run(10 * count, PATIENCE)
        server.answer()
        server.ask("count")
        held = int(server.answer()["sessions"])
        load.close()
    fine = held == count and got == 10 * count
    return [Row("hub_held", held, "subscribers, each with all 10 signals", f"{count}", fine)]
