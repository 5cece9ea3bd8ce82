"""What alerts read of a run besides its steps; a port, so that they need no engine."""

from typing import NamedTuple, Protocol

from dutchbook.domain.candidate import Outcome
from dutchbook.domain.instrument import Instrument
from dutchbook.domain.orders import Order
from dutchbook.domain.units import Ns


class Position(NamedTuple):
    """A holding: what it cost in all, and what its book would pay for one now (0: nothing)."""

    key: str
    outcome: Outcome
    qty: int
    cost: int
    bid: int


class Look(Protocol):
    """All of it as of the step that is being told. Money in millionths."""

    def market(self, key: str) -> Instrument | None: ...

    def order(self, name: str) -> Order | None: ...

    def holdings(self) -> list[Position]:
        """Everything that is held."""
        ...

    def alone(self) -> list[Position]:
        """What is held and belongs to no basket: only there a price says what was lost."""
        ...

    def stop(self, level: str) -> int:
        """The share of the bankroll (millionths) at which a breaker of this level trips."""
        ...

    def open_orders(self, venue: str) -> int: ...

    def arb_of(self, key: str) -> str:
        """The opportunity of a basket that holds this market, "" if none."""
        ...

    def down(self) -> list[tuple[str, Ns]]:
        """Components besides the feeds that do not work, and since when."""
        ...
