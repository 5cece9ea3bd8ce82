"""Any one Kalshi body of REST or WebSocket into events, its kind found by its shape."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from dutchbook.domain.errors import RemoteProtocolError
from dutchbook.domain.events import (
    BadInput,
    BodySeen,
    Event,
    TradePrinted,
)
from dutchbook.domain.units import Px, Qty
from dutchbook.venues.kalshi import checks, frames, shapes
from dutchbook.venues.kalshi.catalogue import Catalogue
from dutchbook.venues.kalshi.config import Config
from dutchbook.venues.kalshi.errors import BROKEN, broken
from dutchbook.venues.kalshi.generic import check_numbers
from dutchbook.venues.kalshi.grids import grid_of
from dutchbook.venues.kalshi.numbers import count, moment, quote, read
from dutchbook.venues.kalshi.wire import Range

DEPTH_MAX: Final = 60


def kind_of(body: Any) -> str:
    """The kind of a parsed body: "ws", a REST kind such as "events", or "" for none of Kalshi's."""
    return shapes.kind_of(body)


def bodies(document: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, str, bytes]]:
    """The Kalshi bodies inside a parsed document: (JSON path, kind, the body's bytes).

    Walks through whatever envelope a recording has; what has no Kalshi shape is passed over.
    Raises RemoteProtocolError if it is nested too deeply, or holds what JSON cannot.
    """
    if depth > DEPTH_MAX:
        raise RemoteProtocolError("kalshi", path[:200], "nested too deeply")
    kind = shapes.kind_of(document)
    if kind:
        try:
            yield path, kind, msgspec.json.encode(document)
        except (*BROKEN, TypeError) as error:
            raise RemoteProtocolError("kalshi", path, str(error)[:200]) from None
    elif isinstance(document, dict):
        for name, value in document.items():
            yield from bodies(value, f"{path}.{name}" if path else str(name), depth + 1)
    elif isinstance(document, list):
        for n, value in enumerate(document):
            yield from bodies(value, f"{path}[{n}]", depth + 1)


def decode(kind: str, data: bytes, market: str = "", stream: str = "kalshi.book") -> list[Event]:
    """The events of one body. `kind` "": found by its shape; "ws" or the stream's name: a frame.

    `market` is the ticker that only the question named (a single order book). A document that
    wraps bodies gives the events of all. Raises RemoteProtocolError and nothing else.
    """
    if kind in ("ws", stream):
        return frames.events_of(frames.parse(data), stream)
    try:
        body = msgspec.json.decode(data)
    except BROKEN as error:
        raise broken(error, data) from None
    found = kind or shapes.kind_of(body)
    if not found:
        parts = [decode(k, inner, market, stream) for _, k, inner in bodies(body)]
        if not parts:
            raise RemoteProtocolError("kalshi", "", "no Kalshi body has this shape")
        return [event for part in parts for event in part]
    if found == "ws":
        return frames.events_of(frames.parse(data), stream)
    check_numbers(body)
    reader = _READERS.get(found)
    if reader is not None:
        return reader(data, market)
    if found not in shapes.KINDS:
        raise RemoteProtocolError("kalshi", "", f"unknown kind of body {found[:40]!r}")
    return [_recognised(found, body)]


def _recognised(kind: str, body: Any) -> BodySeen:
    if not isinstance(body, dict):
        raise RemoteProtocolError("kalshi", "", f"a {kind} body must be an object")
    items = next((value for value in body.values() if isinstance(value, list)), None)
    named = [body] if items is None else [one for one in items if isinstance(one, dict)]
    keys = [key for one in named if (key := shapes.name_of(one))] or [shapes.name_of(body)]
    return BodySeen("kalshi", kind, 1 if items is None else len(items), tuple(filter(None, keys)))


class _Events(msgspec.Struct):
    events: list[msgspec.Raw]


class _Event(msgspec.Struct):
    event: msgspec.Raw
    markets: list[msgspec.Raw] | None = None


class _Markets(msgspec.Struct):
    markets: list[msgspec.Raw]


class _Market(msgspec.Struct):
    market: msgspec.Raw


class _AllSeries(msgspec.Struct):
    series: list[msgspec.Raw]


class _OneSeries(msgspec.Struct):
    series: msgspec.Raw


class _Books(msgspec.Struct):
    orderbooks: list[msgspec.Raw]


class _Trade(msgspec.Struct):
    trade_id: str
    ticker: str
    count_fp: str
    yes_price_dollars: str
    created_time: str = ""
    taker_outcome_side: str | None = None
    taker_side: str | None = None


class _Trades(msgspec.Struct):
    trades: list[_Trade]


class _Grid(msgspec.Struct):
    price_ranges: list[Range]
    price_level_structure: str = ""


