"""Start is recovery: the newest snapshot, then the account records behind it."""

from pathlib import Path

from dutchbook.engine import snapshot
from dutchbook.engine.engine import Engine
from dutchbook.storage.reader import read_account
from dutchbook.storage.snapshots import Snapshots


def recover(engine: Engine, root: Path) -> list[str]:
    """Bring an engine's account state up to the end of the record; returns what was odd."""
    snapshots = Snapshots(root / "snapshots")
    found = snapshots.latest()
    after = 0
    if found is not None:
        snapshot.restore(engine, found.payload)
        after = found.seq
    for row in read_account(root, after):
        snapshot.fold(engine, row)
    return list(snapshots.notes)
