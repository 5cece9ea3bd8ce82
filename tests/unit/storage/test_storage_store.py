"""What the store keeps, refuses and reports."""

import errno
import os
import subprocess
import sys

import pytest

from dutchbook.domain.digest import Digest, canonical
from dutchbook.domain.errors import JournalError
from dutchbook.domain.step import Step
from dutchbook.storage import frames, lock, upcast
from dutchbook.storage.lock import InUse
from dutchbook.storage.reader import read_account, read_steps, read_tape
from dutchbook.storage.segments import segment
from dutchbook.storage.snapshots import Snapshots
from dutchbook.storage.store import Store
from dutchbook.storage.verify import verify
from storage_story import Disk, recorded_steps, step


def fill(root, upto: int, **options) -> Store:
    """A store with steps up to that seq, committed by threes."""
    store = Store.open(root, background=False, **options)
    while store.seq < upto:
        store.append(step(store.seq + 1))
        if store.seq % 3 == 0:
            store.commit()
    store.commit()
    return store


def test_what_is_appended_is_read(tmp_path):
    """Each stream has its part, together they are the steps, and the digest is theirs."""
    digest, plain = Digest(), Digest()
    store = Store.open(tmp_path)
    for seq in range(1, 101):
        digest.feed(store.append(step(seq)))
        plain.add(step(seq))
    store.commit()
    assert recorded_steps(tmp_path) == [step(seq) for seq in range(1, 101)]
    store.close()
    assert digest.hex() == plain.hex() and digest.steps == 100
    account = [item.seq for item in read_account(tmp_path)]
    assert account == [n for n in range(1, 101) if n % 10 in (3, 6, 7, 8)]
    assert [item.seq for item in read_tape(tmp_path)] == [
        n for n in range(1, 101) if n % 10 not in (7, 8)
    ]
    assert [item.seq for item in read_steps(tmp_path, after=97)] == [98, 99, 100]


def test_uncommitted_is_not_read(tmp_path):
    store = fill(tmp_path, 9)
    store.append(step(10))
    assert len(recorded_steps(tmp_path)) == 9
    store.close()
    assert len(recorded_steps(tmp_path)) == 10


def test_a_hole_in_seq_is_refused(tmp_path):
    """And so is time that goes back; neither disturbs what comes next."""
    store = fill(tmp_path, 3)
    with pytest.raises(JournalError, match="step 5"):
        store.append(step(5))
    old = step(4)
    early = type(old.envelope)(4, 1, old.envelope.event)
    with pytest.raises(JournalError, match="can't follow"):
        store.append(Step(early))
    store.append(step(4))
    store.close()
    assert len(recorded_steps(tmp_path)) == 4


