"""What became of an order: by its id or a scan for ours, its fills, and never a guess."""

from collections.abc import Callable
from typing import Final

import msgspec

from dutchbook.domain.account_events import CancelFailed, OrderFilled, OrderMissing, OrderSeen
from dutchbook.domain.errors import RemoteProtocolError
from dutchbook.domain.events import CheckFailed
from dutchbook.domain.orders import Order
from dutchbook.domain.units import MILLI, SECOND, Ns, Qty
from dutchbook.venues.base import Out
from dutchbook.venues.kalshi import records
from dutchbook.venues.kalshi.asker import safe
from dutchbook.venues.kalshi.errors import BROKEN, bad, broken
from dutchbook.venues.kalshi.limits import Costs
from dutchbook.venues.kalshi.numbers import count
from dutchbook.venues.kalshi.order_bytes import account_query, order_id
from dutchbook.venues.kalshi.pages import Listing, Pages
from dutchbook.venues.kalshi.records import SIZE_MAX, FillBody, Known, OrderBody
from dutchbook.venues.kalshi.requests import Answer, Requests

REST: Final = "kalshi.rest"
BEFORE: Final = 3600 * SECOND  # fills are looked for from this long before the order was made
LAG_FIRST: Final = 100 * MILLI
LAG_TRIES: Final = 6
"""Reading lags behind writing: what an answer promised is asked for until it shows, 6 s in all."""

Then = Callable[[OrderSeen, Ns], list[Out]]


class _One(msgspec.Struct):
    order: OrderBody


class Look(msgspec.Struct, frozen=True):
    """A question for one order. `then`: how to cancel it once it is found.

    `exists`: the venue has said that it has it, so that finding nothing may just be too early.
    """

    order: Order
    venue_order: str = ""
    then: Then | None = None
    exists: bool = False
    tries: int = 0


