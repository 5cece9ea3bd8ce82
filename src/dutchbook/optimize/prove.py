"""Turn a basket into its certificate: every end state, what it pays, and the worst of them."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from math import gcd
from typing import Any

import msgspec

from dutchbook.domain.candidate import View
from dutchbook.domain.certificate import Certificate, Leg, Proof, State
from dutchbook.domain.errors import CertificateError
from dutchbook.domain.instrument import Band, EventGroup, FeeSchedule
from dutchbook.domain.relations import Link
from dutchbook.domain.units import DAY, ONE, SECOND, Ns, Qty, Usd
from dutchbook.optimize import shape
from dutchbook.optimize.states import Ends, end_states
from dutchbook.optimize.walk import Basket

SCHEMA = 1
YEAR = 365 * DAY
LOCKUP_DEFAULT = 30 * DAY
"""Assumed where a venue gives neither a settling nor a closing time."""
LOCKUP_MIN = 3_600 * SECOND
"""Money is not back sooner than an hour from now, also where the closing time has passed."""
_PLAIN = frozenset((int, str, bool, type(None)))
INPUTS = ("schema", "kind", "legs", "qty", "links", "group", "fill_chance", "at", "seq", "run")
"""The fields that were read, not derived; `inputs` is the digest over them."""


def prove(basket: Basket, view: View, fill_chance: int = ONE) -> Certificate:
    """The certificate of a basket at this instant; `fill_chance` in millionths, 1 by default.

    Raises CertificateError if the worst end state pays less than the candidate promised.
    """
    candidate = basket.candidate
    sure, parted = _joint(basket) if candidate.kind == "combinatorial" else end_states(candidate)
    states = _judged(basket, sure)
    residual = _judged(basket, parted)
    if candidate.kind == "combinatorial":
        back = shape.payout(candidate.legs, candidate.times(), candidate.links, candidate.groups)
        proved = basket.qty * (back or 0) // ONE - basket.capital
    else:
        proved = min(state.profit for state in states)
    if proved + basket.capital < basket.qty * candidate.payout // ONE:
        raise CertificateError(f"{candidate.key}: a state pays less than was promised")
    lockup = _lockup(basket.legs, view.now)
    unsealed = Certificate(
        schema=SCHEMA,
        kind=candidate.kind,
        legs=basket.legs,
        qty=basket.qty,
        capital=basket.capital,
        links=tuple(Proof(link, fingerprint(link)) for link in candidate.links),
        states=states,
        proved=Usd(proved),
        residual=residual,
        residual_worst=Usd(min(state.profit for state in residual)),
        edge=proved * ONE * ONE // (basket.qty * candidate.payout),
        annualised=proved * ONE * YEAR // (basket.capital * lockup),
        lockup=Ns(lockup),
        confidence=_confidence(fill_chance, candidate.links),
        at=view.now,
        seq=view.seq,
        run=view.run,
        payout=candidate.payout,
        fill_chance=fill_chance,
        group=candidate.group,
        weights=candidate.weights,
        groups=candidate.groups,
    )
    return seal(unsealed)


def seal(certificate: Certificate) -> Certificate:
    """The same certificate with the digest of its inputs and its checksum."""
    document = certificate_json(certificate)
    if certificate.kind == "combinatorial":
        return msgspec.structs.replace(certificate, checksum=document["checksum"])
    document["inputs"] = digest({name: document[name] for name in INPUTS})
    del document["checksum"]
    return msgspec.structs.replace(
        certificate, inputs=document["inputs"], checksum=digest(document)
    )


def fingerprint(link: Link) -> str:
    """The SHA-256 of a link's content."""
    return digest(plain_data(link))


def digest(data: Any) -> str:
    """The SHA-256, in hex, of canonical JSON: sorted keys, no spaces, ASCII."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def certificate_json(certificate: Certificate) -> dict[str, Any]:
    """A certificate as plain data, every part an object with named fields.

    A combinatorial one in the form that `verifier_joint.py` checks.
    """
    one = certificate
    if one.kind == "combinatorial":
        links = tuple(proof.link for proof in one.links)
        figures = {"capital": one.capital, "proved": one.proved}
        figures["residual_worst"] = one.residual_worst
        return joint_json(one.legs, links, one.groups, figures, (one.at, one.seq, one.run))
    document: dict[str, Any] = plain_data(certificate)
    del document["weights"], document["groups"]
    return document


def joint_json(
    legs: Sequence[Leg],
    links: Sequence[Link],
    groups: Sequence[EventGroup],
    figures: Mapping[str, int],
    when: tuple[int, int, str],
    *,
    label: str = "proved",
    claims: Sequence[Any] = (),
    tree: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The certificate of a portfolio; `figures`: capital, proved, residual_worst in millionths.

    `when` is (ns, seq, run). Edge is profit per $1 of the worst payoff.
    """
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "kind": "combinatorial",
        "label": label,
        "legs": plain_data(list(legs)),
        "links": [{"link": plain_data(one), "fingerprint": fingerprint(one)} for one in links],
        "groups": plain_data(list(groups)),
        "claims": [
            {"members": list(c.members), "weights": list(c.weights), "least": c.least}
            for c in claims
        ],
        "tree": tree,
        **figures,
        "edge": figures["proved"] * ONE // (figures["proved"] + figures["capital"]),
        **dict(zip(("at", "seq", "run"), when, strict=True)),
    }
    return document | {"checksum": digest(document)}


