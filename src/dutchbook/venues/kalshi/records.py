"""Kalshi's records of our own orders, fills and positions, from REST or the private stream."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from dutchbook.domain.account_events import UNTOLD, OrderFilled, OrderSeen, Paid
from dutchbook.domain.candidate import Outcome
from dutchbook.domain.errors import RemoteProtocolError
from dutchbook.domain.orders import Action, Holding, Order
from dutchbook.domain.units import ONE, SECOND, Ns, Px, Qty, Usd, micros
from dutchbook.venues.kalshi.config import is_name
from dutchbook.venues.kalshi.numbers import change, count, moment, price, read
from dutchbook.venues.kalshi.order_bytes import order_id, side_of, yes_px
from dutchbook.venues.kalshi.wire import Millis, Name, Seconds

CENT = 10_000
SIZE_MAX = 10**15
"""A billion contracts: more than that was never ours."""
Book = Literal["bid", "ask"]
Cents = Annotated[int, Meta(ge=-(10**13), le=10**13)]


class OrderBody(Struct):
    """An order; `ticker` over REST and in user_order alike."""

    order_id: Name
    ticker: Name
    status: Literal["resting", "canceled", "executed"]
    yes_price_dollars: str
    fill_count_fp: str
    remaining_count_fp: str
    initial_count_fp: str = ""
    client_order_id: str | None = None
    outcome_side: Literal["yes", "no"] | None = None
    book_side: Book | None = None
    last_update_reason: str | None = None
    last_update_time: str | None = None
    last_update_ts_ms: Millis | None = None
    created_time: str | None = None
    created_ts_ms: Millis | None = None


class FillBody(Struct):
    """A fill; the ticker has either name."""

    trade_id: Name
    order_id: Name
    count_fp: str
    yes_price_dollars: str
    is_taker: bool
    ticker: str = ""
    market_ticker: str = ""
    outcome_side: Literal["yes", "no"] | None = None
    book_side: Book | None = None
    client_order_id: str | None = None
    fee_cost: str | None = None
    post_position_fp: str | None = None
    created_time: str | None = None
    ts: Seconds | str | None = None
    ts_ms: Millis | None = None


class PositionBody(Struct):
    ticker: Name
    position_fp: str


class SettlementBody(Struct):
    ticker: Name
    market_result: str
    revenue: Cents
    settled_time: str
    yes_count_fp: str = "0"
    no_count_fp: str = "0"
    value: Cents | None = None


class Known:
    """Which of the venue's orders are ours: the words of each, by either id; bounded."""

    def __init__(self, most: int = 100_000) -> None:
        self.most = most
        self.orders: dict[str, Order] = {}
        self.venue: dict[str, str] = {}
        self.ours: dict[str, str] = {}

    def learn(self, order: Order, venue_order: str = "") -> None:
        """Remember an order, and the venue's id of it once that is known."""
        self.orders[order.id] = order
        if venue_order:
            self.venue[order.id] = venue_order
            self.ours[venue_order] = order.id
        while len(self.orders) > self.most:
            oldest = next(iter(self.orders))
            del self.orders[oldest]
            self.ours.pop(self.venue.pop(oldest, ""), None)

    def find(self, client: str | None, venue_order: str) -> tuple[str, Order | None]:
        """Our id, "" if the venue does not tell it and we do not know it; the order if known."""
        told = order_id(client) if client else ""
        name = told or self.ours.get(venue_order, "")
        order = self.orders.get(name)
        if order is not None and told:
            self.venue.setdefault(name, venue_order)
            self.ours.setdefault(venue_order, name)
        return name, order


def size(text: str) -> int:
    """A size of our own, in millionths of a contract. Raises ValueError."""
    count(text)
    return signed(text)


def signed(text: str) -> int:
    """The same with a sign: below zero is NO. Raises ValueError."""
    value = change(text)
    if abs(value) > SIZE_MAX:
        raise ValueError(f"a size beyond reason: {text[:40]!r}")
    return value


def seen(body: OrderBody, known: Known, account: str, path: str) -> OrderSeen:
    """The venue's record of an order. Raises RemoteProtocolError."""
    name = _ticker(body.ticker, f"{path}.ticker")
    ours, order = known.find(body.client_order_id, body.order_id)
    outcome, action = _direction(body, order, path, name)
    yes = read(f"{path}.yes_price_dollars", name, price, body.yes_price_dollars)
    filled = read(f"{path}.fill_count_fp", name, size, body.fill_count_fp)
    left = read(f"{path}.remaining_count_fp", name, size, body.remaining_count_fp)
    qty = filled + left
    if body.initial_count_fp:
        qty = max(qty, read(f"{path}.initial_count_fp", name, size, body.initial_count_fp))
    status: Literal["open", "filled", "canceled", "expired"]
    if body.status == "resting":
        status = "open"
    elif body.status == "executed":
        status = "filled"
    else:
        status = "expired" if body.last_update_reason == "ExpiryCancel" else "canceled"
    when = body.last_update_time or body.created_time or ""
    ms = body.last_update_ts_ms or body.created_ts_ms
    at = Ns(ms * 1_000_000) if ms else read(f"{path}.last_update_time", name, moment, when)
    px = yes_px(outcome, yes)
    return OrderSeen(
        "kalshi", account, ours, body.order_id, f"kalshi:{name}", outcome, action, px, Qty(qty),
        status, Qty(filled), at,
    )  # fmt: skip


