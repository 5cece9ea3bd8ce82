"""How the pretend Kalshi writes down orders, fills, positions; which client ids were used."""

import hashlib
from typing import Any, Final

from dutchbook.domain.units import MILLI, ONE, SECOND, plain
from dutchbook.emulators.market.shapes import SimMarket
from dutchbook.emulators.wire.text import iso
from dutchbook.sim.desk import Desk
from dutchbook.sim.words import Deal, Standing

SIDES: Final = (("yes", "bid"), ("no", "ask"))
TIF: Final = {"gtc": "good_till_canceled", "ioc": "immediate_or_cancel", "fok": "fill_or_kill"}
REASONS: Final = {
    "asked": "", "filled": "Trade", "no_match": "", "expired": "ExpiryCancel",
    "self_trade": "SelfTradeCancel", "reduce_only": "ReduceOnlyCancel", "paused": "HaltCancel",
    "closed": "CloseCancel", "group": "", "amended": "Amend",
    "crosses": "PostOnlyCrossCancel",
}  # fmt: skip


def fp(micros: int) -> str:
    """A size with two decimals."""
    sign = "-" if micros < 0 else ""
    whole, part = divmod(abs(micros) // 10_000, 100)
    return f"{sign}{whole}.{part:02d}"


def usd(micros: int) -> str:
    """Dollars with at least four decimals."""
    text = plain(micros)
    whole, _, part = text.partition(".")
    return f"{whole}.{part.ljust(4, '0')}"


def six(micros: int) -> str:
    """Dollars with six decimals, as fees are."""
    whole, part = divmod(abs(micros), ONE)
    return f"{'-' if micros < 0 else ''}{whole}.{part:06d}"


class Records:
    """Bodies of one venue's desk. A client id stays used, for ever."""

    def __init__(self, desk: Desk, markets: dict[str, SimMarket], seed: str) -> None:
        self.desk = desk
        self._markets = markets
        self._seed = seed
        self._clients: dict[tuple[str, str], str] = {}

    def new_id(self, number: int) -> str:
        text = hashlib.sha256(f"{self._seed} order {number}".encode()).hexdigest()
        return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:32]))

    def taken(self, owner: str, client: str) -> bool:
        return (owner, client) in self._clients

    def claim(self, owner: str, client: str, order: str) -> None:
        self._clients[owner, client] = order

    def release(self, owner: str, client: str) -> None:
        self._clients.pop((owner, client), None)

    def market(self, key: str) -> SimMarket:
        return self._markets[key]

    def order(self, one: Standing) -> dict[str, Any]:
        """The order object of REST; the socket's is made of it."""
        ticket = one.ticket
        outcome, side = SIDES[ticket.outcome]
        yes = ticket.px if ticket.outcome == 0 else ONE - ticket.px
        status = "resting" if not one.ended else "executed" if one.ended == "filled" else "canceled"
        taken = sum(deal.qty for deal in one.deals if deal.taker == ticket.id)
        taker_cost = one.paid * taken // one.filled if one.filled else 0
        row = {
            "order_id": ticket.id,
            "user_id": ticket.owner,
            "client_order_id": ticket.client,
            "ticker": self._markets[ticket.key].symbol,
            "outcome_side": outcome,
            "book_side": side,
            "type": "limit",
            "status": status,
            "yes_price_dollars": usd(yes),
            "no_price_dollars": usd(ONE - yes),
            "initial_count_fp": fp(ticket.qty),
            "fill_count_fp": fp(one.filled),
            "remaining_count_fp": fp(one.left),
            "taker_fill_cost_dollars": six(taker_cost),
            "maker_fill_cost_dollars": six(one.paid - taker_cost),
            "taker_fees_dollars": six(one.fees if taken else 0),
            "maker_fees_dollars": six(0 if taken else one.fees),
            "created_time": iso(ticket.at),
            "last_update_time": iso(one.changed or ticket.at),
            "last_update_reason": REASONS.get(one.ended, "") if one.ended else "",
            "self_trade_prevention_type": (
                "maker" if ticket.self_trade == "maker" else "taker_at_cross"
            ),
            "cancel_order_on_pause": ticket.cancel_on_pause,
            "exchange_index": self._markets[ticket.key].exchange_index,
        }
        if ticket.group:
            row["order_group_id"] = ticket.group
        if ticket.expires:
            row["expiration_time"] = iso(ticket.expires)
        return row

    def fill(self, one: Standing, deal: Deal) -> dict[str, Any]:
        """The fill object of REST for one side of a deal."""
        ticket = one.ticket
        outcome, side = SIDES[ticket.outcome]
        taker = deal.taker == ticket.id
        fee = (
            deal.taker_fee + deal.taker_rounding if taker else deal.maker_fee + deal.maker_rounding
        )
        symbol = self._markets[deal.key].symbol
        return {
            "fill_id": hashlib.sha256(f"{deal.id} {ticket.id}".encode()).hexdigest()[:32],
            "trade_id": deal.id,
            "order_id": ticket.id,
            "ticker": symbol,
            "market_ticker": symbol,
            "outcome_side": outcome,
            "book_side": side,
            "count_fp": fp(deal.qty),
            "yes_price_dollars": usd(deal.px),
            "no_price_dollars": usd(ONE - deal.px),
            "is_taker": taker,
            "fee_cost": six(fee),
            "created_time": iso(deal.at),
            "ts": deal.at // SECOND,
            "exchange_index": self._markets[deal.key].exchange_index,
        }

    def position(self, owner: str, key: str) -> int:
        """YES above zero, NO below, in millionths of a contract."""
        held = self.desk.bank.owner(owner).held
        return held.get((key, 0), 0) - held.get((key, 1), 0)

    def fill_message(self, one: Standing, deal: Deal) -> dict[str, Any]:
        """The socket's fill: our own client id, and the position after it."""
        row = self.fill(one, deal)
        kept = (
            "trade_id", "order_id", "market_ticker", "exchange_index", "is_taker", "outcome_side",
            "book_side", "yes_price_dollars", "count_fp", "fee_cost",
        )  # fmt: skip
        return {name: row[name] for name in kept} | {
            "client_order_id": one.ticket.client,
            "purchased_side": row["outcome_side"],
            "post_position_fp": fp(self.position(one.ticket.owner, deal.key)),
            "ts": deal.at // SECOND,
            "ts_ms": deal.at // MILLI,
        }

    def order_message(self, one: Standing) -> dict[str, Any]:
        """The socket's user_order."""
        row = self.order(one)
        row.pop("type")
        row.pop("no_price_dollars")
        return row | {
            "created_ts_ms": one.ticket.at // MILLI,
            "last_update_ts_ms": (one.changed or one.ticket.at) // MILLI,
        }
