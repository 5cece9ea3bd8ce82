"""Buy YES and NO of one market for less than the dollar that exactly one of them pays."""

import msgspec

from dutchbook.domain.instrument import ALIVE
from dutchbook.domain.units import ONE, Usd
from dutchbook.strategies.base import Candidate, Catalogue


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`venues`: only markets of these; empty means of every venue."""

    venues: tuple[str, ...] = ()


class Complement:
    """One candidate per open market.

    Where each token has a book of its own the two can disagree; where the venue keeps one book
    this is a crossed one, which the freshness gate refuses once it lasts.
    """

    name = "complement"

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or Config()

    def candidates(self, catalogue: Catalogue) -> list[Candidate]:
        """Every open market's pair of outcomes, ordered by key."""
        venues = self.config.venues
        found = [
            _pair(m.key)
            for m in catalogue.instruments()
            if m.status in ALIVE and (not venues or m.venue in venues)
        ]
        return sorted(found, key=lambda candidate: candidate.key)


def _pair(key: str) -> Candidate:
    return Candidate(f"complement:{key}", "complement", ((key, "yes"), (key, "no")), Usd(ONE))
