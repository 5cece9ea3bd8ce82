"""Portfolios that nobody planted, in mode sim: each is judged by what it rests on.

The independent verifier works its sums and its worst end out anew, the record says whether its
fills were on offer, and the exchanges' truth whether its links and events are as they were told.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from dutchbook import verifier_joint
from dutchbook.domain.certificate import Certificate
from dutchbook.optimize.prove import certificate_json
from dutchbook.runtime.rederive import Recorded, rederive_all

Truth = dict[str, set[tuple[str, ...]]]
"""Kind of relation -> the members of those that hold."""


def doubts(
    proofs: Sequence[tuple[str, Certificate]], record: Iterable[Recorded], truth: Path
) -> dict[str, list[str]]:
    """What is wrong, by opportunity; nothing of those that stand. `record` begins with the run.

    Raises OSError, msgspec.MsgspecError for a truth that can't be read.
    """
    if not proofs:
        return {}
    documents = [certificate_json(proof) for _, proof in proofs]
    held = relations(truth)
    found: dict[str, list[str]] = {}
    traced = rederive_all(documents, record)
    for (name, proof), document, problems in zip(proofs, documents, traced, strict=True):
        every = [*verifier_joint.verify(document), *problems, *untrue(proof, held)]
        if every:
            found.setdefault(name, []).extend(every)
    return found


def relations(truth: Path) -> Truth:
    """The relations that the exchanges made true."""
    found: Truth = {}
    with truth.open("rb") as file:
        for line in file:
            row = msgspec.json.decode(line) if line.endswith(b"\n") else {}
            if row.get("what") == "relation" and row["true"]:
                found.setdefault(row["kind"], set()).add(tuple(row["members"]))
    return found


def untrue(proof: Certificate, held: Truth) -> list[str]:
    """Links and events of a certificate that do not hold in truth."""
    said = [(one.link.kind, one.link.members) for one in proof.links]
    for group in proof.groups:
        said += [(kind, group.members) for kind in ("exclusive", "exhaustive")
                 if getattr(group, kind)]  # fmt: skip
    ordered = ("implies",)
    return [
        f"{kind} of {', '.join(members[:3])} is not true"
        for kind, members in said
        if not any(
            tuple(members) == other if kind in ordered else set(members) == set(other)
            for other in held.get(kind, ())
        )
    ]
