"""The last word before an order is decided: all of a group may go, or none, and why."""

from collections import deque
from collections.abc import Sequence

from dutchbook.domain.candidate import View
from dutchbook.domain.certificate import Certificate
from dutchbook.domain.fees import fee_max
from dutchbook.domain.orders import Order
from dutchbook.domain.step import Refused
from dutchbook.domain.units import MILLI, ONE, SECOND, Ns, Px, Qty, ceil_div
from dutchbook.risk.checks import CHECKS, FINE, Asked, Verdict, halved
from dutchbook.risk.exposure import Exposure, heat, parting_room
from dutchbook.risk.limits import RiskLimits
from dutchbook.risk.ramp import cap
from dutchbook.state.account import Account

LOT = 10_000
QUOTES_PERCENT = 50
"""Of what a venue takes in a second: the rest is kept for baskets, their repairs and cancels."""


SAME_MAX = 10_000
"""Kinds of orders that are remembered before the old ones among them are dropped."""


class Gate:
    """`limits` may be replaced at any time: the next order is judged by the new ones.

    `budgets`: what a strategy may hold and offer, where it has less than every other.

    Its own memory is of what it let pass lately (messages, repeats): it is filled by what it
    approves, and a restart empties it together with the sockets that it protects.
    """

    def __init__(self, limits: RiskLimits, accounts: dict[str, str]) -> None:
        self.limits = limits
        self.accounts = accounts
        self.budgets: dict[str, int] = {}
        self._sent: dict[str, deque[Ns]] = {}
        self._same: dict[tuple[str, str, str, int, int], deque[Ns]] = {}
        self._same_max = SAME_MAX

    def check(
        self, orders: tuple[Order, ...], account: Account, view: View, now: Ns, *,
        certificate: Certificate | None = None, confidence: int = ONE,
    ) -> Refused | None:  # fmt: skip
        """None: the orders may be decided now, in this step. Else which check refused, and why.

        `confidence`: how sure a strategy with an opinion is of its edge, in millionths.
        """
        what = orders[0].basket or orders[0].id if orders else "nothing"
        if not orders:
            return Refused(what, "empty", "no orders", {})
        unknown = [order.key for order in orders if not _listed(view, order)]
        if unknown:
            return Refused(what, "market_known", f"{unknown[0]} is not listed", {})
        exposure = Exposure(account, view, orders)
        asked = Asked(
            orders, account, view, now, self.limits, certificate, exposure, self.accounts,
            self.budgets, confidence,
        )  # fmt: skip
        for check in CHECKS:
            why, numbers = check(asked)
            if why:
                return Refused(what, check.__name__, why, numbers)
        why, numbers = self._throttled(orders, account, now)
        if why:
            return Refused(what, "throttle", why, numbers)
        self._pass(orders, now)
        return None

    def affordable(self, certificate: Certificate, account: Account, view: View, now: Ns) -> Qty:
        """The largest size of the basket that money and limits allow; 0 if none.

        All of it mostly; else found by halving over whole lots, as each bound grows with size.
        `check` still decides.
        """
        lot = max((leg.lot for leg in certificate.legs), default=LOT)
        used = Exposure(account, view, _nothing(certificate, view))
        low, high = 0, certificate.qty // lot
        if high and self._fits(certificate, high * lot, account, view, used):
            low = high
        while low < high:
            middle = (low + high + 1) // 2
            if self._fits(certificate, middle * lot, account, view, used):
                low = middle
            else:
                high = middle - 1
        sizes = zip(certificate.legs, certificate.times(), strict=True)
        least = max((ceil_div(leg.size_min, weight) for leg, weight in sizes), default=0)
        return Qty(low * lot) if low * lot >= least else Qty(0)

    def rooms(
        self, certificates: Sequence[Certificate], account: Account, view: View
    ) -> dict[str, int]:
        """What every limit still leaves for these, in millionths, named as `optimize` names them:
        "capital", "venue V", "market K", "event E", "category C", "strategy S", "group venues
        part"; and "basket", what one basket may cost."""
        limits, bankroll = self.limits, account.equity()
        orders = [order for one in certificates for order in _nothing(one, view)]
        used = Exposure(account, view, orders)
        hot = bankroll * limits.heat_share // ONE - heat(account) - account.stake_total
        rooms = {"capital": min(limits.per_account - used.total, hot)}
        rooms["group venues part"] = parting_room(account, limits)
        rooms["basket"] = self._per_basket(account)
        share = min(limits.per_market, bankroll * limits.position_share // ONE)
        for order in orders:
            venue = order.venue
            rooms[f"venue {venue}"] = min(account.free(venue), limits.per_venue - used.venue(venue))
            rooms[f"market {order.key}"] = share - used.market(order.key)
            one = view.instrument(order.key)
            rooms[f"event {one.event}"] = limits.per_event - used.event(one.event, -1)
            category = limits.per_category - used.category(one.category, -1)
            rooms[f"category {one.category}"] = category
        for kind in dict.fromkeys(one.kind for one in certificates):
            rooms[f"strategy {kind}"] = self.budget(kind) - used.strategy(kind, -1)
        return {name: max(room, 0) for name, room in rooms.items()}

    def budget(self, strategy: str) -> int:
        """What a strategy may hold and offer."""
        own = self.budgets.get(strategy, self.limits.per_strategy)
        return min(own, self.limits.per_strategy)

    def _per_basket(self, account: Account) -> int:
        """What one basket may cost now: halved after a drawdown, less in the first days live."""
        per_trade = cap(account, self.limits)
        most = self.limits.per_basket // (2 if halved(account) else 1)
        return most if per_trade is None else min(most, per_trade)

    def _fits(
        self, certificate: Certificate, qty: int, account: Account, view: View, used: Exposure
    ) -> bool:
        limits, bankroll = self.limits, account.equity()
        by_venue: dict[str, int] = {}
        by_event: dict[str, int] = {}
        total = 0
        for leg, weight in zip(certificate.legs, certificate.times(), strict=True):
            px, size = max(fill.px for fill in leg.fills), qty * weight
            cost = -(-px * size // ONE) + fee_max(leg.fees, px, size, "buy", leg.lot)
            market = view.instrument(leg.instrument)
            room = min(limits.per_market, bankroll * limits.position_share // ONE)
            if cost > limits.per_order or used.market(leg.instrument) + cost > room:
                return False
            by_venue[market.venue] = by_venue.get(market.venue, 0) + cost
            by_event[market.event] = by_event.get(market.event, 0) + cost
            total += cost
        if len(by_venue) > 1 and total > parting_room(account, limits):
            return False
        own = self.budget(certificate.kind)
        return (
            total <= self._per_basket(account)
            and used.strategy(certificate.kind, own - total) + total <= own
            and used.total + total <= limits.per_account
            and all(
                used.event(e, limits.per_event - c) + c <= limits.per_event
                for e, c in by_event.items()
            )
            and all(
                c <= account.free(v) and used.venue(v) + c <= limits.per_venue
                for v, c in by_venue.items()
            )
        )

    def _throttled(self, orders: tuple[Order, ...], account: Account, now: Ns) -> Verdict:
        """Too many orders to a venue in a second, or the same one again and again."""
        by_venue: dict[str, int] = {}
        for order in orders:
            by_venue[order.venue] = by_venue.get(order.venue, 0) + 1
        for venue, count in by_venue.items():
            sent = _recent(self._sent.setdefault(venue, deque()), Ns(now - SECOND))
            rate = account.rates.get(venue)
            burst = rate.burst if rate is not None else self.limits.orders_per_second
            most = min(self.limits.orders_per_second, burst)
            if all(order.purpose == "quote" and order.tif == "gtc" for order in orders):
                most = max(1, most * QUOTES_PERCENT // 100)
            if len(sent) + count > most:
                numbers = {"sent": len(sent), "more": count, "most": most}
                return f"too many orders to {venue} in a second", numbers
        for order in orders:
            since = Ns(now - self.limits.repeat_ms * MILLI)
            same = _recent(self._same.setdefault(_kind(order), deque()), since)
            if len(same) >= self.limits.repeats_max:
                return f"{order.key}: the same order again and again", {"times": len(same)}
        return FINE

    def _pass(self, orders: tuple[Order, ...], now: Ns) -> None:
        for order in orders:
            self._sent.setdefault(order.venue, deque()).append(now)
            self._same.setdefault(_kind(order), deque()).append(now)
        if len(self._same) > self._same_max:
            since = now - self.limits.repeat_ms * MILLI
            self._same = {
                kind: times for kind, times in self._same.items() if times and times[-1] > since
            }
            self._same_max = max(SAME_MAX, 2 * len(self._same))


def _listed(view: View, order: Order) -> bool:
    try:
        view.instrument(order.key)
    except KeyError:
        return False
    return True


def _nothing(certificate: Certificate, view: View) -> list[Order]:
    """Orders of no size: so that the exposure knows which events it is asked about."""
    return [
        Order(
            "", leg.instrument.partition(":")[0], "", leg.instrument, "yes", "buy", Px(0), Qty(0),
            "ioc", Ns(0), "leg",
        )
        for leg in certificate.legs
    ]  # fmt: skip


def _kind(order: Order) -> tuple[str, str, str, int, int]:
    return order.key, order.outcome, order.action, order.px, order.qty


def _recent(times: deque[Ns], since: Ns) -> deque[Ns]:
    while times and times[0] <= since:
        times.popleft()
    return times
