"""Chains of implications: against all assignments of truth, and through proof and verifier."""

import copy
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from market import NOW, World, basket, cents, market

from dutchbook.domain.relations import Link
from dutchbook.domain.units import DAY, ONE
from dutchbook.optimize.prove import certificate_json, prove
from dutchbook.strategies.implication import Config, Implication
from dutchbook.verifier import digest, verify

KEYS = [f"kalshi:{name}" for name in "ABCDEF"]


def implies(a: str, b: str, version: int = 1, confidence: int = ONE) -> Link:
    return Link(f"{a[-1]}>{b[-1]}", "implies", (a, b), version, "", confidence)


pairs = st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(KEYS)), max_size=9)


@given(pairs, st.sets(st.sampled_from(KEYS), max_size=2))
def test_exactly_what_follows_from_the_links(pairs, shut) -> None:  # type: ignore[no-untyped-def]
    """Every assignment of truth that no link forbids pays a dollar; and whatever pays one in all
    of them, between two open markets, is a candidate."""
    links = {(a, b): implies(a, b) for a, b in pairs if a != b}
    markets = [market(key, status="closed" if key in shut else "open") for key in KEYS]
    found = Implication().candidates(World(markets, links=list(links.values())))
    worlds = [
        truth
        for values in product((False, True), repeat=len(KEYS))
        if all(
            truth[b] or not truth[a]
            for truth in [dict(zip(KEYS, values, strict=True))]
            for a, b in links
        )
        for truth in [dict(zip(KEYS, values, strict=True))]
    ]
    ends = {(c.legs[0][0], c.legs[1][0]) for c in found}
    follows = {
        (a, b)
        for a in KEYS
        for b in KEYS
        if a != b and not {a, b} & shut and all(t[b] or not t[a] for t in worlds)
    }
    assert ends == follows
    assert len(found) == len(ends)
    for one in found:
        path = [one.links[0].members[0], *(link.members[1] for link in one.links)]
        assert [(one.legs[0]), (one.legs[1])] == [(path[0], "no"), (path[-1], "yes")]
        assert len(set(path)) == len(path)
        assert all(links[a, b] in one.links for a, b in pairwise(path))


def test_a_chain_is_bounded_and_the_shortest() -> None:
    line = [implies(a, b) for a, b in pairwise(KEYS)]
    world = World([market(key) for key in KEYS], links=[*line, implies(KEYS[0], KEYS[3])])

    def spans(**more: int) -> list[tuple[str, int]]:
        made = Implication(Config(**more)).candidates(world)
        return [(c.legs[0][0][-1] + c.legs[1][0][-1], len(c.links)) for c in made]

    assert ("AE", 2) in spans()
    assert ("BF", 4) in spans()
    assert max(length for _, length in spans(links_max=2)) == 2
    assert {length for _, length in spans(links_max=1)} == {1}
    assert sum(length > 1 for _, length in spans(chains_max=3)) == 3


def test_a_circle_gives_each_pair_once() -> None:
    a, b, c = KEYS[:3]
    world = World(
        [market(k) for k in (a, b, c)], links=[implies(a, b), implies(b, c), implies(c, a)]
    )
    found = Implication().candidates(world)
    assert sorted((x.legs[0][0][-1], x.legs[1][0][-1], len(x.links)) for x in found) == [
        ("A", "B", 1), ("A", "C", 2), ("B", "A", 2), ("B", "C", 1), ("C", "A", 1), ("C", "B", 2)
    ]  # fmt: skip


def chain() -> dict:  # type: ignore[type-arg]
    """A certificate of NO of A and YES of C, over B, which has no book."""
    a, b, c = KEYS[:3]
    offers = {(a, "no"): cents((30, 50)), (c, "yes"): cents((60, 20), (61, 40))}
    links = [implies(a, b, confidence=900_000), implies(b, c, confidence=800_000)]
    world = World([market(a, closes=NOW + DAY), market(b), market(c)], offers, links=links)
    [one] = [x for x in Implication().candidates(world) if len(x.links) == 2]
    return certificate_json(prove(basket(one, world), world))


def test_a_chain_is_proved_and_verified() -> None:
    document = chain()
    assert verify(document) == []
    assert document["confidence"] == 720_000
    assert [state["name"] for state in document["states"]] == [
        "kalshi:A YES, kalshi:C YES", "kalshi:A NO, kalshi:C YES", "kalshi:A NO, kalshi:C NO"
    ]  # fmt: skip
    assert [proof["link"]["id"] for proof in document["links"]] == ["A>B", "B>C"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda links: links.reverse(),
        lambda links: links.pop(),
        lambda links: links.pop(0),
        lambda links: links[0]["link"].update(kind="same"),
        lambda links: links[1]["link"].update(members=["kalshi:X", "kalshi:C"]),
        lambda links: links[1]["link"].update(members=["kalshi:C", "kalshi:B"]),
        lambda links: links.append(links[0]),
        lambda links: links[0]["link"].update(members=["kalshi:A", "kalshi:B", "kalshi:C"]),
    ],
    ids=["order", "end", "begin", "kind", "gap", "backwards", "circle", "three"],
)
def test_a_broken_chain_is_refused_even_with_all_digests_made_anew(spoil) -> None:  # type: ignore[no-untyped-def]
    document = copy.deepcopy(chain())
    spoil(document["links"])
    for proof in document["links"]:
        proof["fingerprint"] = digest(proof["link"])
    chance = ONE
    for proof in document["links"]:
        chance = chance * proof["link"]["confidence"] // ONE
    document["confidence"] = chance
    names = ["schema", "kind", "legs", "qty", "links", "group", "fill_chance", "at", "seq", "run"]
    document["inputs"] = digest({name: document[name] for name in names})
    del document["checksum"]
    document["checksum"] = digest(document)
    assert verify(document) != []
