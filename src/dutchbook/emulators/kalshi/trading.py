"""The pretend Kalshi's orders: V2 create, cancel, amend, decrease, batches; V1 is gone."""

import contextlib
from typing import Any, Final

from dutchbook.domain.instrument import on_grid
from dutchbook.domain.units import ONE, SECOND, micros
from dutchbook.emulators.kalshi.auth import KEY, nested
from dutchbook.emulators.kalshi.groups import Groups
from dutchbook.emulators.kalshi.messages import Stock
from dutchbook.emulators.kalshi.records import Records, fp, usd
from dutchbook.emulators.kalshi.stops import Stops
from dutchbook.emulators.kalshi.wishes import Amend, Batch, Create, Decrease, Undos, decoded
from dutchbook.emulators.wire.rest import Ask, Path, Refusal
from dutchbook.sim.desk import Desk
from dutchbook.sim.words import Refused, Standing, Ticket

ORDERS: Final = "/portfolio/events/orders"
GONE: Final = {
    "error": {
        "code": "deprecated_v1_order_endpoint",
        "message": "this endpoint was removed; use /portfolio/events/orders",
        "details": "",
    }
}
TIF: Final = {"good_till_canceled": "gtc", "immediate_or_cancel": "ioc", "fill_or_kill": "fok"}
REFUSALS: Final[dict[str, tuple[int, str, str]]] = {
    "unknown_market": (404, "market_not_found", ""),
    "not_open": (409, "market_not_active", "trading is paused or closed"),
    "funds": (400, "insufficient_balance", ""),
    "no_account": (400, "user_not_found", "this exchange index was never funded"),
    "price": (400, "invalid_price", ""),
    "size": (400, "invalid_order", "count"),
    "crosses": (400, "invalid_order", "post only cross"),
    "killed": (409, "fill_or_kill_insufficient_resting_volume", ""),
    "reduce_only": (400, "invalid_order", "reduce only"),
    "duplicate": (409, "order_already_exists", ""),
}


