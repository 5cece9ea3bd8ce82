"""A venue of paper: live books and trades decide what our orders would have got, and how surely.

book_cross: our order crossed offers that were shown, at their prices; the same shown size fills us
once. trade_through: it rested, and the market traded at a worse price than ours. queue_model: it
rested, and trades at our very price exceeded the size that was shown before us.
"""

from collections.abc import Callable
from typing import Literal

from dutchbook.domain.account_events import (
    AccountSeen,
    CancelFailed,
    Grade,
    OrderAcked,
    OrderCanceled,
    OrderFilled,
    OrderMissing,
    OrderRejected,
    OrderSeen,
    Paid,
)
from dutchbook.domain.candidate import Outcome, View
from dutchbook.domain.effects import (
    AskAccount,
    AskOrder,
    CancelAll,
    CancelOrder,
    Effect,
    SubmitOrder,
    SubmitOrders,
)
from dutchbook.domain.events import Event, MarketResolved, TradePrinted
from dutchbook.domain.fees import fill_fee, rounded
from dutchbook.domain.orders import Holding, Order, Reason
from dutchbook.domain.units import ONE, Ns, Px, Qty, Usd

LEVELS = 100


class Resting:
    """An order at the paper venue. `ahead`: what was shown at its price when it came."""

    def __init__(self, order: Order, number: int) -> None:
        self.order = order
        self.name = f"paper-{number}"
        self.filled = 0
        self.canceled = 0
        self.exact = 0  # fees as the formula has them, before the account's rounding
        self.cost = 0
        self.fees = 0
        self.ahead = 0
        self.fills: list[OrderFilled] = []

    @property
    def left(self) -> int:
        return self.order.qty - self.filled - self.canceled


