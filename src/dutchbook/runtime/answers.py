"""Answers questions about the running account in plain data, money in millionths."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import msgspec

from dutchbook.domain.errors import UsageError
from dutchbook.runtime import alert_far, desks, riskview, strategies
from dutchbook.runtime.looking import book, detect
from dutchbook.state.account import Account, BasketLife, Life

if TYPE_CHECKING:
    from dutchbook.runtime.live import Live


def answer(live: "Live", name: str, args: tuple[str, ...] = ()) -> Any:
    """One of QUESTIONS, or of those about markets, alerts and jobs. Raises UsageError for another,
    or where no account trades.

    A long reckoning comes back as a function: it needs nothing of the engine, and may be called
    in another thread.
    """
    if name == alert_far.QUESTION:
        return alert_far.called(live.ports, args)
    if name in desks.QUESTIONS:
        return desks.QUESTIONS[name](live, args)
    if name in ABOUT_MARKETS:
        return ABOUT_MARKETS[name](live, args)
    trading = live.engine.trading
    if trading is None:
        raise UsageError("this run only watches", todo="name an account in the venue's settings")
    if name not in QUESTIONS:
        raise UsageError(f"no question {name!r}", todo=f"ask {', '.join(QUESTIONS)}")
    return QUESTIONS[name](live, trading.account)


def order_row(life: Life) -> dict[str, Any]:
    """An order as `dutchbook order list` has it."""
    plain: dict[str, Any] = msgspec.to_builtins(_named(life.order))
    return plain | {
        "state": life.state,
        "venue_order": life.venue_order,
        "filled": life.filled,
        "canceled": life.canceled,
        "left": life.left,
        "fees": life.fees,
        "paid": life.paid,
        "why": life.why,
        "since": life.since,
    }


def basket_row(life: BasketLife) -> dict[str, Any]:
    """A basket as `dutchbook trade list` has it."""
    begun = life.begun
    return {
        "id": begun.id,
        "opportunity": begun.opportunity,
        "kind": begun.kind,
        "stage": life.stage,
        "why": life.why,
        "qty": begun.qty,
        "capital": begun.capital,
        "promised": begun.promised,
        "locked": life.locked,
        "legs": [[leg.key, leg.outcome, leg.px, leg.qty] for leg in begun.legs],
        "orders": list(life.orders),
        "at": begun.at,
        "moved_at": life.moved_at,
    }


def position_row(live: "Live", account: Account, key: str, outcome: Any) -> dict[str, Any]:
    """A holding with its cost and what its book would pay for one now."""
    known = live.engine.world.instruments.get(key)
    bids = live.engine.view.bids(key, outcome, 1) if known else []
    return {
        "key": key,
        "outcome": outcome,
        "title": known.title if known else "",
        "qty": account.held(key, outcome),
        "sellable": account.sellable(key, outcome),
        "cost": account.cost(key, outcome),
        "bid": bids[0][0] if bids else 0,
    }


def _named(struct: msgspec.Struct) -> dict[str, Any]:
    return {name: getattr(struct, name) for name in struct.__struct_fields__}


def _money(live: "Live", account: Account) -> dict[str, Any]:
    venues = list(live.drivers)
    return {
        "equity": account.equity(),
        "realised": account.realised(),
        "cash": {venue: account.cash(venue) for venue in venues},
        "reserved": {venue: account.reserved(venue) for venue in venues},
        "reconciled": {venue: account.reconciled.get(venue, False) for venue in venues},
        "modes": {name: msgspec.to_builtins(mode)[1:] for name, mode in account.modes.items()},
        "halts": [[halt.scope, halt.level, halt.why, halt.by] for halt in account.halts.values()],
        "alerts": [[alert.level, alert.key, alert.text] for alert in live.wire.alerts],
    }


ABOUT_MARKETS: Final[dict[str, Callable[["Live", tuple[str, ...]], Any]]] = {
    "book": book,
    "detect": detect,
}
QUESTIONS: Final[dict[str, Callable[["Live", Account], Any]]] = {
    "orders": lambda live, account: [order_row(life) for life in account.live.values()],
    "all_orders": lambda live, account: [order_row(life) for life in account.orders.values()],
    "baskets": lambda live, account: [basket_row(life) for life in account.baskets.values()],
    "positions": lambda live, account: [
        position_row(live, account, key, outcome) for key, outcome in account.keys_held()
    ],
    "money": _money,
    "strategies": lambda live, account: strategies.rows(live.engine),
    "risk": riskview.risk,
    "hedges": riskview.hedges,
}
