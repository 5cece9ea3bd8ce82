"""Who may do what: scopes, the six roles that hold them, and what needs two people."""

from typing import Final

import msgspec

READS: Final = frozenset(
    ("status:read", "markets:read", "opportunities:read", "portfolio:read", "signals:read",
     "alerts:read", "jobs:read")
)  # fmt: skip
WRITES: Final = frozenset(
    ("detect:run", "normalize:run", "execute:write", "orders:write", "signals:write",
     "alerts:write", "metrics:write", "webhook:write")
)  # fmt: skip
CONTROLS: Final = frozenset(
    ("control:pause", "control:kill", "control:reload", "approvals:write", "approvals:decide")
)
ADMIN: Final = frozenset(("keys:admin", "people:admin", "audit:read", "jobs:run"))
OWN: Final = frozenset(("self",))
"""What everybody who is known may do: see who they are, sign out."""
SCOPES: Final = READS | WRITES | CONTROLS | ADMIN | OWN
ROLES: Final[dict[str, frozenset[str]]] = {
    "viewer": READS | OWN,
    "trader": READS | OWN | {"detect:run", "normalize:run", "execute:write", "orders:write",
                             "signals:write", "alerts:write", "control:pause", "control:kill"},
    "risk": READS | OWN | CONTROLS | {"detect:run", "alerts:write"},
    "admin": SCOPES,
    "auditor": READS | OWN | {"audit:read"},
    "service": OWN | {"status:read", "markets:read", "opportunities:read", "signals:read",
                      "normalize:run", "detect:run", "signals:write", "metrics:write",
                      "webhook:write", "alerts:write", "jobs:read"},
}  # fmt: skip
"""Stopping is wide, letting go on is narrow: a trader may kill, only two may clear it."""


class Principal(msgspec.Struct, frozen=True):
    """Who asks, once it is known. `name` goes into the journal; `id` is the key or session;
    `expires` in ns, 0 never."""

    kind: str
    id: str
    name: str
    role: str
    scopes: frozenset[str]
    rate: int = 0
    expires: int = 0

    def may(self, scope: str) -> bool:
        return scope in self.scopes

    @property
    def label(self) -> str:
        """As the journal and the audit name them."""
        return f"{self.name} ({self.kind} {self.id})"


OWNER: Final = Principal(
    "local", "owner", "owner", "", READS | OWN | {"signals:write"}
)  # fmt: skip
"""Who can read the files of the run: they listen and post signals without a key of their own."""


def scopes_of(role: str, chosen: tuple[str, ...] = ()) -> frozenset[str]:
    """What a role may do, cut down to `chosen` where some are. An unknown role may nothing."""
    held = ROLES.get(role, frozenset())
    return held & (frozenset(chosen) | OWN) if chosen else held
