"""What a market is worth, by its own book without our orders and by those linked to it."""

from statistics import median
from typing import Final, NamedTuple

from dutchbook.domain.candidate import Catalogue
from dutchbook.domain.fees import fill_fee
from dutchbook.domain.instrument import Instrument, on_grid
from dutchbook.domain.units import ONE, SECOND, Ns, Px, ceil_div
from dutchbook.domain.wish import QuoteView

LEVELS: Final = 5
"""Levels that are read a side: the first that is not ours alone counts."""
MINUTE: Final = Ns(60 * SECOND)
HOUR: Final = 60
LEARNED: Final = 5
"""Minutes that volatility must have been seen before it is compared with itself."""


class Top(NamedTuple):
    """The best prices and sizes of others, in YES terms."""

    bid: Px
    bid_qty: int
    ask: Px
    ask_qty: int


def top(key: str, view: QuoteView) -> Top | None:
    """The best that others bid and offer; None where a book is stale or a side is empty."""
    if view.stale(key, "yes") or view.stale(key, "no"):
        return None
    ours: dict[tuple[bool, int], int] = {}
    for bid, px, qty in view.ours(key):
        ours[bid, px] = ours.get((bid, px), 0) + qty
    deep = min(LEVELS, len(ours) + 1)  # so many of them can't all be ours alone
    best = []
    for is_bid, rows in ((True, view.bids(key, "yes", deep)),
                         (False, view.offers(key, "yes", deep))):  # fmt: skip
        left = [(px, qty - ours.get((is_bid, px), 0)) for px, qty in rows]
        best.append(next(((px, qty) for px, qty in left if qty > 0), None))
    if best[0] is None or best[1] is None or best[0][0] >= best[1][0]:
        return None
    return Top(best[0][0], best[0][1], best[1][0], best[1][1])


def microprice(one: Top) -> int:
    """The middle, drawn to the side with less behind it: bid + (ask - bid) x bid size / both."""
    return one.bid + (one.ask - one.bid) * one.bid_qty // (one.bid_qty + one.ask_qty)


class Links:
    """Approved links by market: (other market, whether its YES is our NO)."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.of: dict[str, list[tuple[str, bool]]] = {}
        for link in catalogue.approved():
            if link.kind in ("same", "opposite") and len(link.members) == 2:
                a, b = link.members
                flip = link.kind == "opposite"
                self.of.setdefault(a, []).append((b, flip))
                self.of.setdefault(b, []).append((a, flip))

    def price(self, key: str, view: QuoteView) -> int | None:
        """The mean of what the linked markets are worth by their own books; None: nobody says."""
        found: list[int] = []
        for other, flip in self.of.get(key, ()):
            try:
                one = top(other, view)
            except KeyError:
                continue  # not listed yet
            if one is not None:
                px = microprice(one)
                found.append(ONE - px if flip else px)
        return sum(found) // len(found) if found else None


def fair(one: Top, linked: int | None, weight: int) -> int:
    """The own microprice, blended with the linked price by `weight` (millionths)."""
    own = microprice(one)
    return own if linked is None else (own * (ONE - weight) + linked * weight) // ONE


class Volatility:
    """How far a price travels a minute, over the last hour; whole numbers.

    `moves`: millionths by minute, the last one still open; `squares`: of logit moves, for the
    model that wants a variance.
    """

    __slots__ = ("_last", "_logit", "_minute", "moves", "squares")

    def __init__(self) -> None:
        self._minute = -1
        self._last = -1
        self._logit = 0.0
        self.moves: list[int] = []
        self.squares: list[float] = []

    def see(self, px: int, logit: float, now: Ns) -> None:
        """The price is this now; minutes without news count as minutes without moves."""
        minute = now // MINUTE
        if self._minute < 0:
            self.moves, self.squares = [0], [0.0]
        elif minute > self._minute:
            empty = min(minute - self._minute, HOUR + 1)
            self.moves = (self.moves + [0] * empty)[-HOUR - 1 :]
            self.squares = (self.squares + [0.0] * empty)[-HOUR - 1 :]
        if self._last >= 0:
            self.moves[-1] += abs(px - self._last)
            self.squares[-1] += (logit - self._logit) ** 2
        self._minute, self._last, self._logit = minute, px, logit

    @property
    def high(self) -> bool:
        """Whether this minute, or the last whole one, is above the median of the hour."""
        done = self.moves[:-1]
        if len(done) < LEARNED:
            return False
        return max(self.moves[-1], done[-1]) > median(done)

    @property
    def hourly(self) -> float:
        """Variance of the logit in an hour, by the minutes seen so far."""
        return sum(self.squares) * HOUR / len(self.squares) if self.squares else 0.0


def rebate(market: Instrument, px: int, share: int) -> int:
    """What a maker gets back of the taker's fee, per contract: Polymarket's share by category.

    `share`: the venue's rate for all but crypto (20 %) and sports (15 %), in millionths; 0 counts
    none anywhere. Kalshi gives none.
    """
    if market.venue != "polymarket" or not share:
        return 0
    named = {"crypto": 200_000, "sports": 150_000}.get(market.category.lower(), share)
    return fill_fee(market.fees, px, ONE) * named // ONE


def reward(distance: int, widest: int, rate: int, span: Ns) -> int:
    """What a contract earns by standing `distance` from the middle for `span`, in millionths.

    Polymarket's score falls with the square: ((widest - distance) / widest)^2. `rate`: $ a day for
    a contract at the very middle.
    """
    if not rate or distance >= widest:
        return 0
    return rate * (widest - distance) ** 2 * span // (widest**2 * 86_400 * SECOND)


def down(market: Instrument, px: int) -> int:
    """The highest YES price of the grid that is not above `px`; 0: none."""
    found = [
        min(band.end, band.start + (px - band.start) // band.step * band.step)
        for band in market.grid
        if px >= band.start
    ]
    return max((one for one in found if on_grid(market.grid, one)), default=0)


def up(market: Instrument, px: int) -> int:
    """The lowest YES price of the grid that is not below `px`; ONE: none."""
    found = [
        max(band.start, band.start + ceil_div(px - band.start, band.step) * band.step)
        for band in market.grid
        if px <= band.end
    ]
    return min((one for one in found if on_grid(market.grid, one)), default=ONE)
