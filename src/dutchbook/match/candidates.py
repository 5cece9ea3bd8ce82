"""Which pairs are worth a verdict: an index of rare words, then likeness of titles by rapidfuzz."""

from collections.abc import Sequence
from typing import Final

import msgspec
from rapidfuzz.fuzz import token_set_ratio

from dutchbook.match.terms import Terms

PER_WORD_MAX: Final = 400
"""A word in more markets of a side than this says too little to be looked up by itself."""
PER_MARKET_MAX: Final = 12
LIKENESS_MIN: Final = 62.0


class Candidate(msgspec.Struct, frozen=True, order=True):
    """Places in the two lists, and how like the texts are, 0 to 100."""

    a: int
    b: int
    likeness: float


def candidates(
    a: Sequence[Terms],
    b: Sequence[Terms],
    per_market: int = PER_MARKET_MAX,
    likeness: float = LIKENESS_MIN,
) -> list[Candidate]:
    """The likeliest partners in `b` of each of `a`; ordered by place, none twice."""
    keys_b = [_keys(terms) for terms in b]
    index: dict[str, list[int]] = {}
    for n, keys in enumerate(keys_b):
        for key in keys:
            index.setdefault(key, []).append(n)
    texts_b = [_text(terms) for terms in b]
    found: list[Candidate] = []
    for n, terms in enumerate(a):
        found.extend(_best(n, terms, index, keys_b, texts_b, per_market, likeness))
    return found


def _best(
    n: int,
    terms: Terms,
    index: dict[str, list[int]],
    keys_b: list[tuple[str, ...]],
    texts_b: list[str],
    per_market: int,
    likeness: float,
) -> list[Candidate]:
    shared: dict[int, float] = {}
    for key in _keys(terms):
        owners = index.get(key, [])
        if not owners or len(owners) > PER_WORD_MAX:
            continue
        weight = 1.0 / len(owners)
        for m in owners:
            shared[m] = shared.get(m, 0.0) + weight
    likely = sorted(shared, key=lambda m: (-shared[m], m))[: per_market * 4]
    text = _text(terms)
    scored = [
        Candidate(n, m, round(score, 1))
        for m in likely
        if (score := token_set_ratio(text, texts_b[m], score_cutoff=likeness))
    ]
    scored.sort(key=lambda one: (-one.likeness, one.b))
    return sorted(scored[:per_market])


def _keys(terms: Terms) -> tuple[str, ...]:
    """Words and typed terms to be looked up by; two terms together where one is too common."""
    tags = [f"{kind}:{value}" for kind, value in terms.tags if kind not in ("act", "not")]
    pairs = [
        f"{one}+{two}"
        for one in tags
        for two in tags
        if one < two and {one.split(":")[0], two.split(":")[0]} & {"place", "party", "asset"}
    ]
    levels = [f"level {level.value:f}" for level in terms.levels]
    joined = [f"{asset}@{level}" for asset in terms.of("asset") for level in levels]
    spans = [
        f"{asset}@{when.month}-{when.day}" for asset in terms.of("asset") for when in terms.times
    ]
    return tuple(dict.fromkeys([*terms.words, *tags, *pairs, *joined, *spans]))


def _text(terms: Terms) -> str:
    values = [value for _, value in terms.tags]
    levels = [f"{level.value:f}" for level in terms.levels]
    return " ".join([*terms.words, *values, *levels])
