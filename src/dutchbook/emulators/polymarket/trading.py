"""The pretend Polymarket's orders: signed, checked, matched; and how they end."""

from typing import Any, Final, Literal

import msgspec

from dutchbook.domain.instrument import on_grid
from dutchbook.domain.units import ONE, SECOND, plain
from dutchbook.emulators.polymarket.life import Trades
from dutchbook.emulators.polymarket.messages import Shelf
from dutchbook.emulators.polymarket.owners import Owners
from dutchbook.emulators.polymarket.signed import order_digests
from dutchbook.emulators.wire.rest import Ask, Path, Refusal
from dutchbook.sim.desk import Desk
from dutchbook.sim.words import Refused, Standing, Ticket

TIF: Final = {"GTC": "gtc", "GTD": "gtd", "FOK": "fok", "FAK": "ioc"}
TYPES: Final = {tif: name for name, tif in TIF.items()}
EARLY: Final = 60 * SECOND
"""A good-till-date order ends a minute before its expiration."""
LEAST_MARKETABLE: Final = ONE
BATCH_MAX: Final = 15
CANCELS_MAX: Final = 1_000
TEXTS: Final[dict[str, str]] = {
    "unknown_market": "the market is not yet ready to process new orders",
    "not_open": "the market is not yet ready to process new orders",
    "funds": "not enough balance / allowance",
    "no_account": "not enough balance / allowance",
    "crosses": "invalid post-only order: order crosses book",
    "killed": "order couldn't be fully filled. FOK orders are fully filled or killed.",
}
NO_MATCH: Final = (
    "no orders found to match with FAK order. FAK orders are partially filled or killed if no "
    "match is found."
)


class Order(msgspec.Struct, rename="camel"):
    """The signed part, and the expiration that is not signed."""

    salt: int
    maker: str
    signer: str
    token_id: str
    maker_amount: str
    taker_amount: str
    side: Literal["BUY", "SELL"]
    expiration: str
    signature_type: int
    timestamp: str
    metadata: str
    builder: str
    signature: str


class Post(msgspec.Struct, rename="camel"):
    order: Order
    owner: str
    order_type: Literal["GTC", "GTD", "FOK", "FAK"]
    defer_exec: bool = False
    post_only: bool = False


