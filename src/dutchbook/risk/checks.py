"""One function for each reason to refuse orders: "" or why, and the numbers."""

from collections.abc import Callable
from typing import Final, NamedTuple

from dutchbook.domain.candidate import View
from dutchbook.domain.certificate import Certificate
from dutchbook.domain.fees import order_total
from dutchbook.domain.instrument import Instrument, on_grid
from dutchbook.domain.orders import Order
from dutchbook.domain.units import MILLI, ONE, Ns, ceil_div
from dutchbook.risk.exposure import Exposure, cost_of, heat, parting_room
from dutchbook.risk.limits import RiskLimits
from dutchbook.risk.ramp import cap
from dutchbook.state.account import Account

Verdict = tuple[str, dict[str, int]]
FINE: Final[Verdict] = ("", {})
REDUCING: Final = ("unwind", "exit")


class Asked(NamedTuple):
    """What is to be decided, and everything that it is decided on."""

    orders: tuple[Order, ...]
    account: Account
    view: View
    now: Ns
    limits: RiskLimits
    certificate: Certificate | None
    exposure: Exposure
    accounts: dict[str, str]
    budgets: dict[str, int] = {}
    confidence: int = ONE


def reduces(order: Order) -> bool:
    """Whether an order can only make what is held smaller (that it is held is checked too)."""
    return order.action == "sell" and (order.reduce_only or order.purpose in REDUCING)


def halved(account: Account) -> bool:
    """Whether a drawdown halves sizes: from its first step on, also where the second holds."""
    halt = account.halts.get("all")
    return halt is not None and halt.level in ("halve", "reduce")


def market_known(asked: Asked) -> Verdict:
    for order in asked.orders:
        try:
            asked.view.instrument(order.key)
        except KeyError:
            return f"{order.key} is not listed", {}
    return FINE


def right_account(asked: Asked) -> Verdict:
    """I36: an order names the account that this process may trade, and no other."""
    for order in asked.orders:
        if asked.accounts.get(order.venue) != order.account:
            return f"{order.account} is not our account at {order.venue}", {}
    return FINE


def not_halted(asked: Asked) -> Verdict:
    """I24: whatever was halted stays so until it is released; what only reduces may go on."""
    for order in asked.orders:
        for scope in ("all", f"venue:{order.venue}", f"market:{order.key}",
                      f"strategy:{order.strategy}"):  # fmt: skip
            halt = asked.account.halts.get(scope)
            if halt is None or halt.level == "halve":
                continue
            # After a halt what rests is canceled: only a sale that ends at once is let through.
            if order.repairs if halt.level in ("halt", "kill") else reduces(order):
                continue
            proved = asked.certificate is not None or order.purpose == "complete"
            if (halt.level == "reduce" and proved) or (
                halt.level == "pause" and order.purpose == "complete"
            ):
                continue
            return f"{scope} is stopped ({halt.level}): {halt.why}", {}
    return FINE


def sure_enough(asked: Asked) -> Verdict:
    """An opinion must be held with some confidence; what only reduces needs none."""
    least = asked.limits.confidence_min
    if asked.confidence >= least or all(order.action == "sell" for order in asked.orders):
        return FINE
    return "too little confidence", {"confidence": asked.confidence, "least": least}


def venue_allows(asked: Asked) -> Verdict:
    for order in asked.orders:
        mode = asked.account.modes.get(order.venue)
        if mode is None or (mode.mode == "post_only" and order.post_only):
            continue
        if mode.until and asked.now > mode.until and mode.mode in ("paused", "post_only"):
            continue
        if mode.mode == "closing_only" and reduces(order):
            continue
        return f"{order.venue} is {mode.mode}: {mode.why}", {}
    return FINE


def reconciled(asked: Asked) -> Verdict:
    """No risk is taken at a venue whose books and ours were not found equal.

    Nor before every account was seen once: breakers are measured from what there is in all.
    """
    seen, accounts = asked.account.seen, asked.account.accounts
    unseen = [venue for venue, _ in accounts if venue not in seen]
    if unseen and not all(_repairs(order) for order in asked.orders):
        return f"{unseen[0]} was never seen", {}
    for order in asked.orders:
        if not asked.account.reconciled.get(order.venue) and not _repairs(order):
            return f"{order.venue} is not reconciled", {}
    return FINE


def _repairs(order: Order) -> bool:
    return reduces(order) or order.purpose == "complete"


