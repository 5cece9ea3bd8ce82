"""Polymarket's numbers against exact fractions, and the texts that are none."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dutchbook.domain.units import ONE, plain
from dutchbook.venues.polymarket.numbers import (
    BESTS,
    MEMO_MAX,
    PRICES,
    SIZES,
    exact,
    millis,
    moment,
    rough,
)

NOT_NUMBERS = ["NaN", "Infinity", "-0", "1e400", "1e-400", "0x10", "1_000", "１２", " 1", "1,5",
               "", "+1", "1.", "0.1234567", "1234567890123456789", "-1", "٣"]  # fmt: skip


@given(st.integers(1, ONE - 1), st.integers(0, 10**18))
def test_text_and_millionths_are_the_same_number(px, size):
    assert PRICES[plain(px)] == BESTS[plain(px)] == px == Fraction(plain(px)) * ONE
    assert SIZES[plain(size)] == size
    assert exact(Decimal(plain(px))) == px


@pytest.mark.parametrize("text", NOT_NUMBERS)
def test_what_is_not_a_plain_decimal_is_refused_and_not_remembered(text):
    for table in (PRICES, BESTS, SIZES):
        with pytest.raises(ValueError, match=r"not a|below"):
            table[text]
        assert text not in table


def test_ends_and_short_forms():
    assert (BESTS["0"], BESTS["1"], PRICES[".48"], SIZES["1500.0"]) == (0, ONE, 480_000, 1500 * ONE)
    for text in ("0", "1", "1.0001", "0.000"):
        with pytest.raises(ValueError, match="between"):
            PRICES[text]


def test_memories_are_bounded():
    for n in range(MEMO_MAX + 10):
        SIZES[str(n)]
    assert len(SIZES) <= MEMO_MAX


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e400", "1e-9", "0.0000001"])
def test_json_numbers_that_are_not_whole_millionths(text):
    with pytest.raises(ValueError, match=r"range|decimals"):
        exact(Decimal(text))


def test_statistics_are_cut_not_rounded():
    assert [rough(Decimal(t)) for t in ("1.23456789", "1e-9", "0")] == [1_234_567, 0, 0]


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "-1",
        "1750212212",
        "1750212212579000",
        "175021221257９",
        "4102444800001",
        " 750212212579",
    ],
)
def test_times_in_another_unit_or_none_are_refused(text):
    with pytest.raises(ValueError, match="time"):
        millis(text)


def test_dates():
    assert moment("2026-12-10T12:00:00Z") == moment("2026-12-10T13:00:00+01:00")
    assert moment("2026-12-10") == 1_796_860_800 * 10**9
    assert moment("2026-12-10T12:00:00.123456Z") == 1_796_904_000_123_456_000
    for text in ("2026-12-10T12:00:00", "1969-01-01", "2026-02-29", "23:59:60", "soon", "2026-W01"):
        with pytest.raises(ValueError, match="time"):
            moment(text)