class Trading:
    """`owners`: API key id -> owner.

    `post_only_cancels`: an order that is only to rest but would not is created and canceled,
    as the documents have it, instead of refused, as was seen.
    """

    def __init__(
        self,
        stock: Stock,
        desk: Desk,
        records: Records,
        groups: Groups,
        stops: Stops,
        owners: dict[str, str],
    ) -> None:
        self._stock = stock
        self._stops = stops
        self._desk = desk
        self._records = records
        self._groups = groups
        self._owners = owners
        self._count = 0
        self.post_only_cancels = False

    def paths(self) -> list[Path]:
        one = ORDERS + "/{id}"
        return [
            Path(ORDERS, self._create, "POST", "write create", keep=True),
            Path(ORDERS, self._cancel_all, "DELETE", "write all", keep=True),
            Path(f"{ORDERS}/batched", self._create_batch, "POST", "write batch", keep=True),
            Path(f"{ORDERS}/batched", self._cancel_batch, "DELETE", "write unbatch", keep=True),
            Path(one, self._cancel, "DELETE", "write cancel", keep=True),
            Path(f"{one}/amend", self._amend, "POST", "write create", keep=True),
            Path(f"{one}/decrease", self._decrease, "POST", "write create", keep=True),
            *(
                Path(pattern, _gone, method, "write create", keep=True)
                for pattern, method in (
                    ("/portfolio/orders", "POST"),
                    ("/portfolio/orders/batched", "POST"),
                    ("/portfolio/orders/batched", "DELETE"),
                    ("/portfolio/orders/{id}", "DELETE"),
                    ("/portfolio/orders/{id}/amend", "POST"),
                    ("/portfolio/orders/{id}/decrease", "POST"),
                )
            ),
        ]

    def owner(self, ask: Ask) -> str:
        return self._owners.get(ask.headers.get(KEY) or "", "")

    # -- creating --------------------------------------------------------------------------------

    def _create(self, ask: Ask) -> Any:
        standing = self._place(decoded(ask.body, Create), ask)
        return 201, self._created(standing, ask.now)

    def _create_batch(self, ask: Ask) -> Any:
        rows = []
        for raw in decoded(ask.body, Batch).orders:
            client = ""
            try:
                wish = decoded(bytes(raw), Create)
                client = wish.client_order_id
                rows.append(self._created(self._place(wish, ask), ask.now))
            except Refusal as refusal:
                body = refusal.body
                error = body.get("error", body) if isinstance(body, dict) else {"code": "error"}
                rows.append({"client_order_id": client, "error": error})
        return 201, {"orders": rows}

    def _place(self, wish: Create, ask: Ask) -> Standing:
        owner = self.owner(ask)
        market = self._stock.markets.get(wish.ticker)
        if market is None:
            raise _refusal("unknown_market")
        self._stops.takes(market.exchange_index, ask.now)
        if wish.exchange_index not in (None, -1, market.exchange_index):
            raise _refusal("unknown_market", "another exchange index")
        px, qty = _price(wish.price), _count(wish.count)
        if not on_grid(self._stock.grid(market)[1], px):
            raise _refusal("price", "not on the price grid")
        if wish.expiration_time is not None and wish.time_in_force != "good_till_canceled":
            raise _refusal("size", "expiration_time needs good_till_canceled")
        if wish.client_order_id and self._records.taken(owner, wish.client_order_id):
            raise _refusal("duplicate")
        if wish.order_group_id and not self._groups.open(owner, wish.order_group_id):
            raise Refusal(409, nested("order_group_triggered", "the order group takes no orders"))
        self._count += 1
        bid = wish.side == "bid"
        ticket = Ticket(
            self._records.new_id(self._count), owner, market.key, 0 if bid else 1, True,
            px if bid else ONE - px, qty, TIF[wish.time_in_force], ask.now,  # type: ignore[arg-type]
            wish.client_order_id, (wish.expiration_time or 0) * SECOND, wish.post_only,
            wish.reduce_only, "taker" if wish.self_trade_prevention_type != "maker" else "maker",
            group=wish.order_group_id, cancel_on_pause=wish.cancel_order_on_pause,
        )  # fmt: skip
        if wish.client_order_id:
            self._records.claim(owner, wish.client_order_id, ticket.id)  # also by a killed FOK
        try:
            standing = self._desk.place(ticket)
        except Refused as refused:
            if refused.code == "crosses" and self.post_only_cancels:
                return self._desk.stillborn(ticket, "crosses")
            if refused.code not in ("killed",):
                self._records.release(owner, wish.client_order_id)
            raise _refusal(refused.code) from None
        self._groups.work(ask.now)
        return standing

    def _created(self, standing: Standing, now: int) -> dict[str, Any]:
        row: dict[str, Any] = {
            "order_id": standing.ticket.id,
            "client_order_id": standing.ticket.client,
            "fill_count": fp(standing.filled),
            "remaining_count": fp(standing.left),
            "ts_ms": now // 1_000_000,
        }
        if standing.filled:
            row["average_fill_price"] = usd(_average(standing))
            row["average_fee_paid"] = usd(standing.fees * ONE // standing.filled)
        return row

    # -- ending ----------------------------------------------------------------------------------

    def _mine(self, ask: Ask, name: str, ticker: str = "", shard: Any = None) -> Standing:
        """An open order of this owner, routed right. Anything else is a 404."""
        standing = self._desk.orders.get(name)
        if standing is None or standing.ticket.owner != self.owner(ask) or standing.ended:
            raise Refusal(404, nested("not_found", "order not found"))
        market = self._stock.feed.markets[standing.ticket.key]
        if shard in (None, "") and not ticker:
            shard = 0 if market.exchange_index == 0 else None
            if shard is None:
                raise Refusal(404, nested("not_found", "order not found"))
        if shard not in (None, "", str(market.exchange_index), market.exchange_index):
            raise Refusal(404, nested("not_found", "order not found"))
        if ticker and ticker != market.symbol:
            raise Refusal(404, nested("not_found", "order not found"))
        self._stops.takes(market.exchange_index, ask.now, cancel=True)
        return standing

    def _cancel(self, ask: Ask) -> Any:
        query = ask.query
        standing = self._mine(
            ask, ask.names["id"], query.get("market_ticker") or "", query.get("exchange_index")
        )
        return self._undone(standing, ask.now)

    def _undone(self, standing: Standing, now: int) -> dict[str, Any]:
        reduced = self._desk.cancel(standing.ticket.id, now)
        return {
            "order_id": standing.ticket.id,
            "client_order_id": standing.ticket.client,
            "reduced_by": fp(reduced),
            "ts_ms": now // 1_000_000,
        }

    def _cancel_batch(self, ask: Ask) -> Any:
        rows: list[dict[str, Any]] = []
        for one in decoded(ask.body, Undos).orders:
            try:
                standing = self._mine(ask, one.order_id, one.market_ticker, one.exchange_index)
                rows.append(self._undone(standing, ask.now))
            except Refusal as refusal:
                error = refusal.body["error"]
                rows.append({"order_id": one.order_id, "reduced_by": fp(0), "error": error})
        return {"orders": rows}

    def _cancel_all(self, ask: Ask) -> Any:
        owner = self.owner(ask)
        for key in list(self._desk.resting):
            with contextlib.suppress(Refusal):
                shard = self._stock.feed.markets[key].exchange_index
                self._stops.takes(shard, ask.now, cancel=True)
                self._desk.cancel_owner(owner, ask.now, key=key)
        return {}

    # -- changing --------------------------------------------------------------------------------

    def _amend(self, ask: Ask) -> Any:
        wish = decoded(ask.body, Amend)
        standing = self._mine(ask, ask.names["id"], wish.ticker, wish.exchange_index)
        market = self._stock.feed.markets[standing.ticket.key]
        px = _price(wish.price)
        self._stops.takes(market.exchange_index, ask.now)
        if not on_grid(self._stock.grid(market)[1], px):
            raise _refusal("price", "not on the price grid")
        own = px if wish.side == "bid" else ONE - px
        try:
            self._desk.amend(standing.ticket.id, own, _count(wish.count), ask.now)
        except Refused as refused:
            raise _refusal(refused.code) from None
        self._groups.work(ask.now)
        return self._created(standing, ask.now)

    def _decrease(self, ask: Ask) -> Any:
        wish = decoded(ask.body, Decrease)
        standing = self._mine(ask, ask.names["id"], wish.market_ticker, wish.exchange_index)
        if (wish.reduce_by is None) == (wish.reduce_to is None):
            raise Refusal(400, nested("invalid_parameters", "exactly one of reduce_by, reduce_to"))
        left = standing.left - _count(wish.reduce_by) if wish.reduce_by is not None else None
        left = left if left is not None else _count(wish.reduce_to or "", least=0)
        if left > standing.left:
            raise _refusal("size", "an order can't grow")
        if left <= 0:
            self._desk.cancel(standing.ticket.id, ask.now)
        else:
            qty = standing.filled + left
            self._desk.amend(standing.ticket.id, standing.ticket.px, qty, ask.now)
        return {
            "order_id": standing.ticket.id,
            "client_order_id": standing.ticket.client,
            "remaining_count": fp(standing.left),
            "ts_ms": ask.now // 1_000_000,
        }


def _average(standing: Standing) -> int:
    """What was paid for a contract on average, in YES terms."""
    own = standing.paid * ONE // standing.filled
    return own if standing.ticket.outcome == 0 else ONE - own


def _price(text: str) -> int:
    try:
        return micros(text)
    except ValueError:
        raise _refusal("price", "not a dollar string") from None


def _count(text: str, least: int = 10_000) -> int:
    try:
        value = micros(text)
    except ValueError:
        raise _refusal("size", "count is not a fixed-point string") from None
    if value < least or value % 10_000:
        raise _refusal("size", "count needs two decimals and at least 0.01")
    return value


def _refusal(code: str, detail: str = "") -> Refusal:
    status, name, details = REFUSALS[code]
    return Refusal(status, nested(name, name.replace("_", " "), detail or details))


def _gone(ask: Ask) -> Any:
    raise Refusal(410, GONE)
