"""The checker's fees are the venues' published ones, and agree with the product's own."""

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "checker"))

from check_money import fill_cost, order_cost, whole

from dutchbook.domain.fees import order_total
from dutchbook.domain.instrument import FeeSchedule

KALSHI = {"market": "kalshi:A", "fee_rate": 70_000, "rounds_to": 10_000}
POLY = {"market": "polymarket:0x", "fee_rate": 40_000, "rounds_to": 0}
FILLS = st.lists(
    st.tuples(st.integers(1, 999).map(lambda n: n * 1_000), st.integers(1, 10**7)), min_size=1
)


def test_the_example_of_the_documents():
    """One contract at 0.055: model fee 0.00363825, trade fee 0.003639, balance change 0.06."""
    assert fill_cost(KALSHI, 55_000, 1_000_000) == 55_000 + 3_639
    assert order_cost(KALSHI, [(55_000, 1_000_000)]) == 60_000
    assert order_cost(POLY, [(500_000, 100_000_000)]) == 51_000_000


@given(FILLS)
def test_two_independent_ways_agree(fills):
    fills = [(px, lots * 10_000) for px, lots in fills]
    ours = FeeSchedule("kalshi", taker=70_000, precision=10_000)
    assert order_cost(KALSHI, fills) == order_total(ours, fills)
    assert order_cost(POLY, fills) == order_total(FeeSchedule("polymarket", taker=40_000), fills)


@pytest.mark.parametrize("text", ["", "NaN", "1e3", " 1", "1_0", "0.1234567", None, 1, "--1", "."])
def test_what_is_no_decimal_is_refused(text):
    with pytest.raises(ValueError):
        whole(text)
