"""kill -9 at any moment: the record opens, repairs its tail, and recovers to the same state."""

import os
import random
import time

import pytest
from processes import Command, ask, children, runs, wait_until

from dutchbook.domain.events import LinkProposed, OperatorAsked, RunStarted
from dutchbook.domain.step import Opened
from dutchbook.engine.snapshot import fold, state_hash
from dutchbook.runtime.bootstrap import engine_of
from dutchbook.runtime.recover import recover
from dutchbook.runtime.settings import Settings
from dutchbook.storage.reader import read_steps
from dutchbook.storage.store import Store

ALL = bool(os.environ.get("DUTCHBOOK_TEST_ALL"))
DISCOVERED = 300_000
"""Bytes of tape by which the markets have been listed and books begin to come."""


def size(data, stream: str) -> int:
    folder = data / ("journal" if stream == "acct" else "tape")
    return sum(file.stat().st_size for file in folder.glob(f"*.{stream}"))


def first_byte(data, had: int) -> bool:
    return size(data, "tape") > had


def listing(data, had: int) -> bool:
    return size(data, "tape") > had + DISCOVERED // 3


def streaming(data, had: int) -> bool:
    return size(data, "tape") > had + 2 * DISCOVERED


MOMENTS = {"first": first_byte, "listing": listing, "streaming": streaming, "commit": streaming}


@pytest.mark.parametrize("moment", MOMENTS if ALL else ("listing", "commit"))
def test_a_killed_run_recovers_and_the_next_one_goes_on(tmp_path, moment):
    """Twice in one directory; each time what was committed is all there, and nothing else."""
    data = tmp_path / "data"
    chance = random.Random(moment)
    seq = 0
    for n in range(2):
        had = size(data, "tape")
        command = Command(tmp_path / f"run{n}", "run", "--seed", 11, "--data-dir", data, "--json")
        alive = command.process.poll
        wait_until(lambda: MOMENTS[moment](data, had) or alive() is not None, moment)  # noqa: B023
        assert alive() is None, command.err[-2000:]
        exchanges = children(command.process.pid)
        if moment == "commit":
            in_a_commit(data)
        else:
            time.sleep(chance.random() * 0.1)
        command.kill()
        before, seq = seq, recovered(data)
        assert seq >= before
        wait_until(lambda: not any(map(runs, exchanges)), "the end of the orphans")  # noqa: B023
    verdict = ask(tmp_path, "data", "verify", "--data-dir", data, "--json")
    assert verdict["holds"] is True and verdict["seq"] == seq
    replayed = ask(tmp_path, "replay", data, "--json")
    assert (replayed["differences"], replayed["errors"]) == (0, [])
    assert [run["run"] for run in replayed["runs"]] == [f"r{n + 1}" for n in range(runs_in(data))]


def in_a_commit(data) -> None:
    """Return in the moment in which the tape has grown: its mark in the journal comes next."""
    began = size(data, "tape")
    wait_until(lambda: size(data, "tape") != began, "another commit")


def runs_in(data) -> int:
    return sum(isinstance(row.event, RunStarted) for row in read_steps(data))


def recovered(data) -> int:
    """Open the record as a run does; its state is the fold of the committed prefix. Its seq."""
    files = sorted([*data.glob("journal/*"), *data.glob("tape/*")])
    raw = {file: file.read_bytes() for file in files}
    steps = list(read_steps(data))
    assert [row.seq for row in steps] == list(range(1, len(steps) + 1))
    store = Store.open(data)
    try:
        assert store.seq == len(steps)
        for file in files:
            assert raw[file].startswith(file.read_bytes())
        engine = engine_of(Settings())
        recover(engine, data)
        again = engine_of(Settings())
        for row in steps:
            fold(again, row)
        assert state_hash(engine) == state_hash(again)
        by_hand(engine, steps)
    finally:
        store.close()
    assert list(read_steps(data)) == steps
    return len(steps)


def by_hand(engine, steps) -> None:
    """The same state from the events, without the product's fold."""
    links = {row.event.link.id: row.event.link for row in steps if type(row.event) is LinkProposed}
    asked = [row.event for row in steps if type(row.event) is OperatorAsked]
    assert engine.graph.links == links
    assert set(engine.graph.approvals) <= set(links) and len(asked) >= len(engine.graph.approvals)
    assert engine.runs == [row.event.run for row in steps if type(row.event) is RunStarted]
    assert engine.opened == sum(type(note) is Opened for row in steps for note in row.notes)


def test_a_lock_dies_with_its_process(tmp_path):
    """The pid in the lock file of a killed run stops nobody."""
    data = tmp_path / "data"
    command = Command(tmp_path / "run", "run", "--data-dir", data)
    wait_until(lambda: size(data, "acct") > 0, "a journal")
    command.kill()
    assert (data / "lock").read_text().strip() == str(command.process.pid)
    Store.open(data).close()
    assert (data / "lock").read_text().strip() == str(os.getpid())
