"""The true relations of the generated markets, the links that claim them, and their baskets."""

from itertools import combinations, permutations
from typing import Any

import msgspec

from dutchbook.domain.units import ONE
from dutchbook.emulators.market.builder import Builder
from dutchbook.emulators.market.cluster import Cluster

Leg = tuple[str, int]
"""(market key, 0 to buy YES or 1 to buy NO)."""


class Relation(msgspec.Struct, frozen=True):
    """A link, or what a venue declares of an event (`declared`); `true` is what really holds."""

    id: str
    kind: str
    members: tuple[str, ...]
    true: bool = True
    approved: bool = True
    declared: bool = False
    evidence: str = ""


class Basket(msgspec.Struct, frozen=True):
    """Legs that together pay at least `payout` (millionths per contract) in every end state.

    `kind` is a strategy's name where one looks for it with what is linked or declared, or ""
    for a basket that only follows from several relations together.
    """

    kind: str
    legs: tuple[Leg, ...]
    payout: int
    links: tuple[str, ...]
    cluster: int


def relations(build: Builder) -> list[Relation]:
    """All links in the order of the catalogue, then the decoys, then the venues' declarations."""
    found: list[Relation] = []
    for cluster in build.clusters:
        found += _twins(cluster)
        if cluster.theme == "ladder":
            found += _rungs(cluster)
    for event in build.events.values():
        if event.venue == "kalshi" and event.exclusive and event.exhaustive:
            found.append(
                Relation("", "exhaustive", tuple(event.members), evidence="every outcome listed")
            )
    for kind, pair, why in build.decoys:
        found.append(Relation("", kind, pair, true=False, approved=False, evidence=why))
    found += _wrong_rungs(build)
    named = [msgspec.structs.replace(r, id=f"{r.kind}-{n:03d}") for n, r in enumerate(found, 1)]
    for event in build.events.values():
        if event.exclusive:
            members = tuple(event.members)
            named.append(Relation(f"{event.key}#exclusive", "exclusive", members, declared=True))
            if event.venue == "polymarket" and event.exhaustive:
                named.append(
                    Relation(f"{event.key}#exhaustive", "exhaustive", members, declared=True)
                )
    return named


def _venue(key: str) -> str:
    return key.partition(":")[0]


def _twins(cluster: Cluster) -> list[Relation]:
    everything = frozenset(range(len(cluster.p)))
    found = []
    for a, b in combinations(cluster.states, 2):
        if _venue(a) == _venue(b):
            continue
        if cluster.states[a] == cluster.states[b]:
            why = "same claim, date and source in both rule texts"
            found.append(Relation("", "same", (a, b), evidence=why))
        elif cluster.theme == "single" and cluster.states[a] == everything - cluster.states[b]:
            why = "one is the negation of the other"
            found.append(Relation("", "opposite", (a, b), evidence=why))
    return found


def _rungs(cluster: Cluster) -> list[Relation]:
    """A implies B where B is the next wider rung, on the same venue or with none on its own."""
    found = []
    for a, b in permutations(cluster.states, 2):
        inner, outer = cluster.states[a], cluster.states[b]
        between = [
            k
            for k, states in cluster.states.items()
            if (inner < states < outer)
            or (states in (inner, outer) and k not in (a, b) and _venue(a) != _venue(b))
        ]
        if inner < outer and not [
            k for k in between if _venue(a) != _venue(b) or _venue(k) == _venue(a)
        ]:
            found.append(Relation("", "implies", (a, b), evidence="the narrower rung of a ladder"))
    return found


def _wrong_rungs(build: Builder) -> list[Relation]:
    """Ladders read the wrong way round, as a careless matcher would."""
    found = []
    for cluster in build.clusters:
        if cluster.theme == "ladder":
            keys = list(cluster.states)
            a, b = keys[0], keys[1]
            wide, narrow = (a, b) if cluster.states[b] < cluster.states[a] else (b, a)
            found.append(
                Relation(
                    "",
                    "implies",
                    (wide, narrow),
                    true=False,
                    approved=False,
                    evidence="ladder read the wrong way round",
                )
            )
    return found


def link_line(relation: Relation) -> dict[str, Any]:
    """A relation as an entry of the links file."""
    return {
        "id": relation.id,
        "kind": relation.kind,
        "members": list(relation.members),
        "version": 1,
        "evidence": relation.evidence,
        "confidence": "0.99" if relation.approved else "0.71",
        "approved": relation.approved,
    }


def baskets(build: Builder, known: list[Relation]) -> list[Basket]:
    """Every basket of every cluster that pays for sure, linked or not."""
    ids = {(r.kind, r.members): r.id for r in known if r.true}
    found: list[Basket] = []
    for place, cluster in enumerate(build.clusters):
        found += _pairs(cluster, place, ids)
        for key in cluster.states:
            kind = "complement" if _venue(key) == "polymarket" else ""
            found.append(Basket(kind, ((key, 0), (key, 1)), ONE, (), place))
    of = {key: place for place, cluster in enumerate(build.clusters) for key in cluster.states}
    for event in build.events.values():
        if not event.exclusive or len(event.members) < 2:
            continue
        links = [ids.get(("exhaustive", tuple(event.members)), "")]
        used = tuple(link for link in links if not link.endswith("#exhaustive") and link)
        payout = (len(event.members) - 1) * ONE
        nos = tuple((key, 1) for key in event.members)
        sure = event.exhaustive and not event.augmented
        kind = "bundle_no" if sure else ""
        found.append(Basket(kind, nos, payout, used, of[event.members[0]]))
        if sure:
            yeses = tuple((key, 0) for key in event.members)
            found.append(Basket("bundle_yes", yeses, ONE, used, of[event.members[0]]))
    return found


def _pairs(
    cluster: Cluster, place: int, ids: dict[tuple[str, tuple[str, ...]], str]
) -> list[Basket]:
    everything = frozenset(range(len(cluster.p)))
    found = []
    for a, b in permutations(cluster.states, 2):
        inner, outer = cluster.states[a], cluster.states[b]
        if inner <= outer:
            same = inner == outer
            link = (
                ids.get(("same", (a, b))) or ids.get(("same", (b, a)))
                if same
                else ids.get(("implies", (a, b)))
            )
            kind = ("cross_venue" if same else "implication") if link else ""
            found.append(Basket(kind, ((a, 1), (b, 0)), ONE, (link,) if link else (), place))
    for a, b in combinations(cluster.states, 2):
        link = ids.get(("opposite", (a, b)))
        links = (link,) if link else ()
        kind = "cross_venue" if link else ""
        if cluster.states[a] | cluster.states[b] == everything:
            found.append(Basket(kind, ((a, 0), (b, 0)), ONE, links, place))
        if not cluster.states[a] & cluster.states[b] and len(cluster.states) <= 16:
            found.append(Basket(kind, ((a, 1), (b, 1)), ONE, links, place))
    return found
