"""Numbers of an opportunity in words, level by level, and the rules of its markets side by side."""

from collections.abc import Iterable, Iterator
from itertools import zip_longest
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from dutchbook.cli.out import safe
from dutchbook.domain.units import DAY, ONE, plain

if TYPE_CHECKING:
    from dutchbook.domain.certificate import Certificate, Leg, State
    from dutchbook.domain.instrument import Instrument
    from dutchbook.optimize.ledger import Opportunity, Row

COLUMN = 46
WIDE = 60
"""Of a title; texts that are twice as long name markets by it."""
MANY = 3
"""End states that pay the same, or markets of one, that are still named one by one."""


def cents(value: int) -> str:
    """Millionths of a dollar as cents with a sign: 31_000 -> "+3.10"."""
    return f"{value / 10_000:+.2f}"


def percent(value: int) -> str:
    """Millionths as per cent, without decimals."""
    return f"{value / 10_000:,.0f}%"


def dollars(value: int) -> str:
    """Millionths of a dollar exactly, with the sign before the currency."""
    return f"{'-' if value < 0 else ''}${plain(abs(value))}"


def cut(text: str, width: int) -> str:
    """Venue text, made safe and no longer than `width`."""
    text = safe(text)
    return text if len(text) <= width else text[: width - 1] + "…"


def leg_text(leg: dict[str, Any]) -> str:
    """One leg in a table: venue, market, outcome, worst price, size."""
    venue, symbol = str(leg["market"]).split(":", 1)
    what = f"{venue} {cut(symbol, 18)} {str(leg['outcome']).upper()}"
    return f"{what} {leg['px'] / 10_000:.1f}¢ x {plain(leg['qty'])}"


def explain(row: "Row", one: "Opportunity", markets: "dict[str, Instrument]") -> Iterator[str]:
    """The lines of `opps show`."""
    proof = one.certificate
    size = plain(proof.qty)
    yield f"{row.id}  {row.kind}  {safe(row.title)}  ({safe(row.state)})"
    if proof.weights:
        parts = " + ".join(map(str, proof.weights))
        yield f"Buy {size} shares of {parts} contracts of {len(proof.legs)} legs:"
    else:
        yield f"Buy {size} contracts of each of {len(proof.legs)} legs:"
    for leg in proof.legs:
        yield from _leg(leg, markets)
    yield f"Capital    {dollars(proof.capital)}, all costs and fees, each order rounded up."
    back = proof.qty * proof.payout // ONE
    yield f"Comes back {dollars(back)} at least: {size} x {dollars(proof.payout)} in the worst of:"
    yield from _states(proof, markets)
    yield f"Edge       {plain(proof.edge)} per $1 of payout = {dollars(proof.proved)} / that sum."
    yield (
        f"A year     {percent(proof.annualised)} of the capital, which is locked up for "
        f"{proof.lockup / DAY:.1f} days (until the last market pays, or 30 where none says when)."
    )
    yield f"Confidence {percent(proof.confidence)}: the links' confidences x the chance to fill."
    yield from _links(proof, markets)
    yield from _held(one)
    yield "Beside the common terms (this part is not proved, limits apply to it):"
    for state in proof.residual:
        name = _titled(state.name, state.yes_pays, markets)
        yield f"  {dollars(state.profit):>14}  {name}"
    yield from _rules(proof, markets)


def _leg(leg: "Leg", markets: "dict[str, Instrument]") -> Iterator[str]:
    if leg.instrument in markets:
        yield f"  {leg.outcome.upper()} of {_named(leg.instrument, markets)}"
    yield f"  {leg.instrument} {leg.outcome.upper()}, book version {leg.book_version}"
    for fill in leg.fills:
        yield (
            f"    {plain(fill.qty)} at {fill.px / 10_000:g}¢ = {dollars(fill.cost)} "
            f"and fee {dollars(fill.fee)}"
        )
    step = f" to the next {dollars(leg.fees.precision)}" if leg.fees.precision else ""
    yield f"    = {dollars(leg.total)}, rounded up{step}"


def _named(key: str, markets: "dict[str, Instrument]") -> str:
    """A market by its title, and by the outcome that is YES of it where it names one."""
    one = markets.get(key)
    if one is None:
        return safe(key)
    says = one.outcome if one.outcome.lower() not in ("", "yes") else ""
    return cut(f"{one.title} ({says})" if says and says not in one.title else one.title, WIDE)


