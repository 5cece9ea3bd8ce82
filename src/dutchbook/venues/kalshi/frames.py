"""One WebSocket frame in, events out: levels mirrored into YES terms, numbers exact."""

from typing import Any

import msgspec

from dutchbook.domain.errors import RemoteProtocolError
from dutchbook.domain.events import (
    ASK,
    BID,
    BodySeen,
    BookLevels,
    Event,
    GridChanged,
    Level,
    MarketResolved,
    StatusChanged,
    TopSeen,
    TradePrinted,
)
from dutchbook.domain.instrument import Status
from dutchbook.domain.units import ONE, SECOND, Ns, Px, Qty, Usd
from dutchbook.venues.kalshi import wire
from dutchbook.venues.kalshi.errors import BROKEN, broken
from dutchbook.venues.kalshi.generic import check_numbers
from dutchbook.venues.kalshi.grids import grid_of
from dutchbook.venues.kalshi.numbers import (
    change,
    count,
    millis,
    no_prices,
    price,
    quote,
    read,
    yes_prices,
)

_typed = msgspec.json.Decoder(wire.Typed)
_other = msgspec.json.Decoder(wire.Other)
_STATUS: dict[str, Status] = {
    "activated": "open",
    "deactivated": "paused",
    "determined": "closed",
    "settled": "settled",
}


def parse(data: bytes) -> wire.Frame:
    """The typed frame. Raises RemoteProtocolError, and nothing else, on anything that is none."""
    try:
        frame: wire.Frame = _typed.decode(data)
        return frame
    except BROKEN as error:
        fault = broken(error, data)
    if fault.where == "type":  # not one of the shapes that are used: is it one that is known?
        try:
            other = _other.decode(data)
        except BROKEN as error:
            raise broken(error, data) from None
        if other.type in wire.RECOGNISED:
            return other
    raise fault


def key_of(ticker: str) -> str:
    """The instrument key, or the event key, of a ticker."""
    return f"kalshi:{ticker}"


def delta(frame: wire.Delta, key: str, stream: str) -> BookLevels:
    """A change of one level. Raises RemoteProtocolError for a price or size that is none."""
    msg = frame.msg
    try:
        if msg.side == "yes":
            level = (BID, yes_prices()[msg.price_dollars], change(msg.delta_fp))
        else:
            # Kalshi shows bids only: a NO bid is a YES ask from the other side.
            level = (ASK, no_prices()[msg.price_dollars], change(msg.delta_fp))
    except (KeyError, ValueError):
        level = _rare(msg)
    levels = [level] if level[2] else []
    return BookLevels(key, 0, stream, False, True, levels, -1, -1, Ns(msg.ts_ms * 1_000_000))


def _rare(msg: wire.DeltaMsg) -> Level:
    px = read("msg.price_dollars", msg.market_ticker, price, msg.price_dollars)
    size = read("msg.delta_fp", msg.market_ticker, change, msg.delta_fp)
    return (BID, px, size) if msg.side == "yes" else (ASK, ONE - px, size)


def levels_of(yes: wire.Levels, no: wire.Levels, path: tuple[str, str], market: str) -> list[Level]:
    """Both sides' bids as one book in YES terms. Raises RemoteProtocolError with the level's path.

    A price that occurs twice on a side, or a size that is not above zero, is refused.
    """
    out: list[Level] = []
    for side, levels, table, name in (
        (BID, yes, yes_prices(), path[0]),
        (ASK, no, no_prices(), path[1]),
    ):
        try:
            made = [(side, table[text], change(size)) for text, size in levels]
        except (KeyError, ValueError):
            made = [_level(side, pair, f"{name}[{n}]", market) for n, pair in enumerate(levels)]
        if len({px for _, px, _ in made}) != len(made) or any(qty <= 0 for _, _, qty in made):
            _refuse(made, name, market)
        out += made
    return out


def _level(side: int, pair: tuple[str, str], where: str, market: str) -> Level:
    px = read(f"{where}[0]", market, price, pair[0])
    qty = read(f"{where}[1]", market, count, pair[1])
    return side, px if side == BID else ONE - px, qty


def _refuse(levels: list[Level], name: str, market: str) -> None:
    seen: dict[int, None] = {}
    for n, (_, px, qty) in enumerate(levels):
        if px in seen:
            what = "the same price twice"
        elif qty <= 0:
            what = "a size that is not above zero"
        else:
            seen[px] = None
            continue
        raise RemoteProtocolError("kalshi", f"{name}[{n}]", what, market=market)


