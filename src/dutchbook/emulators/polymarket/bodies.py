"""Polymarket's REST objects: Gamma events and markets, CLOB markets."""

from typing import Any, Final

import msgspec

from dutchbook.domain.units import ONE, plain
from dutchbook.emulators.market.shapes import SimEvent, SimMarket
from dutchbook.emulators.polymarket.messages import Shelf
from dutchbook.emulators.polymarket.signed import is_position
from dutchbook.emulators.wire.text import iso

OUTCOMES: Final = ("Yes", "No")


def _text(rows: list[str]) -> str:
    """Gamma's lists inside objects are JSON-encoded strings."""
    return msgspec.json.encode(rows).decode()


def mids(shelf: Shelf, market: SimMarket) -> list[str]:
    """Mid prices of both tokens as decimals that add up to 1."""
    bid, ask = shelf.best(shelf.assets[market.tokens[0]])
    mid = (bid + ask) // 2
    return [plain(mid), plain(ONE - mid)]


def gamma_market(shelf: Shelf, market: SimMarket) -> dict[str, Any]:
    bid, ask = shelf.best(shelf.assets[market.tokens[0]])
    fees = market.fees
    volume = plain(market.volume)
    return {
        "id": market.id,
        "question": market.title,
        "conditionId": market.symbol,
        "slug": market.slug,
        "description": market.rules,
        "groupItemTitle": market.outcome,
        "startDate": iso(market.opened),
        "endDate": iso(market.closes),
        "outcomes": _text(list(OUTCOMES)),
        "outcomePrices": _text(mids(shelf, market)),
        "clobTokenIds": _text(list(market.tokens)),
        "volume": volume,
        "volumeNum": market.volume / ONE,
        "liquidity": "1000",
        "liquidityNum": 1000.0,
        "active": True,
        "closed": market.status in ("closed", "settled"),
        "archived": False,
        "restricted": False,
        "questionID": market.question_id,
        "enableOrderBook": True,
        "orderPriceMinTickSize": shelf.tick(market) / ONE,
        "orderMinSize": market.size_min // ONE if market.size_min >= ONE else 0.01,
        "makerBaseFee": 0,
        "takerBaseFee": 0,
        "acceptingOrders": market.status == "open",
        "negRisk": market.neg_risk,
        "negRiskOther": market.other,
        "bestBid": bid / ONE,
        "bestAsk": ask / ONE,
        "lastTradePrice": market.last / ONE,
        "spread": (ask - bid) / ONE,
        "rewardsMinSize": 0,
        "rewardsMaxSpread": 0,
        "feesEnabled": fees.taker > 0,
        "feeType": market.fee_type,
        "feeSchedule": {
            "exponent": fees.exponent,
            "rate": fees.taker / ONE,
            "rebateRate": market.rebate / ONE,
            "takerOnly": True,
        },
        "secondsDelay": shelf.delay_ms(market) // 1_000,
        "umaResolutionStatuses": "[]",
        "rfqEnabled": False,
        **_protocol(market),
    }


def _protocol(market: SimMarket) -> dict[str, Any]:
    """Markets of the second protocol have position ids, which go by the third exchange."""
    if not is_position(int(market.tokens[0])):
        return {"version": "v1"}
    return {"version": "v2", "positionIds": list(market.tokens)}


def gamma_event(shelf: Shelf, event: SimEvent, nested: bool = True) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": event.id,
        "ticker": event.symbol,
        "slug": event.symbol,
        "title": event.title,
        "description": event.subtitle,
        "startDate": "2026-01-01T00:00:00Z",
        "endDate": iso(event.closes),
        "active": True,
        "closed": False,
        "archived": False,
        "restricted": False,
        "category": event.category,
        "volume": 0,
        "liquidity": 0,
        "enableOrderBook": True,
        "enableNegRisk": event.exclusive,
        "negRisk": event.exclusive,
        "negRiskAugmented": event.augmented,
        "tags": [
            {"id": str(n), "label": tag, "slug": tag.lower().replace(" ", "-")}
            for n, tag in enumerate(event.tags, 1)
        ],
    }
    if event.neg_risk_id:
        body["negRiskMarketID"] = event.neg_risk_id
    if nested:
        markets = shelf.feed.markets
        body["markets"] = [gamma_market(shelf, markets[key]) for key in event.members]
    return body


def gamma_market_with_event(shelf: Shelf, market: SimMarket) -> dict[str, Any]:
    """A market as /markets shows it: with the events it belongs to."""
    event = shelf.feed.events.get(market.event)
    events = [gamma_event(shelf, event, nested=False)] if event else []
    return gamma_market(shelf, market) | {"events": events}


def clob_market(shelf: Shelf, market: SimMarket) -> dict[str, Any]:
    prices = mids(shelf, market)
    return {
        "condition_id": market.symbol,
        "question_id": market.question_id,
        "question": market.title,
        "description": market.rules,
        "market_slug": market.slug,
        "end_date_iso": iso(market.closes),
        "game_start_time": None,
        "enable_order_book": True,
        "active": True,
        "closed": market.status in ("closed", "settled"),
        "archived": False,
        "accepting_orders": market.status == "open",
        "minimum_order_size": market.size_min // ONE if market.size_min >= ONE else 0.01,
        "minimum_tick_size": shelf.tick(market) / ONE,
        "seconds_delay": shelf.delay_ms(market) // 1_000,
        "maker_base_fee": 0,
        "taker_base_fee": 0,
        "neg_risk": market.neg_risk,
        "is_50_50_outcome": False,
        "tokens": _tokens(market, prices),
        "tags": [market.category],
    }


def simplified_market(shelf: Shelf, market: SimMarket) -> dict[str, Any]:
    return {
        "condition_id": market.symbol,
        "tokens": _tokens(market, mids(shelf, market)),
        "active": True,
        "closed": market.status in ("closed", "settled"),
        "archived": False,
        "accepting_orders": market.status == "open",
    }


def short_market(shelf: Shelf, market: SimMarket) -> dict[str, Any]:
    """`/clob-markets/{cid}`: short keys."""
    return {
        "c": market.symbol,
        "t": [{"t": t, "o": o} for t, o in zip(market.tokens, OUTCOMES, strict=True)],
        "mts": shelf.tick(market) / ONE,
        "mos": market.size_min // ONE if market.size_min >= ONE else 0.01,
        "nr": market.neg_risk,
        "mbf": 0,
        "tbf": 0,
        "fd": {"r": market.fees.taker / ONE, "e": market.fees.exponent, "to": True},
        "itode": shelf.delay_ms(market) > 0,
    }


def _tokens(market: SimMarket, prices: list[str]) -> list[dict[str, Any]]:
    return [
        {"token_id": token, "outcome": outcome, "price": float(price), "winner": False}
        for token, outcome, price in zip(market.tokens, OUTCOMES, prices, strict=True)
    ]
