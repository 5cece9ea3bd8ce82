"""Whole books: levels mirrored into YES terms, and the venue's own hash over them."""

import hashlib
from typing import Final

import msgspec

from dutchbook.domain.events import ASK, BID, Level
from dutchbook.domain.units import ONE
from dutchbook.venues.polymarket.numbers import PRICES, SIZES
from dutchbook.venues.polymarket.wire import BookBody, WireLevel

LEVELS_MAX: Final = 20_000
_encode: Final = msgspec.json.Encoder().encode


class _Hashed(msgspec.Struct):
    """The fields that the hash covers, in its order."""

    market: str
    asset_id: str
    timestamp: str
    hash: str
    bids: list[WireLevel]
    asks: list[WireLevel]
    min_order_size: str
    tick_size: str
    neg_risk: bool
    last_trade_price: str


def book_hash(body: BookBody) -> str:
    """SHA-1 in hex over the compact JSON of a book, "" where a field that it covers is absent."""
    if (
        not body.hash
        or body.min_order_size is None
        or body.tick_size is None
        or body.neg_risk is None
        or body.last_trade_price is None
    ):
        return ""
    text = _encode(
        _Hashed(
            body.market,
            body.asset_id,
            body.timestamp,
            "",
            body.bids,
            body.asks,
            body.min_order_size,
            body.tick_size,
            body.neg_risk,
            body.last_trade_price,
        )
    )
    return hashlib.sha1(text, usedforsecurity=False).hexdigest()


def levels(body: BookBody, token: int) -> list[Level]:
    """Both sides in YES terms; ValueError for a bad, an empty or a repeated level."""
    bids, asks = body.bids, body.asks
    if len(bids) + len(asks) > LEVELS_MAX:
        raise ValueError(f"{len(bids) + len(asks)} levels, more than {LEVELS_MAX}")
    if token:
        found = [(ASK, ONE - PRICES[level.price], SIZES[level.size]) for level in bids]
        found += [(BID, ONE - PRICES[level.price], SIZES[level.size]) for level in asks]
    else:
        found = [(BID, PRICES[level.price], SIZES[level.size]) for level in bids]
        found += [(ASK, PRICES[level.price], SIZES[level.size]) for level in asks]
    if len({(side, px) for side, px, _ in found}) != len(found):
        raise ValueError("a price stands twice on one side")
    if not all(size for _, _, size in found):
        raise ValueError("a level of size 0 in a whole book")
    return found
