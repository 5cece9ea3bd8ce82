"""Buy every outcome of an event, or every NO, for less than what must come back."""

import msgspec

from dutchbook.domain.candidate import Outcome
from dutchbook.domain.instrument import ALIVE, EventGroup
from dutchbook.domain.relations import Link
from dutchbook.domain.units import ONE, Usd
from dutchbook.strategies.base import Candidate, Catalogue


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`sides`: which of the two baskets; `outcomes_max`: leave larger events alone."""

    sides: tuple[Outcome, ...] = ("yes", "no")
    outcomes_max: int = 64


class Bundle:
    """YES side pays 1, NO side pays n-1, of events proven exclusive and exhaustive.

    Both claims must hold: that at most one outcome wins, and that one does. Each comes from the
    venue, or from an approved link over exactly the event's members. An event whose list can
    still grow (a negative-risk event with an open "Other") is not exhaustive, says the venue.
    """

    name = "bundle"

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or Config()

    def candidates(self, catalogue: Catalogue) -> list[Candidate]:
        """Both sides of every event that qualifies, ordered by key."""
        alive = {m.key for m in catalogue.instruments() if m.status in ALIVE}
        claims = _claims(catalogue.approved())
        found: list[Candidate] = []
        for group in catalogue.groups():
            members = group.members
            if not 2 <= len(set(members)) == len(members) <= self.config.outcomes_max:
                continue
            if not all(key in alive for key in members):
                continue
            links = _basis(group, claims)
            if links is not None:
                found.extend(_side(group, side, links) for side in self.config.sides)
        return sorted(found, key=lambda candidate: candidate.key)


def _claims(links: list[Link]) -> dict[tuple[str, tuple[str, ...]], Link]:
    """The first approved link of each kind over each exact set of members."""
    claims: dict[tuple[str, tuple[str, ...]], Link] = {}
    for link in links:
        if link.kind in ("exclusive", "exhaustive"):
            claims.setdefault((link.kind, tuple(sorted(link.members))), link)
    return claims


def _basis(
    group: EventGroup, claims: dict[tuple[str, tuple[str, ...]], Link]
) -> tuple[Link, ...] | None:
    """The links needed beside the venue's own word; None when a claim is missing."""
    members = tuple(sorted(group.members))
    links: list[Link] = []
    for kind, said in (("exclusive", group.exclusive), ("exhaustive", group.exhaustive)):
        if said:
            continue
        link = claims.get((kind, members))
        if link is None:
            return None
        links.append(link)
    return tuple(links)


def _side(group: EventGroup, side: Outcome, links: tuple[Link, ...]) -> Candidate:
    legs = tuple((key, side) for key in group.members)
    if side == "yes":
        return Candidate(f"bundle_yes:{group.key}", "bundle_yes", legs, Usd(ONE), links, group)
    payout = Usd((len(legs) - 1) * ONE)
    return Candidate(f"bundle_no:{group.key}", "bundle_no", legs, payout, links, group)
