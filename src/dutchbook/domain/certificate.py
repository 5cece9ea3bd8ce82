"""The proof that a basket cannot lose in any end state of the common terms, as plain data."""

import msgspec

from dutchbook.domain.instrument import Band, EventGroup, FeeSchedule
from dutchbook.domain.relations import Link
from dutchbook.domain.units import ONE, Ns, Px, Qty, Usd


class Fill(msgspec.Struct, frozen=True):
    """One ladder level consumed: price of the outcome bought, size, cost and fee, rounded up."""

    px: Px
    qty: Qty
    cost: Usd
    fee: Usd


class Leg(msgspec.Struct, frozen=True):
    """One order: buy `outcome` ("yes" or "no") of a market through these levels, best first.

    `total` is what leaves the account: costs and fees, rounded up to the schedule's precision.
    `book_version` counts the changes that our copy of that book had seen; `token` is its side.
    `size_min` and `cost_min` are the venue's least order; `settles` is when money is expected
    back (the closing time where the venue gives no other), 0 if unknown.
    """

    instrument: str
    outcome: str
    token: int
    qty: Qty
    fills: tuple[Fill, ...]
    total: Usd
    fees: FeeSchedule
    grid: tuple[Band, ...]
    lot: Qty
    book_version: int
    book_seq: int
    size_min: Qty = Qty(0)
    cost_min: Usd = Usd(0)
    settles: Ns = Ns(0)


class State(msgspec.Struct, frozen=True):
    """An end state: what one YES of each market pays, the basket's payoff, and payoff - capital."""

    name: str
    yes_pays: dict[str, Usd]
    payoff: Usd
    profit: Usd


class Proof(msgspec.Struct, frozen=True):
    """A link as it was used: its content, and the SHA-256 of that content."""

    link: Link
    fingerprint: str


class Certificate(msgspec.Struct, frozen=True):
    """See spec: `proved` rests on the common terms, `residual` lists where venues could part.

    `edge` and `annualised` are millionths: net profit per $1 of payout; per $1 of capital a year.
    `payout` is the worst payoff of one basket of one contract each. `fill_chance` is the
    estimated chance, in millionths, that every leg fills; `confidence` has it as a factor.
    `group` is the event as its venue described it, for bundles. `inputs` is the SHA-256 of the
    canonical JSON of what was read and not derived; `checksum` of all the rest.
    A combinatorial one has `weights` (contracts of each leg in one share; `qty` counts shares) and
    the `groups` it rests on; its states are listed only where they are few.
    """

    schema: int
    kind: str
    legs: tuple[Leg, ...]
    qty: Qty
    capital: Usd
    links: tuple[Proof, ...]
    states: tuple[State, ...]
    proved: Usd
    residual: tuple[State, ...]
    residual_worst: Usd
    edge: int
    annualised: int
    lockup: Ns
    confidence: int
    at: Ns
    seq: int
    run: str
    checksum: str = ""
    payout: Usd = Usd(ONE)
    fill_chance: int = ONE
    group: EventGroup | None = None
    inputs: str = ""
    weights: tuple[int, ...] = ()
    groups: tuple[EventGroup, ...] = ()

    def times(self) -> tuple[int, ...]:
        """Contracts of each leg in one share."""
        return self.weights or (1,) * len(self.legs)
