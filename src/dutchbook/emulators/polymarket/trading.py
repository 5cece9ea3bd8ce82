"""The pretend Polymarket's orders: signed, checked, matched; and how they end."""

from typing import Any, Final

import msgspec

from dutchbook.domain.units import ONE, SECOND, plain
from dutchbook.emulators.polymarket.delays import Delays
from dutchbook.emulators.polymarket.messages import Shelf
from dutchbook.emulators.polymarket.owners import Owners
from dutchbook.emulators.polymarket.rates import Bucket, Rates
from dutchbook.emulators.polymarket.signed import order_digests
from dutchbook.emulators.polymarket.stops import Stops
from dutchbook.emulators.polymarket.wishes import Order, Post, decoded
from dutchbook.emulators.wire.rest import Ask, Path, Refusal
from dutchbook.sim.desk import Desk
from dutchbook.sim.words import Refused, Standing, Ticket

TIF: Final = {"GTC": "gtc", "GTD": "gtd", "FOK": "fok", "FAK": "ioc"}
TYPES: Final = {tif: name for name, tif in TIF.items()}
EARLY: Final = 60 * SECOND
"""A good-till-date order ends a minute before its expiration."""
LEAST_MARKETABLE: Final = ONE
BATCH_MAX: Final = 15
ORDER: Final = "clob order order_long"
CANCELS_MAX: Final = 1_000
TEXTS: Final[dict[str, str]] = {
    "unknown_market": "the market is not yet ready to process new orders",
    "not_open": "the market is not yet ready to process new orders",
    "funds": "not enough balance / allowance",
    "no_account": "not enough balance / allowance",
    "crosses": "invalid post-only order: order crosses book",
    "killed": "order couldn't be fully filled. FOK orders are fully filled or killed.",
}
TOO_SMALL: Final = "invalid amount for a marketable BUY order, min size: $1"
NO_MATCH: Final = (
    "no orders found to match with FAK order. FAK orders are partially filled or killed if no "
    "match is found."
)


