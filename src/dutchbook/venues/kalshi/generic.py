"""Exact numbers in bodies that are only recognised: money and counts must be plain decimals."""

from typing import Any

from dutchbook.domain.errors import RemoteProtocolError
from dutchbook.domain.units import micros

_EXACT = (
    "price",
    "count",
    "fill_count",
    "remaining_count",
    "initial_count",
    "reduced_by",
    "fee_cost",
    "average_fill_price",
    "average_fee_paid",
    "settlement_value",
)
_WHOLE = ("seq", "sid", "ts", "ts_ms", "revenue", "portfolio_value", "end_period_ts")


def check_numbers(body: Any, path: str = "") -> None:
    """Raise RemoteProtocolError at the first number that is not what its name promises.

    `*_dollars` and `*_fp` are decimal text (or lists of [price, size], or null); `*_ts` whole
    numbers or text; strikes and multipliers are not money and are left alone.
    """
    if isinstance(body, dict):
        for name, value in body.items():
            if not isinstance(name, str):
                raise RemoteProtocolError("kalshi", path, "a key that is not text")
            _check(name, value, f"{path}.{name}" if path else name)
    elif isinstance(body, list):
        for n, value in enumerate(body):
            check_numbers(value, f"{path}[{n}]")


def _check(name: str, value: Any, where: str) -> None:
    plain = name in _EXACT and not isinstance(value, dict | list)
    if plain or name.endswith(("_dollars", "_fp")):
        _decimals(value, where)
    elif (name in _WHOLE or name.endswith("_ts")) and isinstance(value, bool | float):
        raise RemoteProtocolError("kalshi", where, "not a whole number")
    else:
        check_numbers(value, where)


def _decimals(value: Any, where: str) -> None:
    if isinstance(value, list):
        for n, inner in enumerate(value):
            _decimals(inner, f"{where}[{n}]")
    elif isinstance(value, dict):
        for name, inner in value.items():
            _check(name, inner, f"{where}.{name}")
    elif isinstance(value, str):
        try:
            if value:
                micros(value)
        except ValueError as error:
            raise RemoteProtocolError("kalshi", where, str(error)) from None
    elif value is not None:
        raise RemoteProtocolError("kalshi", where, "a number must be text here")
