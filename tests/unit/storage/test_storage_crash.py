"""Wherever a writer is stopped, the record opens again with everything that was promised."""

import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dutchbook.domain.errors import JournalError
from dutchbook.storage.store import Fsync, Store
from dutchbook.storage.verify import verify
from storage_story import KINDS, Disk, PowerCut, is_promise, recorded_steps, step


@pytest.fixture
def no_sync(monkeypatch):
    """Speed, where only the bytes matter."""
    for name in ("fsync", "fdatasync"):
        monkeypatch.setattr(os, name, lambda fd: None)


def write(root: Path, groups: list[str]) -> tuple[list[int], Store, dict[str, int]]:
    """Append and commit each group of kinds; the seqs at the commits; file sizes near the end."""
    store = Store.open(root, background=False, every=10**18)
    ends = [0]
    sizes = {}
    for number, group in enumerate(groups):
        if number == len(groups) - 4:
            sizes = {p.name: p.stat().st_size for p in root.glob("*/0*")}
        for kind in group:
            store.append(step(store.seq + 1, kind))
        store.commit()
        ends.append(store.seq)
    return ends, store, sizes


GROUPS = st.lists(st.text(sorted(set(KINDS)), min_size=1, max_size=4), min_size=4, max_size=6)


@settings(max_examples=4, suppress_health_check=list(HealthCheck))
@given(groups=GROUPS)
def test_cut_at_every_byte(tmp_path, no_sync, groups):
    """A prefix that ends at a commit remains, and goes on; the tape is lost under promises only."""
    shutil.rmtree(tmp_path)
    root, copy = tmp_path / "a", tmp_path / "b"
    ends, store, sizes = write(root, groups)
    kinds = "".join(groups)
    whole = [step(seq, kind) for seq, kind in enumerate(kinds, 1)]
    assert recorded_steps(root) == whole
    names = ("journal/000001.acct", "tape/000001.tape")
    whole_files = {name: (root / name).read_bytes() for name in names}
    shutil.copytree(root, copy)
    for name, data in whole_files.items():
        for size in range(sizes[Path(name).name], len(data)):
            for other, content in whole_files.items():
                (copy / other).write_bytes(data[:size] if other == name else content)
            again = Store.open(copy, background=False)
            kept = again.seq
            assert kept in ends
            if name.startswith("tape"):
                assert not any(map(is_promise, whole[kept:]))
            again.append(step(kept + 1))
            again.close()
            holes: list[tuple[int, int]] = []
            steps = recorded_steps(copy, holes)
            assert verify(copy).problems == []
            if not holes:
                assert steps == [*whole[:kept], step(kept + 1)]
            else:  # the journal promised more than the tape could keep
                assert name.startswith("tape") and any(map(is_promise, whole[:kept]))
                sure = [item for item in whole[:kept] if is_promise(item)]
                assert [s.effects for s in steps if is_promise(s)] == [
                    s.effects for s in [*sure, step(kept + 1)] if is_promise(s)
                ]
    store.close()


def session(root: Path, told: list[int], fsync: Fsync) -> None:
    """Two runs over several small segments, with snapshots; `told` hears of each commit.

    The first ends by being killed: the second finds its bytes, of which not all were synced.
    """
    for run in range(2):
        store = Store.open(root, background=False, segment_bytes=1_000, every=13_000, fsync=fsync)
        try:
            for _ in range(6):
                for _ in range(4):
                    store.append(step(store.seq + 1))
                store.commit()
                told.append(store.seq)
                if store.seq % 24 == 12:
                    store.snapshot(b"state")
            if run == 0:
                store._dead = JournalError("killed")
        finally:
            store.close()


@pytest.mark.parametrize(
    ("power", "fsync"),
    [("", "promises"), ("short", "promises"), ("zeros", "promises"), ("short", "always")],
)
def test_stopped_at_every_call(tmp_path, monkeypatch, power, fsync):
    """Killed: all that was committed is there. Power lost: all that was promised is there.

    With "always", a commit is a promise, and not even the tape loses anything.
    """
    sure = fsync == "always" or not power
    holed = 0
    disk = Disk(monkeypatch)
    session(tmp_path / "0", [], fsync)
    total = disk.count
    assert len(list((tmp_path / "0" / "tape").glob("*.gz"))) > 1
    assert len(list((tmp_path / "0" / "journal").glob("*"))) > 1
    assert recorded_steps(tmp_path / "0") == [step(seq) for seq in range(1, 49)]
    for stop in range(1, total + 1):
        root = tmp_path / str(stop)
        told = [0]
        disk.count, disk.stop_at = 0, stop
        with pytest.raises(PowerCut):
            session(root, told, fsync)
        disk.stop_at = 0
        if power:
            disk.lose_unsynced(root, zeros=power == "zeros")
        again = Store.open(root, background=False, segment_bytes=600)
        promised = [seq for seq in range(1, told[-1] + 1) if is_promise(step(seq))]
        assert again.seq >= (told[-1] if sure else max(promised, default=0))
        snap = again.snapshots.latest()
        assert snap is None or (snap.seq <= again.seq and snap.payload == b"state")
        again.append(step(again.seq + 1))
        again.close()
        holes: list[tuple[int, int]] = []
        steps = recorded_steps(root, holes)
        assert not (sure and holes)
        holed += len(holes)
        gone = {seq for first, last in holes for seq in range(first, last + 1)}
        assert [s for s in steps if s.envelope.seq not in gone] == [
            step(seq) for seq in range(1, again.seq + 1) if seq not in gone
        ]
        events = [s.effects for s in steps if is_promise(s)]
        assert len(events) == sum(is_promise(step(seq)) for seq in range(1, again.seq + 1))
        assert verify(root).problems == []
        shutil.rmtree(root)
    assert sure or holed  # or the hard case was never met


WRITER = """
import sys
from pathlib import Path
from storage_story import step
from dutchbook.storage.store import Store
store = Store.open(Path(sys.argv[1]), segment_bytes=20_000, every=100_000)
while True:
    for _ in range(1 + store.seq % 7):
        store.append(step(store.seq + 1))
    store.commit()
    print(store.seq, flush=True)
"""


def test_readers_beside_a_running_writer(tmp_path):
    """Without a lock, while segments roll and shrink: whole prefixes, and never a false alarm."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    args = [sys.executable, "-c", WRITER, str(tmp_path)]
    with subprocess.Popen(args, stdout=subprocess.PIPE, env=env, text=True) as child:
        before = 0
        while before < 1_500:
            told = int(child.stdout.readline())
            steps = recorded_steps(tmp_path)
            assert len(steps) >= told
            assert steps == [step(n) for n in range(1, len(steps) + 1)]
            assert verify(tmp_path).problems == []
            before = len(steps)
        child.kill()


def test_kill_9_at_twenty_moments(tmp_path):
    """A real writer, killed: everything that it had told of is there, and the next goes on."""
    chance = random.Random(7)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    told = 0
    for _ in range(20):
        args = [sys.executable, "-c", WRITER, str(tmp_path)]
        with subprocess.Popen(args, stdout=subprocess.PIPE, env=env, text=True) as child:
            for _ in range(chance.randrange(1, 60)):
                told = int(child.stdout.readline())
            child.send_signal(signal.SIGKILL)
            rest = child.stdout.read().split("\n")[:-1]
            told = int(rest[-1]) if rest else told
        with_lock = Store.open(tmp_path)
        assert with_lock.seq >= told
        assert recorded_steps(tmp_path) == [step(n) for n in range(1, with_lock.seq + 1)]
        with_lock.close()
    assert verify(tmp_path).problems == []
