"""Links between markets and the decisions about them: the part of the account that is kept."""

from dutchbook.domain.events import LinkProposed, OperatorAsked
from dutchbook.domain.relations import Link


class Graph:
    """Every link at its newest version, and the version that a person approved, if any.

    A link is usable only while its newest version is the approved one: a changed claim, rule
    text or evidence is a new version and fails closed until somebody looks again.
    """

    def __init__(self) -> None:
        self.links: dict[str, Link] = {}
        self.approvals: dict[str, int] = {}

    def propose(self, event: LinkProposed) -> str:
        """Take a link in; returns why it was refused, or ""."""
        link, known = event.link, self.links.get(event.link.id)
        if len(link.members) < 2 and link.kind != "exhaustive":
            return "a link joins at least two markets"
        if len(set(link.members)) != len(link.members):
            return "a link names each market once"
        if link.kind in ("same", "opposite", "implies") and len(link.members) != 2:
            return f"{link.kind!r} joins exactly two markets"
        if not 0 < link.confidence <= 1_000_000:
            return "confidence lies between 0 and 1"
        if known == link:
            return ""
        if known is not None and link.version <= known.version:
            return f"version {link.version} is not newer than {known.version}"
        self.links[link.id] = link
        return ""

    def ask(self, event: OperatorAsked) -> str:
        """Approve or revoke a link at one version; returns why it was refused, or ""."""
        if event.verb not in ("approve", "revoke") or len(event.args) != 2:
            return f"unknown command {event.verb!r}"
        name, version = event.args
        link = self.links.get(name)
        if link is None:
            return f"no link {name!r}"
        if event.verb == "revoke":
            self.approvals.pop(name, None)
        elif str(link.version) != version:
            return f"link {name!r} is at version {link.version}, not {version}"
        else:
            self.approvals[name] = link.version
        return ""

    def approved(self) -> list[Link]:
        """Usable links, ordered by id."""
        return [
            self.links[name]
            for name in sorted(self.approvals)
            if self.links[name].version == self.approvals[name]
        ]
