"""Real processes that die, or whose disk fails, at a chosen system call; then one that comes back.

P1, P2, P5 after kill -9 at a system call; P14 when the disk gives EIO or is full.
"""

import os
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from bench.reliability.ordering import CALL, CLIENT, SALT, strace
from bench.reliability.served import DATA, Served

SPAN = "orders:400"
"""Long enough for a call of the order path to be reached, however slow the machine."""


class Death(msgspec.Struct):
    """How a trader died and came back; `broken` says what must never be."""

    where: str
    died: bool = False
    orders: int = 0
    broken: list[str] = []


def killed(served: Served, call: str, when: int) -> Death:
    """Kill at the n-th call of that name, come back, compare everything with the exchanges."""
    death = Death(f"{call} {when}", broken=[])
    data = served.folder / DATA
    inject = ("strace", "-f", "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={when}",
              "-o", "/dev/null")  # fmt: skip
    process = served.trader(data, SPAN, inject)
    process.communicate(timeout=120)
    death.died = process.returncode != 0
    _judge(death, served, served.settle(data))
    return death


def _judge(death: Death, served: Served, told: dict[str, Any]) -> None:
    if not told["ledger_equals_venue"]:
        death.broken += told["ledger_differences"]
    if told["unknown_resolved"] != told["unknown_seen"]:
        death.broken.append("an order is still of unknown fate")
    if told["baskets_open"]:
        death.broken.append("a basket is left open")
    orders = served.orders()
    death.orders = len(orders)
    twice = Counter(row["client"] or row["id"] for row in orders)
    death.broken += [f"{name} arrived {n} times" for name, n in twice.items() if n > 1]


def disk_error(served: Served, when: int) -> Death:
    """EIO at the n-th fdatasync of the whole process: it ends, and no order leaves after it."""
    death = Death(f"EIO at fdatasync {when}", broken=[])
    data, log = served.folder / DATA, served.folder / f"eio-{when}.txt"
    inject = strace(log, "-e", f"inject=fdatasync:error=EIO:when={when}+")
    process = served.trader(data, "orders:1000", inject)
    process.communicate(timeout=120)
    death.died = process.returncode != 0
    after = sent_after_failure(log)
    death.broken += [f"{one} left after the disk had failed" for one in after]
    if not death.died:
        death.broken.append("it went on without a disk")
    _judge(death, served, served.settle(data))
    return death


def sent_after_failure(log: Path) -> list[str]:
    """Orders whose bytes left after a sync of the account journal had failed."""
    failed, found = False, []
    with log.open(encoding="ascii", errors="replace") as lines:
        for line in lines:
            text = line.partition(" ")[2].lstrip()
            call = CALL.match(text)
            if call is None:
                continue
            if "EIO" in text and "/journal/" in call["what"]:
                failed = True
            elif failed and call["what"].startswith("socket"):
                found += [*CLIENT.findall(text), *SALT.findall(text)]
    return found


def disk_full(served: Served, size_mb: int = 8) -> Death | None:
    """A trader on a file system of a few MB: it ends; with more room it comes back whole.

    None where no small file system can be made. The exchanges must be fresh: its record is too.
    """
    death = Death(f"a full disk of {size_mb} MB", broken=[])
    with _small(size_mb) as root:
        if root is None:
            return None
        data = root / "data"
        process = served.trader(data, "60")
        process.communicate(timeout=120)
        death.died = process.returncode != 0
        if not death.died:
            death.broken.append("it went on with a full disk")
        subprocess.run(["mount", "-o", "remount,size=400m", str(root)], check=True)
        _judge(death, served, served.settle(data))
    return death


@contextmanager
def _small(size_mb: int) -> Iterator[Path | None]:
    root = Path(tempfile.mkdtemp(prefix="dutchbook-small-"))
    mounted = False
    try:
        if shutil.which("mount") and os.geteuid() == 0:
            made = subprocess.run(
                ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m", "tmpfs", str(root)],
                capture_output=True, check=False,
            )  # fmt: skip
            mounted = made.returncode == 0
        yield root if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(root)], check=False)
        root.rmdir()
