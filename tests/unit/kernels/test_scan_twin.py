"""The whole-universe scan equals a plain walk over the same books, basket by basket."""

import hypothesis.strategies as st
import msgspec
from hypothesis import given, settings
from some_books import FEES, levels, market

from dutchbook.domain.events import ASK, BID, NO, YES, BookLevels
from dutchbook.domain.fees import fill_fee
from dutchbook.domain.instrument import MILL, EventGroup
from dutchbook.domain.relations import Link
from dutchbook.domain.units import ONE
from dutchbook.state.books import Books
from dutchbook.state.universe import Basket, Hit, Universe, baskets_of

COUNT = 9
flags = st.tuples(st.booleans(), st.booleans())
KINDS = ("same", "opposite", "implies", "exclusive", "exhaustive")


def offers(books, one, outcome):
    """What an outcome costs level by level, fee of one contract included: (cost, size)."""
    if outcome == "yes":
        raw = books.get(one.key, YES).asks(99)
    else:
        book = books.get(one.key, NO if one.tokens else YES)
        raw = [(ONE - px, size) for px, size in book.bids(99)]
    return [(px + fill_fee(one.fees, px, ONE), size) for px, size in raw]


def walked(books, instruments, number, basket, edge_min):
    """The twin: None, or the hit."""
    ladders = [offers(books, instruments[key], outcome) for key, outcome in basket.legs]
    if not ladders or not all(ladders):
        return None
    first = basket.payout - sum(ladder[0][0] for ladder in ladders)
    if first <= edge_min:
        return None
    size = profit = 0
    while all(ladders):
        edge = basket.payout - sum(ladder[0][0] for ladder in ladders)
        if edge <= edge_min:
            break
        take = min(ladder[0][1] for ladder in ladders)
        size, profit = size + take, profit + edge * take // ONE
        for ladder in ladders:
            px, left = ladder.pop(0)
            if left > take:
                ladder.insert(0, (px, left - take))
    return Hit(number, first, size, profit)


@st.composite
def universes(draw):
    books, instruments = Books(), {}
    for n in range(COUNT):
        fees = draw(st.integers(0, len(FEES) - 1))
        one = market(n, fees, draw(st.sampled_from("kp")))
        instruments[one.key] = one
        books.list(one)
        for token in (YES, NO) if one.tokens else (YES,):
            books.apply(BookLevels(one.key, token, "s", True, False, draw(levels(n))))
    keys = sorted(instruments)
    groups = [
        EventGroup(f"e{n}", "k", "t", tuple(keys[n : n + 4]), *draw(flags))
        for n in range(0, COUNT, 4)
    ]
    links = [
        Link(f"l{n}", draw(st.sampled_from(KINDS)), tuple(draw(st.permutations(keys))[:2]), 1)
        for n in range(draw(st.integers(0, 6)))
    ]
    return books, instruments, baskets_of(instruments.values(), groups, links)


@settings(max_examples=150)
@given(universe=universes(), edge_min=st.sampled_from([0, 20_000, -50_000]))
def test_scan(universe, edge_min):
    books, instruments, baskets = universe
    found = Universe(books, instruments.values(), baskets).scan(edge_min)
    twins = [
        walked(books, instruments, number, basket, edge_min)
        for number, basket in enumerate(baskets)
    ]
    assert found == [hit for hit in twins if hit]


def test_baskets_are_those_that_the_relations_carry():
    """No YES bundle without exhaustive, no NO bundle without exclusive, implication one way."""
    groups = [
        EventGroup("e:both", "k", "t", ("a", "b", "c"), True, True),
        EventGroup("e:open", "k", "t", ("a", "b", "c"), True, False),
        EventGroup("e:none", "k", "t", ("a", "b", "c"), False, False),
    ]
    links = [Link("l:i", "implies", ("a", "b"), 1), Link("l:s", "same", ("a", "b"), 1)]
    one = market(0)
    three = (("a", "no"), ("b", "no"), ("c", "no"))
    assert baskets_of([one], groups, links) == [
        Basket("complement:k:M0", (("k:M0", "yes"), ("k:M0", "no")), ONE),
        Basket("bundle_yes:e:both", (("a", "yes"), ("b", "yes"), ("c", "yes")), ONE),
        Basket("bundle_no:e:both", three, 2 * ONE),
        Basket("bundle_no:e:open", three, 2 * ONE),
        Basket("l:i:no:yes", (("a", "no"), ("b", "yes")), ONE),
        Basket("l:s:yes:no", (("a", "yes"), ("b", "no")), ONE),
        Basket("l:s:no:yes", (("a", "no"), ("b", "yes")), ONE),
    ]


def test_a_pair_lives_and_dies():
    """Found; gone when a leg is not usable; found again after its book moved to a finer class."""
    cheap, dear = market(0), market(3, venue="p")
    books = Books()
    books.list(cheap)
    books.list(dear)
    books.apply(BookLevels(cheap.key, YES, "s", True, False, [(ASK, 400_000, 3 * ONE)]))
    books.apply(BookLevels(dear.key, NO, "s", True, False, [(BID, 450_000, 2 * ONE)]))
    link = Link("l", "same", (cheap.key, dear.key), 1)
    universe = Universe(books, [cheap, dear], baskets_of([], [], [link]))
    hit = Hit(0, 50_000, 2 * ONE, 100_000)
    assert universe.scan() == [hit]
    assert universe.scan(edge_min=50_000) == []
    universe.allow(dear.key, "no", False)
    assert universe.scan() == []
    universe.allow(dear.key, "no", True)
    books.list(msgspec.structs.replace(cheap, grid=MILL))
    assert universe.scan() == [hit]


def test_closed_and_unknown_markets_are_no_legs():
    shut = msgspec.structs.replace(market(0), status="closed")
    books = Books()
    books.list(shut)
    books.apply(BookLevels(shut.key, YES, "s", True, False, [(BID, 500_000, 1), (ASK, 400_000, 1)]))
    baskets = [*baskets_of([shut], [], []), Basket("x", (("k:nobody", "yes"),), ONE)]
    assert Universe(books, [shut], baskets).scan() == []
    assert Universe(books, [], []).scan() == []
