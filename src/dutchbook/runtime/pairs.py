"""Pairs of markets that may state one claim, their verdicts, and what a person decided of them."""

from collections.abc import Callable, Iterable
from typing import Any, Final, Literal, cast

import msgspec

from dutchbook.domain.instrument import ALIVE, Instrument
from dutchbook.domain.relations import Kind, digest_of
from dutchbook.domain.units import SECOND
from dutchbook.match.candidates import candidates
from dutchbook.match.claim import Term, Verdict, compare
from dutchbook.match.ladders import rungs
from dutchbook.match.settlement import SettlementVerdict, settlement
from dutchbook.match.terms import Terms, parse, stated
from dutchbook.runtime.links import Entry

Standing = Literal["undecided", "yes", "no", "changed"]
LINKED: Final = ("same", "opposite", "implies")
EVIDENCE_MAX: Final = 600
CLOSE_APART: Final = 36 * 3_600 * SECOND


class Pair(msgspec.Struct, frozen=True):
    """Two listed markets with both verdicts; `standing` is what the links file says of them."""

    a: Instrument
    b: Instrument
    verdict: Verdict
    settles: SettlementVerdict
    likeness: float
    standing: Standing = "undecided"
    known: Entry | None = None

    @property
    def id(self) -> str:
        """The same for these two markets whatever is found out about them."""
        return f"pair:{self.a.key}={self.b.key}"

    @property
    def kind(self) -> Kind | None:
        """The kind of link that the claim verdict proposes."""
        return cast(Kind, self.verdict.claim) if self.verdict.claim in LINKED else None

    @property
    def members(self) -> tuple[str, str]:
        """In the order of a link: of `implies`, the one that implies first."""
        keys = (self.a.key, self.b.key)
        return keys[::-1] if self.verdict.first == "b" else keys

    @property
    def digest(self) -> str:
        """Of everything that a person read of both, in the order of the link."""
        order = (self.b, self.a) if self.verdict.first == "b" else (self.a, self.b)
        return digest_of(text for one in order for text in (one.title, one.outcome, one.rules))

    @property
    def evidence(self) -> str:
        """Both verdicts in one line."""
        text = (
            f"claim {self.verdict.claim}: {self.verdict.why}; "
            f"settlement {self.settles.settles}: {self.settles.why}"
        )
        return text[:EVIDENCE_MAX]


def find_pairs(
    instruments: Iterable[Instrument], entries: Iterable[Entry] = (), *, every: bool = False
) -> list[Pair]:
    """Pairs of living markets of two venues, linkable ones first; `every`: unknown ones as well."""
    living = [one for one in instruments if one.status in ALIVE]
    venues = sorted({one.venue for one in living})
    known = {entry.id: entry for entry in entries}
    found: list[Pair] = []
    for n, venue in enumerate(venues):
        for other in venues[n + 1 :]:
            mine = [one for one in living if one.venue == venue]
            theirs = [one for one in living if one.venue == other]
            found.extend(_between(mine, theirs, known, every))
    rank = {claim: n for n, claim in enumerate((*LINKED, "unknown", "different"))}
    return sorted(found, key=lambda pair: (rank[pair.verdict.claim], -pair.likeness, pair.id))


def find_ladders(instruments: Iterable[Instrument], entries: Iterable[Entry] = ()) -> list[Pair]:
    """Neighbours on the ladders within each venue, as pairs of which the first implies the second.

    Only neighbours: what follows over several rungs, the strategy's chains find.
    """
    known = {entry.id: entry for entry in entries}
    found = [Pair(one.a, one.b, one.verdict, one.settles, 100.0) for one in rungs(instruments)]
    return [_standing(pair, known) for pair in found]


def _between(
    mine: list[Instrument], theirs: list[Instrument], known: dict[str, Entry], every: bool
) -> Iterable[Pair]:
    a, b = ([parse(stated(one)) for one in side] for side in (mine, theirs))
    for one in candidates(a, b):
        verdict = _dated(
            compare(a[one.a], b[one.b]), mine[one.a], theirs[one.b], a[one.a], b[one.b]
        )
        wanted = (*LINKED, "unknown") if every else LINKED
        left, right = mine[one.a], theirs[one.b]
        if verdict.claim not in wanted and f"pair:{left.key}={right.key}" not in known:
            continue
        settles = settlement(left.rules, right.rules)
        yield _standing(Pair(left, right, verdict, settles, one.likeness), known)


