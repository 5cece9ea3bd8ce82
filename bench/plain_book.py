"""The same path as most people would write it: json, floats, sorted lists kept by bisect."""

import json
from bisect import bisect_left, insort
from collections.abc import Callable
from typing import Any

ONE = 1_000_000


class SortedBook:
    """One token's book in its own terms: prices in ascending lists, sizes in dicts."""

    def __init__(self) -> None:
        self.prices: tuple[list[int], list[int]] = ([], [])
        self.sizes: tuple[dict[int, float], dict[int, float]] = ({}, {})

    def put(self, side: int, px: int, size: float) -> None:
        prices, sizes = self.prices[side], self.sizes[side]
        if size <= 0:
            if px in sizes:
                del sizes[px]
                del prices[bisect_left(prices, px)]
        else:
            if px not in sizes:
                insort(prices, px)
            sizes[px] = size

    def clear(self) -> None:
        for side in (0, 1):
            self.prices[side].clear()
            self.sizes[side].clear()


def kalshi(frames: list[bytes]) -> tuple[int, int]:
    """(messages, sum of the complement edges after each): NO bids are asks from the other side."""
    return _kalshi(frames, {})


def differences(frames: list[bytes], ours: Callable[[str, int], Any]) -> list[bool]:
    """For each market, whether the book that `ours` gives is another than a fold of the frames."""
    books: dict[str, SortedBook] = {}
    _kalshi(frames, books)
    found = []
    for name, book in books.items():
        bids, asks = (
            [(px, round(book.sizes[side][px] * ONE)) for px in book.prices[side]] for side in (0, 1)
        )
        same = ours(f"kalshi:{name}", 0).depth(len(bids) + len(asks) + 1) == (bids[::-1], asks)
        found.append(not same)
    return found


def _kalshi(frames: list[bytes], books: dict[str, SortedBook]) -> tuple[int, int]:
    count = total = 0
    for frame in frames:
        message = json.loads(frame)
        kind, msg = message["type"], message["msg"]
        if kind == "orderbook_delta":
            book = books[msg["market_ticker"]]
            px, side = round(float(msg["price_dollars"]) * ONE), 0
            if msg["side"] == "no":
                px, side = ONE - px, 1
            old = book.sizes[side].get(px, 0.0)
            book.put(side, px, round(old + float(msg["delta_fp"]), 6))
        elif kind == "orderbook_snapshot":
            book = books.setdefault(msg["market_ticker"], SortedBook())
            book.clear()
            for price, size in msg.get("yes_dollars_fp", ()):
                book.put(0, round(float(price) * ONE), float(size))
            for price, size in msg.get("no_dollars_fp", ()):
                book.put(1, ONE - round(float(price) * ONE), float(size))
        else:
            continue
        count += 1
        bids, asks = book.prices
        if bids and asks:
            total += bids[-1] - asks[0]
    return count, total


def polymarket(frames: list[bytes]) -> tuple[int, int]:
    """The same for Polymarket's: a book per token, the edge from the asks of both."""
    markets: dict[str, dict[str, SortedBook]] = {}
    count = total = 0
    for frame in frames:
        message = json.loads(frame)
        tokens = markets.setdefault(message["market"], {})
        if message["event_type"] == "price_change":
            for change in message["price_changes"]:
                book = tokens.setdefault(change["asset_id"], SortedBook())
                side = 0 if change["side"] == "BUY" else 1
                book.put(side, round(float(change["price"]) * ONE), float(change["size"]))
        else:
            book = tokens.setdefault(message["asset_id"], SortedBook())
            book.clear()
            for side, name in ((0, "bids"), (1, "asks")):
                for level in message[name]:
                    book.put(side, round(float(level["price"]) * ONE), float(level["size"]))
        count += 1
        if len(tokens) == 2:
            yes, no = (book.prices[1] for book in tokens.values())
            if yes and no:
                total += ONE - yes[0] - no[0]
    return count, total