def nothing_unknown(asked: Asked) -> Verdict:
    """An order of unknown fate blocks its market; too many of them block everything."""
    count = len(asked.account.unknown())
    if count > asked.limits.unknown_max and not all(reduces(order) for order in asked.orders):
        return "too many orders of unknown fate", {"unknown": count}
    for order in asked.orders:
        if not reduces(order) and count and asked.account.unknown(order.key):
            return f"{order.key} has an order of unknown fate", {"unknown": count}
    return FINE


def clock_right(asked: Asked) -> Verdict:
    bound = asked.limits.skew_stop_ms * MILLI
    for order in asked.orders:
        skew = asked.account.skews.get(order.venue)
        if skew is None and asked.account.mode == "live":
            return f"{order.venue} has not told its time yet", {}
        if skew is not None and abs(skew) > bound:
            return f"our clock differs from {order.venue}'s", {"skew_ms": skew // MILLI}
    return FINE


def well_formed(asked: Asked) -> Verdict:
    """I26: on the grid, whole lots, not below the venue's least order."""
    for order in asked.orders:
        market = asked.view.instrument(order.key)
        yes = order.px if order.outcome == "yes" else ONE - order.px
        if not on_grid(market.grid, yes):
            return f"{order.key}: the price is off the grid", {"px": order.px}
        if order.qty <= 0 or order.qty % market.lot:
            return f"{order.key}: not a whole number of lots", {"qty": order.qty}
        if order.qty < market.size_min:
            return f"{order.key}: below the least size", {"qty": order.qty}
        if order.px * order.qty // ONE < market.cost_min and order.action == "buy":
            return f"{order.key}: below the least value", {"qty": order.qty}
    return FINE


def fresh(asked: Asked) -> Verdict:
    """P10: nothing is priced off a book that can't be read, or from a market that is not open."""
    for order in asked.orders:
        why = asked.view.stale(order.key, order.outcome)
        if why:
            return f"{order.key}: stale book ({why})", {}
    return FINE


def within_collar(asked: Asked) -> Verdict:
    for order in asked.orders:
        read = asked.view.offers if order.action == "buy" else asked.view.bids
        best = read(order.key, order.outcome, 1)
        if not best:
            continue
        worse = order.px - best[0][0] if order.action == "buy" else best[0][0] - order.px
        if worse > asked.limits.collar:
            return f"{order.key}: too far from the best price", {"worse": worse}
    return FINE


def funds(asked: Asked) -> Verdict:
    """Cash that is there and not reserved, per venue; contracts that are held and not offered."""
    need: dict[str, int] = {}
    selling: dict[tuple[str, str], int] = {}
    for order in asked.orders:
        need[order.venue] = need.get(order.venue, 0) + cost_of(order)
        if order.action == "sell":
            place = (order.key, order.outcome)
            selling[place] = selling.get(place, 0) + order.qty
            have = asked.account.sellable(order.key, order.outcome)
            if selling[place] > have:
                return f"{order.key}: more than is held", {"sell": selling[place], "held": have}
    for venue, cash in need.items():
        free = asked.account.free(venue)
        if cash and cash > free:
            return f"not enough free cash at {venue}", {"need": cash, "free": free}
    return FINE


def only_reduces(asked: Asked) -> Verdict:
    """I25: an order that says so never makes a position larger."""
    for order in asked.orders:
        if order.reduce_only and order.action == "buy":
            return f"{order.key}: a purchase does not reduce", {}
    return FINE


def no_self_trade(asked: Asked) -> Verdict:
    """I27: never against an order of ours; buying NO at p meets a bid of ours for YES at 1-p."""
    sides = [_side(order) for order in asked.orders]
    live = [
        _side(life.order)
        for key in dict.fromkeys(order.key for order in asked.orders)
        for life in asked.account.live_of.get(key, {}).values()
        if life.left
    ]
    for n, (key, bid, px) in enumerate(sides):
        for other_key, other_bid, other_px in (*live, *sides[:n]):
            if key != other_key or bid == other_bid:
                continue
            if (px >= other_px) if bid else (px <= other_px):
                return f"{key}: would trade with ourselves", {"px": px, "theirs": other_px}
    return FINE


def _side(order: Order) -> tuple[str, bool, int]:
    """(key, whether it bids for YES, price in YES terms)."""
    bid = (order.action == "buy") == (order.outcome == "yes")
    return order.key, bid, order.px if order.outcome == "yes" else ONE - order.px


def equal_shares(asked: Asked) -> Verdict:
    """I29: each leg of a basket has its part of the same shares, in contracts, not in dollars."""
    if asked.certificate is None:
        return FINE
    times, orders = asked.certificate.times(), asked.orders
    even = len(times) == len(orders) and all(
        order.qty * times[0] == orders[0].qty * weight
        for order, weight in zip(orders, times, strict=True)
    )
    return FINE if even else ("the legs differ in size", {o.key: o.qty for o in orders})


def edge_stands(asked: Asked) -> Verdict:
    """I31: the offers that the certificate rests on are still there, at the size asked for."""
    certificate = asked.certificate
    if certificate is None:
        return FINE
    total = 0
    for order in asked.orders:
        market = asked.view.instrument(order.key)
        fills = _walk(asked.view, order)
        if order.post_only:
            fills = [(order.px, order.qty)]  # it takes no offer: it waits for its own price
        if fills is None:
            return f"{order.key}: the offers are gone", {"qty": order.qty}
        total += order_total(market.fees, fills)
    back = certificate.payout * (asked.orders[0].qty // certificate.times()[0]) // ONE
    if back <= total:
        return "the edge is gone", {"pays": back, "costs": total}
    return FINE


def _walk(view: View, order: Order) -> list[tuple[int, int]] | None:
    left: int = order.qty
    fills: list[tuple[int, int]] = []
    for px, size in view.offers(order.key, order.outcome, 50):
        if left <= 0 or px > order.px:
            break
        fills.append((px, min(left, size)))
        left -= size
    return fills if left <= 0 else None


def within_limits(asked: Asked) -> Verdict:
    """I20: worst case of positions, open, flying and unknown orders and these, to the unit."""
    limits, after = asked.limits, asked.exposure
    risky = [order for order in asked.orders if order.action == "buy"]
    if not risky:
        return FINE
    bankroll = asked.account.equity()
    share = bankroll * limits.position_share // ONE
    for order in risky:
        cost = cost_of(order)
        if cost > limits.per_order:
            return "per_order", {"cost": cost, "limit": limits.per_order}
        market: Instrument = asked.view.instrument(order.key)
        own = asked.budgets.get(order.strategy, limits.per_strategy)
        budget = min(own, limits.per_strategy)
        for name, used, limit in (
            ("per_market", after.market(order.key), min(limits.per_market, share)),
            ("per_event", after.event(market.event, limits.per_event), limits.per_event),
            (
                "per_category",
                after.category(market.category, limits.per_category),
                limits.per_category,
            ),
            ("per_strategy", after.strategy(order.strategy, budget), budget),
            ("per_venue", after.venue(order.venue), limits.per_venue),
            ("per_account", after.total, limits.per_account),
        ):
            if used > limit:
                return name, {"used": used, "limit": limit}
    burning = heat(asked.account) + sum(cost_of(order) for order in risky)
    burning += asked.account.stake_total
    allowed = bankroll * limits.heat_share // ONE
    if burning > allowed:
        return "heat", {"used": burning, "limit": allowed}
    return FINE


def venues_may_part(asked: Asked) -> Verdict:
    """Spec 04: limits apply to the residual states. A basket over two venues is not riskless: the
    worst of its residual states counts beside those of all that are open."""
    proof = asked.certificate
    if proof is None or len({order.venue for order in asked.orders}) < 2:
        return FINE
    qty = asked.orders[0].qty // proof.times()[0]
    back = min(state.payoff for state in proof.residual) * qty // proof.qty
    loss = sum(cost_of(order) for order in asked.orders) - back
    room = parting_room(asked.account, asked.limits)
    return ("venues may part", {"loss": loss, "room": room}) if loss > room else FINE


def ramped(asked: Asked) -> Verdict:
    """The live ramp: what one trade may cost in the first days of live trading."""
    most = cap(asked.account, asked.limits)
    if most is None:
        return FINE
    cost = sum(
        ceil_div(order.px * order.qty, ONE)
        for order in asked.orders
        if order.action == "buy" and not _repairs(order)
    )
    return ("live ramp", {"cost": cost, "limit": most}) if cost > most else FINE


def basket_limit(asked: Asked) -> Verdict:
    if asked.certificate is None:
        return FINE
    cost = sum(cost_of(order) for order in asked.orders)
    limit = asked.limits.per_basket
    if halved(asked.account):
        limit //= 2
    # fees that are reserved at their worst are not part of what the limit is about
    capital = sum(ceil_div(order.px * order.qty, ONE) for order in asked.orders)
    return ("per_basket", {"cost": cost, "limit": limit}) if capital > limit else FINE


CHECKS: Final[tuple[Callable[[Asked], Verdict], ...]] = (
    market_known, right_account, not_halted, sure_enough, venue_allows, reconciled, nothing_unknown,
    clock_right, well_formed, fresh, within_collar, only_reduces, equal_shares, no_self_trade,
    funds, ramped, basket_limit, within_limits, venues_may_part, edge_stands,
)  # fmt: skip
"""In this order; the first that says why ends it."""
