"""Complete reports of a venue: taken over at first, compared ever after."""

from typing import TYPE_CHECKING, Final

import msgspec

from dutchbook.domain.account_events import NOT_TOLD, AccountSeen, OrderFilled
from dutchbook.domain.step import Drifted
from dutchbook.domain.units import DAY, Ns, Qty, Usd
from dutchbook.state import accounts, strangers
from dutchbook.state.money import fee_of

if TYPE_CHECKING:
    from dutchbook.state.account import Account, Life

Fill = tuple[str, str, str, int]
"""(venue, account, trade, leg): the same fill, whichever way it was told."""
HOUR: Final = Ns(DAY // 24)
ADOPTED_MAX: Final = 100_000
"""So many of the newest fills that are not ours are remembered."""


def fill_of(fill: OrderFilled) -> Fill:
    return (fill.venue, fill.account, fill.trade, fill.leg)


def take(account: "Account", event: AccountSeen, at: Ns) -> None:
    """Fold a report: the first of a venue opens its books, later ones bring lost fills."""
    before = account.seen.get(event.venue)
    first = before is None
    if before is None:
        _open(account, event)
    elif event.asked // HOUR != before.asked // HOUR:
        _forget(account, at)
    for row in event.orders:
        account.order_seen(row, at)
    if not first:
        for fill in event.fills:
            account.filled(fill, at)
    named = {row.venue_order for row in event.orders}
    account.external = {
        name: row
        for name, row in account.external.items()
        if row.venue != event.venue or name in named
    }
    account.seen[event.venue] = event
    if not _nameless(account, event.venue):  # else what seems not to be ours may be
        _adopt(account, event)
        strangers.look(account, event.venue)


def _forget(account: "Account", at: Ns) -> None:
    """Quotes come and go by the hundred thousand a day: those that ended a day ago without a fill
    are dropped. A venue that still speaks of one then speaks of an order that is not known."""
    old = []
    for name, life in account.orders.items():
        if life.decided_at >= at - DAY:
            break
        over = not life.alive and not life.owed and life.since < at - DAY
        if life.order.purpose == "quote" and over and not life.filled and not life.fills:
            old.append(name)
    for name in old:
        life = account.orders.pop(name)
        account.by_venue.pop((life.order.venue, life.venue_order), None)
    account.forgotten += len(old)


def _open(account: "Account", event: AccountSeen) -> None:
    """What is there when we come: its cost is not known and counts as nothing."""
    ledger = account.ledger
    cash = event.cash - ledger.cash(event.venue)
    ledger.moved("opening", event.venue, cash, "opening")
    accounts.moved(account, cash)
    for holding in event.holdings:
        had = ledger.held(holding.key, holding.outcome)
        ledger.found(holding.key, holding.outcome, holding.qty - had, "opening")
    for fill in event.fills:  # they are in these numbers; the next report may list them again
        if event.asked - DAY <= fill.venue_at < event.asked:
            _remember(account, fill)
    for fill in list(account.orphans):
        if fill.venue == event.venue and fill.venue_at < event.asked:
            account.orphans.remove(fill)
            _remember(account, fill)


def stray(account: "Account", fill: OrderFilled) -> None:
    """A fill of no order that we know waits for its home, once, however often it is told."""
    name = fill_of(fill)
    if name in account.adopted:
        if not fill.provisional:
            account.money.final(name[:3])
        return
    if name[:3] in account.money.voided:
        return
    for n, known in enumerate(account.orphans):
        if fill_of(known) == name:
            final = known.provisional and fill.provisional
            fee = fill.fee if known.fee == NOT_TOLD else known.fee
            account.orphans[n] = msgspec.structs.replace(known, provisional=final, fee=fee)
            return
    account.orphans.append(fill)


def charged(account: "Account", life: "Life", known: OrderFilled, fill: OrderFilled) -> None:
    """The fee of a fill that was booked at its worst is told: what was too much comes back."""
    order = life.order
    less = fee_of(known, order.fee_max, order.qty) - fill.fee
    told = msgspec.structs.replace(known, fee=fill.fee)
    life.fills[life.fills.index(known)] = told
    if less and fill_of(fill) not in account.adopted:
        account.money.charged(told, less)
    if less:
        life.fees = Usd(life.fees - less)
        account.stakes.charged(order, told, less)


def _remember(account: "Account", fill: OrderFilled) -> None:
    account.adopted[fill_of(fill)] = None
    if len(account.adopted) > ADOPTED_MAX:
        del account.adopted[next(iter(account.adopted))]


def _adopt(account: "Account", event: AccountSeen) -> None:
    """Fills that a complete report, asked for after they came, gives to no order of ours."""
    venue = event.venue
    for fill in list(account.orphans):
        if fill.venue == venue and fill.venue_at < event.asked:
            account.orphans.remove(fill)
            _remember(account, fill)
            account.money.fill(fill, fee_of(fill, Usd(0), fill.qty))
            account.tell(Drifted(venue, f"fill:{fill.trade}", 0, fill.qty, "external"))


def _nameless(account: "Account", venue: str) -> bool:
    """Whether the venue's name of an open order of ours is not known."""
    return any(o.order.venue == venue and not o.venue_order for o in account.live.values())


def differences(account: "Account", seen: AccountSeen) -> list[Drifted]:
    """Where our books differ from a complete report; nothing while orders are in flight."""
    venue = seen.venue
    if restless(account, venue, seen.asked):
        return []
    found = []
    theirs = {(h.key, h.outcome): h.qty for h in seen.holdings}
    ours = {
        place: account.held(*place)
        for place in account.keys_held()
        if place[0].startswith(f"{venue}:")
    }
    for place in sorted({*theirs, *ours}):
        mine, its = ours.get(place, Qty(0)), theirs.get(place, Qty(0))
        if mine != its:
            found.append(Drifted(venue, f"position:{place[0]}:{place[1]}", mine, its))
    if account.cash(venue) != seen.cash:
        found.append(Drifted(venue, "cash", account.cash(venue), seen.cash))
    named = {row.venue_order for row in seen.orders}
    for life in account.live.values():
        if life.order.venue == venue and life.venue_order and life.venue_order not in named:
            found.append(Drifted(venue, f"order:{life.order.id}", life.left, 0))
    return found


def restless(account: "Account", venue: str, asked: Ns) -> bool:
    """Whether something at a venue was under way when a report was asked for, or is now."""
    if account.moved.get(venue, Ns(0)) >= asked:
        return True
    for life in account.live.values():
        if life.order.venue == venue and life.state in ("decided", "sent", "unknown"):
            return True
    return (
        any(life.order.venue == venue and life.owed for life in account.owing.values())
        or any(trade[0] == venue for trade in account.money.pending)
        or any(fill.venue == venue for fill in account.orphans)
    )
