"""Counts what each kind of arbitrage finds in recorded books, before and after fees and depth."""

from typing import Any, Final

import msgspec

from dutchbook.domain.candidate import Candidate
from dutchbook.domain.events import BookLevels, Event
from dutchbook.domain.instrument import FeeSchedule, Instrument
from dutchbook.domain.units import MILLI, ONE, Ns, Qty, Usd
from dutchbook.engine.view import WorldView
from dutchbook.optimize.walk import Basket, Limits, gross, weigh
from dutchbook.runtime.replay import Replay
from dutchbook.runtime.settings import Settings

ANY: Final = Limits(edge_min=1, size_min=Qty(1), capital_max=Usd(10**15), levels=200)
"""Everything that leaves a millionth, at any size that the venues take."""
NO_FEE: Final = FeeSchedule("none")
FEES: Final = {
    "kalshi": FeeSchedule("kalshi", 70_000, 17_500, 1, Usd(10_000)),
    "polymarket": FeeSchedule("polymarket", 30_000),
}
"""What is assumed where a recording says nothing of fees: sports and most others of today."""
LASTING: Final = 500 * MILLI


class Charged(WorldView):
    """The same books under other fees."""

    def __init__(self, view: WorldView, free: bool) -> None:
        super().__init__(view.world, view.graph)
        self._free = free

    def instrument(self, key: str) -> Instrument:
        market = self.world.instruments[key]
        if self._free:
            return msgspec.structs.replace(market, fees=NO_FEE)
        if market.fees.kind == "none" or not market.fees.taker:
            return msgspec.structs.replace(market, fees=FEES.get(market.venue, market.fees))
        return market


class Count(msgspec.Struct):
    """Stretches in which a kind paid: how many, the best edge per $1 of payout, and what the best
    moments of all would have brought; `lasting` are those of half a second and more."""

    count: int = 0
    lasting: int = 0
    best_edge: int = 0
    profit: int = 0
    profit_lasting: int = 0

    def add(self, edge: int, profit: int, span: int) -> None:
        self.count += 1
        self.best_edge = max(self.best_edge, edge)
        self.profit += profit
        if span >= LASTING:
            self.lasting += 1
            self.profit_lasting += profit


class Stretch(msgspec.Struct):
    """From `since` on a basket pays; the most that it would have brought at one moment."""

    since: Ns
    edge: int = 0
    profit: int = 0


STAGES: Final = ("before_fees", "after_fees")


class Tally:
    """Looks at baskets, and counts the stretches in which they pay, with and without fees."""

    def __init__(self, view: WorldView) -> None:
        self.views = (Charged(view, True), Charged(view, False))
        self.counts: dict[str, dict[str, Count]] = {}
        self.looked: dict[str, int] = {}
        self._open: dict[tuple[str, int], tuple[str, Stretch]] = {}

    def look(self, candidate: Candidate, now: Ns) -> None:
        """Judge a basket on the books as they are."""
        kind = candidate.kind
        self.looked[kind] = self.looked.get(kind, 0) + 1
        left = gross(candidate, self.views[0])
        for at, view in enumerate(self.views):
            place = (candidate.key, at)
            verdict = weigh(candidate, view, ANY, left).verdict if left > 0 else None
            if not isinstance(verdict, Basket):
                self._close(place, now)
                continue
            profit = verdict.qty * candidate.payout // ONE - verdict.capital
            _, stretch = self._open.setdefault(place, (kind, Stretch(now)))
            stretch.edge = max(stretch.edge, left if not at else verdict.edge)
            stretch.profit = max(stretch.profit, profit)

    def end(self, now: Ns) -> None:
        """Nothing more comes: what pays still, paid until now."""
        for place in list(self._open):
            self._close(place, now)

    def _close(self, place: tuple[str, int], now: Ns) -> None:
        kind, stretch = self._open.pop(place, ("", None))
        if stretch is not None:
            stages = self.counts.setdefault(kind, {name: Count() for name in STAGES})
            stages[STAGES[place[1]]].add(stretch.edge, stretch.profit, now - stretch.since)

    def report(self) -> dict[str, Any]:
        """By kind: how often baskets were looked at, and the counts; money in millionths."""
        found = {}
        for kind in sorted(self.looked):
            stages = self.counts.get(kind, {name: Count() for name in STAGES})
            found[kind] = {"looked": self.looked[kind], **msgspec.to_builtins(stages)}
        return found


class Counting(Replay):
    """A replay of recorded frames that counts after each change of a book."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, lambda step: None, lambda at: None)
        self.certified: dict[str, int] = {}
        self._tally: Tally | None = None

    @property
    def tally(self) -> Tally:
        """Made when the run has begun: before it there is another world."""
        if self._tally is None:
            self._tally = Tally(self.engine.view)
        return self._tally

    def _put(self, event: Event) -> None:
        opened = self.engine.opened
        super()._put(event)
        if self.engine.opened > opened:
            kind = next(reversed(self.engine.open)).partition(":")[0]
            self.certified[kind] = self.certified.get(kind, 0) + self.engine.opened - opened
        if isinstance(event, BookLevels):
            for candidate in self.engine.touching.get(event.key, ()):
                if self._whole(candidate):
                    self.tally.look(candidate, self.at)

    def _whole(self, candidate: Candidate) -> bool:
        """Whether every book of a basket was ever seen."""
        world = self.engine.world
        return all(
            world.books.get(key, token).seq
            for key, _ in candidate.legs
            for token in range(world.tokens[key])
        )
