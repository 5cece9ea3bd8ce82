"""The why-not ledger: how far each candidate got, what stopped it, and what would flip it.

A rejection is recorded with its numbers when the candidate's state changes, or when it is the
best rejected one of its kind in that second; every evaluation is counted by reason.
"""

from typing import Final

from dutchbook.domain.step import Passed
from dutchbook.domain.units import SECOND, Ns

STAGES: Final = ("seen", "matched", "fresh", "gross", "net", "depth", "sized")
"""The funnel. A candidate rejected at a stage passed all stages before it."""
RANK: Final = {stage: rank for rank, stage in enumerate(STAGES)}
FOUND: Final = len(STAGES)


class WhyNot:
    """Counts by stage and reason, the farthest stage of each candidate, the last rejections."""

    def __init__(self) -> None:
        self.reasons: dict[str, int] = {}
        self.reached: dict[str, int] = {}
        self.last: dict[str, Passed] = {}
        self._best: dict[str, tuple[int, Passed]] = {}
        self._second = Ns(0)

    def reach(self, key: str, rank: int) -> None:
        """A candidate passed every stage below `rank`."""
        if rank > self.reached.get(key, 0):
            self.reached[key] = rank

    def was_fresh(self, key: str) -> bool:
        """Whether a candidate passed the stage "fresh" at least once."""
        return self.reached.get(key, 0) >= RANK["gross"]

    def reject(self, key: str, kind: str, passed: Passed, edge: int) -> Passed | None:
        """Count a rejection; returns the note to record when the candidate's state changed."""
        reason = f"{passed.stage}:{passed.reason}"
        self.reasons[reason] = self.reasons.get(reason, 0) + 1
        self.reach(key, RANK[passed.stage])
        before = self.last.get(key)
        self.last[key] = passed
        best = self._best.get(kind)
        if best is None or edge > best[0]:
            self._best[kind] = (edge, passed)
        if before is None or before.stage != passed.stage or before.reason != passed.reason:
            return passed
        return None

    def forget(self, key: str) -> None:
        """The candidate is no longer rejected (it was opened, or costs more than it pays)."""
        self.last.pop(key, None)

    def best_of_second(self, now: Ns) -> list[Passed]:
        """Once a second: the best rejected candidate of each kind since the last time."""
        if now - self._second < SECOND:
            return []
        self._second = now
        best = [passed for _, passed in self._best.values()]
        self._best = {}
        return best

    def funnel(self, seen: int, matched: int) -> dict[str, int]:
        """How many markets were seen, candidates matched, and candidates passed each stage."""
        counts = {"seen": seen, "matched": matched}
        for stage in STAGES[2:]:
            counts[stage] = sum(rank > RANK[stage] for rank in self.reached.values())
        return counts
