"""What would turn a rejection: each said thing is tried, and turns it."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from dutchbook.domain.units import ONE
from dutchbook.optimize.flip import flips
from dutchbook.optimize.walk import Basket, Limits, Rejected, evaluate
from unit.proof.market import A, B, World, cents, market, pair, same

LEGS = ((A, "yes"), (B, "no"))


def story(first, second, sizes=(50, 50)):
    rows = zip(LEGS, (first, second), sizes, strict=True)
    return World([market(A), market(B)], {leg: cents((px, size)) for leg, px, size in rows})


CANDIDATE = pair("cross_venue", LEGS, same())


@settings(max_examples=150)
@given(st.integers(20, 70), st.integers(20, 70), st.integers(1, 30), st.integers(1, 30))
def test_whatever_is_said_turns_it(first, second, some, others):
    limits = Limits()
    world = story(first, second, (some, others))
    verdict = evaluate(CANDIDATE, world, limits)
    found = flips(CANDIDATE, world, limits)
    if isinstance(verdict, Rejected) and verdict.stage == "depth":
        assert {one["what"] for one in found} == {"more"}
        for one in found:
            place = (one["market"], one["outcome"])
            (px, size), *rest = world.ladders[place]
            world.ladders[place] = [(px, size + one["by"]), *rest]
        assert isinstance(evaluate(CANDIDATE, world, limits), Basket)
        return
    if not isinstance(verdict, Rejected) or verdict.stage != "net":
        return
    assert found
    deep = {leg: [(px, 100 * ONE) for px, _ in rows] for leg, rows in world.ladders.items()}
    for one in found:
        markets, offers = dict(world.markets), dict(deep)
        if one["what"] == "cheaper":
            offers[one["market"], one["outcome"]] = [(one["px"], 100 * ONE)]
            fine = (market(key, grid=(msgspec.structs.replace(m.grid[0], step=1),))
                    for key, m in markets.items())  # fmt: skip
            markets = {m.key: m for m in fine}
        elif one["what"] == "fees":
            for key, m in markets.items():
                rate = m.fees.taker * one["share"] // ONE
                markets[key] = market(key, fees=msgspec.structs.replace(m.fees, taker=rate))
        else:
            m = markets[one["market"]]
            rate = msgspec.structs.replace(m.fees, taker=m.fees.maker)
            markets[m.key] = market(m.key, fees=rate)
        again = evaluate(CANDIDATE, World(markets.values(), offers), limits)
        # The venue's rounding of a whole order may still eat what is bare.
        assert isinstance(again, Basket) or again.stage == "sized", (one, again)


def test_in_words():
    from dutchbook.cli.why import flip_text

    world = story(48, 49)
    texts = [flip_text(one) for one in flips(CANDIDATE, world, Limits())]
    assert texts[0].startswith(f"or: {A} yes ") and "cheaper" in texts[0]
    thin = flip_text({"what": "more", "market": A, "outcome": "yes", "by": 12 * ONE, "px": 430_000})
    assert thin == f"needs: 12 more contracts of {A} yes at 43.00¢"
