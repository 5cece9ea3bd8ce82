"""How much of the capital each opportunity gets: the most profit that fits under every limit.

A linear programme over ladder levels (each with its own price and fee), kept warm; whole columns
come in only where a least size or an all-or-none size is not met without them. The search is in
floats; sizes are then whole lots, and costs, fees and limits are added up again in whole numbers.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np

from dutchbook.domain.units import DAY, ONE, Usd, ceil_div
from dutchbook.optimize.grid import MARGIN, Grid, Pattern
from dutchbook.optimize.lp import Floats, Lp, Solved
from dutchbook.optimize.opportunity import Allocation, Ladder, Levels, Opportunity, unit_cost
from dutchbook.optimize.settle import Plan, Settled, merged, settle

BINDS: Final = 1e-9
"""A shadow price below this is that of a limit with room."""
NEARLY: Final = 1e-6
"""Contracts: by so much a solver's size may miss a whole lot."""


class Allocator:
    """The programme of one set of opportunities; prices may change, the set may not.

    `caps` are amounts of money by name: "capital", "venue kalshi", "market K", "event E",
    "category C", "strategy S", "group G"; "event *" is the limit of each event not named.
    `lockup_price` is what a dollar costs a day, in millionths. Raises ValueError for an
    opportunity whose ladder is not there, or which names one twice.
    """

    def __init__(
        self,
        opportunities: Sequence[Opportunity],
        ladders: Sequence[Ladder],
        caps: Mapping[str, int],
        lockup_price: int = 0,
    ) -> None:
        self.opportunities = tuple(opportunities)
        self.ladders = {ladder.key: ladder for ladder in ladders}
        self._caps = caps
        self._rate = lockup_price
        users: dict[str, list[int]] = {}
        for n, one in enumerate(self.opportunities):
            if len(set(one.legs)) < len(one.legs) or not self.ladders.keys() >= set(one.legs):
                raise ValueError(f"{one.name}: each leg is another ladder that is there")
            for key in one.legs:
                users.setdefault(key, []).append(n)
        self._users = users
        # A dict, for its order: the order of rows decides which of equal optima is found.
        self._shared = dict.fromkeys(key for key, many in users.items() if len(many) > 1)
        self._limits: dict[str, int] = {}
        self._rows: dict[str, int] = {}
        self._under = [self._limits_of(one) for one in self.opportunities]
        self._cache: dict[tuple[int, int], Settled] = {}
        self._full = [self._depth(one) for one in self.opportunities]
        self._picky = [n for n, one in enumerate(self.opportunities)
                       if one.whole or one.size_min > one.lot]  # fmt: skip
        self._books = {key: (one.levels, one.fees) for key, one in self.ladders.items()}
        self._plan = Plan(
            self.opportunities, self._books, frozenset(self._shared), self._under, self._limits,
            lockup_price, self._full,
        )  # fmt: skip
        self._counts: dict[tuple[tuple[int, ...], ...], list[list[int] | None]] = {}
        self._units: dict[str, list[float]] = {}
        # Polymarket's fees are rounded half up, so each fill may be half a unit cheaper.
        fills = [len(one.levels) * len(users.get(one.key, ())) for one in ladders
                 if one.fees.kind == "polymarket"]  # fmt: skip
        self._slack = 5 * sum(fills)
        pattern = Pattern()
        self._lay(pattern)
        self._grid = Grid(pattern)
        for n in range(len(self.opportunities)):
            self._fill(n)
        for key in self._shared:
            self._rooms(key)
        self._lp = self._grid.programme()
        self._grid.clean()

    def reprice(self, key: str, levels: Levels) -> None:
        """A ladder changed. Levels beyond as many as it had at first are not used."""
        most = self._most[key]
        self.ladders[key] = msgspec.structs.replace(self.ladders[key], levels=levels[:most])
        self._books[key] = (self.ladders[key].levels, self.ladders[key].fees)
        self._units.pop(key, None)
        owners = self._users.get(key, ())
        self._cache = {at: one for at, one in self._cache.items() if at[0] not in owners}
        for owner in owners:
            self._full[owner] = self._depth(self.opportunities[owner])
            self._fill(owner)
        if key in self._shared:
            self._rooms(key)
        self._grid.update(self._lp)

    def solve(self) -> Allocation:
        """The best plan now, in whole lots; every figure of it is exact."""
        found, basis = self._lp.solve(), "duality"
        sizes = wanted = self._sizes(found.x)
        bound, prices = self._grid.bound(found.duals)
        top = ceil_div(int(bound * ONE * ONE), ONE) + 1 + self._slack
        if any(self._odd(n, sizes[n]) for n in self._picky):
            whole = self._whole().solve()
            sizes, basis = self._sizes(whole.x), "solver"
            most = whole.bound + MARGIN * float(self._grid.uppers.sum())
            top = min(top, ceil_div(int(most * ONE * ONE), ONE) + 1 + self._slack)
        wished = [self._lots(n, size) if size > NEARLY else 0 for n, size in enumerate(sizes)]
        done = settle(self._plan, wished, self._cache)
        profits, spent = tuple(one.profit for one in done), tuple(one.spent for one in done)
        return Allocation(
            tuple(one.qty for one in done), spent, profits, Usd(sum(profits)), Usd(sum(spent)),
            Usd(max(top, 0)), self._binding(found, prices, wanted), basis,
        )  # fmt: skip

    def _limits_of(self, one: Opportunity) -> dict[str, tuple[int, ...]]:
        """The limits that an opportunity counts against, each with the legs that do."""
        every = tuple(range(len(one.legs)))
        names = ["capital", f"strategy {one.strategy}", *(f"group {name}" for name in one.groups)]
        named = {name: every for name in names if self._capped(name)}
        for leg, key in enumerate(one.legs):
            at = self.ladders[key]
            parts = (f"venue {at.venue}", f"market {at.market}")
            for name in (*parts, f"event {at.event}", f"category {at.category}"):
                if self._capped(name):
                    named[name] = (*named.get(name, ()), leg)
        return named

    def _capped(self, name: str) -> bool:
        """Whether there is a limit of this name; if so, it gets a row."""
        if name not in self._limits:
            kind, _, own = name.partition(" ")
            cap = self._caps.get(name, self._caps.get(f"{kind} *", -1) if own else -1)
            if cap < 0:
                return False
            self._limits[name] = cap
        return True

    def _lay(self, pattern: Pattern) -> None:
        """Rows of the limits and of shared levels; columns of every opportunity in turn."""
        self._most = {key: len(ladder.levels) for key, ladder in self.ladders.items()}
        self._rows = {name: pattern.row(cap / ONE) for name, cap in self._limits.items()}
        for key in self._shared:
            for level in range(self._most[key]):
                self._rows[f"depth {key} {level}"] = pattern.row()
        self._named = {row: name for name, row in self._rows.items()}
        self._at: list[tuple[int, int]] = []
        for n, one in enumerate(self.opportunities):
            own = [leg for leg, key in enumerate(one.legs) if key not in self._shared]
            shared = [leg for leg, key in enumerate(one.legs) if key in self._shared]
            own_set = frozenset(own)
            slots = sum(self._most[one.legs[leg]] for leg in own) - len(own) + 1
            links = {leg: pattern.row(equal=True) for leg in shared}
            limits = [
                self._rows[name]
                for name, legs in self._under[n].items()
                if not shared or not own_set.isdisjoint(legs)
            ]
            start = pattern.size
            pattern.columns([*limits, *links.values()], max(slots, 1))
            self._at.append((start, pattern.size))
            for leg, row in links.items():
                under = [self._rows[name] for name, legs in self._under[n].items() if leg in legs]
                for level in range(self._most[one.legs[leg]]):
                    depth = self._rows[f"depth {one.legs[leg]} {level}"]
                    pattern.columns([*under, row, depth], 1)
        spans = [np.arange(*at) for at in self._at]
        self._own_at = np.concatenate([*spans, np.zeros(0, np.int64)]).astype(np.int64)
        self._own = np.repeat(np.arange(len(spans)), [len(span) for span in spans])

    def _fill(self, n: int) -> None:
        """The figures of an opportunity's columns, from its ladders as they are."""
        one, limits = self.opportunities[n], self._under[n]
        own = [leg for leg, key in enumerate(one.legs) if key not in self._shared]
        away = 1 + self._rate / ONE * one.lockup / DAY
        links = [1.0] * (len(one.legs) - len(own))
        counted = self._counted(own, limits)
        units = [self._unit(one.legs[leg]) for leg in own]
        ladders = [self.ladders[one.legs[leg]].levels for leg in own]
        start, end = self._at[n]
        gains, uppers, values = [], [], []
        payout = one.payout / ONE
        for size, places in merged(ladders, self._full[n])[: end - start]:
            costs = [unit[place] for unit, place in zip(units, places, strict=True)]
            total = sum(costs)
            gains.append(payout - away * total)
            uppers.append(size / ONE)
            for part in counted:
                if part is None:
                    values.append(total)
                else:
                    values.append(costs[part[0]] if len(part) == 1 else sum(costs[k] for k in part))
            values += links
        spare = end - start - len(gains)
        none = [0.0] * (len(counted) + len(links))
        self._grid.set(start, gains + [0.0] * spare, uppers + [0.0] * spare, values + none * spare)
        for leg, key in enumerate(one.legs):
            if key in self._shared:
                end = self._share(end, key, away, sum(leg in legs for legs in limits.values()))

    def _counted(
        self, own: list[int], limits: dict[str, tuple[int, ...]]
    ) -> list[list[int] | None]:
        """Which of a segment's prices count under each limit that any does; None for all."""
        key = (tuple(own), *limits.values())
        if key not in self._counts:
            parts = [[own.index(leg) for leg in legs if leg in own] for legs in limits.values()]
            self._counts[key] = [None if len(part) == len(own) else part for part in parts if part]
        return self._counts[key]

    def _share(self, start: int, key: str, away: float, limits: int) -> int:
        """The columns of an opportunity in a shared ladder from `start` on; where they end."""
        levels, units = self.ladders[key].levels, self._unit(key)
        for level in range(self._most[key]):
            if level < len(levels):
                price = units[level]
                figures = [-away * price], [levels[level][1] / ONE]
                self._grid.set(start + level, *figures, [*[price] * limits, -1.0, 1.0])
            else:
                self._grid.set(start + level, [0.0], [0.0], [0.0] * limits + [-1.0, 1.0])
        return start + self._most[key]

    def _rooms(self, key: str) -> None:
        levels = self.ladders[key].levels
        for level in range(self._most[key]):
            room = levels[level][1] / ONE if level < len(levels) else 0.0
            self._grid.room(self._rows[f"depth {key} {level}"], room)

    def _unit(self, key: str) -> list[float]:
        """Dollars per contract of each level of a ladder, fees included, nothing rounded."""
        if key not in self._units:
            ladder = self.ladders[key]
            self._units[key] = [unit_cost(ladder.fees, px) for px, _ in ladder.levels]
        return self._units[key]

    def _depth(self, one: Opportunity) -> int:
        """The most that can be had of an opportunity, in whole lots."""
        depths = [sum(qty for _, qty in self.ladders[key].levels) for key in one.legs]
        most = min([*depths, one.size_max] if one.size_max >= 0 else depths)
        return most - most % one.lot

    def _sizes(self, x: Floats) -> list[float]:
        own = np.bincount(self._own, x[self._own_at], len(self.opportunities))
        found: list[float] = own.tolist()
        return found

    def _odd(self, n: int, size: float) -> bool:
        """Whether a size is one that this opportunity can't have."""
        one = self.opportunities[n]
        least = self._full[n] if one.whole else one.size_min
        return NEARLY < size < least / ONE - NEARLY

    def _lots(self, n: int, size: float) -> int:
        qty = min(int((size + NEARLY) * ONE), self._full[n])
        return qty - qty % self.opportunities[n].lot

    def _whole(self) -> Lp:
        """The programme with a yes or no for each opportunity that has a least size."""
        extra = []
        for n in self._picky:
            least = self._full[n] if self.opportunities[n].whole else self.opportunities[n].size_min
            if least:
                extra.append((range(*self._at[n]), self._full[n] / ONE, least / ONE))
        return self._grid.programme(extra)

    def _binding(self, found: Solved, prices: Floats, sizes: list[float]) -> dict[str, float]:
        duals, x = found.duals, found.x
        tight = np.flatnonzero(duals > BINDS).tolist()
        held = {self._named[row]: float(duals[row]) for row in tight if row in self._named}
        for n, size in enumerate(sizes):
            if size > NEARLY and size >= self._full[n] / ONE - NEARLY:
                start, end = self._at[n]
                price = float(prices[start + int(np.nonzero(x[start:end] > NEARLY)[0][-1])])
                if price > BINDS:
                    held[f"depth {self.opportunities[n].name}"] = price
        return held
