"""Text becomes millionths exactly, or not at all."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dutchbook.domain.units import ceil_div, micros, plain

BAD = [
    "NaN", "nan", "Infinity", "-Infinity", "inf", "1e400", "1e-400", "1E5", "0x10", "1_000", "１２",
    " 1", "1 ", "1,5", "", ".", ".5", "5.", "+1", "--1", "1.2.3", "0.1234567", "1\n", "\x001", "٣",
    "1" * 16, "9223372036854775808", "18446744073709551616", "½", "−1", "1" * 5_000, "true", "[]",
]  # fmt: skip


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_plain_decimal_is_refused(text):
    with pytest.raises(ValueError, match="not a plain decimal"):
        micros(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.4500", 450_000),
        ("0.560000", 560_000),
        ("1", 1_000_000),
        ("1.0000", 1_000_000),
        ("-12.30", -12_300_000),
        ("0.000001", 1),
        ("0", 0),
        ("-0", 0),
        ("007.5", 7_500_000),
        ("999999999999999.999999", 999_999_999_999_999_999_999),
    ],
)
def test_a_plain_decimal_is_read_exactly(text, value):
    assert micros(text) == value


@given(st.integers(-(10**20), 10**20))
def test_what_is_written_is_read_back(value):
    assert micros(plain(value)) == value


@given(st.decimals(-(10**9), 10**9, places=6, allow_nan=False))
def test_reading_agrees_with_decimals(number):
    text = f"{number:f}"
    assert micros(text) == int(Decimal(text) * 1_000_000)


@given(st.integers(-(10**30), 10**30), st.integers(1, 10**20))
def test_dividing_rounds_up(a, b):
    assert (ceil_div(a, b) - 1) * b < a <= ceil_div(a, b) * b
