"""What contracts are worth at a moment: one rule for the trades of a run and its equity.

A market has one mark, so that YES and NO of it are always a dollar together: what one strategy
holds may have netted with what another does, and then neither is at the venue any more.
"""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from dutchbook.domain.candidate import Outcome
from dutchbook.domain.step import BasketBegun
from dutchbook.domain.units import ONE, Ns
from dutchbook.engine.view import WorldView
from dutchbook.state.account import Account

Place = tuple[str, Outcome]


class Marks(NamedTuple):
    """What a YES is worth: `resolved` (pays, when) by market, else `marked`; 0 where unknown."""

    resolved: dict[str, tuple[int, Ns]]
    marked: dict[str, int]

    def of(self, key: str, outcome: str) -> int:
        yes = self.resolved[key][0] if key in self.resolved else self.marked.get(key, 0)
        return yes if outcome == "yes" else ONE - yes


class Proved(NamedTuple):
    """`back`: what done baskets pay at least; `held`: the contracts that this rests on."""

    back: int
    held: Counter[Place]


def shares(begun: BasketBegun, held: dict[Place, int]) -> int:
    """Whole shares of a basket among contracts, in millionths; the rest of them are beside it."""
    return max(0, min(held.get((leg.key, leg.outcome), 0) // leg.weight for leg in begun.legs))


def proved(account: Account, resolved: dict[str, tuple[int, Ns]]) -> Proved:
    """Of all done baskets that wait for a market: they pay, whatever books show now."""
    back, contracts = 0, Counter[Place]()
    for name, basket in account.baskets.items():
        begun = basket.begun
        if basket.stage != "done" or all(leg.key in resolved for leg in begun.legs):
            continue
        held: Counter[Place] = Counter()
        for order in account.by_basket.get(name, ()):
            life = account.orders[order]
            sign = 1 if life.order.action == "buy" else -1
            held[life.order.key, life.order.outcome] += sign * life.filled
        whole = shares(begun, held)
        back += begun.payout * whole // ONE
        for leg in begun.legs:
            contracts[leg.key, leg.outcome] += whole * leg.weight
    return Proved(back, contracts)


def marks(
    account: Account, view: WorldView, resolved: dict[str, tuple[int, Ns]], keys: Iterable[str],
    held: Counter[Place],
) -> Marks:  # fmt: skip
    """Unresolved markets at what the larger side that is not proved would bring at once."""
    marked = {}
    for key in keys:
        if key in resolved:
            continue
        yes = account.held(key, "yes") - held[key, "yes"]
        side: Outcome = "yes" if yes >= account.held(key, "no") - held[key, "no"] else "no"
        bids = view.bids(key, side, 1)
        worth = bids[0][0] if bids else 0
        marked[key] = worth if side == "yes" else ONE - worth
    return Marks(resolved, marked)
