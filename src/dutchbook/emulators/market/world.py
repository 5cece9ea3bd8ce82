"""The generated world: advance it to a moment and it tells what happened, book by book."""

import heapq
from collections.abc import Iterator
from random import Random
from typing import Any

from dutchbook.domain.events import ASK
from dutchbook.domain.units import MILLI, SECOND, Ns
from dutchbook.emulators.market import schedule
from dutchbook.emulators.market.catalogue import catalogue
from dutchbook.emulators.market.flow import Flow, wait
from dutchbook.emulators.market.planter import Planter, wish_of
from dutchbook.emulators.market.plantfile import PlantError, PlantSpec
from dutchbook.emulators.market.relations import Basket, baskets, link_line, relations
from dutchbook.emulators.market.shapes import Update

THRESHOLD = 20_000
"""The net edge in millionths from which on a mispricing counts as an opportunity."""
BEGIN = 3 * SECOND
"""Plants begin so long after the start if no client connects before."""
REOPEN = SECOND // 2
"""A paused market opens so long after its books are sound again, on both sockets."""
DRIFT_MIN = 3 * SECOND
"""Fair values rest at least so long between two moves, so that old books stay harmless."""


class World:
    """Everything derives from `seed` and `start`; how often `advance` is called does not matter.

    `plants` None: an endless schedule of its own, plants and near misses. `waits`: nothing is
    planted before a client has connected, however long that takes. Raises PlantError for plants
    that can't be.
    """

    def __init__(
        self, seed: int, start: Ns, plants: list[PlantSpec] | None = None, *, waits: bool = False
    ) -> None:
        self.seed = seed
        self.start = start
        build = catalogue(seed, start)
        self.events = build.events
        self.markets = build.markets
        self.series = build.series
        self.clusters = build.clusters
        self.relations = relations(build)
        self.baskets = baskets(build, self.relations)
        self._rng = Random(f"flow {seed}")
        self.flows: dict[str, Flow] = {}
        for cluster in self.clusters:
            for key in cluster.states:
                self.flows[key] = Flow(self.markets[key], cluster, self._rng)
        self._truth: list[dict[str, Any]] = self._preamble()
        self._queue: list[tuple[int, int, str, Any]] = []
        self._pushed = 0
        for key, flow in self.flows.items():
            self._push(start + wait(self._rng, flow.rate), "tick", key)
        for place in range(len(self.clusters)):
            self._push(start + self._rest(place), "drift", place)
        self._plan_rng = Random(f"plants {seed}")
        self._planter = Planter(self.flows, self.events, self.baskets, self.relations, self._truth)
        self._specs = plants
        self._chosen = self._check(plants or [])
        self._decks = {
            "plant": schedule.Deck(schedule.PLANTS, self._plan_rng),
            "miss": schedule.Deck(schedule.MISSES, self._plan_rng),
        }
        self._count = 0
        self._begun = False
        if not waits:
            self._push(start + BEGIN, "begin", None)

    def ladder(self, key: str, token: int, side: int) -> dict[int, int]:
        """The levels px -> size of one side of one token's own book. KeyError if unknown."""
        return self.flows[key].ladders.sides[token * 2 + side]

    def take(self, key: str, token: int, side: int, px: int, qty: int) -> None:
        """Participants took so much of a level (negative: it was not taken after all)."""
        ladders = self.flows[key].ladders
        levels = ladders.sides[token * 2 + side]
        left = levels.get(px, 0) - qty
        if side == ASK and not ladders.two:
            return  # the mirror of a bid, which is told as well
        if left > 0:
            levels[px] = left
        else:
            levels.pop(px, None)

    def begin(self, now: Ns) -> None:
        """A client has connected to market data: plants count their times from now, if not yet."""
        if self._begun:
            return
        self._begun = True
        if self._specs is None:
            self._push(now + 3 * SECOND // 2, "plant", None)
            self._push(now + 2 * SECOND, "miss", None)
        for spec in self._specs or []:
            self._push(now + spec.start, "spec", spec)

    def links(self) -> list[dict[str, Any]]:
        """The entries of the links file, decoys (approved false) among them."""
        return [link_line(relation) for relation in self.relations if not relation.declared]

    def drain_truth(self) -> list[dict[str, Any]]:
        """The truth lines since the last call, in order; the header is the first of all."""
        lines = list(self._truth)
        self._truth.clear()
        return lines

    def advance(self, now: Ns) -> list[Update]:
        """Everything that happens up to and including `now`, in order."""
        return list(self.each(now))

    def each(self, now: Ns) -> Iterator[Update]:
        """The same one by one: at each update the ladders of its market are as after it.

        After `advance` they are as after the last update, which may be several further on.
        """
        while self._queue and self._queue[0][0] <= now:
            at, _, what, arg = heapq.heappop(self._queue)
            yield from self._happen(Ns(at), what, arg)

    def _happen(self, at: Ns, what: str, arg: Any) -> list[Update]:
        if what == "tick":
            return self._tick(at, arg)
        if what == "refill":
            flow = self.flows[arg]
            update = None if flow.cluster.locked else flow.refill(self._rng, at)
            return [update] if update else []
        if what == "drift":
            return self._drift(at, arg)
        if what == "end":
            paused = self._planter.paused_by(arg)
            if paused:
                self._push(at + REOPEN, "reopen", paused)
            return self._planter.end(arg, at)
        if what == "reopen":
            return self._planter.reopen(arg, at)
        if what == "spec":
            return self._plant_asked(at, arg)
        if what == "begin":
            self.begin(at)
            return []
        return self._plant_own(at, what)

    def _tick(self, at: Ns, key: str) -> list[Update]:
        flow = self.flows[key]
        self._push(at + wait(self._rng, flow.rate), "tick", key)
        if flow.cluster.locked:
            if key in self._planter.frozen:
                return []
            update = flow.stir(self._rng, at, self._planter.spared.get(key, frozenset()))
        else:
            update = flow.tick(self._rng, at)
        return [update] if update else []

    def _plant_own(self, at: Ns, what: str) -> list[Update]:
        """The next card of a deck; the kind that finds no place now gives way to the next."""
        rng = self._plan_rng
        self._push(at + schedule.pause(rng), what, None)
        until = Ns(at + schedule.lasting(rng))
        for _ in range(4):
            miss, kind = self._decks[what].draw()
            name = f"{'m' if miss else 'p'}{self._count + 1}"
            updates = self._planter.place(name, kind, schedule.wish(miss, rng), at, until, rng)
            if updates is not None:
                self._count += 1
                self._push(until, "end", name)
                return updates
        return []

    def _plant_asked(self, at: Ns, spec: PlantSpec) -> list[Update]:
        until = Ns(at + spec.duration)
        rng = self._plan_rng
        basket = self._chosen.get(spec.id)
        if basket:
            updates = self._planter.place_exactly(spec, basket, at, until, rng)
        else:
            updates = self._planter.place(spec.id, spec.kind, wish_of(spec), at, until, rng)
        if updates is None:
            self._push(at + schedule.RETRY, "spec", spec)
            return []
        self._push(until, "end", spec.id)
        return updates

    def _check(self, specs: list[PlantSpec]) -> dict[str, Basket]:
        """The baskets of the plants that name their legs. Raises PlantError."""
        chosen: dict[str, Basket] = {}
        spans: list[tuple[PlantSpec, list[str]]] = []
        for spec in specs:
            schedule.check_misses(spec, self._planter)
            if not spec.legs:
                continue
            basket = schedule.basket_of(spec, self._planter, self.markets)
            if not self._planter.possible(spec, basket, Random(f"{self.seed} {spec.id}")):
                raise PlantError(
                    spec.id,
                    "edge",
                    "these books can't be made to give it with legs of a venue's least order",
                )
            chosen[spec.id] = basket
            names = [self.flows[key].cluster.name for key, _ in basket.legs]
            spans.append((spec, list(dict.fromkeys(names))))
            self._planter.reserved.update(names)
        schedule.check_overlaps(spans)
        return chosen

    def _drift(self, at: Ns, place: int) -> list[Update]:
        """Move a little probability from one end state to another; books step back at once."""
        cluster = self.clusters[place]
        self._push(at + self._rest(place), "drift", place)
        rng = self._rng
        if cluster.locked:
            return []
        known = len(cluster.p) - (cluster.theme == "other")  # the open rest stays what it is
        a, b = rng.sample(range(known), 2)
        step = rng.randrange(1, 4) * 1_000
        away = 40_000
        if (
            cluster.p[a] - step < max(3_000, cluster.home[a] - away)
            or cluster.p[b] + step > cluster.home[b] + away
        ):
            return []
        cluster.p[a] -= step
        cluster.p[b] += step
        moved = [key for key, states in cluster.states.items() if (a in states) != (b in states)]
        updates = []
        for key in moved:
            update = self.flows[key].retreat(at)
            if update:
                updates.append(update)
            self._push(at + rng.randrange(300, 2_500) * MILLI, "refill", key)
        return updates

    def _rest(self, place: int) -> int:
        """How long a cluster's fair values stay; busy ones move most often."""
        mean = (60.0, 25.0, 10.0, 3.0)[self.clusters[place].heat]
        return DRIFT_MIN + int(self._rng.expovariate(1 / mean) * SECOND)

    def _push(self, at: int, what: str, arg: Any) -> None:
        self._pushed += 1
        heapq.heappush(self._queue, (at, self._pushed, what, arg))

    def _preamble(self) -> list[dict[str, Any]]:
        header = {
            "what": "header",
            "seed": self.seed,
            "started": self.start,
            "threshold": THRESHOLD,
            "markets": len(self.markets),
        }
        lines: list[dict[str, Any]] = [header]
        for market in self.markets.values():
            lines.append(
                {
                    "what": "market",
                    "market": market.key,
                    "symbol": market.symbol,
                    "tokens": list(market.tokens) if market.tokens[0] else [],
                    "fee_rate": market.fees.taker,
                    "rounds_to": market.fees.precision,
                }
            )
        for relation in self.relations:
            lines.append(
                {
                    "what": "relation",
                    "id": relation.id,
                    "kind": relation.kind,
                    "members": list(relation.members),
                    "true": relation.true,
                    "approved": relation.approved,
                }
            )
        return lines