def certificate_decode(document: dict[str, Any]) -> Certificate:
    """Read what `certificate_json` wrote. Raises CertificateError for anything else.

    Of a combinatorial one, what its document does not hold (states, lock-up) is left empty.
    """
    try:
        if document["kind"] == "combinatorial":
            document = _joint_fields(document)
        legs = [
            leg
            | {
                "fees": _row(leg["fees"], FeeSchedule),
                "grid": [_row(band, Band) for band in leg["grid"]],
            }
            for leg in document["legs"]
        ]
        links = [proof | {"link": _row(proof["link"], Link)} for proof in document["links"]]
        group = document["group"]
        parts = {"group": _row(group, EventGroup) if group else None, "legs": legs, "links": links}
        parts["groups"] = [_row(one, EventGroup) for one in document.get("groups", ())]
        return msgspec.convert(document | parts, Certificate)
    except (msgspec.ValidationError, KeyError, TypeError) as error:
        raise CertificateError(f"not a certificate: {error}") from None


def _joint_fields(document: dict[str, Any]) -> dict[str, Any]:
    """The fields of a Certificate from a joint document: shares and weights by the sizes."""
    sizes = [leg["qty"] for leg in document["legs"]]
    qty = gcd(*sizes)
    back = document["proved"] + document["capital"]
    fields = {name: document[name] for name in Certificate.__struct_fields__ if name in document}
    absent: dict[str, Any] = {"states": (), "residual": (), "annualised": 0, "lockup": 0}
    absent |= {"confidence": ONE, "group": None, "qty": Qty(qty), "payout": back * ONE // qty}
    return absent | fields | {"weights": [size // qty for size in sizes]}


def _joint(basket: Basket) -> tuple[Ends, Ends]:
    """The joint states where they are few; and the end in which no link and no event holds."""
    candidate = basket.candidate
    ends = [
        (", ".join(f"{key} {'YES' if pay else 'NO'}" for key, pay in pays.items()), pays)
        for pays in shape.listed(candidate)
    ]
    lean: dict[str, int] = {}
    for (key, outcome), weight in zip(candidate.legs, candidate.times(), strict=True):
        lean[key] = lean.get(key, 0) + (weight if outcome == "yes" else -weight)
    worst = {key: 0 if net > 0 else ONE for key, net in lean.items()}
    return ends, [("no link and no event holds", worst)]


def _judged(basket: Basket, ends: Ends) -> tuple[State, ...]:
    found = []
    for name, pays in ends:
        candidate = basket.candidate
        payoff = (
            sum(
                basket.qty * weight * (pays[key] if outcome == "yes" else ONE - pays[key])
                for (key, outcome), weight in zip(candidate.legs, candidate.times(), strict=True)
            )
            // ONE
        )
        yes_pays = {key: Usd(value) for key, value in pays.items()}
        found.append(State(name, yes_pays, Usd(payoff), Usd(payoff - basket.capital)))
    return tuple(found)


def _lockup(legs: tuple[Leg, ...], now: Ns) -> int:
    """Until the last leg's money is back: ns."""
    return max(LOCKUP_MIN, *(leg.settles - now if leg.settles else LOCKUP_DEFAULT for leg in legs))


def _confidence(fill_chance: int, links: tuple[Link, ...]) -> int:
    chance = fill_chance
    for link in links:
        chance = chance * link.confidence // ONE
    return chance


def plain_data(value: Any) -> Any:
    """Structs as objects with named fields, tuples as lists."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, msgspec.Struct):
        return {name: plain_data(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, list | tuple):
        return [plain_data(item) for item in value]
    if isinstance(value, dict):
        return {key: plain_data(item) for key, item in value.items()}
    return value


def _row(data: dict[str, Any], kind: type[msgspec.Struct]) -> list[Any]:
    """An object with named fields as the array that its type is encoded as."""
    if set(data) != set(kind.__struct_fields__):
        raise KeyError(f"fields of {kind.__name__}")
    return [data[name] for name in kind.__struct_fields__]
