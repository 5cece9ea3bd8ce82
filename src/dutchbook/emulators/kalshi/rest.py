"""The pretend Kalshi's REST: /trade-api/v2, its cursors, refusals and token buckets."""

import time
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from starlette.applications import Starlette

from dutchbook.domain.errors import UsageError
from dutchbook.domain.units import SECOND
from dutchbook.emulators.kalshi import bodies
from dutchbook.emulators.kalshi.auth import nested, refusal
from dutchbook.emulators.kalshi.lifecycle import Lifecycle
from dutchbook.emulators.kalshi.messages import Stock
from dutchbook.emulators.kalshi.paging import page, whole
from dutchbook.emulators.kalshi.stops import Stops
from dutchbook.emulators.kalshi.trades import Tape, candles
from dutchbook.emulators.market.shapes import SimEvent, SimMarket
from dutchbook.emulators.wire.keys import PublicKey
from dutchbook.emulators.wire.limits import TokenBucket
from dutchbook.emulators.wire.log import WireLog
from dutchbook.emulators.wire.rest import Ask, Path, Refusal, application

PREFIX: Final = "/trade-api/v2"
COST: Final = 10
CHEAP: Final = 2
BATCH_MAX: Final = 20
TIERS: Final = {"basic": (200, 100), "advanced": (300, 300), "premier": (1000, 1000)}
"""tier -> (read, write) tokens a second; the Basic bucket holds one second, the others two."""


def known_tier(tier: str) -> str:
    """The tier itself. Raises UsageError for one that does not exist."""
    if tier not in TIERS:
        raise UsageError(f"unknown Kalshi tier {tier!r}", todo=f"use one of {', '.join(TIERS)}")
    return tier


