"""How the venues write numbers and moments."""

from datetime import UTC, datetime

from dutchbook.domain.units import ONE, plain

__all__ = ["dollars", "fp", "iso", "plain"]


def dollars(px: int) -> str:
    """Kalshi's dollar string, four places: 427_500 -> "0.4275"."""
    sign, px = ("-", -px) if px < 0 else ("", px)
    return f"{sign}{px // ONE}.{px % ONE // 100:04d}"


def fp(qty: int) -> str:
    """Kalshi's count string, two places, with its sign: -1_500_000 -> "-1.50"."""
    sign, qty = ("-", -qty) if qty < 0 else ("", qty)
    return f"{sign}{qty // ONE}.{qty % ONE // 10_000:02d}"


def iso(ns: int) -> str:
    """A moment as both venues write it, microseconds and Z."""
    moment = datetime.fromtimestamp(ns // 1_000_000_000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ns // 1000 % 1_000_000:06d}Z"
