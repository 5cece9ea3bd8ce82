"""Do two titles state the same claim? Every term must agree; what is not understood is unknown."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal

import msgspec
from rapidfuzz.distance import Indel

from dutchbook.match.levels import FLIP, Level, within
from dutchbook.match.terms import Stated, Terms, parse
from dutchbook.match.times import When, compare_times, fits_year
from dutchbook.match.words import GIVEN, SOFT, TWINS

Claim = Literal["same", "opposite", "implies", "different", "unknown"]
Finding = Literal[
    "agree", "one side", "a implies b", "b implies a", "opposite", "differ", "unclear"
]
CLOSED = ("party", "office", "place", "stage", "competition", "sex", "act", "asset", "pair")
NO_TIE = frozenset(("mlb", "nba", "wnba", "nhl", "nl", "al"))


class Term(msgspec.Struct, frozen=True):
    """What one kind of term was found to be on both sides, as text for a person."""

    name: str
    finding: Finding
    a: str = ""
    b: str = ""
    note: str = ""


class Verdict(msgspec.Struct, frozen=True):
    """`implies` reads: if `first` ("a" or "b") settles YES, so does the other."""

    claim: Claim
    terms: tuple[Term, ...]
    first: str = ""

    @property
    def why(self) -> str:
        """The terms that keep it from being the same, or that it is."""
        apart = [t for t in self.terms if t.finding not in ("agree", "one side")]
        return (
            "; ".join(
                f"{t.name}: {t.a or '-'} | {t.b or '-'}" + (f" ({t.note})" if t.note else "")
                for t in apart
            )
            or "every term agrees"
        )


def claim(a: Stated, b: Stated) -> Verdict:
    """The verdict on two markets as they state themselves."""
    return compare(parse(a), parse(b))


def compare(a: Terms, b: Terms) -> Verdict:
    """The verdict on two sets of terms."""
    terms = [_words(a, b), _times(a, b), _hours(a, b), _levels(a, b), _denied(a, b)]
    terms += [_closed(kind, a, b) for kind in (*CLOSED, "instrument")]
    terms = [term for term in terms if term.a or term.b]
    if not (a.whole and b.whole):
        return Verdict("unknown", (*terms, Term("question", "unclear", "", "", "not yes or no")))
    if not (a.words or a.tags) or not (b.words or b.tags):
        return Verdict("unknown", tuple(terms))
    return _judge(a, b, tuple(terms))


def _judge(a: Terms, b: Terms, terms: tuple[Term, ...]) -> Verdict:
    found = {term.finding for term in terms} - {"agree", "one side"}
    if not found:
        return Verdict("same", terms)
    rivals = _rivals(a, b, terms)
    if rivals:
        return Verdict("opposite", terms)
    if "differ" in found:
        touch = _touch(a, b, terms)
        return touch or Verdict("different", terms)
    if "unclear" in found:
        return Verdict("unknown", terms)
    if found == {"opposite"} and sum(term.finding == "opposite" for term in terms) == 1:
        return Verdict("opposite", terms)
    if len(found) == 1 and found <= {"a implies b", "b implies a"}:
        if a.of("not") or any(a.of(k) != b.of(k) for k in ("act", "stage")):
            return Verdict("unknown", terms)
        if {"lead"} & set(a.of("act")):
            return Verdict("unknown", terms)
        return Verdict("implies", terms, min(found)[0])
    return Verdict("unknown", terms)


def _closed(kind: str, a: Terms, b: Terms) -> Term:
    one, two = a.of(kind), b.of(kind)
    shown = (kind, ", ".join(one), ", ".join(two))
    finding: Finding = "unclear"
    if one == two:
        finding = "agree"
    elif kind == "instrument" and not (one and two):
        finding = "one side"
    elif one and two and (kind in ("stage", "office") or not set(one) & set(two)):
        finding = "differ"
    return Term(shown[0], finding, shown[1], shown[2])


def _words(a: Terms, b: Terms) -> Term:
    shown_a, shown_b = " ".join(a.words), " ".join(b.words)
    finding, note = words_agree(a.words, b.words)
    return Term("subject", finding, shown_a, shown_b, note)


def words_agree(a: Sequence[str], b: Sequence[str]) -> tuple[Finding, str]:
    """Whether two lists of names are one: equal in order, or short of it by spelling alone."""
    if list(a) == list(b):
        return "agree", ""
    one, two = Counter(a), Counter(b)
    a, b = _without_soft(a, one - two), _without_soft(b, two - one)
    one, two = Counter(a), Counter(b)
    if one == two:
        # two names that change places may change who does it to whom
        return ("agree", "") if a == b and a else ("unclear", "other order")
    extra_a, extra_b = list((one - two).elements()), list((two - one).elements())
    if "".join(a) == "".join(b):
        return "agree", "spelling"
    common = one & two
    if common and [GIVEN.get(w, w) for w in a] == [GIVEN.get(w, w) for w in b]:
        return "agree", "given name"
    if common and len(extra_a) == len(extra_b) == 1 and _misspelt(extra_a[0], extra_b[0]):
        same = [extra_b[0] if word == extra_a[0] else word for word in a] == b
        return "agree" if same else "unclear", f"spelling {extra_a[0]} ~ {extra_b[0]}"
    return ("differ" if extra_a and extra_b else "unclear"), ""


def _without_soft(words: Sequence[str], extra: Counter[str]) -> list[str]:
    return [word for word in words if not (word in SOFT and extra[word])]


def _misspelt(a: str, b: str) -> bool:
    """One letter more or less within a long word: never the first or the last, never a digit."""
    return (
        min(len(a), len(b)) >= 5
        and (a + b).isalpha()
        and a[0] == b[0]
        and a[-1] == b[-1]
        and frozenset((a, b)) not in TWINS
        and Indel.distance(a, b) == 1
    )


def _times(a: Terms, b: Terms) -> Term:
    shown_a, shown_b = _show(a.times), _show(b.times)
    relation = compare_times(a.times, b.times)
    finding: Finding = "unclear"
    if relation in ("equal", "one side"):
        finding = "agree" if relation == "equal" else "one side"
        if not _years_fit(a, b):
            one, two = (_show(s.times) or f"listed {s.year_listed or '-'}" for s in (a, b))
            return Term("time", "unclear", one, two)
    elif relation == "apart":
        finding = "differ"
    elif relation in ("a in b", "b in a") and a.times[0].kind == b.times[0].kind == "by":
        # done by the earlier day is done by the later one
        finding = "a implies b" if relation == "a in b" else "b implies a"
    elif relation in ("a in b", "b in a") and _both_touch(a, b):
        finding = "a implies b" if relation == "a in b" else "b implies a"
    elif relation in ("a in b", "b in a") and {a.times[0].kind, b.times[0].kind} <= {"on", "in"}:
        finding = "differ" if a.times[0].kind == b.times[0].kind else "unclear"
    return Term("time", finding, shown_a, shown_b)


def _years_fit(a: Terms, b: Terms) -> bool:
    """A year that a title leaves out is not another one than its ticker's."""
    if not a.times and not b.times:
        return not (a.year_listed and b.year_listed) or a.year_listed == b.year_listed
    silent, other = (a, b) if not a.times else (b, a)
    return bool(silent.times) or fits_year(other.times, silent.year_listed)


