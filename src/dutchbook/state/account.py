"""Account state: orders, fills, ledger, baskets, halts; nothing but a fold of the record.

`apply` takes facts, `record` our own effects, `note` our own decisions, in the order of the
journal. Live and in recovery the same three are called with the same values, so the state after
a crash is the state before it. It decides nothing and asks for nothing.
"""

from collections.abc import Iterable

from dutchbook.domain.account_events import OrderFilled, VenueMode
from dutchbook.domain.candidate import Outcome
from dutchbook.domain.effects import Effect
from dutchbook.domain.events import Event
from dutchbook.domain.orders import Order, Reason, State
from dutchbook.domain.step import BasketBegun, HaltMoved, Note, Stage
from dutchbook.domain.units import Ns, Qty, Usd


class Life:
    """One order's life. `since`: when it entered `state`; `decided_at`: when it was recorded.

    `filled` counts fills that were not voided, `canceled` what the venue ended; `fees` what was
    charged; `paid` what was paid (buy) or got (sell) without fees. `missing`: definite answers
    that the venue knows no such order, `missing_since` the first of them.
    """

    order: Order
    state: State
    venue_order: str
    filled: Qty
    canceled: Qty
    fees: Usd
    paid: Usd
    decided_at: Ns
    since: Ns
    why: str
    reason: Reason | str
    missing: int
    missing_since: Ns
    fills: list[OrderFilled]

    @property
    def alive(self) -> bool:
        """Whether it may still fill: its state is one of LIVE."""
        raise NotImplementedError

    @property
    def left(self) -> Qty:
        """What may still fill: 0 for a terminal order."""
        raise NotImplementedError

    @property
    def reserved(self) -> Usd:
        """The cash that what is left may still cost, at the limit price with `fee_max`; sells 0."""
        raise NotImplementedError


class BasketLife:
    """A basket and where it stands; `orders` are the ids of all orders that name it, in order."""

    begun: BasketBegun
    stage: Stage
    why: str
    orders: list[str]
    locked: Usd
    moved_at: Ns
    residual: tuple[tuple[str, str, Qty], ...]

    @property
    def over(self) -> bool:
        """done, unwound or stuck."""
        raise NotImplementedError


class Account:
    """`orders` are all, `live` those that may still fill, both by our id, in order of decision."""

    orders: dict[str, Life]
    live: dict[str, Life]
    baskets: dict[str, BasketLife]
    halts: dict[str, HaltMoved]
    modes: dict[str, VenueMode]
    reconciled: dict[str, bool]
    epoch: str

    def apply(self, event: Event, at: Ns, seq: int) -> list[Note]:
        """Fold a fact; returns what could not be (Quarantined) or differs (Drifted)."""
        raise NotImplementedError

    def record(self, effect: Effect, at: Ns) -> None:
        """Fold one of our own effects: SubmitOrder makes an order `decided` and reserves it."""
        raise NotImplementedError

    def note(self, note: Note, at: Ns) -> None:
        """Fold one of our own decisions: baskets, halts, reconciliation."""
        raise NotImplementedError

    def life_of(self, order: str, venue: str = "", venue_order: str = "") -> Life | None:
        """By our id, or by the venue's."""
        raise NotImplementedError

    def held(self, key: str, outcome: Outcome) -> Qty:
        """Contracts held, provisional fills included."""
        raise NotImplementedError

    def sellable(self, key: str, outcome: Outcome) -> Qty:
        """Contracts held for certain, less what live sell orders may still sell."""
        raise NotImplementedError

    def keys_held(self) -> Iterable[tuple[str, Outcome]]:
        """Every (instrument, outcome) with contracts, ordered."""
        raise NotImplementedError

    def cost(self, key: str, outcome: Outcome) -> Usd:
        """What the contracts held cost, fees included (average entry times size)."""
        raise NotImplementedError

    def cash(self, venue: str) -> Usd:
        """Cash at a venue as our ledger has it, reservations not deducted."""
        raise NotImplementedError

    def reserved(self, venue: str) -> Usd:
        """What live buy orders there may still cost."""
        raise NotImplementedError

    def free(self, venue: str) -> Usd:
        """cash - reserved."""
        raise NotImplementedError

    def equity(self) -> Usd:
        """Cash everywhere plus what the positions cost: the bankroll that limits are shares of."""
        raise NotImplementedError

    def unknown(self, key: str = "") -> list[Life]:
        """Orders whose fate nobody knows, of one market or of all."""
        raise NotImplementedError

    def realised(self) -> Usd:
        """Realised profit since the beginning: sales, merges, settlements, less costs and fees."""
        raise NotImplementedError

    def take(self) -> bytes:
        """The state as canonical bytes, the same for equal states."""
        raise NotImplementedError

    def restore(self, data: bytes) -> None:
        """Become the state of a snapshot. Raises JournalError."""
        raise NotImplementedError
