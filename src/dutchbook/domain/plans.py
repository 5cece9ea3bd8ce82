"""What the optimiser is asked and answers: portfolios over linked markets, as values."""

import msgspec

from dutchbook.domain.candidate import Outcome
from dutchbook.domain.instrument import EventGroup, FeeSchedule
from dutchbook.domain.relations import Link
from dutchbook.domain.units import Px, Qty, Usd

Ladder = tuple[tuple[Px, Qty], ...]


class Offered(msgspec.Struct, frozen=True, array_like=True):
    """What can be bought of a market: (price, size) of each outcome, cheapest first."""

    key: str
    yes: Ladder
    no: Ladder
    fees: FeeSchedule
    lot: Qty


class SolvePlan(msgspec.Struct, frozen=True, array_like=True, tag="SolvePlan"):
    """Find the portfolios of these markets that pay more than they cost in every joint end state.

    `name` is that of the set of markets, `number` of the question: the answer repeats both.
    `edge_min`: profit per $1 of payout, in millionths; what has less is of no use.
    """

    name: str
    number: int
    edge_min: int
    markets: tuple[Offered, ...]
    links: tuple[Link, ...]
    groups: tuple[EventGroup, ...]


class Shape(msgspec.Struct, frozen=True, array_like=True):
    """A portfolio as contracts of each leg in one share; `links` and `groups` (ids, keys) are
    those without which it would pay less in some end state."""

    legs: tuple[tuple[str, Outcome], ...]
    weights: tuple[int, ...]
    links: tuple[str, ...]
    groups: tuple[str, ...]


class PlanReady(msgspec.Struct, frozen=True, array_like=True, tag="PlanReady"):
    """The answer to SolvePlan: a proposal, used only after it was proved in whole numbers.

    No portfolio at all earned more than `bound` on the books asked about (-1: not known).
    `prices` is what a YES pays on average over end states with the shadow prices' chances: where
    nothing is to be had, no offer is cheaper than these by the edge asked for. `why` not "": no
    answer came, and the question may be asked again.
    """

    name: str
    number: int
    shapes: tuple[Shape, ...] = ()
    bound: Usd = Usd(-1)
    prices: tuple[tuple[str, Px], ...] = ()
    why: str = ""
