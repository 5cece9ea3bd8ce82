"""The whole path as most people would write it: json, sorted lists, every basket priced again.

The same frames; each touched basket is priced in full with fees, and walked where it pays; one
line of JSON is written for every message. No freshness, no gaps, no proof, no exactness.
"""

import json
from pathlib import Path
from typing import Any

from bench.plain_book import ONE, SortedBook
from dutchbook.domain.candidate import Candidate
from dutchbook.domain.instrument import Instrument


class PlainEngine:
    """`frame` takes one message; `best` tells the best offers that it ended with."""

    def __init__(self, instruments: list[Instrument], baskets: list[Candidate], log: Path) -> None:
        self._rates = {one.key: one.fees.taker / ONE for one in instruments}
        self._books: dict[tuple[str, int], SortedBook] = {}
        self._tokens: dict[str, tuple[str, int]] = {}
        for one in instruments:
            for token in range(max(1, len(one.tokens))):
                self._books[one.key, token] = SortedBook()
            self._tokens |= {name: (one.key, n) for n, name in enumerate(one.tokens)}
        self._touching: dict[str, list[Candidate]] = {}
        for basket in baskets:
            for key in dict.fromkeys(key for key, _ in basket.legs):
                self._touching.setdefault(key, []).append(basket)
        self._log = log.open("w", encoding="utf-8")
        self.found = 0

    def frame(self, stream: str, data: bytes, at: int) -> None:
        message = json.loads(data)
        for one in message if isinstance(message, list) else [message]:
            key = self._kalshi(one) if stream == "kalshi.book" else self._polymarket(one)
            if key:
                self._decide(key, at)
            self._log.write(json.dumps({"at": at, "stream": stream, "message": one}) + "\n")

    def close(self) -> None:
        self._log.close()

    def best(self, key: str) -> tuple[int, int]:
        """The best offers of YES and of NO, ONE where there is none."""
        return self._best(key, "yes"), self._best(key, "no")

    def _kalshi(self, message: dict[str, Any]) -> str:
        kind, msg = message["type"], message["msg"]
        if kind == "orderbook_delta":
            key, side = "kalshi:" + msg["market_ticker"], 0 if msg["side"] == "yes" else 1
            book, px = self._books[key, 0], round(float(msg["price_dollars"]) * ONE)
            px = ONE - px if side else px
            book.put(side, px, round(book.sizes[side].get(px, 0.0) + float(msg["delta_fp"]), 6))
            return key
        if kind == "orderbook_snapshot":
            key = "kalshi:" + msg["market_ticker"]
            book = self._books[key, 0]
            book.clear()
            for price, size in msg.get("yes_dollars_fp", ()):
                book.put(0, round(float(price) * ONE), float(size))
            for price, size in msg.get("no_dollars_fp", ()):
                book.put(1, ONE - round(float(price) * ONE), float(size))
            return key
        return ""

    def _polymarket(self, message: dict[str, Any]) -> str:
        key = ""
        if message["event_type"] == "price_change":
            for change in message["price_changes"]:
                key, token = self._tokens[change["asset_id"]]
                side = 0 if change["side"] == "BUY" else 1
                px = round(float(change["price"]) * ONE)
                self._books[key, token].put(side, px, float(change["size"]))
        elif message["event_type"] == "book":
            key, token = self._tokens[message["asset_id"]]
            book = self._books[key, token]
            book.clear()
            for side, name in ((0, "bids"), (1, "asks")):
                for level in message[name]:
                    book.put(side, round(float(level["price"]) * ONE), float(level["size"]))
        return key

    def _decide(self, key: str, at: int) -> None:
        for basket in self._touching.get(key, ()):
            left = basket.payout - sum(self._cost(*leg) for leg in basket.legs)
            if left / ONE >= 0.02:
                self._walk(basket, at)

    def _walk(self, basket: Candidate, at: int) -> None:
        """The size at the first level of every leg, and a line for whoever reads the log."""
        size = min(self._size(*leg) for leg in basket.legs)
        if size >= 5:
            self.found += 1
            self._log.write(json.dumps({"at": at, "found": basket.key, "size": size}) + "\n")

    def _offer(self, key: str, outcome: str) -> tuple[SortedBook, int]:
        """The book and side on which an outcome is offered: a NO token's own asks, or YES bids."""
        if outcome == "yes":
            return self._books[key, 0], 1
        return (self._books[key, 1], 1) if (key, 1) in self._books else (self._books[key, 0], 0)

    def _best(self, key: str, outcome: str) -> int:
        book, side = self._offer(key, outcome)
        prices = book.prices[side]
        if not prices:
            return ONE
        return prices[0] if side else ONE - prices[-1]

    def _cost(self, key: str, outcome: str) -> float:
        px = self._best(key, outcome)
        return px + self._rates[key] * px * (ONE - px) / ONE

    def _size(self, key: str, outcome: str) -> float:
        book, side = self._offer(key, outcome)
        prices = book.prices[side]
        return book.sizes[side][prices[0] if side else prices[-1]] if prices else 0.0