class Paper:
    """One venue; `say` is given each event. On Kalshi YES and NO of a market net to cash."""

    def __init__(
        self, venue: str, account: str, view: View, cash: Usd, say: Callable[[Event], None]
    ) -> None:
        self.venue = venue
        self.account = account
        self.view = view
        self.cash: int = cash
        self.say = say
        self.held: dict[tuple[str, Outcome], int] = {}
        self.orders: dict[str, Resting] = {}
        self._taken: dict[tuple[str, Outcome, int], tuple[int, int]] = {}
        self._trades = 0

    def do(self, effect: Effect, now: Ns) -> None:
        """An effect of the engine that has just arrived."""
        if isinstance(effect, SubmitOrder):
            self._submit(effect.order, now)
        elif isinstance(effect, SubmitOrders):
            for order in effect.orders:
                self._submit(order, now)
        elif isinstance(effect, CancelOrder):
            self._cancel(effect.order.id, now)
        elif isinstance(effect, CancelAll):
            for name in [one.order.id for one in self.orders.values() if one.left]:
                self._cancel(name, now)
        elif isinstance(effect, AskOrder):
            self._asked(effect.order, now)
        elif isinstance(effect, AskAccount):
            self._report(effect.since, now)

    def on_event(self, event: Event, now: Ns) -> None:
        """What the market did: trades may fill what rests, a resolution pays."""
        if isinstance(event, TradePrinted):
            for resting in [one for one in self.orders.values() if one.left]:
                if resting.order.key == event.key:
                    self._traded(resting, event, now)
        elif isinstance(event, MarketResolved):
            self._resolved(event, now)

    def tick(self, now: Ns) -> None:
        """Resting orders expire, and cross what has come to their price since."""
        for resting in [one for one in self.orders.values() if one.left]:
            if resting.order.expires and resting.order.expires <= now:
                self._end(resting, "expired", now)
            else:
                self._cross(resting, now)

    # -- orders ----------------------------------------------------------------------------------

    def _submit(self, order: Order, now: Ns) -> None:
        if order.id in self.orders:
            self._asked(order, now)
            return
        why = self._refusal(order)
        if why:
            self.say(OrderRejected(order.id, why, "paper"))
            return
        resting = self.orders[order.id] = Resting(order, len(self.orders) + 1)
        offers = self._against(order)
        if order.tif == "fok" and sum(size for _, size in offers) < order.qty:
            del self.orders[order.id]
            self.say(OrderRejected(order.id, "killed", "paper"))
            return
        self.say(OrderAcked(order.id, resting.name, venue_at=now))
        if not order.post_only:
            self._cross(resting, now)
        if resting.left and order.tif in ("ioc", "fok"):
            self._end(resting, "no_match", now)
        elif resting.left:
            resting.ahead = self._shown_before(order)

    def _refusal(self, order: Order) -> Reason | None:
        market = self.view.instrument(order.key)
        if market.status != "open":
            return "closed"
        if order.action == "sell" and self.held.get((order.key, order.outcome), 0) < order.qty:
            return "funds"
        if order.action == "buy" and self.cash < order.px * order.qty // ONE + order.fee_max:
            return "funds"
        if order.post_only and self._against(order):
            return "post_only_cross"
        return None

    def _against(self, order: Order) -> list[tuple[int, int]]:
        """The (price, size) that the order crosses now and that did not fill us before."""
        read = self.view.offers if order.action == "buy" else self.view.bids
        if self.view.stale(order.key, order.outcome):
            return []
        found: list[tuple[int, int]] = []
        for px, size in read(order.key, order.outcome, LEVELS):
            if (px > order.px) if order.action == "buy" else (px < order.px):
                break
            was, taken = self._taken.get((order.key, order.outcome, px), (0, 0))
            free = size - taken if was == size else size
            if free > 0:
                found.append((px, free))
        return found

    def _shown_before(self, order: Order) -> int:
        read = self.view.bids if order.action == "buy" else self.view.offers
        return dict(read(order.key, order.outcome, LEVELS)).get(order.px, 0)

    def _cross(self, resting: Resting, now: Ns) -> None:
        order = resting.order
        for px, free in self._against(order):
            qty = min(free, resting.left) // 10_000 * 10_000
            if not qty:
                break
            read = self.view.offers if order.action == "buy" else self.view.bids
            shown = dict(read(order.key, order.outcome, LEVELS)).get(Px(px), Qty(0))
            place = (order.key, order.outcome, px)
            was, taken = self._taken.get(place, (0, 0))
            self._taken[place] = (shown, (taken if was == shown else 0) + qty)
            self._fill(resting, px, qty, "book_cross", now)

    def _traded(self, resting: Resting, trade: TradePrinted, now: Ns) -> None:
        """A trade took the side that we rest on: through our price, or at it and past the queue."""
        order = resting.order
        bid = (order.action == "buy") == (order.outcome == "yes")
        if trade.buy_yes == bid:
            return
        ours = order.px if order.outcome == "yes" else ONE - order.px
        through = trade.px < ours if bid else trade.px > ours
        if through:
            self._fill(resting, order.px, resting.left, "trade_through", now)
        elif trade.px == ours:
            behind = max(0, trade.qty - resting.ahead)
            resting.ahead = max(0, resting.ahead - trade.qty)
            qty = min(behind, resting.left) // 10_000 * 10_000
            if qty:
                self._fill(resting, order.px, qty, "queue_model", now)

    def _fill(self, resting: Resting, px: int, qty: int, grade: Grade, now: Ns) -> None:
        order, market = resting.order, self.view.instrument(resting.order.key)
        maker = grade != "book_cross"
        value = px * qty // ONE if order.action == "sell" else -(-px * qty // ONE)
        resting.cost += value
        resting.exact += fill_fee(market.fees, px, qty, maker=maker)
        sign = 1 if order.action == "buy" else -1
        fees = sign * (rounded(market.fees, sign * resting.cost + resting.exact)) - resting.cost
        fee = sign * fees - resting.fees
        resting.fees += fee
        resting.filled += qty
        self._trades += 1
        self.cash -= sign * value + fee
        place = (order.key, order.outcome)
        self.held[place] = self.held.get(place, 0) + sign * qty
        self._net(order.key)
        fill = OrderFilled(
            self.venue, self.account, order.id, resting.name, f"paper-{self._trades}", order.key,
            order.outcome, order.action, Px(px), Qty(qty), Usd(fee), maker, now, grade=grade,
        )  # fmt: skip
        resting.fills.append(fill)
        self.say(fill)

    def _net(self, key: str) -> None:
        pairs = min(self.held.get((key, "yes"), 0), self.held.get((key, "no"), 0))
        if self.venue == "kalshi" and pairs > 0:
            self.held[key, "yes"] -= pairs
            self.held[key, "no"] -= pairs
            self.cash += pairs

    def _end(self, resting: Resting, reason: Reason, now: Ns) -> None:
        canceled = resting.left
        resting.canceled += canceled
        told = OrderCanceled(
            resting.order.id, resting.name, reason, Qty(canceled), Qty(resting.filled)
        )
        self.say(told)

    def _cancel(self, name: str, now: Ns) -> None:
        resting = self.orders.get(name)
        if resting is None or not resting.left:
            self.say(CancelFailed(name, "paper: no such open order", gone=True))
        else:
            self._end(resting, "operator", now)

    # -- questions and money ---------------------------------------------------------------------

    def _asked(self, order: Order, now: Ns) -> None:
        resting = self.orders.get(order.id)
        if resting is None:
            self.say(OrderMissing(order.id, "paper"))
            return
        for fill in resting.fills:
            self.say(fill)
        self.say(self._row(resting))

    def _row(self, resting: Resting) -> OrderSeen:
        order = resting.order
        status: Literal["open", "canceled", "filled"]
        status = "open" if resting.left else "canceled" if resting.canceled else "filled"
        return OrderSeen(
            self.venue, self.account, order.id, resting.name, order.key, order.outcome,
            order.action, order.px, order.qty, status, Qty(resting.filled),
        )  # fmt: skip

    def _report(self, since: Ns, now: Ns) -> None:
        holdings = tuple(
            Holding(key, outcome, Qty(qty))
            for (key, outcome), qty in sorted(self.held.items())
            if qty
        )
        orders = tuple(self._row(one) for one in self.orders.values() if one.left)
        fills = tuple(
            fill for one in self.orders.values() for fill in one.fills if fill.venue_at >= since
        )
        self.say(
            AccountSeen(
                self.venue, self.account, now, since, Usd(self.cash), holdings, orders, fills
            )
        )

    def _resolved(self, event: MarketResolved, now: Ns) -> None:
        yes = self.held.pop((event.key, "yes"), 0)
        no = self.held.pop((event.key, "no"), 0)
        for resting in [one for one in self.orders.values() if one.left]:
            if resting.order.key == event.key:
                self._end(resting, "closed", now)
        if yes or no:
            cash = (yes * event.yes_pays + no * (ONE - event.yes_pays)) // ONE
            self.cash += cash
            paid = Paid(
                self.venue, self.account, "settle", f"paper:{event.key}", Usd(cash), now,
                event.key, Qty(yes), Qty(no), Px(event.yes_pays),
            )  # fmt: skip
            self.say(paid)