class Trading:
    """`mode`: "" open, or restart, post_only, disabled, cancel_only, closed_only."""

    def __init__(
        self, shelf: Shelf, desk: Desk, owners: Owners, trades: Trades, chain: int = 137
    ) -> None:
        self._shelf = shelf
        self._desk = desk
        self._owners = owners
        self._trades = trades
        self._chain = chain
        self.beats: dict[str, tuple[str, int]] = {}
        self.mode = ""

    def paths(self) -> list[Path]:
        return [
            Path("/auth/api-key", self._owners.create, "POST", "clob"),
            Path("/auth/api-key", self._owners.remove, "DELETE", "clob"),
            Path("/auth/derive-api-key", self._owners.derive, gate="clob"),
            Path("/auth/api-keys", self._owners.listed, gate="clob"),
            Path("/auth/ban-status/closed-only", self._closed_only, gate="clob"),
            Path("/order", self._post, "POST", "clob", keep=True),
            Path("/orders", self._post_many, "POST", "clob", keep=True),
            Path("/order", self._cancel, "DELETE", "clob", keep=True),
            Path("/orders", self._cancel_many, "DELETE", "clob", keep=True),
            Path("/cancel-all", self._cancel_all, "DELETE", "clob", keep=True),
            Path("/cancel-market-orders", self._cancel_market, "DELETE", "clob", keep=True),
            Path("/v1/heartbeats", self._beat, "POST", "clob"),
        ]

    # -- placing ---------------------------------------------------------------------------------

    def _post(self, ask: Ask) -> Any:
        owner = self._owners.owner(ask)
        self._window()
        answer = self._placed(_decoded(ask.body, Post), owner, ask)
        if not answer["success"]:
            raise Refusal(400, {"error": answer["errorMsg"], "orderID": answer["orderID"]})
        return answer

    def _post_many(self, ask: Ask) -> Any:
        owner = self._owners.owner(ask)
        self._window()
        posts = _decoded(ask.body, list[Post])
        if not 1 <= len(posts) <= BATCH_MAX:
            raise Refusal(400, {"error": "Payload exceeds the limit"})
        rows = []
        for post in posts:
            try:
                row = self._placed(post, owner, ask)
            except Refusal as refusal:
                row = _failed(str(refusal.body.get("error", "")), "")
            rows.append(row | {"success": True} if not row["success"] else row)
        return rows

    def _window(self) -> None:
        """What the whole venue lets nobody do now."""
        if self.mode == "restart":
            raise Refusal(425, {"error": "matching engine is restarting"})
        if self.mode == "disabled":
            raise Refusal(503, {"error": "Trading is currently disabled. Check polymarket.com"})
        if self.mode == "cancel_only":
            raise Refusal(503, {"error": "Trading is currently cancel-only."})

    def _placed(self, post: Post, owner: str, ask: Ask) -> dict[str, Any]:
        name = self._verified(post.order, owner)
        if name in self._desk.orders:
            text = f"order {name} is invalid. Duplicated."
            raise Refusal(400, {"error": text})
        asset = self._shelf.assets.get(post.order.token_id)
        if asset is None:
            return _failed(TEXTS["unknown_market"], "")
        ticket = self._ticket(post, name, owner, asset.market, asset.token, ask.now)
        if isinstance(ticket, str):
            return _failed(ticket, "")
        if self.mode == "post_only" and not post.post_only:
            text = "post-only mode: only post-only orders and cancels are allowed"
            return _failed(text, "")
        if ticket.tif == "ioc" and not self._meets(ticket):
            return _failed(NO_MATCH, "")
        try:
            standing = self._desk.place(ticket)
        except Refused as refused:
            return _failed(TEXTS.get(refused.code, refused.code), "")
        return _answer(standing)

    def _meets(self, ticket: Ticket) -> bool:
        book = self._desk.books.get(ticket.key)
        met = book.facing(ticket.outcome, ticket.buy, ticket.px) if book else iter(())
        return next(met, None) is not None

    def _verified(self, order: Order, owner: str) -> str:
        """The order's id, signed by who may: a wrong signature, version or chain is a 400."""
        market = self._shelf.assets.get(order.token_id)
        fields = msgspec.to_builtins(order)
        try:
            neg_risk = market.market.neg_risk if market else False
            hashed, signer = order_digests(fields, self._chain, neg_risk)
        except (ValueError, KeyError, TypeError):
            raise Refusal(400, {"error": "Invalid order payload"}) from None
        if not signer or self._owners.owner_of(signer) != owner:
            raise Refusal(400, {"error": "invalid signature; order_version_mismatch"})
        kind = order.signature_type
        if kind == 0 and not order.maker.lower() == order.signer.lower() == signer:
            raise Refusal(400, {"error": "maker address not allowed"})
        return "0x" + hashed.hex()

    def _ticket(
        self, post: Post, name: str, owner: str, market: Any, outcome: int, now: int
    ) -> Ticket | str:
        """The order as the desk takes it, or the venue's words why it can't be one."""
        order = post.order
        try:
            making, taking = int(order.maker_amount), int(order.taker_amount)
            expires = int(order.expiration) * SECOND
        except ValueError:
            return "Invalid order payload"
        buy = order.side == "BUY"
        money, qty = (making, taking) if buy else (taking, making)
        if money <= 0 or qty <= 0:
            return "invalid amounts"
        px, spend = -(-money * ONE // qty) if buy else money * ONE // qty, 0
        tick = self._shelf.tick(market)
        if px % tick and post.order_type in ("FOK", "FAK") and buy:
            px, spend = -(-px // tick) * tick, money  # an amount to spend, not a size to get
            qty = max(qty, money * ONE // px) // 10_000 * 10_000
        if px % tick or not tick <= px <= ONE - tick or not on_grid(market.grid, px):
            return f"invalid price ({plain(px)}), min: {plain(tick)} - max: {plain(ONE - tick)}"
        if qty % 10_000:
            return "invalid amounts, sizes have at most two decimals"
        if post.order_type == "GTD" and expires < now + EARLY:
            return "invalid expiration"
        if post.post_only and post.order_type not in ("GTC", "GTD"):
            return "invalid post-only order: only GTC and GTD can be post-only"
        marketable = post.order_type in ("FOK", "FAK")
        if marketable and buy and money < LEAST_MARKETABLE:
            return "invalid amount for a marketable BUY order, min size: $1"
        if not marketable and qty < market.size_min:
            return f"Size ({plain(qty)}) lower than the minimum: {plain(market.size_min)}"
        return Ticket(
            name, owner, market.key, outcome, buy, px, qty, TIF[post.order_type], now,  # type: ignore[arg-type]
            expires=expires - EARLY if post.order_type == "GTD" else 0, post_only=post.post_only,
            spend=spend,
        )  # fmt: skip

    # -- ending ----------------------------------------------------------------------------------

    def _cancel(self, ask: Ask) -> Any:
        owner = self._owners.owner(ask)
        body = _decoded(ask.body, dict[str, Any])
        return self._ended([str(body.get("orderID", ""))], owner, ask.now)

    def _cancel_many(self, ask: Ask) -> Any:
        owner = self._owners.owner(ask)
        names = _decoded(ask.body, list[str])
        if len(names) > CANCELS_MAX:
            raise Refusal(400, {"error": "Payload exceeds the limit"})
        return self._ended(names, owner, ask.now)

    def _cancel_all(self, ask: Ask) -> Any:
        owner = self._owners.owner(ask)
        live = [one.ticket.id for one in self._desk.of_owner(owner) if not one.ended]
        return self._ended(live, owner, ask.now)

    def _cancel_market(self, ask: Ask) -> Any:
        owner = self._owners.owner(ask)
        body = _decoded(ask.body, dict[str, Any]) if ask.body else {}
        names = []
        for one in self._desk.of_owner(owner):
            market = self._shelf.feed.markets[one.ticket.key]
            token = market.tokens[one.ticket.outcome]
            wanted = body.get("market", market.symbol) == market.symbol
            if not one.ended and wanted and body.get("asset_id", token) == token:
                names.append(one.ticket.id)
        return self._ended(names, owner, ask.now)

    def _ended(self, names: list[str], owner: str, now: int) -> dict[str, Any]:
        canceled, not_canceled = [], {}
        for name in names:
            one = self._desk.orders.get(name)
            if one is None or one.ticket.owner != owner:
                not_canceled[name] = "order not found"
            elif one.ended:
                done = "matched" if one.ended == "filled" else "canceled"
                not_canceled[name] = f"order can't be canceled: already {done}"
            else:
                self._desk.cancel(name, now)
                canceled.append(name)
        return {"canceled": canceled, "not_canceled": not_canceled}

    # -- standing --------------------------------------------------------------------------------

    def _closed_only(self, ask: Ask) -> Any:
        self._owners.key_of(ask)
        return {"closed_only": self.mode == "closed_only"}

    def _beat(self, ask: Ask) -> Any:
        """Dead-man switch: once begun, a gap of more than ten seconds cancels everything."""
        owner = self._owners.owner(ask)
        given = _decoded(ask.body, dict[str, Any]).get("heartbeat_id") or ""
        expected = self.beats.get(owner, ("", 0))[0]
        if expected and given != expected:
            body = {"error_msg": "Invalid Heartbeat ID", "heartbeat_id": expected}
            raise Refusal(400, body)
        fresh = f"hb-{owner[:10]}-{ask.now}"
        self.beats[owner] = (fresh, ask.now)
        return {"heartbeat_id": fresh}

    def poll(self, now: int) -> None:
        """Cancel what belongs to owners whose heart stopped."""
        for owner, (_, at) in list(self.beats.items()):
            if now - at > 10 * SECOND:
                del self.beats[owner]
                self._desk.cancel_owner(owner, now, "heartbeat")


def _answer(standing: Standing) -> dict[str, Any]:
    ticket = standing.ticket
    money, size = plain(standing.paid), plain(standing.filled)
    making, taking = (money, size) if ticket.buy else (size, money)
    return {
        "success": True,
        "errorMsg": "",
        "orderID": ticket.id,
        "status": "matched" if standing.filled else "live" if not standing.ended else "unmatched",
        "makingAmount": making if standing.filled else "",
        "takingAmount": taking if standing.filled else "",
        "tradeIDs": [deal.id for deal in standing.deals],
        "transactionsHashes": [],
    }


def _failed(text: str, name: str) -> dict[str, Any]:
    return {
        "success": False, "errorMsg": text, "orderID": name, "status": "", "makingAmount": "",
        "takingAmount": "", "tradeIDs": [], "transactionsHashes": [],
    }  # fmt: skip


def _decoded(body: bytes, kind: Any) -> Any:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refusal(400, {"error": "Invalid payload"}) from None
