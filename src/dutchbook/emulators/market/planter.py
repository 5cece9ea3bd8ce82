"""Puts plants into the books and takes them back; knows which clusters are taken."""

from collections.abc import Iterable
from random import Random
from typing import Any

import msgspec

from dutchbook.domain.units import ONE, SECOND, Ns
from dutchbook.emulators.market.cluster import Cluster
from dutchbook.emulators.market.flow import Flow
from dutchbook.emulators.market.plantfile import PlantSpec
from dutchbook.emulators.market.relations import Basket, Leg, Relation
from dutchbook.emulators.market.shapes import Change, SimEvent, Update
from dutchbook.emulators.market.shaping import Shape, Shaper, Wish

COOL = 15 * SECOND
"""A cluster rests so long after a plant: a client whose feed stood still may see old books."""
TRIES = 60


class Active(msgspec.Struct):
    """A plant that stands in the books."""

    id: str
    shape: Shape
    clusters: list[Cluster]
    paused: str


class Planter:
    """Chooses baskets, shapes them and keeps account of what stands; writes the truth lines."""

    def __init__(
        self,
        flows: dict[str, Flow],
        events: dict[str, SimEvent],
        baskets: list[Basket],
        relations: list[Relation],
        truth: list[dict[str, Any]],
    ) -> None:
        self._flows = flows
        self._truth = truth
        self._near: dict[str, list[Basket]] = {key: [] for key in flows}
        for basket in baskets:
            for key in dict.fromkeys(key for key, _ in basket.legs):
                self._near[key].append(basket)
        self._shaper = Shaper(flows, self._near.__getitem__, lambda key: flows[key].market.fees)
        self._kinds: dict[str, list[Basket]] = {}
        for basket in baskets:
            if basket.kind:
                self._kinds.setdefault(basket.kind, []).append(basket)
        self._open = [_open_bundle(event) for event in events.values() if event.augmented]
        self._wrong = [b for r in relations if not r.true for b in _wrong_baskets(r)]
        self.active: dict[str, Active] = {}
        self.spared: dict[str, frozenset[tuple[int, int]]] = {}
        self.frozen: dict[str, str] = {}
        self.reserved: set[str] = set()

    def candidates(self, kind: str, miss: str) -> list[Basket]:
        """The baskets that could carry such a plant, taken or not."""
        if miss == "other":
            return self._open if kind == "bundle_yes" else []
        if miss == "unapproved":
            return [basket for basket in self._wrong if basket.kind == kind]
        found = self._kinds.get(kind, [])
        if miss == "stale":
            return [basket for basket in found if _pausable(basket)]
        return found

    def place(
        self, name: str, kind: str, wish: Wish, at: Ns, until: Ns, rng: Random
    ) -> list[Update] | None:
        """Plant where the generator likes; None if no place was found now."""
        choice = self.candidates(kind, wish.miss)
        for basket in rng.sample(choice, min(len(choice), TRIES)):
            if self._taken(basket, at) or self._kept(basket):
                continue
            shape = self._shaper.shape(basket, wish, rng)
            if shape is not None:
                return self._apply(name, basket, wish, shape, at, until)
        return None

    def place_exactly(
        self, spec: PlantSpec, basket: Basket, at: Ns, until: Ns, rng: Random
    ) -> list[Update] | None:
        """Plant on the legs that were asked for; None if these books can't be shaped so now."""
        wish = wish_of(spec)
        if self._taken(basket, Ns(at + COOL)):
            return None
        shape = self._shaper.shape(basket, wish, rng)
        return self._apply(spec.id, basket, wish, shape, at, until) if shape else None

    def possible(self, spec: PlantSpec, basket: Basket, rng: Random) -> bool:
        """Whether the plant could be put into the books as they are now."""
        return self._shaper.shape(basket, wish_of(spec), rng) is not None

    def end(self, name: str, at: Ns) -> list[Update]:
        """Take a plant back; its clusters rest a while."""
        active = self.active.pop(name)
        updates = []
        for key, changes in active.shape.draft.changes.items():
            back = [Change(key, c.token, c.side, c.px, c.new, c.old) for c in reversed(changes)]
            self._write(key, back)
            updates.append(Update(key, at, back))
            self.spared.pop(key, None)
            self.frozen.pop(key, None)
        for cluster in active.clusters:
            cluster.locked = ""
            cluster.free_at = at + COOL
        self._truth.append({"what": "end", "id": name, "at": at})
        return updates

    def paused_by(self, name: str) -> str:
        """The market that a standing near miss has paused, "" if none."""
        return self.active[name].paused

    def reopen(self, key: str, at: Ns) -> list[Update]:
        """Trading goes on in a market that was paused."""
        if self._flows[key].market.status == "paused":  # and not closed meanwhile, by hand
            self._flows[key].market.status = "open"
        return [Update(key, at, [], status="open")]

    def _taken(self, basket: Basket, at: Ns) -> bool:
        return any(c.locked or c.free_at > at for c in self._clusters(basket.legs))

    def _kept(self, basket: Basket) -> bool:
        return any(c.name in self.reserved for c in self._clusters(basket.legs))

    def _clusters(self, legs: Iterable[Leg]) -> list[Cluster]:
        found = {self._flows[key].cluster.name: self._flows[key].cluster for key, _ in legs}
        return list(found.values())

    def _apply(
        self, name: str, basket: Basket, wish: Wish, shape: Shape, at: Ns, until: Ns
    ) -> list[Update]:
        updates = []
        paused = _pausable(basket) if wish.miss == "stale" else ""
        if paused:
            self._flows[paused].market.status = "paused"
            self.frozen[paused] = name
            updates.append(Update(paused, at, [], status="paused"))
        for key, changes in shape.draft.changes.items():
            self._write(key, changes)
            updates.append(Update(key, at, list(changes)))
            self.spared[key] = frozenset(shape.draft.planted[key])
            if basket.kind == "complement":
                self.frozen[key] = name
        clusters = self._clusters(basket.legs)
        for cluster in clusters:
            cluster.locked = name
        self.active[name] = Active(name, shape, clusters, paused)
        self._truth.append(_line(name, basket, wish, shape, at, until))
        return updates

    def _write(self, key: str, changes: list[Change]) -> None:
        """Set the levels; one that participants have taken since may stand there already."""
        ladders = self._flows[key].ladders
        for change in changes:
            ladders.put_one(change.token, change.side, change.px, change.new, [])


