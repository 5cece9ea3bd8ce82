"""Opportunities that compete for money, and what may be lost where two venues part ways."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from dutchbook.domain.candidate import Candidate
from dutchbook.domain.instrument import EventGroup
from dutchbook.domain.relations import Link
from dutchbook.domain.step import Opened, Passed, Refused
from dutchbook.domain.units import ONE, Ns
from dutchbook.execution.sharing import Wanted
from dutchbook.optimize.prove import prove
from dutchbook.optimize.walk import Basket, Limits, evaluate
from unit.execution.floor import Story


def limited(**limits):
    story = Story()
    gate = story.trading.trader.desk.gate
    gate.limits = msgspec.structs.replace(gate.limits, **limits)
    return story


def bundle(story, name, first, second, size=100, step=2, venue="polymarket"):
    """The proof of two outcomes of one event, prices in cents, a dearer level behind each."""
    keys = tuple(f"{venue}:{name}{n}" for n in range(2))
    for key, px in zip(keys, (first, second), strict=True):
        story.view.asks[key, "yes"] = [(px, size), (px + step, size)]
        story.view.pays[key, "yes"] = [(px - 2, 500)]
    group = EventGroup(f"{venue}:{name}", venue, name, keys, True, True)
    legs = tuple((key, "yes") for key in keys)
    return proof(story, Candidate(f"bundle_yes:{name}", "bundle_yes", legs, ONE, (), group))


def pair(story, name, first, second, size=100):
    """The proof of a pair over two venues."""
    legs = ((f"kalshi:{name}", "yes"), (f"polymarket:{name}", "no"))
    for leg, px in zip(legs, (first, second), strict=True):
        story.view.asks[leg] = [(px, size)]
        story.view.pays[leg] = [(px - 2, 500)]
    link = Link(name, "same", tuple(key for key, _ in legs), 1)
    return proof(story, Candidate(f"cross_venue:{name}", "cross_venue", legs, ONE, (link,)))


def proof(story, candidate):
    found = evaluate(candidate, story.view, Limits(edge_min=10_000))
    assert isinstance(found, Basket), found
    return prove(found, story.view)


def found(story, *proofs):
    story._next()
    notes = [Opened(f"o{n}", one) for n, one in enumerate(proofs)]
    story.trading.found(notes, story.view, Ns(story.now), story.seq)
    story._drain()


def bought(story):
    return {leg.key.partition(":")[2]: leg.qty / ONE
            for basket in story.account.baskets.values() for leg in basket.begun.legs}  # fmt: skip


def test_the_better_of_two_gets_the_money_whatever_their_order():
    """$153 at a venue: all of the cheaper one ($144), and the other gets what is left."""
    story = limited(per_venue=153 * ONE)
    found(story, bundle(story, "dear", 30, 60), bundle(story, "good", 20, 50))
    sizes = bought(story)
    assert sizes["good0"] == sizes["good1"] == 200
    assert 0 < sizes["dear0"] == sizes["dear1"] <= 10
    story.wait(500)
    assert story.wrong() == []


def test_who_gets_nothing_is_told_what_another_dollar_would_bring():
    story = limited(per_venue=60 * ONE)
    found(story, bundle(story, "dear", 30, 60), bundle(story, "good", 20, 50, step=30))
    assert set(bought(story)) == {"good0", "good1"}
    told = {n.key: n for n in story.notes if isinstance(n, Passed)}
    assert told["o0"].reason == "others use the money better"
    # Another dollar buys 1 / 0.7 shares that bring 30 cents each.
    assert abs(told["o0"].numbers["binding venue polymarket"] - 428_571) <= 1
    assert told["o1"].reason == "less than was on offer"


def test_with_money_for_all_everybody_gets_all():
    story = limited()
    found(story, bundle(story, "dear", 30, 60), bundle(story, "good", 20, 50))
    assert set(bought(story).values()) == {200.0}
    assert not [n for n in story.notes if isinstance(n, Passed | Refused)]


def test_who_went_short_competes_again_while_it_is_fresh():
    story = limited(per_venue=60 * ONE)
    found(story, bundle(story, "dear", 30, 60), bundle(story, "good", 20, 50))
    gate = story.trading.trader.desk.gate
    gate.limits = msgspec.structs.replace(gate.limits, per_venue=10_000 * ONE)
    story._next()
    third = Opened("o9", bundle(story, "third", 10, 60))
    story.trading.found([third], story.view, Ns(story.now), story.seq)
    story._drain()
    assert bought(story)["dear0"] == 200


@st.composite
def offers(draw):
    rows = []
    for n in range(draw(st.integers(1, 5))):
        first = draw(st.integers(10, 50))
        rows.append((f"e{n}", first, draw(st.integers(10, 90 - first)), draw(st.integers(10, 300))))
    return rows


@settings(max_examples=40)
@given(offers(), st.integers(20, 900), st.integers(50, 5_000))
def test_sharing_holds_every_limit_and_earns_no_less_than_first_come(rows, venue, market):
    """Against giving each in turn all that the gate would let it have."""
    story = limited(per_venue=venue * ONE, per_market=market * ONE)
    proofs = {row[0]: bundle(story, *row) for row in rows}
    desk = story.trading.trader.desk
    sharing = story.trading.trader.sharing
    shares = sharing.split([Wanted(n, p, Ns(story.now)) for n, p in proofs.items()], story.view)
    again = sharing.split([Wanted(n, p, Ns(story.now)) for n, p in proofs.items()], story.view)
    assert shares == again
    total = sum(cost(share.wanted.certificate, share.qty) for share in shares)
    assert total <= venue * ONE
    earned = sum(share.qty - cost(share.wanted.certificate, share.qty) for share in shares)
    left, first_come = venue * ONE, 0
    for one in proofs.values():
        desk.gate.limits = msgspec.structs.replace(desk.gate.limits, per_venue=left)
        size = desk.gate.affordable(one, story.account, story.view, Ns(story.now))
        left -= cost(one, size)
        first_come += size - cost(one, size)
    assert earned >= first_come - 20_000 * len(rows)  # a lot of each, rounded


def cost(certificate, qty):
    total = 0
    for leg in certificate.legs:
        left = qty
        for fill in leg.fills:
            total += fill.px * min(left, fill.qty) // ONE
            left -= min(left, fill.qty)
    return total


def test_what_parting_venues_could_take_is_limited():
    """$96 of a pair could be lost in full: a bankroll of $20,000 with 1 % at stake allows two."""
    story = limited(residual_share=10_000)
    for n in range(3):
        found(story, pair(story, f"p{n}", 46, 50))
        story.wait(300)
    begun = [basket.begun for basket in story.account.baskets.values()]
    assert [one.residual for one in begun][:2] == [96 * ONE, 96 * ONE]
    assert sum(one.residual for one in begun) <= 200 * ONE
    found(story, bundle(story, "own", 30, 60))
    assert bought(story)["own0"] == 200  # at one venue nothing parts
    assert story.wrong() == []


def test_beyond_the_room_a_pair_is_refused_with_its_numbers():
    story = limited(residual_share=0)
    found(story, pair(story, "p", 46, 50))
    (refused,) = [note for note in story.notes if isinstance(note, Refused)]
    assert refused.check == "venues_may_part" and refused.numbers["room"] == 0
    # What is reserved for fees counts, too: it may be charged.
    assert 0 <= refused.numbers["loss"] - 96 * ONE <= 20_000 and not story.account.baskets
