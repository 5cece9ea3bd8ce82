"""Kalshi's WebSocket message bodies, each made once for all clients that want it."""

from typing import Any, Final

import msgspec

from dutchbook.domain.events import BID
from dutchbook.domain.instrument import Band
from dutchbook.domain.units import MILLI, ONE, SECOND
from dutchbook.emulators.feed import Books, Feed
from dutchbook.emulators.market.shapes import Change, SimMarket, Trade, Update
from dutchbook.emulators.wire.text import dollars, fp, iso

SIDES: Final = ("yes", "no")
FINE: Final = (Band(0, ONE, 1_000),)  # type: ignore[arg-type]
COARSE: Final = ("linear_cent", "tapered_deci_cent")


def ranges(grid: tuple[Band, ...]) -> list[dict[str, str]]:
    """`price_ranges` as REST and lifecycle messages show them."""
    return [
        {"start": dollars(band.start), "end": dollars(band.end), "step": dollars(band.step)}
        for band in grid
    ]


class Published:
    """One change of one market, with the message bodies that it means."""

    def __init__(self, market: SimMarket, at: int, changes: list[Change]) -> None:
        self.ticker = market.symbol
        self.changes = changes
        self.trade = ""
        self.ticker_body = ""
        self.lifecycle: list[tuple[str, str]] = []
        self._market = market
        self._at = at
        self._bodies: dict[bool, list[str]] = {}

    def add(self, kind: str, body: dict[str, Any]) -> None:
        """A message of the lifecycle channel."""
        self.lifecycle.append((kind, msgspec.json.encode(body).decode()))

    def bodies(self, yes_price: bool) -> list[str]:
        """orderbook_delta bodies, NO prices as NO-leg prices unless `yes_price`."""
        known = self._bodies.get(yes_price)
        if known is None:
            known = self._bodies[yes_price] = [self._delta(c, yes_price) for c in self.changes]
        return known

    def _delta(self, change: Change, yes_price: bool) -> str:
        px = ONE - change.px if yes_price and change.token else change.px
        market, at = self._market, self._at
        return (
            f'{{"market_ticker":"{market.symbol}","market_id":"{market.id}",'
            f'"price_dollars":"{dollars(px)}","delta_fp":"{fp(change.new - change.old)}",'
            f'"side":"{SIDES[change.token]}","ts":"{iso(at)}","ts_ms":{at // MILLI}}}'
        )


