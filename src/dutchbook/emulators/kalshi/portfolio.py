"""The pretend Kalshi's reads of an account: orders, fills, positions, money, groups."""

from collections.abc import Callable
from typing import Any, Final

from dutchbook.domain.units import ONE, SECOND
from dutchbook.emulators.kalshi.auth import KEY, nested
from dutchbook.emulators.kalshi.groups import Groups, Wanted
from dutchbook.emulators.kalshi.paging import page, whole
from dutchbook.emulators.kalshi.records import Records, fp, six, usd
from dutchbook.emulators.kalshi.wishes import decoded
from dutchbook.emulators.past import Past
from dutchbook.emulators.wire.rest import Ask, Path, Refusal
from dutchbook.emulators.wire.text import iso
from dutchbook.sim.desk import Desk
from dutchbook.sim.words import Happened

CENT: Final = 10_000
STATUS: Final = ("resting", "canceled", "executed")


class Portfolio:
    """`lag`: how far the positions stay behind the fills, in ns (about a second at the venue).

    All other reads show what `past` does.
    """

    def __init__(
        self, desk: Desk, past: Past, records: Records, groups: Groups, owners: dict[str, str]
    ) -> None:
        self._desk = desk
        self._past = past
        self._records = records
        self._groups = groups
        self._owners = owners
        self.lag = 0
        self.settlements: list[tuple[str, dict[str, Any]]] = []

    def paths(self) -> list[Path]:
        group = "/portfolio/order_groups/{id}"
        return [
            Path("/portfolio/orders", self._orders, gate="auth", keep=True),
            Path("/portfolio/orders/queue_positions", self._queue, gate="auth"),
            Path("/portfolio/orders/{id}/queue_position", self._place, gate="auth"),
            Path("/portfolio/orders/{id}", self._order, gate="read order", keep=True),
            Path("/portfolio/fills", self._fills, gate="auth", keep=True),
            Path("/portfolio/positions", self._positions, gate="auth", keep=True),
            Path("/portfolio/balance", self._balance, gate="auth", keep=True),
            Path("/portfolio/settlements", self._settlements, gate="auth", keep=True),
            Path("/portfolio/deposits", _none("deposits"), gate="auth"),
            Path("/portfolio/withdrawals", _none("withdrawals"), gate="auth"),
            Path("/portfolio/summary/total_resting_order_value", self._resting, gate="auth"),
            Path("/portfolio/order_groups", self._list_groups, gate="auth"),
            Path("/portfolio/order_groups/create", self._new_group, "POST", "write create"),
            Path(group, self._group, gate="auth"),
            Path(group, self._delete_group, "DELETE", "write cancel"),
            Path(f"{group}/reset", self._reset_group, "PUT", "write create"),
            Path(f"{group}/trigger", self._trip_group, "PUT", "write create"),
            Path(f"{group}/limit", self._limit_group, "PUT", "write create"),
            Path("/account/endpoint_costs", self._costs, gate="auth"),
            Path("/api_keys", self._keys, gate="auth"),
            Path("/exchange/user_data_timestamp", lambda a: {"as_of_time": iso(a.now)}),
            Path("/historical/cutoff", self._cutoff, gate="auth"),
        ]  # fmt: skip

    def heard(self, told: Happened) -> None:
        """A settlement is kept for the list."""
        if told.what != "settled":
            return
        yes, no, pays = (int(part) for part in told.detail.split())
        market = self._records.market(told.key)
        result = "yes" if pays == ONE else "no" if pays == 0 else "scalar"
        row = {
            "ticker": market.symbol,
            "event_ticker": market.event.partition(":")[2],
            "market_result": result,
            "yes_count_fp": fp(yes),
            "yes_total_cost_dollars": "0.0000",
            "no_count_fp": fp(no),
            "no_total_cost_dollars": "0.0000",
            "revenue": told.cash // CENT,
            "value": pays // CENT,
            "fee_cost": "0.000000",
            "settled_time": iso(told.at),
            "exchange_index": market.exchange_index,
        }
        self.settlements.append((told.owner, row))

    def _owner(self, ask: Ask) -> str:
        return self._owners.get(ask.headers.get(KEY) or "", "")

    def _orders(self, ask: Ask) -> Any:
        query = ask.query
        status = query.get("status")
        if status not in (None, "", *STATUS):
            raise Refusal(400, nested("invalid_parameters", "status: unknown word"))
        low, high = whole(query, "min_ts", None), whole(query, "max_ts", None)
        events = (query.get("event_ticker") or "").split(",") if query.get("event_ticker") else []
        rows = []
        for one in reversed(self._past.of_owner(self._owner(ask), ask.now)):
            row = self._records.order(one)
            event = self._records.market(one.ticket.key).event.partition(":")[2]
            at = one.ticket.at // SECOND
            if (
                query.get("ticker", row["ticker"]) == row["ticker"]
                and (not events or event in events)
                and (not status or status == row["status"])
                and (low is None or at >= low)
                and (high is None or at <= high)
            ):
                rows.append(row)
        shown, cursor = page(rows, ask, 1000)
        return {"orders": shown, "cursor": cursor}

    def _order(self, ask: Ask) -> Any:
        one = self._past.order(ask.names["id"], ask.now)
        if one is None or one.ticket.owner != self._owner(ask):
            raise Refusal(404, nested("not_found", "order not found"))
        return {"order": self._records.order(one)}

    def _queue(self, ask: Ask) -> Any:
        rows = [
            {
                "order_id": one.ticket.id,
                "market_ticker": self._records.market(one.ticket.key).symbol,
                "queue_position_fp": fp(self._desk.ahead(one.ticket.id)),
            }
            for one in self._desk.of_owner(self._owner(ask))
            if not one.ended
        ]
        return {"queue_positions": rows}

    def _place(self, ask: Ask) -> Any:
        one = self._desk.orders.get(ask.names["id"])
        if one is None or one.ticket.owner != self._owner(ask) or one.ended:
            raise Refusal(404, nested("not_found", "order not found"))
        return {"queue_position_fp": fp(self._desk.ahead(one.ticket.id))}

    def _fills(self, ask: Ask) -> Any:
        query = ask.query
        low, high = whole(query, "min_ts", None), whole(query, "max_ts", None)
        rows = []
        for one in self._past.of_owner(self._owner(ask), ask.now):
            if query.get("order_id", one.ticket.id) != one.ticket.id:
                continue
            for deal in one.deals:
                at = deal.at // SECOND
                row = self._records.fill(one, deal)
                if (
                    query.get("ticker", row["ticker"]) == row["ticker"]
                    and (low is None or at >= low)
                    and (high is None or at <= high)
                ):
                    rows.append((deal.at, row))
        rows.sort(key=lambda pair: -pair[0])
        shown, cursor = page([row for _, row in rows], ask, 1000)
        return {"fills": shown, "cursor": cursor}

    def _positions(self, ask: Ask) -> Any:
        account = self._past.account(self._owner(ask), ask.now, self.lag)
        rows = []
        for key in dict.fromkeys(key for key, _ in account.held):
            market = self._records.market(key)
            position = account.held.get((key, 0), 0) - account.held.get((key, 1), 0)
            event = market.event.partition(":")[2]
            wanted = ask.query.get("ticker", market.symbol) == market.symbol and (
                ask.query.get("event_ticker", event) == event
            )
            if wanted and (position or "count_filter" not in ask.query):
                rows.append(
                    {
                        "ticker": market.symbol,
                        "position_fp": fp(position),
                        "total_traded_dollars": "0.0000",
                        "market_exposure_dollars": "0.0000",
                        "realized_pnl_dollars": "0.0000",
                        "fees_paid_dollars": six(account.fees.get(key, 0)),
                        "last_updated_ts": iso(ask.now),
                        "exchange_index": market.exchange_index,
                    }
                )
        shown, cursor = page(rows, ask, 1000)
        return {"market_positions": shown, "event_positions": [], "cursor": cursor}

    def _balance(self, ask: Ask) -> Any:
        """All cash, that of resting orders included; cents are rounded down."""
        cash = self._past.account(self._owner(ask), ask.now).cash
        shards = [
            {"exchange_index": shard, "balance": usd(value)}
            for shard, value in sorted(cash.items())
        ]
        total = sum(cash.values())
        return {
            "balance": total // CENT,
            "balance_dollars": usd(total),
            "portfolio_value": total // CENT,
            "updated_ts": ask.now // SECOND,
            "balance_breakdown": shards,
        }

    def _settlements(self, ask: Ask) -> Any:
        owner = self._owner(ask)
        rows = [row for name, row in self.settlements if name == owner]
        ticker = ask.query.get("ticker")
        shown, cursor = page([r for r in rows if ticker in (None, r["ticker"])], ask, 1000)
        return {"settlements": shown, "cursor": cursor}

    def _resting(self, ask: Ask) -> Any:
        known = self._past.of_owner(self._owner(ask), ask.now)
        live = [one for one in known if not one.ended]
        value = sum(one.ticket.px * one.left // ONE for one in live)
        return {"total_resting_order_value": value // CENT}

    # -- groups ----------------------------------------------------------------------------------

    def _list_groups(self, ask: Ask) -> Any:
        owner = self._owner(ask)
        mine = [group for group in self._groups.groups.values() if group.owner == owner]
        return {"order_groups": [_group_row(group) for group in mine]}

    def _new_group(self, ask: Ask) -> Any:
        group = self._groups.create(self._owner(ask), decoded(ask.body, Wanted))
        return 201, {"order_group_id": group.name}

    def _group(self, ask: Ask) -> Any:
        group = self._groups.mine(ask, self._owner(ask))
        orders = [
            one.ticket.id
            for one in self._desk.of_owner(group.owner)
            if one.ticket.group == group.name and not one.ended
        ]
        return _group_row(group) | {"orders": orders}

    def _delete_group(self, ask: Ask) -> Any:
        self._groups.delete(self._groups.mine(ask, self._owner(ask)), ask.now)
        return {}

    def _reset_group(self, ask: Ask) -> Any:
        self._groups.reset(self._groups.mine(ask, self._owner(ask)))
        return {}

    def _trip_group(self, ask: Ask) -> Any:
        self._groups.trip(self._groups.mine(ask, self._owner(ask)), ask.now)
        return {}

    def _limit_group(self, ask: Ask) -> Any:
        group = self._groups.mine(ask, self._owner(ask))
        group.limit = decoded(ask.body, Wanted).limit()
        self._groups.told(group.owner, "limit_updated", group)
        return {}

    # -- account ---------------------------------------------------------------------------------

    def _costs(self, ask: Ask) -> Any:
        return {
            "default_cost": 10,
            "endpoint_costs": [
                {"method": "DELETE", "path": "/portfolio/events/orders/{order_id}", "cost": 2},
                {"method": "GET", "path": "/portfolio/orders/{order_id}", "cost": 2},
            ],
        }

    def _keys(self, ask: Ask) -> Any:
        owner = self._owner(ask)
        mine = [name for name, who in self._owners.items() if who == owner]
        rows = [{"api_key_id": name, "name": owner, "scopes": ["read", "write"]} for name in mine]
        return {"api_keys": rows}

    def _cutoff(self, ask: Ask) -> Any:
        old = iso(ask.now - 90 * 86_400 * SECOND)
        return {"market_settled_ts": old, "trades_created_ts": old, "orders_updated_ts": old}


def _none(name: str) -> Callable[[Ask], Any]:
    """A list that is always empty here: money comes through the control door."""
    return lambda ask: {name: [], "cursor": ""}


def _group_row(group: Any) -> dict[str, Any]:
    return {
        "id": group.name,
        "contracts_limit_fp": fp(group.limit),
        "is_auto_cancel_enabled": True,
    }
