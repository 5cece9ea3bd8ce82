"""The port of a strategy; what it sees and offers is named in `domain/candidate.py`."""

from typing import Protocol

from dutchbook.domain.candidate import Candidate, Catalogue, Kind, Outcome, View

__all__ = ["Candidate", "Catalogue", "Kind", "Outcome", "Strategy", "View"]


class Strategy(Protocol):
    """One arbitrage kind: names every basket of its kind that the catalogue allows."""

    name: str

    def candidates(self, catalogue: Catalogue) -> list[Candidate]: ...