def test_second_writer_is_refused(tmp_path):
    """It hears the pid and what to do; when the first ends, however, it may."""
    hold = (
        "import sys; from pathlib import Path; from dutchbook.storage.store import Store\n"
        "Store.open(Path(sys.argv[1])); print('open', flush=True); sys.stdin.read()"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    args = [sys.executable, "-c", hold, str(tmp_path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(args, stdin=pipe, stdout=pipe, env=env) as child:
        assert child.stdout.readline() == b"open\n"
        with pytest.raises(InUse, match=f"process {child.pid}") as refused:
            Store.open(tmp_path)
        assert "--data-dir" in refused.value.todo
        child.kill()
    Store.open(tmp_path).close()


def test_a_lock_that_a_killed_writer_left_to_another_process_is_waited_for(tmp_path, monkeypatch):
    """It was killed between fork and exec of a child, which has its open files for a moment."""
    hold = (
        "import os, sys, time; from pathlib import Path\n"
        "from dutchbook.storage.store import Store\n"
        "Store.open(Path(sys.argv[1]))\n"
        "if os.fork() == 0: time.sleep(float(sys.argv[2])); os._exit(0)\n"
        "print('open', flush=True); time.sleep(60)"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

    def killed(held: float) -> int:
        args = [sys.executable, "-c", hold, str(tmp_path), str(held)]
        with subprocess.Popen(args, stdout=subprocess.PIPE, env=env) as child:
            assert child.stdout.readline() == b"open\n"
            child.kill()
            child.stdout.close()
        return child.pid

    killed(0.5)
    Store.open(tmp_path).close()
    monkeypatch.setattr(lock, "NAPS", 10)
    pid = killed(3)
    with pytest.raises(InUse, match=f"process {pid}"):
        Store.open(tmp_path)
    monkeypatch.undo()
    Store.open(tmp_path).close()


@pytest.mark.parametrize("name", ["journal/000001.acct", "tape/000001.tape"])
def test_flipped_byte_is_refused(tmp_path, name):
    """Every byte of what was safe on disk: file and place are named; nothing is changed."""
    fill(tmp_path, 20).close()
    Store.open(tmp_path).close()
    path = tmp_path / name
    good = path.read_bytes()
    # The last frame is the closing commit: it proves all before it, and itself is a tail.
    last = good.rindex(b"\xffcommit\xff") - frames.FRAME.size if "acct" in name else len(good)
    for at in range(last):
        path.write_bytes(good[:at] + bytes([good[at] ^ 0x10]) + good[at + 1 :])
        with pytest.raises(JournalError, match=f"{path}: damaged at byte") as refused:
            Store.open(tmp_path)
        place = int(refused.value.what.split("byte ")[1].split(":")[0])
        assert place <= at and path.stat().st_size == len(good)
        with pytest.raises(JournalError):
            list(read_steps(tmp_path))
        assert verify(tmp_path).problems
    path.write_bytes(good)
    assert len(recorded_steps(tmp_path)) == 20


def test_a_promise_behind_damage_is_not_cut_off(tmp_path):
    """The record was never closed, its last group is a promise: a flip before it is refused."""
    store = Store.open(tmp_path, every=10**18)
    start = (tmp_path / "journal/000001.acct").stat().st_size
    store.append(step(1, "n"))
    store.append(step(2, "a"))
    store.commit()
    path = tmp_path / "journal/000001.acct"
    good = path.read_bytes()
    store._dead = JournalError("killed")
    store.close()
    path.write_bytes(good[: start + 20] + b"\xff" + good[start + 21 :])
    with pytest.raises(JournalError, match=f"damaged at byte {start}"):
        Store.open(tmp_path)


def test_torn_tail_is_reported(tmp_path):
    fill(tmp_path, 9).close()
    with (tmp_path / "journal/000001.acct").open("ab") as file:
        file.write(b"\0" * 4096)
    store = Store.open(tmp_path)
    assert store.seq == 9 and "cut 4096 bytes" in store.repaired[0]
    store.close()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_a_failing_disk_ends_the_store(tmp_path, monkeypatch, code):
    """At every call of a commit: an error, once tried, and dead; a restart has the rest."""
    disk = Disk(monkeypatch)
    for call in (1, 2, 3):
        root = tmp_path / str(call)
        store = fill(root, 9)
        for seq in (10, 11, 12, 13):
            store.append(step(seq))
        disk.error, disk.count, disk.stop_at = OSError(code, os.strerror(code)), 0, call
        with pytest.raises(JournalError, match=os.strerror(code)):
            store.commit()
        calls = disk.count
        for again in (
            store.commit,
            lambda s=store: s.append(step(14)),
            lambda s=store: s.snapshot(b""),
        ):
            with pytest.raises(JournalError, match="closed to writing"):
                again()
        store.close()
        assert disk.count == calls == call
        disk.stop_at = 0
        store = Store.open(root)
        assert store.seq in (9, 13)
        store.close()


def test_a_full_disk_for_real(tmp_path):
    """/dev/full takes no byte: the store dies with the system's own words."""
    store = fill(tmp_path, 3)
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, store._tape.fd)
    os.close(full)
    store.append(step(4))
    with pytest.raises(JournalError, match="No space left"):
        store.commit()
    store.close()
    assert len(recorded_steps(tmp_path)) == 3


def test_a_failed_background_sync_ends_the_store(tmp_path, monkeypatch):
    store = Store.open(tmp_path, every=0)

    def fail(fd: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", fail)
    store.append(step(1))
    store.commit()
    store._pool.shutdown(wait=True)
    with pytest.raises(JournalError, match="Input/output error"):
        store.commit()
    store.close()


def test_segments_roll_close_and_shrink(tmp_path):
    """Closed ones are named by hash and compressed; without the oldest tape the rest is read."""
    fill(tmp_path, 60, segment_bytes=700).close()
    packed = sorted((tmp_path / "tape").glob("*.gz"))
    assert len(packed) > 3 and verify(tmp_path).problems == []
    assert recorded_steps(tmp_path) == [step(seq) for seq in range(1, 61)]
    packed[0].unlink()
    holes: list[tuple[int, int]] = []
    assert len(recorded_steps(tmp_path, holes)) < 60 and holes
    verdict = verify(tmp_path)
    assert verdict.problems == [] and verdict.notes == ["tape/000001.tape was removed"]
    Store.open(tmp_path).close()
    data = packed[2].read_bytes()
    packed[2].write_bytes(data[:60] + b"x" + data[61:])
    assert any("000003.tape" in text for text in verify(tmp_path).problems)
    packed[2].unlink()
    assert "tape/000003.tape is missing in the middle" in verify(tmp_path).problems


@pytest.mark.parametrize("stream", ["acct", "tape"])
@pytest.mark.parametrize("size", [0, 5, frames.HEADER.size])
def test_a_file_that_a_writer_is_just_making_is_no_damage(tmp_path, stream, size):
    """Nor one that was broken off there: nothing in it was ever committed."""
    fill(tmp_path, 20).close()
    path = segment(tmp_path, stream, 2).path
    path.write_bytes(frames.header(stream, 2, 20)[:size])
    verdict = verify(tmp_path)
    assert (verdict.problems, verdict.seq) == ([], 20)
    rows = {row.file: row.state for row in verdict.files}
    assert rows[f"{path.parent.name}/{path.name}"] == "open, nothing committed"
    Store.open(tmp_path).close()
    assert not path.exists() and verify(tmp_path).problems == []


def test_a_missing_journal_segment_is_refused(tmp_path):
    fill(tmp_path, 60, segment_bytes=700).close()
    (tmp_path / "journal/000002.acct").unlink()
    with pytest.raises(JournalError, match="a segment is missing"):
        Store.open(tmp_path)
    with pytest.raises(JournalError, match="a segment is missing"):
        recorded_steps(tmp_path)


def test_an_emptied_journal_does_not_erase_the_tape(tmp_path):
    fill(tmp_path, 9).close()
    (tmp_path / "journal/000001.acct").write_bytes(b"")
    with pytest.raises(JournalError, match="holds no commit"):
        Store.open(tmp_path)
    assert (tmp_path / "tape/000001.tape").stat().st_size > 100


def test_snapshots_keep_three_and_skip_the_damaged(tmp_path):
    store = fill(tmp_path, 9)
    for seq in range(10, 15):
        store.append(step(seq))
        store.snapshot(f"state {seq}".encode(), schema=2)
    store.close()
    names = sorted(path.name for path in (tmp_path / "snapshots").iterdir())
    assert [int(name[:15]) for name in names] == [12, 13, 14]
    found = Snapshots(tmp_path / "snapshots")
    newest = found.latest()
    assert newest and (newest.seq, newest.schema, newest.payload) == (14, 2, b"state 14")
    path = tmp_path / "snapshots" / names[2]
    good = path.read_bytes()
    for at in range(len(good)):
        path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        older = found.latest()
        assert older and older.seq == 13 and "damaged: skipped" in found.notes[0]
    assert verify(tmp_path).problems == [f"snapshots/{names[2]}: damaged"]
    assert found.latest(upto=12).seq == 12


def test_recovery_is_a_snapshot_and_the_account_steps_behind_it(tmp_path):
    """A damaged newest snapshot means a longer fold, not another state."""
    store = fill(tmp_path, 8)
    store.snapshot(b"at 8")
    for seq in range(9, 19):
        store.append(step(seq))
        if seq == 14:
            store.snapshot(b"at 14")
    store.close()
    store = Store.open(tmp_path)
    newest, behind = store.recover()
    assert newest.payload == b"at 14" and [item.seq for item in behind] == [16, 17, 18]
    (tmp_path / "snapshots" / f"{14:015d}.snap").write_bytes(b"\0" * 100)
    newest, behind = store.recover()
    assert newest.payload == b"at 8" and [item.seq for item in behind] == [13, 16, 17, 18]
    store.close()


def test_a_newer_schema_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(frames, "SCHEMA", 2)
    fill(tmp_path, 3).close()
    monkeypatch.setattr(frames, "SCHEMA", 1)
    with pytest.raises(JournalError, match="schema version 2"):
        Store.open(tmp_path)


def test_an_older_schema_is_upcast(tmp_path, monkeypatch):
    """Version 1 told a person's name otherwise: the table makes today's record of it."""
    fill(tmp_path, 9).close()

    def rename(kind, value):
        if kind == frames.STEP and value[0][2] and value[0][2][0] == "OperatorAsked":
            value[0][2][1] = f"{value[0][2][1]}@desk"
        return value

    monkeypatch.setattr(upcast, "SCHEMA", 2)
    monkeypatch.setitem(upcast.UPCASTS, 1, rename)
    steps = recorded_steps(tmp_path)
    assert steps[6].envelope.event.who == "ann@desk"
    assert [canonical(s) for s in steps if s.envelope.seq != 7] == [
        canonical(step(n)) for n in range(1, 10) if n != 7
    ]
