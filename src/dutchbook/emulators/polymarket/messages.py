"""Polymarket's market messages and books, each made once for all clients that want it."""

from functools import lru_cache
from hashlib import sha1
from typing import Final, NamedTuple

import msgspec

from dutchbook.domain.events import ASK, BID
from dutchbook.domain.units import MILLI, ONE, Px
from dutchbook.emulators.feed import Books, Feed
from dutchbook.emulators.market.shapes import SimMarket, Update
from dutchbook.emulators.wire.text import plain

FINER: Final = {10_000: 1_000, 5_000: 2_500, 1_000: 100}
BUSY_NS: Final = 1_000 * MILLI
_number = lru_cache(maxsize=65_536)(plain)


class Asset(NamedTuple):
    """One outcome token of a market; `token` 0 is YES, 1 is NO."""

    market: SimMarket
    token: int
    name: str


class Published:
    """One change of one market as messages, each with the assets that it is about."""

    def __init__(self, market: SimMarket, hot: bool) -> None:
        self.market = market.symbol
        self.hot = hot
        self.head = ""
        self.changes: list[tuple[str, str]] = []
        self.messages: list[tuple[str, str]] = []
        self.custom: list[tuple[str, str]] = []
        self._joined = ""

    def price_change(self, assets: dict[str, None]) -> str:
        """The price_change message for a client with these assets, "" when it has none of them."""
        mine = [text for asset, text in self.changes if asset in assets]
        if len(mine) == len(self.changes):
            if mine and not self._joined:
                self._joined = f"{self.head}{','.join(mine)}]}}"
            return self._joined
        return f"{self.head}{','.join(mine)}]}}" if mine else ""


