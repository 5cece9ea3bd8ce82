"""From fills and payments to ledger entries: each once, provisional ones marked, voids exact."""

import msgspec

from dutchbook.domain.account_events import UNTOLD, OrderFilled, Paid
from dutchbook.domain.candidate import Outcome
from dutchbook.domain.units import ONE, Qty, Usd, ceil_div
from dutchbook.state.ledger import Entry, Ledger, Posting, venue_of
from dutchbook.state.stakes import NETTING, OTHER, Stakes, Trade

__all__ = ["NETTING", "Money", "Trade", "fee_of", "value"]


def value(fill: OrderFilled) -> int:
    """What a fill costs (rounded up) or brings (rounded down), without fees."""
    if fill.action == "buy":
        return ceil_div(fill.px * fill.qty, ONE)
    return fill.px * fill.qty // ONE


class Money:
    """Keeps the postings of provisional fills until they are final, to take them back exactly.

    `provisional`: contracts of provisional buys, in (key, outcome); not to be sold yet.
    """

    def __init__(self, ledger: Ledger, stakes: Stakes) -> None:
        self.ledger = ledger
        self.stakes = stakes
        self.pending: dict[Trade, list[tuple[OrderFilled, tuple[Posting, ...]]]] = {}
        self.voided: set[Trade] = set()
        self.paid: dict[str, tuple[int, tuple[Posting, ...]]] = {}
        self.provisional: dict[tuple[str, Outcome], int] = {}

    def fill(self, fill: OrderFilled, fee: int) -> None:
        """Book a fill that is new, with the fee that the venue charged (or an estimate)."""
        ref = f"{fill.venue}:{fill.trade}:{fill.order or fill.venue_order}:{fill.leg}"
        entries = self._bought_or_sold(fill, fee, ref)
        if fill.provisional:
            self.pend(fill, tuple(row for entry in entries for row in entry.postings))
        if fill.venue in NETTING:
            self._net(fill.venue, fill.key, ref)

    def _bought_or_sold(self, fill: OrderFilled, fee: int, ref: str) -> list[Entry]:
        """Where sides net, what is sold beyond what is held is the other side, bought at 1 - px.

        A quote sells what it held when it was placed; what it held may have netted since.
        """
        venue, key, outcome, worth = fill.venue, fill.key, fill.outcome, value(fill)
        if fill.action == "buy":
            return [self.ledger.bought(venue, key, outcome, fill.qty, worth, fee, ref)]
        held = max(0, self.ledger.held(key, outcome)) if venue in NETTING else fill.qty
        if held >= fill.qty:
            return [self.ledger.sold(venue, key, outcome, fill.qty, worth, fee, ref)]
        over, part = fill.qty - held, worth * held // fill.qty
        cost = over - (worth - part)
        if not held:
            return [self.ledger.bought(venue, key, OTHER[outcome], over, cost, fee, ref)]
        return [
            self.ledger.sold(venue, key, outcome, held, part, fee, ref),
            self.ledger.bought(venue, key, OTHER[outcome], over, cost, 0, ref),
        ]

    def charged(self, fill: OrderFilled, less: int) -> None:
        """The fee of a fill is told at last, and is `less` below the worst that was booked."""
        ref = f"{fill.venue}:{fill.trade}:{fill.order or fill.venue_order}:{fill.leg}"
        entry = self.ledger.charged(fill.venue, less, ref)
        trade = (fill.venue, fill.account, fill.trade)
        if trade in self.pending:  # beside its fill, to be taken back as it was booked
            beside = msgspec.structs.replace(fill, qty=Qty(0))
            self.pending[trade].append((beside, entry.postings))

    def final(self, trade: Trade) -> None:
        """A provisional trade can no longer be voided."""
        self.stakes.final(trade)
        for fill, _ in self.pending.pop(trade, []):
            self._mark(fill, -1)

    def void(self, trade: Trade) -> list[OrderFilled]:
        """Take a trade back; returns its fills. One that is not there yet will not be booked."""
        self.voided.add(trade)
        self.stakes.void(trade, self.ledger.at)
        undone = []
        for fill, postings in self.pending.pop(trade, []):
            self.ledger.reverse("void", f"{fill.venue}:{fill.trade}", postings)
            self._mark(fill, -1)
            self.ledger.emptied(fill.key, fill.outcome, f"{fill.venue}:{fill.trade}")
            if fill.qty:
                undone.append(fill)
        return undone

    def forget(self, venue: str) -> None:
        """Another account there: nothing of this is pending any more, and nothing was paid."""
        self.stakes.forget(venue, self.ledger.at)
        self.pending = {trade: rows for trade, rows in self.pending.items() if trade[0] != venue}
        self.voided = {trade for trade in self.voided if trade[0] != venue}
        self.provisional = {
            place: qty for place, qty in self.provisional.items()
            if not place[0].startswith(f"{venue}:")
        }  # fmt: skip
        self.paid = {
            name: known for name, known in self.paid.items()
            if any(venue_of(posting.account) not in ("", venue) for posting in known[1])
        }  # fmt: skip

    def payment(self, event: Paid) -> bool:
        """Book money that moved without an order; false where it is known already."""
        known = self.paid.get(event.id)
        if known is not None:
            if known[0] >= event.version:
                return False
            self.ledger.reverse("restated", event.id, known[1])
        else:
            self._shared(event)
        entry = self._booked(event)
        self.paid[event.id] = (event.version, entry.postings)
        return True

    def _shared(self, event: Paid) -> None:
        """Whose contracts were paid; a restatement changes cents of the account, nobody's share."""
        yes, no = self.ledger.held(event.key, "yes"), self.ledger.held(event.key, "no")
        self.stakes.paid(event, yes, no, self.ledger.at)

    def _booked(self, event: Paid) -> Entry:
        ledger, venue, ref = self.ledger, event.venue, event.id
        if event.what in ("settle", "redeem"):
            yes, no = event.qty, event.no
            if event.what == "redeem" and not yes and not no:
                # It burns all of both outcomes; what that was nobody told, as after a restart.
                yes, no = ledger.held(event.key, "yes"), ledger.held(event.key, "no")
            return ledger.settled(event.what, venue, event.key, yes, no, event.cash, event.fee, ref)
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
    return fill.fee if fill.fee != UNTOLD else ceil_div(fee_max * fill.qty, max(1, qty))
