"""Numbers of an opportunity in words, level by level, and the rules of its markets side by side."""

from collections.abc import Iterator
from itertools import zip_longest
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from dutchbook.cli.out import safe
from dutchbook.domain.units import DAY, ONE, plain

if TYPE_CHECKING:
    from dutchbook.domain.certificate import Certificate, Leg
    from dutchbook.domain.instrument import Instrument
    from dutchbook.optimize.ledger import Opportunity, Row

COLUMN = 46


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
    yield f"Buy {size} contracts of each of {len(proof.legs)} legs:"
    for leg in proof.legs:
        yield from _leg(leg)
    yield f"Capital    {dollars(proof.capital)}, all costs and fees, each order rounded up."
    back = proof.qty * proof.payout // ONE
    yield f"Comes back {dollars(back)} at least: {size} x {dollars(proof.payout)} in the worst of:"
    yield from _states(proof)
    yield f"Edge       {plain(proof.edge)} per $1 of payout = {dollars(proof.proved)} / that sum."
    yield (
        f"A year     {percent(proof.annualised)} of the capital, which is locked up for "
        f"{proof.lockup / DAY:.1f} days (until the last market pays, or 30 where none says when)."
    )
    yield f"Confidence {percent(proof.confidence)}: the links' confidences x the chance to fill."
    yield from _links(proof)
    yield "Beside the common terms (this part is not proved, limits apply to it):"
    for state in proof.residual:
        yield f"  {dollars(state.profit):>14}  {safe(state.name)}"
    yield from _rules(proof, markets)


def _leg(leg: "Leg") -> Iterator[str]:
    yield f"  {leg.instrument} {leg.outcome.upper()}, book version {leg.book_version}"
    for fill in leg.fills:
        yield (
            f"    {plain(fill.qty)} at {fill.px / 10_000:g}¢ = {dollars(fill.cost)} "
            f"and fee {dollars(fill.fee)}"
        )
    step = f" to the next {dollars(leg.fees.precision)}" if leg.fees.precision else ""
    yield f"    = {dollars(leg.total)}, rounded up{step}"


def _states(proof: "Certificate") -> Iterator[str]:
    for state in proof.states:
        pays, gain = dollars(state.payoff), dollars(state.profit)
        yield f"  {safe(state.name)}: pays {pays}, profit {gain}"


def _links(proof: "Certificate") -> Iterator[str]:
    for item in proof.links:
        link = item.link
        members = ", ".join(safe(member) for member in link.members)
        yield (
            f"Rests on   link {safe(link.id)} version {link.version}: {link.kind} ({members}), "
            f"{percent(link.confidence)}: {safe(link.evidence)}"
        )
    if proof.group is not None:
        said = [w for w in ("exclusive", "exhaustive") if getattr(proof.group, w)]
        yield f"Rests on   the venue's event {safe(proof.group.key)}: {' and '.join(said)}"


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
