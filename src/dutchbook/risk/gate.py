"""The last word before an order is decided: all of a group may go, or none, and why."""

from collections import deque

from dutchbook.domain.candidate import View
from dutchbook.domain.certificate import Certificate
from dutchbook.domain.fees import fee_max
from dutchbook.domain.orders import Order
from dutchbook.domain.step import Refused
from dutchbook.domain.units import MILLI, ONE, SECOND, Ns, Px, Qty
from dutchbook.risk.checks import CHECKS, FINE, Asked, Verdict
from dutchbook.risk.exposure import Exposure
from dutchbook.risk.limits import RiskLimits
from dutchbook.state.account import Account

LOT = 10_000


class Gate:
    """`limits` may be replaced at any time: the next order is judged by the new ones.

    Its own memory is of what it let pass lately (messages, repeats): it is filled by what it
    approves, and a restart empties it together with the sockets that it protects.
    """

    def __init__(self, limits: RiskLimits, accounts: dict[str, str]) -> None:
        self.limits = limits
        self.accounts = accounts
        self._sent: dict[str, deque[Ns]] = {}
        self._same: dict[tuple[str, str, str, int, int], deque[Ns]] = {}

    def check(
        self, orders: tuple[Order, ...], account: Account, view: View, now: Ns, *,
        certificate: Certificate | None = None,
    ) -> Refused | None:  # fmt: skip
        """None: the orders may be decided now, in this step. Else which check refused, and why."""
        what = orders[0].basket or orders[0].id if orders else "nothing"
        if not orders:
            return Refused(what, "empty", "no orders", {})
        unknown = [order.key for order in orders if not _listed(view, order)]
        if unknown:
            return Refused(what, "market_known", f"{unknown[0]} is not listed", {})
        exposure = Exposure(account, view, orders)
        asked = Asked(orders, account, view, now, self.limits, certificate, exposure, self.accounts)
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

        Found by halving over whole lots: each bound grows with size. `check` still decides.
        """
        lot = max((leg.lot for leg in certificate.legs), default=LOT)
        used = Exposure(account, view, _nothing(certificate, view))
        low, high = 0, certificate.qty // lot
        while low < high:
            middle = (low + high + 1) // 2
            if self._fits(certificate, middle * lot, account, view, used):
                low = middle
            else:
                high = middle - 1
        least = max((leg.size_min for leg in certificate.legs), default=Qty(0))
        return Qty(low * lot) if low * lot >= least else Qty(0)

    def _fits(
        self, certificate: Certificate, qty: int, account: Account, view: View, used: Exposure
    ) -> bool:
        limits, bankroll = self.limits, account.equity()
        halt = account.halts.get("all")
        halves = halt is not None and halt.level == "halve"
        by_venue: dict[str, int] = {}
        by_event: dict[str, int] = {}
        total = 0
        for leg in certificate.legs:
            px = max(fill.px for fill in leg.fills)
            cost = -(-px * qty // ONE) + fee_max(leg.fees, px, qty, "buy", leg.lot)
            market = view.instrument(leg.instrument)
            room = min(limits.per_market, bankroll * limits.position_share // ONE)
            if cost > limits.per_order or used.market(leg.instrument) + cost > room:
                return False
            by_venue[market.venue] = by_venue.get(market.venue, 0) + cost
            by_event[market.event] = by_event.get(market.event, 0) + cost
            total += cost
        return (
            total <= limits.per_basket // (2 if halves else 1)
            and used.total + total <= limits.per_account
            and all(used.event.get(e, 0) + c <= limits.per_event for e, c in by_event.items())
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
        if len(self._same) > 10_000:
            self._same = {kind: times for kind, times in self._same.items() if times}


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
