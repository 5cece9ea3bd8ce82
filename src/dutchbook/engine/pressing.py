"""Execute, pressed by a person: quote the opportunity anew, and take it only if it still pays."""

from typing import Final

from dutchbook.domain.candidate import Candidate
from dutchbook.domain.certificate import Certificate
from dutchbook.domain.events import OperatorAsked
from dutchbook.domain.step import Refused
from dutchbook.domain.units import ONE, Ns, ceil_div
from dutchbook.engine.view import WorldView
from dutchbook.optimize.prove import prove
from dutchbook.optimize.walk import Basket, Limits, gross, weigh
from dutchbook.state.account import Account

EXECUTE: Final = "execute"
KEPT_MAX: Final = 2_000
"""Opportunities that are remembered; older ones are past their time anyway."""
SHARE: Final = 700_000
"""Of the edge that was alerted, in millionths, so much must be left at the click."""


class Presses:
    """Remembers what recent opportunities were made of, and which alerts were executed."""

    def __init__(self) -> None:
        self._made_of: dict[str, Candidate] = {}
        self._taken: dict[str, None] = {}

    def remember(self, name: str, candidate: Candidate) -> None:
        """An opportunity opened."""
        self._made_of[name] = candidate
        if len(self._made_of) > KEPT_MAX:
            del self._made_of[next(iter(self._made_of))]

    def asked(
        self, event: OperatorAsked, view: WorldView, limits: Limits, account: Account
    ) -> Refused | tuple[str, Certificate]:
        """What a press leads to: an opportunity with a certificate of this moment, or why not.

        `event.args`: alert id, opportunity, the edge that was alerted (millionths per $1 of
        payout), and the time (ns) after which nothing is sent. An alert is executed once; so is
        an opportunity, and that also over a restart, since its basket is in the record.
        """
        try:
            alert, name, edge_text, until_text = event.args
            edge, until = int(edge_text), int(until_text)
        except ValueError:
            why = "wanted: alert, opportunity, edge, time"
            return Refused(event.args[0] if event.args else "", "request", why, {})
        candidate = self._made_of.get(name)
        before = [b.begun.id for b in account.baskets.values() if b.begun.opportunity == name]
        if alert in self._taken or before:
            why = f"executed already{f': {before[0]}' if before else ''}"
            return Refused(alert, "repeat", why, {})
        if view.now > until:
            return Refused(alert, "ttl", "its time is over", {"late_ns": Ns(view.now - until)})
        if candidate is None:
            return Refused(alert, "gone", f"opportunity {name} is not of this run", {})
        found = _quoted(candidate, view, limits, edge)
        if isinstance(found, Basket):
            self._taken[alert] = None
            return name, prove(found, view)
        why, now = found
        return Refused(alert, "edge", why, {"edge": now, "alerted": edge})


def _quoted(
    candidate: Candidate, view: WorldView, limits: Limits, edge: int
) -> Basket | tuple[str, int]:
    """The basket that leaves 70 % of the alerted edge on each contract, or why not and the edge.

    The edge told is that of the best offers, in millionths per $1 of payout.
    """
    stale = view.why_stale(candidate)
    left = gross(candidate, view)
    if stale:
        return f"stale book ({stale})", 0
    best = left * ONE // candidate.payout
    if left <= 0:
        return "no edge is left", best
    least = Limits(
        max(ceil_div(edge * SHARE, ONE), 1), limits.size_min, limits.capital_max, limits.levels
    )
    verdict = weigh(candidate, view, least, left).verdict
    if isinstance(verdict, Basket):
        return verdict
    return verdict.reason, verdict.numbers.get("net", left) * ONE // candidate.payout
