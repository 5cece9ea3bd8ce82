"""The trading half of Kalshi: effects in, requests out, answers and private frames as events."""

from dutchbook.domain.account_events import OrderRejected
from dutchbook.domain.effects import (
    AmendOrder,
    AskAccount,
    AskOrder,
    CancelAll,
    CancelOrder,
    Effect,
    SubmitOrder,
    SubmitOrders,
)
from dutchbook.domain.orders import Order
from dutchbook.domain.units import Ns
from dutchbook.venues.base import Bucket, Out
from dutchbook.venues.kalshi.changes import Changes
from dutchbook.venues.kalshi.config import Config
from dutchbook.venues.kalshi.exchange import Exchange
from dutchbook.venues.kalshi.groups import Groups, Held
from dutchbook.venues.kalshi.inquiries import Inquiries, Look
from dutchbook.venues.kalshi.limits import Costs
from dutchbook.venues.kalshi.orders import Orders
from dutchbook.venues.kalshi.private import PrivateFeed
from dutchbook.venues.kalshi.records import Known
from dutchbook.venues.kalshi.report import Reports
from dutchbook.venues.kalshi.requests import Answer, Requests
from dutchbook.venues.kalshi.standing import Standing
from dutchbook.venues.kalshi.sweep import Sweep


class Trading:
    """One account. Nothing here asks again what could place a second order."""

    def __init__(self, config: Config) -> None:
        costs = Costs()
        self.config = config
        self.known = Known()
        self.standing = Standing()
        self.requests = Requests(config)
        self.inquiries = Inquiries(self.requests, self.known, config.account, costs)
        self.orders = Orders(self.requests, self.known, self.inquiries, self.standing, costs)
        self.changes = Changes(self.requests, self.known, self.inquiries, self.standing, costs)
        self.orders.cancel = self.changes.cancel
        self.groups = Groups(self.requests, costs, self.orders.groups)
        self.reports = Reports(self.requests, self.known)
        self.sweep = Sweep(self.requests, self.known, costs)
        self.exchange = Exchange(self.requests, self.standing, costs)
        self.private = PrivateFeed(self.known, config.account, self.standing, self.groups)

    def buckets(self) -> tuple[Bucket, ...]:
        """The write budget, in what cancels may use and what the rest may."""
        return self.exchange.buckets

    def start(self, now: Ns) -> list[Out]:
        """What is allowed, and the groups."""
        self.requests.now = now
        return [*self.exchange.start(now), *self.groups.start()]

    def do(self, effect: Effect, now: Ns) -> list[Out] | None:
        """An effect of trading that concerns this venue; None for any other."""
        self.requests.now = now
        if isinstance(effect, SubmitOrder):
            one = (effect.order,)
            return self._submit(one, now, effect.again) if _ours(effect.order) else None
        if isinstance(effect, SubmitOrders):
            return self._submit(effect.orders, now) if effect.venue == "kalshi" else None
        if isinstance(effect, CancelOrder):
            return self.changes.cancel(effect, now) if _ours(effect.order) else None
        if isinstance(effect, AmendOrder):
            return self.changes.amend(effect, now) if _ours(effect.order) else None
        if isinstance(effect, AskOrder):
            look = Look(effect.order, effect.venue_order)
            return self.inquiries.look(look, now) if _ours(effect.order) else None
        if isinstance(effect, CancelAll) and effect.venue == "kalshi":
            return [*self.orders.withdraw(), *self.groups.trip(), *self.sweep.start(now)]
        if isinstance(effect, AskAccount) and effect.venue == "kalshi":
            return self.reports.ask(effect, now)
        return None

    def ended(self, call: str, answer: Answer, now: Ns) -> list[Out] | None:
        """An answer, or that there is none; None for a call that is not the trading half's."""
        asked = self.requests.take(call)
        if asked is None:
            return None
        self.requests.now, self.standing.asked = now, asked.at
        out = asked.done(answer, now)
        if asked.private and answer.status in (200, 201):
            out = [*out, *self.standing.heard()]
        return [*out, *self.exchange.ask_status(now)] if self.standing.asks else out

    def due(self, token: str, now: Ns) -> list[Out] | None:
        self.requests.now = now
        return self.requests.due(token, now)

    def _submit(self, orders: tuple[Order, ...], now: Ns, again: bool = False) -> list[Out]:
        room = self.exchange.room()
        held = Held(
            lambda at: self.orders.submit(orders, at, room, again),
            [OrderRejected(one.id, "not_sent", "everything is being canceled") for one in orders],
        )
        return self.groups.ready(held, now)


def _ours(order: Order) -> bool:
    return order.venue == "kalshi"
