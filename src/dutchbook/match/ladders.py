"""Rungs of ladders within one venue: thresholds, dates and stages of which one implies the next.

Proposals only. Titles and rule texts are untrusted, so a rung trades when a person approved it.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Final

import msgspec

from dutchbook.domain.instrument import ALIVE, Instrument
from dutchbook.match.claim import Term, Verdict, compare
from dutchbook.match.settlement import SettlementVerdict, settlement
from dutchbook.match.terms import Terms, parse, stated

RUNGS_MAX: Final = 80
"""Markets of one ladder that are compared; more of one wording are left alone."""
STAGES: Final = {
    ("win", ""): 4,
    ("reach", "final"): 3,
    ("reach", "semifinal"): 2,
    ("reach", "quarterfinal"): 1,
}
"""(act, stage) of a knock-out -> how far it is: who gets far was nearer before."""
NUMBER: Final = re.compile(r"(\d[\d,]*(?:\.\d+)?)")


class Rung(msgspec.Struct, frozen=True):
    """If `a` settles YES, so does `b`; there is no market between them. And how the rules do."""

    a: Instrument
    b: Instrument
    verdict: Verdict
    settles: SettlementVerdict


def rungs(instruments: Iterable[Instrument]) -> list[Rung]:
    """The rungs of all ladders among living markets, ordered by keys."""
    ladders: dict[tuple[object, ...], list[tuple[Instrument, Terms]]] = {}
    for one in instruments:
        if one.status in ALIVE:
            terms = parse(stated(one))
            ladders.setdefault(("event", one.venue, one.event, *_same(terms)), []).append(
                (one, terms)
            )
            if (_act(terms), _stage(terms)) in STAGES:
                ladders.setdefault(("stage", one.venue, *_same(terms, stages=True)), []).append(
                    (one, terms)
                )
    found: list[Rung] = []
    for name, markets in ladders.items():
        if 2 <= len(markets) <= RUNGS_MAX:
            found += _of(markets, _stages if name[0] == "stage" else compare)
    return sorted(found, key=lambda rung: (rung.a.key, rung.b.key))


def _same(terms: Terms, *, stages: bool = False) -> tuple[object, ...]:
    """What all rungs of a ladder share: everything but thresholds and times, or but stages."""
    if stages:
        tags = tuple(tag for tag in terms.tags if tag[0] not in ("act", "stage"))
        return terms.words, tags, terms.levels, terms.times, terms.hour
    return terms.words, terms.tags


def _act(terms: Terms) -> str:
    return "+".join(terms.of("act"))


def _stage(terms: Terms) -> str:
    return "+".join(terms.of("stage"))


def _stages(a: Terms, b: Terms) -> Verdict:
    """Of two markets that differ in how far somebody gets, the farther one implies the other."""
    far, near = (STAGES[_act(one), _stage(one)] for one in (a, b))
    if far == near or not (a.whole and b.whole):
        return Verdict("unknown", ())
    first = "a" if far > near else "b"
    term = Term(
        "stage", "a implies b" if first == "a" else "b implies a",
        f"{_act(a)} {_stage(a)}".strip(), f"{_act(b)} {_stage(b)}".strip(),
    )  # fmt: skip
    return Verdict("implies", (term,), first)


def _of(
    markets: Sequence[tuple[Instrument, Terms]], judge: Callable[[Terms, Terms], Verdict]
) -> list[Rung]:
    """The rungs of one ladder: implications that no two others make together."""
    edges: dict[tuple[int, int], Verdict] = {}
    for n, (_, a) in enumerate(markets):
        for m in range(n + 1, len(markets)):
            verdict = judge(a, markets[m][1])
            if verdict.claim == "implies":
                edges[(n, m) if verdict.first == "a" else (m, n)] = verdict
    found = []
    for (n, m), verdict in edges.items():
        if any((n, k) in edges and (k, m) in edges for k in range(len(markets))):
            continue
        (high, one), (low, two) = markets[n], markets[m]
        found.append(Rung(high, low, _turned(verdict), rules_of(high, low, one, two)))
    return found


def _turned(verdict: Verdict) -> Verdict:
    """The verdict with the market that implies named first."""
    if verdict.first == "a":
        return verdict
    swap = {"a implies b": "b implies a", "b implies a": "a implies b"}
    terms = tuple(
        msgspec.structs.replace(
            term, a=term.b, b=term.a, finding=swap.get(term.finding, term.finding)
        )
        for term in verdict.terms
    )
    return Verdict(verdict.claim, terms, "a")


def rules_of(a: Instrument, b: Instrument, one: Terms, two: Terms) -> SettlementVerdict:
    """Texts that are one template, thresholds filled in, settle alike; else they are compared.

    In a ladder of dates the deadlines differ by nature, which is no parting.
    """
    if _template(a.rules, b.rules, one, two):
        return SettlementVerdict("same_settlement", (), (), ("one template of rules",))
    found = settlement(a.rules, b.rules)
    parts = found.parts
    if one.times != two.times:
        parts = tuple(part for part in parts if part.state != "deadline")
    if parts:
        return SettlementVerdict("differs", parts, found.open, found.agree)
    # what is named agrees; that nothing else in the texts matters is for a person to say
    return SettlementVerdict("unknown", (), (*found.open, "not one template"), found.agree)


def _template(a: str, b: str, one: Terms, two: Terms) -> bool:
    """Whether two texts differ in nothing but numbers that are the thresholds of the titles."""
    if not a or not b or one.times != two.times:
        return False
    mine = {number for level in one.levels for number in (level.value, level.high)}
    theirs = {number for level in two.levels for number in (level.value, level.high)}
    left, right = NUMBER.split(a), NUMBER.split(b)
    if len(left) != len(right):
        return False
    for x, y in zip(left, right, strict=True):
        if x != y:
            p, q = _number(x), _number(y)
            if p is None or q is None or p not in mine or q not in theirs:
                return False
    return True


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text.replace(",", ""))
    except InvalidOperation:
        return None
