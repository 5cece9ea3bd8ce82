"""Kalshi's REST objects: series, events, markets, order books."""

from typing import Any, Final

from dutchbook.domain.units import ONE, SECOND
from dutchbook.emulators.kalshi.messages import Stock, ranges
from dutchbook.emulators.market.shapes import SimEvent, SimMarket, SimSeries
from dutchbook.emulators.wire.text import dollars, fp, iso

STATUS: Final = {
    "unopened": "initialized",
    "open": "active",
    "paused": "inactive",
    "closed": "closed",
    "determined": "determined",
    "disputed": "disputed",
    "amended": "amended",
    "settled": "finalized",
}
"""Status -> word in the object; the words of queries differ."""
QUERY: Final = {
    "unopened": ("unopened",),
    "open": ("open",),
    "paused": ("paused",),
    "closed": ("closed", "determined", "disputed", "amended"),
    "settled": ("settled",),
}
"""Query word -> the statuses that it finds."""


def series_body(series: SimSeries) -> dict[str, Any]:
    multiplier = series.fee_multiplier / ONE
    return {
        "ticker": series.ticker,
        "title": series.title,
        "category": series.category,
        "frequency": series.frequency,
        "tags": series.tags,
        "settlement_sources": series.settlement_sources,
        "contract_url": "",
        "contract_terms_url": "",
        "fee_type": series.fee_type,
        "fee_multiplier": int(multiplier) if multiplier.is_integer() else multiplier,
        "additional_prohibitions": [],
        "volume_fp": "0.00",
        "last_updated_ts": "2026-11-01T00:00:00Z",
        "exchange_index": series.exchange_index,
    }


def event_body(stock: Stock, event: SimEvent, nested: bool) -> dict[str, Any]:
    body: dict[str, Any] = {
        "event_ticker": event.symbol,
        "series_ticker": event.series,
        "title": event.title,
        "sub_title": event.subtitle,
        "collateral_return_type": "MECNET" if event.exclusive else "",
        "mutually_exclusive": event.exclusive,
        "category": event.category,
        "strike_date": iso(event.closes),
        "strike_period": "",
        "last_updated_ts": "2026-11-01T00:00:00Z",
        "settlement_sources": [],
        "exchange_index": 0,
        **stock.overrides.get(event.key, {}),
    }
    if nested:
        markets = stock.feed.markets
        body["markets"] = [market_body(stock, markets[key]) for key in event.members]
    return body


def market_body(stock: Stock, market: SimMarket) -> dict[str, Any]:
    bid, bid_size, ask, ask_size = stock.top(market)
    structure, grid = stock.grid(market)
    prices = {"yes_bid": bid, "yes_ask": ask, "no_bid": ONE - ask, "no_ask": ONE - bid}
    return {
        "ticker": market.symbol,
        "event_ticker": market.event.partition(":")[2] or market.event,
        "market_type": "binary",
        "title": market.title,
        "subtitle": market.subtitle,
        "yes_sub_title": market.outcome,
        "no_sub_title": market.outcome,
        "created_time": iso(market.opened),
        "updated_time": iso(market.opened),
        "open_time": iso(market.opened),
        "close_time": iso(market.closes),
        "expected_expiration_time": iso(market.expires),
        "expiration_time": iso(market.expires),
        "latest_expiration_time": iso(market.expires),
        "occurrence_datetime": iso(market.closes),
        "settlement_timer_seconds": market.settles_after_s,
        "status": STATUS[market.status],
        **{f"{name}_dollars": dollars(px) for name, px in prices.items()},
        "yes_bid_size_fp": fp(bid_size),
        "yes_ask_size_fp": fp(ask_size),
        "last_price_dollars": dollars(market.last),
        "previous_price_dollars": dollars(market.last),
        "previous_yes_bid_dollars": dollars(bid),
        "previous_yes_ask_dollars": dollars(ask),
        "volume_fp": fp(market.volume),
        "volume_24h_fp": fp(market.volume),
        "open_interest_fp": fp(market.open_interest),
        "liquidity_dollars": "0.0000",
        "notional_value_dollars": "1.0000",
        "result": result_of(market.pays),
        "can_close_early": True,
        "early_close_condition": "This market will close and expire after the event occurs.",
        "expiration_value": "",
        "rules_primary": market.rules,
        "rules_secondary": market.rules_more,
        "price_level_structure": structure,
        "price_ranges": ranges(grid),
        "is_provisional": False,
        "exchange_index": market.exchange_index,
        **_strikes(market),
        **_settlement(market),
    }


def book_body(stock: Stock, market: SimMarket, depth: int) -> dict[str, Any]:
    """Bids only, each side in its own prices, ascending; `depth` 0 shows all."""
    sides = {}
    for name, token in (("yes_dollars", 0), ("no_dollars", 1)):
        levels = stock.bids(market, token)
        levels = levels[-depth:] if depth else levels
        sides[name] = [[dollars(px), fp(qty)] for px, qty in levels]
    return sides


def closes_between(market: SimMarket, low: int | None, high: int | None) -> bool:
    """Whether the market closes within these unix seconds."""
    at = market.closes // SECOND
    return (low is None or at >= low) and (high is None or at <= high)


def result_of(pays: int) -> str:
    """The word for what one YES contract pays; "" while nobody knows."""
    return {ONE: "yes", 0: "no", -1: ""}.get(pays, "scalar")


def _settlement(market: SimMarket) -> dict[str, Any]:
    if market.pays < 0:
        return {}
    body: dict[str, Any] = {"settlement_value_dollars": dollars(market.pays)}
    if market.status == "settled":
        body["settlement_ts"] = iso(market.expires)
    return body


def _strikes(market: SimMarket) -> dict[str, Any]:
    body: dict[str, Any] = {"strike_type": market.strike_type or "custom"}
    if market.floor_strike is not None:
        body["floor_strike"] = market.floor_strike
    if market.cap_strike is not None:
        body["cap_strike"] = market.cap_strike
    return body
