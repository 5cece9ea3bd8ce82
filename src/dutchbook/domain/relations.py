"""Links between markets: claims with evidence, a version, and a person's decision."""

from typing import Literal

import msgspec

Kind = Literal["same", "opposite", "implies", "exclusive", "exhaustive"]


class Link(msgspec.Struct, frozen=True, array_like=True):
    """`members` are instrument keys; `implies` reads members[0] implies members[1].

    `confidence` is in millionths. A link is used only at the version that a person approved.
    """

    id: str
    kind: Kind
    members: tuple[str, ...]
    version: int
    evidence: str = ""
    confidence: int = 1_000_000
    source: str = "file"
