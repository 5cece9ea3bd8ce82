"""A implies B: NO of A and YES of B cannot both lose, so together they are worth a dollar."""

import msgspec

from dutchbook.domain.instrument import ALIVE
from dutchbook.domain.relations import Link
from dutchbook.domain.units import ONE, Usd
from dutchbook.strategies.base import Candidate, Catalogue


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`across_venues`: also where the two markets are on different venues."""

    across_venues: bool = True


class Implication:
    """One candidate per approved `implies` link between two open markets."""

    name = "implication"

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or Config()

    def candidates(self, catalogue: Catalogue) -> list[Candidate]:
        """NO of the first member with YES of the second, ordered by key."""
        venue = {m.key: m.venue for m in catalogue.instruments() if m.status in ALIVE}
        found: list[Candidate] = []
        for link in catalogue.approved():
            if link.kind != "implies" or len(link.members) != 2:
                continue
            a, b = link.members
            if a == b or a not in venue or b not in venue:
                continue
            if venue[a] == venue[b] or self.config.across_venues:
                found.append(_basket(link, a, b))
        return sorted(found, key=lambda candidate: candidate.key)


def _basket(link: Link, a: str, b: str) -> Candidate:
    key = f"implication:{link.id}:no={a}:yes={b}"
    return Candidate(key, "implication", ((a, "no"), (b, "yes")), Usd(ONE), (link,))
