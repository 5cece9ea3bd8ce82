"""The optimiser's answers: shapes against brute force over all states, warm against cold."""

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from dutchbook.domain.fees import fill_fee
from dutchbook.domain.instrument import EventGroup, FeeSchedule
from dutchbook.domain.plans import Offered, SolvePlan
from dutchbook.domain.relations import Link
from dutchbook.domain.units import ONE
from dutchbook.optimize.planner import Planner
from dutchbook.optimize.shape import payout
from unit.proof.market import KALSHI, POLY

FREE = FeeSchedule("none")
KEYS = tuple("abcdef")
EDGE = 20_000


def offered(key, yes=(), no=(), fees=FREE):
    """Levels in cents and contracts."""
    sides = (tuple((px * 10_000, qty * ONE) for px, qty in side) for side in (yes, no))
    return Offered(key, *sides, fees, 10_000)


def asked(markets, links=(), groups=(), number=1):
    return SolvePlan("s", number, EDGE, tuple(markets), tuple(links), tuple(groups))


def wheel(rim=61, hub=90):
    """A hub that excludes each of five, each of which excludes its neighbours."""
    pairs = [(f"r{n}", f"r{(n + 1) % 5}") for n in range(5)] + [("hub", f"r{n}") for n in range(5)]
    links = [Link(f"x{n}", "exclusive", pair, 1) for n, pair in enumerate(pairs)]
    markets = [offered(f"r{n}", [(60, 9)], [(rim, 20)]) for n in range(5)]
    return asked([*markets, offered("hub", [(60, 9)], [(hub, 20)])], links)


def test_a_portfolio_of_unequal_legs():
    """The inequality of the odd wheel, x1 + ... + x5 + 2 hub <= 2: no pair, no triangle and no
    cycle of it pays alone."""
    found = Planner().solve(wheel())
    (shape,) = found.shapes
    assert dict(zip(shape.legs, shape.weights, strict=True)) == {
        ("hub", "no"): 2, **{(f"r{n}", "no"): 1 for n in range(5)},
    }  # fmt: skip
    assert set(shape.links) == {f"x{n}" for n in range(10)} and shape.groups == ()
    assert found.bound in range(1_500_000, 1_500_010)  # 10 shares, 15 cents each
    assert payout(shape.legs, shape.weights, wheel().links, ()) == 5 * ONE
    assert payout(shape.legs, shape.weights, wheel().links[1:], ()) < 5 * ONE


def test_what_a_deep_book_offers_comes_as_a_few_baskets():
    """All three while they last, then the two that are left of them."""
    group = EventGroup("E", "v", "", ("a", "b", "c"), True, False)
    markets = [offered("a", (), [(30, 10), (48, 90)]), offered("b", (), [(40, 50)]),
               offered("c", (), [(49, 80)])]  # fmt: skip
    found = Planner().solve(asked(markets, (), [group]))
    assert [shape.legs for shape in found.shapes] == [
        (("a", "no"), ("b", "no"), ("c", "no")),  # 119 cents bring 200, until there is no b
        (("a", "no"), ("c", "no")),  # 97 bring 100
    ]


@st.composite
def worlds(draw):
    links, groups = [], []
    for n in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(("same", "opposite", "implies", "exclusive", "exhaustive")))
        most = 2 if kind in ("same", "opposite", "implies") else 4
        members = st.lists(st.sampled_from(KEYS), min_size=2, max_size=most, unique=True)
        links.append(Link(f"l{n}", kind, tuple(draw(members)), 1))
    if draw(st.booleans()):
        groups.append(EventGroup("g", "v", "", KEYS[:3], True, draw(st.booleans())))
    return links, groups, draw(ladders())


@st.composite
def ladders(draw):
    markets = []
    for key in KEYS:
        sides = []
        for _ in range(2):
            pxs = sorted(draw(st.lists(st.integers(20, 85), max_size=2, unique=True)))
            sides.append([(px, draw(st.integers(1, 9))) for px in pxs])
        markets.append(offered(key, *sides, draw(st.sampled_from((KALSHI, POLY, FREE)))))
    return markets


def states(links, groups):
    """Every end that nothing said forbids, told a second time."""
    said = [(link.kind, link.members) for link in links]
    for group in groups:
        said += [
            (kind, group.members) for kind in ("exclusive", "exhaustive") if getattr(group, kind)
        ]
    for bits in product((0, 1), repeat=len(KEYS)):
        state = dict(zip(KEYS, bits, strict=True))
        if all(_stands(kind, [state[key] for key in members]) for kind, members in said):
            yield state


def _stands(kind, yes):
    return {
        "exclusive": sum(yes) <= 1, "exhaustive": sum(yes) >= 1, "same": len(set(yes)) == 1,
        "opposite": sum(yes) == 1, "implies": yes[0] <= yes[-1],
    }[kind]  # fmt: skip


@settings(max_examples=60)
@given(worlds(), ladders())
def test_shapes_pay_what_they_say_and_none_means_none(world, later):
    """Also after the ladders changed, when the warm model answers as a fresh one does."""
    links, groups, markets = world
    ends = list(states(links, groups))
    planner = Planner()
    for now in (markets, later):
        question = asked(now, links, groups)
        found = planner.solve(question)
        if not ends:
            assert "contradict" in found.why
            return
        cold = Planner().solve(question)
        assert (found.why, bool(found.shapes)) == ("", bool(cold.shapes))
        assert abs(found.bound - cold.bound) <= 1_000
        fees = {one.key: one.fees for one in now}
        best = {(one.key, side): getattr(one, side)[:1] for one in now for side in ("yes", "no")}
        for shape in found.shapes:
            low = min(
                sum(w for (key, side), w in zip(shape.legs, shape.weights, strict=True)
                    if state[key] == (side == "yes"))
                for state in ends
            )  # fmt: skip
            used_links = [link for link in links if link.id in shape.links]
            used_groups = [group for group in groups if group.key in shape.groups]
            assert payout(shape.legs, shape.weights, used_links, used_groups) == low * ONE > 0
        if not found.shapes:
            means = dict(found.prices)
            for (key, side), offers in best.items():
                mean = means[key] if side == "yes" else ONE - means[key]
                for px, _ in offers:
                    cost = px + fill_fee(fees[key], px, ONE)
                    assert cost >= mean * (ONE - EDGE) // ONE - 20


def test_what_can_not_be_solved_is_answered_with_why():
    links = [Link("a", "same", ("a", "b"), 1), Link("b", "opposite", ("a", "b"), 1)]
    found = Planner().solve(asked([offered("a"), offered("b")], links, (), 3))
    assert found.number == 3 and "contradict" in found.why and not found.shapes