def wish_of(spec: PlantSpec) -> Wish:
    """What a plant of the file wishes; its own legs may bring others about, which are told."""
    return Wish(spec.edge, spec.size, spec.near_miss or "", exact=bool(spec.legs))


def _pausable(basket: Basket) -> str:
    """The Kalshi market that a stale near miss pauses; Polymarket tells of no pauses."""
    return next((key for key, _ in basket.legs if key.startswith("kalshi:")), "")


def _open_bundle(event: SimEvent) -> Basket:
    return Basket("bundle_yes", tuple((key, 0) for key in event.members), ONE, (), -1)


def _wrong_baskets(relation: Relation) -> list[Basket]:
    """What a naive reader of an unapproved link between two venues would buy."""
    a, b = relation.members
    if a.partition(":")[0] == b.partition(":")[0]:
        return []
    kind = "cross_venue" if relation.kind == "same" else "implication"
    found = [Basket(kind, ((a, 1), (b, 0)), ONE, (relation.id,), -1)]
    if relation.kind == "same":
        found.append(Basket(kind, ((a, 0), (b, 1)), ONE, (relation.id,), -1))
    return found


def _line(name: str, basket: Basket, wish: Wish, shape: Shape, at: Ns, until: Ns) -> dict[str, Any]:
    said = ("yes", "no")
    return {
        "what": "plant",
        "id": name,
        "kind": basket.kind,
        "legs": [
            {"market": key, "outcome": said[outcome], "px": px, "qty": shape.size}
            for (key, outcome), px in zip(shape.legs, shape.limits, strict=True)
        ],
        "payout": basket.payout,
        "links": list(basket.links),
        "start": at,
        "until": until,
        "edge": shape.edge,
        "size": shape.size,
        "near_miss": wish.miss or None,
        "collateral": [
            [[key, said[outcome]] for key, outcome in legs] for legs in shape.collateral
        ],
    }
