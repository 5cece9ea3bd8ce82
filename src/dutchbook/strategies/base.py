"""The port of a strategy; what it sees and offers is in `domain`: `candidate.py`, `wish.py`."""

from typing import Protocol

from dutchbook.domain.candidate import Candidate, Catalogue, Kind, Outcome, View
from dutchbook.domain.wish import Position, Quoter, QuoteView, Wish

__all__ = [
    "Candidate",
    "Catalogue",
    "Kind",
    "Outcome",
    "Position",
    "QuoteView",
    "Quoter",
    "Strategy",
    "View",
    "Wish",
]


class Strategy(Protocol):
    """One arbitrage kind: names every basket of its kind that the catalogue allows."""

    name: str

    def candidates(self, catalogue: Catalogue) -> list[Candidate]: ...