def fill(body: FillBody, known: Known, account: str, path: str) -> OrderFilled:
    """One fill, with the fee that the venue charged. Raises RemoteProtocolError."""
    name = _ticker(body.market_ticker or body.ticker, f"{path}.market_ticker")
    if body.ticker and body.ticker != name:
        raise RemoteProtocolError("kalshi", f"{path}.ticker", "two tickers", market=name)
    ours, order = known.find(body.client_order_id, body.order_id)
    outcome, action = _direction(body, order, path, name)
    yes = read(f"{path}.yes_price_dollars", name, price, body.yes_price_dollars)
    qty = read(f"{path}.count_fp", name, size, body.count_fp)
    if qty == 0:
        raise RemoteProtocolError("kalshi", f"{path}.count_fp", "a fill of nothing", market=name)
    fee: int = UNTOLD
    if body.fee_cost is not None:
        # A whole cent of rounding that is given back may be more than this fill's own fee.
        fee = read(f"{path}.fee_cost", name, micros, body.fee_cost)
        fee = 0 if fee == UNTOLD else fee
        if not -CENT <= fee <= 10**15:
            raise RemoteProtocolError("kalshi", f"{path}.fee_cost", "no such fee", market=name)
    after = body.post_position_fp
    return OrderFilled(
        "kalshi", account, ours, body.order_id, body.trade_id, f"kalshi:{name}", outcome, action,
        yes_px(outcome, yes), Qty(qty), Usd(fee), not body.is_taker, _when(body, path, name),
        after=None if after is None else Qty(read(f"{path}.post_position_fp", name, signed, after)),
    )  # fmt: skip


def holding(body: PositionBody, path: str) -> Holding | None:
    """What we hold of a market: YES above zero, NO below, None for nothing."""
    name = _ticker(body.ticker, f"{path}.ticker")
    qty = read(f"{path}.position_fp", name, signed, body.position_fp)
    return Holding(f"kalshi:{name}", "yes" if qty > 0 else "no", Qty(abs(qty))) if qty else None


def paid(body: SettlementBody, account: str, path: str) -> Paid:
    """A settlement. Raises RemoteProtocolError.

    Its version is the second in which it was made: a market that is settled anew states it later
    and higher. Kalshi charges nothing to settle; `fee_cost` there repeats the fees of the trades.
    """
    name = _ticker(body.ticker, f"{path}.ticker")
    at = read(f"{path}.settled_time", name, moment, body.settled_time)
    if body.value is not None:
        px = body.value * CENT
    elif body.market_result in ("yes", "no"):
        px = ONE if body.market_result == "yes" else 0
    else:
        raise RemoteProtocolError("kalshi", f"{path}.value", "missing", market=name)
    if not 0 <= px <= ONE or body.revenue < 0 or not at:
        raise RemoteProtocolError("kalshi", path, "no such settlement", market=name)
    yes = read(f"{path}.yes_count_fp", name, size, body.yes_count_fp)
    no = read(f"{path}.no_count_fp", name, size, body.no_count_fp)
    return Paid(
        "kalshi", account, "settle", f"settle:{name}", Usd(body.revenue * CENT), at,
        f"kalshi:{name}", Qty(yes), Qty(no), Px(px), version=at // SECOND,
    )  # fmt: skip


def _direction(
    body: OrderBody | FillBody, order: Order | None, path: str, name: str
) -> tuple[Outcome, Action]:
    """Outcome and action by the side of the YES book, in the order's own words where they agree.

    The deprecated `side` and `action` are not read: they have told a sale on the other side.
    """
    by_outcome: dict[str | None, Book] = {"yes": "bid", "no": "ask"}
    side = body.book_side or by_outcome.get(body.outcome_side)
    if body.outcome_side and side != by_outcome[body.outcome_side]:
        raise RemoteProtocolError("kalshi", f"{path}.book_side", "two sides", market=name)
    if order is not None and (order.key != f"kalshi:{name}"):
        raise RemoteProtocolError("kalshi", f"{path}.order_id", "of another market", market=name)
    if order is not None and side in (None, side_of(order.outcome, order.action)):
        return order.outcome, order.action
    if side is None:
        raise RemoteProtocolError("kalshi", f"{path}.book_side", "missing", market=name)
    return ("yes", "buy") if side == "bid" else ("no", "buy")


def _when(body: FillBody, path: str, name: str) -> Ns:
    if body.ts_ms:
        return Ns(body.ts_ms * 1_000_000)
    if isinstance(body.ts, int):
        return Ns(body.ts * SECOND)
    return read(f"{path}.created_time", name, moment, body.created_time or body.ts or "")


def _ticker(name: str, path: str) -> str:
    if not is_name(name):
        raise RemoteProtocolError("kalshi", path, f"not a ticker: {name[:60]!r}")
    return name
