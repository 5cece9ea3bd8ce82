"""The generated world: advance it to a moment and it tells what happened, book by book."""

import heapq
from random import Random
from typing import Any

from dutchbook.domain.units import MILLI, SECOND, Ns
from dutchbook.emulators.market.catalogue import catalogue
from dutchbook.emulators.market.flow import Flow, wait
from dutchbook.emulators.market.plantfile import PlantSpec
from dutchbook.emulators.market.relations import baskets, link_line, relations
from dutchbook.emulators.market.shapes import Update

THRESHOLD = 20_000
"""The net edge in millionths from which on a mispricing counts as an opportunity."""
BEGIN = 3 * SECOND
"""Plants begin so long after the start if no client connects before."""
DRIFT_MIN = 3 * SECOND
"""Fair values rest at least so long between two moves, so that old books stay harmless."""


class World:
    """Everything derives from `seed` and `start`; how often `advance` is called does not matter.

    `plants` None: an endless schedule of its own, plants and near misses. Raises PlantError for
    plants that can't be.
    """

    def __init__(self, seed: int, start: Ns, plants: list[PlantSpec] | None = None) -> None:
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
        self._cluster_of: dict[str, int] = {}
        for place, cluster in enumerate(self.clusters):
            for key in cluster.states:
                self.flows[key] = Flow(self.markets[key], cluster, self._rng)
                self._cluster_of[key] = place
        self._truth: list[dict[str, Any]] = self._preamble()
        self._queue: list[tuple[int, int, str, Any]] = []
        self._pushed = 0
        for key, flow in self.flows.items():
            self._push(start + wait(self._rng, flow.rate), "tick", key)
        for place in range(len(self.clusters)):
            self._push(start + self._rest(place), "drift", place)

    def ladder(self, key: str, token: int, side: int) -> dict[int, int]:
        """The levels px -> size of one side of one token's own book. KeyError if unknown."""
        return self.flows[key].ladders.sides[token * 2 + side]

    def begin(self, now: Ns) -> None:
        """A client has connected to market data: plants count their times from now, if not yet."""

    def links(self) -> list[dict[str, Any]]:
        """The entries of the links file, decoys (approved false) among them."""
        return [link_line(relation) for relation in self.relations if not relation.declared]

    def drain_truth(self) -> list[dict[str, Any]]:
        """The truth lines since the last call, in order; the header is the first of all."""
        lines, self._truth = self._truth, []
        return lines

    def advance(self, now: Ns) -> list[Update]:
        """Everything that happens up to and including `now`, in order."""
        updates: list[Update] = []
        while self._queue and self._queue[0][0] <= now:
            at, _, what, arg = heapq.heappop(self._queue)
            updates += self._happen(Ns(at), what, arg)
        return updates

    def _happen(self, at: Ns, what: str, arg: Any) -> list[Update]:
        if what == "tick":
            flow = self.flows[arg]
            self._push(at + wait(self._rng, flow.rate), "tick", arg)
            update = flow.tick(self._rng, at)
            return [update] if update else []
        if what == "refill":
            update = self.flows[arg].refill(self._rng, at)
            return [update] if update else []
        return self._drift(at, arg)

    def _drift(self, at: Ns, place: int) -> list[Update]:
        """Move a little probability from one end state to another; books step back at once."""
        cluster = self.clusters[place]
        self._push(at + self._rest(place), "drift", place)
        rng = self._rng
        a, b = rng.sample(range(len(cluster.p)), 2)
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
