"""Hourly candles of Kalshi's Fed-decision markets as a tape, and the fill model that they allow.

A candle says what was traded in an hour, not what was offered. So: a candle is known when its hour
is over, and an hour later if its stamp should mean the beginning. Then the hour's low and high are
told as trades, a share of its volume each: an order that rested fills only if they went through
its price. After them a book of one level a side stands a spread away from the close, so many
contracts deep as the share allows, and empty where nothing was traded. What is decided on a candle
can meet nothing before the next one except this assumed book.
"""

import csv
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from dutchbook.backtest.tape import Item, Tape, digest_of
from dutchbook.domain.errors import RemoteProtocolError, UsageError
from dutchbook.domain.events import (
    ASK,
    BID,
    BookLevels,
    EventListed,
    FeedUp,
    InstrumentListed,
    Level,
    MarketResolved,
    StatusChanged,
    TradePrinted,
)
from dutchbook.domain.instrument import CENT, EventGroup, FeeSchedule, Instrument
from dutchbook.domain.units import ONE, SECOND, Ns, Px, Qty, Usd, micros

CANDLES: Final = "fed_hourly_candles_wide.csv"
MARKETS: Final = "kalshi_markets.csv"
OUTCOMES: Final = ("C25", "C26", "H0", "H25", "H26")
STREAM: Final = "kalshi.book"
HOUR: Final = Ns(3_600 * SECOND)
SHARE: Final = 10
"""One in so many contracts of an hour's volume could have been ours."""
AWAY: Final = 10_000
"""Best bid and offer are taken to stand so far from the close, in millionths."""


class Row:
    """One hour: when it is known (ns), and per outcome low, high, close (millionths), volume."""

    def __init__(self, place: str, fields: dict[str, str]) -> None:
        try:
            at = datetime.fromisoformat(fields["timestamp"])
            if at.tzinfo is None:
                raise ValueError("no time zone")
            self.at = Ns(int(at.timestamp()) * SECOND + HOUR)
            self.prices = {name: _prices(fields, name) for name in OUTCOMES}
        except (KeyError, ValueError) as error:
            raise RemoteProtocolError(CANDLES, place, f"not a candle: {error}") from None


def _prices(fields: dict[str, str], name: str) -> tuple[int, int, int, int]:
    low, high, close = (micros(fields[f"{what}_{name}"]) for what in ("low", "high", "close"))
    volume = micros(fields[f"volume_{name}"])
    if volume > 0 and not 0 <= low <= close <= high <= ONE:
        raise ValueError(f"{name}: low {low}, close {close}, high {high} millionths")
    return low, high, close, max(0, volume)


def candles(folder: Path) -> Tape:
    """The tape of a folder with both files.

    Raises UsageError where one is missing or no row can be read; a row that can't be read is an
    error that names file and line, and the rest goes on.
    """
    files = [folder / CANDLES, folder / MARKETS]
    for file in files:
        if not file.is_file():
            raise UsageError(f"no file {file}", todo="name the folder with candles and markets")
    errors: list[str] = []
    meetings = _meetings(files[1], errors)
    rows = _rows(files[0], errors)
    if not rows or not meetings:
        raise UsageError(
            f"no candle in {folder}", why=errors[0] if errors else "no market is named"
        )
    return Tape(
        folder.name, digest_of(files), list(_items(rows, meetings)), errors,
        quiet=Ns(2 * SECOND),
        fills=f"hourly candles: resting orders fill when an hour traded through their price, at "
        f"most 1/{SHARE} of its volume; who takes meets an assumed book {AWAY / ONE:.2f} away from "
        "the close",
        survivorship="one series, chosen for its volume, all of its meetings in the span",
        notes=(
            "Candles hold no order book: spread and depth are assumed, not recorded.",
            "Nobody says whether a candle's stamp is the start or the end of its hour: each is "
            "taken to be known an hour after its stamp, which may be an hour late, never early.",
        ),
        settings={"fresh.silent_ms": "86400000", "fresh.check_ms": "86400000"},
    )  # fmt: skip


