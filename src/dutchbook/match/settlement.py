"""Do two markets of one claim settle alike? Every state's pay compared; silence is unknown."""

from typing import Literal

import msgspec

from dutchbook.match.rules import Settlement, read_rules
from dutchbook.match.times import When, compare_times

Settles = Literal["same_settlement", "differs", "unknown"]
OFFICIAL = "organiser"
FALLBACK = "credible reporting"


class Parting(msgspec.Struct, frozen=True):
    """A state or term in which the two part, with what YES of each pays there, as text."""

    state: str
    a: str
    b: str


class SettlementVerdict(msgspec.Struct, frozen=True):
    """`parts` are known differences; `open` is what one side or both leave unsaid."""

    settles: Settles
    parts: tuple[Parting, ...] = ()
    open: tuple[str, ...] = ()
    agree: tuple[str, ...] = ()

    @property
    def why(self) -> str:
        """One line for a person."""
        if self.parts:
            return "; ".join(f"{part.state}: {part.a} | {part.b}" for part in self.parts)
        return f"unsaid: {', '.join(self.open)}" if self.open else "every named term agrees"


def settlement(a: str, b: str) -> SettlementVerdict:
    """The verdict on two rule texts."""
    return compare_settlements(read_rules(a), read_rules(b))


def compare_settlements(a: Settlement, b: Settlement) -> SettlementVerdict:
    """Fail-closed: one known difference is `differs`; anything unsaid on one side is `unknown`."""
    parts: list[Parting] = []
    unsaid: list[str] = []
    agree: list[str] = []
    if not (a.whole and b.whole):
        unsaid.append("a text too long to read")
    if a.is_empty or b.is_empty:
        return SettlementVerdict("unknown", (), ("no terms understood",))
    found = [
        _sources(a, b),
        _plain("method", "+".join(a.methods), "+".join(b.methods)),
        _plain("hour", ", ".join(a.hours), ", ".join(b.hours)),
        _plain("overtime", a.overtime, b.overtime),
        _deadlines(a.deadlines, b.deadlines),
        *_states(a, b),
    ]
    for name, finding, one, two in found:
        if finding == "agree":
            agree.append(name)
        elif finding == "differ":
            parts.append(Parting(name, one, two))
        elif finding == "unsaid":
            unsaid.append(name)
    settles: Settles = "differs" if parts else "unknown" if unsaid else "same_settlement"
    return SettlementVerdict(settles, tuple(parts), tuple(unsaid), tuple(agree))


Found = tuple[str, Literal["agree", "differ", "unsaid", "absent"], str, str]


def _plain(name: str, a: str, b: str) -> Found:
    if not a and not b:
        return name, "absent", a, b
    if not a or not b or "unclear" in (a, b):
        return name, "unsaid", a, b
    return name, "agree" if a == b else "differ", a, b


def _sources(a: Settlement, b: Settlement) -> Found:
    """Equal where the first sources are; credible reporting alone is nobody's first source."""
    one, two = set(a.sources) - {FALLBACK}, set(b.sources) - {FALLBACK}
    shown = ", ".join(sorted(one)), ", ".join(sorted(two))
    if one and two:
        return ("source", "agree" if one == two else "unsaid" if one & two else "differ", *shown)
    if not one and not two and FALLBACK in a.sources and FALLBACK in b.sources:
        return ("source", "agree", FALLBACK, FALLBACK)
    return ("source", "unsaid", *shown)


def _deadlines(a: tuple[When, ...], b: tuple[When, ...]) -> Found:
    shown = ", ".join(_day(when) for when in a), ", ".join(_day(when) for when in b)
    if not a and not b:
        return ("deadline", "absent", *shown)
    if len(a) != 1 or len(b) != 1:
        return ("deadline", "agree" if a == b else "unsaid", *shown)
    return ("deadline", "agree" if compare_times(a, b) == "equal" else "differ", *shown)


def _day(when: When) -> str:
    return f"{when.year}-{when.month:02}-{when.day:02}"


def _states(a: Settlement, b: Settlement) -> list[Found]:
    one = {state: (pay, limit) for state, pay, limit in a.pays}
    two = {state: (pay, limit) for state, pay, limit in b.pays}
    found: list[Found] = []
    for state in sorted(one.keys() | two.keys()):
        pay_a, limit_a = one.get(state, ("", ""))
        pay_b, limit_b = two.get(state, ("", ""))
        shown = _pays(pay_a, limit_a), _pays(pay_b, limit_b)
        if not pay_a or not pay_b or "unclear" in (pay_a, pay_b):
            found.append((state, "unsaid", *shown))
        elif pay_a != pay_b or (limit_a and limit_b and limit_a != limit_b):
            found.append((state, "differ", *shown))
        else:
            found.append((state, "agree" if limit_a == limit_b else "unsaid", *shown))
    return found


def _pays(pay: str, limit: str) -> str:
    return f"{pay or 'unsaid'}{f' (limit {limit})' if limit else ''}"
