"""Cross-checks of a book against the venue's REST copy, fair to two clocks that differ.

The copy was taken at some moment around our question, while our stream went on. It agrees when
it equals our book as it was at any moment from the question until GRACE after the answer.
"""

from dutchbook.domain.units import MILLI, Ns

GRACE = Ns(1_000 * MILLI)
PATIENCE = Ns(6_000 * MILLI)
STRIKES = 3

Levels = tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]
"""(bids best first, asks best first), each (price, size)."""


class Check:
    """One question about one book, and what our book looked like meanwhile."""

    def __init__(self, asked: Ns, ours: Levels, strikes: int = 0) -> None:
        self.asked = asked
        self.past = [ours]
        self.answer: Levels | None = None
        self.answered = Ns(0)
        self.strikes = strikes

    def moved(self, ours: Levels) -> None:
        """Our book changed."""
        self.past.append(ours)

    def answered_by(self, theirs: Levels, now: Ns) -> None:
        self.answer = theirs
        self.answered = now

    def verdict(self, now: Ns) -> bool | None:
        """True: they agreed. False: they did not, for long enough. None: not known yet."""
        if self.answer is not None and self.answer in self.past:
            return True
        if self.answer is not None and now - self.answered > GRACE:
            return False
        return None

    def lapsed(self, now: Ns) -> bool:
        """Nobody answered; that says nothing about the book."""
        return self.answer is None and now - self.asked > PATIENCE
