"""Replay without discovery: markets and grids are learnt from the frames themselves."""

from typing import Final

import msgspec

from dutchbook.domain.errors import RemoteProtocolError
from dutchbook.domain.events import GridChanged, InstrumentListed, Level
from dutchbook.domain.instrument import CENT, FeeSchedule, Instrument
from dutchbook.domain.units import Qty
from dutchbook.venues.base import Out
from dutchbook.venues.polymarket.gamma import COST_MIN, LOT, SIZE_MIN, grid_of, key_of
from dutchbook.venues.polymarket.registry import Asset, Registry

STEPS: Final = (10_000, 1_000, 100)


class Learner:
    """The first token seen of a market is its YES token, the second its NO token.

    A market is listed with the tokens ("yes id", "") first, and again when the second is seen.
    No fees are assumed. Recordings of two markets may share a token id: the market decides.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._assets: dict[tuple[str, str], Asset] = {}

    def asset(self, market: str, asset_id: str, out: list[Out]) -> Asset:
        """The token, listing its market if that says something new."""
        known = self._assets.get((market, asset_id))
        if known is not None:
            self._registry.assets[asset_id] = known
            return known
        try:
            key = key_of(market)
        except ValueError as error:
            raise RemoteProtocolError("polymarket", "market", str(error)) from None
        if not (0 < len(asset_id) <= 80 and asset_id.isascii() and asset_id.isalnum()):
            raise RemoteProtocolError(
                "polymarket", "asset_id", f"not a token id: {asset_id[:40]!r}", market=market
            )
        listed = self._listed(key, market, asset_id)
        self._registry.keep(listed)
        out.append(InstrumentListed(listed))
        asset = self._registry.assets[asset_id]
        self._assets[market, asset_id] = asset
        return asset

    def grid(self, key: str, levels: list[Level], out: list[Out]) -> None:
        """Make a market's grid finer if a price needs it."""
        listed = self._registry.markets[key]
        step = listed.grid[0].step
        for _, px, _ in levels:
            if px % step:
                break
        else:
            return
        finer = [s for s in STEPS if s < step and all(px % s == 0 for _, px, _ in levels)]
        if finer:
            changed = msgspec.structs.replace(listed, grid=grid_of(finer[0]))
            self._registry.keep(changed)
            out.append(GridChanged(key, changed.grid))

    def _listed(self, key: str, market: str, asset_id: str) -> Instrument:
        before = self._registry.markets.get(key)
        if before is None:
            return Instrument(
                key=key,
                venue="polymarket",
                symbol=market,
                event=key,
                title=market,
                outcome="Yes",
                grid=CENT,
                fees=FeeSchedule("polymarket"),
                lot=LOT,
                size_min=Qty(SIZE_MIN),
                cost_min=COST_MIN,
                tokens=(asset_id, ""),
            )
        if before.tokens[1]:
            raise RemoteProtocolError(
                "polymarket", "asset_id", "a third token of one market", market=market
            )
        return msgspec.structs.replace(before, tokens=(before.tokens[0], asset_id))
