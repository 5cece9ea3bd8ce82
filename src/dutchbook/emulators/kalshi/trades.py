"""The recent public trades of the pretend Kalshi, and candlesticks made of them."""

from collections import deque
from typing import Any, Final

from dutchbook.domain.units import ONE, SECOND
from dutchbook.emulators.kalshi.messages import SIDES, Stock
from dutchbook.emulators.market.shapes import SimMarket, Trade
from dutchbook.emulators.wire.text import dollars, fp, iso

TRADES_MAX: Final = 20_000


class Tape:
    """The last trades, newest first when listed."""

    def __init__(self) -> None:
        self._trades: deque[tuple[int, str, Trade]] = deque(maxlen=TRADES_MAX)

    def add(self, at: int, ticker: str, trade: Trade) -> None:
        self._trades.append((at, ticker, trade))

    def of(self, ticker: str | None) -> list[tuple[int, str, Trade]]:
        return [row for row in self._trades if ticker in (None, row[1])]

    def rows(self, ticker: str | None, low: int | None, high: int | None) -> list[dict[str, Any]]:
        """REST rows; `low` and `high` are unix seconds."""
        return [
            _row(at, name, trade)
            for at, name, trade in reversed(self.of(ticker))
            if (low is None or at // SECOND >= low) and (high is None or at // SECOND <= high)
        ]


def _row(at: int, ticker: str, trade: Trade) -> dict[str, Any]:
    side = SIDES[0 if trade.buy_yes else 1]
    return {
        "trade_id": trade.id,
        "ticker": ticker,
        "count_fp": fp(trade.qty),
        "yes_price_dollars": dollars(trade.px),
        "no_price_dollars": dollars(ONE - trade.px),
        "taker_side": side,
        "taker_outcome_side": side,
        "taker_book_side": "bid" if trade.buy_yes else "ask",
        "is_block_trade": False,
        "created_time": iso(at),
    }


def candles(
    stock: Stock, tape: Tape, market: SimMarket, start: int, end: int, span: int
) -> list[dict[str, Any]]:
    """Candles of `span` seconds that have trades, between two unix seconds, at most 5,000."""
    slots: dict[int, list[Trade]] = {}
    for at, _, trade in tape.of(market.symbol):
        slot = -(-at // (span * SECOND)) * span
        if start <= slot <= end and len(slots) < 5_000:
            slots.setdefault(slot, []).append(trade)
    bid, _, ask, _ = stock.top(market)
    quote = {
        name: {f"{part}_dollars": dollars(px) for part in ("open", "low", "high", "close")}
        for name, px in (("yes_bid", bid), ("yes_ask", ask))
    }
    return [{"end_period_ts": slot, **quote, **_candle(slots[slot])} for slot in sorted(slots)]


def _candle(trades: list[Trade]) -> dict[str, Any]:
    prices = [trade.px for trade in trades]
    shown = {
        "open": prices[0],
        "high": max(prices),
        "low": min(prices),
        "close": prices[-1],
        "mean": sum(prices) // len(prices),
        "min": min(prices),
        "max": max(prices),
    }
    price = {f"{name}_dollars": dollars(px) for name, px in shown.items()}
    return {
        "price": price | {"previous_dollars": None},
        "volume_fp": fp(sum(trade.qty for trade in trades)),
        "open_interest_fp": "0.00",
    }
