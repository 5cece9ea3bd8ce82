"""The certificate of a combinatorial portfolio, as plain data; `verifier_joint.py` checks it.

Its worst case is not a list of states but what the checker works out again from what it declares:
links, events, inequalities and, for a knock-out, the tree.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from dutchbook.domain.candidate import View
from dutchbook.domain.errors import CertificateError
from dutchbook.domain.instrument import EventGroup
from dutchbook.domain.relations import Link
from dutchbook.optimize.combine import Portfolio
from dutchbook.optimize.exact import Market, fills
from dutchbook.optimize.logic import Linear
from dutchbook.optimize.prove import joint_json
from dutchbook.optimize.tree import Bracket, Reach
from dutchbook.optimize.walk import leg_of


class Basis(NamedTuple):
    """What a worst case rests on: approved links, the venues' events, claims, a knock-out."""

    links: Sequence[Link] = ()
    groups: Sequence[EventGroup] = ()
    claims: Sequence[Linear] = ()
    bracket: Bracket | None = None


def certify(
    found: Portfolio, markets: Mapping[str, Market], basis: Basis, view: View
) -> dict[str, Any]:
    """The certificate of a portfolio. `residual_worst` is what is lost if every link fails.

    Raises CertificateError for one that buys nothing.
    """
    if not found.bought:
        raise CertificateError("there is nothing to certify: the portfolio is empty")
    bought = sorted(found.bought)
    legs = [
        leg_of(view, view.instrument(key), outcome, fills(markets[key], outcome, qty))
        for (key, outcome), qty in sorted(found.bought.items())
    ]
    sizes = [
        (found.bought.get((key, "yes"), 0), found.bought.get((key, "no"), 0))
        for key in dict.fromkeys(key for key, _ in bought)
    ]
    figures: dict[str, int] = {"capital": found.capital, "proved": found.profit}
    figures["residual_worst"] = sum(min(pair) for pair in sizes) - found.capital
    return joint_json(
        legs, basis.links, basis.groups, figures, (view.now, view.seq, view.run),
        label=found.label, claims=basis.claims,
        tree=_tree(basis.bracket, {key for key, _ in bought}),
    )  # fmt: skip


def _tree(bracket: Bracket | None, keys: set[str]) -> dict[str, Any] | None:
    """A knock-out's teams in order of the draw, and those of its contracts that were bought."""
    if bracket is None:
        return None
    contracts = {
        key: ["reach", *one] if isinstance(one, Reach) else ["beats", *one]
        for key, one in bracket.contracts.items()
        if key in keys
    }
    return {"teams": list(bracket.teams), "contracts": contracts}