class Trading:
    """Takes orders into the desk, and out of it."""

    def __init__(
        self, shelf: Shelf, desk: Desk, owners: Owners, stops: Stops, chain: int = 137
    ) -> None:
        self._shelf = shelf
        self._desk = desk
        self._owners = owners
        self._stops = stops
        self._chain = chain
        self.delays = Delays(shelf, desk)
        self.rates = Rates()
        self.beats: dict[str, tuple[str, int]] = {}

    def paths(self) -> list[Path]:
        return [
            Path("/auth/api-key", self._owners.create, "POST", "clob keys"),
            Path("/auth/api-key", self._owners.remove, "DELETE", "clob keys"),
            Path("/auth/derive-api-key", self._owners.derive, gate="clob keys"),
            Path("/auth/api-keys", self._owners.listed, gate="clob keys"),
            Path("/auth/ban-status/closed-only", self._closed_only, gate="clob"),
            Path("/order", self._post, "POST", ORDER, keep=True),
            Path("/orders", self._post_many, "POST", "clob orders orders_long", keep=True),
            Path("/order", self._cancel, "DELETE", ORDER, keep=True),
            Path("/orders", self._cancel_many, "DELETE", "clob unorders unorders_long", keep=True),
            Path("/cancel-all", self._cancel_all, "DELETE", "clob all all_long", keep=True),
            Path(
                "/cancel-market-orders", self._cancel_market, "DELETE", "clob unmarket", keep=True
            ),
            Path("/v1/heartbeats", self._beat, "POST", "clob"),
        ]

    # -- placing ---------------------------------------------------------------------------------

    def _admitted(self, ask: Ask, bucket: Bucket, cost: int) -> str:
        """Who asks, if they may and have not asked too much. Raises Refusal."""
        key = self._owners.key_of(ask)
        self.rates.take(key.address, bucket, cost, ask)
        return self._owners.owner_of(key.address)

    def _post(self, ask: Ask) -> Any:
        owner = self._admitted(ask, "order", 1)
        self._stops.begins(ask)
        answer = self._placed(decoded(ask.body, Post), owner, ask)
        if not answer["success"]:
            raise Refusal(400, {"error": answer["errorMsg"], "orderID": answer["orderID"]})
        return answer

    def _post_many(self, ask: Ask) -> Any:
        self._owners.key_of(ask)
        posts = decoded(ask.body, list[Post])
        if not 1 <= len(posts) <= BATCH_MAX:
            raise Refusal(400, {"error": "Payload exceeds the limit"})
        owner = self._admitted(ask, "order", len(posts))
        self._stops.begins(ask)
        rows = []
        for post in posts:
            try:
                row = self._placed(post, owner, ask)
            except Refusal as refusal:
                row = _failed(str(refusal.body.get("error", "")), "")
            rows.append(row | {"success": True} if not row["success"] else row)
        return rows

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
        self._stops.takes(ask.now, buy=ticket.buy, post_only=post.post_only)
        meets = self._meets(ticket)
        if ticket.tif == "ioc" and not meets:
            return _failed(NO_MATCH, "")
        takes = meets and not ticket.post_only
        if takes and ticket.buy and ticket.px * ticket.qty < LEAST_MARKETABLE * ONE:
            return _failed(TOO_SMALL, "")
        delay = self.delays.of(asset.market) if takes else 0
        try:
            standing = self.delays.hold(ticket, delay) if delay else self._desk.place(ticket)
        except Refused as refused:
            return _failed(TEXTS.get(refused.code, refused.code), "")
        return _answer(standing, "delayed" if delay else "")

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
        if px % tick or not tick <= px <= ONE - tick:
            return f"invalid price ({plain(px)}), min: {plain(tick)} - max: {plain(ONE - tick)}"
        if qty % 10_000:
            return "invalid amounts, sizes have at most two decimals"
        if post.order_type == "GTD" and expires < now + EARLY:
            return "invalid expiration"
        if post.post_only and post.order_type not in ("GTC", "GTD"):
            return "invalid post-only order: only GTC and GTD can be post-only"
        marketable = post.order_type in ("FOK", "FAK")
        if marketable and buy and money < LEAST_MARKETABLE:
            return TOO_SMALL
        if not marketable and qty < market.size_min:
            return f"Size ({plain(qty)}) lower than the minimum: {plain(market.size_min)}"
        return Ticket(
            name, owner, market.key, outcome, buy, px, qty, TIF[post.order_type], now,  # type: ignore[arg-type]
            expires=expires - EARLY if post.order_type == "GTD" else 0, post_only=post.post_only,
            spend=spend,
        )  # fmt: skip

    # -- ending ----------------------------------------------------------------------------------

    def _cancel(self, ask: Ask) -> Any:
        owner = self._admitted(ask, "cancel", 1)
        body = decoded(ask.body, dict[str, Any])
        return self._ended([str(body.get("orderID", ""))], owner, ask)

    def _cancel_many(self, ask: Ask) -> Any:
        self._owners.key_of(ask)
        names = decoded(ask.body, list[str])
        if len(names) > CANCELS_MAX:
            raise Refusal(400, {"error": "Payload exceeds the limit"})
        owner = self._admitted(ask, "cancel", len(names))
        return self._ended(names, owner, ask)

    def _cancel_all(self, ask: Ask) -> Any:
        owner = self._admitted(ask, "cancel", 1)
        live = [one.ticket.id for one in self._desk.of_owner(owner) if not one.ended]
        return self._all_ended(live, owner, ask)

    def _cancel_market(self, ask: Ask) -> Any:
        owner = self._admitted(ask, "cancel", 1)
        body = decoded(ask.body, dict[str, Any]) if ask.body else {}
        names = []
        for one in self._desk.of_owner(owner):
            market = self._shelf.feed.markets[one.ticket.key]
            token = market.tokens[one.ticket.outcome]
            wanted = body.get("market", market.symbol) == market.symbol
            if not one.ended and wanted and body.get("asset_id", token) == token:
                names.append(one.ticket.id)
        return self._all_ended(names, owner, ask)

    def _all_ended(self, names: list[str], owner: str, ask: Ask) -> dict[str, Any]:
        """What is canceled without being named costs as much as if it were."""
        done = self._ended(names, owner, ask)
        self.rates.charge(self._owners.key_of(ask).address, "cancel", len(done["canceled"]), ask)
        return done

    def _ended(self, names: list[str], owner: str, ask: Ask) -> dict[str, Any]:
        self._stops.ends(ask)
        canceled, not_canceled = [], {}
        for name in names:
            one = self._desk.orders.get(name)
            if one is None or one.ticket.owner != owner:
                not_canceled[name] = "order not found"
            elif name in self.delays.pending:
                not_canceled[name] = "order can't be canceled: it is delayed"
            elif one.ended:
                done = "matched" if one.ended == "filled" else "canceled"
                not_canceled[name] = f"order can't be canceled: already {done}"
            else:
                self._desk.cancel(name, ask.now)
                canceled.append(name)
        return {"canceled": canceled, "not_canceled": not_canceled}

    # -- standing --------------------------------------------------------------------------------

    def _closed_only(self, ask: Ask) -> Any:
        self._owners.key_of(ask)
        return {"closed_only": self._stops.mode(ask.now) == "closed_only"}

    def _beat(self, ask: Ask) -> Any:
        """Dead-man switch: once begun, a gap of more than ten seconds cancels everything."""
        owner = self._owners.owner(ask)
        given = decoded(ask.body, dict[str, Any]).get("heartbeat_id") or ""
        expected = self.beats.get(owner, ("", 0))[0]
        if expected and given != expected:
            body = {"error_msg": "Invalid Heartbeat ID", "heartbeat_id": expected}
            raise Refusal(400, body)
        fresh = f"hb-{owner[:10]}-{ask.now}"
        self.beats[owner] = (fresh, ask.now)
        return {"heartbeat_id": fresh}

    def poll(self, now: int) -> None:
        """Match what was delayed, cancel what belongs to owners whose heart stopped."""
        self.delays.poll(now)
        for owner, (_, at) in list(self.beats.items()):
            if now - at > 10 * SECOND:
                del self.beats[owner]
                self._desk.cancel_owner(owner, now, "heartbeat")


def _answer(standing: Standing, status: str) -> dict[str, Any]:
    ticket = standing.ticket
    money, size = plain(standing.paid), plain(standing.filled)
    making, taking = (money, size) if ticket.buy else (size, money)
    return {
        "success": True,
        "errorMsg": "",
        "orderID": ticket.id,
        "status": status or ("matched" if standing.filled else "live"),
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
