"""Every basket of the universe in arrays, so that all of them are priced in one pass."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Protocol

import msgspec
import numpy as np

from dutchbook.domain.events import NO, YES
from dutchbook.domain.fees import fill_fee
from dutchbook.domain.instrument import EventGroup, FeeSchedule, Instrument
from dutchbook.domain.relations import Link
from dutchbook.domain.units import ONE, Qty, Usd
from dutchbook.kernels import scan
from dutchbook.state.books import Books
from dutchbook.state.grid import STEPS
from dutchbook.state.pool import Ints


class Priced(Protocol):
    """Anything that names legs, (instrument key, "yes" or "no"), and its sure payout."""

    @property
    def legs(self) -> Sequence[tuple[str, str]]: ...
    @property
    def payout(self) -> int: ...


class Basket(msgspec.Struct, frozen=True):
    """Buy one contract of each leg; at least `payout` comes back, in millionths of a dollar."""

    key: str
    legs: tuple[tuple[str, str], ...]
    payout: Usd


class Hit(msgspec.Struct, frozen=True):
    """A basket that pays: its place in the list, and what its ladders hold.

    `edge` of the first contract, `size` in contracts until the marginal edge is gone, `profit` of
    them all; millionths. Fees are bounded from above; lots and order minimums are not looked at.
    """

    basket: int
    edge: int
    size: Qty
    profit: Usd


def baskets_of(
    instruments: Iterable[Instrument], groups: Iterable[EventGroup], links: Iterable[Link]
) -> list[Basket]:
    """Complements, bundles of events, and baskets of links, as far as the relations carry them.

    The caller leaves out links that nobody approved.
    """
    found = [
        Basket(f"complement:{one.key}", ((one.key, "yes"), (one.key, "no")), Usd(ONE))
        for one in instruments
    ]
    for group in groups:
        if group.exhaustive:
            found.append(_all(f"bundle_yes:{group.key}", group.members, "yes"))
        if group.exclusive and len(group.members) > 1:
            found.append(_all(f"bundle_no:{group.key}", group.members, "no"))
    for link in links:
        found += _of_link(link)
    return found


def _all(key: str, members: tuple[str, ...], outcome: str) -> Basket:
    """Every YES of a set of which one must come true, or every NO of one where one can at most."""
    payout = ONE if outcome == "yes" else (len(members) - 1) * ONE
    return Basket(key, tuple((member, outcome) for member in members), Usd(payout))


def _of_link(link: Link) -> list[Basket]:
    if link.kind == "exhaustive":
        return [_all(link.id, link.members, "yes")]
    if link.kind == "exclusive":
        return [_all(link.id, link.members, "no")] if len(link.members) > 1 else []
    a, b = link.members
    ways = {
        "same": (("yes", "no"), ("no", "yes")),
        "opposite": (("yes", "yes"), ("no", "no")),
        "implies": (("no", "yes"),),
    }[link.kind]
    return [Basket(f"{link.id}:{x}:{y}", ((a, x), (b, y)), Usd(ONE)) for x, y in ways]


@lru_cache(maxsize=256)
def fee_bounds(fees: FeeSchedule, step: int) -> tuple[int, ...]:
    """The fee of one whole contract at each slot of a tick class, in millionths, rounded up."""
    bounds = [fill_fee(fees, px, ONE) for px in range(0, ONE, step)]
    return (*bounds, 0)


class Universe:
    """The arrays of a set of baskets over `books`; built once, scanned as often as one likes."""

    def __init__(
        self, books: Books, instruments: Iterable[Instrument], baskets: Sequence[Priced]
    ) -> None:
        self.books = books
        self.instruments = {one.key: one for one in instruments}
        self._place = {key: 2 * n for n, key in enumerate(self.instruments)}
        for basket in baskets:
            for key, _ in basket.legs:
                self._place.setdefault(key, 2 * len(self._place))
        self._legs = _ints(self.leg(*leg) for basket in baskets for leg in basket.legs)
        self._starts = _ints(accumulate((len(basket.legs) for basket in baskets), initial=0))
        self._payouts = _ints(basket.payout for basket in baskets)
        size = 2 * len(self._place)
        self.usable: Ints = np.zeros(size, np.int64)
        """Per leg: 0 leaves out every basket with it. At first: markets that are open."""
        for key, one in self.instruments.items():
            self.usable[self._place[key] : self._place[key] + 2] = one.status == "open"
        self._costs: Ints = np.zeros(size, np.int64)
        self._found: Ints = np.zeros(len(baskets), np.int64)
        self._gains: Ints = np.zeros(len(baskets), np.int64)
        self._hits: Ints = np.zeros(len(baskets) * scan.COLUMNS, np.int64)
        self._locate()

    def leg(self, key: str, outcome: str) -> int:
        """Index into `usable`; KeyError for a market that is in no basket and not listed."""
        return self._place[key] + (outcome == "no")

    def allow(self, key: str, outcome: str, usable: bool) -> None:
        """Say whether an outcome's book is fresh and its market open."""
        self.usable[self.leg(key, outcome)] = usable

    def _locate(self) -> None:
        """Look up pool and row of every leg; a row of -1 has no book."""
        self._layout, self._priced = self.books.layout, False
        self._pools = np.zeros(self.usable.size, np.int64)
        self._rows = np.full(self.usable.size, -1, np.int64)
        for key, place in self._place.items():
            one = self.instruments.get(key)
            if one is None or not self.books.has(key):
                self.usable[place : place + 2] = 0
                continue
            for leg, token in ((place, YES), (place + 1, NO if one.tokens else YES)):
                book = self.books.get(key, token)
                self._pools[leg] = STEPS.index(book.pool.step)
                self._rows[leg] = book.row

    def _price(self) -> None:
        """Lay the fee tables behind one another: long ones for fine grids, so only when needed."""
        self._priced = True
        self._fees_at = np.zeros(self.usable.size, np.int64)
        tables: dict[tuple[FeeSchedule, int], int] = {}
        fees: list[int] = []
        for key, place in self._place.items():
            if self._rows[place] < 0:
                continue
            table = (self.instruments[key].fees, STEPS[self._pools[place]])
            if table not in tables:
                tables[table] = len(fees)
                fees += fee_bounds(*table)
            self._fees_at[place : place + 2] = tables[table]
        self._fees = _ints(fees or [0])

    def gross(self) -> list[int]:
        """Places of the baskets that pay more than the best offers cost, in list order.

        Exactly those of which `optimize.walk.gross` is positive: without fees, and whether or not
        the books are fresh, the markets open, and every leg on offer (an empty side costs ONE).
        """
        if not self._payouts.size:
            return []
        if self._layout != self.books.layout:
            self._locate()
        best = [pool.best for pool in self.books.pools]
        scan.leg_prices(self._pools, self._rows, *best, self._costs)
        shape = (self._starts, self._legs, self._payouts)
        found = scan.edges(*shape, self._costs, 0, self._found, self._gains)
        places: list[int] = self._found[:found].tolist()
        return places

    def count(self, edge_min: int = 0) -> int:
        """Scan everything; how many baskets beat `edge_min`, with their depth in arrays."""
        if self._layout != self.books.layout:
            self._locate()
        if not self._priced:
            self._price()
        where = (self._pools, self._rows, self._fees_at, self._fees)
        best = [pool.best for pool in self.books.pools]
        scan.leg_costs(self.usable, *where, *best, self._costs)
        shape = (self._starts, self._legs, self._payouts)
        found = scan.edges(*shape, self._costs, edge_min, self._found, self._gains)
        if found:
            ladders = [array for pool in self.books.pools for array in pool.ladder]
            at = (found, self._found, self._gains)
            scan.walk(*at, *shape, *where, *ladders, edge_min, self._hits)
        return int(found)

    def scan(self, edge_min: int = 0) -> list[Hit]:
        """Every basket whose first contract beats `edge_min` (millionths), in list order."""
        cells = self._hits[: self.count(edge_min) * scan.COLUMNS].tolist()
        return [Hit(*cells[at : at + scan.COLUMNS]) for at in range(0, len(cells), scan.COLUMNS)]


def _ints(values: Iterable[int]) -> Ints:
    return np.fromiter(values, np.int64)
