"""What never became a candidate, and the claim that it lacked: the first step of the funnel."""

from dutchbook.domain.candidate import Catalogue
from dutchbook.domain.instrument import EventGroup
from dutchbook.domain.relations import Link
from dutchbook.domain.step import Passed
from dutchbook.strategies.bundle import Bundle

NEEDED = ("same", "opposite", "implies")


def unmatched(catalogue: Catalogue, proposed: list[Link]) -> list[Passed]:
    """Events that are no bundle and links that nobody approved, each with what would flip it.

    `proposed` are the latest versions of all links that anybody claimed, approved or not.
    """
    bundles = {c.group.key for c in Bundle().candidates(catalogue) if c.group is not None}
    is_open = {market.key for market in catalogue.instruments() if market.status == "open"}
    found = [
        _event(group, is_open)
        for group in catalogue.groups()
        if len(group.members) > 1 and group.key not in bundles
    ]
    approved = {(link.id, link.version) for link in catalogue.approved()}
    for link in proposed:
        if (link.id, link.version) not in approved:
            kind = "implication" if link.kind == "implies" else "cross_venue"
            kind = kind if link.kind in NEEDED else "bundle"
            numbers = {"version": link.version, "confidence": link.confidence}
            found.append(Passed(f"{kind}:{link.id}", "matched", "link not approved", numbers))
    return sorted(found, key=lambda passed: passed.key)


def _event(group: EventGroup, is_open: set[str]) -> Passed:
    closed = sum(key not in is_open for key in group.members)
    numbers = {
        "outcomes": len(group.members),
        "closed": closed,
        "exclusive": int(group.exclusive),
        "exhaustive": int(group.exhaustive),
    }
    reasons = (
        ("an outcome is closed", closed > 0),
        ("not known to be exhaustive", not group.exhaustive),
        ("not known to be exclusive", not group.exclusive),
    )
    reason = next((text for text, holds in reasons if holds), "too many outcomes")
    return Passed(f"bundle:{group.key}", "matched", reason, numbers)
