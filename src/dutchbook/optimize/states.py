"""Which end states a basket is judged by: those of the common terms, and those beside them.

A rule here is told a second time, independently, in `verifier.py`; the tests compare the two.
"""

from dutchbook.domain.candidate import Candidate
from dutchbook.domain.units import ONE

HALF = ONE // 2
LABEL = {ONE: "YES", 0: "NO", HALF: "50/50"}

Ends = list[tuple[str, dict[str, int]]]
"""(name, what one YES of each market pays in millionths) per end state."""


def end_states(candidate: Candidate) -> tuple[Ends, Ends]:
    """(the states of the common terms, the states in which rule texts or venues part ways)."""
    if candidate.kind == "complement":
        return _complement(candidate.legs[0][0])
    if candidate.kind in ("bundle_yes", "bundle_no"):
        return _bundle([key for key, _ in candidate.legs])
    return _pair(candidate)


def _complement(key: str) -> tuple[Ends, Ends]:
    """Polymarket's terms define a 50/50 void; Kalshi's do not, so there it lies beside them."""
    void: Ends = [(f"{key} 50/50", {key: HALF})]
    sure: Ends = [(f"{key} YES", {key: ONE}), (f"{key} NO", {key: 0})]
    last: Ends = [(f"{key} last price", {key: 0})]
    return (sure + void, last) if _voids(key) else (sure, void + last)


def _bundle(keys: list[str]) -> tuple[Ends, Ends]:
    """Each outcome alone; beside the terms: none of them, all void, or two at once.

    No void is among the terms of an event as a whole: where exactly one outcome pays, the
    contract that links them (negative risk) accepts nothing else.
    """
    none = dict.fromkeys(keys, 0)
    sure: Ends = [(f"{key} alone YES", none | {key: ONE}) for key in keys]
    parted: Ends = [
        ("none YES", none),
        ("all 50/50", dict.fromkeys(keys, HALF)),
        (f"{keys[0]} and {keys[1]} YES", none | {keys[0]: ONE, keys[1]: ONE}),
    ]
    return sure, parted


def _pair(candidate: Candidate) -> tuple[Ends, Ends]:
    """All nine ends of two markets, and each one's last price with the other against us."""
    (a, of_a), (b, of_b) = candidate.legs
    possible = consistent(candidate.links[0].kind)
    if candidate.kind == "implication" and _voids(a) and _voids(b):
        possible = (*possible, (HALF, HALF))
    ends = [(x, y) for x in LABEL for y in LABEL]
    named = {(x, y): (f"{a} {LABEL[x]}, {b} {LABEL[y]}", {a: x, b: y}) for x, y in ends}
    against = {a: 0 if of_a == "yes" else ONE, b: 0 if of_b == "yes" else ONE}
    last: Ends = [(f"{key} last price, the other against us", against) for key in (a, b)]
    return (
        [named[end] for end in ends if end in possible],
        [named[end] for end in ends if end not in possible] + last,
    )


def consistent(kind: str) -> tuple[tuple[int, int], ...]:
    """The (first, second) ends that a link of two markets leaves possible."""
    if kind == "same":
        return ((ONE, ONE), (0, 0))
    if kind == "opposite":
        return ((ONE, 0), (0, ONE))
    return ((ONE, ONE), (0, ONE), (0, 0))


def _voids(key: str) -> bool:
    return key.startswith("polymarket:")
