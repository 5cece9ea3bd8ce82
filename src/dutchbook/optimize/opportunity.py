"""What capital can be allocated to, and an allocation: whole numbers of millionths."""

import msgspec

from dutchbook.domain.instrument import FeeSchedule
from dutchbook.domain.units import ONE, Ns, Px, Qty, Usd

Levels = tuple[tuple[Px, Qty], ...]


class Ladder(msgspec.Struct, frozen=True):
    """What is offered of one outcome, cheapest first: (price, size). Names are for the limits."""

    key: str
    venue: str
    levels: Levels
    fees: FeeSchedule
    market: str = ""
    event: str = ""
    category: str = ""


class Opportunity(msgspec.Struct, frozen=True):
    """Equal sizes of each leg (keys of ladders), which bring `payout` back per contract.

    `payout` is what is expected. `lockup` is how long the money is away; `whole` means all of
    the depth (or of `size_max`, if that is less) or nothing.
    """

    name: str
    legs: tuple[str, ...]
    payout: Usd
    strategy: str = ""
    groups: tuple[str, ...] = ()
    lockup: Ns = Ns(0)
    lot: Qty = Qty(10_000)
    size_min: Qty = Qty(0)
    size_max: Qty = Qty(-1)
    whole: bool = False


class Allocation(msgspec.Struct, frozen=True):
    """Contracts, money spent and profit of each opportunity, in order; and what held it back.

    `binding` names limits and depths with their shadow prices: profit per dollar of another
    dollar of the limit, or per contract of another contract of depth. No plan at all earns more
    than `bound`, so whole lots cost at most `bound - profit`. `basis` says what the bound rests
    on: "duality" is recomputed here from the shadow prices, "solver" is the solver's own word
    (only where whole columns were needed).
    """

    qty: tuple[Qty, ...]
    spent: tuple[Usd, ...]
    profits: tuple[Usd, ...]
    profit: Usd
    capital: Usd
    bound: Usd
    binding: dict[str, float]
    basis: str = "duality"

    @property
    def loss_max(self) -> int:
        """The most that whole lots, least sizes and rounded fees cost."""
        return self.bound - self.profit


def unit_cost(fees: FeeSchedule, px: int) -> float:
    """Dollars per contract at a price, fees included, nothing rounded."""
    part = px / ONE
    if fees.kind == "none":
        return part
    exponent = fees.exponent if fees.kind == "polymarket" else 1
    return part + fees.taker / ONE * (part * (1 - part)) ** exponent
