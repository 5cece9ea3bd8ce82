"""Messages that change no book: ticks, trades, best prices, new and resolved markets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from dutchbook.domain.errors import RemoteProtocolError
from dutchbook.domain.events import GridChanged, MarketResolved, TopSeen, TradePrinted
from dutchbook.domain.units import MILLI, ONE, Ns, Px, Qty, Usd
from dutchbook.venues.base import Out
from dutchbook.venues.polymarket.faults import AHEAD_MS, tick_of
from dutchbook.venues.polymarket.gamma import grid_of
from dutchbook.venues.polymarket.numbers import BESTS, PRICES, SIZES, millis
from dutchbook.venues.polymarket.registry import Asset
from dutchbook.venues.polymarket.wire import (
    BestBidAsk,
    LastTradePrice,
    MarketResolvedMessage,
    NewMarket,
    TickSizeChange,
)

if TYPE_CHECKING:
    from dutchbook.venues.polymarket.frames import Frames


def read(frames: Frames, stream: str, message: Any, now: Ns, out: list[Out]) -> None:
    """Add the events of one such message; ValueError or RemoteProtocolError if it is unsound."""
    at = Ns(millis(message.timestamp, now // MILLI + AHEAD_MS) * MILLI)
    if isinstance(message, NewMarket):
        if frames.new_market is not None:
            out.extend(frames.new_market(stream, message, now))
        return
    if isinstance(message, MarketResolvedMessage):
        _resolved(frames, message, at, now, out)
        return
    asset = frames.registry.assets.get(message.asset_id)
    if asset is None or asset.market != message.market:
        asset = frames.asset(message.market, message.asset_id, message, now, out)
    if isinstance(message, TickSizeChange):
        _tick(frames, asset, message, out)
    elif isinstance(message, LastTradePrice):
        px = PRICES[message.price]
        out.append(
            TradePrinted(
                asset.key,
                stream,
                Px(ONE - px if asset.token else px),
                Qty(SIZES[message.size]),
                (message.side == "BUY") != bool(asset.token),
                (message.transaction_hash or "")[:128],
                at,
            )
        )
    else:
        assert isinstance(message, BestBidAsk)
        bid, ask = BESTS[message.best_bid], BESTS[message.best_ask] or ONE
        if asset.token:
            bid, ask = ONE - ask, ONE - bid
        out.append(TopSeen(asset.key, asset.token, stream, bid, ask, at))


def _tick(frames: Frames, asset: Asset, message: TickSizeChange, out: list[Out]) -> None:
    """Both tokens of a market report the same change; it is told once."""
    listed = frames.registry.markets[asset.key]
    grid = grid_of(tick_of(message.new_tick_size))
    if grid != listed.grid:
        frames.registry.keep(msgspec.structs.replace(listed, grid=grid))
        out.append(GridChanged(asset.key, grid))


def _resolved(
    frames: Frames, message: MarketResolvedMessage, at: Ns, now: Ns, out: list[Out]
) -> None:
    key = f"polymarket:{message.market}"
    if key not in frames.registry.markets:
        if frames.learner is None:
            return  # the socket tells of every market, also of those that nobody asked for
        for asset_id in message.assets_ids or [message.winning_asset_id]:
            frames.asset(message.market, asset_id, message, now, out)
    tokens = frames.registry.markets[key].tokens
    if message.winning_asset_id not in tokens or not message.winning_asset_id:
        raise RemoteProtocolError(
            "polymarket", "winning_asset_id", "not one of its tokens", market=message.market[:128]
        )
    won = tokens.index(message.winning_asset_id) == 0
    out.append(MarketResolved(key, Usd(ONE if won else 0), at))
