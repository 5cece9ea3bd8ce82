"""The funnel stage by stage, and the walk against a twin that buys one contract at a time."""

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from dutchbook.domain.fees import order_total
from dutchbook.domain.units import ONE, ceil_div
from dutchbook.optimize.walk import Basket, Limits, Rejected, evaluate, take, walk
from unit.proof.market import FREE, KALSHI, POLY, A, B, World, cents, market, pair, same

LEGS = ((A, "yes"), (B, "no"))
CROSS = pair("cross_venue", LEGS, same())


def world(yes, no, stale=(), **fields):
    markets = [market(A, **fields), market(B)]
    return World(markets, {LEGS[0]: cents(*yes), LEGS[1]: cents(*no)}, stale=stale)


def test_each_stage_rejects_with_what_would_flip_it():
    """A stale leg, a dollar too dear, fees, too few contracts, the venue's least order."""
    deep = ((50, 100),)
    fresh = evaluate(CROSS, world(deep, deep, {LEGS[1]: "gap"}), Limits())
    assert fresh == Rejected("fresh", "stale book (gap)", {"leg": 1})
    gross = evaluate(CROSS, world(deep, ((51, 100),)), Limits())
    assert gross == Rejected("gross", "no gross edge", {"gross": -10_000, "short": 10_001})
    # 3 cents gross; Kalshi 0.07 x .5 x .5 = 1.75 cents, Polymarket 0.04 x .47 x .53 = 0.9964
    net = evaluate(CROSS, world(deep, ((47, 100),)), Limits())
    fees = 17_500 + 9_964
    numbers = {"gross": 30_000, "fees": fees, "net": 30_000 - fees, "need": 20_000}
    short = {"short": 20_000 - 30_000 + fees}
    assert net == Rejected("net", "fees eat the edge", numbers | short)
    depth = evaluate(CROSS, world(((40, 4), (60, 100)), ((45, 100),)), Limits())
    assert (depth.stage, depth.numbers["size"], depth.numbers["short"]) == ("depth", 4 * ONE, ONE)
    least = evaluate(CROSS, world(((40, 50),), ((45, 50),), cost_min=30 * ONE), Limits())
    assert (least.stage, least.numbers["short"]) == ("sized", 10 * ONE)
    closed = evaluate(CROSS, world(((40, 50),), ((45, 50),), status="paused"), Limits())
    assert closed.stage == "matched"
    nobody = World([market(A), market(B)], {LEGS[0]: cents((1, 50))})
    assert evaluate(CROSS, nobody, Limits()).stage == "gross"


def test_cent_rounding_of_a_small_order_can_eat_the_edge():
    """Five contracts at 45.1 and 50 cents: 2.0 cents each by the model, less by the cent."""
    found = evaluate(
        pair("complement", ((A, "yes"), (A, "no"))),
        World(
            [market(A, grid=market(A).grid, fees=KALSHI, size_min=1)],
            {(A, "yes"): cents((45, 5)), (A, "no"): [(490_000, 5_010_000)]},
        ),
        Limits(edge_min=25_100),
    )
    assert (found.stage, found.reason) == ("sized", "rounding eats the edge")
    assert found.numbers["short"] == found.numbers["need"] - found.numbers["edge"]


def test_two_levels_are_bought_and_the_third_is_not():
    """Levels whose next contract still nets 2 cents; lots of both venues; exact totals."""
    found = evaluate(CROSS, world(((40, 10), (41, 20), (70, 99)), ((44, 25), (45, 99))), Limits())
    assert isinstance(found, Basket)
    assert [[(f.px, f.qty) for f in leg.fills] for leg in found.legs] == [
        cents((40, 10), (41, 20)),
        cents((44, 25), (45, 5)),
    ]
    assert [leg.token for leg in found.legs] == [0, 1]
    totals = [leg.total for leg in found.legs]
    assert found.capital == sum(totals) and totals[0] % 10_000 == 0
    assert found.edge == (30 * ONE - found.capital) * ONE // (30 * ONE)


def test_the_capital_limit_is_met_to_the_last_lot():
    deep = world(((40, 900),), ((44, 900),))
    found = evaluate(CROSS, deep, Limits(capital_max=100 * ONE))
    more = found.qty + 10_000
    assert found.capital <= 100 * ONE
    spent = [order_total(f, [(px, more)]) for f, px in ((KALSHI, 400_000), (POLY, 440_000))]
    assert sum(spent) > 100 * ONE


def test_levels_off_the_present_grid_are_not_ordered():
    """A level left over from a finer grid cannot be named by an order now."""
    found = evaluate(
        CROSS,
        World(
            [market(A), market(B)],
            {LEGS[0]: [(395_000, 9 * ONE), (400_000, 9 * ONE)], LEGS[1]: cents((44, 50))},
        ),
        Limits(),
    )
    assert [f.px for f in found.legs[0].fills] == [400_000]


