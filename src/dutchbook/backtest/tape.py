"""A tape: what the world did, event by event, each with the time when we would have seen it."""

import hashlib
import heapq
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from dutchbook.domain.account_events import OWN, OrderAcked, OrderSent
from dutchbook.domain.errors import RemoteProtocolError, UsageError
from dutchbook.domain.events import (
    BadInput,
    BookLevels,
    Event,
    FeedUp,
    StatusChanged,
    TimerFired,
)
from dutchbook.domain.units import SECOND, Ns
from dutchbook.runtime.bootstrap import learning_venue
from dutchbook.runtime.recorded import Raw, read
from dutchbook.storage.reader import read_steps
from dutchbook.venues.base import Venue

Item = tuple[Ns, Event]
VENUES = ("kalshi", "polymarket")
QUIET = Ns(300 * SECOND)
"""A hole in the data longer than this is passed over: timers ring once, at its end."""
ENDS = "Frames do not tell results: each market ends, unresolved, with its last recorded book."
_OURS = frozenset((*OWN, TimerFired))


class Tape(msgspec.Struct):
    """Events in the order of their times. `errors` name file and row of what could not be read.

    `quiet`: holes longer than this are passed over. `record`: it is a record of a run of ours,
    which brings its own settings. `notes` belong into the honesty box of whatever rests on it.
    `settings`: dotted settings that this data needs (candles bring no news for an hour).
    `latencies`: those of orders that were recorded, from sending to acknowledgement. `fees`: the
    markets carry the fees that they had.
    """

    name: str
    digest: str
    items: list[Item]
    errors: list[str] = []
    quiet: Ns = QUIET
    record: bool = False
    fills: str = "shown books: what crosses fills at shown prices, what rests when it is crossed"
    survivorship: str = ""
    notes: tuple[str, ...] = ()
    settings: dict[str, str] = {}
    latencies: list[Ns] = []
    fees: bool = False

    @property
    def span(self) -> tuple[Ns, Ns]:
        """First and last moment; zeros for an empty tape."""
        return (self.items[0][0], self.items[-1][0]) if self.items else (Ns(0), Ns(0))


def frames(paths: list[Path], venue: str | None = None) -> Tape:
    """Recorded frames through the venues' real parsers, files merged by their times.

    Raises UsageError where not one book came of them, naming the first fault.
    """
    reader = _Frames(venue)
    items = list(reader.items(paths))
    if not reader.books:
        raise UsageError(
            f"no book in {', '.join(path.name for path in paths[:3])}",
            why=reader.errors[0] if reader.errors else "the files hold no market data",
            todo="dutchbook decode VENUE FILE says what is wrong, and where",
        )
    return Tape(_named(paths), digest_of(paths), closed(items), reader.errors, notes=(ENDS,))


def closed(items: list[Item]) -> list[Item]:
    """The items, with each market closed where its last book is: nothing more is known of it."""
    last = {event.key: n for n, (_, event) in enumerate(items) if type(event) is BookLevels}
    ends = {n: key for key, n in last.items()}
    found: list[Item] = []
    for n, (at, event) in enumerate(items):
        found.append((at, event))
        if n in ends:
            found.append((at, StatusChanged(ends[n], "closed")))
    return found


class _Frames:
    def __init__(self, venue: str | None) -> None:
        self.venue = venue
        self.errors: list[str] = []
        self.books = 0
        self._bad: list[Event] = []

    def items(self, paths: list[Path]) -> Iterator[Item]:
        venues: dict[str, Venue] = {}
        ups: dict[str, None] = {}
        at = Ns(0)
        for raw in heapq.merge(*(self._raws(path) for path in paths), key=lambda raw: raw.at):
            at = max(at, raw.at)
            bad, self._bad = self._bad, []
            yield from ((at, event) for event in bad)
            name = raw.stream.split(".")[0]
            if name not in venues:
                venues[name] = learning_venue(name)
            protocol = venues[name]
            outs: list[object] = []
            if raw.stream not in ups:
                ups[raw.stream] = None
                outs += [FeedUp(raw.stream), *protocol.on_open(raw.stream, raw.at)]
            outs += protocol.on_frame(raw.stream, raw.data, raw.at)
            for out in outs:
                if isinstance(out, Event):
                    self.books += type(out) is BookLevels
                    yield at, out
        yield from ((at, event) for event in self._bad)

    def _raws(self, path: Path) -> Iterator[Raw]:
        for item in read(path, self.venue):
            if isinstance(item, RemoteProtocolError):
                self.errors.append(f"{path.name}: {item}")
                self._bad.append(BadInput(path.name, item.where, item.what, item.market))
            else:
                yield item


def record(root: Path) -> Tape:
    """What the world did in a record of ours: a backtest makes timers and answers anew."""
    holes: list[str] = []
    items: list[Item] = []
    spans = Spans()
    told = "seq {} to {} are not on the tape".format
    for row in read_steps(root, report=lambda first, last: holes.append(told(first, last))):
        if row.event is not None and type(row.event) not in _OURS:
            items.append((row.at, row.event))
        elif row.event is not None:
            spans.saw(row.at, row.event)
    if not items:
        raise UsageError(f"the record in {root} holds no market data", why="; ".join(holes[:1]))
    files = [path for name in ("journal", "tape") for path in (root / name).glob("[0-9]*")]
    return Tape(
        root.name, digest_of(files), items, holes, quiet=Ns(2**62), record=True,
        latencies=spans.found, fees=True,
    )  # fmt: skip


class Spans:
    """From each order's first byte to its acknowledgement."""

    def __init__(self) -> None:
        self.found: list[Ns] = []
        self._sent: dict[str, Ns] = {}

    def saw(self, at: Ns, event: Event) -> None:
        if isinstance(event, OrderSent):
            self._sent[event.order] = at
        elif isinstance(event, OrderAcked) and event.order in self._sent:
            self.found.append(Ns(at - self._sent.pop(event.order)))


def delayed(items: Iterable[Item], span: Ns) -> list[Item]:
    """The same, seen `span` later."""
    return [(Ns(at + span), event) for at, event in items]


def digest_of(paths: list[Path]) -> str:
    """BLAKE2b-128 of the bytes of files, in the order of their names."""
    found = hashlib.blake2b(digest_size=16)
    for path in sorted(paths):
        with path.open("rb") as opened:
            while block := opened.read(1 << 20):
                found.update(block)
    return found.hexdigest()


def _named(paths: list[Path]) -> str:
    first = paths[0].name
    return first if len(paths) == 1 else f"{first} and {len(paths) - 1} more"
