"""Frame bytes -> typed event -> book -> top -> complement edge, one message at a time."""

import json
import subprocess
from pathlib import Path
from time import perf_counter_ns
from typing import Final

from msgspec.structs import replace

from bench import frames, plain_book
from bench.harness import Context, Row, best
from dutchbook.domain.errors import UsageError
from dutchbook.domain.events import BookLevels, GridChanged, InstrumentListed
from dutchbook.domain.instrument import CENT
from dutchbook.state.books import Books
from dutchbook.venues.kalshi.reader import unlisted

GOAL: Final = "ratio >= 2"
STREAM: Final = "polymarket.market.0"
Result = tuple[int, int]
"""(messages, sum of the complement edges after each): equal for every way, or the bench fails."""


def run(context: Context) -> list[Row]:
    """Our path against a sorted-list book, and NautilusTrader where a Python has it."""
    most = context.size(60_000)
    made = frames.kalshi_made(most)
    recorded = frames.kalshi_recorded(context)
    games = _clean(frames.polymarket_recorded(context, most))
    rows = [*_rows(context, "message_path", recorded, games)] if recorded or games else []
    # where nothing was recorded, made frames of Kalshi's shape are all there is
    rows += _rows(context, "message_path_kalshi" if rows else "message_path", made, [])
    return rows


def _rows(
    context: Context, name: str, kalshi: list[bytes], games: list[tuple[int, bytes]]
) -> list[Row]:
    repeats = 1 if context.quick else 5
    ours, result = best(lambda: _ours(kalshi, games), repeats)
    plain, same = best(lambda: _plain(kalshi, games), min(repeats, 2))
    assert result == same, f"{name}: ours {result}, sorted lists {same}"
    count = result[0]
    rate, plain_rate = count / ours, count / plain
    rows = [_row(name, rate, "sorted lists", rate / plain_rate)]
    peer = _nautilus(context, kalshi, [frame for _, frame in games], repeats)
    if peer is not None:
        title, seconds, same = peer
        assert result == same, f"{name}: ours {result}, {title} {same}"
        rows[0].name = f"{name}_plain"
        rows.insert(0, _row(name, rate, title, rate * seconds / count))
    spans = sorted(_spans(kalshi, games))
    p50, p99 = (round(spans[int(len(spans) * part)] / 1_000, 2) for part in (0.5, 0.99))
    rows += [Row(f"{name}_p50", p50, "us"), Row(f"{name}_p99", p99, "us")]
    return rows


def _row(name: str, rate: float, peer: str, ratio: float) -> Row:
    return Row(name, round(rate), "messages/s", GOAL, ratio >= 2, peer, round(ratio, 2))


class Ours:
    """The real protocols in front of real books; a call is one message, from bytes to edge."""

    def __init__(self) -> None:
        from dutchbook.venues.kalshi.feed import Feed
        from dutchbook.venues.polymarket import Config, build

        self.books = Books()
        self._polymarket = build(Config(learn=True))
        self._kalshi = Feed("kalshi.book")
        self._edges: dict[str, int] = {}
        self._cents: dict[str, None] = {}  # Kalshi's markets: recorded and made ones go in cents

    def kalshi(self, data: bytes) -> int | None:
        """The complement edge after this frame: 0 where a side is empty, None if no book came."""
        books = self.books
        edge = None
        for event in self._kalshi.on_frame(data, 0):
            if type(event) is BookLevels:
                if event.snapshot and event.key not in self._cents:
                    self._cents[event.key] = None
                    books.list(replace(unlisted(event.key), grid=CENT))
                if books.apply(event):  # else the best levels are as they were, and the edge too
                    book = books.get(event.key, 0)
                    edge = book.bid - book.ask if book.bid_qty and book.ask_qty else 0
                    self._edges[event.key] = edge
                else:
                    edge = self._edges.get(event.key, 0)
        return edge

    def polymarket(self, at: int, data: bytes) -> int | None:
        books = self.books
        edge = None
        for event in self._polymarket.on_frame(STREAM, data, at):
            if type(event) is BookLevels:
                books.apply(event)
                try:
                    yes, no = books.get(event.key, 0), books.get(event.key, 1)
                except KeyError:  # its second token was not seen yet
                    edge = 0
                    continue
                edge = no.bid - yes.ask if no.bid_qty and yes.ask_qty else 0
            elif type(event) is InstrumentListed:
                books.list(event.instrument)
            elif type(event) is GridChanged:
                books.regrid(event.key, event.grid)
        return edge


def _ours(kalshi: list[bytes], games: list[tuple[int, bytes]]) -> Result:
    path = Ours()
    count = total = 0
    for data in kalshi:
        edge = path.kalshi(data)
        if edge is not None:
            count, total = count + 1, total + edge
    for at, data in games:
        edge = path.polymarket(at, data)
        if edge is not None:
            count, total = count + 1, total + edge
    return count, total


def _spans(kalshi: list[bytes], games: list[tuple[int, bytes]]) -> list[int]:
    """How long each message took, in ns, in a pass of its own since the clock costs too."""
    path, spans = Ours(), []
    for data in kalshi:
        started = perf_counter_ns()
        path.kalshi(data)
        spans.append(perf_counter_ns() - started)
    for at, data in games:
        started = perf_counter_ns()
        path.polymarket(at, data)
        spans.append(perf_counter_ns() - started)
    return spans


def _clean(games: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """Without the frames that our protocol refuses (late, torn): the others would apply them."""
    path = Ours()
    return [frame for frame in games if path.polymarket(*frame) is not None]


def _plain(kalshi: list[bytes], games: list[tuple[int, bytes]]) -> Result:
    first, second = plain_book.kalshi(kalshi), plain_book.polymarket([data for _, data in games])
    return first[0] + second[0], first[1] + second[1]


def _nautilus(
    context: Context, kalshi: list[bytes], games: list[bytes], repeats: int
) -> tuple[str, float, Result] | None:
    """(name and version, seconds, result) of the peer on the same frames, in its own Python."""
    if context.peer_python is None:
        return None
    paths = [context.scratch / name for name in ("kalshi.jsonl", "polymarket.jsonl")]
    for path, lines in zip(paths, (kalshi, games), strict=True):
        path.write_bytes(b"\n".join(lines))
    script = Path(__file__).with_name("peer_nautilus.py")
    context.say(f"bench: the same frames through NautilusTrader in {context.peer_python} ...")
    command = [str(context.peer_python), str(script), *map(str, paths), str(repeats)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        why = (run.stderr.strip().splitlines() or ["no output"])[-1]
        raise UsageError(
            f"{context.peer_python} can't run the peer", why=why,
            todo="name a Python that has nautilus_trader",
        )  # fmt: skip
    told = json.loads(run.stdout.splitlines()[-1])
    parts = told["kalshi"], told["polymarket"]
    result = (sum(part["messages"] for part in parts), sum(part["total"] for part in parts))
    return told["peer"], sum(part["seconds"] for part in parts), result
