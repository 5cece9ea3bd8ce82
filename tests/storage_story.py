"""Steps to record, made from their number alone, and a disk that stops at a chosen call."""

import os
from pathlib import Path

from dutchbook.domain.effects import AskSnapshot, SetTimer
from dutchbook.domain.events import BookLevels, Envelope, FeedUp, OperatorAsked, TimerFired
from dutchbook.domain.step import Found, Step
from dutchbook.storage.reader import read_steps

KINDS = "mmfemmnatm"
"""m, f: market · e: market, asks the venue · n: market, noted · a: a person's command · t: timer"""


def step(seq: int, kind: str = "") -> Step:
    """The step of that number; its kind by turns, unless named."""
    kind = kind or KINDS[seq % len(KINDS)]
    book = BookLevels("kalshi:A", 0, "kalshi.book", False, True, [(0, 420_000, seq)])
    event = {
        "f": FeedUp("kalshi.book"),
        "a": OperatorAsked("ann", "approve", ("link", str(seq))),
        "t": TimerFired(f"timer-{seq}"),
    }.get(kind, book)
    effects = {
        "e": (AskSnapshot("kalshi", "kalshi.book", ("kalshi:A",), "gap"),),
        "t": (SetTimer("again", 5 * seq),),
    }.get(kind, ())
    notes = (Found("kalshi:A", "crossed", str(seq)),) if kind == "n" else ()
    return Step(Envelope(seq, 1_000 * seq, event), effects, notes)


def is_promise(item: Step) -> bool:
    """Whether a commit with this step waits for the disk."""
    return isinstance(item.envelope.event, OperatorAsked) or any(
        isinstance(effect, AskSnapshot) for effect in item.effects
    )


def recorded_steps(root: Path, holes: list[tuple[int, int]] | None = None) -> list[Step]:
    """What a reader finds; holes are an error unless a list is given for them."""
    found: list[tuple[int, int]] = [] if holes is None else holes
    steps = [
        Step(Envelope(item.seq, item.at, item.event), item.effects, item.notes)
        for item in read_steps(root, report=lambda a, b: found.append((a, b)))
    ]
    assert holes is not None or found == []
    return steps


class PowerCut(BaseException):
    """The machine stopped here; not an Exception, so that nothing handles it."""


class Disk:
    """Counts the calls that change files; stops at one, in the middle if it is a write."""

    CALLS = ("write", "fdatasync", "fsync", "rename", "ftruncate", "unlink")

    def __init__(self, monkeypatch) -> None:
        self.stop_at = 0
        self.count = 0
        self.synced: dict[str, int] = {}
        self.nameless: set[str] = set()  # files whose directory was not synced since they came
        self.error: OSError | None = None
        real_open = os.open

        def open_(path, flags, *args, **names):
            if flags & os.O_CREAT and not os.path.lexists(path):
                self.nameless.add(str(path))
            return real_open(path, flags, *args, **names)

        monkeypatch.setattr(os, "open", open_)
        for name in self.CALLS:
            monkeypatch.setattr(os, name, self._wrap(name, getattr(os, name)))

    def _wrap(self, name, real):
        def call(*args, **names):
            self.count += 1
            if self.count == self.stop_at:
                if name == "write":
                    real(args[0], bytes(args[1])[: len(args[1]) // 2])
                raise self.error or PowerCut(name)
            if name == "rename" and not os.path.lexists(args[1]):
                self.nameless.add(str(args[1]))
            result = real(*args, **names)
            if name in ("fdatasync", "fsync"):
                path = os.readlink(f"/proc/self/fd/{args[0]}")
                self.synced[path.removesuffix(".tmp")] = os.fstat(args[0]).st_size
                self.nameless = {p for p in self.nameless if os.path.dirname(p) != path}
            return result

        return call

    def lose_unsynced(self, root: Path, zeros: bool) -> None:
        """Take away all bytes and names that were never synced: what a power cut may do.

        Some file systems leave the length, with zeros in place of the bytes.
        """
        for folder in ("journal", "tape", "snapshots"):
            for path in root.glob(f"{folder}/*"):
                if str(path) in self.nameless:
                    path.unlink()
        for path in [*root.glob("journal/*"), *root.glob("tape/*")]:
            known = self.synced.get(str(path))
            if known is not None and path.stat().st_size > known:
                size = path.stat().st_size
                os.truncate(path, known)
                os.truncate(path, size if zeros else known)
