"""The trading half of Polymarket: effects in, requests out, answers and own frames as events."""

from dutchbook.domain.account_events import CancelFailed, RateSeen
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
from dutchbook.domain.events import FeedDown, FeedUp
from dutchbook.domain.orders import Order
from dutchbook.domain.units import Ns
from dutchbook.venues.base import Bucket, Dial, Out
from dutchbook.venues.polymarket import heartbeat, orders, report, user
from dutchbook.venues.polymarket.admission import Admission
from dutchbook.venues.polymarket.config import Config
from dutchbook.venues.polymarket.heartbeat import Heartbeat
from dutchbook.venues.polymarket.inquiries import Inquiries
from dutchbook.venues.polymarket.orders import Orders
from dutchbook.venues.polymarket.records import Known
from dutchbook.venues.polymarket.registry import Registry
from dutchbook.venues.polymarket.report import Report
from dutchbook.venues.polymarket.requests import Answer, Requests
from dutchbook.venues.polymarket.signed import wallet
from dutchbook.venues.polymarket.standing import Standing
from dutchbook.venues.polymarket.trades import Trades
from dutchbook.venues.polymarket.user import UserFeed


class Trading:
    """One account. The same order is the same bytes whenever it is sent; nothing is signed anew."""

    def __init__(self, config: Config, registry: Registry) -> None:
        self._config = config
        payer = wallet(config.address, config.funder, config.signature_type, config.chain_id)
        self._known = Known(registry, payer, config.account)
        self._standing = Standing()
        self._requests = Requests(config, payer.address)
        self._trades = Trades(self._known)
        self._inquiries = Inquiries(self._requests, self._known, self._trades)
        self._orders = Orders(config, self._requests, self._known, self._standing)
        self._admission = Admission(config, self._requests, self._standing)
        self._heartbeat = Heartbeat(config, self._requests, self._standing)
        self._user = UserFeed(config, self._known, self._trades)
        self._orders.landed = lambda order, now: self._inquiries.look(order, "")
        self._orders.traded = self._inquiries.follow
        self._orders.outdated = self._admission.version
        self._open_orders = 0

    def buckets(self) -> tuple[Bucket, ...]:
        """Orders and cancels have budgets of their own, so no order can starve a cancel."""
        config = self._config
        return (
            Bucket(orders.ORDERS, config.orders_per_second, config.orders_burst),
            Bucket(orders.CANCELS, config.cancels_per_second, config.cancels_burst),
            Bucket(orders.BALANCE, 10, 100),
            Bucket(report.DATA, 7, 75),
            Bucket(heartbeat.BUCKET, 5, 5),
            Bucket("geoblock", 1, 2),
        )

    def start(self, now: Ns) -> list[Out]:
        config = self._config
        rate = RateSeen("polymarket", config.orders_burst, config.orders_per_second)
        return [rate, *self._admission.start(now)]

    def dial(self) -> Dial:
        return self._user.dial()

    def on_open(self, now: Ns) -> list[Out]:
        """Nothing missed is sent again: what was open is asked for."""
        trades, self._user.open_trades = self._user.open_trades, []
        return [FeedUp(user.STREAM), *self._inquiries.follow(trades, now)]

    def on_down(self, why: str) -> list[Out]:
        return [FeedDown(user.STREAM, why)]

    def on_frame(self, data: bytes, now: Ns) -> list[Out]:
        out = self._user.read(data, now)
        trades, self._user.open_trades = self._user.open_trades, []
        return [*out, *self._inquiries.follow(trades, now)] if trades else out

    def do(self, effect: Effect, now: Ns) -> list[Out] | None:
        """An effect of trading that concerns this venue; None for any other."""
        if isinstance(effect, SubmitOrder):
            one = (effect.order,)
            return self._submit(one, effect.again, now) if _ours(effect.order) else None
        if isinstance(effect, SubmitOrders):
            return self._submit(effect.orders, False, now) if _mine(effect.venue) else None
        if isinstance(effect, CancelOrder):
            return self._orders.cancel(effect) if _ours(effect.order) else None
        if isinstance(effect, AmendOrder):
            why = "Polymarket can't change an order: cancel it and send another"
            return [CancelFailed(effect.order.id, why)] if _ours(effect.order) else None
        if isinstance(effect, AskOrder):
            if not _ours(effect.order):
                return None
            return self._inquiries.look(effect.order, effect.venue_order)
        if isinstance(effect, CancelAll) and _mine(effect.venue):
            return self._orders.cancel_all(effect, min(self._open_orders, 100))
        if isinstance(effect, AskAccount) and _mine(effect.venue):
            return self._account(effect, now)
        return None

    def ended(self, call: str, answer: Answer, now: Ns) -> list[Out] | None:
        """An answer, or that there is none; None for a call that is not the trading half's."""
        return self._requests.ended(call, answer, now)

    def due(self, token: str, now: Ns) -> list[Out] | None:
        return self._requests.due(token, now)

    def _submit(self, wanted: tuple[Order, ...], again: bool, now: Ns) -> list[Out]:
        out = self._orders.submit(wanted, now, again=again)
        return [*self._heartbeat.begin(now), *out]

    def _account(self, ask: AskAccount, now: Ns) -> list[Out]:
        self._open_orders = len(ask.orders)
        made = Report(ask, self._config, self._requests, self._known, self._trades, now)
        return made.start()


def _ours(order: Order) -> bool:
    return _mine(order.venue)


def _mine(venue: str) -> bool:
    return venue == "polymarket"
