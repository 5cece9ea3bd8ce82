"""What a strategy sees and what it offers: named here so that no floor imports upwards for them.

Every arbitrage kind is the same trade: buy one contract of each leg (of a portfolio that the
optimiser shaped, a whole multiple of each); at least `payout` comes back in every end state of the
common terms. The kinds differ only in which legs they name.
"""

from typing import Literal, Protocol

import msgspec

from dutchbook.domain.instrument import EventGroup, Instrument
from dutchbook.domain.relations import Link
from dutchbook.domain.units import Ns, Px, Qty, Usd

Outcome = Literal["yes", "no"]
Kind = Literal[
    "complement", "bundle_yes", "bundle_no", "cross_venue", "implication", "combinatorial"
]  # fmt: skip


class Candidate(msgspec.Struct, frozen=True):
    """A basket that would be an arbitrage if it were cheap: (instrument key, outcome) per leg.

    `payout` is the worst payoff per contract over the states that `links` leave possible.
    `key` names it for ever: kind, then what it rests on. `weights`: contracts of each leg in one
    share of the basket, without a common factor; () means one of each. `groups`: the venues'
    events that a combinatorial payout rests on besides the links.
    """

    key: str
    kind: Kind
    legs: tuple[tuple[str, Outcome], ...]
    payout: Usd
    links: tuple[Link, ...] = ()
    group: EventGroup | None = None
    weights: tuple[int, ...] = ()
    groups: tuple[EventGroup, ...] = ()

    def times(self) -> tuple[int, ...]:
        """Contracts of each leg in one share of the basket."""
        return self.weights or (1,) * len(self.legs)


class View(Protocol):
    """The world as a strategy may read it, at one instant; prices are of the outcome bought."""

    now: Ns
    seq: int
    run: str

    def instrument(self, key: str) -> Instrument: ...

    def stale(self, key: str, outcome: Outcome) -> str:
        """Why the book that this outcome is bought from is not fresh; "" when it is."""
        ...

    def best(self, key: str, outcome: Outcome) -> tuple[Px, Qty]:
        """Best offer of this outcome: (price, size); (ONE, 0) when nobody sells it."""
        ...

    def offers(self, key: str, outcome: Outcome, levels: int) -> list[tuple[Px, Qty]]:
        """The best `levels` offers of this outcome, cheapest first."""
        ...

    def bids(self, key: str, outcome: Outcome, levels: int) -> list[tuple[Px, Qty]]:
        """The best `levels` bids for this outcome, dearest first: what a seller of it gets."""
        ...

    def book(self, key: str, outcome: Outcome) -> tuple[int, int, int]:
        """(token, version, seq of the last change) of the book behind this outcome."""
        ...


class Catalogue(Protocol):
    """What candidates are made from: markets, events, and links that a person approved."""

    def instruments(self) -> list[Instrument]: ...

    def groups(self) -> list[EventGroup]: ...

    def approved(self) -> list[Link]:
        """Links at their approved version, ordered by id."""
        ...
