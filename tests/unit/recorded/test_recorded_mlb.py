"""All recorded baseball books through reader and parser, against a count and a naive twin."""

import csv
import gzip
from collections import Counter, defaultdict
from itertools import pairwise

from dutchbook.domain.errors import RemoteProtocolError
from dutchbook.domain.events import (
    BID,
    BookLevels,
    FeedGap,
    GridChanged,
    InstrumentListed,
)
from dutchbook.domain.units import ONE
from dutchbook.runtime.recorded import Raw, read
from dutchbook.venues.polymarket import Config, build
from recorded import recorded

FOLDER = "polymarket/mlb_books"


def rows_of(file):
    """The readable rows, by the csv module, as dictionaries; and the torn ones' line numbers."""
    rows, torn = [], []
    with gzip.open(file, "rt", newline="") as opened:
        reader = csv.reader(opened)
        names = next(reader)
        for row in reader:
            if len(row) == len(names):
                rows.append(dict(zip(names, row, strict=True)))
            else:
                torn.append(reader.line_num)
    return rows, torn


def messages_of(rows):
    """Runs of rows with the same asset, hash and timestamp."""
    runs, before = [], None
    for row in rows:
        name = (row["asset_id"], row["hash"], row["timestamp"])
        if name != before:
            runs.append([])
        runs[-1].append(row)
        before = name
    return runs


def twin(runs):
    """Books as dictionaries of each token's own prices; late messages left out, as text rules."""
    books, last, late, applied = defaultdict(dict), {}, 0, 0
    live = {}
    for run in runs:
        asset, at = run[0]["asset_id"], int(run[0]["timestamp"])
        whole = run[0]["event_type"] == "book"
        if at < last.get(asset, 0):
            late += 1
            live = {}
            continue
        if whole:
            books[asset] = {}
            live[asset] = True
        if live.get(asset):
            last[asset] = at
        applied += len(run)
        for row in run:
            place = ("bid" if row["side"] in ("bid", "BUY") else "ask", row["price"])
            books[asset][place] = row["size"]
    return books, applied, late


def millionths(text):
    whole, _, part = text.partition(".")
    return int(whole) * ONE + int((part + "000000")[:6])


def own(token, side, px):
    """A level in YES terms as the token itself has it."""
    if token:
        return "ask" if side == BID else "bid", ONE - px
    return "bid" if side == BID else "ask", px


def test_every_recorded_game_agrees_with_an_independent_reading():
    total = Counter()
    for file in sorted(recorded(FOLDER).glob("*.csv.gz")):
        rows, torn = rows_of(file)
        runs = messages_of(rows)
        items = list(read(file))
        errors = [item for item in items if isinstance(item, RemoteProtocolError)]
        frames = [item for item in items if isinstance(item, Raw)]
        assert [error.where for error in errors] == [f"line {n}" for n in torn]
        assert len(frames) == len(runs)
        assert all(a.at <= b.at for a, b in pairwise(frames))
        books, levels, late = replayed(frames)
        expected, applied, expected_late = twin(runs)
        assert (levels, late) == (applied, expected_late)
        assert set(books) == set(expected)
        for asset, ladder in books.items():
            wanted = {(s, millionths(p)): millionths(q) for (s, p), q in expected[asset].items()}
            assert ladder == {place: size for place, size in wanted.items() if size}
        total += Counter(files=1, rows=len(rows), torn=len(torn), frames=len(frames), late=late)
    assert total == {"files": 21, "rows": 158_999, "torn": 1, "frames": 70_775, "late": 6}


def replayed(frames):
    """Through the protocol: books by token id, number of levels, number of late messages."""
    venue = build(Config(learn=True))
    venue.on_open("polymarket.market.0", frames[0].at)
    books, tokens, grid = defaultdict(dict), {}, {}
    levels = late = 0
    for frame in frames:
        for event in venue.on_frame(frame.stream, frame.data, frame.at):
            if isinstance(event, InstrumentListed):
                tokens[event.instrument.key] = event.instrument.tokens
                grid[event.instrument.key] = event.instrument.grid[0].step
            elif isinstance(event, GridChanged):
                grid[event.key] = event.grid[0].step
            elif isinstance(event, FeedGap):
                assert event.cause == "time"
                late += 1
            else:
                assert isinstance(event, BookLevels), event
                assert (event.hashed, event.bid, event.ask) == (0, -1, -1)
                ladder = books[tokens[event.key][event.token]]
                if event.snapshot:
                    ladder.clear()
                for side, px, size in event.levels:
                    assert px % grid[event.key] == 0
                    place = own(event.token, side, px)
                    ladder[place] = size
                    if not size:
                        del ladder[place]
                levels += len(event.levels)
    return books, levels, late
