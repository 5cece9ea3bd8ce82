"""What a run says of its trading at the end, and the account in the form that a checker reads."""

from collections import Counter
from typing import TYPE_CHECKING, Any

from dutchbook.state.account import Account, BasketLife
from dutchbook.state.baskets import EARLY

if TYPE_CHECKING:
    from dutchbook.runtime.live import Live


def trading_summary(live: "Live") -> dict[str, Any]:
    """Counts and sums (millionths) of this run; nothing where the run only watched.

    `realised_pnl`: of baskets that are over, the worst payoff of what is held less what was paid
    with all fees, and what unwinding cost. `certified_pnl`: what the certificates of the done
    baskets promised for their whole size.
    """
    trading = live.engine.trading
    if trading is None:
        return {}
    account = trading.account
    mine = [life for life in account.orders.values() if life.order.id.startswith(account.epoch)]
    baskets = [basket for basket in account.baskets.values() if basket.begun.at >= live.began]
    stages = Counter(basket.stage for basket in baskets)
    early = [basket for basket in baskets if sold_early(basket)]
    done = [basket for basket in baskets if basket.stage == "done" or sold_early(basket)]
    still = {life.order.id for life in account.unknown()}
    return {
        "orders": len(mine),
        "fills": sum(len(life.fills) for life in mine),
        "baskets": len(baskets),
        "baskets_done": len(done),
        "baskets_sold_early": len(early),
        "baskets_unwound": stages["unwound"] - len(early),
        "stuck": stages["stuck"],
        "baskets_open": sum(not basket.over for basket in baskets),
        "done_by_kind": dict(sorted(Counter(b.begun.kind for b in done).items())),
        "unknown_seen": len(trading.unknown),
        "unknown_resolved": sum(name not in still for name in trading.unknown),
        "withheld": live.wire.gate.withheld,
        "alerts": len(live.wire.alerts),
        "realised_pnl": sum(basket.locked for basket in baskets if basket.over),
        "certified_pnl": sum(basket.begun.promised for basket in done),
        "residuals": [residual(basket) for basket in baskets if basket.stage == "stuck"],
    }


def sold_early(basket: BasketLife) -> bool:
    """Whether it was done, and its legs were sold again for more than they are sure to pay."""
    return basket.stage == "unwound" and basket.why == EARLY


def residual(basket: BasketLife) -> dict[str, Any]:
    """A basket that is stuck, and what is left open in it."""
    return {"id": basket.begun.id, "why": basket.why, "residual": list(basket.residual)}


def books_of(account: Account, venues: list[str]) -> dict[str, Any]:
    """Cash, positions, orders and fills as our ledger has them, in millionths.

    Orders of accounts that were traded before are left out: their venues know nothing here.
    """
    named = dict(account.accounts)
    mine = [
        life
        for life in account.orders.values()
        if life.order.account == named.get(life.order.venue, life.order.account)
    ]
    return {
        "cash": {venue: account.cash(venue) for venue in venues},
        "positions": [
            [key, outcome, account.held(key, outcome)] for key, outcome in account.keys_held()
        ],
        "orders": [
            {
                "id": life.order.id,
                "venue": life.order.venue,
                "venue_order": life.venue_order,
                "state": life.state,
                "filled": life.filled,
                "fees": life.fees,
            }
            for life in mine
        ],
        "fills": [
            {
                "venue": fill.venue,
                "order": fill.order,
                "trade": fill.trade,
                "key": fill.key,
                "outcome": fill.outcome,
                "action": fill.action,
                "px": fill.px,
                "qty": fill.qty,
                "fee": fill.fee,
            }
            for life in mine
            for fill in life.fills
        ],
    }
