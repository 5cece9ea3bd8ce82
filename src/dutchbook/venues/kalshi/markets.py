"""REST descriptions of series, events and markets into our instruments and groups."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from dutchbook.domain.errors import RemoteProtocolError
from dutchbook.domain.events import Event, MarketResolved
from dutchbook.domain.instrument import EventGroup, FeeSchedule, Instrument, Status
from dutchbook.domain.units import ONE, SECOND, Ns, Qty, Usd, ceil_div, micros, plain
from dutchbook.venues.kalshi.config import is_name
from dutchbook.venues.kalshi.errors import BROKEN, broken
from dutchbook.venues.kalshi.grids import grid_of
from dutchbook.venues.kalshi.numbers import count, moment, quote, read
from dutchbook.venues.kalshi.wire import ABSENT, Range

Title = Annotated[str, Meta(max_length=10_000)]
Rules = Annotated[str, Meta(max_length=200_000)]

STATUS: dict[str, Status] = {
    "initialized": "unopened",
    "inactive": "paused",
    "active": "open",
    "closed": "closed",
    "determined": "closed",
    "disputed": "closed",
    "amended": "closed",
    "finalized": "settled",
}
"""The words of market objects; the query words of the API are others."""


class Series(Struct):
    ticker: str
    title: Title = ""
    category: Title = ""
    fee_type: str = ""
    fee_multiplier: msgspec.Raw = ABSENT


class Market(Struct):
    ticker: str
    event_ticker: str
    status: Literal[
        "initialized",
        "inactive",
        "active",
        "closed",
        "determined",
        "disputed",
        "amended",
        "finalized",
    ]
    market_type: Literal["binary", "scalar"] = "binary"
    title: Title = ""
    yes_sub_title: Title = ""
    close_time: str | None = None
    expected_expiration_time: str | None = None
    latest_expiration_time: str | None = None
    settlement_timer_seconds: Annotated[int, Meta(ge=0, le=10**9)] | None = None
    price_level_structure: str = ""
    price_ranges: list[Range] | None = None
    volume_fp: str = "0"
    notional_value_dollars: str = "1"
    rules_primary: Rules = ""
    rules_secondary: Rules = ""
    result: str | None = None
    settlement_value_dollars: str | None = None
    settlement_ts: str | None = None
    exchange_index: Annotated[int, Meta(ge=0, le=1_000_000)] | None = None


class EventBody(Struct):
    event_ticker: str
    series_ticker: str = ""
    title: Title = ""
    sub_title: Title = ""
    category: Title = ""
    mutually_exclusive: bool = False
    collateral_return_type: str | None = None
    fee_type_override: str | None = None
    fee_multiplier_override: msgspec.Raw = ABSENT
    markets: list[msgspec.Raw] | None = None


Fees = tuple[str, int]
"""A fee type as Kalshi writes it, and its multiplier in millionths."""

UNKNOWN_FEES: Fees = ("quadratic_with_combo_maker_fees", ONE)
"""What is assumed where the series is not known: the dearest schedule there is."""

_MAKER = {
    "quadratic": 0,
    "quadratic_with_maker_fees": 17_500,
    "quadratic_with_combo_maker_fees": 35_000,
}
_TAKER = 70_000
_TIMES_MAX = 100 * ONE
_CENTS = Usd(10_000)

_series = msgspec.json.Decoder(Series)
_market = msgspec.json.Decoder(Market)
_event = msgspec.json.Decoder(EventBody)


def fee_schedule(fees: Fees, where: str, market: str) -> FeeSchedule:
    """Rates in millionths, rounded up. Raises RemoteProtocolError for a type that is not known."""
    kind, times = fees
    if kind not in _MAKER:
        raise RemoteProtocolError("kalshi", where, f"fee type {kind[:40]!r}", market=market)
    if not 0 <= times <= _TIMES_MAX:
        what = f"a fee multiplier of {plain(times)}"
        raise RemoteProtocolError("kalshi", where, what, market=market)
    taker, maker = (ceil_div(rate * times, ONE) for rate in (_TAKER, _MAKER[kind]))
    return FeeSchedule("kalshi", taker, maker, 1, _CENTS)


def read_series(raw: bytes | msgspec.Raw, path: str) -> tuple[str, Fees]:
    """A series' ticker and its fees as written, not yet judged. Raises RemoteProtocolError."""
    try:
        body = _series.decode(raw)
    except BROKEN as error:
        raise broken(error, raw, path) from None
    _named(body.ticker, f"{path}.ticker")
    times = multiplier(body.fee_multiplier, f"{path}.fee_multiplier", body.ticker)
    return body.ticker, (body.fee_type or "quadratic", ONE if times is None else times)


