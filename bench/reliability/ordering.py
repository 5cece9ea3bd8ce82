"""P3, P13: that every order was on disk before its bytes left, read from the kernel's own log.

A trading process runs under strace. In its log each order id that leaves through a socket must
have been written to the account journal, and an fdatasync of that file must have returned, before.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from bench.reliability.served import DATA, Served
from dutchbook.venues.polymarket.signed import salt_of

CALLS: Final = "write,writev,pwrite64,sendto,sendmsg,fdatasync,fsync"
LINE: Final = re.compile(r"^(?P<pid>\d+) +(?P<rest>.*)$")
CALL: Final = re.compile(r"^(?P<name>\w+)\((?P<fd>\d+)<(?P<what>[^>]*)>")
RESUMED: Final = re.compile(r"^<\.\.\. (?P<name>\w+) resumed>")
ID: Final = re.compile(r"[0-9a-f]{8}-\d+-\d+")
CLIENT: Final = re.compile(r'client_order_id\\":\\"([0-9a-z.-]+)')
SALT: Final = re.compile(r'salt\\":\\?"?(\d+)')


class Proof(msgspec.Struct):
    """`sends`: orders on the wire; `late`: those whose record was not on disk by then."""

    sends: int = 0
    syncs: int = 0
    late: list[str] = []


def strace(log: Path, *more: str) -> tuple[str, ...]:
    """What goes in front of a command to watch it; () where there is no strace."""
    if shutil.which("strace") is None:
        return ()
    return ("strace", "-f", "-y", "-s", "2000000", "-e", f"trace={CALLS}", *more, "-o", str(log))


def proof(log: Path) -> Proof:
    """Read a log from its first line to its last."""
    found = Proof(late=[])
    written: dict[str, set[str]] = {}
    durable: set[str] = set()
    salts: dict[str, str] = {}
    pending: dict[str, str] = {}
    for pid, text in _lines(log):
        resumed = RESUMED.match(text)
        if resumed:
            place = pending.pop(pid, "")
            if place and text.rstrip().endswith("= 0"):
                durable |= written.pop(place, set())
                found.syncs += 1
            continue
        call = CALL.match(text)
        if call is None:
            continue
        name, what = call["name"], call["what"]
        if name in ("fdatasync", "fsync"):
            if "unfinished" in text:
                pending[pid] = what
            elif text.rstrip().endswith("= 0"):
                durable |= written.pop(what, set())
                found.syncs += 1
        elif "/journal/" in what:
            ids = set(ID.findall(text))
            written.setdefault(what, set()).update(ids)
            salts.update({str(salt_of(one)): one for one in ids})
        elif what.startswith("socket"):
            for one in (*CLIENT.findall(text), *(salts.get(s, s) for s in SALT.findall(text))):
                found.sends += 1
                if one not in durable:
                    found.late.append(one)
    return found


def _lines(log: Path) -> Iterator[tuple[str, str]]:
    with log.open(encoding="ascii", errors="replace") as file:
        for line in file:
            parts = LINE.match(line)
            if parts is not None:
                yield parts["pid"], parts["rest"]


def watched(served: Served, orders: int) -> Proof:
    """Trade under strace until so many orders were decided, and read the log."""
    log = served.folder / "strace.txt"
    process = served.trader(served.folder / DATA, f"orders:{orders}", strace(log, "--seccomp-bpf"))
    _, err = process.communicate(timeout=240)
    if process.returncode:
        raise AssertionError(f"the trader under strace ended badly: {err[-2000:]}")
    return proof(log)