class KalshiRest:
    """Answers from the stock; until `limited_until` everything is 429 (a fault)."""

    def __init__(
        self,
        stock: Stock,
        trades: Tape,
        stops: Stops,
        life: Lifecycle,
        public: Mapping[str, PublicKey],
        tier: str = "basic",
    ) -> None:
        self._stock = stock
        self._stops = stops
        self._life = life
        self._trades = trades
        self._public = public
        self._tier = tier
        self._buckets: dict[tuple[str, int], TokenBucket] = {}
        self.extra: list[Path] = []
        self.limited_until = 0

    def app(self, log: WireLog) -> Starlette:
        paths = [
            Path("/exchange/status", self._stops.status),
            Path("/exchange/schedule", self._stops.schedule),
            Path("/series", self._series),
            Path("/series/fee_changes", self._life.series_changes),
            Path("/series/{ticker}", self._one_series),
            Path("/events/fee_changes", self._life.event_changes),
            Path("/events", self._events),
            Path("/events/{ticker}", self._event),
            Path("/markets", self._markets),
            Path("/markets/trades", self._market_trades),
            Path("/markets/orderbooks", self._books, gate="auth", keep=True),
            Path("/markets/{ticker}", self._market),
            Path("/markets/{ticker}/orderbook", self._book, gate="auth", keep=True),
            Path("/series/{series}/markets/{ticker}/candlesticks", self._candles),
            Path("/account/limits", self._limits, gate="auth"),
        ]
        full = [
            Path(PREFIX + path.pattern, path.handler, path.method, path.gate, path.keep)
            for path in (*paths, *self.extra)
        ]
        return application("kalshi", full, self.gate, log, nested("not_found", "not found"))

    def gate(self, ask: Ask, kind: str) -> None:
        """429 while the fault lasts; 401 where a signature is due; then the token bucket."""
        if ask.now < self.limited_until:
            raise Refusal(429, {"error": "too many requests"})
        if kind:
            body = refusal(self._public, ask.headers, ask.method, ask.path, ask.now)
            if body is not None:
                raise Refusal(401, body)
        who = ask.headers.get("kalshi-access-key") or ask.client
        write = int(kind.startswith("write"))
        bucket = self._buckets.get((who, write))
        if bucket is None:
            bucket = self._buckets[who, write] = TokenBucket(*self._bucket(write))
        if not bucket.take(_cost(kind, ask.body), ask.now):
            raise Refusal(429, {"error": "too many requests"})

    def _bucket(self, write: int) -> tuple[int, int]:
        rate = TIERS[self._tier][write]
        return rate, rate if self._tier == "basic" else 2 * rate

    def _series(self, ask: Ask) -> Any:
        category = ask.query.get("category")
        wanted = [s for s in self._stock.feed.series.values() if category in (None, s.category)]
        return {"series": [bodies.series_body(s) for s in wanted]}

    def _one_series(self, ask: Ask) -> Any:
        series = self._stock.feed.series.get(ask.names["ticker"])
        if series is None:
            raise Refusal(404, nested("not_found", "series not found"))
        return {"series": bodies.series_body(series)}

    def _events(self, ask: Ask) -> Any:
        query = ask.query
        nested_markets = query.get("with_nested_markets", "false").lower() == "true"
        wanted = [e for e in self._stock.feed.events.values() if self._is_wanted(e, query)]
        shown, cursor = page(wanted, ask, 200)
        rows = [bodies.event_body(self._stock, event, nested_markets) for event in shown]
        return {"events": rows, "cursor": cursor, "milestones": []}

    def _is_wanted(self, event: SimEvent, query: Mapping[str, str]) -> bool:
        if event.venue != "kalshi" or query.get("series_ticker", event.series) != event.series:
            return False
        tickers = _csv(query.get("tickers"))
        if tickers and event.symbol not in tickers:
            return False
        low = whole(query, "min_close_ts", None)
        if low is not None and event.closes // SECOND < low:
            return False
        words = _words(query)
        members = (self._stock.feed.markets[key] for key in event.members)
        return not words or any(m.status in words for m in members)

    def _event(self, ask: Ask) -> Any:
        event = self._stock.feed.events.get(f"kalshi:{ask.names['ticker']}")
        if event is None:
            raise Refusal(404, nested("not_found", "event not found"))
        within = ask.query.get("with_nested_markets", "false").lower() == "true"
        body = bodies.event_body(self._stock, event, within)
        if within:
            return {"event": body}
        markets = [self._stock.feed.markets[key] for key in event.members]
        return {"event": body, "markets": [bodies.market_body(self._stock, m) for m in markets]}

    def _markets(self, ask: Ask) -> Any:
        query = ask.query
        words, tickers = _words(query), _csv(query.get("tickers"))
        events = _csv(query.get("event_ticker"))
        series = query.get("series_ticker")
        low, high = whole(query, "min_close_ts", None), whole(query, "max_close_ts", None)
        wanted = [
            m
            for m in self._stock.markets.values()
            if (not tickers or m.symbol in tickers)
            and (not events or m.event.partition(":")[2] in events)
            and series in (None, m.series)
            and (not words or m.status in words)
            and bodies.closes_between(m, low, high)
            and query.get("mve_filter") != "only"
        ]
        shown, cursor = page(wanted, ask, 1000)
        return {"markets": [bodies.market_body(self._stock, m) for m in shown], "cursor": cursor}

    def _known(self, ticker: str) -> SimMarket:
        market = self._stock.markets.get(ticker)
        if market is None:
            raise Refusal(404, nested("not_found", "market not found"))
        return market

    def _market(self, ask: Ask) -> Any:
        return {"market": bodies.market_body(self._stock, self._known(ask.names["ticker"]))}

    def _book(self, ask: Ask) -> Any:
        market = self._known(ask.names["ticker"])
        depth = whole(ask.query, "depth", 0) or 0
        if depth > 100:
            raise Refusal(400, {"msg": "depth must be at most 100"})
        return {"orderbook_fp": bodies.book_body(self._stock, market, depth)}

    def _books(self, ask: Ask) -> Any:
        tickers = _csv(ask.query.get("tickers"))
        if not tickers or len(tickers) > 100:
            raise Refusal(400, {"msg": "tickers: between 1 and 100"})
        return {
            "orderbooks": [
                {"ticker": t, "orderbook_fp": bodies.book_body(self._stock, self._known(t), 0)}
                for t in tickers
            ]
        }

    def _market_trades(self, ask: Ask) -> Any:
        rows = self._trades.rows(
            ask.query.get("ticker"),
            whole(ask.query, "min_ts", None),
            whole(ask.query, "max_ts", None),
        )
        shown, cursor = page(rows, ask, 1000)
        return {"trades": shown, "cursor": cursor}

    def _candles(self, ask: Ask) -> Any:
        market = self._known(ask.names["ticker"])
        span = whole(ask.query, "period_interval", 60) or 60
        if span not in (1, 60, 1440):
            raise Refusal(400, nested("invalid_parameters", "period_interval"))
        end = whole(ask.query, "end_ts", time.time_ns() // SECOND) or 0
        start = whole(ask.query, "start_ts", end - 3600) or 0
        return {
            "ticker": market.symbol,
            "candlesticks": candles(self._stock, self._trades, market, start, end, span * 60),
        }

    def _limits(self, ask: Ask) -> Any:
        def bucket(write: int) -> dict[str, int]:
            rate, capacity = self._bucket(write)
            return {"refill_rate": rate, "bucket_capacity": capacity}

        return {"usage_tier": self._tier, "read": bucket(0), "write": bucket(1), "grants": []}


def _cost(kind: str, body: bytes) -> int:
    """Tokens of a request: a batch costs the sum of its items, cancels and one order's read 2."""
    if kind in ("write cancel", "read order"):
        return CHEAP
    if kind in ("write batch", "write unbatch"):
        try:
            items = len(msgspec.json.decode(body)["orders"])
        except (msgspec.DecodeError, TypeError, KeyError):
            items = 1
        return max(1, items) * (COST if kind == "write batch" else CHEAP)
    return CHEAP * BATCH_MAX if kind == "write all" else COST


def _csv(text: str | None) -> list[str]:
    return [part for part in (text or "").split(",") if part]


def _words(query: Mapping[str, str]) -> list[str]:
    words = _csv(query.get("status"))
    if any(word not in bodies.QUERY for word in words):
        raise Refusal(400, nested("invalid_parameters", "status: unknown word"))
    return [status for word in words for status in bodies.QUERY[word]]
