"""Whom the look of every second concerns: one compiled scan names them among all candidates."""

from collections.abc import Callable
from typing import Final

from dutchbook.engine.view import WorldView
from dutchbook.state.universe import Universe
from dutchbook.state.world import World
from dutchbook.strategies.base import Candidate

SLICE: Final = 500
"""So many candidates a second are asked whether they are fresh, in turn, for the funnel alone."""


class Survey:
    """The candidates as they were indexed last, their arrays, and whose turn it is."""

    def __init__(
        self, candidates: list[Candidate], world: World, counted: Callable[[str], bool]
    ) -> None:
        self.candidates = candidates
        self._place = {candidate.key: place for place, candidate in enumerate(candidates)}
        self._universe = Universe(world.books, world.instruments.values(), candidates)
        self._uncounted = [one for one in candidates if not counted(one.key)]

    def due(self, warm: dict[str, None]) -> list[Candidate]:
        """Candidates whose gross edge is positive, and the warm ones, in the order of the index.

        All others have no gross edge and had none before: nothing is to be decided about them.
        """
        places = dict.fromkeys(self._universe.gross())
        # What the optimiser proposed is warm, too, and is looked at by itself.
        places.update(dict.fromkeys(self._place[key] for key in warm if key in self._place))
        return [self.candidates[place] for place in sorted(places)]

    def newly_fresh(self, view: WorldView) -> list[str]:
        """Keys of the next slice of candidates that were not fresh before and are now."""
        asked, later = self._uncounted[:SLICE], self._uncounted[SLICE:]
        stale = [candidate for candidate in asked if view.why_stale(candidate)]
        kept = dict.fromkeys(candidate.key for candidate in stale)
        self._uncounted = later + stale
        return [candidate.key for candidate in asked if candidate.key not in kept]