def _dated(verdict: Verdict, a: Instrument, b: Instrument, x: Terms, y: Terms) -> Verdict:
    """Titles that name no time, or games without their day, are told apart by when they close.

    The next decision of a bank and the one after it have one title.
    """
    named = bool(x.times or y.times)
    if x.of("pair") or y.of("pair"):
        named = all(any(when.day for when in terms.times) for terms in (x, y))
    near = a.closes and b.closes and abs(a.closes - b.closes) <= CLOSE_APART
    if named or near or verdict.claim not in LINKED:
        return verdict
    term = Term("closing", "unclear", str(a.closes), str(b.closes), "no day is named, closes apart")
    return Verdict("unknown", (*verdict.terms, term))


def _standing(pair: Pair, known: dict[str, Entry]) -> Pair:
    entry = known.get(pair.id)
    if entry is None or not entry.decision:
        return msgspec.structs.replace(pair, known=entry)
    # what was read, or what it was read as, is another: nobody has decided on this
    changed = entry.rules != pair.digest or entry.kind != pair.kind
    standing: Standing = "changed" if changed else cast(Standing, entry.decision)
    return msgspec.structs.replace(pair, standing=standing, known=entry)


def may_be_approved(pair: Pair) -> str:
    """Why a person may not approve it for trading, or "".

    A known difference can't be waved on, nor a text that nobody can have read. Where the compiler
    says `unknown`, a yes is the person's own verdict on both texts, and is written down as that.
    """
    if pair.kind is None:
        return f"the claim is {pair.verdict.claim}"
    if pair.settles.settles == "differs":
        return f"they settle differently: {pair.settles.why}"
    if not (pair.a.rules and pair.b.rules):
        return "a rule text is missing"
    return ""


def decided(pair: Pair, yes: bool, who: str, at: str) -> Entry:
    """The entry of a decision: a new version where the texts or the claim are not those before."""
    old = pair.known
    told = (pair.digest, pair.kind, pair.evidence)
    fresh = old is None or (old.rules, old.kind, old.evidence) != told
    version = old.version + (1 if fresh else 0) if old else 1
    approved = yes and not may_be_approved(pair)
    judged: Literal["", "person"] = (
        "person" if approved and pair.settles.settles == "unknown" else ""
    )
    return Entry(
        pair.id,
        pair.kind or "same",
        pair.members,
        version,
        pair.evidence,
        "1",
        approved,
        pair.digest,
        "yes" if approved else "no",
        who,
        at,
        judged,
    )


def review(
    pairs: Iterable[Pair],
    entries: tuple[Entry, ...],
    ask: Callable[[Pair], str],
    keep: Callable[[tuple[Entry, ...]], None],
    stamp: Callable[[], tuple[str, str]],
) -> tuple[Entry, ...]:
    """Ask of every pair nobody decided: y, n, s (skip) or q; each answer is kept at once.

    A pair that changed is withdrawn before anybody is asked, so that leaving is safe.
    """
    held = {entry.id: entry for entry in entries}
    waiting = [pair for pair in pairs if pair.kind and pair.standing in ("undecided", "changed")]
    for pair in waiting:
        if pair.standing == "changed" and held[pair.id].approved:
            held[pair.id] = msgspec.structs.replace(held[pair.id], approved=False)
            keep(tuple(held.values()))
    for pair in waiting:
        answer = ask(pair)[:1].casefold()
        if answer == "q":
            break
        if answer in ("y", "n"):
            held[pair.id] = decided(pair, answer == "y", *stamp())
            keep(tuple(held.values()))
    return tuple(held.values())


def plain(pair: Pair) -> dict[str, Any]:
    """A pair as --json shows it."""
    terms = pair.verdict.terms
    return {
        "id": pair.id,
        "members": pair.members,
        "titles": [_title(pair.a), _title(pair.b)],
        "claim": pair.verdict.claim,
        "why": pair.verdict.why,
        "agree": [term.name for term in terms if term.finding == "agree"],
        "differ": [msgspec.to_builtins(term) for term in terms if term.finding not in ("agree",)],
        "settlement": msgspec.to_builtins(pair.settles),
        "likeness": pair.likeness,
        "standing": pair.standing,
        "version": pair.known.version if pair.known else 0,
        "rules": pair.digest,
    }


def _title(one: Instrument) -> str:
    return one.title if one.outcome in ("", "Yes", one.title) else f"{one.title} [{one.outcome}]"
