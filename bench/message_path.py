"""Frame bytes -> typed event -> book -> top -> complement edge, one message at a time."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from time import perf_counter_ns
from typing import Any, Final

from bench import frames, plain_book
from bench.harness import Context, Row, best
from dutchbook.domain.events import BookLevels, GridChanged, InstrumentListed
from dutchbook.domain.instrument import CENT
from dutchbook.domain.units import ONE
from dutchbook.state.books import Books

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


class Path1:
    """The real protocols in front of real books; `take` is one message, socket to edge."""

    def __init__(self) -> None:
        from dutchbook.venues.kalshi.feed import Feed
        from dutchbook.venues.polymarket import Config, build

        self.books = Books()
        self.polymarket = build(Config(learn=True))
        self.kalshi = Feed("kalshi.book")


def _ours(kalshi: list[bytes], games: list[tuple[int, bytes]]) -> Result:
    return (0, 0)
