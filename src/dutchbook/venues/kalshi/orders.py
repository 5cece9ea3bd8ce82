"""Orders out, answers in: what was asked of the venue and the three ways in which it can end."""

from typing import Any, Final

import msgspec

from dutchbook.domain.account_events import (
    CancelFailed,
    OrderRejected,
    OrderSeen,
    OrderUnknown,
)
from dutchbook.domain.effects import AmendOrder, CancelOrder
from dutchbook.domain.errors import RemoteProtocolError
from dutchbook.domain.orders import Order
from dutchbook.domain.units import SECOND, Ns, Qty
from dutchbook.venues.base import Call, Drop, Out
from dutchbook.venues.kalshi import answers, order_bytes, refusals
from dutchbook.venues.kalshi.asker import safe
from dutchbook.venues.kalshi.errors import bad
from dutchbook.venues.kalshi.inquiries import REST, Inquiries, Look
from dutchbook.venues.kalshi.limits import CANCEL, WRITE, Costs
from dutchbook.venues.kalshi.numbers import count, read
from dutchbook.venues.kalshi.order_bytes import ORDERS, encode
from dutchbook.venues.kalshi.records import Known
from dutchbook.venues.kalshi.refusals import Refusal, evidence, refusal
from dutchbook.venues.kalshi.requests import Answer, Requests
from dutchbook.venues.kalshi.standing import Standing

BATCH_MAX: Final = 20
REMEMBERED_MAX: Final = 100_000
UNSENT: Final = "it never left us"
QUEUED_MAX: Final = 1 * SECOND
"""How long an order may wait for the write budget: the books have moved on by then."""


