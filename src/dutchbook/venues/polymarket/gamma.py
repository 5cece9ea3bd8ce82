"""Gamma's events and markets, and the CLOB's own word on one market, as instruments and groups."""

from decimal import Decimal
from typing import Final

import msgspec

from dutchbook.domain.errors import RemoteProtocolError
from dutchbook.domain.instrument import Band, EventGroup, FeeSchedule, Instrument, Status
from dutchbook.domain.units import ONE, SECOND, Ns, Px, Qty, Usd
from dutchbook.venues.polymarket.numbers import exact, moment, rough
from dutchbook.venues.polymarket.wire import UNREADABLE, NewMarket

LIVENESS: Final = 2 * 3_600 * SECOND
"""How long UMA waits for a dispute before money comes back."""
TEXT_MAX: Final = 65_536
COST_MIN: Final = Usd(1 * ONE)
SIZE_MIN: Final = 5 * ONE
LOT: Final = Qty(10_000)
TICKS: Final = (100_000, 10_000, 5_000, 2_500, 1_000, 100)


class Fees(msgspec.Struct, rename="camel"):
    rate: Decimal
    exponent: Decimal = Decimal(1)
    taker_only: bool = True


class Market(msgspec.Struct, rename="camel"):
    """A Gamma market. `outcomes` and `clobTokenIds` are JSON inside a string."""

    condition_id: str
    question: str = ""
    slug: str = ""
    outcomes: str | list[str] | None = None
    clob_token_ids: str | list[str] | None = None
    description: str | None = None
    group_item_title: str | None = None
    end_date: str | None = None
    active: bool | None = None
    closed: bool | None = None
    accepting_orders: bool | None = None
    enable_order_book: bool | None = None
    order_price_min_tick_size: Decimal | None = None
    order_min_size: Decimal | None = None
    neg_risk: bool | None = None
    neg_risk_other: bool | None = None
    fees_enabled: bool | None = None
    fee_schedule: Fees | None = None
    volume_num: Decimal | None = None
    uma_resolution_status: str | None = None


class Tag(msgspec.Struct):
    label: str | None = None


class Event(msgspec.Struct, rename="camel"):
    """A Gamma event; its markets are read one by one, so that a bad one spoils no other."""

    slug: str
    title: str = ""
    markets: list[msgspec.Raw] = []
    neg_risk: bool | None = None
    neg_risk_augmented: bool | None = None
    enable_neg_risk: bool | None = None
    category: str | None = None
    tags: list[Tag] | None = None


class EventPage(msgspec.Struct):
    events: list[msgspec.Raw]
    next_cursor: str | None = None


class MarketPage(msgspec.Struct):
    markets: list[msgspec.Raw]
    next_cursor: str | None = None


class ClobFees(msgspec.Struct):
    r: Decimal
    e: Decimal = Decimal(1)
    to: bool = True


class ClobToken(msgspec.Struct):
    t: str
    o: str


class ClobMarket(msgspec.Struct):
    """`/clob-markets/{cid}`: tokens, least tick and size, negative risk, fee details."""

    t: list[ClobToken]
    mts: Decimal
    mos: Decimal | None = None
    nr: bool | None = None
    fd: ClobFees | None = None
    c: str | None = None


event: Final = msgspec.json.Decoder(Event)
market: Final = msgspec.json.Decoder(Market)
events: Final = msgspec.json.Decoder(EventPage)
clob_market: Final = msgspec.json.Decoder(ClobMarket)


def key_of(symbol: str) -> str:
    """The instrument key of a condition id; ValueError for an empty or a monstrous one."""
    if not 0 < len(symbol) <= 128 or not symbol.isprintable():
        raise ValueError(f"not a market id: {symbol[:40]!r}")
    return f"polymarket:{symbol}"


def grid_of(tick: int) -> tuple[Band, ...]:
    """One band from 0 to 1; ValueError for a tick that Polymarket does not have."""
    if tick not in TICKS:
        raise ValueError(f"not a tick size that is known: {tick} millionths")
    return (Band(Px(0), Px(ONE), Px(tick)),)


