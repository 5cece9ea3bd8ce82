"""Each strategy names every basket of its kind, and no basket that its claims do not carry."""

from hypothesis import given
from hypothesis import strategies as st

from dutchbook.domain.instrument import EventGroup
from dutchbook.domain.relations import Link
from dutchbook.domain.units import ONE
from dutchbook.strategies import bundle, complement, cross_venue, implication
from dutchbook.strategies.unmatched import unmatched
from unit.proof.market import A, B, World, market, same

KEYS = ("polymarket:0xa", "polymarket:0xb", "polymarket:0xc")
ALL = (complement.Complement, bundle.Bundle, cross_venue.CrossVenue, implication.Implication)


def legs(strategy, world):
    return [
        (c.key, c.legs, c.payout, tuple(x.id for x in c.links))
        for c in strategy().candidates(world)
    ]


def test_complement_offers_every_open_market_in_order():
    world = World([market(B), market(A), market("kalshi:Z", status="closed")])
    assert legs(complement.Complement, world) == [
        (f"complement:{A}", ((A, "yes"), (A, "no")), ONE, ()),
        (f"complement:{B}", ((B, "yes"), (B, "no")), ONE, ()),
    ]
    only = complement.Complement(complement.Config(venues=("kalshi",)))
    assert [c.key for c in only.candidates(world)] == [f"complement:{A}"]


def group(exclusive=True, exhaustive=True, members=KEYS):
    return EventGroup("polymarket:who", "polymarket", "Who?", members, exclusive, exhaustive)


def offered(groups, links=(), closed=()):
    markets = [market(k, status="closed" if k in closed else "open") for k in KEYS]
    return legs(bundle.Bundle, World(markets, groups=groups, links=links))


def test_bundle_offers_both_sides_of_an_exclusive_and_exhaustive_event():
    yes, no = tuple((k, "yes") for k in KEYS), tuple((k, "no") for k in KEYS)
    assert offered([group()]) == [
        ("bundle_no:polymarket:who", no, 2 * ONE, ()),
        ("bundle_yes:polymarket:who", yes, ONE, ()),
    ]


def test_bundle_takes_a_missing_claim_from_a_link_over_exactly_the_members():
    """Not from one over fewer or more, nor exhaustiveness from exclusiveness."""
    full = Link("x", "exhaustive", KEYS[::-1], 1)
    assert [row[3] for row in offered([group(exhaustive=False)], [full])] == [("x",), ("x",)]
    both = [Link("e", "exclusive", KEYS, 1), full]
    assert [row[3] for row in offered([group(False, False)], both)] == [("e", "x"), ("e", "x")]
    for members in (KEYS[:2], (*KEYS, "polymarket:0xd")):
        assert offered([group(exhaustive=False)], [Link("x", "exhaustive", members, 1)]) == []
    assert offered([group(exhaustive=False)], [Link("x", "exclusive", KEYS, 1)]) == []


def test_bundle_refuses_an_open_other_a_closed_member_and_an_unknown_one():
    assert offered([group(exhaustive=False)]) == []  # what a venue says of an open "Other"
    assert offered([group(exclusive=False)]) == []
    assert offered([group()], closed=KEYS[:1]) == []
    assert offered([group(members=(*KEYS, "polymarket:0xother"))]) == []
    assert offered([group(members=KEYS[:1])]) == []
    assert offered([group(members=(*KEYS[:2], KEYS[0]))]) == []


def test_cross_venue_offers_both_directions_of_a_link_across_venues():
    world = World([market(A), market(B)], links=[same(B, A)])
    assert [row[1] for row in legs(cross_venue.CrossVenue, world)] == [
        ((A, "no"), (B, "yes")),
        ((A, "yes"), (B, "no")),
    ]
    world = World([market(A), market(B)], links=[same(kind="opposite")])
    assert [row[1] for row in legs(cross_venue.CrossVenue, world)] == [
        ((A, "no"), (B, "no")),
        ((A, "yes"), (B, "yes")),
    ]


