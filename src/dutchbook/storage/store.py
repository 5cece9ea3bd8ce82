"""The one writer of the record: account journal and market tape under one sequence."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, Literal
from zlib import crc32

import msgspec

from dutchbook.domain.account_events import ClockSeen, OrderSent
from dutchbook.domain.digest import canonical
from dutchbook.domain.effects import SetTimer
from dutchbook.domain.errors import JournalError
from dutchbook.domain.events import ACCOUNT, TimerFired
from dutchbook.domain.step import Step
from dutchbook.domain.units import SECOND, Ns
from dutchbook.storage import disk, frames, lock
from dutchbook.storage.disk import Appender
from dutchbook.storage.frames import CLOSED, EVENT, HOLE, STEP, Closed, Commit
from dutchbook.storage.opening import Opened, open_streams
from dutchbook.storage.reader import Recorded, read_account
from dutchbook.storage.segments import segment
from dutchbook.storage.snapshots import Snapshot, Snapshots

Fsync = Literal["always", "promises", "never"]
"""When a commit waits for the disk: always; when it holds effects or account events; never."""

SEGMENT_BYTES: Final = 64 << 20
_ACCOUNT: Final = frozenset(ACCOUNT)
_NO_PROMISE: Final = (TimerFired, OrderSent, ClockSeen)
"""Account events that nothing rests on: an order that was decided counts as sent anyway."""
_pack = frames.FRAME.pack
_crc = crc32
_encode = msgspec.msgpack.Encoder(order="deterministic").encode


class Store:
    """Made by `Store.open`. `seq` and `at` are those of the last step appended.

    Any error of the disk ends it: that call and every later one raise JournalError, and nothing
    is tried twice (after a failed fsync nobody knows what the disk holds).
    """

    def __init__(
        self, root: Path, handle: int, opened: Opened, fsync: Fsync, every: Ns, segment_bytes: int,
        background: bool,
    ) -> None:  # fmt: skip
        self.root = root
        self.seq = self._committed = opened.seq
        self.at = opened.at
        self.repaired = opened.repaired
        self.snapshots = Snapshots(root / "snapshots")
        self._lock = handle
        self._opened_seq = opened.seq
        self._journal, self._tape = opened.journal, opened.tape
        self._base = opened.base
        self._fsync, self._every, self._segment_bytes = fsync, every, segment_bytes
        self._journal_buffer, self._tape_buffer = bytearray(), bytearray()
        self._durable = False
        self._synced_at = Ns(0)
        self._dead: BaseException | None = None
        self._pool = ThreadPoolExecutor(1, "storage") if background else None
        self._syncing: Future[None] | None = None
        self._unpacked = opened.unpacked
        if opened.hole:
            self._note(HOLE, opened.hole)

    @classmethod
    def open(
        cls, root: Path, *, fsync: Fsync = "promises", every: Ns = Ns(SECOND),
        segment_bytes: int = SEGMENT_BYTES, background: bool = True,
    ) -> "Store":  # fmt: skip
        """Lock the directory, repair the record's unfinished end, go on behind its last commit.

        What was cut is in `repaired`. Without a promise, files are synced `every` ns. With
        `background`, that and the compression of closed tape segments happen in a thread.
        Raises InUse, or JournalError (damage, or a disk that fails).
        """
        try:
            root.mkdir(parents=True, exist_ok=True)
            handle = lock.take(root)
        except OSError as error:
            raise _failed(root, error) from error
        try:
            opened = open_streams(root)
            store = cls(root, handle, opened, fsync, every, segment_bytes, background)
            if opened.hole:
                store.commit()
            return store
        except OSError as error:
            os.close(handle)
            raise _failed(root, error) from error
        except BaseException:
            os.close(handle)
            raise

    def append(self, step: Step) -> bytes:
        """Keep a step for the next commit; returns its canonical bytes (for `Digest.feed`).

        Raises JournalError if its seq is not the next one, or the store is dead.
        """
        if self._dead is not None:
            raise self._is_dead()
        envelope = step.envelope
        if envelope.seq != self.seq + 1 or envelope.at < self.at:
            raise JournalError(
                f"step {envelope.seq} at {envelope.at} can't follow {self.seq} at {self.at}",
                why="seq has no holes and time never goes back",
            )
        raw = canonical(step)
        if type(envelope.event) in _ACCOUNT:
            self._keep_account(raw, step)
        elif step.effects or step.notes:
            self._keep_both(step)
        else:  # an array of (envelope, no effects, no notes): the envelope's bytes are within
            taped = raw[1:-2]
            self._tape_buffer += _pack(len(taped), _crc(taped, EVENT), EVENT) + taped
        self.seq, self.at = envelope.seq, envelope.at
        return raw

    def commit(self, now: Ns = Ns(0)) -> None:
        """Write what was appended: the tape, then the journal, then fsync if it holds a promise.

        A promise is an account event or an effect, but for timers coming and going: those are
        remade. `now` (ns) drives the sync of the rest; without it, the last step's time does.
        Raises JournalError, and from then on always.
        """
        if self._dead is not None:
            raise self._is_dead()
        try:
            self._commit()
            self._sync_sometimes(max(now, self.at))
        except OSError as error:
            self._dead = error
            raise _failed(self.root, error) from error
        except BaseException as error:
            self._dead = error
            raise

    def snapshot(self, payload: bytes, schema: int = 1) -> None:
        """Keep a snapshot of the state after the last step; all before it is on disk first."""
        self.commit()
        try:
            self._sync_both()
            self.snapshots.save(self.seq, payload, schema)
        except BaseException as error:
            self._dead = error
            raise _failed(self.root, error) if isinstance(error, OSError) else error from None

    def recover(self) -> tuple[Snapshot | None, Iterator[Recorded]]:
        """The newest whole snapshot, and the account steps behind it to fold onto it, in order.

        Snapshots that were skipped are named in `snapshots.notes`.
        """
        newest = self.snapshots.latest(self._committed)
        return newest, read_account(self.root, newest.seq if newest else 0)

    def close(self) -> None:
        """Commit, sync, unlock. A dead store only lets go of its files."""
        try:
            if self._dead is None:
                self.commit()
                self._seal()
        except OSError as error:
            self._dead = error
            raise _failed(self.root, error) from error
        finally:
            self._dead = self._dead or JournalError("the store is closed")
            if self._pool is not None:
                self._pool.shutdown(wait=True)
            self._journal.close()
            self._tape.close()
            if self._lock >= 0:
                os.close(self._lock)
                self._lock = -1

    def _keep_account(self, raw: bytes, step: Step) -> None:
        self._journal_buffer += frames.frame(STEP, raw)
        if type(step.envelope.event) not in _NO_PROMISE:
            self._durable = True
        else:
            self._promise(step)

    def _keep_both(self, step: Step) -> None:
        envelope = step.envelope
        self._tape_buffer += frames.frame(EVENT, _encode(envelope))
        row = ((envelope.seq, envelope.at, None), step.effects, step.notes)
        self._journal_buffer += frames.frame(STEP, _encode(row))
        self._promise(step)

    def _promise(self, step: Step) -> None:
        if any(type(effect) is not SetTimer for effect in step.effects):
            self._durable = True

    def _commit(self) -> None:
        if self._syncing is not None and self._syncing.done():
            self._syncing.result()
            self._syncing = None
        if self._tape.size + len(self._tape_buffer) > self._segment_bytes:
            self._roll_tape()
        if self._journal.size + len(self._journal_buffer) > self._segment_bytes:
            self._roll_journal()
        if self._journal_buffer:
            self._write_both()
        elif self._tape_buffer:
            mark = self._mark(self._base, self._tape.synced, False)
            self._tape.write(self._tape_buffer + mark)
            self._tape_buffer.clear()
            if self._fsync == "always":
                self._tape.sync()
        self._committed = self.seq

    def _write_both(self) -> None:
        durable, self._durable = self._durable, False
        if self._tape_buffer:
            self._tape.write(self._tape_buffer)
            self._tape_buffer.clear()
        if self._fsync == "always":
            self._tape.sync()
        self._base = self.seq
        wait = self._fsync == "always" or (durable and self._fsync == "promises")
        mark = self._mark(self.seq, self._journal.synced, wait)
        self._journal.write(self._journal_buffer + mark)
        self._journal_buffer.clear()
        if wait:
            self._journal.sync()
        self._pack_closed()

    def _mark(self, base: int, own_synced: int, durable: bool) -> bytes:
        tape = self._tape
        return frames.commit_frame(
            Commit(
                self.seq, self.at, durable, base, tape.number, tape.size, tape.synced, own_synced
            )
        )

    def _note(self, kind: int, value: msgspec.Struct) -> None:
        self._journal_buffer += frames.frame(kind, _encode(value))
        self._durable = True

    def _roll_tape(self) -> None:
        self._tape = self._roll(self._tape, "tape")

    def _roll_journal(self) -> None:
        self._journal = self._roll(self._journal, "acct")

    def _roll(self, old: Appender, stream: str) -> Appender:
        """Close a segment at a commit: whole and on disk before the next one exists."""
        self._wait()
        old.sync()
        head = frames.header(stream, old.number + 1, self._committed)
        fresh = segment(self.root, stream, old.number + 1)
        new = Appender.create(fresh.path, head, fresh.number)
        closed = Closed(stream, old.number, old.size, old.blake2b())
        self._journal_buffer[:0] = frames.frame(CLOSED, _encode(closed))
        self._durable = True
        old.close()
        if stream == "tape":
            self._unpacked.append(old.path)
        return new

    def _pack_closed(self) -> None:
        """Compress closed tape segments, once the journal that names them is on disk."""
        if self._unpacked and self._journal.synced == self._journal.size:
            paths, self._unpacked = self._unpacked, []
            for path in paths:
                self._later(disk.pack, path)

    def _sync_sometimes(self, now: Ns) -> None:
        if self._fsync == "never" or now - self._synced_at < self._every or self._syncing:
            return
        self._synced_at = now
        for stream in (self._tape, self._journal):
            if stream.synced < stream.size:
                self._syncing = self._later(stream.sync)
        self._pack_closed()

    def _later(self, call: Callable[..., None], *args: Any) -> Future[None] | None:
        if self._pool is None:
            call(*args)
            return None
        future = self._pool.submit(call, *args)
        future.add_done_callback(self._watch)
        return future

    def _watch(self, future: Future[None]) -> None:
        self._dead = self._dead or future.exception()

    def _wait(self) -> None:
        if self._syncing is not None:
            self._syncing.result()
            self._syncing = None

    def _seal(self) -> None:
        """Sync, and say so: a later flip in any byte before is then known to be damage."""
        self._sync_both()
        if self.seq != self._opened_seq:
            self._journal.write(self._mark(self.seq, self._journal.synced, True))
            self._journal.sync()

    def _sync_both(self) -> None:
        self._wait()
        self._tape.sync()
        self._journal.sync()

    def _is_dead(self) -> JournalError:
        return JournalError(
            f"the record in {self.root} is closed to writing: {self._dead}",
            why="a write or fsync failed, or it was closed; nothing is tried twice",
            todo="see to the disk, then start again: opening repairs the record's end",
        )


def _failed(root: Path, error: OSError) -> JournalError:
    return JournalError(
        f"the record in {root} can't be written: {error}",
        why="the disk refused; nothing is acted on that is not recorded",
        todo="make room or see to the disk, then start again",
    )
