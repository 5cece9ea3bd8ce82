"""Links between markets: claims with evidence, a version, and a person's decision."""

import hashlib
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, Literal

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


RULES: Final = re.compile(r" \[rules ([0-9a-f]{32})\]\Z")


def stamped(evidence: str, digest: str) -> str:
    """Evidence that holds only for the texts of this digest."""
    return f"{evidence} [rules {digest}]" if digest else evidence


def stamp_of(link: Link) -> str:
    """The digest of the texts that a person read, or "" where the link is not bound to any."""
    found = RULES.search(link.evidence)
    return found[1] if found else ""


def digest_of(texts: Iterable[str]) -> str:
    """One digest of several texts, in order; where one ends counts."""
    return _digest(tuple(texts))


@lru_cache(maxsize=20_000)
def _digest(texts: tuple[str, ...]) -> str:
    whole = hashlib.blake2b(digest_size=16)
    for text in texts:
        raw = text.encode("utf-8", "surrogatepass")
        whole.update(len(raw).to_bytes(8, "big") + raw)
    return whole.hexdigest()