def _both_touch(a: Terms, b: Terms) -> bool:
    ways = {level.way for terms in (a, b) for level in terms.levels}
    return len(ways) == 1 and "close" not in ways


def _show(times: tuple[When, ...]) -> str:
    return ", ".join(
        f"{when.kind} {when.year or '????'}"
        + (f"-{when.month:02}" if when.month else "")
        + (f"-{when.day:02}" if when.day else "")
        for when in times
    )


def _hours(a: Terms, b: Terms) -> Term:
    finding: Finding = "agree" if a.hour == b.hour else "differ" if a.hour and b.hour else "unclear"
    return Term("hour", finding, a.hour, b.hour)


def _levels(a: Terms, b: Terms) -> Term:
    shown = ("level", _shown_levels(a.levels), _shown_levels(b.levels))
    finding = _compare_levels(a, b)
    return Term(shown[0], finding, shown[1], shown[2])


def _compare_levels(a: Terms, b: Terms) -> Finding:
    if a.levels == b.levels:
        return "agree"
    if len(a.levels) == 1 and not b.levels and a.levels[0].margin:
        return "a implies b" if a.levels[0].op in ("gt", "ge", "in", "eq") else "unclear"
    if len(b.levels) == 1 and not a.levels and b.levels[0].margin:
        return "b implies a" if b.levels[0].op in ("gt", "ge", "in", "eq") else "unclear"
    if len(a.levels) != 1 or len(b.levels) != 1:
        return "unclear"
    return _one_level(a.levels[0], b.levels[0])


def _one_level(a: Level, b: Level) -> Finding:
    if a.unit != b.unit and a.unit and b.unit:
        return "differ"
    if a.unit != b.unit or a.margin != b.margin:
        return "unclear"
    if a.way != b.way:
        return "differ"
    if a.way == "close" and a.value == b.value and FLIP.get(a.op) == b.op:
        return "opposite"
    if within(a, b):
        return "a implies b"
    return "b implies a" if within(b, a) else "differ"


def _shown_levels(levels: tuple[Level, ...]) -> str:
    return ", ".join(
        f"{'touch ' if level.way != 'close' else ''}{'by ' if level.margin else ''}{level.op} "
        f"{level.value:f}{f'..{level.high:f}' if level.op == 'in' else ''}{level.unit}"
        for level in levels
    )


def _denied(a: Terms, b: Terms) -> Term:
    one, two = a.of("not"), b.of("not")
    finding: Finding = "agree" if one == two else "unclear"
    if {one, two} == {(), ("not",)}:
        finding = "opposite"
    return Term("denial", finding, " ".join(one), " ".join(two))


def _rivals(a: Terms, b: Terms, terms: tuple[Term, ...]) -> bool:
    """The two who meet in a game that can't end in a tie, everything else agreeing."""
    pair = a.of("pair")
    if len(pair) != 1 or pair != b.of("pair") or a.levels or b.levels:
        return False
    others = [term for term in terms if term.name != "subject"]
    if any(term.finding not in ("agree", "one side") for term in others):
        return False
    sides = {" ".join(a.words), " ".join(b.words)}
    return sides == set(pair[0].split("|")) and bool(NO_TIE & set(a.of("competition")))


def _touch(a: Terms, b: Terms, terms: tuple[Term, ...]) -> Verdict | None:
    """A close beyond a level within a window has touched it: implication, not identity."""
    if len(a.levels) != 1 or len(b.levels) != 1 or a.of("asset") != b.of("asset"):
        return None
    for one, two, first in ((a, b, "a"), (b, a, "b")):
        close, touch = one.levels[0], two.levels[0]
        if close.way != "close" or touch.way == "close" or not within(close, touch):
            continue
        held = compare_times(one.times, two.times) in ("equal", "a in b")
        rest = [t for t in terms if t.name not in ("level", "time", "hour", "act")]
        if held and all(t.finding in ("agree", "one side") for t in rest):
            return Verdict("implies", terms, first)
    return None
