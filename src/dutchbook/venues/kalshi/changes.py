"""Cancels and changes of orders that the venue has: done when it says how much, never before."""

from typing import Final

import msgspec

from dutchbook.domain.account_events import CancelFailed, OrderSeen, OrderUnknown
from dutchbook.domain.effects import AmendOrder, CancelOrder
from dutchbook.domain.errors import RemoteProtocolError
from dutchbook.domain.orders import Order
from dutchbook.domain.units import Ns, Qty
from dutchbook.venues.base import Call, Out
from dutchbook.venues.kalshi import answers, order_bytes
from dutchbook.venues.kalshi.asker import safe
from dutchbook.venues.kalshi.errors import bad
from dutchbook.venues.kalshi.inquiries import REST, Inquiries, Look
from dutchbook.venues.kalshi.limits import CANCEL, WRITE, Costs
from dutchbook.venues.kalshi.numbers import count, read
from dutchbook.venues.kalshi.order_bytes import ORDERS, encode
from dutchbook.venues.kalshi.records import Known
from dutchbook.venues.kalshi.refusals import evidence, refusal
from dutchbook.venues.kalshi.requests import QUEUED_MAX, Answer, Requests
from dutchbook.venues.kalshi.standing import Standing

SIZES_MAX: Final = 100_000


class Changes:
    """Ends orders and changes them in place. `sizes`: of changed orders, -1 while in doubt."""

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
        self.sizes: dict[str, int] = {}

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

    def amend(self, ask: AmendOrder, now: Ns) -> list[Out]:
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
        while len(self.sizes) > SIZES_MAX:
            del self.sizes[next(iter(self.sizes))]

        def done(answer: Answer, at: Ns) -> list[Out]:
            out = self._amended(changed, name, answer, at)
            if isinstance(out[0], OrderSeen):
                self.sizes[order.id] = ask.qty
            elif isinstance(out[0], CancelFailed):
                self.sizes[order.id] = before
            return out

        path = f"{ORDERS}/{safe(name)}/amend"
        query = order_bytes.account_query(self.config)
        body = encode(order_bytes.amend(order, ask.px, ask.qty))
        cost, until = self.costs.amend, Ns(now + QUEUED_MAX)
        return [self.requests.call("POST", path, done, query, body, WRITE, cost, until)]

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