def snapshot(frame: wire.Snapshot, key: str, stream: str) -> BookLevels:
    """A whole book. Raises RemoteProtocolError."""
    msg = frame.msg
    paths = ("msg.yes_dollars_fp", "msg.no_dollars_fp")
    levels = levels_of(msg.yes_dollars_fp, msg.no_dollars_fp, paths, msg.market_ticker)
    return BookLevels(key, 0, stream, True, False, levels, -1, -1, millis(msg.ts_ms))


def top(frame: wire.Ticker, key: str, stream: str) -> TopSeen:
    """The venue's own best prices. Raises RemoteProtocolError."""
    msg = frame.msg
    name = msg.market_ticker
    return TopSeen(
        key,
        0,
        stream,
        read("msg.yes_bid_dollars", name, quote, msg.yes_bid_dollars),
        read("msg.yes_ask_dollars", name, quote, msg.yes_ask_dollars),
        millis(msg.ts_ms),
        read("msg.price_dollars", name, quote, msg.price_dollars) if msg.price_dollars else -1,
        read("msg.volume_fp", name, count, msg.volume_fp) if msg.volume_fp else -1,
    )


def trade(frame: wire.Trade, key: str, stream: str) -> TradePrinted:
    """A public trade. Raises RemoteProtocolError."""
    msg = frame.msg
    side = msg.taker_outcome_side or msg.taker_side
    if side is None:
        where = "msg.taker_outcome_side"
        raise RemoteProtocolError("kalshi", where, "missing", market=msg.market_ticker)
    px = read("msg.yes_price_dollars", msg.market_ticker, quote, msg.yes_price_dollars)
    qty = read("msg.count_fp", msg.market_ticker, count, msg.count_fp)
    at = millis(msg.ts_ms)
    return TradePrinted(key, stream, Px(px), Qty(qty), side == "yes", msg.trade_id, at)


def lifecycle(frame: wire.Lifecycle, key: str) -> list[Event]:
    """What a life-cycle message says that needs no catalogue. Raises RemoteProtocolError."""
    msg = frame.msg
    out: list[Event] = []
    if msg.event_type == "price_level_structure_updated" and (
        msg.price_ranges or msg.price_level_structure
    ):
        grid = grid_of(msg.price_ranges, msg.price_level_structure or "", "msg", msg.market_ticker)
        out.append(GridChanged(key, grid))
    status = _STATUS.get(msg.event_type)
    if status is not None:
        out.append(StatusChanged(key, status))
    pays = _pays(msg)
    if pays is not None:
        at = Ns((msg.determination_ts or msg.settled_ts or 0) * SECOND)
        out.append(MarketResolved(key, Usd(pays), at))
    return out


def _pays(msg: wire.LifecycleMsg) -> int | None:
    if msg.event_type not in ("determined", "settled"):
        return None
    if msg.settlement_value:
        return read("msg.settlement_value", msg.market_ticker, quote, msg.settlement_value)
    return {"yes": ONE, "no": 0}.get(msg.result or "")


def seen(frame: wire.Frame) -> BodySeen:
    """A frame that changes nothing here, as an event. Raises RemoteProtocolError."""
    kind, msg = _kind(frame), getattr(frame, "msg", None)
    if isinstance(frame, wire.Other):
        check_numbers(frame.msg, "msg")
    keys: tuple[str, ...] = ()
    items = 1
    if isinstance(msg, wire.OkMsg):
        keys = tuple(key_of(name) for name in msg.market_tickers or ())
        items = len(keys)
    elif isinstance(msg, list):
        items = len(msg)
    else:
        keys = _names(msg)
    return BodySeen("kalshi", kind, items, keys)


def _kind(frame: wire.Frame) -> str:
    if isinstance(frame, wire.Other):
        return frame.type
    return str(frame.__struct_config__.tag)


def _names(msg: Any) -> tuple[str, ...]:
    fields = ("market_ticker", "ticker", "event_ticker", "order_id", "order_group_id")
    got = (msg.get(f) if isinstance(msg, dict) else getattr(msg, f, None) for f in fields)
    return tuple(key_of(name[:200]) for name in got if isinstance(name, str))[:1]


def events_of(frame: wire.Frame, stream: str) -> list[Event]:
    """All that one frame says by itself, without its place in a sequence."""
    if isinstance(frame, wire.Delta):
        return [delta(frame, key_of(frame.msg.market_ticker), stream)]
    if isinstance(frame, wire.Snapshot):
        return [snapshot(frame, key_of(frame.msg.market_ticker), stream)]
    if isinstance(frame, wire.Ticker):
        return [top(frame, key_of(frame.msg.market_ticker), stream)]
    if isinstance(frame, wire.Trade):
        return [trade(frame, key_of(frame.msg.market_ticker), stream)]
    if isinstance(frame, wire.Lifecycle):
        return lifecycle(frame, key_of(frame.msg.market_ticker)) or [seen(frame)]
    return [seen(frame)]