def read_event(raw: bytes | msgspec.Raw, path: str) -> EventBody:
    """An event; its markets are still bytes, so that one bad market spoils no other."""
    try:
        body = _event.decode(raw)
    except BROKEN as error:
        raise broken(error, raw, path) from None
    _named(body.event_ticker, f"{path}.event_ticker")
    return body


def read_market(raw: bytes | msgspec.Raw, path: str) -> Market:
    """A market as the venue describes it. Raises RemoteProtocolError."""
    try:
        body = _market.decode(raw)
    except BROKEN as error:
        raise broken(error, raw, path) from None
    _named(body.ticker, f"{path}.ticker")
    _named(body.event_ticker, f"{path}.event_ticker", body.ticker)
    return body


def instrument(body: Market, fees: FeeSchedule, category: str, path: str) -> Instrument:
    """A binary market that pays 1 as an instrument. Raises RemoteProtocolError for any other."""
    name, dot = body.ticker, f"{path}." if path else ""
    if body.market_type != "binary":
        raise RemoteProtocolError("kalshi", f"{dot}market_type", "not binary", market=name)
    where = f"{dot}notional_value_dollars"
    if read(where, name, quote, body.notional_value_dollars) != ONE:
        raise RemoteProtocolError("kalshi", where, "a contract that does not pay 1", market=name)
    expected = body.expected_expiration_time or body.latest_expiration_time
    pays = read(f"{dot}expected_expiration_time", name, moment, expected or "")
    rules = "\n\n".join(text for text in (body.rules_primary, body.rules_secondary) if text)
    return Instrument(
        key=f"kalshi:{name}",
        venue="kalshi",
        symbol=name,
        event=f"kalshi:{body.event_ticker}",
        title=body.title,
        outcome=body.yes_sub_title,
        grid=grid_of(body.price_ranges, body.price_level_structure, path, name),
        fees=fees,
        lot=Qty(10_000),
        size_min=Qty(10_000),
        status=STATUS[body.status],
        closes=read(f"{dot}close_time", name, moment, body.close_time or ""),
        settles=Ns(pays + (body.settlement_timer_seconds or 0) * SECOND) if pays else Ns(0),
        rules=rules,
        category=category,
        volume=Usd(read(f"{dot}volume_fp", name, count, body.volume_fp)),
        shard=body.exchange_index or 0,
    )


def resolved(body: Market, path: str) -> list[Event]:
    """The outcome, where the venue has paid it out. Raises RemoteProtocolError."""
    if body.status != "finalized":
        return []
    dot = f"{path}." if path else ""
    if body.settlement_value_dollars:
        where = f"{dot}settlement_value_dollars"
        pays = read(where, body.ticker, quote, body.settlement_value_dollars)
    elif body.result in ("yes", "no"):
        pays = ONE if body.result == "yes" else 0
    else:
        return []
    at = read(f"{dot}settlement_ts", body.ticker, moment, body.settlement_ts or "")
    return [MarketResolved(f"kalshi:{body.ticker}", Usd(pays), at)]


def group(body: EventBody, members: tuple[str, ...]) -> EventGroup:
    """An event as a group; Kalshi says that at most one market is YES, never that one must be."""
    why = f"mutually_exclusive {str(body.mutually_exclusive).lower()}"
    if body.collateral_return_type:
        why += f", {body.collateral_return_type[:40]}"
    title = f"{body.title} ({body.sub_title})" if body.sub_title else body.title
    key = f"kalshi:{body.event_ticker}"
    return EventGroup(key, "kalshi", title, members, body.mutually_exclusive, False, why)


def _named(ticker: str, where: str, market: str = "") -> None:
    if not is_name(ticker):
        what = f"not a ticker: {ticker[:60]!r}"
        raise RemoteProtocolError("kalshi", where.lstrip("."), what, market=market)


def multiplier(raw: msgspec.Raw, where: str, market: str) -> int | None:
    """A JSON number in millionths, exactly: it never passes through a float. None if absent."""
    text = bytes(raw).decode("ascii", "replace")
    return None if text == "null" else read(where.lstrip("."), market, micros, text)


def override(kind: str | None, times: int | None, base: Fees) -> Fees:
    """A series' fees with what an event overrides."""
    return (kind or base[0], base[1] if times is None else times)