class Shelf:
    """The market as Polymarket's servers see it: books, hashes, ticks in force."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self._books = Books(feed, "polymarket")
        self.markets = {m.symbol: m for m in feed.markets.values() if m.venue == "polymarket"}
        self.assets = {
            name: Asset(market, token, name)
            for market in self.markets.values()
            for token, name in enumerate(market.tokens)
        }
        self.ticks: dict[str, int] = {}
        self.delays: dict[str, int] = {}
        self.recent: dict[str, int] = {}
        self._touched: dict[str, int] = {}
        self._bests: dict[str, tuple[int, int]] = {}

    def tick(self, market: SimMarket) -> int:
        return self.ticks.get(market.symbol, market.tick)

    def delay_ms(self, market: SimMarket) -> int:
        """How long who takes waits in markets of this category; 0 unless it was set."""
        return self.delays.get(market.category, 0)

    def best(self, asset: Asset) -> tuple[int, int]:
        """Best bid and ask of the token's own book; 0 and ONE where there is none."""
        key, ladder = asset.market.key, self._books.ladder
        bid = max(ladder(key, asset.token, BID), default=0)
        return bid, min(ladder(key, asset.token, ASK), default=ONE)

    def last(self, asset: Asset) -> int:
        """The last trade's price in the token's own terms, 0 before the first."""
        last = asset.market.last
        return ONE - last if last and asset.token else last

    def stamp(self, asset: Asset) -> int:
        """When the book last changed, in ms."""
        return self._touched.get(asset.name, asset.market.opened) // MILLI

    def body(self, asset: Asset) -> tuple[str, str]:
        """The book object without its hash ("{}" where the hash stands), and the hash."""
        market = asset.market
        bids = sorted(self._books.ladder(market.key, asset.token, BID).items())
        asks = sorted(self._books.ladder(market.key, asset.token, ASK).items(), reverse=True)
        text = (
            f'{{"market":"{market.symbol}","asset_id":"{asset.name}",'
            f'"timestamp":"{self.stamp(asset)}","hash":"","bids":{_levels(bids)},'
            f'"asks":{_levels(asks)},"min_order_size":"{_number(market.size_min)}",'
            f'"tick_size":"{_number(self.tick(market))}",'
            f'"neg_risk":{"true" if market.neg_risk else "false"},'
            f'"last_trade_price":"{_number(self.last(asset))}"}}'
        )
        return text, sha1(text.encode(), usedforsecurity=False).hexdigest()

    def book(self, asset: Asset) -> str:
        """The REST book: best LAST on both sides, with its hash."""
        text, digest = self.body(asset)
        return text.replace('"hash":""', f'"hash":"{digest}"', 1)

    def book_message(self, asset: Asset) -> str:
        return '{"event_type":"book",' + self.book(asset)[1:]

    def publish(self, update: Update) -> Published:
        """Take note of an update of the feed and make its messages."""
        self._books.apply(update)
        market = self.feed.markets[update.key]
        stamp = update.at // MILLI
        before = self.recent.pop(market.symbol, None)
        self.recent[market.symbol] = update.at
        news = Published(market, before is not None and update.at - before < BUSY_NS)
        touched = dict.fromkeys(change.token for change in update.changes)
        assets = {token: Asset(market, token, market.tokens[token]) for token in touched}
        moved = False
        tails: dict[int, str] = {}
        for token, asset in assets.items():
            self._touched[asset.name] = update.at
            best = self.best(asset)
            if self._bests.get(asset.name) != best:
                self._bests[asset.name] = best
                moved = True
                news.custom.append((asset.name, self._best_message(asset, best, stamp)))
            tails[token] = (
                f'"hash":"{self.body(asset)[1]}","best_bid":"{_number(best[0])}",'
                f'"best_ask":"{_number(best[1])}"}}'
            )
        news.hot = news.hot and moved
        news.head = (
            f'{{"event_type":"price_change","market":"{market.symbol}",'
            f'"timestamp":"{stamp}","price_changes":['
        )
        for change in update.changes:
            side = "SELL" if change.side == ASK else "BUY"
            text = (
                f'{{"asset_id":"{market.tokens[change.token]}","price":"{_number(change.px)}",'
                f'"size":"{_number(change.new)}","side":"{side}",{tails[change.token]}'
            )
            news.changes.append((market.tokens[change.token], text))
        if update.trade is not None:
            news.messages.append(self._trade(market, update, stamp))
        if update.status == "settled":
            news.custom.append((market.tokens[0], _resolved(market, stamp)))
        return news

    def flip_tick(self, now: int) -> Published | None:
        """Give a busy market a finer tick, or the one that has it its own tick again."""
        if self.ticks:
            name = next(iter(self.ticks))
            old = self.ticks.pop(name)
        else:
            busy = reversed(self.recent)
            found = next((n for n in busy if self.markets[n].tick in FINER), None)
            if found is None:
                return None
            name, old = found, self.markets[found].tick
            self.ticks[name] = FINER[old]
        market = self.markets[name]
        news = Published(market, False)
        for asset in market.tokens:
            text = (
                f'{{"event_type":"tick_size_change","market":"{name}","asset_id":"{asset}",'
                f'"old_tick_size":"{_number(old)}","new_tick_size":"{_number(self.tick(market))}",'
                f'"timestamp":"{now // MILLI}"}}'
            )
            news.messages.append((asset, text))
        return news

    def _best_message(self, asset: Asset, best: tuple[int, int], stamp: int) -> str:
        return (
            f'{{"event_type":"best_bid_ask","market":"{asset.market.symbol}",'
            f'"asset_id":"{asset.name}","best_bid":"{_number(best[0])}",'
            f'"best_ask":"{_number(best[1])}","spread":"{_number(best[1] - best[0])}",'
            f'"timestamp":"{stamp}"}}'
        )

    def _trade(self, market: SimMarket, update: Update, stamp: int) -> tuple[str, str]:
        """A taker who buys NO shows as a purchase of the NO token at its own price."""
        trade = update.trade
        assert trade is not None
        asset = market.tokens[0 if trade.buy_yes else 1]
        px = Px(trade.px if trade.buy_yes else ONE - trade.px)
        return asset, (
            f'{{"event_type":"last_trade_price","market":"{market.symbol}","asset_id":"{asset}",'
            f'"price":"{_number(px)}","size":"{_number(trade.qty)}","side":"BUY",'
            f'"fee_rate_bps":"0","timestamp":"{stamp}"}}'
        )


def _levels(levels: list[tuple[int, int]]) -> str:
    return (
        "[" + ",".join(f'{{"price":"{_number(p)}","size":"{_number(q)}"}}' for p, q in levels) + "]"
    )


def _resolved(market: SimMarket, stamp: int) -> str:
    won = 0 if (market.last if market.pays < 0 else market.pays) * 2 >= ONE else 1
    body = {
        "event_type": "market_resolved",
        "id": market.id,
        "market": market.symbol,
        "assets_ids": list(market.tokens),
        "winning_asset_id": market.tokens[won],
        "winning_outcome": ("Yes", "No")[won],
        "tags": [],
        "timestamp": str(stamp),
    }
    return msgspec.json.encode(body).decode()
