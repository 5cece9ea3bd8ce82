"""Stops a strategy whose realised edge has gone below zero, at a stated error rate at any time.

A bet against the strategy: with results x in [-1, 1] dollars a contract and a fixed stake s < 1,
the wealth prod(1 - s x) is, while the mean result is zero or more, a supermartingale that starts at
1, so it ever reaches 1/alpha with probability alpha at most, however often one looks (Ville, 1939;
testing by betting: Waudby-Smith and Ramdas, JRSS B 86:1, 2024). The mean of several such wealths
is one, too; which stake is best depends on how bad things are, so a few are held at once.
"""

from typing import Final

from dutchbook.domain.units import ONE

STAKES: Final = (15_625, 62_500, 250_000, 750_000)
"""Parts of the wealth that are bet each time, in millionths."""
SCALE: Final = 10**18
"""Wealth is counted in parts of this, rounded down: that only makes the test slower to stop."""


class Decay:
    """Results in, one by one; `stopped` once the mean is below zero with 1 - `alpha` confidence."""

    def __init__(self, alpha: int = 50_000) -> None:
        if not 0 < alpha < ONE:
            raise ValueError(f"alpha is a share in millionths between 0 and 1, not {alpha}")
        self.alpha = alpha
        self.count = 0
        self.total = 0
        self.stopped = False
        self._wealth = [SCALE] * len(STAKES)

    def add(self, result: int) -> None:
        """A position was closed: profit per contract after fees, -ONE to ONE (cut off there)."""
        result = max(-ONE, min(ONE, result))
        self.count += 1
        self.total += result
        self._wealth = [
            wealth * (ONE * ONE - stake * result) // (ONE * ONE)
            for wealth, stake in zip(self._wealth, STAKES, strict=True)
        ]
        if sum(self._wealth) * self.alpha >= len(STAKES) * SCALE * ONE:
            self.stopped = True

    @property
    def mean(self) -> int:
        """The realised edge so far, in millionths of a dollar a contract, rounded down."""
        return self.total // self.count if self.count else 0