def schedule(rate: Decimal, exponent: Decimal) -> FeeSchedule:
    """Taker only; the exponent has to be a small whole number."""
    power = exact(exponent)
    if power % ONE or not 0 <= power <= 4 * ONE:
        raise ValueError(f"not a fee exponent: {exponent}")
    taker = exact(rate)
    if not 0 <= taker <= ONE:
        raise ValueError(f"not a fee rate: {rate}")
    return FeeSchedule("polymarket", taker=taker, exponent=power // ONE)


def fees_of(found: Market) -> FeeSchedule | None:
    """The market's own schedule, zero where it says there are none, None where it is silent."""
    if found.fee_schedule is not None:
        return schedule(found.fee_schedule.rate, found.fee_schedule.exponent)
    if found.fees_enabled is False:
        return FeeSchedule("polymarket")
    return None


def status_of(found: Market) -> Status:
    if found.closed:
        return "settled" if found.uma_resolution_status == "resolved" else "closed"
    if found.active is False:
        return "unopened"
    if found.accepting_orders is False or found.enable_order_book is False:
        return "paused"
    return "open"


def instrument(found: Market, event_key: str, category: str) -> tuple[Instrument, bool]:
    """The instrument, and whether its fees are known; RemoteProtocolError names what is wrong."""
    at = ""
    try:
        at = "conditionId"
        key = key_of(found.condition_id)
        at = "outcomes"
        outcomes = _strings(found.outcomes)
        at = "clobTokenIds"
        tokens = _tokens(_strings(found.clob_token_ids))
        if outcomes[0].casefold() == "no" and outcomes[1].casefold() == "yes":
            tokens = tokens[::-1]
        at = "orderPriceMinTickSize"
        tick = found.order_price_min_tick_size
        grid = grid_of(exact(tick) if tick is not None else 10_000)
        at = "feeSchedule"
        fees = fees_of(found)
        at = "orderMinSize"
        least = exact(found.order_min_size) if found.order_min_size is not None else SIZE_MIN
        if least < 0:
            raise ValueError(f"a size below zero: {found.order_min_size}")
        at = "endDate"
        closes = moment(found.end_date) if found.end_date else Ns(0)
        at = "volumeNum"
        volume = rough(found.volume_num) if found.volume_num is not None else 0
    except ValueError as error:
        raise RemoteProtocolError(
            "polymarket", at, str(error), market=found.condition_id[:128]
        ) from None
    listed = Instrument(
        key=key,
        venue="polymarket",
        symbol=found.condition_id,
        event=event_key,
        title=found.question[:TEXT_MAX],
        outcome=(found.group_item_title or outcomes[0])[:TEXT_MAX],
        grid=grid,
        fees=fees or FeeSchedule("polymarket"),
        lot=LOT,
        size_min=Qty(least),
        cost_min=COST_MIN,
        status=status_of(found),
        closes=closes,
        settles=Ns(closes + LIVENESS if closes else 0),
        tokens=tokens,
        rules=(found.description or "")[:TEXT_MAX],
        category=category,
        volume=Usd(volume),
        neg_risk=bool(found.neg_risk),
    )
    return listed, fees is not None


def _strings(given: str | list[str] | None) -> list[str]:
    """Two words, given as a list or as JSON inside a string."""
    if isinstance(given, str):
        try:
            given = msgspec.json.decode(given, type=list[str])
        except UNREADABLE as error:
            raise ValueError(f"not a JSON list of strings: {error}") from None
    if given is None or len(given) != 2 or given[0] == given[1]:
        raise ValueError(f"needs two different entries, has {str(given)[:80]}")
    return given


def _tokens(given: list[str]) -> tuple[str, ...]:
    for token in given:
        if not (0 < len(token) <= 80 and token.isascii() and token.isalnum()):
            raise ValueError(f"not a token id: {token[:40]!r}")
    return tuple(given)


def group(found: Event, members: list[tuple[Market, Instrument]], unread: int) -> EventGroup:
    """The event as a group: what the venue says of exclusiveness and exhaustiveness, and why."""
    exclusive = bool(found.neg_risk or found.enable_neg_risk)
    others = [m for m, _ in members if is_other(m) and not m.closed]
    if not exclusive:
        exhaustive, why = False, "not a negative-risk event"
    elif found.neg_risk_augmented:
        exhaustive, why = False, "augmented negative risk: outcomes can still be added"
    elif others:
        exhaustive, why = False, 'an open "Other" outcome'
    elif unread:
        exhaustive, why = False, f"{unread} of its markets could not be read"
    else:
        exhaustive, why = True, "negative risk, complete"
    return EventGroup(
        key=event_key(found),
        venue="polymarket",
        title=found.title[:TEXT_MAX],
        members=tuple(listed.key for _, listed in members),
        exclusive=exclusive,
        exhaustive=exhaustive,
        why=why,
    )


def is_other(found: Market) -> bool:
    """Whether this outcome stands for everything that is not named."""
    title = (found.group_item_title or "").strip().casefold()
    return bool(found.neg_risk_other) or title in ("other", "others", "other outcome")


def event_key(found: Event) -> str:
    return f"polymarket:{found.slug[:256]}"


def category_of(found: Event) -> str:
    labels = [tag.label for tag in found.tags or [] if tag.label]
    return (found.category or (labels[0] if labels else ""))[:256]


def from_new_market(message: NewMarket) -> tuple[Market, Event]:
    """A new_market message as Gamma would show it."""
    fees, parent = message.fee_schedule, message.event_message
    listed = Market(
        condition_id=message.condition_id or message.market,
        question=message.question or "",
        slug=message.slug or "",
        outcomes=message.outcomes,
        clob_token_ids=message.clob_token_ids or message.assets_ids,
        description=message.description,
        group_item_title=message.group_item_title,
        active=message.active,
        order_price_min_tick_size=message.order_price_min_tick_size,
        fees_enabled=message.fees_enabled,
        fee_schedule=Fees(rate=fees.rate, exponent=fees.exponent) if fees else None,
    )
    slug = (parent and parent.slug) or message.slug or message.market
    title = (parent and parent.title) or message.question or ""
    return listed, Event(slug=slug, title=title, tags=[Tag(t) for t in message.tags or []])
