"""A certificate as an alert shows it, and what its Why button tells."""

from dutchbook.alerts.look import Look
from dutchbook.alerts.text import LegLine, Offer
from dutchbook.alerts.words import cents, clean, usd
from dutchbook.domain.certificate import Certificate
from dutchbook.domain.instrument import Instrument
from dutchbook.domain.units import ONE, Ns
from dutchbook.match.settlement import settlement

NAME_MAX = 40


def offer_of(certificate: Certificate, look: Look) -> Offer:
    """The figures of an opportunity: average price of each leg, all costs, all fees."""
    legs = []
    cost = 0
    for leg in certificate.legs:
        spent = sum(fill.cost for fill in leg.fills)
        cost += spent
        market = look.market(leg.instrument)
        venue = leg.instrument.partition(":")[0]
        px = (2 * spent * ONE + leg.qty) // (2 * leg.qty) if leg.qty else 0
        legs.append(LegLine(venue, leg.outcome, px, leg.qty, _name(leg.instrument, market)))
    first = look.market(certificate.legs[0].instrument) if certificate.legs else None
    return Offer(
        first.title if first is not None else certificate.kind, tuple(legs), certificate.qty,
        cost, certificate.capital - cost, certificate.payout * certificate.qty // ONE,
        Ns(max((leg.settles for leg in certificate.legs), default=0)),
        min((proof.link.confidence for proof in certificate.links), default=0),
        differs(certificate, look),
    )  # fmt: skip


def differs(certificate: Certificate, look: Look) -> str:
    """What two linked markets' rule texts say differently, by name; "" where nothing is known."""
    keys = list(dict.fromkeys(leg.instrument for leg in certificate.legs))
    markets = [look.market(key) for key in keys]
    if not certificate.links or len(keys) != 2 or markets[0] is None or markets[1] is None:
        return ""
    parts = settlement(markets[0].rules, markets[1].rules).parts
    words = {"source": "settlement source", "hour": "settlement hour"}
    return ", ".join(words.get(part.state, part.state) for part in parts)


def _name(key: str, market: Instrument | None) -> str:
    """What the venue's own pages call it: a ticker, or a slug where the symbol is a long id."""
    symbol = key.partition(":")[2]
    if len(symbol) <= NAME_MAX or market is None:
        return symbol
    return market.event.partition(":")[2] or symbol


def why_of(certificate: Certificate, look: Look) -> str:
    """Every end state with what it pays, the links that it rests on, and where venues part."""
    lines = [f"{certificate.kind}: proved at least {usd(certificate.proved)} in every end state"]
    lines += [
        f"  {clean(state.name, 60)}: pays {usd(state.payoff)}, {usd(state.profit, sign=True)}"
        for state in certificate.states[:12]
    ]
    for proof in certificate.links[:4]:
        link = proof.link
        lines.append(f"rests on {link.kind} ({link.confidence // 10_000} %): "
                     f"{clean(link.evidence, 200)}")  # fmt: skip
    for state in certificate.residual[:6]:
        lines.append(f"differs: {clean(state.name, 80)}, then {usd(state.profit, sign=True)}")
    for leg in certificate.legs[:4]:
        market = look.market(leg.instrument)
        if market is not None and market.rules:
            lines.append(f"rules of {clean(leg.instrument, 60)}: {clean(market.rules, 400)}")
    fills = ", ".join(cents(leg.fills[-1].px) for leg in certificate.legs if leg.fills)
    lines.append(f"worst prices taken: {fills}")
    return "\n".join(lines)
