"""Buy one outcome on one venue and its contrary on the other, where a person linked the markets."""

from itertools import combinations

import msgspec

from dutchbook.domain.candidate import Outcome
from dutchbook.domain.instrument import ALIVE
from dutchbook.domain.relations import Link
from dutchbook.domain.units import ONE, Usd
from dutchbook.strategies.base import Candidate, Catalogue


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`confidence_min`: links below this confidence (millionths) are passed over."""

    confidence_min: int = 0


class CrossVenue:
    """Two candidates per approved `same` or `opposite` pair of open markets on two venues."""

    name = "cross_venue"

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or Config()

    def candidates(self, catalogue: Catalogue) -> list[Candidate]:
        """Both directions of every linked pair, ordered by key."""
        venue = {m.key: m.venue for m in catalogue.instruments() if m.status in ALIVE}
        found: list[Candidate] = []
        for link in catalogue.approved():
            pair = link.kind == "same" or (link.kind == "opposite" and len(link.members) == 2)
            if not pair or link.confidence < self.config.confidence_min:
                continue
            for a, b in combinations(sorted(set(link.members)), 2):
                if a in venue and b in venue and venue[a] != venue[b]:
                    found.extend(_both(link, a, b))
        return sorted(found, key=lambda candidate: candidate.key)


def _both(link: Link, a: str, b: str) -> list[Candidate]:
    yes: Outcome = "yes"
    no: Outcome = "no"
    sides = ((yes, no), (no, yes)) if link.kind == "same" else ((yes, yes), (no, no))
    return [
        Candidate(
            f"cross_venue:{link.id}:{of_a}={a}:{of_b}={b}",
            "cross_venue",
            ((a, of_a), (b, of_b)),
            Usd(ONE),
            (link,),
        )
        for of_a, of_b in sides
    ]