class Inquiries:
    """Asks for orders and fills; answers as events, failures as CheckFailed."""

    def __init__(self, requests: Requests, known: Known, account: str, costs: Costs) -> None:
        self.requests = requests
        self.known = known
        self.account = account
        self.costs = costs

    def look(self, look: Look, now: Ns) -> list[Out]:
        """Find out what became of an order."""
        order = look.order
        self.known.learn(order, look.venue_order)
        if not (name := look.venue_order or self.known.venue.get(order.id, "")):
            return self._scan(look)

        def answered(answer: Answer, at: Ns) -> list[Out]:
            return self._one(look, name, answer, at)

        path = f"/portfolio/orders/{safe(name)}"
        return [self.requests.get(path, answered, cost=self.costs.get_order)]

    def fills(self, order: Order, venue_order: str, expected: int, tries: int = 0) -> list[Out]:
        """The fills of an order that an answer has spoken of, asked for until all are there."""

        def told(listing: Listing, now: Ns) -> list[Out]:
            try:
                out: list[Out] = list(self._fills(listing, venue_order))
            except RemoteProtocolError as error:
                out = [bad(REST, error)]
            found = 0 if listing.why else sum(_size(body) for body in listing.items)
            if found >= expected or tries >= LAG_TRIES:
                return out
            again = self.requests.wait(
                Ns(now + (LAG_FIRST << tries)),
                lambda _now: self.fills(order, venue_order, expected, tries + 1),
            )
            return [*out, again]

        return [self._list("/portfolio/fills", (("order_id", venue_order),), told)]

    def _one(self, look: Look, name: str, answer: Answer, now: Ns) -> list[Out]:
        if answer.status == 404:
            return self._scan(look)
        if answer.status != 200:
            return _failed(look, answer.why())
        try:
            body = msgspec.json.decode(answer.body, type=_One).order
            if body.order_id != name or order_id(body.client_order_id or "") not in (
                "", look.order.id,
            ):  # fmt: skip
                raise RemoteProtocolError("kalshi", "order.order_id", "another order")
        except BROKEN as error:
            return self._unread(look, broken(error, answer.body))
        except RemoteProtocolError as error:
            return self._unread(look, error)
        return self._found(look, body)

    def _scan(self, look: Look) -> list[Out]:
        def told(listing: Listing, now: Ns) -> list[Out]:
            if listing.why:
                return _failed(look, listing.why)
            for body in listing.items:
                if order_id(body.client_order_id or "") == look.order.id:
                    return self._found(look, body)
            return self._strays(look, listing)

        return [self._list("/portfolio/orders", (("ticker", _ticker(look.order)),), told)]

    def _strays(self, look: Look, orders: Listing) -> list[Out]:
        """No order: is there a fill of an order that the list does not have (yet)?"""
        listed = {body.order_id for body in orders.items}

        def told(fills: Listing, now: Ns) -> list[Out]:
            if fills.why:
                return _failed(look, fills.why)
            if any(body.order_id not in listed for body in fills.items):
                return _failed(look, "a fill of an order that is not listed yet")
            if look.exists and look.tries < LAG_TRIES:
                later = msgspec.structs.replace(look, tries=look.tries + 1)
                at = Ns(now + (LAG_FIRST << look.tries))
                return [self.requests.wait(at, lambda then: self.look(later, then))]
            missing = OrderMissing(look.order.id, fills.evidence)
            if look.then is None:
                return [missing]
            return [missing, CancelFailed(look.order.id, "there is no such order", gone=True)]

        since = max(0, look.order.made_at - BEFORE) // SECOND
        query = (("ticker", _ticker(look.order)), ("min_ts", str(since)))
        return [self._list("/portfolio/fills", query, told)]

    def _found(self, look: Look, body: OrderBody) -> list[Out]:
        """Its fills first: where they and the order differ, the fills are right."""
        self.known.learn(look.order, body.order_id)

        def told(listing: Listing, now: Ns) -> list[Out]:
            if listing.why:
                return _failed(look, listing.why)
            try:
                fills = self._fills(listing, body.order_id)
                seen = records.seen(body, self.known, self.account, "order")
            except RemoteProtocolError as error:
                return self._unread(look, error)
            filled = max(seen.filled, min(SIZE_MAX, sum(fill.qty for fill in fills)))
            done = filled >= seen.qty and seen.status != "open"
            seen = msgspec.structs.replace(
                seen,
                order=look.order.id,
                filled=Qty(filled),
                status="filled" if done else seen.status,
            )
            then = look.then(seen, now) if look.then is not None else []
            return [*fills, seen, *then]

        return [self._list("/portfolio/fills", (("order_id", body.order_id),), told)]

    def _fills(self, listing: Listing, venue_order: str) -> list[OrderFilled]:
        out = []
        for n, body in enumerate(listing.items):
            if body.order_id != venue_order:
                where = f"fills[{n}].order_id"
                raise RemoteProtocolError("kalshi", where, "a fill of another order")
            out.append(records.fill(body, self.known, self.account, f"fills[{n}]"))
        return out

    def _list(
        self,
        path: str,
        query: tuple[tuple[str, str], ...],
        told: Callable[[Listing, Ns], list[Out]],
    ) -> Out:
        where = account_query(self.requests.config)
        return Pages(self.requests, path, (*query, *where), told).ask()

    def _unread(self, look: Look, error: RemoteProtocolError) -> list[Out]:
        return [bad(REST, error), *_failed(look, "an answer that can't be read")]


def _failed(look: Look, why: str) -> list[Out]:
    """No answer; where it was asked in order to cancel, that has failed too."""
    out: list[Out] = [CheckFailed(look.order.key, why[:300])]
    return out if look.then is None else [*out, CancelFailed(look.order.id, why[:300])]


def _size(body: FillBody) -> int:
    try:
        return count(body.count_fp)
    except ValueError:
        return 0


def _ticker(order: Order) -> str:
    return order.key.removeprefix("kalshi:")
