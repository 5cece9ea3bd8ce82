"""From our own structs to the rows that the gateway shows."""

from typing import Any

from dutchbook.domain.certificate import Certificate, Leg
from dutchbook.domain.instrument import Instrument
from dutchbook.domain.step import Note, Passed
from dutchbook.domain.units import ONE
from dutchbook.gateway import shapes
from dutchbook.gateway.shapes import dec, when
from dutchbook.gateway.told import Held

FILL_MS = 500
"""What an order of a basket is reckoned to need until it is filled or refused."""
ORDER_STATUS = {
    "decided": "SUBMITTED", "sent": "SUBMITTED", "acked": "OPEN", "partial": "PARTIALLY_FILLED",
    "unknown": "UNKNOWN", "filled": "FILLED", "canceled": "CANCELED", "rejected": "REJECTED",
    "expired": "EXPIRED", "never_arrived": "REJECTED",
}  # fmt: skip


def split(key: str) -> tuple[str, str]:
    """venue:symbol as (platform, market_id)."""
    platform, _, symbol = key.partition(":")
    return platform, symbol


def market(one: Instrument, quote: tuple[int, int, int, int, int] | None) -> shapes.Market:
    return shapes.Market(**_market(one, quote))


def market_full(one: Instrument, quote: tuple[int, int, int, int, int] | None) -> shapes.MarketFull:
    """With everything that an order for it must know."""
    fees = one.fees
    return shapes.MarketFull(
        **_market(one, quote), rules=one.rules,
        ticks=[[dec(band.start), dec(band.end), dec(band.step)] for band in one.grid],
        size_min=dec(one.size_min), settles=when(one.settles),
        fees={"kind": fees.kind, "taker": dec(fees.taker), "maker": dec(fees.maker)},
        tokens=list(one.tokens),
    )  # fmt: skip


def _market(one: Instrument, quote: tuple[int, int, int, int, int] | None) -> dict[str, Any]:
    bid, bid_qty, ask, ask_qty, at = quote or (0, 0, ONE, 0, 0)
    both = bid > 0 and ask < ONE
    return {
        "id": one.key, "platform": one.venue, "market_id": one.symbol, "event": one.event,
        "title": one.title, "outcome": one.outcome, "category": one.category,
        "status": one.status, "closes": when(one.closes),
        "bid": dec(bid) if bid > 0 else None, "ask": dec(ask) if ask < ONE else None,
        "bid_size": dec(bid_qty), "ask_size": dec(ask_qty),
        "mid_price": dec((bid + ask) // 2) if both else None,
        "spread": dec(ask - bid) if both else None, "last_update": when(at),
        "volume": dec(one.volume),
    }  # fmt: skip


def _leg(leg: Leg) -> shapes.OpportunityLeg:
    platform, symbol = split(leg.instrument)
    return shapes.OpportunityLeg(
        platform, symbol, leg.outcome, dec(leg.fills[-1].px if leg.fills else 0), dec(leg.qty)
    )


def _opportunity(
    name: str, proof: Certificate, opened_at: int, closed_at: int, why: str
) -> dict[str, Any]:
    legs = [_leg(leg) for leg in proof.legs]
    return {
        "id": name, "kind": proof.kind, "market_a": legs[0], "market_b": legs[-1] if
        len(legs) == 1 else legs[1], "legs": legs, "profit_pct": dec(proof.edge * 100),
        "expected_profit": dec(proof.proved), "capital": dec(proof.capital),
        "quantity": dec(proof.qty), "confidence": dec(proof.confidence),
        "annualised_pct": dec(proof.annualised * 100), "estimated_fill_time_ms": FILL_MS,
        "created_at": when(opened_at), "closed_at": when(closed_at),
        "status": f"closed: {why}" if closed_at else "open",
    }  # fmt: skip


def opportunity(held: Held, closed_at: int = 0, why: str = "") -> shapes.Opportunity:
    return shapes.Opportunity(
        **_opportunity(held.id, held.certificate, held.opened_at, closed_at, why)
    )


def opportunity_full(
    held: Held, closed_at: int, why: str, document: dict[str, Any]
) -> shapes.OpportunityFull:
    """With its certificate as `dutchbook verify` reads it."""
    return shapes.OpportunityFull(
        **_opportunity(held.id, held.certificate, held.opened_at, closed_at, why),
        certificate=document,
    )


def passed(one: Passed) -> shapes.WhyNot:
    return shapes.WhyNot(one.key, one.key.partition(":")[0], one.stage, one.reason, one.numbers)


def order(row: dict[str, Any]) -> shapes.Order:
    """From a row of `runtime/answers.order_row`, or of the table `orders`."""
    platform, symbol = split(row["key"])
    return shapes.Order(
        row["id"], platform, symbol, row["outcome"], row["action"], dec(row["px"]),
        dec(row["qty"]), dec(row["filled"]), ORDER_STATUS.get(row["state"], "UNKNOWN"),
        row["tif"], row["purpose"], row["strategy"], row["why"], when(row["since"]),
    )  # fmt: skip


def position(row: dict[str, Any]) -> shapes.Position:
    platform, symbol = split(row["key"])
    qty, cost, bid = row["qty"], row["cost"], row["bid"]
    return shapes.Position(
        platform, symbol, row["title"], row["outcome"], dec(qty), dec(row["sellable"]), dec(cost),
        dec(cost * ONE // qty if qty else 0), dec(bid), dec(qty * bid // ONE - cost),
    )  # fmt: skip


def note(name: str, plain: list[Any]) -> dict[str, Any]:
    """A note of a command's answer, its fields by name."""
    kinds = {kind.__name__: kind for kind in Note.__args__}
    fields = kinds[name].__struct_fields__ if name in kinds else ()
    return {"kind": name, **dict(zip(fields, plain[1:], strict=False))}
