"""Orders out, answers in: refused, at the venue, or unknown, and no fourth way."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from dutchbook.domain.account_events import (
    OrderRejected,
    OrderUnknown,
)
from dutchbook.domain.effects import CancelOrder
from dutchbook.domain.errors import RemoteProtocolError
from dutchbook.domain.orders import Order
from dutchbook.domain.units import Ns
from dutchbook.venues.base import Drop, Out
from dutchbook.venues.kalshi import answers, order_bytes, refusals
from dutchbook.venues.kalshi.errors import bad
from dutchbook.venues.kalshi.inquiries import REST, Inquiries, Look
from dutchbook.venues.kalshi.limits import WRITE, Costs
from dutchbook.venues.kalshi.order_bytes import ORDERS, encode
from dutchbook.venues.kalshi.records import Known
from dutchbook.venues.kalshi.refusals import Refusal, evidence, refusal
from dutchbook.venues.kalshi.requests import QUEUED_MAX, Answer, Requests
from dutchbook.venues.kalshi.standing import Standing

BATCH_MAX: Final = 20
REMEMBERED_MAX: Final = 100_000
UNSENT: Final = "it never left us"


class Orders:
    """Places orders. `groups`: shard -> the order group that guards it.

    `doomed`: orders that were under way when everything was canceled; `cancel(ask, now)` ends each
    as soon as its answer comes, since the venue's sweep misses what is not on its book yet.
    """

    def __init__(
        self,
        requests: Requests,
        known: Known,
        inquiries: Inquiries,
        standing: Standing,
        costs: Costs,
    ) -> None:
        self.requests = requests
        self.config = requests.config
        self.known = known
        self.inquiries = inquiries
        self.standing = standing
        self.costs = costs
        self.groups: dict[int, str] = {}
        self.grouped: dict[str, str] = {}
        self.placing: dict[str, tuple[Order, ...]] = {}
        self.doomed: dict[str, None] = {}
        self.again: dict[str, None] = {}
        self.cancel: Callable[[CancelOrder, Ns], list[Out]] = lambda ask, now: []

    def withdraw(self) -> list[Out]:
        """Take back every order whose request has not left yet; what has left is doomed.

        Requests that only sell what is held go on: ending them would keep the risk.
        """
        back = [call for call, group in self.placing.items() if not all(o.repairs for o in group)]
        for call in back:
            self.doomed.update((one.id, None) for one in self.placing[call])
        _bound(self.doomed)
        return [Drop(tuple(back))] if back else []

    def submit(
        self, orders: tuple[Order, ...], now: Ns, room: int = BATCH_MAX, again: bool = False
    ) -> list[Out]:
        """Send orders, `room` in one request at most.

        `again`: an order that may have arrived is sent a second time; that this one is refused
        is then no evidence about the first, and the order is looked up.
        """
        self.again.update(dict.fromkeys((one.id for one in orders) if again else ()))
        _bound(self.again)
        out: list[Out] = []
        good = []
        for order in orders:
            if what := order_bytes.fault(order, self.config):
                out.append(OrderRejected(order.id, "not_sent", f"{UNSENT}: {what}"))
            else:
                self.known.learn(order)
                good.append(order)
        most = min(room, BATCH_MAX)
        for n in range(0, len(good), most):
            out += self._send(tuple(good[n : n + most]), now)
        return out

    def _send(self, orders: tuple[Order, ...], now: Ns) -> list[Out]:
        bodies = [order_bytes.create(one, self.config, self._group(one)) for one in orders]
        cost = self.costs.create * len(orders)

        def done(answer: Answer, at: Ns) -> list[Out]:
            self.placing.pop(call.id, None)
            if len(orders) == 1:
                out = self._placed(orders[0], answer, at)
            else:
                out = self._batch(orders, answer, at)
            return self._swept(orders, out, at)

        if len(orders) == 1:
            path, body = ORDERS, encode(bodies[0])
        else:
            path, body = f"{ORDERS}/batched", encode({"orders": bodies})
        until = Ns(now + QUEUED_MAX)
        call = self.requests.call("POST", path, done, (), body, WRITE, cost, until)
        self.placing[call.id] = orders
        return [msgspec.structs.replace(call, risk=any(not one.repairs for one in orders))]

    def _swept(self, orders: tuple[Order, ...], out: list[Out], now: Ns) -> list[Out]:
        """What an answer proves, and a cancel for each order that a sweep had to miss."""
        refused = {one.order for one in out if isinstance(one, OrderRejected)}
        for order in orders:
            if order.id in self.doomed:
                del self.doomed[order.id]
                if order.id not in refused and order.tif in ("gtc", "gtd"):
                    out = [*out, *self.cancel(CancelOrder(order, "", "sweep"), now)]
        return out

    def _group(self, order: Order) -> str:
        """The group that an order was first sent with, so that it is the same when sent again."""
        _bound(self.grouped)
        return self.grouped.setdefault(order.id, self.groups.get(order.shard, ""))

    def _placed(self, order: Order, answer: Answer, now: Ns) -> list[Out]:
        if not answer.status:
            return [self._lost(order, answer)]
        proof = evidence(answer.body)
        if answer.status not in (200, 201):
            return self._refused(order, answer, proof, now)
        try:
            body = answers.decoded(answer.body, answers.Created)
            return self._acked(order, body, proof, now)
        except RemoteProtocolError as error:
            why = f"status {answer.status} with no order in it: {error.what}"
            return [bad(REST, error), OrderUnknown(order.id, why[:300], proof)]

    def _acked(self, order: Order, body: answers.Created, proof: str, now: Ns) -> list[Out]:
        got = answers.placed(order, body)
        self.known.learn(order, got.venue_order)
        out = [*answers.acked(order, got, proof), *self.standing.clock(got.at, now)]
        if got.filled:
            # The venue's own fee stands in the fills, and may take a moment to show.
            out += self.inquiries.fills(order, got.venue_order, got.filled)
        if order.tif in ("gtc", "gtd") and got.filled + got.left < order.qty:
            # Part of it ended at once (it met an order of ours, or crossed): why is in its record.
            out += self.inquiries.look(Look(order, got.venue_order), now)
        return out

    def _refused(self, order: Order, answer: Answer, proof: str, now: Ns) -> list[Out]:
        got = refusal(answer.status, answer.body)
        return [*self._no(order, got, proof, now), *self.standing.told(answer.status, got, now)]

    def _no(self, order: Order, got: Refusal, proof: str, now: Ns) -> list[Out]:
        """A refusal, where it is one of the only request with this order that was ever sent."""
        if got.verdict == "exists":
            look = self.inquiries.look(Look(order, exists=True), now)
        elif got.verdict == "refused" and order.id in self.again:
            got = msgspec.structs.replace(got, verdict="unknown")
            look = self.inquiries.look(Look(order), now)
        else:
            look = []
        return [*answers.refused(order, got, proof), *look]

    def _batch(self, orders: tuple[Order, ...], answer: Answer, now: Ns) -> list[Out]:
        if not answer.status:
            return [self._lost(order, answer) for order in orders]
        proof = evidence(answer.body)
        if answer.status not in (200, 201):
            return [out for order in orders for out in self._refused(order, answer, proof, now)]
        try:
            items = answers.decoded(answer.body, answers.CreateItems).orders
            if len(items) != len(orders):
                raise RemoteProtocolError("kalshi", "orders", f"{len(items)} of {len(orders)}")
        except RemoteProtocolError as error:
            why = f"status {answer.status} with no orders in it: {error.what}"[:300]
            return [bad(REST, error), *(OrderUnknown(one.id, why, proof) for one in orders)]
        out: list[Out] = []
        for order, item in zip(orders, items, strict=True):
            out += self._item(order, item, proof, now)
        return out

    def _item(self, order: Order, item: answers.CreateItem, proof: str, now: Ns) -> list[Out]:
        try:
            if item.client_order_id and order_bytes.order_id(item.client_order_id) != order.id:
                raise RemoteProtocolError("kalshi", "client_order_id", "another order's")
            if item.error is not None:
                fault = item.error
                got = refusals.batch_item(fault.code, fault.message, fault.words())
                return self._no(order, got, proof, now)
            raw = msgspec.to_builtins(item)
            body = msgspec.convert(
                {name: value for name, value in raw.items() if value is not None}, answers.Created
            )
            return self._acked(order, body, proof, now)
        except RemoteProtocolError as error:
            return [bad(REST, error), OrderUnknown(order.id, str(error.what)[:300], proof)]
        except msgspec.ValidationError as error:
            return [OrderUnknown(order.id, f"an item with no order in it: {error}"[:300], proof)]

    def _lost(self, order: Order, answer: Answer) -> Out:
        if answer.sent:
            return OrderUnknown(order.id, "no answer")
        if order.id in self.again:
            return OrderUnknown(order.id, "the second try did not leave")
        return OrderRejected(order.id, "not_sent", UNSENT)


def _bound(book: dict[str, Any]) -> None:
    """Forget the oldest of what is remembered of orders."""
    while len(book) > REMEMBERED_MAX:
        del book[next(iter(book))]
