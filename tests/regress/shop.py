"""A market that stands still unless a story moves it: the feed behind the pretend exchanges."""

from random import Random
from typing import Any

from dutchbook.domain.events import ASK, BID
from dutchbook.domain.instrument import FeeSchedule
from dutchbook.domain.units import DAY, ONE, Ns
from dutchbook.emulators.market.builder import Builder
from dutchbook.emulators.market.shapes import Change, Trade, Update

CENT = 10_000


class Shop:
    """Two Kalshi markets and two of Polymarket, without fees; `take` and `advance` as a Feed.

    Every book opens with 100 bid at 38 cents and 100 offered at 40, for YES.
    """

    def __init__(self, start: Ns) -> None:
        made = Builder(Random(3), start)
        series = made.kalshi_series("KXCUT", "Cuts", "Economics", multiplier=0)
        cut = made.kalshi_event(series, "26DEC", "How many cuts?", made.day(30))
        quiet = made.poly_event("cuts", "How many cuts?", "Geopolitics", made.day(30))
        rules = "Resolves by the statement."
        self.kalshi = [made.kalshi_market(cut, n, f"{n} cuts", n, rules) for n in ("ONE", "TWO")]
        self.poly = [
            made.poly_market(quiet, f"cuts-{n}", f"{n} cuts?", n, rules) for n in ("one", "two")
        ]
        for market in made.markets.values():
            market.fees = FeeSchedule("none")
        self.series, self.events, self.markets = made.series, made.events, made.markets
        self.ladders: dict[tuple[str, int, int], dict[int, int]] = {}
        self._out: list[Update] = []
        self._sales = 0
        for key in self.markets:
            self._open(key)

    def _open(self, key: str) -> None:
        bid, ask, size = 38 * CENT, 40 * CENT, 100 * ONE
        rows = {(0, BID): {bid: size}, (1, BID): {ONE - ask: size}}
        if key in self.poly:
            rows |= {(0, ASK): {ask: size}, (1, ASK): {ONE - bid: size}}
        for token in (0, 1):
            for side in (BID, ASK):
                self.ladders[key, token, side] = dict(rows.get((token, side), {}))

    def ladder(self, key: str, token: int, side: int) -> dict[int, int]:
        return self.ladders[key, token, side]

    def offer(self, key: str, px: int, size: int, at: Ns) -> None:
        """So many YES are offered at this price (cents) from now on; 0: none."""
        self._level(key, 1, BID, ONE - px * CENT, size, at)

    def bid(self, key: str, px: int, size: int, at: Ns) -> None:
        """The same on the other side of the book."""
        self._level(key, 0, BID, px * CENT, size, at)

    def sale(self, key: str, px: int, size: int, at: Ns) -> Update:
        """Somebody sells so many YES at this price, to whoever bid it first."""
        self._sales += 1
        return Update(key, at, [], Trade(f"s{self._sales}", px * CENT, size * ONE, False))

    def _level(self, key: str, token: int, side: int, px: int, size: int, at: Ns) -> None:
        places = [(token, side, px)]
        if key in self.poly:
            places.append((1 - token, ASK, ONE - px))
        changes = []
        for where, what, price in places:
            level = self.ladders[key, where, what]
            changes.append(Change(key, where, what, price, level.get(price, 0), size * ONE))
            level[price] = size * ONE
        self._out.append(Update(key, at, changes))

    def take(self, key: str, token: int, side: int, px: int, size: int) -> None:
        """What participants took of a level."""
        level = self.ladders[key, token, side]
        level[px] = max(0, level.get(px, 0) - size)

    def begin(self, now: Ns) -> None:
        """Nothing begins here by itself."""

    def advance(self, now: Ns) -> list[Update]:
        out, self._out = self._out, []
        return out

    def drain_truth(self) -> list[dict[str, Any]]:
        return []

    def links(self) -> list[dict[str, Any]]:
        return []


__all__ = ["CENT", "DAY", "Shop"]