def _states(proof: "Certificate", markets: "dict[str, Instrument]") -> Iterator[str]:
    """The end states, the worst first; many that pay the same are one line."""
    if not proof.states:
        yield "  all joint end states of what it rests on (too many to list; `verify` counts them)"
    alike: dict[int, list[State]] = {}
    for state in proof.states:
        alike.setdefault(state.payoff, []).append(state)
    for payoff, states in sorted(alike.items()):
        for state in states[: 1 if len(states) > MANY else MANY]:
            more = f" and {len(states) - 1} like it" if len(states) > MANY else ""
            name = safe(state.name) if len(state.name) <= 2 * WIDE else _state(state, markets)
            yield f"  {name}{more}: pays {dollars(payoff)}, profit {dollars(state.profit)}"


def _state(state: "State", markets: "dict[str, Instrument]") -> str:
    """A state by the titles of its markets; one of many by those that end YES."""
    if len(state.yes_pays) <= MANY or not set(state.yes_pays.values()) <= {0, ONE}:
        return _titled(state.name, state.yes_pays, markets)
    said = [_named(key, markets) for key, pays in state.yes_pays.items() if pays == ONE]
    return f"only YES: {'; '.join(said[:MANY])}{' …' if said[MANY:] else ''}" if said else "all NO"


def _titled(text: str, keys: Iterable[str], markets: "dict[str, Instrument]") -> str:
    """A long text with markets' titles instead of their keys."""
    if len(text) > 2 * WIDE:
        for key in sorted(keys, key=len, reverse=True):
            text = text.replace(key, _named(key, markets))
    return safe(text)


def _links(proof: "Certificate", markets: "dict[str, Instrument]") -> Iterator[str]:
    for item in proof.links:
        link = item.link
        members = _titled(", ".join(link.members), link.members, markets)
        yield (
            f"Rests on   link {safe(link.id)} version {link.version}: {link.kind} ({members}), "
            f"{percent(link.confidence)}: {safe(link.evidence)}"
        )
    for group in (*([proof.group] if proof.group is not None else []), *proof.groups):
        said = [w for w in ("exclusive", "exhaustive") if getattr(group, w)]
        yield f"Rests on   the venue's event {safe(group.key)}: {' and '.join(said)}"


def _held(one: "Opportunity") -> Iterator[str]:
    """Why it was not traded in full: the limits that bound, each with its shadow price."""
    if not one.held:
        return
    sizes = {name: n for name, n in one.numbers.items() if name in ("qty", "of")}
    said = ", ".join(f"{name} {plain(n)}" for name, n in sizes.items())
    yield f"Held back  {safe(one.held)}" + (f" ({said})" if said else "")
    for name, price in binding(one).items():
        per = "contract on offer there" if name.startswith("depth ") else "$1 of room there"
        yield f"  the limit on {safe(name)}: another {per} would bring {dollars(price)}"


def binding(one: "Opportunity") -> dict[str, int]:
    """The limits that held it back, each with its shadow price in millionths of a dollar."""
    lead = "binding "
    return {n.removeprefix(lead): px for n, px in one.numbers.items() if n.startswith(lead)}


def _rules(proof: "Certificate", markets: "dict[str, Instrument]") -> Iterator[str]:
    """Two columns; words that the other text does not have are marked with *stars*."""
    keys = list(dict.fromkeys(leg.instrument for leg in proof.legs))
    texts = {key: safe(markets[key].rules or "(no rules text)") for key in keys if key in markets}
    if not texts:
        return
    yield "Rules of the markets (venue text; *words* that the other does not use):"
    for left, right in zip_longest(*[iter(texts)] * 2):
        pair = [key for key in (left, right) if key is not None]
        columns = []
        for key in pair:
            other = {word for k in pair if k != key for word in texts[k].lower().split()}
            words = [
                word if len(pair) == 1 or word.lower() in other else f"*{word}*"
                for word in texts[key].split()
            ]
            title = [cut(key, COLUMN), cut(markets[key].title, COLUMN), "-" * COLUMN]
            columns.append(title + wrap(" ".join(words), COLUMN))
        for line in zip_longest(*columns, fillvalue=""):
            yield "  " + " | ".join(cell.ljust(COLUMN) for cell in line).rstrip()
