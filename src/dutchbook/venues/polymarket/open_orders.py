"""The venue's own record of an order, as OrderSeen."""

from typing import Final, Literal

from dutchbook.domain.account_events import OrderSeen
from dutchbook.domain.orders import Action
from dutchbook.domain.units import Px, Qty
from dutchbook.venues.polymarket.account_wire import OpenOrder, moment, named
from dutchbook.venues.polymarket.numbers import PRICES, SIZES
from dutchbook.venues.polymarket.records import Known

Word = Literal["open", "delayed", "filled", "canceled", "expired"]
_STATUS: Final[dict[str, Word]] = {
    "LIVE": "open",
    "UNMATCHED": "open",
    "DELAYED": "delayed",
    "MATCHED": "filled",
    "CANCELED": "canceled",
    "CANCELED_MARKET_RESOLVED": "canceled",
    "CANCELED_NOT_ENOUGH_BALANCE": "canceled",
    "CANCELED_MARKET_NOT_FOUND": "canceled",
    "CANCELED_EXPIRED_ORDER": "expired",
    "CANCELED_ORDER_TIMED_OUT": "expired",
    "INVALID": "canceled",
}
_ACTIONS: Final[dict[str, Action]] = {"BUY": "buy", "SELL": "sell"}


def word(status: str) -> Word:
    """Our word for an order's status; ValueError for one that we don't know."""
    bare = status.upper().removeprefix("ORDER_STATUS_").replace("CANCELLED", "CANCELED")
    if bare not in _STATUS:
        raise ValueError(f"not a status of an order: {status[:40]!r}")
    return _STATUS[bare]


def seen(found: OpenOrder, known: Known, status: Word | None = None) -> OrderSeen:
    """An order as the venue has it; ValueError if it makes no sense.

    `status`: where the message itself tells it otherwise than by its field.
    """
    if found.side not in _ACTIONS:
        raise ValueError(f"not a side: {found.side[:40]!r}")
    key, outcome = known.place(found.asset_id, found.market, found.outcome)
    qty, filled = SIZES[found.original_size], SIZES[found.size_matched]
    if qty == 0:
        raise ValueError("an order for nothing")
    name = named(found.id)
    return OrderSeen(
        venue="polymarket",
        account=known.account,
        order=known.of(name),
        venue_order=name,
        key=key,
        outcome=outcome,
        action=_ACTIONS[found.side],
        px=Px(PRICES[found.price]),
        qty=Qty(qty),
        status=status or word(found.status),
        filled=Qty(filled),
        venue_at=moment(found.created_at),
    )
