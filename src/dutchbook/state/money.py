"""From fills and payments to ledger entries: each once, provisional ones marked, voids exact."""

from typing import Final

from dutchbook.domain.account_events import OrderFilled, Paid
from dutchbook.domain.candidate import Outcome
from dutchbook.domain.units import ONE, Qty, Usd, ceil_div
from dutchbook.state.ledger import Entry, Ledger, Posting

NETTING: Final = ("kalshi",)
"""Venues that hold one position per market: YES and NO together become cash at once."""

Trade = tuple[str, str, str]
"""(venue, account, trade)."""


def value(fill: OrderFilled) -> int:
    """What a fill costs (rounded up) or brings (rounded down), without fees."""
    if fill.action == "buy":
        return ceil_div(fill.px * fill.qty, ONE)
    return fill.px * fill.qty // ONE


class Money:
    """Keeps the postings of provisional fills until they are final, to take them back exactly.

    `provisional`: contracts of provisional buys, in (key, outcome); not to be sold yet.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.pending: dict[Trade, list[tuple[OrderFilled, tuple[Posting, ...]]]] = {}
        self.voided: set[Trade] = set()
        self.paid: dict[str, tuple[int, tuple[Posting, ...]]] = {}
        self.provisional: dict[tuple[str, Outcome], int] = {}

    def fill(self, fill: OrderFilled, fee: int) -> None:
        """Book a fill that is new, with the fee that the venue charged (or an estimate)."""
        ref = f"{fill.venue}:{fill.trade}:{fill.order or fill.venue_order}:{fill.leg}"
        book = self.ledger.bought if fill.action == "buy" else self.ledger.sold
        entry = book(fill.venue, fill.key, fill.outcome, fill.qty, value(fill), fee, ref)
        if fill.provisional:
            self.pend(fill, entry.postings)
        if fill.venue in NETTING:
            self._net(fill.venue, fill.key, ref)

    def final(self, trade: Trade) -> None:
        """A provisional trade can no longer be voided."""
        for fill, _ in self.pending.pop(trade, []):
            self._mark(fill, -1)

    def void(self, trade: Trade) -> list[OrderFilled]:
        """Take a trade back; returns its fills. One that is not there yet will not be booked."""
        self.voided.add(trade)
        undone = []
        for fill, postings in self.pending.pop(trade, []):
            self.ledger.reverse("void", f"{fill.venue}:{fill.trade}", postings)
            self._mark(fill, -1)
            undone.append(fill)
        return undone

    def forget(self) -> None:
        """Another account: nothing of this is pending any more."""
        self.pending, self.voided, self.paid, self.provisional = {}, set(), {}, {}

    def payment(self, event: Paid) -> bool:
        """Book money that moved without an order; false where it is known already."""
        known = self.paid.get(event.id)
        if known is not None:
            if known[0] >= event.version:
                return False
            self.ledger.reverse("restated", event.id, known[1])
        entry = self._booked(event)
        self.paid[event.id] = (event.version, entry.postings)
        return True

    def _booked(self, event: Paid) -> Entry:
        ledger, venue, ref = self.ledger, event.venue, event.id
        if event.what in ("settle", "redeem"):
            return ledger.settled(
                event.what, venue, event.key, event.qty, event.no, event.cash, event.fee, ref
            )
        if event.what == "merge":
            return ledger.paired("merge", venue, event.key, event.qty, event.cash, ref)
        if event.what == "split":
            return ledger.paired("split", venue, event.key, -event.qty, event.cash, ref)
        if event.what == "rebate":
            return ledger.earned("rebate", venue, event.cash, ref)
        return ledger.moved("transfer", venue, event.cash, ref)

    def pend(self, fill: OrderFilled, postings: tuple[Posting, ...]) -> None:
        trade = (fill.venue, fill.account, fill.trade)
        self.pending.setdefault(trade, []).append((fill, postings))
        self._mark(fill, 1)

    def _mark(self, fill: OrderFilled, sign: int) -> None:
        if fill.action == "buy":
            place = (fill.key, fill.outcome)
            self.provisional[place] = self.provisional.get(place, 0) + sign * fill.qty
            if not self.provisional[place]:
                del self.provisional[place]

    def _net(self, venue: str, key: str, ref: str) -> None:
        pairs = min(self.ledger.held(key, "yes"), self.ledger.held(key, "no"))
        if pairs > 0:
            self.ledger.paired("net", venue, key, pairs, pairs, ref)


def fee_of(fill: OrderFilled, fee_max: Usd, qty: Qty) -> int:
    """The fee charged; where it was not told, the worst that the order could have been charged."""
    return fill.fee if fill.fee >= 0 else ceil_div(fee_max * fill.qty, max(1, qty))
