"""The pretend Polymarket's reads of an account: orders, trades, balances; and its Data API."""

import base64
from collections.abc import Mapping
from typing import Any, Final

from dutchbook.domain.units import ONE, SECOND, plain
from dutchbook.emulators.halts import Halts
from dutchbook.emulators.past import Past
from dutchbook.emulators.polymarket.life import OUTCOMES, SIDE, Trades
from dutchbook.emulators.polymarket.messages import Shelf
from dutchbook.emulators.polymarket.owners import Owners
from dutchbook.emulators.polymarket.trading import TYPES
from dutchbook.emulators.wire.rest import Ask, Path, Refusal
from dutchbook.sim.words import Standing

PAGE: Final = 100
END: Final = "LTE="
PLENTY: Final = str((1 << 256) - 1)
STATUS: Final = {
    "": "LIVE", "filled": "MATCHED", "asked": "CANCELED", "heartbeat": "CANCELED",
    "no_match": "CANCELED", "expired": "CANCELED_EXPIRED_ORDER",
    "unmatched": "UNMATCHED", "paused": "CANCELED", "self_trade": "CANCELED",
    "closed": "CANCELED_MARKET_RESOLVED", "funds": "CANCELED_NOT_ENOUGH_BALANCE",
}  # fmt: skip


class AccountReads:
    """Reads of orders, trades and money show what the past has."""

    def __init__(
        self,
        shelf: Shelf,
        past: Past,
        owners: Owners,
        trades: Trades,
        halts: Halts,
        delayed: Mapping[str, int],
    ) -> None:
        self._shelf = shelf
        self._past = past
        self._owners = owners
        self._trades = trades
        self._halts = halts
        self._delayed = delayed

    def paths(self) -> list[Path]:
        return [
            Path("/data/order/{id}", self._order, gate="clob", keep=True),
            Path("/data/orders", self._orders, gate="clob", keep=True),
            Path("/data/trades", self._list_trades, gate="clob", keep=True),
            Path("/balance-allowance", self._balance, gate="clob balance", keep=True),
            Path("/balance-allowance/update", lambda ask: "", gate="clob"),
            Path("/order-scoring", lambda ask: {"scoring": False}, gate="clob"),
            Path("/orders-scoring", lambda ask: {}, "POST", "clob"),
            Path("/notifications", lambda ask: [], gate="clob"),
        ]

    def data_paths(self) -> list[Path]:
        """What other hosts serve: the Data API and the geoblock."""
        return [
            Path("/api/geoblock", self._geoblock),
            Path("/data-api/positions", self._positions, gate="data positions"),
            Path("/data-api/activity", lambda ask: [], gate="data"),
            Path("/data-api/trades", lambda ask: [], gate="data trades"),
            Path("/data-api/value", self._value, gate="data"),
        ]

    def row(self, one: Standing) -> dict[str, Any]:
        """An open order as REST has it."""
        ticket = one.ticket
        market = self._shelf.feed.markets[ticket.key]
        status = STATUS.get(one.ended, "CANCELED")
        if ticket.id in self._delayed:
            status = "DELAYED"
        return {
            "id": ticket.id,
            "status": status,
            "owner": ticket.owner,
            "maker_address": self.address(ticket.owner),
            "market": market.symbol,
            "asset_id": market.tokens[ticket.outcome],
            "side": SIDE[ticket.buy],
            "original_size": plain(ticket.qty),
            "size_matched": plain(one.filled),
            "price": plain(ticket.px),
            "outcome": OUTCOMES[ticket.outcome],
            "expiration": str(ticket.expires // SECOND),
            "order_type": TYPES[ticket.tif],
            "associate_trades": [deal.id for deal in one.deals],
            "created_at": ticket.at // SECOND,
        }

    def address(self, owner: str) -> str:
        """The wallet of an owner."""
        return next((a for a, name in self._owners.names.items() if name == owner), owner)

    def _order(self, ask: Ask) -> Any:
        owner = self._owners.owner(ask)
        one = self._past.order(ask.names["id"], ask.now)
        if one is None or one.ticket.owner != owner:
            raise Refusal(404, {"error": "order not found"})
        return self.row(one)

    def _orders(self, ask: Ask) -> Any:
        owner = self._owners.owner(ask)
        query = ask.query
        rows = [self.row(one) for one in self._past.of_owner(owner, ask.now) if not one.ended]
        for name in ("id", "market", "asset_id"):
            rows = [row for row in rows if query.get(name, row[name]) == row[name]]
        return _page(rows, ask)

    def _list_trades(self, ask: Ask) -> Any:
        owner = self._owners.owner(ask)
        query = ask.query
        low, high = int(query.get("after") or 0), int(query.get("before") or 1 << 60)
        rows = []
        for deal in self._trades.deals.values():
            if deal.at > ask.now - self._past.lag:
                continue
            market = self._shelf.feed.markets[deal.key]
            for side, one in self._trades.sides(deal):
                row = self._trades.row(deal, side, market, ask.now - self._past.lag)
                at = int(row["match_time"])
                if one.ticket.owner == owner and low <= at <= high:
                    rows.append(row)
        for name in ("id", "market", "asset_id"):
            rows = [row for row in rows if query.get(name, row[name]) == row[name]]
        return _page(rows, ask)

    def _balance(self, ask: Ask) -> Any:
        owner = self._owners.owner(ask)
        kind = ask.query.get("asset_type")
        account = self._past.account(owner, ask.now)
        if kind == "COLLATERAL":
            value = account.cash.get(0, 0)
        else:
            asset = self._shelf.assets.get(ask.query.get("token_id") or "")
            if asset is None:
                raise Refusal(400, {"error": "Invalid token id"})
            value = account.held.get((asset.market.key, asset.token), 0)
        allowances = {
            "0xE111180000d2663C0091e4f400237545B87B996B": PLENTY,
            "0xe2222d279d744050d28e00520010520000310F59": PLENTY,
            "0xe3333700cA9d93003F00f0F71f8515005F6c00Aa": PLENTY,
        }
        return {"balance": str(max(0, value)), "allowances": allowances}

    def _geoblock(self, ask: Ask) -> Any:
        blocked = self._halts.mode(ask.now) == "blocked"
        return {"blocked": blocked, "ip": ask.client, "country": "CH", "region": "ZH"}

    def _positions(self, ask: Ask) -> Any:
        owner = self._owners.owner_of(ask.query.get("user") or "")
        rows = []
        for (key, outcome), qty in sorted(self._past.account(owner, ask.now).held.items()):
            if qty <= 0:
                continue
            market = self._shelf.feed.markets[key]
            rows.append(
                {
                    "proxyWallet": ask.query.get("user"),
                    "asset": market.tokens[outcome],
                    "conditionId": market.symbol,
                    "size": qty / ONE,
                    "outcome": OUTCOMES[outcome],
                    "outcomeIndex": outcome,
                    "oppositeAsset": market.tokens[1 - outcome],
                    "negativeRisk": market.neg_risk,
                    "title": market.title,
                }
            )
        limit, start = int(ask.query.get("limit") or 100), int(ask.query.get("offset") or 0)
        return rows[start : start + limit]

    def _value(self, ask: Ask) -> Any:
        return [{"user": ask.query.get("user"), "value": 0}]


def _page(rows: list[dict[str, Any]], ask: Ask) -> dict[str, Any]:
    start = 0
    cursor = ask.query.get("next_cursor") or "MA=="
    try:
        start = int(base64.b64decode(cursor))
    except ValueError:
        raise Refusal(400, {"error": "Invalid payload"}) from None
    shown = rows[start : start + PAGE] if start >= 0 else []
    more = start >= 0 and start + PAGE < len(rows)
    following = base64.b64encode(str(start + PAGE).encode()).decode() if more else END
    return {"data": shown, "next_cursor": following, "limit": PAGE, "count": len(shown)}
