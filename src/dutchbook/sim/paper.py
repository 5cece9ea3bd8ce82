"""A venue of paper: shown books and trades decide what our orders would have got, and how surely.

book_cross: our order crossed offers that were shown, or it rested and they came to its price; the
same shown size fills us once. trade_through: it rested, and the market traded at a worse price
than ours. queue_model: it rested, and trades at our very price exceeded what stood before us.
What rested fills at its own price as a maker, and never more of it than was shown or traded.
"""

from collections.abc import Callable
from typing import Literal, Protocol

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
    AmendOrder,
    AskAccount,
    AskOrder,
    CancelAll,
    CancelOrder,
    Effect,
    SubmitOrder,
    SubmitOrders,
)
from dutchbook.domain.events import (
    ASK,
    BID,
    BookLevels,
    Event,
    MarketResolved,
    StatusChanged,
    TradePrinted,
)
from dutchbook.domain.fees import fill_fee, rounded
from dutchbook.domain.orders import Holding, Order, Reason
from dutchbook.domain.units import ONE, Ns, Px, Qty, Usd
from dutchbook.sim.queue import Place, Rule
from dutchbook.state.books import Book

LEVELS = 100
LOT = 10_000


class Books(View, Protocol):
    """What a venue of paper reads: the view of strategies, and the book behind an outcome."""

    def source(self, key: str, outcome: Outcome) -> Book: ...


class Resting:
    """An order at the paper venue. `side` and `px` are in YES terms of its book, as books are."""

    __slots__ = (
        "book", "canceled", "cost", "exact", "fees", "filled", "fills", "name", "order", "place",
        "px", "side",
    )  # fmt: skip

    def __init__(self, order: Order, number: int, book: Book) -> None:
        self.order = order
        self.name = f"paper-{number}"
        self.filled = 0
        self.canceled = 0
        self.exact = 0  # fees as the formula has them, before the account's rounding
        self.cost = 0
        self.fees = 0
        self.place = Place(0)
        self.fills: list[OrderFilled] = []
        self.side = BID if (order.action == "buy") == (order.outcome == "yes") else ASK
        self.px: int = order.px if order.outcome == "yes" else ONE - order.px
        self.book = book

    @property
    def left(self) -> int:
        return self.order.qty - self.filled - self.canceled

    def crossed(self) -> bool:
        """Whether the other side of the book came to our price."""
        return self.book.ask <= self.px if self.side == BID else self.book.bid >= self.px


NONE: dict[str, Resting] = {}


