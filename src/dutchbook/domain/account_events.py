"""What a venue says of our own account: facts, in the past tense, kept for ever.

`order` is our id, "" where the venue's answer does not tell it; then `venue_order` does. Numbers
are millionths. `evidence` is the BLAKE2b-128 of the venue's own bytes (hex), "" where there are
none.
"""

from typing import Final, Literal

import msgspec

from dutchbook.domain.candidate import Outcome
from dutchbook.domain.orders import Action, Holding, Reason
from dutchbook.domain.units import Ns, Px, Qty, Usd

Grade = Literal["venue_fill", "book_cross", "trade_through", "queue_model"]
"""From the best evidence to the least; see `sim/paper.py` for the last three."""
NOT_TOLD: Final = Usd(-1)
"""The fee of a fill of which the venue has not said what it cost."""


class OrderSent(msgspec.Struct, frozen=True, array_like=True, tag="OrderSent"):
    """The first byte of a request with this order is about to leave."""

    order: str


class OrderAcked(msgspec.Struct, frozen=True, array_like=True, tag="OrderAcked"):
    """The venue has the order. `delayed`: it holds it back before it matches (can't be canceled).

    It says nothing of fills: those come as OrderFilled, also for an order that filled at once.
    """

    order: str
    venue_order: str
    delayed: bool = False
    venue_at: Ns = Ns(0)
    evidence: str = ""


class OrderRejected(msgspec.Struct, frozen=True, array_like=True, tag="OrderRejected"):
    """The venue refused it, or it never left us (`not_sent`): it can't fill, ever."""

    order: str
    reason: Reason
    text: str
    evidence: str = ""


class OrderUnknown(msgspec.Struct, frozen=True, array_like=True, tag="OrderUnknown"):
    """It may have arrived or not: no answer, 408, 5xx, an answer that can't be read."""

    order: str
    why: str
    evidence: str = ""


class OrderFilled(msgspec.Struct, frozen=True, array_like=True, tag="OrderFilled"):
    """One fill. Identity: (venue, account, trade, venue_order or order, leg): twice is once.

    `px` is of `outcome`; buying NO at p is selling YES at 1-p, and a venue may tell either.
    `fee` is what the venue charged (millionths of a dollar; rounding fee included), or `NOT_TOLD`;
    it is below 0 where Kalshi gives back what it had rounded up at an earlier fill of the order.
    `provisional`: matched but not final (Polymarket); FillSettled or FillVoided follows.
    `after`: our position in YES contracts after the fill, where told (Kalshi), else None.
    `grade`: what the fill rests on; a venue's own word, or what a paper venue makes of live books.
    """

    venue: str
    account: str
    order: str
    venue_order: str
    trade: str
    key: str
    outcome: Outcome
    action: Action
    px: Px
    qty: Qty
    fee: Usd
    maker: bool
    venue_at: Ns
    leg: int = 0
    provisional: bool = False
    after: Qty | None = None
    grade: Grade = "venue_fill"


class FillSettled(msgspec.Struct, frozen=True, array_like=True, tag="FillSettled"):
    """A provisional trade moved on: `mined` and `retrying` are still provisional."""

    venue: str
    account: str
    trade: str
    status: Literal["mined", "retrying", "confirmed"]


class FillVoided(msgspec.Struct, frozen=True, array_like=True, tag="FillVoided"):
    """A trade that was matched failed for good: all fills with this trade never happened."""

    venue: str
    account: str
    trade: str
    why: str


class OrderCanceled(msgspec.Struct, frozen=True, array_like=True, tag="OrderCanceled"):
    """The venue ended the order. `canceled` and `filled`: what it says was, -1 where not told.

    `filled` above what we have counted means that fills are still to come (or to be asked for).
    """

    order: str
    venue_order: str
    reason: Reason
    canceled: Qty = Qty(-1)
    filled: Qty = Qty(-1)
    text: str = ""
    evidence: str = ""


class CancelFailed(msgspec.Struct, frozen=True, array_like=True, tag="CancelFailed"):
    """A cancel was not carried out, or nobody knows: no evidence about the order itself.

    `gone`: the venue says there is no such order (canceled, filled, or never there): ask.
    """

    order: str
    why: str
    gone: bool = False


