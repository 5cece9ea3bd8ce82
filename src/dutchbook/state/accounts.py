"""The accounts that a run trades, capital that comes and goes, and what another account leaves."""

from typing import TYPE_CHECKING, Final

from dutchbook.domain.events import RunStarted
from dutchbook.domain.step import Accepted
from dutchbook.domain.units import Ns, Qty, Usd
from dutchbook.state import strangers

if TYPE_CHECKING:
    from dutchbook.state.account import Account
    from dutchbook.state.baskets import BasketLife

ENDED: Final = "the process ended between decision and answer"
OTHER: Final = "another account"


def begun(account: "Account", event: RunStarted, at: Ns) -> None:
    """A run began. A venue that has no part in it keeps its orders, its money and its name."""
    account.epoch, account.mode = event.epoch or account.epoch, event.mode
    names, before = dict(event.accounts), dict(account.accounts)
    for venue, name in names.items():
        if before.get(venue, name) != name:
            _leave(account, venue, at)
    if names:
        away = {venue: name for venue, name in before.items() if venue in account.seen}
        account.accounts = tuple(sorted({**away, **names}.items()))
    account.reconciled = dict.fromkeys(names or account.reconciled, False)
    for life in list(account.live.values()):
        if life.state in ("decided", "sent"):
            life.move("unknown", at, ENDED)


def accepted(account: "Account", note: Accepted, at: Ns) -> None:
    """Money that nobody here moved, in the name of the person who knows where it is from."""
    account.ledger.seq, account.ledger.at = note.seq, at
    account.ledger.moved("transfer", note.venue, note.cash, f"{note.by}: {note.why}")
    moved(account, note.cash)


def moved(account: "Account", cash: int) -> None:
    """Money that came or went is neither profit nor loss: what losses are told from goes along."""
    account.marks = {name: Usd(value + cash) for name, value in account.marks.items()}


def _leave(account: "Account", venue: str, at: Ns) -> None:
    """Another account there: what was is history, and its money and contracts are not ours."""
    for life in [*account.live.values(), *account.owing.values()]:
        if life.order.venue == venue:
            life.claimed = life.filled
            life.canceled = Qty(max(0, life.order.qty - life.filled))
            account.over(life, "expired" if life.alive else life.state, at, OTHER)
    for name, basket in account.baskets.items():
        if _touches(basket, venue):
            account.guaranteed.pop(name, None)
            if not basket.over:
                basket.stage, basket.why = "stuck", OTHER
    account.ledger.close(venue, OTHER)
    account.money.forget(venue)
    for known in (account.seen, account.reconciled):
        known.pop(venue, None)
    account.marks = {}
    account.external = {n: row for n, row in account.external.items() if row.venue != venue}
    for name, row in list(account.foreign.items()):
        if row.venue == venue:
            strangers.gone(account, name)
    account.orphans = [fill for fill in account.orphans if fill.venue != venue]
    account.adopted = {fill: None for fill in account.adopted if fill[0] != venue}


def _touches(basket: "BasketLife", venue: str) -> bool:
    return any(leg.key.startswith(f"{venue}:") for leg in basket.begun.legs)
