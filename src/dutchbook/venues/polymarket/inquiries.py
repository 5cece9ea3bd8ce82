"""Finding out what became of an order: its record, then its trades; and following single trades."""

from typing import Final

import msgspec

from dutchbook.domain.account_events import OrderFilled, OrderMissing, OrderSeen
from dutchbook.domain.events import CheckFailed
from dutchbook.domain.orders import Order
from dutchbook.domain.units import MILLI, SECOND, Ns, Qty
from dutchbook.venues.base import Out
from dutchbook.venues.polymarket.account_wire import OpenOrder, Page, Trade, named, read, refusal
from dutchbook.venues.polymarket.open_orders import Word, seen
from dutchbook.venues.polymarket.pages import Pages
from dutchbook.venues.polymarket.records import Known
from dutchbook.venues.polymarket.requests import Answer, Requests, bad
from dutchbook.venues.polymarket.trades import Trades
from dutchbook.venues.polymarket.wire import UNREADABLE

LAG: Final = Ns(60 * SECOND)
"""How long the venue's lists may lag what it did."""
FIRST_LOOK: Final = Ns(250 * MILLI)
LAST_LOOK: Final = Ns(10 * SECOND)
FOLLOWED_MAX: Final = 1_000
TOGETHER: Final = 20
"""So many trades are asked for at a time."""


class Look(msgspec.Struct):
    """A question for an order under way."""

    order: Order
    name: str
    found: OpenOrder | None = None
    evidence: str = ""


class Inquiries:
    """Asks for orders and for trades. What gives no answer is CheckFailed: it proves nothing."""

    def __init__(self, requests: Requests, known: Known, trades: Trades) -> None:
        self._requests = requests
        self._known = known
        self._trades = trades
        self._followed: dict[str, tuple[Ns, Ns]] = {}

    def look(self, order: Order, venue_order: str) -> list[Out]:
        """Ask for an order by the venue's name for it, which follows from the order."""
        try:
            name = self._known.learn(order, venue_order)
            look = Look(order, named(venue_order) if venue_order else name)
        except ValueError as error:
            return [CheckFailed(order.key, f"it can't be an order: {error}"[:300])]

        def done(answer: Answer, now: Ns) -> list[Out]:
            return self._record(look, answer)

        return [self._requests.ask("GET", f"/data/order/{look.name}", done)]

    def follow(self, trades: list[str], now: Ns) -> list[Out]:
        """Ask for these trades until each is confirmed or void, ever less often."""
        out: list[Out] = []
        for trade in trades[:FOLLOWED_MAX]:
            try:
                name = named(trade)
            except ValueError as error:
                out.append(bad("tradeIDs", error))
                continue
            if len(self._followed) < FOLLOWED_MAX and self._trades.unsettled(name):
                self._followed.setdefault(name, (Ns(now + FIRST_LOOK), FIRST_LOOK))
        return [*out, *self._again()]

    def _again(self) -> list[Out]:
        if not self._followed:
            return []
        soonest = min(at for at, _ in self._followed.values())
        return [self._requests.later("trades", soonest, self._due)]

    def _due(self, now: Ns) -> list[Out]:
        """Ask for every followed trade whose time has come and that is still not final."""
        out: list[Out] = []
        for name, (at, wait) in list(self._followed.items()):
            if not self._trades.unsettled(name):
                del self._followed[name]
            elif at <= now and len(out) < TOGETHER:
                longer = Ns(min(2 * wait, LAST_LOOK))
                self._followed[name] = (Ns(now + longer), longer)
                out.append(
                    self._requests.ask("GET", "/data/trades", self._traded, query=f"id={name}")
                )
        return [*out, *self._again()]

    def _traded(self, answer: Answer, now: Ns) -> list[Out]:
        """A single trade; no answer is asked again by the next wake."""
        if answer.status != 200:
            return []
        try:
            rows = read(answer.body, Page).data
        except UNREADABLE as error:
            return [bad("trades", error)]
        return tell(self._trades, [bytes(row) for row in rows])

    def _record(self, look: Look, answer: Answer) -> list[Out]:
        """The order's own record came: found, or definitely not there; then its trades."""
        order = look.order
        if answer.status == 200 and answer.body.strip() != b"null":
            try:
                look.found = read(answer.body, OpenOrder)
                if named(look.found.id) != look.name:
                    raise ValueError(f"another order: {look.found.id[:80]!r}")
            except UNREADABLE as error:
                why = "an answer that can't be read"
                return [bad("data.order", error), CheckFailed(order.key, why)]
        elif answer.status != 200 and (answer.status != 404 or refusal(answer.body) is None):
            return [CheckFailed(order.key, answer.said())]
        symbol = order.key.partition(":")[2]
        after = max(0, (order.made_at - LAG) // SECOND)

        def done(rows: list[bytes] | None, why: str, now: Ns) -> list[Out]:
            return self._trades_of(look, rows, why, now)

        query = f"market={symbol}&after={after}"
        return Pages(self._requests, "/data/trades", query, done).start()

    def _trades_of(self, look: Look, rows: list[bytes] | None, why: str, now: Ns) -> list[Out]:
        order = look.order
        if rows is None:
            return [CheckFailed(order.key, why)]
        fills: list[OrderFilled] = []
        besides: list[Out] = []
        try:
            for row in rows:
                stand, more = self._trades.whole(read(row, Trade))
                mine = [fill for fill in stand if fill.venue_order == look.name]
                fills += mine
                besides += more if mine or not stand else []
            record: OrderSeen | None
            if look.found is not None:
                record = seen(look.found, self._known)
            elif not fills:
                return [*besides, OrderMissing(order.id)]
            else:
                record = self._gone(look, fills, now)
        except UNREADABLE as error:
            failed = CheckFailed(order.key, "a trade or an order that can't be read")
            return [bad("data", error), failed]
        if record is None:
            lag = "it has trades and no record: the venue's lists are not level yet"
            return [*fills, *besides, CheckFailed(order.key, lag)]
        return [*fills, *besides, record]

    def _gone(self, look: Look, fills: list[OrderFilled], now: Ns) -> OrderSeen | None:
        """An order that the venue has no record of, by its trades; None while that may be lag."""
        order, filled = look.order, sum(fill.qty for fill in fills)
        status: Word = "filled" if filled >= order.qty else "canceled"
        if status == "canceled" and now < order.made_at + LAG:
            return None
        return OrderSeen(
            "polymarket", self._known.account, order.id, look.name, order.key, order.outcome,
            order.action, order.px, order.qty, status, Qty(filled),
        )  # fmt: skip


def tell(trades: Trades, rows: list[bytes]) -> list[Out]:
    """What is new in these trades; one that can't be read spoils no other."""
    out: list[Out] = []
    for row in rows:
        try:
            out += trades.tell(read(row, Trade))
        except UNREADABLE as error:
            out.append(bad("trade", error))
    return out