class Paper:
    """One venue; `say` is given each event. On Kalshi YES and NO of a market net to cash.

    `markets`: those in which something rests; venues may share one.
    """

    def __init__(
        self, venue: str, account: str, view: Books, cash: Usd, say: Callable[[Event], None],
        rule: Rule = "back", markets: dict[str, None] | None = None,
    ) -> None:  # fmt: skip
        self.venue = venue
        self.account = account
        self.view = view
        self.cash: int = cash
        self.say = say
        self.rule: Rule = rule
        self.held: dict[tuple[str, Outcome], int] = {}
        self.orders: dict[str, Resting] = {}
        self.resting: dict[tuple[str, int], dict[str, Resting]] = {}
        """Orders that rest, by market and token of their book."""
        self.markets: dict[str, None] = {} if markets is None else markets
        self._fills: list[OrderFilled] = []
        self._taken: dict[tuple[str, int, int, int], tuple[int, int]] = {}

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
            for one in self._open():
                self._cancel(one.order.id, now)
        elif isinstance(effect, AmendOrder):
            self.say(CancelFailed(effect.order.id, "paper: orders are not amended"))
        elif isinstance(effect, AskOrder):
            self._asked(effect.order, now)
        elif isinstance(effect, AskAccount):
            self._report(effect.since, now)

    def on_book(self, event: BookLevels, now: Ns) -> None:
        """A book changed in which orders of ours rest: places in queues, and what crosses them."""
        for resting in list(self.resting.get((event.key, event.token), {}).values()):
            shown = _shown(resting.book, resting.side, resting.px)
            if shown != resting.place.shown:
                resting.place.moved(shown)
            if resting.crossed():
                self._cross(resting, now, rested=True)

    def on_event(self, event: Event, now: Ns) -> None:
        """What else the market did: trades may fill what rests, an end cancels it."""
        if isinstance(event, TradePrinted):
            for resting in self._open(event.key):
                self._traded(resting, event, now)
        elif isinstance(event, MarketResolved) or (
            isinstance(event, StatusChanged) and event.status in ("closed", "settled")
        ):
            for resting in self._open(event.key):
                self._end(resting, "closed")

    def expire(self, name: str) -> None:
        """The time of an order has come; nothing if it is over already."""
        resting = self.orders.get(name)
        if resting is not None and resting.left:
            self._end(resting, "expired")

    def _open(self, key: str = "") -> list[Resting]:
        """Orders that rest, of one market or of all."""
        resting = self.resting
        if key and not ((key, 0) in resting and (key, 1) in resting):
            return [*resting.get((key, 0), NONE).values(), *resting.get((key, 1), NONE).values()]
        return [
            one
            for (market, _), orders in resting.items()
            if not key or market == key
            for one in orders.values()
        ]

    # -- orders ----------------------------------------------------------------------------------

    def _submit(self, order: Order, now: Ns) -> None:
        if order.id in self.orders:
            self._asked(order, now)
            return
        why = self._refusal(order)
        if why:
            self.say(OrderRejected(order.id, why, "paper"))
            return
        book = self.view.source(order.key, order.outcome)
        resting = Resting(order, len(self.orders) + 1, book)
        if order.tif == "fok" and sum(free for _, free in self._against(resting)) < order.qty:
            self.say(OrderRejected(order.id, "killed", "paper"))
            return
        self.orders[order.id] = resting
        self.say(OrderAcked(order.id, resting.name, venue_at=now))
        if not order.post_only:
            self._cross(resting, now, rested=False)
        if resting.left and order.tif in ("ioc", "fok"):
            self._end(resting, "no_match")
        elif resting.left:
            resting.place = Place(_shown(book, resting.side, resting.px), self.rule)
            self.resting.setdefault((book.key, book.token), {})[order.id] = resting
            self.markets[book.key] = None

    def _refusal(self, order: Order) -> Reason | None:
        market = self.view.instrument(order.key)
        if market.status != "open":
            return "closed"
        if order.action == "sell":
            held = self.held.get((order.key, order.outcome), 0)
            if held < order.qty + self._promised(order.key, order.outcome):
                return "funds"
        elif self.cash < order.px * order.qty // ONE + order.fee_max + self._promised():
            return "funds"
        if order.post_only:
            book = self.view.source(order.key, order.outcome)
            if Resting(order, 0, book).crossed():
                return "post_only_cross"
        return None

    def _promised(self, key: str = "", outcome: Outcome = "yes") -> int:
        """Contracts of an outcome that resting orders sell; without a key, money that they bid."""
        orders = [one for one in self._open(key) if one.order.action == ("sell" if key else "buy")]
        if key:
            return sum(one.left for one in orders if one.order.outcome == outcome)
        return sum(-(-one.order.px * one.left // ONE) + one.order.fee_max for one in orders)

    def _against(self, resting: Resting) -> list[tuple[int, int]]:
        """The (price, size) in YES terms that the order crosses now and that did not fill us yet.

        A stale book fills nobody: what it shows may be gone.
        """
        order, book = resting.order, resting.book
        if not resting.crossed() or self.view.stale(order.key, order.outcome):
            return []
        buys = resting.side == BID
        found: list[tuple[int, int]] = []
        for px, size in book.asks(LEVELS) if buys else book.bids(LEVELS):
            if (px > resting.px) if buys else (px < resting.px):
                break
            was, taken = self._taken.get((book.key, book.token, resting.side, px), (0, 0))
            free = size - taken if was == size else size
            if free > 0:
                found.append((px, free))
        return found

    def _cross(self, resting: Resting, now: Ns, *, rested: bool) -> None:
        book = resting.book
        for px, free in self._against(resting):
            qty = min(free, resting.left) // LOT * LOT
            if not qty:
                break
            place = (book.key, book.token, resting.side, px)
            shown = _shown(book, ASK if resting.side == BID else BID, px)
            was, taken = self._taken.get(place, (0, 0))
            self._taken[place] = (shown, (taken if was == shown else 0) + qty)
            at = resting.px if rested else px
            self._fill(resting, at, qty, "book_cross", now, maker=rested)

    def _traded(self, resting: Resting, trade: TradePrinted, now: Ns) -> None:
        """A trade took the side that we rest on: through our price, or at it and past the queue."""
        if trade.buy_yes == (resting.side == BID):
            return
        through = trade.px < resting.px if resting.side == BID else trade.px > resting.px
        if through:
            grade: Grade = "trade_through"
            qty: int = trade.qty
        elif trade.px == resting.px:
            grade = "queue_model"
            qty = resting.place.traded(trade.qty)
        else:
            return
        qty = min(qty, resting.left) // LOT * LOT
        if qty:
            self._fill(resting, resting.px, qty, grade, now, maker=True)

    def _fill(
        self, resting: Resting, at: int, qty: int, grade: Grade, now: Ns, *, maker: bool
    ) -> None:
        """`at` is in YES terms."""
        order, market = resting.order, self.view.instrument(resting.order.key)
        px = at if order.outcome == "yes" else ONE - at
        value = px * qty // ONE if order.action == "sell" else -(-px * qty // ONE)
        resting.cost += value
        resting.exact += fill_fee(market.fees, px, qty, maker=maker)
        sign = 1 if order.action == "buy" else -1
        fees = sign * (rounded(market.fees, sign * resting.cost + resting.exact)) - resting.cost
        fee = sign * fees - resting.fees
        resting.fees += fee
        resting.filled += qty
        self.cash -= sign * value + fee
        place = (order.key, order.outcome)
        self.held[place] = self.held.get(place, 0) + sign * qty
        self._net(order.key)
        fill = OrderFilled(
            self.venue, self.account, order.id, resting.name, f"paper-{len(self._fills) + 1}",
            order.key, order.outcome, order.action, Px(px), Qty(qty), Usd(fee), maker, now,
            grade=grade,
        )  # fmt: skip
        resting.fills.append(fill)
        self._fills.append(fill)
        if not resting.left:
            self._gone(resting)
        self.say(fill)

    def _net(self, key: str) -> None:
        pairs = min(self.held.get((key, "yes"), 0), self.held.get((key, "no"), 0))
        if self.venue == "kalshi" and pairs > 0:
            self.held[key, "yes"] -= pairs
            self.held[key, "no"] -= pairs
            self.cash += pairs

    def _end(self, resting: Resting, reason: Reason) -> None:
        canceled = resting.left
        resting.canceled += canceled
        self._gone(resting)
        told = OrderCanceled(
            resting.order.id, resting.name, reason, Qty(canceled), Qty(resting.filled)
        )
        self.say(told)

    def _gone(self, resting: Resting) -> None:
        place = (resting.book.key, resting.book.token)
        orders = self.resting.get(place)
        if orders is not None:
            orders.pop(resting.order.id, None)
            if not orders:
                del self.resting[place]
                if (place[0], 1 - place[1]) not in self.resting:
                    del self.markets[place[0]]

    def _cancel(self, name: str, now: Ns) -> None:
        resting = self.orders.get(name)
        if resting is None or not resting.left:
            self.say(CancelFailed(name, "paper: no such open order", gone=True))
        else:
            self._end(resting, "operator")

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
        orders = tuple(self._row(one) for one in self._open())
        first = len(self._fills)
        while first and self._fills[first - 1].venue_at >= since:
            first -= 1
        self.say(
            AccountSeen(
                self.venue, self.account, now, since, Usd(self.cash), holdings, orders,
                tuple(self._fills[first:]),
            )
        )  # fmt: skip

    def settle(self, event: MarketResolved, now: Ns) -> None:
        """The market pays for what we hold of it."""
        yes = self.held.pop((event.key, "yes"), 0)
        no = self.held.pop((event.key, "no"), 0)
        if yes or no:
            cash = (yes * event.yes_pays + no * (ONE - event.yes_pays)) // ONE
            self.cash += cash
            paid = Paid(
                self.venue, self.account, "settle", f"paper:{event.key}", Usd(cash), now,
                event.key, Qty(yes), Qty(no), Px(event.yes_pays),
            )  # fmt: skip
            self.say(paid)


def _shown(book: Book, side: int, px: int) -> int:
    """What a level shows, 0 at a price that the grid of the book does not have."""
    slot = book.slots.get(px)
    return 0 if slot is None else book.pool.mem[book.at[side] + slot]
