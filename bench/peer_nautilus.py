"""The same path through NautilusTrader's OrderBook; run by a Python that has it, on its own.

    python peer_nautilus.py KALSHI_FRAMES POLYMARKET_FRAMES REPEATS

One frame a line. Prints {"peer", "kalshi": {messages, total, seconds}, "polymarket": {...}}.
Prices are built once per price string, frames are parsed into typed records where msgspec is
there: the book is what is measured, not the parser.
"""

import json
import sys
import time
from pathlib import Path

import nautilus_trader
from nautilus_trader.model.book import OrderBook
from nautilus_trader.model.data import BookOrder, OrderBookDelta
from nautilus_trader.model.enums import BookAction, BookType, OrderSide, RecordFlag
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.objects import Price, Quantity

try:
    import msgspec
except ImportError:
    msgspec = None

BUY, SELL = OrderSide.BUY, OrderSide.SELL
ONE = Price.from_str("1.0000").raw
PRICES = {}
MIRROR = {}


def price(text):
    found = PRICES.get(text)
    if found is None:
        found = PRICES[text] = Price.from_str(text)
    return found


def mirror(text):
    found = MIRROR.get(text)
    if found is None:
        found = MIRROR[text] = Price.from_raw(ONE - Price.from_str(text).raw, 4)
    return found


def new(name):
    return OrderBook(InstrumentId.from_str(f"{name}.X"), BookType.L2_MBP)


def put(book, side, px, size, seq, at):
    """The library's own typed event, made and applied."""
    order = BookOrder(side, px, Quantity(size, 6), 0)
    action = BookAction.UPDATE if size > 0 else BookAction.DELETE
    book.apply_delta(
        OrderBookDelta(book.instrument_id, action, order, RecordFlag.F_LAST, seq, at, at)
    )


def kalshi(frames, decode):
    books, sizes, count, total = {}, {}, 0, 0
    for frame in frames:
        message = decode(frame)
        msg = message.msg
        seq, at = message.seq, msg.ts_ms * 1_000_000
        if message.type == "orderbook_delta":
            name = msg.market_ticker
            book, level = books[name], (name, msg.side, msg.price_dollars)
            size = sizes[level] = round(sizes.get(level, 0.0) + float(msg.delta_fp), 6)
            if msg.side == "yes":
                put(book, BUY, price(msg.price_dollars), size, seq, at)
            else:
                put(book, SELL, mirror(msg.price_dollars), size, seq, at)
        elif message.type == "orderbook_snapshot":
            name = msg.market_ticker
            book = books[name] = new(name)
            for text, size in msg.yes_dollars_fp:
                sizes[name, "yes", text] = float(size)
                put(book, BUY, price(text), float(size), seq, at)
            for text, size in msg.no_dollars_fp:
                sizes[name, "no", text] = float(size)
                put(book, SELL, mirror(text), float(size), seq, at)
        else:
            continue
        count += 1
        bid, ask = book.best_bid_price(), book.best_ask_price()
        if bid is not None and ask is not None:
            total += bid.raw - ask.raw
    return count, total


def polymarket(frames, decode):
    markets, count, total = {}, 0, 0
    for frame in frames:
        message = decode(frame)
        tokens = markets.setdefault(message.market, {})
        at = int(message.timestamp) * 1_000_000
        if message.event_type == "price_change":
            for change in message.price_changes:
                book = tokens.get(change.asset_id)
                if book is None:
                    book = tokens[change.asset_id] = new(change.asset_id[:20])
                side = BUY if change.side == "BUY" else SELL
                put(book, side, price(change.price), float(change.size), 0, at)
        else:
            book = tokens.get(message.asset_id)
            if book is None:
                book = tokens[message.asset_id] = new(message.asset_id[:20])
            book.clear(0, 0)
            for level in message.bids:
                put(book, BUY, price(level.price), float(level.size), 0, at)
            for level in message.asks:
                put(book, SELL, price(level.price), float(level.size), 0, at)
        count += 1
        if len(tokens) == 2:
            yes, no = tokens.values()
            a, b = yes.best_ask_price(), no.best_ask_price()
            if a is not None and b is not None:
                total += ONE - a.raw - b.raw
    return count, total


def decoders():
    if msgspec is None:
        from types import SimpleNamespace

        def decode(frame):
            return json.loads(frame, object_hook=lambda fields: SimpleNamespace(**fields))

        return decode, decode
    level = msgspec.defstruct("Level", [("price", str), ("size", str)], gc=False)
    change = msgspec.defstruct(
        "Change", [("asset_id", str), ("price", str), ("size", str), ("side", str)], gc=False
    )
    message = msgspec.defstruct(
        "Message",
        [
            ("event_type", str), ("market", str), ("timestamp", str), ("asset_id", str, ""),
            ("price_changes", list[change], []), ("bids", list[level], []),
            ("asks", list[level], []),
        ],
        gc=False,
    )  # fmt: skip
    body = msgspec.defstruct(
        "Body",
        [
            ("market_ticker", str, ""), ("price_dollars", str, ""), ("delta_fp", str, ""),
            ("side", str, ""), ("ts_ms", int, 0), ("yes_dollars_fp", list[tuple[str, str]], []),
            ("no_dollars_fp", list[tuple[str, str]], []),
        ],
        gc=False,
    )  # fmt: skip
    frame = msgspec.defstruct("Frame", [("type", str), ("msg", body), ("seq", int, 0)], gc=False)
    return msgspec.json.Decoder(frame).decode, msgspec.json.Decoder(message).decode


def measured(work, frames, decode, repeats):
    fastest = float("inf")
    for _ in range(repeats):
        started = time.process_time()
        count, total = work(frames, decode)
        fastest = min(fastest, time.process_time() - started)
    return {"messages": count, "total": total * 1_000_000 // ONE, "seconds": fastest}


def main():
    of_kalshi, of_polymarket = decoders()
    first, second = (Path(name).read_bytes().splitlines() for name in sys.argv[1:3])
    repeats = int(sys.argv[3])
    print(
        json.dumps(
            {
                "peer": f"nautilus_trader {nautilus_trader.__version__}",
                "kalshi": measured(kalshi, first, of_kalshi, repeats),
                "polymarket": measured(polymarket, second, of_polymarket, repeats),
            }
        )
    )


if __name__ == "__main__":
    main()
