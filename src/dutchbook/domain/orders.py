"""What we ask a venue for, and the words for how it went; every field needed to make the bytes."""

from typing import Literal

import msgspec

from dutchbook.domain.candidate import Outcome
from dutchbook.domain.units import Ns, Px, Qty, Usd

Action = Literal["buy", "sell"]
Tif = Literal["gtc", "gtd", "ioc", "fok"]
Purpose = Literal["leg", "complete", "unwind", "exit", "manual", "quote"]
State = Literal[
    "decided", "sent", "acked", "partial", "unknown",
    "filled", "canceled", "rejected", "expired", "never_arrived",
]  # fmt: skip
"""`decided`: durable, perhaps sent. `unknown`: nobody knows; reserved until there is evidence."""
LIVE: tuple[State, ...] = ("decided", "sent", "acked", "partial", "unknown")
"""States in which an order can still fill; all others are terminal."""

Reason = Literal[
    "not_sent", "funds", "price", "size", "post_only_cross", "killed", "no_match", "closed",
    "post_only_mode", "cancel_only", "disabled", "unauthorized", "blocked", "throttled",
    "duplicate", "expired", "reduce_only", "self_trade", "operator", "never_arrived", "other",
]  # fmt: skip
"""Why an order was rejected or canceled. `killed`: FOK without enough; `no_match`: IOC, none."""


class Order(msgspec.Struct, frozen=True, array_like=True):
    """A limit order for one outcome of one market. The same Order gives the same bytes, for ever.

    `id` is ours, minted once and stored before it is sent: 1 to 40 characters of [0-9a-z.-].
    `px` is of the outcome named, on the grid; `qty` whole lots. `expires`: gtd only, else 0.
    `token`, `neg_risk` and `shard` are what the venue's own bytes need besides (see Instrument).
    `fee_max`: the most that the venue can charge, at the worst fill; part of the reservation.
    `slot` and `edge`: of the wish that a quote stands for; they are in no byte that is sent.
    """

    id: str
    venue: str
    account: str
    key: str
    outcome: Outcome
    action: Action
    px: Px
    qty: Qty
    tif: Tif
    made_at: Ns
    purpose: Purpose
    basket: str = ""
    strategy: str = ""
    expires: Ns = Ns(0)
    post_only: bool = False
    reduce_only: bool = False
    token: str = ""
    neg_risk: bool = False
    shard: int = 0
    fee_max: Usd = Usd(0)
    replaces: str = ""
    slot: str = ""
    edge: int = 0

    @property
    def repairs(self) -> bool:
        """Whether it sells what is held, to give up or to end a position."""
        if self.action != "sell":
            return False
        at_once = self.reduce_only and self.tif in ("ioc", "fok")
        return at_once or self.purpose in ("unwind", "exit")


class Holding(msgspec.Struct, frozen=True, array_like=True):
    """Contracts of one outcome that the venue says we hold; never negative."""

    key: str
    outcome: Outcome
    qty: Qty


class LegPlan(msgspec.Struct, frozen=True, array_like=True):
    """A leg of a basket as it was decided. `px` is the worst price that the certificate allows.

    `weight`: contracts of it in one share of the basket.
    """

    key: str
    outcome: Outcome
    px: Px
    qty: Qty
    order: str
    weight: int = 1