class Orders:
    """Places, changes and cancels. `groups`: shard -> the order group that guards it."""

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
        self.placing: dict[str, None] = {}
        self.again: dict[str, None] = {}
        self.sizes: dict[str, int] = {}  # of changed orders; -1 while nobody knows

    def withdraw(self) -> list[Out]:
        """Take back every order whose request has not left yet."""
        return [Drop(tuple(self.placing))] if self.placing else []

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

    def cancel(self, ask: CancelOrder, now: Ns) -> list[Out]:
        """End what is left of an order; one whose venue id nobody knows is looked for first."""
        order = ask.order
        self.known.learn(order, ask.venue_order)
        if name := ask.venue_order or self.known.venue.get(order.id, ""):
            return [self._delete(order, name)]

        def found(seen: OrderSeen, at: Ns) -> list[Out]:
            if seen.status == "open":
                return [self._delete(order, seen.venue_order)]
            return [CancelFailed(order.id, f"it is {seen.status}", gone=True)]

        return self.inquiries.look(Look(order, then=found), now)

    def amend(self, ask: AmendOrder) -> list[Out]:
        """Change price and total size of a resting order in place."""
        order = ask.order
        changed = msgspec.structs.replace(order, px=ask.px, qty=ask.qty)
        name = ask.venue_order or self.known.venue.get(order.id, "")
        if what := order_bytes.fault(changed, self.config) or ("" if name else "no venue id"):
            return [CancelFailed(order.id, f"not amended: {what}")]
        # From here on an answer may speak of the new words.
        self.known.learn(changed, name)
        before = self.sizes.pop(order.id, order.qty)
        self.sizes[order.id] = -1
        _bound(self.sizes)

        def done(answer: Answer, now: Ns) -> list[Out]:
            out = self._amended(changed, name, answer, now)
            if isinstance(out[0], OrderSeen):
                self.sizes[order.id] = ask.qty
            elif isinstance(out[0], CancelFailed):
                self.sizes[order.id] = before
            return out

        path = f"{ORDERS}/{safe(name)}/amend"
        query = order_bytes.account_query(self.config)
        body = encode(order_bytes.amend(order, ask.px, ask.qty))
        return [self.requests.call("POST", path, done, query, body, WRITE, self.costs.amend)]

    def _send(self, orders: tuple[Order, ...], now: Ns) -> list[Out]:
        bodies = [order_bytes.create(one, self.config, self._group(one)) for one in orders]
        cost = self.costs.create * len(orders)

        def done(answer: Answer, at: Ns) -> list[Out]:
            self.placing.pop(call.id, None)
            if len(orders) == 1:
                return self._placed(orders[0], answer, at)
            return self._batch(orders, answer, at)

        if len(orders) == 1:
            path, body = ORDERS, encode(bodies[0])
        else:
            path, body = f"{ORDERS}/batched", encode({"orders": bodies})
        until = Ns(now + QUEUED_MAX)
        call = self.requests.call("POST", path, done, (), body, WRITE, cost, until)
        self.placing[call.id] = None
        return [call]

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

    def _delete(self, order: Order, name: str) -> Call:
        def done(answer: Answer, now: Ns) -> list[Out]:
            return self._canceled(order, name, answer, now)

        path = f"{ORDERS}/{safe(name)}"
        query = order_bytes.cancel_query(order, self.config)
        return self.requests.call("DELETE", path, done, query, b"", CANCEL, self.costs.cancel)

    def _canceled(self, order: Order, name: str, answer: Answer, now: Ns) -> list[Out]:
        if answer.status != 200:
            got = refusal(answer.status, answer.body)
            why = got.text if answer.status else answer.why()
            failed = CancelFailed(order.id, why, gone=answer.status == 404 and bool(got.code))
            told = self.standing.told(answer.status, got, now) if answer.status else []
            return [failed, *told]
        try:
            body = answers.decoded(answer.body, answers.Canceled)
            size = self.sizes.get(order.id, order.qty)
            ended = answers.reduced(order, name, size, body, evidence(answer.body))
        except RemoteProtocolError as error:
            failed = CancelFailed(order.id, f"an answer that can't be used: {error.what}"[:300])
            return [bad(REST, error), failed, *self.inquiries.look(Look(order, name), now)]
        out: list[Out] = [*ended, *self.standing.clock(Ns(body.ts_ms * 1_000_000), now)]
        for event in ended:
            if isinstance(event, CancelFailed):
                out += self.inquiries.look(Look(order, name), now)
            elif event.filled > 0:
                out += self.inquiries.fills(order, name, event.filled)
        return out

    def _amended(self, order: Order, name: str, answer: Answer, now: Ns) -> list[Out]:
        if not answer.status:
            if answer.sent:
                return [OrderUnknown(order.id, "no answer to a change")]
            return [CancelFailed(order.id, "the change never left us")]
        if answer.status != 200:
            got = refusal(answer.status, answer.body)
            told = self.standing.told(answer.status, got, now)
            if got.verdict == "refused":
                gone = answer.status == 404
                return [CancelFailed(order.id, f"not amended: {got.text}", gone), *told]
            proof = evidence(answer.body)
            return [OrderUnknown(order.id, f"change: {got.text}", proof), *told]
        try:
            body = answers.decoded(answer.body, answers.Amended)
            seen = self._seen(order, name, body)
        except RemoteProtocolError as error:
            unknown = OrderUnknown(order.id, f"change: {error.what}"[:300], evidence(answer.body))
            return [bad(REST, error), unknown, *self.inquiries.look(Look(order, name), now)]
        return [seen, *self.standing.clock(seen.venue_at, now)]

    def _seen(self, order: Order, name: str, body: answers.Amended) -> OrderSeen:
        told = order_bytes.order_id(body.client_order_id or "")
        market = order.key.removeprefix("kalshi:")
        if body.order_id != name or told not in ("", order.id):
            raise RemoteProtocolError("kalshi", "order_id", "another order's", market=market)
        if body.fill_count is None or body.remaining_count is None:
            raise RemoteProtocolError("kalshi", "remaining_count", "missing", market=market)
        filled = read("fill_count", market, count, body.fill_count)
        left = read("remaining_count", market, count, body.remaining_count)
        return OrderSeen(
            "kalshi", order.account, order.id, name, order.key, order.outcome, order.action,
            order.px, Qty(filled + left), "open" if left else "filled", Qty(filled),
            Ns(body.ts_ms * 1_000_000),
        )  # fmt: skip


def _bound(book: dict[str, Any]) -> None:
    """Forget the oldest of what is remembered of orders."""
    while len(book) > REMEMBERED_MAX:
        del book[next(iter(book))]
