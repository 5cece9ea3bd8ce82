"""Keeps the tables up with the journal while a run goes on: one thread, one writer, in order."""

import logging
import queue
import threading
from pathlib import Path
from typing import Final

from sqlalchemy import Engine

from dutchbook.domain.events import ACCOUNT
from dutchbook.domain.step import Step
from dutchbook.engine import snapshot
from dutchbook.storage.reader import Recorded, read_account
from dutchbook.storage.snapshots import Snapshots
from dutchbook.storage.sql.database import migrate, open_database
from dutchbook.storage.sql.projection import Projection

ROOM: Final = 100_000
BATCH: Final = 500
WAIT_S: Final = 0.2
_ACCOUNT: Final = frozenset(ACCOUNT)
_log = logging.getLogger(__name__)


def url_of(url: str, data_dir: Path) -> str:
    """The database of a data directory: the one that is set, or a file in it."""
    return url or f"sqlite:///{data_dir / 'dutchbook.db'}"


def catch_up(engine: Engine, root: Path, until: int | None = None) -> Projection:
    """Bring the tables up to the end of the journal on disk; returns the fold that did it.

    `until`: no further than this seq.
    """
    fold = Projection()
    fold.resume(engine)
    newest = Snapshots(root / "snapshots").latest(fold.until)
    if newest is not None and newest.seq <= fold.until:
        own = snapshot.own_of(newest.payload)
        if own:
            fold.account.restore(own)
        fold.seq = newest.seq
    for n, row in enumerate(read_account(root, fold.seq), 1):
        if until is not None and row.seq > until:
            break
        if row.seq <= fold.until:
            fold.skip(row)
            continue
        fold.fold(row)
        if n % BATCH == 0:
            fold.write(engine)
    fold.write(engine)
    return fold


class Projector:
    """`put` is called for every step; the thread writes. What does not fit waits in the journal."""

    def __init__(self, url: str, root: Path) -> None:
        self._url = url
        self._root = root
        self._steps: queue.Queue[Recorded | None] = queue.Queue(ROOM)
        self._thread = threading.Thread(target=self._run, name="projector", daemon=True)
        self.behind = False
        self.seq = 0
        self.error = ""

    def start(self) -> None:
        self._thread.start()

    def put(self, step: Step) -> None:
        """A step that was recorded; market events without consequences are passed over."""
        envelope = step.envelope
        own = type(envelope.event) in _ACCOUNT
        if not own and not step.effects and not step.notes:
            return
        event = envelope.event if own else None
        row = Recorded(envelope.seq, envelope.at, event, step.effects, step.notes)
        try:
            self._steps.put_nowait(row)
        except queue.Full:
            self.behind = True

    def stop(self) -> None:
        """Write what is left; what was too much is taken from the journal."""
        self._steps.put(None)
        self._thread.join()

    def _run(self) -> None:
        try:
            engine = open_database(self._url)
            migrate(engine)
            fold = catch_up(engine, self._root)
            self.seq = fold.seq
            self._follow(engine, fold)
            engine.dispose()
        except Exception as error:  # the tables can be built anew; the run must not end for them
            self.error = str(error)
            _log.error("the tables are no longer kept: %s", error)
            while self._steps.get() is not None:
                pass

    def _follow(self, engine: Engine, fold: Projection) -> None:
        ended = False
        while not ended:
            batch = [self._steps.get()]
            while len(batch) < BATCH:
                try:
                    batch.append(self._steps.get(timeout=WAIT_S))
                except queue.Empty:
                    break
            for row in batch:
                if row is None:
                    ended = True
                elif row.seq > fold.seq:
                    fold.fold(row)
            fold.write(engine)
            self.seq = fold.seq
        if self.behind:
            catch_up(engine, self._root)