def _parse(data: bytes, kind: Any) -> Any:
    try:
        return msgspec.json.decode(data, type=kind)
    except BROKEN as error:
        raise broken(error, data) from None


def _all(made: list[Event]) -> list[Event]:
    """The first bad part of a body is the body's error: a person asked what is in it."""
    for event in made:
        if isinstance(event, BadInput):
            raise RemoteProtocolError("kalshi", event.where, event.what, market=event.market)
    return made


def _fresh() -> Catalogue:
    return Catalogue(Config(combos=True))


def _events(data: bytes, market: str) -> list[Event]:
    known, out = _fresh(), []
    for n, raw in enumerate(_parse(data, _Events).events):
        out += _all(known.event(raw, f"events[{n}]"))
    return out or [BodySeen("kalshi", "events", 0)]


def _event(data: bytes, market: str) -> list[Event]:
    body, known = _parse(data, _Event), _fresh()
    made = _all(known.event(body.event, "event", body.markets))
    return made or [BodySeen("kalshi", "event", 1, (shapes.name_in(body.event),))]


def _bare_event(data: bytes, market: str) -> list[Event]:
    known = _fresh()
    made = _all(known.event(data, ""))
    return made or [BodySeen("kalshi", "event", 1, (shapes.name_in(data),))]


def _markets(data: bytes, market: str) -> list[Event]:
    known, out = _fresh(), []
    for n, raw in enumerate(_parse(data, _Markets).markets):
        out += _all(known.market(raw, f"markets[{n}]"))
    return out or [BodySeen("kalshi", "markets", 0)]


def _single(data: bytes, market: str) -> list[Event]:
    return _bare_market(bytes(_parse(data, _Market).market), market, "market")


def _bare_market(data: bytes, market: str, path: str = "") -> list[Event]:
    known = _fresh()
    made = _all(known.market(data, path))
    return made or [BodySeen("kalshi", "market", 1, (shapes.name_in(data),))]


def _all_series(data: bytes, market: str) -> list[Event]:
    raws = _parse(data, _AllSeries).series
    names = tuple(_series_name(raw, f"series[{n}]") for n, raw in enumerate(raws))
    return [BodySeen("kalshi", "series_list", len(names), names)]


def _one_series(data: bytes, market: str) -> list[Event]:
    return [BodySeen("kalshi", "series", 1, (_series_name(_parse(data, _OneSeries).series),))]


def _bare_series(data: bytes, market: str) -> list[Event]:
    return [BodySeen("kalshi", "series", 1, (_series_name(data, ""),))]


def _series_name(raw: bytes | msgspec.Raw, path: str = "series") -> str:
    known = _fresh()
    _all(known.series(raw, path))
    return next(iter(known.fees))


def _book(data: bytes, market: str) -> list[Event]:
    named = shapes.name_in(data)
    return [checks.named_book(data, "") if named else checks.one_book(data, market)]


def _books(data: bytes, market: str) -> list[Event]:
    raws = _parse(data, _Books).orderbooks
    seen: list[Event] = [checks.named_book(raw, f"orderbooks[{n}]") for n, raw in enumerate(raws)]
    return seen or [BodySeen("kalshi", "orderbooks", 0)]


def _trades(data: bytes, market: str) -> list[Event]:
    out: list[Event] = []
    for n, one in enumerate(_parse(data, _Trades).trades):
        at = f"trades[{n}]"
        px = read(f"{at}.yes_price_dollars", one.ticker, quote, one.yes_price_dollars)
        qty = read(f"{at}.count_fp", one.ticker, count, one.count_fp)
        when = read(f"{at}.created_time", one.ticker, moment, one.created_time)
        side = one.taker_outcome_side or one.taker_side
        if side not in ("yes", "no"):
            raise RemoteProtocolError("kalshi", f"{at}.taker_side", "not a side", market=one.ticker)
        key = frames.key_of(one.ticker)
        bought = side == "yes"
        out.append(TradePrinted(key, "kalshi.rest", Px(px), Qty(qty), bought, one.trade_id, when))
    return out or [BodySeen("kalshi", "trades", 0)]


def _grid(data: bytes, market: str) -> list[Event]:
    body = _parse(data, _Grid)
    grid_of(body.price_ranges, body.price_level_structure, "", market)
    return [BodySeen("kalshi", "grid", len(body.price_ranges), (body.price_level_structure[:60],))]


_READERS: Final[dict[str, Callable[[bytes, str], list[Event]]]] = {
    "events": _events,
    "event": _event,
    "bare_event": _bare_event,
    "markets": _markets,
    "market": _single,
    "bare_market": _bare_market,
    "series_list": _all_series,
    "series": _one_series,
    "bare_series": _bare_series,
    "orderbook": _book,
    "orderbooks": _books,
    "trades": _trades,
    "grid": _grid,
}
