"""Complete reports of a venue: taken over at first, compared ever after."""

from typing import TYPE_CHECKING

from dutchbook.domain.account_events import AccountSeen
from dutchbook.domain.step import Drifted
from dutchbook.domain.units import Ns, Qty, Usd
from dutchbook.state.money import fee_of

if TYPE_CHECKING:
    from dutchbook.state.account import Account


def take(account: "Account", event: AccountSeen, at: Ns) -> None:
    """Fold a report: the first of a venue opens its books, later ones bring lost fills."""
    first = event.venue not in account.seen
    if first:
        _open(account, event)
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
    _adopt(account, event)


def _open(account: "Account", event: AccountSeen) -> None:
    """What is there when we come: its cost is not known and counts as nothing."""
    ledger = account.ledger
    ledger.moved("opening", event.venue, event.cash - ledger.cash(event.venue), "opening")
    for holding in event.holdings:
        had = ledger.held(holding.key, holding.outcome)
        ledger.found(holding.key, holding.outcome, holding.qty - had, "opening")


def _adopt(account: "Account", event: AccountSeen) -> None:
    """Fills that a complete report, asked for after they came, gives to no order of ours."""
    venue = event.venue
    if any(o.order.venue == venue and not o.venue_order for o in account.live.values()):
        return  # one of these may turn out to be theirs
    for fill in list(account.orphans):
        if fill.venue == venue and fill.venue_at < event.asked:
            account.orphans.remove(fill)
            account.money.fill(fill, fee_of(fill, Usd(0), fill.qty))
            account.tell(Drifted(venue, f"fill:{fill.trade}", 0, fill.qty, "external"))


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
