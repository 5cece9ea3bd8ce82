"""Open orders at a venue that are not ours: they may take our money, so they count at their worst.

Only complete reports decide what is not ours, and when it is gone: what a stream tells of an order
may come before our own order has its name, or before its fills are in the books.
"""

from typing import TYPE_CHECKING, Final

from dutchbook.domain.account_events import OrderSeen
from dutchbook.domain.step import Drifted
from dutchbook.domain.units import ONE, Qty, Usd, ceil_div

if TYPE_CHECKING:
    from dutchbook.state.account import Account

RATE: Final = 70_000
"""No market charges more than this share of price x (1 - price), in millionths."""


def left(row: OrderSeen) -> Qty:
    """What of it may still fill."""
    return Qty(max(0, row.qty - row.filled))


def stake(row: OrderSeen) -> Usd:
    """The cash that what is left of it may still take, fees included; a sale takes none."""
    if row.action == "sell":
        return Usd(0)
    worst, qty = min(row.px, ONE // 2), left(row)
    fee = ceil_div(RATE * qty * worst * (ONE - worst), ONE**3)
    return Usd(ceil_div(row.px * qty, ONE) + fee)


def look(account: "Account", venue: str) -> None:
    """A complete report came: those that are new are counted and told, those that ended are not."""
    for name in sorted(account.external):
        row, known = account.external[name], account.foreign.get(name)
        if row.venue == venue and row != known:
            gone(account, name)
            put(account, row)
            if known is None:
                account.newcomers.append(row)
                account.tell(Drifted(venue, f"order:{name}", 0, left(row), "external"))
    for name, row in list(account.foreign.items()):
        if row.venue == venue and name not in account.external:
            gone(account, name)


def put(account: "Account", row: OrderSeen) -> None:
    """Count an order."""
    account.foreign[row.venue_order] = row
    _weigh(account, row, 1)


def gone(account: "Account", name: str) -> None:
    """Count it no more: it ended, or it is one of ours."""
    row = account.foreign.pop(name, None)
    if row is not None:
        _weigh(account, row, -1)


def _weigh(account: "Account", row: OrderSeen, sign: int) -> None:
    cost = sign * stake(row)
    for sums, name in ((account.stake_of, row.key), (account.stake_at, row.venue)):
        sums[name] = sums.get(name, 0) + cost
    account.stake_total += cost
    if row.action == "sell":
        place = (row.key, row.outcome)
        account.selling[place] = account.selling.get(place, 0) + sign * left(row)
