"""A recorded tape as the feed of the pretend exchanges: its own stamps, its own speed."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from dutchbook.domain.errors import RemoteProtocolError
from dutchbook.domain.events import ASK, BID
from dutchbook.domain.instrument import CENT, MILL, FeeSchedule
from dutchbook.domain.units import DAY, MILLI, ONE, Ns, Usd, micros
from dutchbook.emulators.market.shapes import Change, SimEvent, SimMarket, SimSeries, Update

Recorded = tuple[str, int, bytes]
"""(stream such as "kalshi.book", receive time in ns, the frame's bytes)."""
SIDES: Final = {"buy": BID, "bid": BID, "sell": ASK, "ask": ASK}
FEES: Final = {
    "kalshi": FeeSchedule("kalshi", 70_000, 0, 1, Usd(10_000)),
    "polymarket": FeeSchedule("polymarket", 50_000),
}
Levels = dict[tuple[int, int, int], int]


class TapeFeed:
    """Reads all frames at once, lists the markets that they show, then plays their changes.

    A market's first whole book stands from the beginning. Frames that are no book messages are
    passed over; broken ones are counted in `broken`. Raises RemoteProtocolError for a tape
    without a single book.
    """

    def __init__(self, frames: Iterable[Recorded], start: Ns) -> None:
        self.series: dict[str, SimSeries] = {}
        self.events: dict[str, SimEvent] = {}
        self.markets: dict[str, SimMarket] = {}
        self.broken = 0
        self._start = start
        self._books: dict[str, tuple[dict[int, int], ...]] = {}
        self._tokens: dict[str, list[str]] = {}
        self._now: dict[str, tuple[dict[int, int], ...]] = {}
        self._prices: dict[str, set[int]] = {}
        self._whole: set[tuple[str, int]] = set()
        self._played: list[tuple[int, Update]] = []
        self._next = 0
        first: int | None = None
        for stream, at, data in frames:
            first = at if first is None else first
            self._read(stream, at - first, data)
        if not self._books:
            raise RemoteProtocolError("tape", "", "no book message in it")
        for key in self._books:
            self._list(key)

    def ladder(self, key: str, token: int, side: int) -> dict[int, int]:
        """The books as the tape begins."""
        return self._books[key][token * 2 + side]

    def begin(self, now: Ns) -> None:
        """The tape starts to run with the first client."""
        if not self._next:
            self._start = now

    def advance(self, now: Ns) -> list[Update]:
        start, updates = self._next, self._played
        while self._next < len(updates) and self._start + updates[self._next][0] <= now:
            self._next += 1
        return [update for _, update in updates[start : self._next]]

    def drain_truth(self) -> list[dict[str, Any]]:
        return []

    def links(self) -> list[dict[str, Any]]:
        return []

    def _read(self, stream: str, after: int, data: bytes) -> None:
        try:
            body = msgspec.json.decode(data)
            for message in body if isinstance(body, list) else [body]:
                if stream.startswith("kalshi"):
                    self._kalshi(message, after)
                else:
                    self._polymarket(message, after)
        except (msgspec.DecodeError, KeyError, TypeError, ValueError, AttributeError):
            self.broken += 1

    def _kalshi(self, frame: dict[str, Any], after: int) -> None:
        kind, message = frame["type"], frame.get("msg") or {}
        if kind not in ("orderbook_snapshot", "orderbook_delta"):
            return
        key = f"kalshi:{message['market_ticker']}"
        if kind == "orderbook_snapshot":
            levels = {
                (token, BID, micros(px)): micros(qty)
                for token, name in enumerate(("yes_dollars_fp", "no_dollars_fp"))
                for px, qty in message.get(name, [])
            }
            self._put_whole(key, "", levels, after, after)
            return
        place = (("yes", "no").index(message["side"]), BID, micros(message["price_dollars"]))
        book = self._now.get(key)
        old = book[place[0] * 2].get(place[2], 0) if book else 0
        new = max(0, old + micros(message["delta_fp"]))
        self._change(key, int(message["ts_ms"]) * MILLI, after, {place: new})

    def _polymarket(self, message: dict[str, Any], after: int) -> None:
        kind = message.get("event_type")
        if kind not in ("book", "price_change"):
            return
        key, at = f"polymarket:{message['market']}", int(message["timestamp"]) * MILLI
        if kind == "book":
            token = self._token(key, message["asset_id"])
            levels = {
                (token, side, micros(row["price"])): micros(row["size"])
                for side, name in ((BID, "bids"), (ASK, "asks"))
                for row in message[name]
            }
            self._put_whole(key, message["asset_id"], levels, at, after)
            return
        changes: Levels = {}
        for row in message["price_changes"]:
            token, side = self._token(key, row["asset_id"]), SIDES[row["side"].lower()]
            changes[token, side, micros(row["price"])] = micros(row["size"])
        self._change(key, at, after, changes)

    def _token(self, key: str, asset: str) -> int:
        names = self._tokens.setdefault(key, [])
        if asset not in names:
            names.append(asset)
        if len(names) > 2:
            raise ValueError("more than two tokens")
        return names.index(asset)

    def _put_whole(self, key: str, asset: str, levels: Levels, at: int, after: int) -> None:
        tokens = (self._token(key, asset),) if asset else (0, 1)
        book = self._now.setdefault(key, ({}, {}, {}, {}))
        gone = {
            (token, side, px): 0
            for token in tokens
            for side in (BID, ASK)
            for px in book[token * 2 + side]
        }
        if self._whole.issuperset((key, token) for token in tokens):
            self._change(key, at, after, gone | levels)
            return
        self._whole.update((key, token) for token in tokens)
        first = self._books.setdefault(key, ({}, {}, {}, {}))
        for (token, side, px), size in levels.items():
            if size:
                first[token * 2 + side][px] = book[token * 2 + side][px] = size

    def _change(self, key: str, at: int, after: int, levels: Levels) -> None:
        """Note an update; what stands already is no change, what has no book yet is nothing."""
        changes = []
        for (token, side, px), new in levels.items():
            if (key, token) not in self._whole:
                continue
            side_now = self._now[key][token * 2 + side]
            old = side_now.get(px, 0)
            if old == new:
                continue
            changes.append(Change(key, token, side, px, old, new))
            self._prices.setdefault(key, set()).add(px)
            if new:
                side_now[px] = new
            else:
                del side_now[px]
        if changes:
            self._played.append((after, Update(key, Ns(at), changes)))

    def _list(self, key: str) -> None:
        """Describe a market as well as the tape allows."""
        venue, _, symbol = key.partition(":")
        prices = {px for book in (self._books[key], self._now[key]) for side in book for px in side}
        prices |= self._prices.get(key, set())
        grid = CENT if all(px % 10_000 == 0 for px in prices) else MILL
        kalshi = venue == "kalshi"
        name = symbol.rpartition("-")[0] or symbol if kalshi else f"tape-{symbol}"
        series = symbol.partition("-")[0] if kalshi else ""
        tokens = self._tokens.get(key, [])
        if len(tokens) == 1:
            tokens = [tokens[0], f"{tokens[0]}0"]
        market = SimMarket(
            key=key, venue=venue, symbol=symbol, id=symbol, event=f"{venue}:{name}",
            series=series, title=f"Recorded market {symbol}", outcome=symbol.rpartition("-")[2],
            subtitle="", rules="", rules_more="", category="Recorded", opened=self._start,
            closes=Ns(self._start + DAY), expires=Ns(self._start + DAY), grid=grid,
            structure="linear_cent" if grid is CENT else "deci_cent", fees=FEES[venue],
            slug=f"tape-{symbol}", question_id=symbol, tick=grid[0].step,
            tokens=(tokens[0], tokens[1]) if tokens else ("", ""),
            size_min=10_000 if kalshi else 5 * ONE,
        )  # fmt: skip
        self.markets[key] = market
        event = self.events.get(market.event)
        if event is None:
            event = self.events[market.event] = SimEvent(
                market.event, venue, name, symbol, f"Recorded {name}", "", "Recorded", series,
                ["Recorded"], market.closes, exclusive=False, exhaustive=False,
            )  # fmt: skip
        event.members.append(key)
        if kalshi and series not in self.series:
            self.series[series] = SimSeries(
                series, series, "Recorded", "custom", "quadratic", ONE, ["Recorded"], []
            )