class OrderSeen(msgspec.Struct, frozen=True, array_like=True, tag="OrderSeen"):
    """The venue's own record of an order, asked for or in a report. `px`, `qty` as OrderFilled.

    `filled` may lag the fills themselves; the fills decide. `delayed` counts as open.
    """

    venue: str
    account: str
    order: str
    venue_order: str
    key: str
    outcome: Outcome
    action: Action
    px: Px
    qty: Qty
    status: Literal["open", "delayed", "filled", "canceled", "expired"]
    filled: Qty
    venue_at: Ns = Ns(0)


class OrderMissing(msgspec.Struct, frozen=True, array_like=True, tag="OrderMissing"):
    """A definite answer to a question for this order: the venue knows of none, and of no trade.

    Never made of a transport error, of a 5xx, or of a list that is not complete.
    """

    order: str
    evidence: str = ""


class AccountSeen(msgspec.Struct, frozen=True, array_like=True, tag="AccountSeen"):
    """A complete report: every open order, every holding, cash, and all fills since `since`.

    `asked`: when its first question left. `cash` counts what rests in open orders as ours.
    `allowance`: what the venue may draw, -1 unlimited or not told.
    """

    venue: str
    account: str
    asked: Ns
    since: Ns
    cash: Usd
    holdings: tuple[Holding, ...]
    orders: tuple[OrderSeen, ...]
    fills: tuple[OrderFilled, ...]
    allowance: Usd = Usd(-1)


class AccountUnseen(msgspec.Struct, frozen=True, array_like=True, tag="AccountUnseen"):
    """A report could not be completed: it says nothing, least of all that there is nothing."""

    venue: str
    account: str
    why: str


class VenueMode(msgspec.Struct, frozen=True, array_like=True, tag="VenueMode"):
    """What the venue lets us do now; `until` 0 where not told.

    blocked: its geoblock, or the account is closed. closing_only: positions may only be reduced.
    unauthorized: 401/403. paused: nothing but cancels.
    """

    venue: str
    mode: Literal[
        "open", "post_only", "cancel_only", "paused", "closing_only", "blocked", "unauthorized"
    ]
    why: str
    until: Ns = Ns(0)


class Paid(msgspec.Struct, frozen=True, array_like=True, tag="Paid"):
    """Money or contracts moved without an order. `id` makes it count once; `version` re-states it.

    settle: the market paid `px` per YES contract for what we held (`qty` YES, `no` NO).
    merge: `qty` of YES and NO each became cash. split: the other way. redeem: as settle, claimed.
    transfer: `cash` came in or (negative) went out. rebate: `cash` came in.
    """

    venue: str
    account: str
    what: Literal["settle", "merge", "split", "redeem", "transfer", "rebate"]
    id: str
    cash: Usd
    venue_at: Ns
    key: str = ""
    qty: Qty = Qty(0)
    no: Qty = Qty(0)
    px: Px = Px(0)
    fee: Usd = Usd(0)
    version: int = 1


class ClockSeen(msgspec.Struct, frozen=True, array_like=True, tag="ClockSeen"):
    """Our clock less the venue's, in ns, from an answer's own time; half a round trip uncertain."""

    venue: str
    skew: Ns


class RateSeen(msgspec.Struct, frozen=True, array_like=True, tag="RateSeen"):
    """How many orders the venue takes from us at once, and how many a second."""

    venue: str
    burst: int
    per_second: int


OwnEvent = (
    OrderSent
    | OrderAcked
    | OrderRejected
    | OrderUnknown
    | OrderFilled
    | FillSettled
    | FillVoided
    | OrderCanceled
    | CancelFailed
    | OrderSeen
    | OrderMissing
    | AccountSeen
    | AccountUnseen
    | VenueMode
    | Paid
    | ClockSeen
    | RateSeen
)
OWN = (
    OrderSent, OrderAcked, OrderRejected, OrderUnknown, OrderFilled, FillSettled, FillVoided,
    OrderCanceled, CancelFailed, OrderSeen, OrderMissing, AccountSeen, AccountUnseen, VenueMode,
    Paid, ClockSeen, RateSeen,
)  # fmt: skip
