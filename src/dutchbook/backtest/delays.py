"""How long orders are under way: always the same, drawn from a seed, or as it was recorded."""

import math
from hashlib import blake2b
from typing import Final

from dutchbook.domain.errors import UsageError
from dutchbook.domain.units import MILLI, SECOND, Ns
from dutchbook.sim.exchange import Constant, Delays

UNITS: Final = {"us": 1_000, "ms": MILLI, "s": SECOND}
SPREAD: Final = 0.5
"""Standard deviation of the logarithm of a drawn span: 95 % lie below 2.3 times the median."""


class Drawn:
    """Log-normal around a median. The n-th request of a seed always takes the same."""

    def __init__(self, median: Ns, seed: int) -> None:
        self.median = median
        self.seed = seed
        self._count = 0

    def order(self, venue: str, now: Ns) -> Ns:
        self._count += 1
        text = f"{self.seed} {venue} {self._count}".encode()
        raw = blake2b(text, digest_size=16).digest()
        first = (int.from_bytes(raw[:8], "big") + 1) / 2**64
        second = int.from_bytes(raw[8:], "big") / 2**64
        normal = math.sqrt(-2 * math.log(first)) * math.cos(2 * math.pi * second)
        return Ns(round(self.median * math.exp(SPREAD * normal)))


class Replayed:
    """Recorded spans from sending to answer, in their order, again and again."""

    def __init__(self, spans: list[Ns]) -> None:
        self.spans = spans
        self._count = 0

    def order(self, venue: str, now: Ns) -> Ns:
        self._count += 1
        return self.spans[(self._count - 1) % len(self.spans)]


def span(text: str) -> Ns:
    """ "250ms", "1s", "40us" in ns. Raises UsageError."""
    for unit in ("us", "ms", "s"):
        number = text.removesuffix(unit)
        if number != text and number.isascii() and number.isdigit() and len(number) < 10:
            return Ns(int(number) * UNITS[unit])
    raise UsageError(f"{text[:40]!r} is no span of time", todo="write 250ms, 1s or 40us")


def constant(text: str) -> Ns | None:
    """The latency of every order; None where they differ. Raises UsageError."""
    found = None if text == "recorded" else span(text.removeprefix("drawn:"))
    return None if text.startswith("drawn:") else found


def delays(text: str, feed: Ns, seed: int, recorded: list[Ns]) -> Delays:
    """From "250ms", "drawn:250ms" or "recorded"; `feed` is added to each (see sim/exchange.py).

    Raises UsageError.
    """
    if text == "recorded":
        if not recorded:
            raise UsageError(
                "no order's latency is recorded in this data",
                todo="give --latency 250ms or drawn:250ms, or name the record of a run",
            )
        return Replayed([Ns(one + feed) for one in recorded])
    kind, _, rest = text.partition(":")
    if kind == "drawn" and rest:
        return _Later(Drawn(span(rest), seed), feed)
    return Constant(Ns(span(text) + feed))


class _Later:
    def __init__(self, delays: Delays, more: Ns) -> None:
        self._delays = delays
        self._more = more

    def order(self, venue: str, now: Ns) -> Ns:
        return Ns(self._delays.order(venue, now) + self._more)
