"""Fees against the venues' own examples, and against plain fractions."""

from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dutchbook.domain.fees import cost, fill_fee, order_total, rounded
from dutchbook.domain.instrument import FeeSchedule
from dutchbook.domain.units import ONE

CENTS = FeeSchedule("kalshi", 70_000, 0, 1, 10_000)
MAKER = FeeSchedule("kalshi", 70_000, 17_500, 1, 10_000)
COMBO = FeeSchedule("kalshi", 70_000, 35_000, 1, 10_000)
DIRECT = FeeSchedule("kalshi", 70_000, 0, 1, 100)
SPORTS = FeeSchedule("polymarket", 50_000)
FREE = FeeSchedule("none")

prices = st.integers(1, 9_999).map(lambda tick: tick * 100)
sizes = st.integers(1, 10_000_000).map(lambda lots: lots * 10_000)
fills = st.lists(st.tuples(prices, sizes), max_size=12)
kalshi = st.builds(
    FeeSchedule,
    st.just("kalshi"),
    st.integers(0, 140_000),
    st.integers(0, 70_000),
    st.just(1),
    st.sampled_from([100, 10_000]),
)


def dollars(value: int) -> Fraction:
    return Fraction(value, ONE)


def test_kalshis_own_example_one_contract_at_five_and_a_half_cents():
    """Model 0.00363825, trade fee 0.003639, balance -0.06, rounding fee 0.001361."""
    assert fill_fee(CENTS, 55_000, ONE) == 3_639
    assert order_total(CENTS, [(55_000, ONE)]) == 60_000
    exact = cost(55_000, ONE) + fill_fee(CENTS, 55_000, ONE)
    assert rounded(CENTS, exact) - exact == 1_361


@pytest.mark.parametrize(
    ("schedule", "px", "qty", "maker", "fee"),
    [
        (CENTS, 500_000, 100 * ONE, False, 1_750_000),
        (CENTS, 500_000, 100 * ONE, True, 0),
        (MAKER, 500_000, 100 * ONE, True, 437_500),
        (COMBO, 500_000, 100 * ONE, True, 875_000),
        (CENTS, 10_000, 10_000, False, 7),  # 0.00000693
        (CENTS, 100, 10_000, False, 1),  # 0.00000006993: never less than a millionth
        (SPORTS, 500_000, 100 * ONE, False, 1_250_000),
        (SPORTS, 500_000, 100 * ONE, True, 0),
        (SPORTS, 500_000, 1_200, False, 20),  # 0.000015: a tie goes up
        (SPORTS, 500_000, 1_199, False, 10),  # 0.0000149875
        (SPORTS, 1_000, 10_000, False, 10),  # 0.0000004995: the minimum
        (FREE, 500_000, 100 * ONE, False, 0),
    ],
)
def test_a_fee_by_hand(schedule, px, qty, maker, fee):
    assert fill_fee(schedule, px, qty, maker=maker) == fee


def test_polymarkets_exponent_applies_to_the_spread():
    """25 contracts, rate 0.25, exponent 2, at one half: 25 x 0.25 x 0.0625."""
    assert fill_fee(FeeSchedule("polymarket", 250_000, 0, 2), 500_000, 25 * ONE) == 390_630
    assert fill_fee(FeeSchedule("polymarket", 250_000, 0, 0), 500_000, 4 * ONE) == ONE


@given(kalshi, prices, sizes, st.booleans())
def test_a_kalshi_fill_is_the_model_rounded_up_to_a_millionth(schedule, px, qty, maker):
    rate = dollars(schedule.maker if maker else schedule.taker)
    model = rate * dollars(qty) * dollars(px) * (1 - dollars(px))
    assert fill_fee(schedule, px, qty, maker=maker) == ceil(model * ONE)


@given(st.integers(1, 200_000), st.integers(1, 4), st.integers(1, 999_999), st.integers(1, 10**12))
def test_a_polymarket_fill_is_the_model_to_five_places_half_up(rate, exponent, px, qty):
    model = dollars(rate) * dollars(qty) * (dollars(px) * (1 - dollars(px))) ** exponent
    twin = max(1, floor(model * 100_000 + Fraction(1, 2))) * 10
    assert fill_fee(FeeSchedule("polymarket", rate, 0, exponent), px, qty) == twin


@given(kalshi, fills)
def test_an_order_costs_what_the_accumulator_leaves_fill_by_fill(schedule, some):
    """The venue rounds every fill against us and gives whole units back; so does the twin."""
    unit, balance, accumulated = schedule.precision, 0, 0
    for px, qty in some:
        exact = -(cost(px, qty) + fill_fee(schedule, px, qty))
        change = exact // unit * unit
        accumulated += exact - change
        back = accumulated // unit * unit
        accumulated -= back
        assert change + back <= 0
        balance += change + back
    assert order_total(schedule, some) == -balance


@given(kalshi, fills, fills)
def test_two_orders_never_cost_less_than_one(schedule, first, second):
    together = order_total(schedule, first + second)
    assert together <= order_total(schedule, first) + order_total(schedule, second)


@given(st.sampled_from([CENTS, MAKER, DIRECT, SPORTS]), prices, sizes)
def test_a_fee_is_the_same_for_yes_at_p_and_no_at_one_minus_p(schedule, px, qty):
    assert fill_fee(schedule, px, qty) == fill_fee(schedule, ONE - px, qty)


def test_nothing_is_charged_for_nothing_and_nonsense_is_refused():
    assert order_total(CENTS, []) == 0
    for schedule in (CENTS, SPORTS):
        assert fill_fee(schedule, 500_000, 0) == 0
        assert fill_fee(schedule, 0, ONE) == fill_fee(schedule, ONE, ONE) == 0
        for px, qty in ((-1, ONE), (ONE + 1, ONE), (500_000, -1)):
            with pytest.raises(ValueError, match="no fill"):
                fill_fee(schedule, px, qty)