class Stock:
    """The market as Kalshi's servers see it: books, grids in force, what was touched last."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self._books = Books(feed, "kalshi")
        self.markets = {m.symbol: m for m in feed.markets.values() if m.venue == "kalshi"}
        self.overrides: dict[str, dict[str, Any]] = {}
        self.grids: dict[str, tuple[str, tuple[Band, ...]]] = {}
        self._tops: dict[str, tuple[int, int, int, int]] = {}
        self.recent: dict[str, int] = {}

    def has(self, ticker: str) -> bool:
        return ticker in self.markets

    def grid(self, market: SimMarket) -> tuple[str, tuple[Band, ...]]:
        """The structure and bands that hold now."""
        return self.grids.get(market.symbol, (market.structure, market.grid))

    def bids(self, market: SimMarket, token: int) -> list[tuple[int, int]]:
        """One side's bids in its own prices, ascending: best last."""
        return sorted(self._books.ladder(market.key, token, BID).items())

    def top(self, market: SimMarket) -> tuple[int, int, int, int]:
        """YES bid, its size, YES ask, its size; 0 and ONE where there is none."""
        yes = self._books.ladder(market.key, 0, BID)
        no = self._books.ladder(market.key, 1, BID)
        bid, no_bid = max(yes, default=0), max(no, default=0)
        return bid, yes.get(bid, 0), ONE - no_bid, no.get(no_bid, 0)

    def snapshot(self, ticker: str, yes_price: bool) -> str:
        """The body of an orderbook_snapshot; the key of an empty side is absent."""
        market = self.markets[ticker]
        body: dict[str, Any] = {"market_ticker": ticker, "market_id": market.id}
        yes, no = self.bids(market, 0), self.bids(market, 1)
        if yes:
            body["yes_dollars_fp"] = [[dollars(px), fp(qty)] for px, qty in yes]
        if no:
            own = [(ONE - px, qty) for px, qty in reversed(no)] if yes_price else no
            body["no_dollars_fp"] = [[dollars(px), fp(qty)] for px, qty in own]
        return msgspec.json.encode(body).decode()

    def ticker(self, ticker: str, at: int = 0) -> str:
        """The body of a ticker message."""
        market = self.markets[ticker]
        at = at or self.recent.get(ticker, 0) or market.opened
        bid, bid_size, ask, ask_size = self.top(market)
        return (
            f'{{"market_id":"{market.id}","market_ticker":"{ticker}",'
            f'"price_dollars":"{dollars(market.last)}","yes_bid_dollars":"{dollars(bid)}",'
            f'"yes_ask_dollars":"{dollars(ask)}","yes_bid_size_fp":"{fp(bid_size)}",'
            f'"yes_ask_size_fp":"{fp(ask_size)}","volume_fp":"{fp(market.volume)}",'
            f'"open_interest_fp":"{fp(market.open_interest)}",'
            f'"dollar_volume":{market.volume * market.last // ONE // ONE},'
            f'"dollar_open_interest":{market.open_interest // ONE},'
            f'"ts":{at // SECOND},"ts_ms":{at // MILLI},"time":"{iso(at)}"}}'
        )

    def publish(self, update: Update) -> Published:
        """Take note of an update of the feed and make its messages."""
        self._books.apply(update)
        market = self.feed.markets[update.key]
        news = Published(market, update.at, update.changes)
        ticker = market.symbol
        self.recent.pop(ticker, None)
        self.recent[ticker] = update.at
        top = self.top(market)
        if update.trade is not None or self._tops.get(ticker) != top:
            self._tops[ticker] = top
            news.ticker_body = self.ticker(ticker, update.at)
        if update.trade is not None:
            news.trade = _trade(market, update.trade, update.at)
        if update.status is not None and update.status != "settled":
            news.add("market_lifecycle_v2", _status(market, update.status))
        return news

    def flip_tick(self, now: int) -> Published | None:
        """Give a busy market a finer grid, or the one that has it its own grid again."""
        if self.grids:
            market = self.markets[next(iter(self.grids))]
            del self.grids[market.symbol]
        else:
            busy = reversed(self.recent)
            name = next((t for t in busy if self.markets[t].structure in COARSE), None)
            if name is None:
                return None
            market = self.markets[name]
            self.grids[name] = ("deci_cent", FINE)
        news = Published(market, now, [])
        structure, grid = self.grid(market)
        body = {
            "event_type": "price_level_structure_updated",
            "market_ticker": market.symbol,
            "exchange_index": market.exchange_index,
            "price_level_structure": structure,
            "price_ranges": ranges(grid),
        }
        news.add("market_lifecycle_v2", body)
        return news


def _trade(market: SimMarket, trade: Trade, at: int) -> str:
    side = SIDES[0 if trade.buy_yes else 1]
    book = "bid" if trade.buy_yes else "ask"
    return (
        f'{{"trade_id":"{trade.id}","market_ticker":"{market.symbol}",'
        f'"yes_price_dollars":"{dollars(trade.px)}","no_price_dollars":"{dollars(ONE - trade.px)}",'
        f'"count_fp":"{fp(trade.qty)}","taker_side":"{side}","taker_outcome_side":"{side}",'
        f'"taker_book_side":"{book}","is_block_trade":false,'
        f'"ts":{at // SECOND},"ts_ms":{at // MILLI}}}'
    )


def _status(market: SimMarket, status: str) -> dict[str, Any]:
    kinds = {"open": "activated", "paused": "deactivated", "settled": "settled"}
    body: dict[str, Any] = {
        "event_type": kinds.get(status, "close_date_updated"),
        "market_ticker": market.symbol,
        "exchange_index": market.exchange_index,
    }
    if status in ("open", "paused"):
        body["is_deactivated"] = status == "paused"
    else:
        body["close_ts"] = market.closes // SECOND
    return body