def test_cross_venue_refuses_one_venue_a_closed_market_and_no_link():
    twin = market("kalshi:TWIN")
    assert legs(cross_venue.CrossVenue, World([market(A), twin], links=[same(A, twin.key)])) == []
    shut = [market(A), market(B, status="closed")]
    assert legs(cross_venue.CrossVenue, World(shut, links=[same()])) == []
    assert legs(cross_venue.CrossVenue, World([market(A), market(B)])) == []
    three = same(A, B, twin.key, kind="opposite")
    assert legs(cross_venue.CrossVenue, World([market(A), market(B), twin], links=[three])) == []


def test_implication_buys_no_of_the_first_and_yes_of_the_second():
    link = same(B, A, kind="implies")
    [found] = implication.Implication().candidates(World([market(A), market(B)], links=[link]))
    assert (found.legs, found.payout, found.links) == (((B, "no"), (A, "yes")), ONE, (link,))
    inside = implication.Implication(implication.Config(across_venues=False))
    assert inside.candidates(World([market(A), market(B)], links=[link])) == []
    for members in ((A,), (A, A), (A, B, "kalshi:Z")):
        odd = World([market(A), market(B)], links=[same(*members, kind="implies")])
        assert legs(implication.Implication, odd) == []


def test_what_lacks_a_claim_is_named_with_it():
    """An open "Other", an unapproved link, an old version of one; what is offered is not named."""
    other = EventGroup("polymarket:o", "polymarket", "Other?", KEYS, True, False, "open Other")
    markets = [market(k) for k in (*KEYS, A, B)]
    world = World(markets, groups=[group(), other], links=[same()])
    decoy = Link("decoy", "implies", (A, B), 1, confidence=400_000)
    newer = Link("l1", "same", (A, B), 4)
    found = unmatched(world, [same(), decoy, newer])
    assert [(p.key, p.stage, p.reason) for p in found] == [
        ("bundle:polymarket:o", "matched", "not known to be exhaustive"),
        ("cross_venue:l1", "matched", "link not approved"),
        ("implication:decoy", "matched", "link not approved"),
    ]
    assert found[0].numbers == {"outcomes": 3, "closed": 0, "exclusive": 1, "exhaustive": 0}


members = st.lists(st.sampled_from([*KEYS, A, B]), min_size=1, max_size=4).map(tuple)
kinds = st.sampled_from(["same", "opposite", "implies", "exclusive", "exhaustive"])
links = st.lists(st.builds(Link, st.sampled_from("abcd"), kinds, members, st.just(1)), max_size=4)
groups = st.lists(
    st.builds(
        EventGroup, st.just("g"), st.just("polymarket"), st.just("G"), members, st.booleans(),
        st.booleans(),
    ),
    max_size=2,
)  # fmt: skip


@given(links, groups, st.sets(st.sampled_from([*KEYS, A, B])))
def test_no_basket_without_its_claims_whatever_the_catalogue(links, groups, shut):
    """Approved links and the venue's words are all that a basket may rest on."""
    markets = [market(k, status="closed" if k in shut else "open") for k in (*KEYS, A, B)]
    world = World(markets, groups=groups, links=links)
    for strategy in ALL:
        found = strategy().candidates(world)
        assert [c.key for c in found] == sorted(c.key for c in found)
        for c in found:
            used = {key for key, _ in c.legs}
            assert not used & shut and len(set(c.legs)) == len(c.legs)
            assert all(link in links for link in c.links)
            claimed = {x.kind for x in c.links if sorted(x.members) == sorted(used)}
            if c.kind.startswith("bundle"):
                assert c.group in groups and set(c.group.members) == used
                assert c.group.exclusive or "exclusive" in claimed
                assert c.group.exhaustive or "exhaustive" in claimed
            elif c.kind != "complement":
                assert len(c.links) == 1 and used <= set(c.links[0].members)