ladders = st.lists(st.tuples(st.integers(1, 60), st.integers(1, 9)), max_size=5).map(
    lambda levels: cents(*sorted(dict(levels).items()))
)
SCHEDULES = st.sampled_from([KALSHI, POLY, FREE])


def twin(payout, fees, ladders, need):
    """Buy one contract of each leg at the best price left, as long as it nets enough."""
    offers = [[px for px, qty in ladder for _ in range(qty // ONE)] for ladder in ladders]
    size = 0
    for pxs in zip(*offers, strict=False):
        exact = 0
        for schedule, px in zip(fees, pxs, strict=True):
            rate = 0 if schedule.kind == "none" else schedule.taker
            exact += px + ceil_div(rate * px * (ONE - px), ONE**2)
        if payout - exact < need:
            break
        size += 1
    return size * ONE


@given(st.lists(st.tuples(SCHEDULES, ladders), min_size=2, max_size=4), st.integers(1, 50_000))
def test_walk_equals_the_twin_that_buys_one_at_a_time(legs, need):
    fees, offers = zip(*legs, strict=True)
    assert walk(ONE, list(fees), list(offers), need) == twin(ONE, fees, offers, need)


@settings(max_examples=200)
@given(ladders, ladders, st.integers(1, 80), st.integers(1, 60_000))
def test_what_passes_the_funnel_holds_when_counted_anew(yes, no, capital, edge):
    limits = Limits(edge_min=edge, size_min=ONE, capital_max=capital * ONE)
    view = World([market(A), market(B)], {LEGS[0]: yes, LEGS[1]: no})
    found = evaluate(CROSS, view, limits)
    if isinstance(found, Rejected):
        assert all(isinstance(n, int) for n in found.numbers.values())
        assert found.stage != "gross" or (yes or [(ONE, 0)])[0][0] + (no or [(ONE, 0)])[0][0] >= ONE
        return
    assert found.capital <= capital * ONE and found.qty % 10_000 == 0
    for leg, ladder in zip(found.legs, (yes, no), strict=True):
        assert [(f.px, f.qty) for f in leg.fills] == take(ladder, found.qty)
        assert leg.total == order_total(leg.fees, take(ladder, found.qty))
    worst = min(  # over both end states
        sum(found.qty * (state if leg.outcome == "yes" else 1 - state) for leg in found.legs)
        for state in (0, 1)
    )
    assert (worst - found.capital) * ONE >= edge * found.qty


def test_all_or_one_lot_short_over_sizes():
    """Every depth against every capital: never a lot more than there is or than may be spent."""
    for depth, capital in product((5, 6, 50), (4, 5, 10, 1000)):
        found = evaluate(
            CROSS, world(((40, depth),), ((40, depth),)), Limits(capital_max=capital * ONE)
        )
        if isinstance(found, Basket):
            assert found.qty <= depth * ONE and found.capital <= capital * ONE
        else:
            assert (found.stage, found.reason) == ("sized", "below the least size")


def test_the_walk_stops_where_fees_and_need_take_the_last_millionth():
    """40 + 50 cents: 10 gross, fees 16_800 and 10_000: 73_200 is left, and not a millionth more."""
    offers = [cents((40, 7)), cents((50, 7))]
    assert walk(ONE, [KALSHI, POLY], offers, 73_200) == 7 * ONE
    assert walk(ONE, [KALSHI, POLY], offers, 73_201) == 0


def test_a_fee_per_contract_is_rounded_up():
    """0.07 x 0.333 x 0.667 = 0.01554777: a net that needs the rounded part is not there."""
    offers = [[(333_000, 7 * ONE)], [(500_000, 7 * ONE)]]
    left = ONE - 333_000 - 500_000
    assert walk(ONE, [KALSHI, FREE], offers, left - 15_548) == 7 * ONE
    assert walk(ONE, [KALSHI, FREE], offers, left - 15_547) == 0


def test_the_edge_of_a_bundle_of_no_counts_per_dollar_of_payout():
    """Three NO for $1.97 of the $2 that come back: 3 cents, an edge of 1.5 per cent."""
    keys = ("kalshi:A", "kalshi:B", "kalshi:C")
    legs = tuple((key, "no") for key in keys)
    offers = {(k, "no"): cents((px, 50)) for k, px in zip(keys, (65, 65, 67), strict=True)}
    view = World([market(k, fees=FREE) for k in keys], offers)
    candidate = pair("bundle_no", legs, payout=2 * ONE)
    assert evaluate(candidate, view, Limits(edge_min=15_000)).edge == 15_000
    assert evaluate(candidate, view, Limits(edge_min=15_001)).stage == "net"


def test_a_venue_with_a_larger_least_size_has_its_way():
    found = evaluate(CROSS, world(((40, 20),), ((45, 20),), size_min=21 * ONE), Limits())
    assert (found.stage, found.numbers["short"]) == ("sized", ONE)
