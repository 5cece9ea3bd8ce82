"""How long to wait before dialling again: exponential, full jitter, from a seeded generator."""

from random import Random
from typing import Final

from dutchbook.domain.units import MILLI, SECOND, Ns

FIRST: Final = 100 * MILLI
CAP: Final = 10 * SECOND
STEADY: Final = 30 * SECOND
"""A connection that lived this long starts the count anew."""


class Backoff:
    """The n-th wait in a row lies between 0 and min(10 s, 0.1 s x 2^n), evenly."""

    def __init__(self, seed: str) -> None:
        self._chance = Random(seed)
        self.failures = 0

    def wait(self, lived: Ns) -> Ns:
        """Ns to wait after a connection that lived for `lived` ns (0: it never opened)."""
        if lived >= STEADY:
            self.failures = 0
        most = min(CAP, FIRST << min(self.failures, 10))
        self.failures += 1
        return Ns(self._chance.randint(0, most))
