"""A implies B: NO of A and YES of B cannot both lose, so together they are worth a dollar."""

import msgspec

from dutchbook.domain.instrument import ALIVE
from dutchbook.domain.relations import Link
from dutchbook.domain.units import ONE, Usd
from dutchbook.strategies.base import Candidate, Catalogue


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`across_venues`: also where the two markets are on different venues. `links_max`: longest
    chain; `chains_max`: so many candidates of more than one link, in the order of their keys."""

    across_venues: bool = True
    links_max: int = 6
    chains_max: int = 20_000


class Implication:
    """One candidate per approved `implies` link between two open markets, and per chain of them.

    A implies B and B implies C, so A implies C. A chain stands only where no link says so by
    itself; of several it is the shortest, and of those the first in the order of markets. Its
    candidate names every link that it rests on; what is in the middle need not be open.
    """

    name = "implication"

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or Config()

    def candidates(self, catalogue: Catalogue) -> list[Candidate]:
        """NO of the first member with YES of the last, ordered by key."""
        venue = {m.key: m.venue for m in catalogue.instruments() if m.status in ALIVE}
        links = [one for one in catalogue.approved() if _is_one(one)]
        found = [_basket((one,)) for one in links if self._wanted(one.members, venue)]
        chained = [
            _basket(path)
            for path in _chains(links, self.config.links_max)
            if self._wanted((path[0].members[0], path[-1].members[1]), venue)
        ]
        chained.sort(key=lambda candidate: candidate.key)
        found += chained[: self.config.chains_max]
        return sorted(found, key=lambda candidate: candidate.key)

    def _wanted(self, ends: tuple[str, ...], venue: dict[str, str]) -> bool:
        a, b = ends
        if a not in venue or b not in venue:
            return False
        return venue[a] == venue[b] or self.config.across_venues


def _is_one(link: Link) -> bool:
    return link.kind == "implies" and len(link.members) == 2 == len(set(link.members))


def _chains(links: list[Link], most: int) -> list[tuple[Link, ...]]:
    """The shortest chain of 2 to `most` links between any two markets that no link joins."""
    after: dict[str, dict[str, Link]] = {}
    for link in sorted(links, key=lambda one: (-one.confidence, one.id)):
        after.setdefault(link.members[0], {}).setdefault(link.members[1], link)
    found: list[tuple[Link, ...]] = []
    for start in sorted(after):
        known = {start, *after[start]}
        edge: list[tuple[Link, ...]] = [(one,) for _, one in sorted(after[start].items())]
        for _ in range(most - 1):
            further: list[tuple[Link, ...]] = []
            for path in edge:
                for end, link in sorted(after.get(path[-1].members[1], {}).items()):
                    if end not in known:
                        known.add(end)
                        further.append((*path, link))
            found += further
            edge = further
    return found


def _basket(path: tuple[Link, ...]) -> Candidate:
    a, b = path[0].members[0], path[-1].members[1]
    key = f"implication:{'+'.join(link.id for link in path)}:no={a}:yes={b}"
    return Candidate(key, "implication", ((a, "no"), (b, "yes")), Usd(ONE), path)
