"""When the optimiser is asked about which markets, and what of its answers becomes a candidate.

Markets that events and approved links join form a set. While no offer of a set is cheaper than its
last prices by the least edge, no portfolio of it can pay (each costs at least the mean of what it
brings, which is at least the worst), and nothing is asked. Answers are proposals: a shape becomes a
candidate only after its worst payoff was worked out here, in whole numbers.
"""

import hashlib
from typing import Final, NamedTuple

from dutchbook.domain.candidate import Candidate, Outcome
from dutchbook.domain.fees import fill_fee
from dutchbook.domain.instrument import ALIVE, EventGroup
from dutchbook.domain.plans import Offered, PlanReady, Shape, SolvePlan
from dutchbook.domain.relations import Link
from dutchbook.domain.step import Found, Passed
from dutchbook.domain.units import ONE, SECOND, Ns, Px, Qty, Usd
from dutchbook.engine.view import WorldView
from dutchbook.optimize.joint import components, rules_of
from dutchbook.optimize.shape import payout

KEPT_MAX: Final = 16
"""Candidates of one set, at most; the one proposed longest ago goes first."""
OPEN_MAX: Final = 8
"""Questions that wait for an answer, at most."""
REST_MAX: Final = 6
"""Each failure in a row doubles how long a set rests, so many times at most."""
PATTERNS: Final = ("same", "opposite", "implies")
"""What a pair of markets so linked could bring, its patterns name already."""
SIDES: Final[tuple[Outcome, Outcome]] = ("yes", "no")


class Rules(NamedTuple):
    """`period`: between two questions about a set; `wait`: then an answer counts as lost, ns.

    Sets with more markets than `markets_max` are left alone.
    """

    period: Ns = Ns(SECOND)
    wait: Ns = Ns(10 * SECOND)
    levels: int = 5
    markets_max: int = 400


class Set:
    """Markets that hang together, what was asked of them and what came of it."""

    def __init__(
        self, keys: tuple[str, ...], links: tuple[Link, ...], groups: tuple[EventGroup, ...]
    ) -> None:
        self.keys, self.links, self.groups = keys, links, groups
        self.prices: dict[str, Px] = {}
        self.bound = -1
        self.number = 0
        self.asked_at = Ns(0)
        self.waits = False
        self.fails = 0
        self.touched: dict[str, None] = dict.fromkeys(keys)
        self.found: dict[str, Candidate] = {}


