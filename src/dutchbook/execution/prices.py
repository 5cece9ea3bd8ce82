"""What buying more or selling back would cost now, by the books as they are."""

from dutchbook.domain.candidate import Outcome, View
from dutchbook.domain.fees import fill_fee
from dutchbook.domain.instrument import Instrument, on_grid
from dutchbook.domain.units import ONE, ceil_div

LEVELS = 50


class Deal:
    """`qty` at `px` or better for `cash` (out for a purchase, in for a sale), fees counted."""

    __slots__ = ("cash", "px", "qty")

    def __init__(self, qty: int, px: int, cash: int) -> None:
        self.qty = qty
        self.px = px
        self.cash = cash


def buying(view: View, market: Instrument, outcome: Outcome, qty: int) -> Deal | None:
    """The cheapest `qty`; None where the book is stale or has not so much at orderable prices."""
    if view.stale(market.key, outcome):
        return None
    left, cash, worst = qty, 0, 0
    for px, size in view.offers(market.key, outcome, LEVELS):
        if left <= 0 or not _orderable(market, outcome, px):
            break
        part = min(left, size)
        cash += ceil_div(px * part, ONE) + fill_fee(market.fees, px, part)
        left, worst = left - part, px
    if left > 0:
        return None
    return Deal(qty, worst, cash + market.fees.precision)


def selling(view: View, market: Instrument, outcome: Outcome, qty: int) -> Deal | None:
    """The dearest bids for up to `qty`; None where the book is stale or nobody bids."""
    if view.stale(market.key, outcome):
        return None
    left, cash, worst = qty, 0, 0
    for px, size in view.bids(market.key, outcome, LEVELS):
        if left <= 0 or not _orderable(market, outcome, px):
            break
        part = min(left, size)
        cash += px * part // ONE - fill_fee(market.fees, px, part)
        left, worst = left - part, px
    sold = qty - max(0, left)
    return Deal(sold, worst, cash - market.fees.precision) if sold else None


def sets(view: View, legs: list[tuple[Instrument, Outcome]], most: int, floor: int) -> int:
    """How many equal shares of all legs the bids of now take, each set for `floor` or more.

    Fees are counted by the contract; the caller weighs the whole sale once more.
    """
    if any(view.stale(market.key, outcome) for market, outcome in legs):
        return 0
    ladders = [iter(view.bids(market.key, outcome, LEVELS)) for market, outcome in legs]
    tops = [next(ladder, (0, 0)) for ladder in ladders]
    qty = 0
    while qty < most and all(size for _, size in tops):
        if not all(_orderable(m, o, px) for (m, o), (px, _) in zip(legs, tops, strict=True)):
            break
        fees = (fill_fee(m.fees, px, ONE) for (m, _), (px, _) in zip(legs, tops, strict=True))
        if sum(px for px, _ in tops) - sum(fees) < floor:
            break
        part = min(most - qty, *(size for _, size in tops))
        qty += part
        tops = [
            (px, size - part) if size > part else next(ladder, (0, 0))
            for (px, size), ladder in zip(tops, ladders, strict=True)
        ]
    return qty


def least(market: Instrument, px: int) -> int:
    """The smallest order that the venue takes at a price, in whole lots."""
    by_cost = ceil_div(market.cost_min * ONE, px) if market.cost_min and px else 0
    return ceil_div(max(market.size_min, by_cost), market.lot) * market.lot


def _orderable(market: Instrument, outcome: Outcome, px: int) -> bool:
    return on_grid(market.grid, px if outcome == "yes" else ONE - px)