class Meeting:
    """One decision of the Fed: its markets by outcome, when they close, which one came true."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.titles: dict[str, str] = {}
        self.results: dict[str, str] = {}
        self.rules: dict[str, str] = {}
        self.closes = Ns(0)


def _meetings(path: Path, errors: list[str]) -> list[Meeting]:
    found: dict[str, Meeting] = {}
    with path.open(encoding="utf-8", newline="") as opened:
        for row in csv.DictReader(opened):
            ticker = row.get("ticker") or ""
            event, _, outcome = ticker.rpartition("-")
            if outcome not in OUTCOMES:
                continue
            try:
                closes = datetime.fromisoformat(row["close_time"].replace("Z", "+00:00"))
            except (KeyError, ValueError, AttributeError) as error:
                errors.append(f"{path.name}: {ticker}: close_time: {error}")
                continue
            meeting = found.setdefault(event, Meeting(event))
            meeting.closes = Ns(int(closes.timestamp()) * SECOND)
            meeting.titles[outcome] = row["title"]
            meeting.results[outcome] = row["result"]
            meeting.rules[outcome] = row["rules_primary"]
    return sorted(found.values(), key=lambda meeting: meeting.closes)


def _rows(path: Path, errors: list[str]) -> list[Row]:
    rows: list[Row] = []
    last = 0
    with path.open(encoding="utf-8", newline="") as opened:
        for number, fields in enumerate(csv.DictReader(opened), 2):
            try:
                row = Row(f"line {number}", fields)
                if row.at <= last:
                    raise RemoteProtocolError(CANDLES, f"line {number}", "its hour was told before")
            except RemoteProtocolError as error:
                errors.append(str(error))
                continue
            last = row.at
            rows.append(row)
    return rows


def _items(rows: list[Row], meetings: list[Meeting]) -> Iterator[Item]:
    """Each hour speaks of the next meeting then; a meeting ends with its markets' results."""
    waiting = [meeting for meeting in meetings if meeting.closes > rows[0].at]
    yield rows[0].at, FeedUp(STREAM)
    listed = ""
    for row in rows:
        while waiting and waiting[0].closes <= row.at:
            yield from _end(waiting.pop(0))
        if not waiting:
            return
        meeting = waiting[0]
        if meeting.name != listed:
            listed = meeting.name
            yield from _begin(meeting, row.at)
        for outcome in meeting.titles:
            yield from _hour(f"kalshi:{meeting.name}-{outcome}", row.at, row.prices[outcome])


def _begin(meeting: Meeting, at: Ns) -> Iterator[Item]:
    keys = tuple(f"kalshi:{meeting.name}-{outcome}" for outcome in meeting.titles)
    event = f"kalshi:{meeting.name}"
    yield at, EventListed(EventGroup(event, "kalshi", meeting.name, keys, True, len(keys) == 5))
    for outcome, title in meeting.titles.items():
        key = f"kalshi:{meeting.name}-{outcome}"
        yield at, InstrumentListed(
            Instrument(
                key, "kalshi", key.removeprefix("kalshi:"), event, title, outcome, CENT,
                FeeSchedule("kalshi", 70_000, 17_500, 1, Usd(10_000)), closes=meeting.closes,
                rules=meeting.rules[outcome], category="economics",
            )
        )  # fmt: skip


def _end(meeting: Meeting) -> Iterator[Item]:
    for outcome, result in meeting.results.items():
        key = f"kalshi:{meeting.name}-{outcome}"
        if result in ("yes", "no"):
            pays = Usd(ONE if result == "yes" else 0)
            yield meeting.closes, MarketResolved(key, pays, meeting.closes)
        else:
            yield meeting.closes, StatusChanged(key, "closed")


def _hour(key: str, at: Ns, prices: tuple[int, int, int, int]) -> Iterator[Item]:
    low, high, close, volume = prices
    ours = volume // SHARE // 2 // 10_000 * 10_000
    for px, buy_yes, name in ((low, False, "low"), (high, True, "high")):
        if ours and 0 < px < ONE:
            trade = f"{at}-{name}"
            yield at, TradePrinted(key, STREAM, Px(px), Qty(ours), buy_yes, trade, at)
    levels: list[Level] = []
    if ours:
        bid, ask = close // AWAY * AWAY - AWAY, -(-close // AWAY) * AWAY + AWAY
        levels += [(BID, bid, 2 * ours)] if bid > 0 else []
        levels += [(ASK, ask, 2 * ours)] if ask < ONE else []
    yield at, BookLevels(key, 0, STREAM, True, False, levels, venue_at=at)