class Plans:
    """The sets of one run. `counts`: asked, answered, failed, late, proved, refused."""

    def __init__(self, rules: Rules, edge_min: int) -> None:
        self.rules, self.edge_min = rules, edge_min
        self.sets: dict[str, Set] = {}
        self.counts = dict.fromkeys(("asked", "answered", "failed", "late", "proved", "refused"), 0)
        self._of: dict[str, Set] = {}
        self._due: dict[str, None] = {}
        self._named: dict[frozenset[tuple[str, Outcome]], str] = {}

    def index(self, view: WorldView, made: list[Candidate]) -> list[Candidate]:
        """The sets anew after markets, events or links changed; candidates of those that stay.

        `made` are the candidates of the patterns: what they name is not named again.
        """
        self._named = {frozenset(one.legs): one.key for one in made}
        alive = {one.key: None for one in view.instruments() if one.status in ALIVE}
        groups = [one for one in view.groups() if one.exclusive or one.exhaustive]
        links = [one for one in view.approved() if all(key in alive for key in one.members)]
        groups = [one for one in groups if any(key in alive for key in one.members)]
        before, self.sets, self._of, self._due = self.sets, {}, {}, {}
        part_of: dict[str, str] = {}
        keys_of: dict[str, list[str]] = {}
        for component in components(alive, rules_of(groups, links)):
            keys = [key for key in component if key in alive]
            if 2 <= len(keys) <= self.rules.markets_max:
                name = min(keys)
                keys_of[name] = sorted(keys)
                part_of.update(dict.fromkeys(component, name))
        links_of: dict[str, list[Link]] = {}
        groups_of: dict[str, list[EventGroup]] = {}
        for link in links:
            links_of.setdefault(part_of.get(link.members[0], ""), []).append(link)
        for group in groups:
            groups_of.setdefault(part_of.get(group.members[0], ""), []).append(group)
        for name, names in keys_of.items():
            basis = tuple(links_of.get(name, ())), tuple(groups_of.get(name, ()))
            if len(names) == 2 and not basis[1] and all(one.kind in PATTERNS for one in basis[0]):
                continue
            one, old = Set(tuple(names), *basis), before.get(name)
            if old is not None and (old.keys, old.links, old.groups) == (one.keys, *basis):
                one = old
            elif old is not None:
                one.number = old.number  # a late answer to the old set is not taken for a new one
            self.sets[name] = one
            self._of.update(dict.fromkeys(names, one))
            self._due[name] = None
        return self.candidates()

    def candidates(self) -> list[Candidate]:
        """What was proposed and proved, of every set."""
        return [found for one in self.sets.values() for found in one.found.values()]

    def touched(self, key: str) -> None:
        """A best price of a market changed."""
        one = self._of.get(key)
        if one is not None:
            one.touched[key] = None
            self._due[one.keys[0]] = None

    def ask(self, view: WorldView, now: Ns) -> list[SolvePlan]:
        """The questions of this moment, oldest cause first."""
        asked: list[SolvePlan] = []
        waiting = [(name, one) for name, one in self.sets.items() if one.waits]
        for name, one in waiting:
            if now - one.asked_at >= self.rules.wait:
                self._failed(name, one)
        open_ = sum(one.waits for _, one in waiting)
        for name in list(self._due):
            one = self.sets[name]
            if one.waits:
                continue
            if now - one.asked_at < self.rules.period << min(one.fails, REST_MAX):
                continue
            if open_ + len(asked) >= OPEN_MAX:
                break
            del self._due[name]
            if one.prices and not any(self._cheap(one, key, view) for key in one.touched):
                one.touched = {}
                continue
            asked.append(self._question(name, one, view, now))
        return asked

    def answered(
        self, event: PlanReady, view: WorldView
    ) -> tuple[list[Candidate], list[str], list[Found | Passed]]:
        """(candidates that are new, keys of those that gave way, what is to be told)."""
        one = self.sets.get(event.name)
        if one is None or not one.waits or event.number != one.number:
            self.counts["late"] += 1
            return [], [], []
        one.waits = False
        if event.why:
            self._failed(event.name, one)
            return [], [], [Found(event.name, "plan", f"no answer: {event.why}")]
        self.counts["answered"] += 1
        one.fails, one.bound = 0, int(event.bound)
        one.prices = dict(event.prices)
        made: list[Candidate] = []
        told: list[Found | Passed] = []
        for shape in event.shapes:
            candidate, why = self._proved(one, shape)
            if candidate is None:
                self.counts["refused"] += 1
                told.append(Found(event.name, "plan", f"a proposal was refused: {why}"))
            elif frozenset(candidate.legs) not in self._named:
                self.counts["proved"] += 1
                known = one.found.pop(candidate.key, None)
                one.found[candidate.key] = known or candidate
                made += [] if known else [candidate]
        gone = list(one.found)[: max(0, len(one.found) - KEPT_MAX)]
        for key in gone:
            del one.found[key]
        return made, gone, told

    def why(self) -> dict[str, object]:
        """For screens: counts, and of each market of a set in which nothing was to be had the
        price that no portfolio can beat, all in millionths."""
        prices = {
            key: int(px) for one in self.sets.values() if not one.found
            for key, px in one.prices.items()
        }  # fmt: skip
        bounds = {name: one.bound for name, one in self.sets.items() if one.found}
        return {"sets": len(self.sets), **self.counts, "bounds": bounds, "prices": prices}

    def _failed(self, name: str, one: Set) -> None:
        """It is asked again, after a rest that doubles each time."""
        one.waits = False
        self._due[name] = None
        one.fails += 1
        one.touched.update(dict.fromkeys(one.keys))
        self.counts["failed"] += 1

    def _cheap(self, one: Set, key: str, view: WorldView) -> bool:
        """Whether an offer of a market costs less than its mean by the least edge."""
        market, mean = view.instrument(key), one.prices.get(key, 0)
        if market.status != "open":
            return False
        for side in SIDES:
            px, qty = view.best(key, side)
            worth = (ONE - self.edge_min) * (mean if side == "yes" else ONE - mean) // ONE
            if qty and px + fill_fee(market.fees, px, ONE) < worth:
                return True
        return False

    def _question(self, name: str, one: Set, view: WorldView, now: Ns) -> SolvePlan:
        one.number += 1
        one.asked_at, one.waits, one.touched = now, True, {}
        self.counts["asked"] += 1
        markets = tuple(self._offered(key, view) for key in one.keys)
        return SolvePlan(name, one.number, self.edge_min, markets, one.links, one.groups)

    def _offered(self, key: str, view: WorldView) -> Offered:
        """What could be bought of a market now; nothing of a book that can't be read."""
        market, levels = view.instrument(key), self.rules.levels
        read: list[tuple[tuple[Px, Qty], ...]] = []
        for side in SIDES:
            whole = market.status == "open" and not view.stale(key, side)
            read.append(tuple(view.offers(key, side, levels)) if whole else ())
        return Offered(key, read[0], read[1], market.fees, market.lot)

    def _proved(self, one: Set, shape: Shape) -> tuple[Candidate | None, str]:
        """The candidate of a shape, its payoff exact; else why it is none."""
        keys = [key for key, _ in shape.legs]
        if len(shape.legs) < 2 or len(shape.legs) != len(shape.weights) or min(shape.weights) < 1:
            return None, "not a portfolio"
        if len(set(keys)) < len(keys):
            return None, "both outcomes of one market are a complement"
        if not set(keys) <= set(one.keys):
            return None, "a market of another set"
        links = tuple(link for link in one.links if link.id in shape.links)
        groups = tuple(group for group in one.groups if group.key in shape.groups)
        try:
            back = payout(shape.legs, shape.weights, links, groups)
        except ValueError as error:
            return None, str(error)
        if back is None or back <= 0:
            return None, "its worst payoff is not known" if back is None else "it may pay nothing"
        times = shape.weights if max(shape.weights) > 1 else ()
        text = "+".join(
            f"{weight}x{side}={key}"
            for (key, side), weight in zip(shape.legs, shape.weights, strict=True)
        )
        name = hashlib.sha256(text.encode()).hexdigest()[:12]
        return Candidate(
            f"combinatorial:{one.keys[0]}:{name}", "combinatorial", shape.legs, Usd(back), links,
            None, times, groups,
        ), ""  # fmt: skip
